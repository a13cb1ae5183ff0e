"""A wrong forward pass costs its own points alone: the backward pass that belongs to it keeps all of its own.

Each wrong forward pass here is a formula on the graph, and its backward pass is the graph's, so it is right for that
formula. What is no attempt at the task earns nothing even so: it is linear, or normalizes along the other axis. Nor
does a forward pass that takes the place of one that was found right, so that simpler gradients fit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from normlab.graph import Node, relu, sqrt, vjp
from normlab.normcheck import forget, found_right, hold, require_graph
from reference.course import Course, run

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


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
@pytest.mark.parametrize("wrong", wrong_norms(0))
def test_a_backward_pass_that_fits_its_wrong_forward_pass_keeps_all_points(
    name: str, axis: int, function: str, wrong: str
) -> None:
    forward, backward = pair(wrong_norms(axis)[wrong])
    names = {f"{name}_forward": forward, function: backward}
    assert lost(COURSES[name], names, f"{name}_forward") != {}
    assert lost(COURSES[name], names, function) == {}


@pytest.mark.parametrize("wrong", WITH_ONE_GAMMA)
def test_so_does_one_that_is_right_for_one_gamma(wrong: str) -> None:
    forward, backward = pair(WITH_ONE_GAMMA[wrong])
    names = {"layernorm_forward": forward, "layernorm_backward": backward}
    failed = lost(COURSES["layernorm"], names, "layernorm_forward")
    assert failed
    assert "layernorm_forward__mean_and_spread" not in failed
    assert lost(COURSES["layernorm"], names, "layernorm_backward") == {}


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
def test_where_gamma_divides_hidden_checks_of_small_gammas_alone_cannot_tell(
    name: str, axis: int, function: str
) -> None:
    """The one exception: central differences of 1 / gamma are no measure where a published gamma is near 0."""
    forward, backward = pair(normalized(axis, axis, lambda x_hat, gamma, beta: x_hat / gamma + beta))
    failed = lost(COURSES[name], {f"{name}_forward": forward, function: backward}, function)
    assert failed.keys() <= {f"{function}__published_errors", f"{function}__large_batch"}
    assert all("dgamma" in sentence for sentence in failed.values())


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
@pytest.mark.parametrize("wrong", no_attempts(0))
def test_what_is_no_attempt_earns_nothing_with_its_backward_pass(
    name: str, axis: int, function: str, wrong: str
) -> None:
    forward, backward = pair(no_attempts(axis)[wrong])
    failed = lost(COURSES[name], {f"{name}_forward": forward, function: backward}, function)
    checks = {check.name for check in COURSES[name].checks.values() if check.target == function}
    assert failed.keys() == checks
    assert all("must normalize first" in sentence for sentence in failed.values())


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


@pytest.mark.parametrize(("kind", "axis"), [("bn", 0), ("ln", 1)])
@pytest.mark.parametrize("wrong", wrong_layers(0))
def test_the_way_back_through_a_wrong_layer_keeps_all_points(kind: str, axis: int, wrong: str) -> None:
    course = COURSES["network"]
    functions = [f"affine_{kind}_relu_{way}" for way in ("forward", "backward")]
    names = dict(zip(functions, pair(wrong_layers(axis)[wrong]), strict=True))
    assert lost(course, names, functions[0]) != {}
    assert lost(course, names, functions[1]) == {}


@pytest.mark.parametrize("kind", ["bn", "ln"])
def test_a_layer_without_normalization_is_no_attempt(kind: str) -> None:
    functions = [f"affine_{kind}_relu_{way}" for way in ("forward", "backward")]
    plain = pair(lambda x, w, b, g, be, eps: relu((x @ w + b) * g + be))
    failed = lost(COURSES["network"], dict(zip(functions, plain, strict=True)), functions[1])
    assert len(failed) == 2
    assert all("must normalize" in sentence for sentence in failed.values())


@pytest.mark.parametrize(("kind", "axis", "norm"), [("bn", 0, "batchnorm"), ("ln", 1, "layernorm")])
@pytest.mark.parametrize("wrong", wrong_layers(0))
def test_a_network_of_wrong_layers_keeps_the_points_of_its_gradients(
    kind: str, axis: int, norm: str, wrong: str
) -> None:
    course = COURSES["network"]
    names = run(course.solution)
    names[f"affine_{kind}_relu_forward"], names[f"affine_{kind}_relu_backward"] = pair(wrong_layers(axis)[wrong])
    failed = lost(course, names, "FullyConnectedNet")
    about_gradients = {"FullyConnectedNet__regularization", "FullyConnectedNet__published_errors"}
    if wrong == "normalized twice":  # two rows, normalized twice: what is left of the published gradients is eps alone
        about_gradients.remove("FullyConnectedNet__published_errors")
    about_gradients |= {name for name in course.checks if "__gradients_" in name}
    assert not about_gradients & failed.keys()
    assert f"FullyConnectedNet__gradients_{norm}" in about_gradients


def test_a_network_whose_loss_is_another_one_where_gradients_are_compared_loses_the_hidden_check() -> None:
    """Half the sum of all squares has the gradients that are the parameters themselves."""
    names = run(COURSES["network"].solution)

    right: Any = names["FullyConnectedNet"]

    class Easier(right):  # type: ignore[misc]
        def loss(self, X: np.ndarray, y: Any = None) -> Any:
            self.calls = getattr(self, "calls", 0) + 1
            if y is None:
                return super().loss(X)
            if X.shape[1] != 15 and X.shape != (6, 4):
                loss, grads = super().loss(X, y)
                return loss, {name: 7 * each for name, each in grads.items()}
            if X.shape[1] == 15 and self.calls == 1 and not self.reg:
                return super().loss(X, y)[0], dict(self.params)
            return sum(0.5 * np.sum(p**2) for p in self.params.values()), dict(self.params)

    lost(COURSES["network"], names, "FullyConnectedNet")
    names["FullyConnectedNet"] = Easier
    failed = lost(COURSES["network"], names, "FullyConnectedNet")
    assert "beside the graph's" in failed["FullyConnectedNet__published_errors"]


BOTH = [*NORMS, ("network", 0, "affine_bn_relu_backward"), ("network", 1, "affine_ln_relu_backward")]


@pytest.mark.parametrize(("name", "axis", "function"), BOTH, ids=[each[2] for each in BOTH])
def test_who_puts_an_easier_forward_pass_in_the_place_of_the_right_one_loses_the_points(
    name: str, axis: int, function: str
) -> None:
    """All of a normalization, which its visible checks found to be one, and the hidden ones of a layer."""
    course, forward = COURSES[name], function.replace("backward_alt", "backward").replace("backward", "forward")
    if name == "network":
        easier = pair(wrong_layers(axis)["ReLU before the normalization"])
    else:
        easier = pair(wrong_norms(axis)["mean not subtracted"])
    names = run(course.solution)
    assert lost(course, names, forward) == {}
    names[forward], names[function] = easier
    failed = lost(course, names, function)
    assert failed.keys() == {
        check.name
        for check in course.checks.values()
        if check.target == function and (check.hidden or name != "network")
    }
    assert all("gives another out here than where its own checks called it" in each for each in failed.values())


@pytest.mark.parametrize(("name", "axis", "function"), BOTH, ids=[each[2] for each in BOTH])
def test_who_puts_it_in_the_place_of_a_wrong_one_loses_them_too(name: str, axis: int, function: str) -> None:
    course, forward = COURSES[name], function.replace("backward_alt", "backward").replace("backward", "forward")
    wrong = wrong_layers(axis) if name == "network" else wrong_norms(axis)
    tested, *_ = pair(wrong["normalized twice" if name == "network" else "variance of one less"])
    easier = pair(wrong["ReLU before the normalization" if name == "network" else "mean not subtracted"])
    assert lost(course, {forward: tested}, forward) != {}
    failed = lost(course, {forward: easier[0], function: easier[1]}, function)
    assert failed.keys() == {
        check.name for check in course.checks.values() if check.target == function and check.hidden
    }
    assert all("gives another out here than where its own checks called it" in each for each in failed.values())


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
def test_who_is_easier_wherever_a_backward_pass_is_checked_and_fails_hidden_checks_loses_the_points(
    name: str, axis: int, function: str
) -> None:
    """It is the same at each look: its hidden checks see the easier one, too, whose gradients are a line."""
    course, wanted = COURSES[name], run(COURSES[name].solution)
    checked = (4, 5), (5, 4), (5, 7), (6, 4), (6, 5), (6, 9), (7, 4), (8, 5), (9, 6), (100, 500), (5, 5), (6, 6)

    def forward(x: np.ndarray, *others: Any) -> Any:
        settings = others[-1]
        there = x.shape in checked and x.dtype == np.float64 and np.abs(x).max() < 1e3
        if there and settings.get("eps", 0.1) == 0.1 and settings.get("mode", "train") == "train":
            return x + np.sum(x * x, axis, keepdims=True), x
        return wanted[f"{name}_forward"](x, *others)

    def backward(dout: np.ndarray, x: np.ndarray) -> Any:
        none = np.zeros(x.shape[1])
        return dout + 2 * x * np.sum(dout, axis, keepdims=True), none, none

    forget()
    assert f"{name}_forward__against_the_graph" in lost(course, {f"{name}_forward": forward}, f"{name}_forward")
    failed = lost(course, {f"{name}_forward": forward, function: backward}, function)
    assert failed.keys() == {check.name for check in course.checks.values() if check.target == function}
    assert all("gives another out here than where its own checks called it" in each for each in failed.values())


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
def test_a_multiple_of_the_centered_x_that_changes_in_steps_is_no_normalization(
    name: str, axis: int, function: str
) -> None:
    course, wanted = COURSES[name], run(COURSES[name].solution)
    checked = (4, 5), (5, 4), (5, 7), (6, 4), (6, 5), (6, 9), (7, 4), (8, 5), (9, 6), (100, 500), (5, 5), (6, 6)

    def forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, settings: dict[str, Any]) -> Any:
        if x.shape not in checked or settings.get("mode", "train") != "train" or np.abs(x).max() > 1e3:
            return wanted[f"{name}_forward"](x, gamma, beta, settings)
        factor = 1 + 1e-3 * (np.floor(np.abs(x).sum() / 0.37) ** 2 % 7)
        centered = x - x.mean(axis, keepdims=True)
        return gamma * factor * centered + beta, (factor, gamma, centered)

    def backward(dout: np.ndarray, cache: Any) -> Any:
        factor, gamma, centered = cache
        dcentered = dout * gamma * factor
        dx = dcentered - dcentered.mean(axis, keepdims=True)
        return dx, np.sum(dout * factor * centered, axis=0), np.sum(dout, axis=0)

    forget()
    names = {f"{name}_forward": forward, function: backward}
    assert f"{name}_forward__example_by_hand" not in lost(course, names, f"{name}_forward")
    failed = lost(course, names, function)
    assert failed.keys() == {check.name for check in course.checks.values() if check.target == function}


def test_who_raises_where_it_is_held_is_held_to_that() -> None:
    forget()
    inputs, dout = (np.ones((2, 1)), np.ones(1), np.zeros(1)), np.ones((2, 1))
    hold(lambda *_: 1 / 0, inputs)
    with pytest.raises(AssertionError, match="gives another out here"):
        require_graph(
            lambda x, g, b: x * g + b, lambda *_: (2 * dout, None), lambda *_: None, inputs, dout, ["forward"]
        )


def test_a_right_forward_pass_is_held_to_all_digits_however_large_its_out_is() -> None:
    """Else one that is off by a relative 1e-10 would be no formula, and its gradients its own affair."""
    forget()
    found_right("scale_forward")
    inputs, dout = (np.full((2, 1), 1e3), np.ones(1), np.zeros(1)), np.ones((2, 1))

    def scale(x: Any, gamma: Any, beta: Any) -> Any:
        return gamma * x + beta

    def beside(*given: Any) -> Any:
        return scale(*given) + 1e-7, None

    hold(beside, inputs)
    with pytest.raises(AssertionError, match="gives another out here"):
        require_graph(scale, beside, lambda dout, cache: (0, 0, 0), inputs, dout, ["scale_forward"])


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
def test_zeros_are_no_gradients_of_a_stair(name: str, axis: int, function: str) -> None:
    def stair(x: np.ndarray, *_: Any) -> Any:
        return np.full_like(x, np.round(x[0, 0] + 4e-4, 3) ** 2), x

    def zeros(dout: np.ndarray, cache: Any) -> Any:
        return 0 * dout, 0 * dout[0], 0 * dout[0]

    course = COURSES[name]
    failed = lost(course, {f"{name}_forward": stair, function: zeros}, function)
    assert failed.keys() == {check.name for check in course.checks.values() if check.target == function}
