"""The graph: every operation against finite differences, sums over paths, broadcasting, drawing, errors."""

import inspect
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from normlab import graph
from normlab.gradcheck import numerical_gradient, relative_error
from normlab.graph import Node, backward, drawing, exp, log, maximum, relu, sqrt, topological_order, vjp

RNG = np.random.default_rng(3)
MATRIX, OTHER = RNG.uniform(0.5, 2.0, (3, 4)), RNG.uniform(-2.0, -0.5, (3, 4))
ROW, COLUMN, CUBE = RNG.uniform(0.5, 2.0, 4), RNG.uniform(0.5, 2.0, (3, 1)), RNG.uniform(0.5, 2.0, (2, 3, 4))

OPERATIONS: dict[str, tuple[Callable[..., Node], tuple[np.ndarray, ...]]] = {
    "add": (lambda a, b: a + b, (MATRIX, OTHER)),
    "add, first broadcast": (lambda a, b: a + b, (ROW, MATRIX)),
    "subtract": (lambda a, b: a - b, (MATRIX, OTHER)),
    "subtract, second broadcast": (lambda a, b: a - b, (MATRIX, COLUMN)),
    "multiply": (lambda a, b: a * b, (MATRIX, OTHER)),
    "multiply, both broadcast": (lambda a, b: a * b, (ROW, COLUMN)),
    "multiply, three dimensions": (lambda a, b: a * b, (COLUMN, CUBE)),
    "divide": (lambda a, b: a / b, (MATRIX, OTHER)),
    "divide, by a row": (lambda a, b: a / b, (MATRIX, ROW)),
    "divide, by a scalar": (lambda a, b: a / b, (MATRIX, np.array(1.7))),
    "negate": (lambda a: -a, (MATRIX,)),
    "square": (lambda a: a**2, (OTHER,)),
    "cube": (lambda a: a**3, (OTHER,)),
    "inverse square root": (lambda a: a**-0.5, (MATRIX,)),
    "matrix product": (lambda a, b: a @ b, (MATRIX, RNG.standard_normal((4, 2)))),
    "array times node": (lambda a: OTHER * a, (MATRIX,)),
    "array at node": (lambda a: OTHER.T @ a, (MATRIX,)),
    "number minus node": (lambda a: 3 - a, (MATRIX,)),
    "number over node": (lambda a: 3 / a, (MATRIX,)),
    "number plus node": (lambda a: 3 + a, (MATRIX,)),
    "sum": (lambda a: a.sum(), (MATRIX,)),
    "sum over axis 0": (lambda a: a.sum(axis=0), (MATRIX,)),
    "sum over the last axis, kept": (lambda a: a.sum(axis=-1, keepdims=True), (MATRIX,)),
    "sum over two axes": (lambda a: a.sum(axis=(0, 2)), (CUBE,)),
    "mean": (lambda a: a.mean(), (MATRIX,)),
    "mean over axis 1": (lambda a: a.mean(axis=1), (MATRIX,)),
    "mean over two axes, kept": (lambda a: a.mean(axis=[0, -1], keepdims=True), (CUBE,)),
    "exp": (exp, (OTHER,)),
    "log": (log, (MATRIX,)),
    "sqrt": (sqrt, (MATRIX,)),
    "maximum": (lambda a: maximum(a, 1.2), (MATRIX,)),
    "relu": (relu, (RNG.choice([-1.0, 1.0], (3, 4)) * MATRIX,)),
    "transpose": (lambda a: a.T, (MATRIX,)),
    "reshape": (lambda a: a.reshape(2, 6), (MATRIX,)),
    "pick a row": (lambda a: a[1], (MATRIX,)),
    "pick one element twice": (lambda a: a[[0, 2, 0], [1, 1, 1]], (MATRIX,)),
    "pick by a mask": (lambda a: a[MATRIX > 1.0], (MATRIX,)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_agrees_with_finite_differences(name: str) -> None:
    function, arrays = OPERATIONS[name]
    arrays = tuple(array.copy() for array in arrays)
    value = function(*map(Node, arrays)).value
    dout = RNG.standard_normal(value.shape)
    for k, gradient in enumerate(vjp(function, *arrays, dout=dout)):
        numeric = numerical_gradient(lambda _: function(*map(Node, arrays)).value, arrays[k], dout)
        assert gradient.shape == arrays[k].shape
        assert relative_error(gradient, numeric) < 1e-8


def test_no_operation_is_left_untested() -> None:
    reached = {node.op for f, arrays in OPERATIONS.values() for node in topological_order(f(*map(Node, arrays)))}
    built = {line.split('op="')[1].split('"')[0] for line in inspect.getsource(graph).splitlines() if 'op="' in line}
    assert built <= reached | {"constant"}
    assert {"+", "-", "*", "/", "^2", "^-0.5", "input"} <= reached


@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3),
    op=st.sampled_from(["+", "-", "*", "/"]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_a_broadcast_operand_gets_the_sum_over_its_copies(shapes: hnp.BroadcastableShapes, op: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.uniform(0.5, 2.0, shape) for shape in shapes.input_shapes)
    dout = rng.standard_normal(shapes.result_shape)

    def function(x: Node, y: Node) -> Node:
        return {"+": lambda: x + y, "-": lambda: x - y, "*": lambda: x * y, "/": lambda: x / y}[op]()

    for operand, gradient in zip((a, b), vjp(function, a, b, dout=dout), strict=True):
        numeric = numerical_gradient(lambda _: function(Node(a), Node(b)).value, operand, dout)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)


def test_a_gradient_is_the_sum_over_all_paths() -> None:
    x = Node([1.0, 2.0], "x")
    square, double = (x * x).named("square"), (2 * x).named("double")
    backward((square + double).sum())
    assert x.grad is not None
    assert x.grad.tolist() == [4.0, 6.0]
    assert sorted(consumer.name for consumer, _ in x.paths) == ["double", "square", "square"]
    np.testing.assert_array_equal(sum(share for _, share in x.paths), x.grad)


def test_a_second_backward_starts_afresh() -> None:
    x = Node([1.0, 2.0])
    loss = (x**2).sum()
    backward(loss)
    backward(loss)
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 4.0]
    assert len(x.paths) == 1


def test_gradients_share_no_memory() -> None:
    x, dout = Node([[1.0, 2.0]], "x"), np.array([[1.0], [1.0]])
    out = x.T
    backward(out, dout)
    arrays = [dout, out.grad, x.grad, *(share for _, share in x.paths)]
    assert x.grad is not None
    assert out.grad is not None
    assert not any(np.shares_memory(x.grad, array) for array in (dout, out.grad))
    assert not np.shares_memory(out.grad, dout)
    x.grad[:] = 99.0
    assert [np.max(array) for array in arrays if array is not x.grad and array is not None] == [1.0, 1.0, 1.0]


def test_a_graph_keeps_the_values_that_it_was_built_from() -> None:
    array, factors = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    x = Node(array)
    y = (x**2 * factors).sum()
    array += 10.0
    factors += 10.0
    backward(y)
    assert x.grad is not None
    assert x.grad.tolist() == [6.0, 16.0]


def test_a_graph_may_be_deeper_than_pythons_stack() -> None:
    x = Node(1.0)
    out = x
    for _ in range(5000):
        out = out + 1
    backward(out)
    assert x.grad is not None
    assert float(out.value) == 5001.0
    assert float(x.grad) == 1.0


def test_operands_come_before_results() -> None:
    x = Node([1.0], "x")
    a = exp(x)
    out = a * (a + x)
    order = topological_order(out)
    assert order[-1] is out
    assert len({id(node) for node in order}) == len(order) == 4
    assert all(order.index(parent) < order.index(node) for node in order for parent, _, _ in node.parents)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_keep_their_dtype_beside_plain_numbers(dtype: type) -> None:
    x = Node(np.array([1.0, 2.0], dtype))
    out = ((1 / (x * 2 + 1e-5)) - 3).mean()
    backward(out)
    assert x.grad is not None
    assert out.value.dtype == x.grad.dtype == dtype


def test_the_gradient_of_a_tie_in_maximum_is_zero() -> None:
    (gradient,) = vjp(relu, [0.0, -1.0, 2.0], dout=[5.0, 5.0, 5.0])
    assert gradient.tolist() == [0.0, 0.0, 5.0]


def test_an_array_that_does_not_matter_has_gradient_zero() -> None:
    assert vjp(lambda a, b: (a * 2).sum(), [1.0, 2.0], [3.0])[1].tolist() == [0.0]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: backward(Node([1.0, 2.0])), r"needs dout for an output of shape \(2,\)"),
        (lambda: backward(Node([1.0, 2.0]), [1.0]), r"output's shape \(2,\), got \(1,\)"),
        (lambda: Node([1.0]) @ Node([1.0]), r"two matrices, got shapes \(1,\) and \(1,\)"),
    ],
)
def test_errors_quote_the_shapes(act: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        act()


def test_a_power_must_be_a_plain_number() -> None:
    with pytest.raises(TypeError, match="not Node; use exp and log"):
        Node([1.0]) ** Node([2.0])  # type: ignore[operator]


def test_a_node_without_a_name_takes_none_that_another_has() -> None:
    a = Node(1.0, "v2")
    names = [node["name"] for node in drawing((a * 3.0 + a).named("y"))["nodes"]]
    assert names == ["v2", "3", "v2'", "y"]


def test_the_drawing_holds_names_shapes_rules_and_shares() -> None:
    x, gamma = Node([[1.0, 2.0], [3.0, 5.0]], "x"), Node([2.0, 3.0], "gamma")
    centered = (x - x.mean(axis=0).named("mu")).named("centered")
    out = (gamma * centered).named("out")
    assert drawing(out)["nodes"][-1]["grad"] is None
    backward(out, np.ones((2, 2)))
    picture = drawing(out)
    nodes = {node["name"]: node for node in picture["nodes"]}
    rules = {
        (picture["nodes"][e["source"]]["name"], picture["nodes"][e["target"]]["name"]): e for e in picture["edges"]
    }
    assert [nodes[name]["column"] for name in ("x", "gamma", "mu", "centered", "out")] == [0, 0, 1, 2, 3]
    assert nodes["mu"]["settings"] == {"axis": [0]}
    assert nodes["mu"]["shape"] == [2]
    assert rules["gamma", "out"]["rule"] == "sum of dout * centered over the broadcast axes"
    assert rules["mu", "centered"]["rule"] == "sum of -dcentered over the broadcast axes"
    assert rules["x", "mu"]["rule"] == "dmu / 2, repeated"
    for name in ("x", "centered"):
        shares = [np.array(edge["grad"]) for (source, _), edge in rules.items() if source == name]
        np.testing.assert_array_equal(sum(shares), nodes[name]["grad"])


def test_a_node_tells_what_it_is() -> None:
    assert repr(Node([1.0], "x")) == "Node(x: input, shape (1,))"
    assert repr(exp(Node(1.0))) == "Node(unnamed: exp, shape ())"


@pytest.mark.parametrize(
    ("f", "arrays", "gradients"),
    [
        (lambda a: sqrt(relu(a)).sum(), [[-1.0, 4.0]], [[0.0, 0.25]]),
        (lambda a: (a**0).sum(), [[0.0, 2.0]], [[0.0, 0.0]]),
        (lambda a, b: (a / b).sum(), [[1e200], [1e200]], [[1e-200], [-1e-200]]),
    ],
)
def test_a_gradient_that_is_finite_does_not_get_lost_in_what_is_not(
    f: Callable[..., Node], arrays: list[list[float]], gradients: list[list[float]]
) -> None:
    with np.errstate(divide="ignore"):
        found = vjp(f, *arrays)
    assert [each.tolist() for each in found] == gradients


def test_a_gradient_has_the_dtype_of_its_array() -> None:
    (gradient,) = vjp(lambda a: (a * np.ones(2)).sum(), np.array([1, 2], np.float32))
    assert gradient.dtype == np.float32
    assert isinstance(vjp(exp, 2.0)[0], np.ndarray)
