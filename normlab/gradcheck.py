"""Are these gradients right? Relative error, central differences, and a checker that stops at the first wrong node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normlab.graph import Node, topological_order

__all__ = ["GradientMismatch", "check_nodes", "numerical_gradient", "relative_error"]


TOLERANCE = 1e-8  # float64 rounds a gradient of either way to about 1e-16, a backward pass of many steps to 1e-12


class GradientMismatch(AssertionError):
    """A gradient is not what it should be; the message names it."""


def relative_error(x: ArrayLike, y: ArrayLike) -> float:
    """``max( |x - y| / max(1e-8, |x| + |y|) )`` over all elements; 0 is equal, 1 is unrelated.

    ``x`` and ``y`` have one shape. A ValueError names both shapes where they differ: broadcasting would hide a mistake.
    nan anywhere gives inf, so that no threshold accepts it. Where a true gradient is exactly 0 the result is noise:
    compare its absolute size instead.

    >>> relative_error([1.0, 2.0], [1.0, 6.0])
    0.5
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"both arrays must have one shape to be compared, got {a.shape} and {b.shape}")
    if a.size == 0:
        return 0.0
    with np.errstate(invalid="ignore"):
        error = np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))
    return float("inf") if np.isnan(error).any() else float(error.max())


def numerical_gradient(
    f: Callable[[Any], ArrayLike], x: NDArray[np.floating[Any]], dout: ArrayLike | None = None, h: float = 1e-5
) -> NDArray[np.float64]:
    """Central differences in float64: d/dx sum(dout * f(x)), element by element, as (f(x + h) - f(x - h)) / (2h).

    ``x`` is an array of float64; it is edited in place, one element at a time, and restored, so that ``f`` may also
    read it from elsewhere (a network's ``params``, say). ``f(x)`` returns a number, or an array of the shape of
    ``dout``. The error of a smooth f is about ``h^2 |f'''| / 6`` from the formula plus ``1e-16 |f| / h`` from rounding;
    h = 1e-5 is near the least sum of both in float64 (Press et al., *Numerical Recipes*, 3rd edition, section 5.7).
    Raises TypeError for an x that is no array of float64, and ValueError for an f(x) of another shape than dout's.

    >>> numerical_gradient(lambda x: x**3, np.array([1.0, 2.0]), dout=[1.0, 1.0]).round(6)
    array([ 3., 12.])
    """
    kind = getattr(x, "dtype", x.__class__.__name__)
    if not (isinstance(x, np.ndarray) and x.dtype == np.float64):
        raise TypeError(f"x must be an array of float64, got {kind}: a step of {h:g} would be rounded away or lost")
    weights = np.asarray(1.0 if dout is None else dout, dtype=np.float64)
    gradient = np.zeros(x.shape, dtype=np.float64)
    for index in np.ndindex(x.shape):
        original = x[index]
        try:
            x[index] = original + h
            above = np.array(f(x), dtype=np.float64)
            x[index] = original - h
            below = np.array(f(x), dtype=np.float64)
        finally:
            x[index] = original
        if above.shape != weights.shape and not above.size == weights.size == 1:
            raise ValueError(f"f(x) must have the shape of dout, {weights.shape}, got {above.shape}")
        gradient[index] = np.sum(weights * (above - below)) / (2 * h)
    return gradient


def check_nodes(gradients: Mapping[str, ArrayLike], output: Node, names: Sequence[str] = ()) -> list[str]:
    """Compare gradients, by name, with those of a graph on which :func:`normlab.graph.backward` has run.

    ``gradients`` maps the name of a node to d loss / d node. The check goes from the output backward (or in the
    order of ``names``) and stops at the first gradient that is missing, has another shape or differs by a
    relative error of more than 1e-8: a later one would only repeat its mistake. (Where shares of a gradient cancel to
    0, both are noise and cannot be compared.) Returns the names that agree, in the order checked; raises
    :class:`GradientMismatch` that names the node, and ValueError for a name that no node of the graph has, or several.

    >>> from normlab.graph import backward
    >>> x = Node([1.0, 2.0], "x")
    >>> square = (x**2).named("square")
    >>> backward(square.sum())
    >>> check_nodes({"square": [1.0, 1.0], "x": [2.0, 4.0]}, square)
    ['square', 'x']
    >>> check_nodes({"square": [1.0, 1.0], "x": [1.0, 2.0]}, square)
    Traceback (most recent call last):
    normlab.gradcheck.GradientMismatch: x is the first wrong gradient ...: relative error 3.3e-01, ... (square agrees)
    """
    named = [node for node in reversed(topological_order(output)) if node.name and node.op != "constant"]
    nodes = {node.name: node for node in named}
    for name in names or gradients:
        if (count := sum(node.name == name for node in named)) != 1:
            have = f"the graph has {count} nodes" if count else "the graph has no node"
            raise ValueError(f"{have} {name!r}; its names are {', '.join(nodes)}")
    agreed: list[str] = []
    for name in names or [name for name in nodes if name in gradients]:
        node = nodes[name]
        if node.grad is None:
            raise ValueError(f"node {name!r} has no gradient yet; call backward on the graph first")
        so_far = f" ({', '.join(agreed)} agree{'s' if len(agreed) == 1 else ''})" if agreed else ""
        if name not in gradients:
            raise GradientMismatch(f"the gradient of {name} is missing{so_far}")
        try:
            if gradients[name] is None:  # of which numpy makes nan
                raise TypeError
            got = np.asarray(gradients[name], dtype=np.float64)
        except (TypeError, ValueError):
            kind = gradients[name].__class__.__name__
            raise GradientMismatch(f"the gradient of {name} must be an array of numbers, got {kind}{so_far}") from None
        if got.shape != node.shape:
            raise GradientMismatch(f"the gradient of {name} must have shape {node.shape}, got {got.shape}{so_far}")
        error = relative_error(got, node.grad)
        if not error <= TOLERANCE:
            raise GradientMismatch(
                f"{name} is the first wrong gradient on the way back: relative error {error:.1e}, "
                f"at most {TOLERANCE:.0e} expected{so_far}"
            )
        agreed.append(name)
    return agreed
