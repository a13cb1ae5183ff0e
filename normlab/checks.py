"""Sentences for the notebooks' checks: each ``require_…`` passes in silence or says in one sentence what is wrong.

What a check receives may be anything: None, a list, an array of text, nan. Where ``got`` is typed Any, a function here
takes it, and raises AssertionError with what was expected and what came. A relative error here is that of the whole
array, ::

    max |got - want| / max |want|

so that an element that happens to be near 0 does not decide; where all that is wanted is 0, use :func:`require_zero`.
Every error meets its threshold in :func:`require_within`, so that one place tells how far the two are from each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from normlab.gradcheck import relative_error

__all__ = [
    "require_close",
    "require_ratio",
    "require_relative_error",
    "require_results",
    "require_shape",
    "require_slope",
    "require_unchanged",
    "require_within",
    "require_zero",
]

Array = NDArray[Any]

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
    where = f"the largest difference is at {[int(i) for i in worst]}: " if wanted.shape else ""
    digits = next((n for n in range(2, 17) if f"{array[worst]:.{n}g}" != f"{wanted[worst]:.{n}g}"), 17)
    sentence = (
        f"{what} is not what it should be: relative error {error:.1e}, at most {threshold:.0e} is allowed; "
        f"{where}got about {array[worst]:.{digits}g}, expected about {wanted[worst]:.{digits}g}"
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
    numbers = _numbers(what, got).astype(np.float64)  # for the smallest integer of a type is its own absolute value
    largest = float(np.max(np.abs(numbers), initial=0.0))
    require_within(largest, size, f"{what} must be 0 up to rounding ({size:.0e}), got values up to {largest:.1e}")


def require_unchanged(what: str, now: Any, before: ArrayLike) -> None:
    """``now`` must still be ``before``, element by element: the call was not asked to change it.

    >>> require_unchanged("x", np.zeros(2), [0.0, 0.0])
    >>> require_unchanged("x", np.ones(2), [0.0, 0.0])
    Traceback (most recent call last):
    AssertionError: x was changed by the call; work on a new array instead of writing into it
    """
    array, original = _numbers(what, now), np.asarray(before)
    same = array.shape == original.shape and np.array_equal(array, original)
    assert same, f"{what} was changed by the call; work on a new array instead of writing into it"


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


def _numbers(what: str, got: Any) -> Array:
    try:
        array = np.array(got)
    except Exception:
        raise AssertionError(f"{what} must hold numbers, got {_kind(got)}") from None
    assert array.dtype.kind in "biuf", f"{what} must hold real numbers, got {_kind(got)}"
    assert np.isfinite(array).all(), f"{what} holds nan or infinity; expected finite numbers"
    return array


def _kind(got: Any) -> str:
    kind = got.__class__.__name__  # type() would tell the grader's class, which stands for what a student returned
    if isinstance(got, np.ndarray):
        return f"an array of {got.dtype} and shape {got.shape}"
    if isinstance(got, tuple | list):
        return f"a {kind} of {len(got)}"
    return "None" if got is None else f"an object of type {kind}"
