"""What the checks of batch norm and layer norm share: a backward pass is compared with the student's own forward pass.

So a mistake in the forward pass does not cost a backward pass that belongs to it its points, too. But the forward pass
must be the one that its own checks called: if they found it right, its gradients are the right ones
(:func:`found_right`); if one of them found a normalization, it is one here (:func:`require_attempt`); else it gives
what it gave then (:func:`hold`). Who puts another in its place, with simpler gradients, gains nothing.

``forward(x, gamma, beta)`` returns (out, cache) and ``backward(dout, cache)`` returns (dx, dgamma, dbeta), for x (N, D)
and gamma, beta (D,), all float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.checks import (
    require_close,
    require_results,
    require_shape,
    require_slope,
    require_unchanged,
)
from normlab.gradcheck import GradientMismatch, check_nodes, numerical_gradient
from normlab.graph import Node, backward, sqrt, vjp

__all__ = [
    "differences",
    "first_wrong_node",
    "forget",
    "found_right",
    "hold",
    "require_attempt",
    "require_backward",
    "require_graph",
    "require_repeatable",
]

Array = NDArray[Any]
Inputs = tuple[Array, Array, Array]
Forward = Callable[..., Any]
Backward = Callable[[Array, Any], Any]
GRADIENTS = ("dx", "dgamma", "dbeta")
ANOTHER = (
    "returns another out here than in its own checks (if you changed it after they ran: restart the kernel and run all "
    "cells)"
)
STEP = 1e-5  # of numerical_gradient
RIGHT: set[str] = set()
"""What :func:`found_right` was told in this process, which is one notebook's."""
HELD: dict[bytes, Array] = {}
"""What :func:`hold` saw: the inputs of a backward pass's check -> out."""


def found_right(forward: str) -> None:
    """Remember that the checks of the forward pass of this name found it right.

    From then on :func:`require_graph` takes no other result from it. "a normalization along 0" is found where a check
    saw out = gamma * (a multiple of the centered x) + beta; :func:`require_attempt` asks for that from then on.

    >>> found_right("scale_forward")
    >>> "scale_forward" in RIGHT
    True
    """
    RIGHT.add(forward)


def hold(*passes: tuple[Forward, tuple[Array, ...]]) -> None:
    """Remember what each ``forward(*inputs)`` gives, for inputs that :func:`require_graph` is to be called with later.

    A hidden check of the forward pass begins with it: who fails there on purpose is held all the same, also who raises
    or ends the process.

    >>> hold((lambda x: (2 * x, None), (np.ones(2),)))
    """
    HELD.update((_key(inputs), np.array(np.nan)) for _, inputs in passes)
    for forward, inputs in passes:
        with suppress(Exception, SystemExit, KeyboardInterrupt, GeneratorExit):
            given = (array.copy() for array in inputs)
            results = require_results("the forward pass", forward(*given), ("out", "cache"))
            HELD[_key(inputs)] = np.array(results[0])


def forget() -> None:
    """Another notebook begins: what :func:`found_right` and :func:`hold` remember was of the one before.

    >>> forget()
    >>> len(RIGHT) + len(HELD)
    0
    """
    RIGHT.clear()
    HELD.clear()


def _key(inputs: tuple[Array, ...]) -> bytes:
    return b"".join(array.tobytes() for array in inputs)


def require_attempt(forward: Forward, inputs: Inputs, along: int) -> None:
    """``forward(x, gamma, beta)`` must at least be an attempt to normalize x (N, D) along an axis.

    Its output has x's shape; moving one element of x moves the others along the axis; and out is no linear function of
    x. A backward pass that is compared with a forward pass of constants would else be right when it returns zeros. What
    becomes of gamma and beta is the forward pass's own affair. A change counts from a millionth of what a mean over all
    of x hands on of a change in one element: far above rounding, and below what x far from 0 leaves of a curve. It must
    be there for a small step, too: on a stair all differences are 0, and zeros the right gradients.

    Where a check found a normalization (:func:`found_right`), this must be one: out is gamma times a multiple of the
    centered x, plus beta, and the multiple changes with the outermost element, by at least a fiftieth of what it would
    where the variance is that of all of x. A gradient that leaves this out is wrong by more than is allowed.

    >>> require_attempt(lambda x, gamma, beta: (gamma * x + beta, None), (np.eye(3), np.ones(3), np.zeros(3)), along=0)
    Traceback (most recent call last):
    AssertionError: ...: an element of x must influence the others of its column
    """
    advice = "the backward pass is checked against your forward pass, which must normalize first"
    x, gamma, beta = inputs

    def out(x: Array) -> Array:
        results = require_results("the forward pass", forward(x.copy(), gamma.copy(), beta.copy()), ("out", "cache"))
        return require_shape("out of your forward pass", results[0], x.shape, x.dtype)

    here, far, one = out(x), np.std(x), np.zeros_like(x)
    one[0, 0] = 1.0
    there, least = out(x + far * one), 1e-6 * np.std(here) / x.size
    bend = there + out(x - far * one) - 2 * here
    slope = (out(x + STEP * one) - out(x - STEP * one)) / (2 * STEP)
    for moved in (there - here, far * slope):
        others = moved[1:, 0] if along == 0 else moved[0, 1:]
        assert np.max(np.abs(others)) > least, (
            f"{advice}: an element of x must influence the others of its {'column' if along == 0 else 'row'}"
        )
    assert np.max(np.abs(bend)) > least, f"{advice}: out may not be a linear function of x"
    if f"a normalization along {along}" in RIGHT:
        off = np.abs(x - x.mean(axis=along, keepdims=True))
        one = STEP * (off == off.max())
        above, below = (_multiple(out(near), near, gamma, beta, along) for near in (x + one, x - one))
        assert np.any(_moves(above - below, x, above)), f"your forward pass {ANOTHER}"


def _multiple(out: Array, x: Array, gamma: Array, beta: Array, along: int | None) -> Array:
    """What multiple of the centered x, in each column or row, (out - beta) / gamma is; it must be one."""
    x_hat, centered = (out - beta) / gamma, x - x.mean(axis=along, keepdims=True)
    factor = np.sum(x_hat * centered, along, keepdims=True) / np.sum(centered**2, along, keepdims=True)
    off = np.max(np.abs(x_hat - factor * centered))
    assert off < 1e-6 * np.max(np.abs(x_hat)), f"your forward pass {ANOTHER}"
    return np.asarray(factor)


def _moves(change: Array, x: Array, multiple: Array) -> Array:
    """Whether multiples change, as an element of x moves by 2 STEP, by a fiftieth of what they at least should."""
    return np.asarray(np.std(x) * np.abs(change) > 0.02 / x.size * 2 * STEP * np.max(np.abs(multiple)))


def require_backward(
    forward: Forward, backward: Backward, inputs: Inputs, dout: Array, along: int, threshold: float = 1e-6
) -> None:
    """``backward`` must be the backward pass of ``forward``, whatever that computes.

    ``forward(x, gamma, beta)`` returns (out, cache), ``backward(dout, cache)`` returns (dx, dgamma, dbeta), for
    ``inputs`` x (N, D), gamma and beta (D,). Each gradient must have its input's shape and agree with central
    differences of sum(dout * out) (h = 1e-5, float64); one whose differences are 0 must be 0 up to rounding. The order
    is that of the way back: dbeta, dgamma, dx. The forward pass must be an attempt (:func:`require_attempt`) at a
    normalization along the axis ``along``.

    >>> def divide(x, gamma, beta):
    ...     return gamma * x / np.abs(x).sum(axis=1, keepdims=True) + beta, None
    >>> inputs, dout = (np.eye(3) + 1, np.ones(3), np.zeros(3)), np.eye(3)
    >>> require_backward(divide, lambda dout, cache: (dout, dout[0], dout[0]), inputs, dout, along=1)
    Traceback (most recent call last):
    AssertionError: dbeta (against differences of your forward pass) is not what it should be: ...
    """
    require_attempt(forward, inputs, along)
    _, cache = forward(*(array.copy() for array in inputs))
    # Copies: zeros written into dout, and returned, would else agree with differences weighted with them; and a forward
    # pass that is called here could write what it finds into gradients that were returned.
    results = require_results("the backward pass", backward(dout.copy(), cache), GRADIENTS)
    gradients = [got.copy() if isinstance(got, np.ndarray) else got for got in results]
    slopes = differences(forward, inputs, dout, along)
    for name, got, want in reversed([*zip(GRADIENTS, gradients, slopes, strict=True)]):
        require_shape(name, got, want.shape)
        require_slope(f"{name} (against differences of your forward pass)", got, want, threshold)


def require_graph(
    formula: Callable[..., Node],
    forward: Forward,
    backward: Backward,
    inputs: tuple[Array, ...],
    dout: Array,
    promises: Sequence[str],
    names: tuple[str, ...] = GRADIENTS,
) -> None:
    """Where ``forward`` computes ``formula(*inputs)``, ``backward`` must return the graph's gradients to 1e-10.

    The graph has all digits, where differences have half of them. A forward pass that computes another formula is left
    to its own differences (:func:`require_backward`), if it gives the out that :func:`hold` saw, and unless
    :func:`found_right` was told all ``promises``. The formula is the check's: students have this package, and a
    normalization in it could be called for an answer.

    >>> def scale(x, gamma, beta):
    ...     return gamma * x + beta
    >>> inputs, dout = (np.ones((2, 1)), np.array([3.0]), np.zeros(1)), np.ones((2, 1))
    >>> def rounded(dout, cache):
    ...     return 3 * dout + 1e-8, np.array([2.0]), np.array([2.0])
    >>> require_graph(scale, lambda *given: (scale(*given), None), rounded, inputs, dout, ["scale_forward"])
    Traceback (most recent call last):
    AssertionError: dx (beside the graph's) is not what it should be: relative error 3.3e-09, ...
    """
    out, cache = forward(*(array.copy() for array in inputs))
    is_formula = np.max(np.abs(out - formula(*map(Node, inputs)).value)) < 1e-9
    before = HELD.get(_key(inputs), out)
    same = np.shape(before) == np.shape(out) and np.allclose(out, before, rtol=1e-9, atol=1e-9)
    assert is_formula or (same and not RIGHT.issuperset(promises)), f"{promises[0]} {ANOTHER}"
    if is_formula:
        gradients = require_results("the backward pass", backward(dout.copy(), cache), names)
        for name, got, want in reversed([*zip(names, gradients, vjp(formula, *inputs, dout=dout), strict=True)]):
            require_slope(f"{name} (beside the graph's)", got, want, 1e-10)


def differences(forward: Forward, inputs: Inputs, dout: Array, along: int | None = None) -> list[Array]:
    """Central differences of sum(dout * out) in x, gamma and beta, for ``forward(x, gamma, beta)`` -> (out, cache).

    Each call gets copies, so that a forward pass that writes into its inputs spoils nothing here. Where a check found a
    normalization along the axis ``along`` (:func:`found_right`), each call must give one, and the multiple of the
    centered x must change with x, in each column or row, and with nothing else: who gives constants while the
    differences are taken, and only then, would else be right to return zeros.

    >>> def scale(x, gamma, beta):
    ...     return gamma * x + beta, None
    >>> inputs, dout = (np.ones((2, 1)), np.array([3.0]), np.zeros(1)), np.array([[1.0], [2.0]])
    >>> dx, dgamma, dbeta = differences(scale, inputs, dout)
    >>> dx.round(6).tolist(), dgamma.round(6), dbeta.round(6)
    ([[3.0], [6.0]], array([3.]), array([3.]))
    """
    x, gamma, beta = arrays = [array.copy() for array in inputs]
    multiples: list[Array] = []

    def out(_: Array) -> Array:
        result = np.array(forward(*(array.copy() for array in arrays))[0])
        if f"a normalization along {along}" in RIGHT:
            multiples.append(_multiple(result, x, gamma, beta, along))
        return result

    slopes = [numerical_gradient(out, array, dout) for array in arrays]
    if multiples:
        pairs = np.reshape(multiples, (-1, 2, multiples[0].size))  # (element, above and below, column or row)
        changes, others = pairs[: x.size, 0] - pairs[: x.size, 1], pairs[x.size :]
        assert np.all(np.any(_moves(changes, x, others), axis=0)), f"your forward pass {ANOTHER}"
        assert np.ptp(others, axis=(0, 1)).max() < 1e-6 * np.max(np.abs(others)), f"your forward pass {ANOTHER}"
    return slopes


def require_repeatable(forward: Forward, backward: Backward, inputs: Inputs, dout: Array) -> None:
    """``backward`` must leave dout and the cache as they are: a second call gives the same gradients as the first.

    Another forward pass comes between, so that what it needs must be in the cache and not in a variable outside.

    >>> def careless(dout, cache):
    ...     dout *= 2
    ...     return dout, dout[0], dout[0]
    >>> inputs = np.ones((2, 1)), np.ones(1), np.zeros(1)
    >>> require_repeatable(lambda x, gamma, beta: (x, None), careless, inputs, np.ones((2, 1)))
    Traceback (most recent call last):
    AssertionError: dout was changed by the call; work on a new array instead of writing into it
    """
    results = forward(*(array.copy() for array in inputs))
    _, cache = require_results("the forward pass", results, ("out", "cache"))
    before = dout.copy()
    first = [np.array(got) for got in require_results("the backward pass", backward(dout, cache), GRADIENTS)]
    require_unchanged("dout", dout, before)
    forward(*(2 * array + 1 for array in inputs))
    for name, once, twice in zip(GRADIENTS, first, backward(dout, cache), strict=True):
        require_close(f"{name}, when the backward pass is called again,", twice, once, 1e-12)


def first_wrong_node(gradients_of: Callable[[Array, Array, Array, Array, float], Any]) -> str:
    """How far ``gradients_of(dout, x, gamma, beta, eps)`` gets on the way back through batch norm, in one sentence.

    It returns a dictionary from a node's name ("beta", "gamma", "x_hat", "std", "var", "x_mu", "mu", "x") to the
    gradient of sum(dout * out) in it. The check goes in this order and stops at the first that is missing or wrong.

    >>> first_wrong_node(lambda dout, x, gamma, beta, eps: {})
    'No gradient yet: begin with that of beta.'
    """
    rng = np.random.default_rng(12)
    eps, dout = 0.1, rng.normal(size=(6, 3))
    leaves = {"x": rng.normal(2.0, 1.5, (6, 3)), "gamma": rng.normal(size=3), "beta": rng.normal(size=3)}
    x, gamma, beta = (Node(array.copy(), name) for name, array in leaves.items())
    mean = x.mean(axis=0).named("mu")
    centered = (x - mean).named("x_mu")
    divisor = sqrt((centered**2).mean(axis=0).named("var") + eps).named("std")
    output = (centered / divisor).named("x_hat") * gamma + beta
    backward(output, dout)
    gradients = gradients_of(dout, leaves["x"], leaves["gamma"], leaves["beta"], eps)
    assert isinstance(gradients, Mapping), (
        f"your gradients must be in a dictionary, got an object of type {gradients.__class__.__name__}"
    )
    if not gradients:
        return "No gradient yet: begin with that of beta."
    names = ("beta", "gamma", "x_hat", "std", "var", "x_mu", "mu", "x")
    try:
        check_nodes(gradients, output, names)
    except (GradientMismatch, ValueError, TypeError) as error:
        return f"Not yet: {error}."
    return f"All {len(names)} gradients are right."
