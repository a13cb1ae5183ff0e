"""Sentences for the notebooks' checks: each ``require_…`` passes in silence or says in one sentence what is wrong.

What a check receives may be anything: None, a list, an array of text, nan. Every function here takes it, and raises
AssertionError with what was expected and what came. A relative error here is that of the whole array,

    max |got - want| / max |want|

so that an element that happens to be near 0 does not decide; where all that is wanted is 0, use :func:`require_zero`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = [
    "require_attempt",
    "require_close",
    "require_gradients",
    "require_results",
    "require_shape",
    "require_unchanged",
    "require_zero",
]

Array = NDArray[Any]
Forward = Callable[[Array, Array, Array], Any]


def require_results(what: str, got: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """The results of a call of ``what``, of which there must be as many as ``names``."""
    try:
        results = tuple(got)
    except TypeError:
        results = (got,)
    assert len(results) == len(names), f"{what} must return {len(names)} results ({', '.join(names)}), got {_kind(got)}"
    return results


def require_shape(what: str, got: Any, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
    """``got`` as an array; it must be one of real, finite numbers with this shape (and, where asked, this dtype)."""
    assert not isinstance(got, list | tuple | str | bytes), f"{what} must be a numpy array, got {_kind(got)}"
    array = _numbers(what, got)
    assert array.shape == tuple(shape), f"{what} must have shape {tuple(shape)}, got {array.shape}"
    if dtype is not None:
        assert array.dtype == dtype, f"{what} must have dtype {np.dtype(dtype)} here, got {array.dtype}"
    return array


def require_close(what: str, got: Any, want: ArrayLike, threshold: float) -> None:
    """``got`` must have the shape of ``want`` and differ from it by a relative error of at most ``threshold``."""
    wanted = np.asarray(want, dtype=np.float64)
    array = _numbers(what, got).astype(np.float64)
    assert array.shape == wanted.shape, f"{what} must have shape {wanted.shape}, got {array.shape}"
    if not wanted.size:
        return
    difference, size = np.abs(array - wanted), float(np.max(np.abs(wanted)))
    error = float(np.max(difference)) / size if size else float("inf") * float(np.max(difference) > 0)
    if not error <= threshold:
        worst = np.unravel_index(int(np.argmax(difference)), wanted.shape)
        where = f" at {[int(i) for i in worst]}" if wanted.shape else ""
        raise AssertionError(
            f"{what} is not what it should be: relative error {error:.1e}, at most {threshold:.0e} is allowed; "
            f"the largest difference is{where}: got about {array[worst]:.2g}, expected about {wanted[worst]:.2g}"
        )


def require_zero(what: str, got: Any, size: float) -> None:
    """No element of ``got`` may be larger than ``size``, for it is 0 but for rounding."""
    largest = float(np.max(np.abs(_numbers(what, got)), initial=0.0))
    assert largest <= size, f"{what} must be 0 up to rounding ({size:.0e}), got values up to {largest:.1e}"


def require_unchanged(what: str, now: Any, before: ArrayLike) -> None:
    """``now`` must still be ``before``, element by element: the call was not asked to change it."""
    array, original = _numbers(what, now), np.asarray(before)
    same = array.shape == original.shape and np.array_equal(array, original)
    assert same, f"{what} was changed by the call; work on a new array instead of writing into {what}"


def require_attempt(what: str, forward: Forward, x: Array, gamma: Array, beta: Array, along: int) -> None:
    """``forward(x, gamma, beta)`` must at least be an attempt to normalize x (N, D) along an axis.

    Its output has x's shape and moves with gamma and with beta; moving one element of x moves the others along the
    axis; and it is no linear function of x. A backward pass that is checked against the student's own forward pass
    would else be right for a forward pass of constants, whose gradients are all 0.
    """
    advice = f"{what} is checked against your own forward pass, which must normalize first"

    def out(x: Array, gamma: Array = gamma, beta: Array = beta) -> Array:
        return require_shape(f"({advice}) the forward pass's output", forward(x, gamma, beta), x.shape)

    def moves(other: Array, least: float = 1e-3) -> bool:
        return bool(np.max(np.abs(other)) > least)

    here, step = out(x.copy()), np.zeros_like(x)
    step[0, 0] = np.std(x)
    moved = out(x + step)
    others = (moved - here)[1:, 0] if along == 0 else (moved - here)[0, 1:]
    assert moves(others), f"{advice}: an element of x must influence the others that share its mean and variance"
    assert moves(moved + out(x - step) - 2 * here), f"{advice}: the output may not be a linear function of x"
    assert moves(out(x.copy(), gamma=gamma + 1) - here), f"{advice}: the output must depend on gamma"
    assert moves(out(x.copy(), beta=beta + 1) - here), f"{advice}: the output must depend on beta"


def require_gradients(
    what: str, forward: Forward, got: Any, inputs: tuple[Array, Array, Array], dout: Array, threshold: float
) -> None:
    """``got`` (dx, dgamma, dbeta) must be the gradients of sum(dout * forward(x, gamma, beta)) in the three inputs.

    They are compared, each with its own shape, with central differences of ``forward`` (h = 1e-5, float64).
    """
    from normlab.gradcheck import numerical_gradient

    names = ("dx", "dgamma", "dbeta")
    for i, (name, gradient) in enumerate(zip(names, require_results(what, got, names), strict=True)):
        arrays = [array.copy() for array in inputs]
        require_shape(name, gradient, arrays[i].shape)
        want = numerical_gradient(lambda _, a=arrays: np.array(forward(*a)), arrays[i], dout)  # type: ignore[misc]
        require_close(f"{name} of {what} (against differences of your forward pass)", gradient, want, threshold)


def _numbers(what: str, got: Any) -> Array:
    try:
        array = np.array(got)
    except Exception:
        raise AssertionError(f"{what} must hold numbers, got {_kind(got)}") from None
    assert array.dtype.kind in "biuf", f"{what} must hold real numbers, got {_kind(got)}"
    assert np.isfinite(array).all(), f"{what} holds nan or infinity; expected finite numbers"
    return array


def _kind(got: Any) -> str:
    if got is None:
        return "None"
    if isinstance(got, np.ndarray):
        return f"an array of {got.dtype} and shape {got.shape}"
    if isinstance(got, tuple | list):
        return f"a {type(got).__name__} of {len(got)}"
    return f"an object of type {type(got).__name__}"
