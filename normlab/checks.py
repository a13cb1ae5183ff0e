"""Sentences for the notebooks' checks: each ``require_…`` passes in silence or says in one sentence what is wrong.

What a check receives may be anything: None, a list, an array of text, nan. Every function here takes it, and raises
AssertionError with what was expected and what came. A relative error here is that of the whole array, ::

    max |got - want| / max |want|

so that an element that happens to be near 0 does not decide; where all that is wanted is 0, use :func:`require_zero`.
Every error meets its threshold in :func:`require_within`, so that one place tells how far the two are from each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from normlab.gradcheck import GradientMismatch, check_nodes, numerical_gradient, relative_error
from normlab.graph import Node, backward, sqrt, vjp

__all__ = [
    "differences",
    "first_wrong_node",
    "require_attempt",
    "require_backward",
    "require_close",
    "require_graph",
    "require_ratio",
    "require_relative_error",
    "require_repeatable",
    "require_results",
    "require_shape",
    "require_slope",
    "require_unchanged",
    "require_within",
    "require_zero",
]

Array = NDArray[Any]
Inputs = tuple[Array, Array, Array]
Forward = Callable[[Array, Array, Array], Any]
Backward = Callable[[Array, Any], Any]
GRADIENTS = ("dx", "dgamma", "dbeta")

NO_INFLUENCE = 1e-6
"""A slope below is 0 but for the noise of central differences, which is about 1e-10 for results around 1."""


def require_within(error: float, threshold: float, sentence: str) -> None:
    """Fail with ``sentence`` where ``error`` is above ``threshold`` (or nan).

    >>> require_within(1e-3, 1e-9, "too far away")
    Traceback (most recent call last):
    AssertionError: too far away
    """
    assert error <= threshold, sentence


def require_results(what: str, got: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """The results of a call of ``what``, of which there must be as many as ``names``.

    >>> require_results("split", (1, 2), ["low", "high"])
    (1, 2)
    >>> require_results("split", None, ["low", "high"])
    Traceback (most recent call last):
    AssertionError: split must return 2 results (low, high), got None
    """
    try:
        results = tuple(got)
    except TypeError:
        results = (got,)
    assert len(results) == len(names), f"{what} must return {len(names)} results ({', '.join(names)}), got {_kind(got)}"
    return results


def require_shape(what: str, got: Any, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
    """``got`` as an array; it must be one of real, finite numbers with this shape (and, where asked, this dtype).

    >>> require_shape("out", np.zeros((2, 3)), (2, 3), np.float64).sum()
    np.float64(0.0)
    >>> require_shape("out", np.zeros((2, 3)), (3, 2))
    Traceback (most recent call last):
    AssertionError: out must have shape (3, 2), got (2, 3)
    """
    assert not isinstance(got, list | tuple | str | bytes), f"{what} must be a numpy array, got {_kind(got)}"
    array = _numbers(what, got)
    assert array.shape == tuple(shape), f"{what} must have shape {tuple(shape)}, got {array.shape}"
    if dtype is not None:
        assert array.dtype == dtype, f"{what} must have dtype {np.dtype(dtype)} here, got {array.dtype}"
    return array


def require_close(what: str, got: Any, want: ArrayLike, threshold: float) -> None:
    """``got`` must have the shape of ``want`` and differ from it by a relative error of at most ``threshold``.

    >>> require_close("out", [1.0, 2.5], [1.0, 2.0], 1e-9)
    Traceback (most recent call last):
    AssertionError: out is not what it should be: relative error 2.5e-01, ... at [1]: got about 2.5, expected about 2
    """
    wanted = np.asarray(want, dtype=np.float64)
    array = _numbers(what, got).astype(np.float64)
    assert array.shape == wanted.shape, f"{what} must have shape {wanted.shape}, got {array.shape}"
    if not wanted.size:
        return
    difference, size = np.abs(array - wanted), float(np.max(np.abs(wanted)))
    largest = float(np.max(difference))
    error = largest / size if size else float("inf") if largest else 0.0
    worst = np.unravel_index(int(np.argmax(difference)), wanted.shape)
    where = f" at {[int(i) for i in worst]}" if wanted.shape else ""
    digits = next((n for n in range(2, 17) if f"{array[worst]:.{n}g}" != f"{wanted[worst]:.{n}g}"), 17)
    sentence = (
        f"{what} is not what it should be: relative error {error:.1e}, at most {threshold:.0e} is allowed; the largest "
        f"difference is{where}: got about {array[worst]:.{digits}g}, expected about {wanted[worst]:.{digits}g}"
    )
    require_within(error, threshold, sentence)


def require_relative_error(what: str, got: Any, want: ArrayLike, threshold: float) -> None:
    """``got`` must be ``want`` up to the relative error of its worst element, as gradient checks are published.

    >>> require_relative_error("dx", np.array([1.0, 2e-3]), [1.0, 1e-3], 1e-7)
    Traceback (most recent call last):
    AssertionError: the relative error of dx's worst element must be at most 1e-07, got 3.3e-01
    """
    error = relative_error(require_shape(what, got, np.shape(want)), want)
    sentence = f"the relative error of {what}'s worst element must be at most {threshold:.0e}, got {error:.1e}"
    require_within(error, threshold, sentence)


def require_ratio(what: str, got: float | np.floating[Any], want: float, factor: float) -> None:
    """``got``, a random quantity, must be ``want`` up to a factor.

    >>> require_ratio("the share of heads", 0.9, 0.5, 1.25)
    Traceback (most recent call last):
    AssertionError: the share of heads must be about 0.5, got 0.9
    """
    error = abs(float(np.log(got / want))) if got > 0 else float("inf")
    require_within(error, float(np.log(factor)), f"{what} must be about {want:.3g}, got {got:.3g}")


def require_zero(what: str, got: Any, size: float) -> None:
    """No element of ``got`` may be larger than ``size``, for it is 0 but for rounding.

    >>> require_zero("the mean", [1e-17, -1e-16], 1e-12)
    >>> require_zero("the mean", [0.5], 1e-12)
    Traceback (most recent call last):
    AssertionError: the mean must be 0 up to rounding (1e-12), got values up to 5.0e-01
    """
    largest = float(np.max(np.abs(_numbers(what, got)), initial=0.0))
    require_within(largest, size, f"{what} must be 0 up to rounding ({size:.0e}), got values up to {largest:.1e}")


def require_unchanged(what: str, now: Any, before: ArrayLike) -> None:
    """``now`` must still be ``before``, element by element: the call was not asked to change it.

    >>> require_unchanged("x", np.zeros(2), [0.0, 0.0])
    >>> require_unchanged("x", np.ones(2), [0.0, 0.0])
    Traceback (most recent call last):
    AssertionError: x was changed by the call; work on a new array instead of writing into x
    """
    array, original = _numbers(what, now), np.asarray(before)
    same = array.shape == original.shape and np.array_equal(array, original)
    assert same, f"{what} was changed by the call; work on a new array instead of writing into {what}"


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
    # A copy: zeros written into dout, and returned, would else agree with differences weighted with them.
    gradients = require_results("the backward pass", backward(dout.copy(), cache), GRADIENTS)
    for name, got, want in reversed([*zip(GRADIENTS, gradients, differences(forward, inputs, dout), strict=True)]):
        require_shape(name, got, want.shape)
        require_slope(f"{name} (against differences of your forward pass)", got, want, threshold)


def require_graph(
    formula: Callable[..., Node], forward: Forward, backward: Backward, inputs: Inputs, dout: Array
) -> None:
    """Where ``forward`` computes ``formula(x, gamma, beta)``, ``backward`` must return the graph's gradients to 1e-10.

    The graph has all digits, where differences have half of them; a forward pass that computes another formula is left
    to its own differences (:func:`require_backward`).

    >>> def scale(x, gamma, beta):
    ...     return gamma * x + beta
    >>> inputs, dout = (np.ones((2, 1)), np.array([3.0]), np.zeros(1)), np.ones((2, 1))
    >>> def rounded(dout, cache):
    ...     return 3 * dout + 1e-8, np.array([2.0]), np.array([2.0])
    >>> require_graph(scale, lambda *given: (scale(*given), None), rounded, inputs, dout)
    Traceback (most recent call last):
    AssertionError: dx (beside the graph's) is not what it should be: relative error 3.3e-09, ...
    """
    out, cache = forward(*(array.copy() for array in inputs))
    if np.max(np.abs(out - formula(*map(Node, inputs)).value)) < 1e-9:
        gradients = require_results("the backward pass", backward(dout.copy(), cache), ("dx", "dgamma", "dbeta"))
        wanted = vjp(formula, *inputs, dout=dout)
        for name, got, want in reversed([*zip(("dx", "dgamma", "dbeta"), gradients, wanted, strict=True)]):
            require_close(f"{name} (beside the graph's)", got, want, 1e-10)


def require_slope(what: str, got: Any, want: ArrayLike, threshold: float) -> None:
    """``got`` must be close to the central differences ``want``; where these are nothing but noise, it must be 0.

    >>> require_slope("db", np.array([0.1]), np.array([3e-10]), 1e-6)
    Traceback (most recent call last):
    AssertionError: db must be 0 up to rounding (1e-09), got values up to 1.0e-01
    """
    if np.max(np.abs(want), initial=0.0) > NO_INFLUENCE:
        require_close(what, got, want, threshold)
    else:
        require_zero(what, got, 1e-9)


def differences(forward: Forward, inputs: Inputs, dout: Array) -> list[Array]:
    """Central differences of sum(dout * out) in x, gamma and beta, for ``forward(x, gamma, beta)`` -> (out, cache).

    Each call gets copies, so that a forward pass that writes into its inputs spoils nothing here.

    >>> def scale(x, gamma, beta):
    ...     return gamma * x + beta, None
    >>> inputs, dout = (np.ones((2, 1)), np.array([3.0]), np.zeros(1)), np.array([[1.0], [2.0]])
    >>> dx, dgamma, dbeta = differences(scale, inputs, dout)
    >>> dx.round(6).tolist(), dgamma.round(6), dbeta.round(6)
    ([[3.0], [6.0]], array([3.]), array([3.]))
    """
    arrays = [array.copy() for array in inputs]

    def out(_: Array) -> Array:
        return np.array(forward(*(array.copy() for array in arrays))[0])

    return [numerical_gradient(out, array, dout) for array in arrays]


def require_attempt(forward: Forward, inputs: Inputs, along: int) -> None:
    """``forward(x, gamma, beta)`` must at least be an attempt to normalize x (N, D) along an axis.

    Its output has x's shape; moving one element of x moves the others along the axis; and out is no linear function of
    x. A backward pass that is compared with a forward pass of constants would else be right when it returns zeros. What
    becomes of gamma and beta is the forward pass's own affair. A change counts from a millionth of what a mean over all
    of x hands on of a change in one element: far above rounding, and below what x far from 0 leaves of a curve.

    >>> require_attempt(lambda x, gamma, beta: (gamma * x + beta, None), (np.eye(3), np.ones(3), np.zeros(3)), along=0)
    Traceback (most recent call last):
    AssertionError: ...: an element of x must influence the others that share its mean and variance
    """
    advice = "the backward pass is checked against your forward pass, which must normalize first"
    x, gamma, beta = inputs

    def out(x: Array) -> Array:
        results = require_results("the forward pass", forward(x.copy(), gamma.copy(), beta.copy()), ("out", "cache"))
        return require_shape("out", results[0], x.shape)

    here, step = out(x), np.zeros_like(x)
    step[0, 0] = np.std(x)
    there, least = out(x + step), 1e-6 * np.std(here) / x.size
    others = (there - here)[1:, 0] if along == 0 else (there - here)[0, 1:]
    bend = there + out(x - step) - 2 * here
    assert np.max(np.abs(others)) > least, (
        f"{advice}: an element of x must influence the others that share its mean and variance"
    )
    assert np.max(np.abs(bend)) > least, f"{advice}: out may not be a linear function of x"


def require_repeatable(forward: Forward, backward: Backward, inputs: Inputs, dout: Array) -> None:
    """``backward`` must leave dout and the cache as they are: a second call gives the same gradients as the first.

    Another forward pass comes between, so that what it needs must be in the cache and not in a variable outside.

    >>> def careless(dout, cache):
    ...     dout *= 2
    ...     return dout, dout[0], dout[0]
    >>> inputs = np.ones((2, 1)), np.ones(1), np.zeros(1)
    >>> require_repeatable(lambda x, gamma, beta: (x, None), careless, inputs, np.ones((2, 1)))
    Traceback (most recent call last):
    AssertionError: dout was changed by the call; work on a new array instead of writing into dout
    """
    _, cache = forward(*(array.copy() for array in inputs))
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
    assert isinstance(gradients, Mapping), f"your gradients must be in a dictionary, got {_kind(gradients)}"
    if not gradients:
        return "No gradient yet: begin with that of beta."
    names = ("beta", "gamma", "x_hat", "std", "var", "x_mu", "mu", "x")
    try:
        check_nodes(gradients, output, names)
    except (GradientMismatch, ValueError, TypeError) as error:
        return f"Not yet: {error}."
    return f"All {len(names)} gradients are right."


def _numbers(what: str, got: Any) -> Array:
    try:
        array = np.array(got)
    except Exception:
        raise AssertionError(f"{what} must hold numbers, got {_kind(got)}") from None
    assert array.dtype.kind in "biuf", f"{what} must hold real numbers, got {_kind(got)}"
    assert np.isfinite(array).all(), f"{what} holds nan or infinity; expected finite numbers"
    return array


def _kind(got: Any) -> str:
    if isinstance(got, np.ndarray):
        return f"an array of {got.dtype} and shape {got.shape}"
    if isinstance(got, tuple | list):
        return f"a {type(got).__name__} of {len(got)}"
    return "None" if got is None else f"an object of type {type(got).__name__}"
