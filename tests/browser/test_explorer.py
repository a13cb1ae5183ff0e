"""The graph explorer in Chromium: its numbers are those of ``normlab.graph``."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from normlab.explorer import explorer
from normlab.graph import Node, backward, topological_order
from tests.browser.exploring import TYPE_AND_READ, D, N, drawn, labels, normalization
from tests.test_graph import OPERATIONS

pytestmark = pytest.mark.browser


def assert_same(got: Any, want: Any, what: str, size: float = 0.0) -> None:
    """Equal to 1e-12 relative to the array's largest element, or to ``size`` where larger terms cancel in a sum."""
    got, want = np.array(got), np.ravel(want)
    scale = max(float(np.max(np.abs(want))), size)
    assert got.shape == want.shape, what
    assert np.max(np.abs(got - want)) <= 1e-12 * scale, what


def assert_same_graph(shown: dict[str, Any], output: Node) -> None:
    order = topological_order(output)
    assert len(shown["values"]) == len(order)
    for i, node in enumerate(order):
        what = f"{node.name or i} ({node.op})"
        assert_same(shown["values"][i], node.value, f"value of {what}")
        assert node.grad is not None
        assert len(shown["paths"][i]) == len(node.paths)
        shares = [share for _, share in node.paths]
        for got, share in zip(shown["paths"][i], shares, strict=True):
            assert_same(got, share, f"a path to {what}", float(np.max(np.abs(node.grad))))
        assert_same(
            shown["grads"][i], node.grad, f"gradient of {what}", max([0.0, *(float(np.max(np.abs(s))) for s in shares)])
        )


@pytest.mark.parametrize("axis", [0, 1], ids=["batch norm", "layer norm"])
def test_all_numbers_agree_with_the_graph_over_a_hundred_inputs(axis: int, open_page: Callable[..., Page]) -> None:
    rng = np.random.default_rng(axis)
    start = drawn(rng)
    page = open_page(explorer(normalization(axis, start), start["dout"]).html)
    for _ in range(100):
        arrays = drawn(rng)
        output = normalization(axis, arrays)
        backward(output, arrays["dout"])
        assert_same_graph(page.evaluate(TYPE_AND_READ, labels(arrays)), output)


def test_every_operation_of_the_graph_is_evaluated(open_page: Callable[..., Page]) -> None:
    rng = np.random.default_rng(7)
    outputs = []
    for function, arrays in OPERATIONS.values():
        output = function(*map(Node, arrays))
        backward(output, rng.standard_normal(output.shape))
        outputs.append(output)
    page = open_page(*(explorer(output).html for output in outputs))
    read = TYPE_AND_READ.replace("(given) =>", "(root) =>").replace(
        'const root = document.querySelector(".nlx");', "const given = {};"
    )
    for figure, output in zip(page.query_selector_all(".nlx"), outputs, strict=True):
        assert_same_graph(figure.evaluate(read), output)


@pytest.mark.parametrize("axis", [0, 1], ids=["batch norm", "layer norm"])
def test_the_matrix_of_dependence_is_the_jacobian(axis: int, open_page: Callable[..., Page]) -> None:
    arrays = drawn(np.random.default_rng(3))
    output = normalization(axis, arrays)
    page = open_page(explorer(output, arrays["dout"]).html)
    order = topological_order(output)
    source = next(i for i, node in enumerate(order) if node.name == "x")
    shown = page.evaluate(
        "([t, s]) => document.querySelector('.nlx').explorer.jacobian(t, s).map((r) => Array.from(r))",
        [len(order) - 1, source],
    )
    for i, row in enumerate(shown):
        backward(output, np.eye(N * D)[i].reshape(N, D))
        assert order[source].grad is not None
        assert_same(row, order[source].grad, f"row {i}")
    depends = np.array(shown).reshape(N, D, N, D) != 0
    rows, columns = np.ix_(range(N), range(D))
    same = columns[:, :, None, None] == columns[None, None] if axis == 0 else rows[:, :, None, None] == rows[None, None]
    np.testing.assert_array_equal(depends, np.broadcast_to(same, depends.shape))
