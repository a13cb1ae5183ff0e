"""What the checks of a network share: its parameters by name and shape, and all its gradients by central differences.

A network here is any object with ``params``, a dictionary of arrays, and ``loss(X, y)`` that returns (loss, grads).
Each function raises AssertionError with one sentence: what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from normlab.gradcheck import numerical_gradient

__all__ = ["fill_params", "gradient_error", "live_params", "network_shapes", "require_gradients"]

Array = NDArray[np.floating[Any]]
Shapes = dict[str, tuple[int, ...]]


def network_shapes(sizes: Sequence[int], normalized: bool) -> Shapes:
    """The parameters of a fully connected network by name, for ``sizes`` (input, hidden layers..., classes).

    Wi (sizes[i-1], sizes[i]) and bi (sizes[i],); with a normalization gammai, betai (sizes[i],) for hidden layers.
    """
    shapes: Shapes = {}
    for i, (rows, columns) in enumerate(pairwise(sizes), start=1):
        shapes |= {f"W{i}": (rows, columns), f"b{i}": (columns,)}
        if normalized and i < len(sizes) - 1:
            shapes |= {f"gamma{i}": (columns,), f"beta{i}": (columns,)}
    return shapes


def live_params(model: Any, shapes: Mapping[str, tuple[int, ...]], dtype: DTypeLike = np.float64) -> dict[str, Array]:
    """The arrays in ``model.params``: editing one edits the network. Names, shapes and dtype must be as expected."""
    params = getattr(model, "params", None)
    try:
        names = set(params)  # type: ignore[arg-type]
    except TypeError:
        raise AssertionError(f"model.params must be a dictionary of arrays, got {type(params).__name__}") from None
    missing, extra = sorted(set(shapes) - names), sorted(str(name) for name in names - set(shapes))
    assert not missing, f"model.params lacks {', '.join(missing)}"
    assert not extra, f"model.params holds {', '.join(extra)}, which this network does not have"
    arrays = {name: params[name] for name in shapes}  # type: ignore[index]
    for name, array in arrays.items():
        assert isinstance(array, np.ndarray), f"params[{name!r}] must be a numpy array, got {type(array).__name__}"
        assert array.shape == shapes[name], f"params[{name!r}] must have shape {shapes[name]}, got {array.shape}"
        assert array.dtype == dtype, f"params[{name!r}] must have dtype {np.dtype(dtype)}, got {array.dtype}"
    return arrays


def fill_params(params: Mapping[str, Array], rng: np.random.Generator) -> None:
    """Random values for every parameter, in place: weights and biases around 0, gammas around 1, no exact 0 or 1.

    Fresh parameters hide mistakes: a bias that is 0 and a gamma that is 1 can be forgotten without a trace.
    """
    for name, array in params.items():
        width = 1.0 / np.sqrt(array.shape[0]) if name.startswith("W") else 0.4
        array[...] = rng.normal(1.0 if name.startswith("gamma") else 0.0, width, size=array.shape)


def gradient_error(got: Array, want: Array) -> float:
    """max |got - want| / max |want|: one scale an array, since the small elements of a difference are rounding noise.

    nan anywhere gives inf.
    """
    error = float(np.max(np.abs(got - want))) / max(1e-8, float(np.max(np.abs(want))))
    return error if error == error else float("inf")


def require_gradients(
    model: Any,
    params: Mapping[str, Array],
    X: Array,
    y: NDArray[np.integer[Any]],
    zero: Collection[str] = (),
    threshold: float = 1e-5,
) -> None:
    """Each gradient that ``loss(X, y)`` returns must be that of the loss itself, by central differences in ``params``.

    Parameters in ``zero`` must have no influence on the loss, so that their gradient is 0 up to rounding; all others
    must have some. The batch and the parameters must come out of the call as they went in.
    """
    before = {name: array.copy() for name, array in params.items()}
    X_before, y_before = X.copy(), y.copy()
    loss, grads = model.loss(X, y)
    assert np.array_equal(X, X_before), "loss(X, y) must not change X"
    assert np.array_equal(y, y_before), "loss(X, y) must not change y"
    got = {name: _gradient(grads, name, array.shape) for name, array in params.items()}
    again = float(model.loss(X, y)[0])
    same = abs(float(loss) - again) <= 1e-9 * abs(again)  # BLAS threads may add up in another order
    assert same, f"two calls of loss on one batch must agree, got {float(loss):.9g} and {again:.9g}"
    for name, array in params.items():
        assert np.array_equal(array, before[name]), f"loss(X, y) must not change params[{name!r}]"
        want = numerical_gradient(lambda _: model.loss(X, y)[0], array)
        influence = float(np.max(np.abs(want)))
        if name in zero:
            assert influence < 1e-8, f"{name} must not change this loss (its normalization undoes it), but it does"
            size = float(np.max(np.abs(got[name])))
            assert size < 1e-9, f"the gradient of {name} must be 0 up to rounding, got elements up to {size:.1e}"
            continue
        assert influence > 1e-6, f"the loss must depend on {name}, but changing it changes nothing"
        error = gradient_error(got[name], want)
        assert error <= threshold, (
            f"the gradient of {name} differs from the central differences of your loss: "
            f"relative error {error:.1e}, at most {threshold:.0e} expected"
        )


def _gradient(grads: Any, name: str, shape: tuple[int, ...]) -> Array:
    try:
        gradient = np.asarray(grads[name], dtype=np.float64)
    except KeyError:
        raise AssertionError(f"grads lacks {name}") from None
    except (TypeError, ValueError, IndexError):
        raise AssertionError(f"grads must map {name} to an array of numbers") from None
    assert gradient.shape == shape, f"the gradient of {name} must have shape {shape}, got {gradient.shape}"
    return gradient
