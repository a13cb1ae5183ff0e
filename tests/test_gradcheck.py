"""The checker is itself checked: what it must accept, and the smallest mistakes that it must not."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from normlab.gradcheck import GradientMismatch, check_nodes, numerical_gradient, relative_error
from normlab.graph import Node, backward, sqrt, topological_order

Gradients = dict[str, np.ndarray]


@pytest.fixture
def walked() -> tuple[Node, Gradients]:
    """A small normalization, walked backward, and a copy of all its named gradients."""
    rng = np.random.default_rng(1)
    x = Node(rng.standard_normal((6, 3)) + 4, "x")
    z = (x - x.mean(axis=0).named("m")).named("z")
    s = sqrt((z**2).mean(axis=0).named("v") + 1e-5).named("s")
    out = (z / s).named("out")
    backward(out, rng.standard_normal(out.shape))
    named = {n.name: n for n in topological_order(out) if n.op != "constant" and n.name}
    return out, {name: node.grad.copy() for name, node in named.items() if node.grad is not None}


NAMES = ["out", "s", "v", "z", "m", "x"]


def test_right_gradients_agree_from_the_output_backward(walked: tuple[Node, Gradients]) -> None:
    output, gradients = walked
    agreed = check_nodes(gradients, output)
    assert sorted(agreed) == sorted(NAMES)
    assert agreed[0] == "out"
    assert agreed[-1] == "x"


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_off_by_a_twentieth_of_a_percent_fails_by_name(walked: tuple[Node, Gradients], name: str) -> None:
    output, gradients = walked
    gradients[name] *= 1.0005
    with pytest.raises(GradientMismatch, match=f"^{name} is the first wrong gradient"):
        check_nodes(gradients, output)


@pytest.mark.parametrize("name", NAMES)
def test_one_wrong_element_is_enough(walked: tuple[Node, Gradients], name: str) -> None:
    output, gradients = walked
    gradients[name].flat[-1] += 0.01
    with pytest.raises(GradientMismatch, match=f"^{name} is the first wrong gradient"):
        check_nodes(gradients, output)


def test_the_check_stops_at_the_first_of_two_mistakes(walked: tuple[Node, Gradients]) -> None:
    output, gradients = walked
    gradients["x"] *= 2
    gradients["s"] *= 2
    with pytest.raises(GradientMismatch, match=r"^s is the first wrong .*\(out agrees\)"):
        check_nodes(gradients, output)


def test_names_choose_what_is_checked(walked: tuple[Node, Gradients]) -> None:
    output, gradients = walked
    gradients["s"] *= 2
    assert check_nodes(gradients, output, ["out", "x"]) == ["out", "x"]


@pytest.mark.parametrize(
    ("edit", "error", "words"),
    [
        (lambda g: g.pop("s"), GradientMismatch, r"the gradient of s is missing \(out agrees\)"),
        (lambda g: g.update(s=np.ones((3, 1))), GradientMismatch, r"s must have shape \(3,\), got \(3, 1\)"),
        (lambda g: g.update(s="zeros"), GradientMismatch, "s must be an array of numbers, got str"),
        (lambda g: g.update(s=None), GradientMismatch, "s must be an array of numbers, got NoneType"),
        (lambda g: g.update(s=g["s"] * np.nan), GradientMismatch, "s is the first wrong gradient"),
    ],
)
def test_what_is_no_gradient_fails_by_name(
    walked: tuple[Node, Gradients], edit: Callable[[Gradients], object], error: type[Exception], words: str
) -> None:
    output, gradients = walked
    edit(gradients)
    with pytest.raises(error, match=words):
        check_nodes(gradients, output, ["out", "s"])


def test_a_misspelled_name_is_not_passed_over(walked: tuple[Node, Gradients]) -> None:
    output, gradients = walked
    with pytest.raises(ValueError, match="no node 'sigma'; its names are out, "):
        check_nodes(gradients | {"sigma": np.ones(3)}, output)
    with pytest.raises(ValueError, match="no node 'sigma'"):
        check_nodes(gradients, output, ["sigma"])


def test_a_name_that_two_nodes_share_is_refused() -> None:
    out = (Node(1.0, "a") * Node(2.0, "a")).named("out")
    backward(out)
    with pytest.raises(ValueError, match="2 nodes 'a'"):
        check_nodes({"a": np.array(2.0)}, out)


def test_a_graph_without_gradients_is_refused() -> None:
    with pytest.raises(ValueError, match="call backward on the graph first"):
        check_nodes({"out": np.ones(1)}, Node([1.0], "out"))


FINITE = st.floats(-1e6, 1e6)


@given(hnp.arrays(np.float64, st.integers(0, 5), elements=FINITE), st.floats(0.25, 4))
def test_the_relative_error_is_symmetric_and_has_no_scale(x: np.ndarray, factor: float) -> None:
    y = x * factor + 1e-3
    assert relative_error(x, x) == 0.0
    assert relative_error(x, y) == relative_error(y, x) <= 1.0


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [([1.0, 2.0], [1.0, 6.0], 0.5), ([1.0], [-1.0], 1.0), ([1e-12], [0.0], 1e-4), ([np.nan], [1.0], np.inf)],
)
def test_the_relative_error_of_known_pairs(x: list[float], y: list[float], expected: float) -> None:
    assert relative_error(x, y) == pytest.approx(expected)


def test_shapes_that_would_broadcast_are_not_compared() -> None:
    with pytest.raises(ValueError, match=r"\(3,\) and \(1, 3\)"):
        relative_error(np.ones(3), np.ones((1, 3)))


def test_central_differences_of_a_cubic() -> None:
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = x.copy()
    gradient = numerical_gradient(lambda a: a**3, x, np.full((2, 2), 2.0))
    np.testing.assert_allclose(gradient, 6 * before**2, rtol=1e-8)
    np.testing.assert_array_equal(x, before)


def test_an_array_is_restored_when_the_function_fails() -> None:
    x = np.ones(2)

    def broken(_: np.ndarray) -> float:
        raise RuntimeError("no value")

    with pytest.raises(RuntimeError, match="no value"):
        numerical_gradient(broken, x)
    assert x.tolist() == [1.0, 1.0]


def test_a_function_may_return_the_array_that_is_edited() -> None:
    np.testing.assert_allclose(numerical_gradient(lambda a: a, np.ones(3), np.arange(3.0)), np.arange(3.0), atol=1e-9)


@pytest.mark.parametrize(
    ("x", "kind"), [(np.arange(3), "int64"), ([1.0, 2.0], "list"), (np.array([1e3], np.float32), "float32")]
)
def test_what_cannot_be_nudged_is_refused(x: object, kind: str) -> None:
    with pytest.raises(TypeError, match=f"array of float64, got {kind}"):
        numerical_gradient(lambda a: a, x)  # type: ignore[arg-type]


@pytest.mark.parametrize(("f", "dout"), [(lambda a: a[:, None] ** 2, np.ones(3)), (lambda a: a**2, None)])
def test_what_would_broadcast_with_dout_is_refused(
    f: Callable[[np.ndarray], np.ndarray], dout: np.ndarray | None
) -> None:
    with pytest.raises(ValueError, match="must have the shape of dout"):
        numerical_gradient(f, np.array([1.0, 2.0, 3.0]), dout)
