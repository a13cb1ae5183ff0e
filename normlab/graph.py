"""Reverse-mode differentiation over numpy arrays, as a computation graph that can be looked at.

A :class:`Node` is one array of a calculation. Arithmetic on nodes builds the graph; :func:`backward` walks it from the
output to the inputs and multiplies by each operation's local rule on the way:

>>> x = Node([1.0, 2.0, 3.0], "x")
>>> y = ((x - x.mean().named("mu")) ** 2).sum().named("y")
>>> backward(y)
>>> x.grad.tolist()
[-2.0, 0.0, 2.0]

The method is reverse accumulation: Griewank and Walther, *Evaluating Derivatives*, 2nd edition, chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import ArrayLike, NDArray

__all__ = ["Node", "backward", "drawing", "exp", "log", "maximum", "relu", "sqrt", "topological_order", "vjp"]

Array = NDArray[np.floating[Any]]
Axis = int | Sequence[int] | None
Parent = tuple["Node", Callable[[Array], Array], str]
"""An operand, the map from the result's gradient to its share, and that map in words."""


class Node:
    """One array of a computation graph.

    ``value`` is the array, of a leaf a copy; floats keep their dtype, all else becomes float64. ``grad`` has its shape
    and is None before :func:`backward`. ``op`` names the operation, "input" for a leaf; ``settings`` are its other
    arguments (the axis of a sum, say). ``parents`` are the operands, each with its local rule, as a function and in
    words, in which {g} stands for the gradient of the result, {out} for the result, {a} and {b} for the operands.
    ``paths`` holds (consumer, gradient) for each way back; ``grad`` is the sum over them, at the output what
    :func:`backward` got.
    """

    __array_ufunc__ = None  # numpy_array * node must build a graph, not an object array

    def __init__(
        self, value: ArrayLike, name: str = "", op: str = "input", parents: Sequence[Parent] = (), **settings: Any
    ) -> None:
        array = np.array(value, copy=None if parents else True)
        self.value: Array = array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)
        self.grad: Array | None = None
        self.name = name
        self.op = op
        self.parents = tuple(parents)
        self.settings = settings
        self.paths: list[tuple[Node, Array]] = []

    def named(self, name: str) -> Node:
        """Give the node the name that figures and checkers show; returns the node."""
        self.name = name
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.value.shape

    def __repr__(self) -> str:
        return f"Node({self.name or 'unnamed'}: {self.op}, shape {self.shape})"

    def __add__(self, other: Operand) -> Node:
        a, b = self, _node(other, self)
        return _broadcasting("+", a.value + b.value, (a, lambda g: g, "{g}"), (b, lambda g: g, "{g}"))

    def __sub__(self, other: Operand) -> Node:
        a, b = self, _node(other, self)
        return _broadcasting("-", a.value - b.value, (a, lambda g: g, "{g}"), (b, lambda g: -g, "-{g}"))

    def __mul__(self, other: Operand) -> Node:
        a, b = self, _node(other, self)
        return _broadcasting(
            "*", a.value * b.value, (a, lambda g: g * b.value, "{g} * {b}"), (b, lambda g: g * a.value, "{g} * {a}")
        )

    def __truediv__(self, other: Operand) -> Node:
        a, b = self, _node(other, self)
        return _broadcasting(
            "/",
            a.value / b.value,
            (a, lambda g: g / b.value, "{g} / {b}"),
            (b, lambda g: -g * (a.value / b.value) / b.value, "-{g} * {a} / {b}^2"),  # b^2 may overflow
        )

    def __pow__(self, power: float) -> Node:
        if not isinstance(power, int | float):
            raise TypeError(f"the power must be a plain number, not {type(power).__name__}; use exp and log")
        rule = "{g} * 2 * {a}" if power == 2 else f"{{g}} * {power} * {{a}}^{power - 1}"
        parents: list[Parent] = [(self, lambda g: g * power * self.value ** (power - 1) if power else 0.0 * g, rule)]
        return Node(self.value**power, op=f"^{power}", parents=parents, power=power)

    def __matmul__(self, other: Operand) -> Node:
        a, b = self, _node(other, self)
        if a.value.ndim != 2 or b.value.ndim != 2:
            raise ValueError(f"@ takes two matrices, got shapes {a.shape} and {b.shape}; reshape first")
        return Node(
            a.value @ b.value,
            op="@",
            parents=[(a, lambda g: g @ b.value.T, "{g} @ {b}.T"), (b, lambda g: a.value.T @ g, "{a}.T @ {g}")],
        )

    def __neg__(self) -> Node:
        return Node(-self.value, op="neg", parents=[(self, lambda g: -g, "-{g}")])

    def __radd__(self, other: ArrayLike) -> Node:
        return _node(other, self) + self

    def __rsub__(self, other: ArrayLike) -> Node:
        return _node(other, self) - self

    def __rmul__(self, other: ArrayLike) -> Node:
        return _node(other, self) * self

    def __rtruediv__(self, other: ArrayLike) -> Node:
        return _node(other, self) / self

    def __rmatmul__(self, other: ArrayLike) -> Node:
        return _node(other, self) @ self

    def __getitem__(self, index: Any) -> Node:
        def scatter(g: Array) -> Array:
            full = np.zeros_like(self.value)
            np.add.at(full, index, g)  # an element that was picked twice gets both gradients
            return full

        places = np.arange(self.value.size).reshape(self.shape)[index]
        rule = "{g} at the picked places, else 0"
        return Node(self.value[index], op="pick", parents=[(self, scatter, rule)], places=np.ravel(places).tolist())

    @property
    def T(self) -> Node:  # noqa: N802 - numpy's name
        """The transposed matrix."""
        return Node(self.value.T, op="T", parents=[(self, lambda g: g.T, "{g}.T")])

    def reshape(self, *shape: int) -> Node:
        """The same elements in another shape."""
        return Node(
            self.value.reshape(*shape), op="reshape", parents=[(self, lambda g: g.reshape(self.shape), "{g} reshaped")]
        )

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Node:
        """Sum over axes; backward, each summand receives the whole gradient of the sum."""
        value, spread, axes = self._reduce(np.sum, axis, keepdims)
        return Node(value, op="sum", parents=[(self, spread, "{g}, repeated")], axis=axes)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Node:
        """Mean over axes of n elements; backward, each receives 1/n of the gradient of the mean."""
        value, spread, axes = self._reduce(np.mean, axis, keepdims)
        n = self.value.size // max(1, np.size(value))
        return Node(value, op="mean", parents=[(self, lambda g: spread(g) / n, f"{{g}} / {n}, repeated")], axis=axes)

    def _reduce(
        self, reduction: Callable[..., Array], axis: Axis, keepdims: bool
    ) -> tuple[Array, Callable[[Array], Array], list[int]]:
        """The reduced array, the map that repeats a gradient over the reduced axes, and these axes."""
        axes = tuple(range(self.value.ndim)) if axis is None else normalize_axis_tuple(axis, self.value.ndim)
        kept = reduction(self.value, axis=axes, keepdims=True)
        value = kept if keepdims else kept.squeeze(axes)
        return value, lambda g: np.broadcast_to(g.reshape(kept.shape), self.shape).copy(), list(axes)


Operand = Node | ArrayLike


def _node(value: Operand, like: Node) -> Node:
    if isinstance(value, Node):
        return value
    plain = type(value) in (int, float)  # as in numpy, a Python number takes the dtype of the array beside it
    node = Node(np.asarray(value, dtype=like.value.dtype if plain else None), op="constant")
    return node.named(f"{node.value.item():g}" if node.value.size == 1 else "constant")


def _broadcasting(op: str, value: Array, *parents: Parent) -> Node:
    """A node whose operands may have been broadcast: an operand's gradient is summed over the copies that were made."""
    rules: list[Parent] = []
    for parent, local, words in parents:
        if parent.shape != np.shape(value):
            words = f"sum of {words} over the broadcast axes"
        rules.append((parent, lambda g, p=parent, f=local: _sum_to(f(g), p.shape), words))  # type: ignore[misc]
    return Node(value, op=op, parents=rules)


def _sum_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    lead = gradient.ndim - len(shape)
    stretched = tuple(i + lead for i, n in enumerate(shape) if n == 1)
    summed: Array = gradient.sum(axis=(*range(lead), *stretched), keepdims=True)
    return summed.reshape(shape)


def exp(a: Node) -> Node:
    """Elementwise e^a.

    >>> exp(Node([0.0, 1.0])).value.round(3)
    array([1.   , 2.718])
    """
    value = np.exp(a.value)
    return Node(value, op="exp", parents=[(a, lambda g: g * value, "{g} * {out}")])


def log(a: Node) -> Node:
    """Elementwise natural logarithm.

    >>> log(exp(Node([1.0, 2.0]))).value
    array([1., 2.])
    """
    return Node(np.log(a.value), op="log", parents=[(a, lambda g: g / a.value, "{g} / {a}")])


def sqrt(a: Node) -> Node:
    """Elementwise square root.

    >>> sqrt(Node([4.0, 9.0])).value
    array([2., 3.])
    """
    value = np.sqrt(a.value)
    return Node(value, op="sqrt", parents=[(a, lambda g: g * 0.5 / value, "{g} / (2 {out})")])


def maximum(a: Node, floor: float) -> Node:
    """Elementwise max(a, floor); where both are equal the gradient is 0, as in ReLU's usual convention.

    >>> vjp(lambda a: maximum(a, 1.0).sum(), [0.0, 1.0, 2.0])
    (array([0., 0., 1.]),)
    """
    passes = a.value > floor
    rule = f"{{g}} where {{a}} > {floor:g}"
    return Node(
        np.maximum(a.value, floor), op="max", parents=[(a, lambda g: np.where(passes, g, 0.0), rule)], floor=floor
    )


def relu(a: Node) -> Node:
    """Elementwise max(a, 0).

    >>> relu(Node([-1.0, 2.0])).value
    array([0., 2.])
    """
    return maximum(a, 0.0)


def topological_order(output: Node) -> list[Node]:
    """All nodes that the output depends on, operands before results, the output last.

    >>> a, b = Node(2.0, "a"), Node(3.0, "b")
    >>> [node.name for node in topological_order(((a + b).named("sum") * a).named("y"))]
    ['a', 'b', 'sum', 'y']
    """
    order: list[Node] = []
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(output, False)]
    while stack:  # a loop, not recursion: a graph may be deeper than Python's stack
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent, _, _ in reversed(node.parents))
    return order


def backward(output: Node, dout: ArrayLike | None = None) -> None:
    """Set ``grad`` and ``paths`` of every node below the output: grad = d sum(dout * output) / d value.

    ``dout`` has the output's shape; without it the output must be a single number and dout is 1. Raises ValueError
    for another shape.

    >>> x = Node([1.0, 2.0], "x")
    >>> backward(x * x, dout=[1.0, 10.0])
    >>> x.grad
    array([ 2., 40.])
    """
    if dout is None:
        if output.value.size != 1:
            raise ValueError(f"backward needs dout for an output of shape {output.shape}; only a scalar can go without")
        dout = np.ones_like(output.value)
    seed = np.asarray(dout, dtype=output.value.dtype)
    if seed.shape != output.shape:
        raise ValueError(f"dout must have the output's shape {output.shape}, got {seed.shape}")
    order = topological_order(output)
    gradients = {output: seed.copy()}
    for node in order:
        node.paths = []
    for node in reversed(order):  # all consumers of a node come before it: its sum is complete when its turn comes
        node.grad = gradients[node]
        for parent, local, _ in node.parents:
            share = np.asarray(local(node.grad), dtype=parent.value.dtype)
            parent.paths.append((node, share))
            gradients[parent] = gradients[parent] + share if parent in gradients else share.copy()


def vjp(f: Callable[..., Node], *arrays: ArrayLike, dout: ArrayLike | None = None) -> tuple[Array, ...]:
    """Gradients of sum(dout * f(arrays)) in each array, by building f's graph on nodes and walking back.

    Each has its array's shape, and its dtype if that is one of floats, else float64. Raises ValueError as
    :func:`backward` does.

    >>> vjp(lambda a, b: (a * b).sum(), [1.0, 2.0], [3.0, 4.0])
    (array([3., 4.]), array([1., 2.]))
    """
    leaves = [Node(a) for a in arrays]
    backward(f(*leaves), dout)
    return tuple(np.zeros_like(leaf.value) if leaf.grad is None else leaf.grad for leaf in leaves)


def drawing(output: Node) -> dict[str, list[dict[str, Any]]]:
    """The graph as plain data for a figure: ``{"nodes": [...], "edges": [...]}``, operands before results.

    A node has id, name, op, settings, column (the longest way from an input), shape, value and grad (nested lists, grad
    None before :func:`backward`). An edge has source, target, rule (with names filled in) and grad, its share.

    >>> graph = drawing((Node([1.0, 2.0], "x") ** 2).named("y"))
    >>> [(node["name"], node["op"], node["column"]) for node in graph["nodes"]]
    [('x', 'input', 0), ('y', '^2', 1)]
    >>> graph["edges"][0]["rule"]
    'dy * 2 * x'
    """
    order = topological_order(output)
    number = {id(node): i for i, node in enumerate(order)}
    taken = {node.name for node in order}
    names = [node.name or _free(f"v{i}", taken) for i, node in enumerate(order)]
    columns: list[int] = []
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for i, node in enumerate(order):
        operands = [number[id(parent)] for parent, _, _ in node.parents]
        columns.append(1 + max((columns[j] for j in operands), default=-1))
        described = {"id": i, "name": names[i], "op": node.op, "settings": node.settings, "column": columns[i]}
        numbers = {"value": node.value.tolist(), "grad": None if node.grad is None else node.grad.tolist()}
        nodes.append(described | {"shape": list(node.shape)} | numbers)
        words = {"g": f"d{names[i]}", "out": names[i]} | dict(zip("ab", (names[j] for j in operands), strict=False))
        for j, (_, local, rule) in zip(operands, node.parents, strict=True):
            share = None if node.grad is None else local(node.grad).tolist()
            edges.append({"source": j, "target": i, "rule": rule.format(**words), "grad": share})
    return {"nodes": nodes, "edges": edges}


def _free(name: str, taken: set[str]) -> str:
    """A name that no node has which was given one."""
    return _free(f"{name}'", taken) if name in taken else name
