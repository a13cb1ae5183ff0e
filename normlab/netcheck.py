"""What the checks of layers and networks share: all gradients by central differences, parameters by name and shape.

A network has many parameters, and each call of its loss costs: so a gradient g is not compared element by element but
along two random directions s, d loss / ds = sum(g s). An error e of g shows as sum(e s), whose expected square is
``||e||^2``: no error hides from both but by an unlikely chance, and fixed seeds make the directions the same for all.

A network here is any object with ``params``, a dictionary of arrays, and ``loss(X, y)`` that returns (loss, grads).
Each function raises AssertionError with one sentence: what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from normlab.checks import (
    NO_INFLUENCE,
    require_close,
    require_results,
    require_shape,
    require_within,
    require_zero,
)

__all__ = ["live_params", "network_shapes", "random_network", "require_layer_gradients", "require_network_gradients"]

Array = NDArray[np.floating[Any]]
Shapes = dict[str, tuple[int, ...]]
THRESHOLD = 1e-5  # what python -m reference.quality prints is the distance of right and wrong answers from it


def network_shapes(sizes: Sequence[int], normalized: bool) -> Shapes:
    """The parameters of a fully connected network by name, for ``sizes`` (input, hidden layers..., classes).

    Wi (sizes[i-1], sizes[i]) and bi (sizes[i],); with a normalization gammai, betai (sizes[i],) for hidden layers.

    >>> network_shapes((64, 20, 10), normalized=False)
    {'W1': (64, 20), 'b1': (20,), 'W2': (20, 10), 'b2': (10,)}
    """
    shapes: Shapes = {}
    for i, (rows, columns) in enumerate(pairwise(sizes), start=1):
        shapes |= {f"W{i}": (rows, columns), f"b{i}": (columns,)}
        if normalized and i < len(sizes) - 1:
            shapes |= {f"gamma{i}": (columns,), f"beta{i}": (columns,)}
    return shapes


def live_params(model: Any, shapes: Mapping[str, tuple[int, ...]], dtype: DTypeLike = np.float64) -> dict[str, Array]:
    """The arrays in ``model.params``: editing one edits the network. Names, shapes and dtype must be as expected.

    >>> from types import SimpleNamespace
    >>> live_params(SimpleNamespace(params={"W1": np.zeros((2, 3))}), {"W1": (3, 2)})
    Traceback (most recent call last):
    AssertionError: params['W1'] must have shape (3, 2), got (2, 3)
    """
    params = getattr(model, "params", None)
    try:
        names = set(params)  # type: ignore[arg-type]
    except TypeError:
        raise AssertionError(f"model.params must be a dictionary of arrays, got {params.__class__.__name__}") from None
    missing, extra = sorted(set(shapes) - names), sorted(str(name) for name in names - set(shapes))
    assert not missing, f"model.params lacks {', '.join(missing)}"
    assert not extra, f"model.params holds {', '.join(extra)}, which this network does not have"
    arrays = {name: params[name] for name in shapes}  # type: ignore[index]
    for name, array in arrays.items():
        assert isinstance(array, np.ndarray), f"params[{name!r}] must be a numpy array, got {array.__class__.__name__}"
        assert array.shape == shapes[name], f"params[{name!r}] must have shape {shapes[name]}, got {array.shape}"
        assert array.dtype == dtype, f"params[{name!r}] must have dtype {np.dtype(dtype)}, got {array.dtype}"
    return arrays


def random_network(
    make: Callable[..., Any],
    sizes: Sequence[int],
    rng: np.random.Generator,
    normalization: str | None = None,
    dtype: DTypeLike = np.float64,
    **options: Any,
) -> tuple[Any, dict[str, Array]]:
    """A network of the class ``make`` with random values in every parameter; returns it and its live parameters.

    Fresh parameters hide mistakes: a bias that is 0 and a gamma that is 1 can be forgotten without a trace.

    >>> class Linear:
    ...     def __init__(self, hidden_dims, input_dim, num_classes, normalization, dtype):
    ...         self.params = {"W1": np.zeros((input_dim, num_classes), dtype), "b1": np.zeros(num_classes, dtype)}
    >>> model, params = random_network(Linear, (4, 3), np.random.default_rng(0))
    >>> params["W1"] is model.params["W1"], bool(params["b1"].any())
    (True, True)
    """
    hidden_dims = [int(size) for size in sizes[1:-1]]
    options |= {"normalization": normalization, "dtype": dtype}
    model = make(hidden_dims, input_dim=sizes[0], num_classes=sizes[-1], **options)
    params = live_params(model, network_shapes(sizes, normalization is not None), dtype)
    for name, array in params.items():
        width = 1.0 / np.sqrt(array.shape[0]) if name.startswith("W") else 0.4
        array[...] = rng.normal(1.0 if name.startswith("gamma") else 0.0, width, size=array.shape)
    return model, params


def require_layer_gradients(
    what: str,
    out: Callable[[], Any],
    gradients: Any,
    inputs: Mapping[str, Array],
    dout: Array,
) -> None:
    """The gradients of sum(dout * out()) in each of ``inputs``, in this order, must be those of ``out`` itself.

    ``out`` reads the arrays of ``inputs``, which are edited in place for the central differences. It must depend on
    weights and x; where it does not depend on another input, that one's gradient must be 0. Off the kinks of its ReLUs
    it may not be a linear function of x, for then nothing is normalized. ``what`` is the name of the backward pass.

    >>> x, dout = np.array([1.0, 2.0]), np.ones(2)
    >>> require_layer_gradients("cube_backward", lambda: x**3, (3 * x**2,), {"x": x}, dout)
    >>> require_layer_gradients("cube_backward", lambda: x**3, (x**2,), {"x": x}, dout)
    Traceback (most recent call last):
    AssertionError: dx does not fit your own forward pass: ...
    """
    names = [f"d{name}" for name in inputs]
    results = require_results(what, gradients, names)

    def result() -> Array:
        return require_shape("the output of your forward pass", out(), dout.shape)

    def weighted_sum() -> float:
        return float(np.sum(dout * result()))

    bends = _share_that_bends(result, next(iter(inputs.values())))
    assert bends > 0.05, "your forward pass must normalize: it may not be a linear function of x between ReLU's kinks"
    for name, got, array in zip(inputs, results, inputs.values(), strict=True):
        _compare(f"d{name}", require_shape(f"d{name}", got, array.shape), weighted_sum, array, name)


def require_network_gradients(
    model: Any,
    params: Mapping[str, Array],
    X: Array,
    y: NDArray[np.integer[Any]],
) -> None:
    """Each gradient that ``loss(X, y)`` returns must be that of the loss itself, by central differences in ``params``.

    The loss must depend on every weight matrix; the gradient of a bias, gamma or beta on which it does not depend must
    be 0. The batch and the parameters must come out of the call as they went in.

    >>> class Bias:
    ...     params = {"b1": np.array([0.5])}
    ...     def loss(self, X, y):
    ...         return float(np.square(self.params["b1"] - y).sum()), {"b1": np.zeros(1)}
    >>> require_network_gradients(Bias(), Bias.params, np.ones((1, 1)), np.array([2]))
    Traceback (most recent call last):
    AssertionError: the gradient of b1 does not fit your own forward pass: ...
    """
    before = {name: array.copy() for name, array in params.items()}
    X_before, y_before = X.copy(), y.copy()
    loss, _ = require_results("loss(X, y)", model.loss(X, y), ("loss", "grads"))
    assert np.array_equal(X, X_before), "loss(X, y) must not change X"
    assert np.array_equal(y, y_before), "loss(X, y) must not change y"
    again, grads = model.loss(X, y)
    require_close("the loss of a second call on the same batch", again, loss, 1e-9)  # BLAS threads may differ by 1e-16
    for name, array in params.items():
        assert _has(grads, name), f"grads must hold the gradient of {name}, but it does not"
        require_shape(f"the gradient of {name}", grads[name], array.shape)
    got = {name: np.array(grads[name]) for name in params}
    for name, array in params.items():
        for each, its in params.items():
            assert np.array_equal(its, before[each]), f"loss(X, y) must not change params[{each!r}]"
        what = f"the gradient of {name}"
        _compare(what, got[name], lambda: float(model.loss(X.copy(), y.copy())[0]), array, name)


def _has(grads: Any, name: str) -> bool:
    try:
        return name in set(grads)
    except TypeError:
        raise AssertionError(f"grads must be a dictionary of arrays, got {grads.__class__.__name__}") from None


def _both_sides(f: Callable[[], Any], array: Array, step: Array) -> tuple[Any, Any]:
    """f() with ``array`` moved by ``step``, and moved against it; ``array`` is edited in place and put back."""
    original = array.copy()
    try:
        array[...] = original + step
        above = f()
        array[...] = original - step
        return above, f()
    finally:
        array[...] = original


def _slope(f: Callable[[], float], array: Array, direction: Array) -> float:
    """d f / dt at 0 where ``array`` is moved by t * direction, by central differences; ``array`` is edited in place.

    A ReLU that opens or closes within the step spoils the result: hence the small h.
    """
    h = 1e-6
    above, below = _both_sides(f, array, h * direction)
    return float((above - below) / (2 * h))


def _share_that_bends(out: Callable[[], Array], array: Array) -> float:
    """The share of ``out``'s elements that are no linear function of ``array`` along a random direction.

    A kink lies within the step for few of them; what is normalized bends by about h^2 wherever a ReLU is open.
    """
    h = 1e-3
    here = out()
    above, below = _both_sides(out, array, h * np.random.default_rng(array.size).normal(size=array.shape))
    return float(np.mean(np.abs(above + below - 2 * here) > 1e-3 * h**2 * np.std(here)))


def _compare(what: str, got: Array, f: Callable[[], float], array: Array, name: str) -> None:
    """``got`` must be the gradient of ``f`` in ``array``."""
    directions = np.random.default_rng(array.size).normal(size=(2, *array.shape))
    slopes = np.array([_slope(f, array, direction) for direction in directions])
    influence = float(np.max(np.abs(slopes)))
    if influence <= NO_INFLUENCE:
        assert name[0] not in "xwW", f"the result of your forward pass must depend on {name}, but it does not"
        require_zero(f"{what}, on which your forward pass does not depend,", got, 1e-9)
        return
    expected = np.array([np.sum(got * direction) for direction in directions])
    error = float(np.max(np.abs(expected - slopes))) / max(influence, float(np.linalg.norm(got)))
    sentence = (
        f"{what} does not fit your own forward pass: when {name} moves a little in a random direction, the result "
        f"changes by another amount than {what} says; relative error {error:.1e}, at most {THRESHOLD:.0e} is allowed"
    )
    require_within(error, THRESHOLD, sentence)
