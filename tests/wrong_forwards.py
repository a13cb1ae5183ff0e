"""Wrong forward passes as formulas on the graph, each with the backward pass that is right for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from normlab.graph import Node, relu, sqrt, vjp
from normlab.normcheck import forget
from reference.course import Course

Formula = Callable[..., Node]
COURSES = {name: Course(name) for name in ("batchnorm", "layernorm", "network")}


def normalized(mean: int | None, variance: int | None, out: Formula | None = None) -> Formula:
    """Normalization with the mean and the variance over these axes; ``out(x_hat, gamma, beta)`` scales and shifts."""

    def formula(x: Node, gamma: Node, beta: Node, eps: float) -> Node:
        centered = x - x.mean(axis=mean, keepdims=True)
        x_hat = centered / sqrt((centered**2).mean(axis=variance, keepdims=True) + eps)
        return out(x_hat, gamma, beta) if out else x_hat * gamma + beta

    return formula


def divided(axis: int, divisor: Callable[[Node, Node, float], Node], center: float = 1.0) -> Formula:
    """``center`` times the mean taken away, then divided by ``divisor(centered, variance, eps)``."""

    def formula(x: Node, gamma: Node, beta: Node, eps: float) -> Node:
        mean = x.mean(axis=axis, keepdims=True)
        centered = x - mean * center
        variance = ((x - mean) ** 2).mean(axis=axis, keepdims=True)
        return centered / divisor(centered, variance, eps) * gamma + beta

    return formula


def wrong_norms(axis: int) -> dict[str, Formula]:
    return {
        "mean of everything": normalized(None, axis),
        "variance of everything": normalized(axis, None),
        "statistics of everything": normalized(None, None),
        "mean along the other axis": normalized(1 - axis, axis),
        "variance along the other axis": normalized(axis, 1 - axis),
        "shift before scale": normalized(axis, axis, lambda x_hat, gamma, beta: (x_hat + beta) * gamma),
        "gamma and beta exchanged": normalized(axis, axis, lambda x_hat, gamma, beta: x_hat * beta + gamma),
        "gamma forgotten": normalized(axis, axis, lambda x_hat, gamma, beta: x_hat + beta),
        "beta forgotten": normalized(axis, axis, lambda x_hat, gamma, beta: x_hat * gamma),
        "eps outside the root": divided(axis, lambda centered, variance, eps: sqrt(variance) + eps),
        "no square root": divided(axis, lambda centered, variance, eps: variance + eps),
        "variance of one less": divided(axis, lambda centered, variance, eps: sqrt(variance * 1.25 + eps)),
        "mean not subtracted": divided(axis, lambda centered, variance, eps: sqrt(variance + eps), center=0.0),
        "mean added": divided(axis, lambda centered, variance, eps: sqrt(variance + eps), center=-1.0),
        "root of the mean square": divided(
            axis, lambda c, _, eps: sqrt((c**2).mean(axis=axis, keepdims=True) + eps), center=0.0
        ),
    }


def of_gamma(x: Node, gamma: Node, beta: Node, eps: float) -> Node:
    """Layer norm of gamma x, divided by the standard deviation of x."""
    scaled = x * gamma
    variance = ((x - x.mean(axis=1, keepdims=True)) ** 2).mean(axis=1, keepdims=True)
    return (scaled - scaled.mean(axis=1, keepdims=True)) / sqrt(variance + eps) + beta


def centered_again(x: Node, gamma: Node, beta: Node, eps: float) -> Node:
    right = normalized(1, 1)(x, gamma, beta, eps)
    return right - right.mean(axis=1, keepdims=True) + beta.mean()


# Right where gamma and beta are the same for all features, and there alone.
WITH_ONE_GAMMA = {
    "gamma before the mean": of_gamma,
    "the mean of gamma and of beta": normalized(1, 1, lambda x_hat, gamma, beta: x_hat * gamma.mean() + beta.mean()),
    "out centered again": centered_again,
}


def no_attempts(axis: int) -> dict[str, Formula]:
    return {
        "nothing": lambda x, gamma, beta, eps: x * gamma + beta,
        "no division": lambda x, gamma, beta, eps: (x - x.mean(axis=axis, keepdims=True)) * gamma + beta,
        "the other axis": normalized(1 - axis, 1 - axis),
        "constant": lambda x, gamma, beta, eps: x * 0.0 + gamma + beta,
    }


def pair(formula: Formula) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A forward pass of the formula, and the backward pass that the graph says; a notebook of their own."""
    forget()

    def forward(*given: Any) -> Any:
        *arrays, settings = given
        eps, kept = settings.get("eps", 1e-5), [array.copy() for array in arrays]

        def on_the_graph(*nodes: Node) -> Node:
            return formula(*nodes, eps)

        out = on_the_graph(*map(Node, kept)).value
        if "mode" in settings:
            settings |= {"running_mean": np.zeros(out.shape[1]), "running_var": np.zeros(out.shape[1])}
        return out, (kept, on_the_graph)

    def backward(dout: np.ndarray, cache: Any) -> tuple[np.ndarray, ...]:
        kept, on_the_graph = cache
        return vjp(on_the_graph, *kept, dout=dout)

    return forward, backward


def lost(course: Course, names: dict[str, Any], function: str) -> dict[str, str]:
    """Of the checks of one function: those that fail, and what they say."""
    found = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for check in course.checks.values():
            if check.target == function:
                try:
                    check(**{name: names[name] for name in check.needs})
                except Exception as error:
                    found[check.name] = str(error)
    return found


NORMS = [("batchnorm", 0, "batchnorm_backward"), ("batchnorm", 0, "batchnorm_backward_alt")]
NORMS += [("layernorm", 1, "layernorm_backward")]


def wrong_layers(axis: int) -> dict[str, Formula]:
    def norm(a: Node, eps: float) -> Node:
        centered = a - a.mean(axis=axis, keepdims=True)
        return centered / sqrt((centered**2).mean(axis=axis, keepdims=True) + eps)

    return {
        "ReLU before the normalization": lambda x, w, b, g, be, eps: norm(relu(x @ w + b), eps) * g + be,
        "no ReLU": lambda x, w, b, g, be, eps: norm(x @ w + b, eps) * g + be,
        "b behind the normalization": lambda x, w, b, g, be, eps: relu(norm(x @ w, eps) * g + be + b),
        "the input normalized": lambda x, w, b, g, be, eps: relu((norm(x, eps) @ w + b) * g + be),
        "bias forgotten": lambda x, w, b, g, be, eps: relu(norm(x @ w, eps) * g + be),
        "gamma forgotten": lambda x, w, b, g, be, eps: relu(norm(x @ w + b, eps) + be),
        "beta forgotten": lambda x, w, b, g, be, eps: relu(norm(x @ w + b, eps) * g),
        "normalized twice": lambda x, w, b, g, be, eps: relu(norm(norm(x @ w + b, eps) * g + be, eps) * g + be),
        "the other axis": lambda x, w, b, g, be, eps: relu(norm((x @ w + b).T, eps).T * g + be),
    }
