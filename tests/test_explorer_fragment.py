"""The graph explorer's fragment of HTML, as Python makes it; ``browser/test_explorer.py`` runs it."""

import re
from typing import Any

import numpy as np
import pytest

from normlab.explorer import explorer
from normlab.graph import Node, backward, exp, maximum


def small() -> Node:
    x = Node([[1.0, 2.0], [3.0, 5.0]], "x")
    return ((x - x.mean(axis=0).named("m")) ** 2).named("out")


def test_the_fragment_is_equal_from_run_to_run_and_loads_nothing() -> None:
    fragment = explorer(small(), np.ones((2, 2)), "Squares")._repr_html_()
    assert fragment == explorer(small(), np.ones((2, 2)), "Squares").html
    assert set(re.findall(r"https?://[^\"' ]+", fragment)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(?:script|img|link|iframe)[^>]*\s(?:src|href)=", fragment)


def test_the_table_tells_how_each_node_is_computed() -> None:
    x = Node([[1.0, 2.0], [3.0, 5.0]], "x")
    out = (exp(-x.T.reshape(4)[:2]) + maximum(x, 2.0).sum() * x.mean(axis=(0, 1))).named("out")
    cells = re.findall(r"<tr><th scope=\"row\">(.*?)</th><td>(.*?)</td>", explorer(out, [1.0, 1.0]).html)
    assert {formula for _, formula in cells} == {
        "given",
        "x.T",
        "v1 in another shape",
        "some elements of v2",
        "-v3",
        "exp(v4)",
        "max(x, 2)",
        "sum of v6 over axis 0, 1",
        "mean of x over axis 0, 1",
        "v7 * v8",
        "v5 + v9",
    }


@pytest.mark.parametrize(
    ("output", "dout", "words"),
    [
        (Node([1.0, 2.0]) * 2, None, r"needs dout for an output of shape \(2,\)"),
        (Node([1.0, np.nan], "x").sum(), None, "x holds numbers that are not finite"),
        (Node([1.0, 2.0], "x") * 2, [np.nan, 1.0], "dout holds numbers that are not finite"),
        (Node(np.ones((80, 80)), "x").sum(), None, "holds 6401 numbers, at most 5000"),
    ],
)
def test_what_cannot_be_explored_is_refused(output: Node, dout: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        explorer(output, dout)


def test_gradients_that_are_there_are_used() -> None:
    output = Node([1.0, 2.0], "a") * 2
    backward(output, [3.0, 4.0])
    assert '"dout":[3.0,4.0]' in explorer(output).html


def test_what_another_graph_left_in_a_node_is_not_shown() -> None:
    x = Node(2.0, "x")
    y = (x * 3.0).named("y")
    backward((y + x).named("z"))
    assert "<td>2</td><td>3</td></tr>" in explorer(y).html


def test_a_rule_names_the_axes_that_it_sums_over() -> None:
    x, row, column, one = Node(np.ones((3, 2)), "x"), Node(np.ones(2), "r"), Node(np.ones((3, 1)), "k"), Node(1.0, "o")
    html = explorer(
        ((x * row).named("a") - ((x + column).named("b") * one).named("p")).named("out"), np.ones((3, 2))
    ).html
    rules = {"da * x summed over rows", "db summed over columns", "dp * b summed over rows and columns"}
    assert rules <= set(re.findall(r'"rule":"(.*?)"', html))


def test_a_name_of_several_words_stays_one_thing_in_rules_and_formulas() -> None:
    centered = (Node(3.0, "x") - 1.0).named("x minus mu")
    squared = explorer(((centered**2).named("x minus mu squared") * 2.0).named("y")).html
    assert '"rule":"d(x minus mu squared) * 2 * (x minus mu)"' in squared
    w = (Node(2.0, "v") + Node(1.0, "eps")).named("v + eps")
    html = explorer((1.0 / w).named("r")).html
    assert '"rule":"-dr * 1 / (v + eps)^2"' in html
    assert '"rule":"d(v + eps)"' in html
    assert '"formula":"1 / (v + eps)"' in html
