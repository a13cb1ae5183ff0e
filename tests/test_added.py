"""Cells of the student's own stand where they are needed, in whatever order the others were handed in."""

from __future__ import annotations

import pytest

from autograder.syntax import names_in
from tests.course_factory import RIGHT, Notebook, answered, cell
from tests.repaired import SOURCE, TESTS, graded, repaired


def in_order(*names: str) -> Notebook:
    """The right answers, each cell by its name; the others are cells of the student's own."""
    work = answered(RIGHT)
    cells = {raw["id"].replace("-", "_"): raw for raw in work["cells"]}
    return {**work, "cells": [dict(cells.get(name) or cell("code", name, name)) for name in names]}


CHECKS = ("scale_forward__values", "scale_forward__shifted")
DONE_BACKWARDS = ("imports", "scale_backward", "a", "scale_backward__gradient", "b", "intro")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (("imports", "scale_backward", "a", "b", "scale_forward", *CHECKS, "c"), "imports a b scale_forward"),
        (("imports", "scale_forward", "scale_backward", "a", *CHECKS), "scale_backward a scale_backward__gradient"),
        ((*DONE_BACKWARDS, "scale_forward", *CHECKS), "imports b scale_forward"),
        ((*DONE_BACKWARDS, "scale_forward", *CHECKS), "scale_backward a scale_backward__gradient"),
    ],
)
def test_an_added_cell_stays_above_what_it_stood_above(order: tuple[str, ...], expected: str) -> None:
    found = [raw["id"].replace("-", "_") for raw in repaired(in_order(*order))[0]["cells"]]
    assert expected in " ".join(found)
    assert len(set(found)) == len(found) == len(SOURCE.cells) + len({*order} & {*"abc"})


def test_a_copy_of_a_check_further_down_moves_nothing() -> None:
    work = answered(RIGHT)
    work["cells"] += [cell("code", "mine", "mine"), dict(work["cells"][3], id="copy"), cell("code", "last", "last")]
    notebook, notes = repaired(work)
    assert [raw["source"] for raw in notebook["cells"][-2:]] == ["mine", "last"]
    assert notes == ["The cell scale_forward__values was there 2 times; one was graded."]


TABLE = "K = [g(i) for i in range(3)]"


@pytest.mark.parametrize(
    ("own", "order"),
    [
        ([TABLE], ["imports", "f", "g", TABLE, *TESTS, "hh", "test_hh"]),
        ([TABLE], ["imports", "g", TABLE, "f", *TESTS, "hh", "test_hh"]),
        ([TABLE], ["imports", "g", "f", TABLE, *TESTS, "hh", "test_hh"]),
        (["print(1)"], ["imports", "f", "g", "print(1)", *TESTS, "hh", "test_hh"]),
    ]
    + [
        (own, ["imports", "g", *own, "f", *TESTS, "hh", "test_hh"])
        for own in (
            ["@g\ndef helper(x): pass"],
            ["def helper(x=g(1)): pass"],
            ["%time K = g(1)"],
            ["def helper(x): return g(x)\nK = helper(1)"],
            ["def g(x): return 2 * x"],
            ["K = (lambda x: g(x))(1)"],
            ["K = g(1)", "L = K + 1"],
        )
    ],
)
def test_an_added_cell_stays_below_what_it_uses(own: list[str], order: list[str]) -> None:
    assert graded(*order) == ["imports", "f", "test_f", "g", *own, "test_g", "hh", "test_hh"]


def test_an_added_cell_stays_below_what_a_function_that_it_calls_uses() -> None:
    helper, used, alike = "def helper(x): return g(x)", "K = helper(1)", "def other(x):\n    g = x\n    return g"
    found = graded("imports", "g", helper, used, alike, "f", *TESTS, "hh", "test_hh")
    assert found == ["imports", helper, alike, "f", "test_f", "g", used, "test_g", "hh", "test_hh"]


HELPER = "def helper(x): return x"


@pytest.mark.parametrize(
    ("handed_in", "expected"),
    [
        (("g", HELPER, "test_g", "f", "test_f"), (HELPER, "f", "test_f", "g", "test_g")),
        (("g", HELPER, "f", *TESTS), (HELPER, "f", "test_f", "g", "test_g")),
        (("f", "g", HELPER, *TESTS), ("f", HELPER, "test_f", "g", "test_g")),
    ],
)
def test_a_helper_stays_above_the_test_of_each_answer_that_uses_it(
    handed_in: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    both = {name: f"def {name}(x): return helper(x)" for name in "fg"}
    found = graded("imports", *(both.get(each, each) for each in handed_in), "test_hh", "hh")
    shown = {source: name for name, source in both.items()}
    assert [shown.get(each, each) for each in found] == ["imports", *expected, "hh", "test_hh"]


USES = {
    "K": "def f(x): return helper(x)",  # by way of the helper alone
    "tools": "def f(x): return tools.sqrt(x)",
}


@pytest.mark.parametrize(
    ("own", "used"),
    [
        (["K = 1", "def helper(x): return x + K"], "K"),
        (["def helper(x): return x + K", "K = 1"], "K"),
        (["import math as tools"], "tools"),
        (["import math as tools\nK = 1", "def helper(x): return x + K"], "K"),
        (["import math as K", "def helper(x): return x + K"], "K"),
        (["import math as tools\ntools = tools.e"], "tools"),
        (["K = 1", "import math as tools\nbase = K"], "tools"),
        (["K = 1", "import math as tools\ntools = tools.e + K"], "tools"),
    ],
)
def test_what_a_helper_of_an_answer_needs_goes_where_the_helper_goes(own: list[str], used: str) -> None:
    f = USES[used]
    found = graded("imports", "hh", "test_hh", f, "g", *own, *TESTS)
    assert found == ["imports", f, *own, "test_f", "g", "test_g", "hh", "test_hh"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("import math as tools", "t = tools.pi"),
        ("import math as tools\ntools = tools.pi", "t = tools"),
        ("K = 1", "K = K + 1"),
    ],
)
def test_what_an_added_cell_uses_stays_above_it_though_the_answer_below_goes_up(first: str, second: str) -> None:
    found = graded("imports", "hh", first, "test_hh", second, "f", "test_f", "g", "test_g")
    assert found == ["imports", "f", "test_f", "g", "test_g", "hh", first, second, "test_hh"]


def test_a_helper_goes_no_further_up_than_the_first_answer_that_uses_it() -> None:
    g = "def g(x): return helper(x)"
    found = graded("imports", "hh", HELPER, "test_hh", "f", "test_f", g, "test_g")
    assert found == ["imports", "f", "test_f", HELPER, g, "test_g", "hh", "test_hh"]


def test_a_text_that_looks_like_code_stays_where_it_stood() -> None:
    f, note = "def f(x): return helper(x)", "# a note:\nhelper = 1"
    found = graded("imports", "hh", "test_hh", f, "g", note, *TESTS)
    assert found == ["imports", f, "test_f", "g", note, "test_g", "hh", "test_hh"]


def test_a_name_that_is_bound_again_below_stays_below() -> None:
    f, before, after = "def f(x): return x + K", "K = 1", "K = 2"
    found = graded("imports", "hh", "test_hh", before, f, "test_f", after, "g", "test_g")
    assert found == ["imports", before, f, "test_f", after, "g", "test_g", "hh", "test_hh"]


def test_where_the_order_is_kept_a_helper_below_the_test_stays_below_and_an_empty_cell_is_no_cell() -> None:
    f = "def f(x): return helper(x)"
    found = graded("'top'", "imports", f, "test_f", "", HELPER, "g", "test_g", "hh", "test_hh", "'end'")
    assert found == ["'top'", "imports", f, "test_f", HELPER, "g", "test_g", "hh", "test_hh", "'end'"]


def test_an_empty_cell_and_one_above_all_are_no_matter_where_the_order_is_another() -> None:
    found = graded("'top'", "imports", "hh", "test_hh", "", "f", "'mine'", "g", *TESTS, "'end'")
    assert found == ["'top'", "imports", "f", "'mine'", "test_f", "g", "test_g", "'end'", "hh", "test_hh"]


@pytest.mark.parametrize("own", ["v = 3", "w = 3"])
def test_a_name_that_a_check_binds_itself_it_does_not_need(own: str) -> None:
    found = graded("imports", "f", "g", own, *TESTS, "hh", "test_hh", checks="v = w = {name}(1)\nv")
    assert found == ["imports", "f", "test_f", "g", own, "test_g", "hh", "test_hh"]


def test_a_name_is_a_functions_own_where_that_function_binds_it_alone() -> None:
    source = "def norm(scale):\n    return scale\ndef helper(x):\n    return x * scale\n"
    source += "def count():\n    global n\n    n += 1"
    assert names_in(source).within == {"scale", "n"}
    nested = "def outer(a):\n    def inner():\n        return a, b, [c for d in e]\n    return inner"
    assert names_in(nested).within == set("bce")


def test_a_second_attempt_stays_above_the_test_that_it_stood_above() -> None:
    better = "def f(x): return 2 * x"
    found = graded("imports", "f", "g", better, *TESTS, "hh", "test_hh")
    assert found == ["imports", "f", better, "test_f", "g", "test_g", "hh", "test_hh"]
