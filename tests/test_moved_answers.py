"""An answer that stands in another cell than its own is an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autograder.assignment import Assignment
from autograder.intake import parse
from autograder.limits import Limits
from autograder.repair import repair
from autograder.syntax import defines, names_in
from autograder.unanswered import blank_cells
from normlab.check import check
from tests.course_factory import RIGHT, Notebook, answered, assignment, cell, release
from tests.small_notebooks import ALL_DONE, filled, saver, status

SOURCE = assignment()


def repaired(work: Notebook, source: Assignment = SOURCE) -> tuple[Notebook, list[str]]:
    return repair(source, parse(json.dumps(work).encode(), Limits()))


def test_an_answer_in_the_cell_of_another_is_not_blank() -> None:
    both = RIGHT["scale_forward"] + "\n\n" + RIGHT["scale_backward"]
    work = answered({**RIGHT, "scale_backward": both})
    work["cells"] = [raw for raw in work["cells"] if raw["id"] != "scale-forward"]
    notebook, notes = repaired(work)
    assert notes == ["The answer of scale_forward stands in another cell."]
    assert blank_cells(SOURCE, notebook) == []


def test_a_text_that_was_emptied_is_blank_unless_a_cell_of_the_students_own_follows() -> None:
    work = answered(RIGHT | {"written__why": ""})
    assert blank_cells(SOURCE, repaired(work)[0]) == ["written__why"]
    work["cells"].append(cell("markdown", "mine", "Since the slope is w."))
    assert blank_cells(SOURCE, repaired(work)[0]) == []
    untouched = release()
    untouched["cells"].append(cell("markdown", "mine", "My notes."))
    assert "written__why" in blank_cells(SOURCE, repaired(untouched)[0])


def two_with_a_helper() -> Assignment:
    helper = "def helper(x):\n    return x\n\n\n"
    solved = "    ### BEGIN SOLUTION\n    return helper(x)\n    ### END SOLUTION"
    cells: list[dict[str, Any]] = [
        cell("code", name, f"{helper}def {name}(x):\n{solved}", solution=True) for name in ("one", "two")
    ]
    return Assignment("helpers", {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_helper_that_another_answer_defines_too_is_no_answer() -> None:
    source = two_with_a_helper()
    work: Notebook = {"cells": [dict(source.notebook["cells"][0])], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    notebook, notes = repaired(work, source)
    assert notes == ["The cell two was not in the notebook and was put in."]
    assert notebook["cells"][1]["source"] == source.cells[1].release


def test_a_given_cell_that_was_lost_is_put_back_whatever_an_answer_defines() -> None:
    cells: list[dict[str, Any]] = [
        cell("code", "given", "def helper(x):\n    return x", locked=False),
        cell("code", "one", "def one(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION", solution=True),
    ]
    cells[0]["metadata"]["nbgrader"] = {"grade_id": "given", "grade": False, "solution": False, "locked": False}
    source = Assignment("helpers", {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    answer = {**cells[1], "source": "def helper(x):\n    return 2 * x\n\ndef one(x):\n    return helper(x)"}
    notebook, notes = repaired({"cells": [answer], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, source)
    assert notes == ["The cell given was not in the notebook and was put in."]
    assert notebook["cells"][0]["source"] == cells[0]["source"]


@pytest.mark.parametrize("kind", ["raw", "markdown"])
@pytest.mark.parametrize("marks", [True, False])
def test_an_old_version_kept_as_text_below_the_answer_stays_text(kind: str, marks: bool) -> None:
    work = answered(RIGHT)
    place = next(i for i, raw in enumerate(work["cells"]) if raw["id"] == "scale-forward")
    now = work["cells"][place]
    old = cell(kind, "old", "def scale_forward(x, w):  # was wrong\n    return x + w, (x, w)")
    if marks:
        old["metadata"] = now["metadata"]
    else:
        work["cells"][place] = {**now, "id": "own", "metadata": {}}
    work["cells"].insert(place + 1, old)
    cells = repaired(work)[0]["cells"]
    assert [each["source"] for each in cells[2:4]] == [RIGHT["scale_forward"], old["source"]]
    assert [each["cell_type"] for each in cells[2:4]] == ["code", kind]


OTHERWISE = [
    "scale_forward = lambda x, w: (x * w, (x, w))",
    "import functools\nscale_forward = functools.partial(lambda k, x, w: (x * w, (x, w)), 1)",
    "if True:\n    def scale_forward(x, w):\n        return x * w, (x, w)",
    "try:\n    from fast import scale_forward\nexcept ImportError:\n    def scale_forward(x, w):\n        return x * w",
]


@pytest.mark.parametrize("source", OTHERWISE)
def test_an_answer_that_is_no_function_at_the_margin_is_found(source: str) -> None:
    work = answered(RIGHT)
    place = next(i for i, raw in enumerate(work["cells"]) if raw["id"] == "scale-forward")
    work["cells"][place] = cell("code", "mine", source)
    notebook, notes = repaired(work)
    assert notes == ["The answer of scale_forward was found by the function that it defines."]
    assert notebook["cells"][2]["source"] == source
    work["cells"][place] = cell("code", "mine", source + "\n" + RIGHT["scale_backward"])
    work["cells"] = [raw for raw in work["cells"] if raw["id"] != "scale-backward"]
    notebook, notes = repaired(work)
    assert notes[-1] == "The answer of scale_backward stands in another cell."
    assert blank_cells(SOURCE, notebook) == []


def test_a_stub_that_is_put_back_undoes_no_answer_that_nobody_finds() -> None:
    work = answered(RIGHT)
    place = next(i for i, raw in enumerate(work["cells"]) if raw["id"] == "scale-forward")
    own = ["%%time\nscale_forward = lambda x, w: (x * w, (x, w))", "%precision 3"]
    work["cells"][place : place + 1] = [cell("code", f"mine-{number}", text) for number, text in enumerate(own)]
    cells = repaired(work)[0]["cells"]
    assert [each["source"] for each in cells[2:5]] == [SOURCE.by_id["scale_forward"].release, *own]


def test_a_variable_beside_a_function_that_was_handed_out_is_no_answer() -> None:
    solved = "EPS = 1e-5\n\ndef one(x):\n    ### BEGIN SOLUTION\n    small = x\n    return small\n    ### END SOLUTION"
    cells: list[dict[str, Any]] = [
        cell("code", "one", solved, solution=True),
        cell("code", "n", "n = 1", solution=True),
    ]
    source = Assignment("eps", {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    assert [source.names_of(each) for each in source.cells] == [{"one"}, {"n"}]
    work = {"cells": [cell("code", "mine", "EPS = 0"), cells[1]], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    notebook, notes = repaired(work, source)
    assert notes == ["The cell one was not in the notebook and was put in."]
    assert blank_cells(source, notebook) == ["one"]


@pytest.mark.parametrize("head", ["(" * 5000, "x = " + "-" * 5000 + "1", "'\\d'\n" * 1000, "x = 1\n" * 5000])
@pytest.mark.filterwarnings("error")
def test_what_is_hard_to_parse_is_read_as_text(head: str) -> None:
    assert defines(f"{head}\ndef f(): pass", {"f", "g"})
    assert not defines(f"{head}\ndef h(): pass", {"f", "g"})


@pytest.mark.parametrize("name", ["imports", "scale_forward__values"])
def test_an_answer_that_was_written_into_a_locked_cell_is_graded_and_the_locked_cell_restored(name: str) -> None:
    work = answered(RIGHT)
    cells = {raw["id"].replace("-", "_"): raw for raw in work["cells"]}
    both = f"{RIGHT['scale_forward']}\n{RIGHT['scale_backward']}\n{cells[name]['source']}"
    cells[name]["source"] = both
    work["cells"] = [raw for raw in work["cells"] if raw["id"] not in ("scale-forward", "scale-backward")]
    notebook, notes = repaired(work)
    assert [raw["source"] for raw in notebook["cells"]] == [
        {"scale_forward": both, "scale_backward": "", "written__why": RIGHT["written__why"]}.get(
            str(raw.grade_id), raw.source
        )
        for raw in SOURCE.cells
    ]
    assert notes[0] == "The answer of scale_forward was found by the function that it defines."
    assert f"The locked cell {name} had been changed and was restored." in notes


def test_what_is_added_to_a_locked_cell_replaces_no_answer() -> None:
    stand_in = "scale_backward = print"
    work = answered({**RIGHT, "imports": f"import numpy as np\n{stand_in}"})
    assert repaired(work)[0]["cells"] == repaired(answered(RIGHT))[0]["cells"]
    merged = answered({**RIGHT, "imports": stand_in, "scale_forward": "\n".join(list(RIGHT.values())[:2])})
    merged["cells"] = [raw for raw in merged["cells"] if raw["id"] != "scale-backward"]
    assert repaired(merged)[1][-1] == "The answer of scale_backward stands in another cell."
    own = answered({**RIGHT, "imports": stand_in})
    next(raw for raw in own["cells"] if raw["id"] == "scale-backward").update(id="mine", metadata={})
    assert repaired(own)[0]["cells"] == repaired(answered(RIGHT))[0]["cells"]


def test_what_a_check_binds_itself_is_no_answer() -> None:
    check = "scale_forward = max\nassert scale_forward(1, 2) == 2"
    cells: list[dict[str, Any]] = [
        cell("code", "one", "def scale_forward(x, w):\n    return x * w", solution=True),
        cell("code", "one__max", check, grade=True, locked=True, points=1),
    ]
    source = Assignment("bound", {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    work: Notebook = {"cells": [dict(cells[1], source=f"{check}, 'mine'")], "metadata": {}}
    work |= {"nbformat": 4, "nbformat_minor": 5}
    assert repaired(work, source)[1][0] == "The cell one was not in the notebook and was put in."


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


def graded(*order: str, checks: str = "{name}(1)") -> list[str]:
    """The cells to grade where f, g and hh were asked for; each is named by its id, or is a source."""
    cells = {"imports": cell("code", "imports", "import numpy as np", locked=True)}
    for name in ("f", "g", "hh"):
        solved = f"def {name}(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"
        cells[name] = cell("code", name, solved, solution=True)
        cells[f"test_{name}"] = cell(
            "code", f"test_{name}", checks.format(name=name), grade=True, locked=True, points=1
        )
    source = Assignment("f", {"cells": [*cells.values()], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    kinds = {True: "markdown", False: "code"}
    handed_in = [
        cells.get(each) or cell(kinds[each.startswith("# ")], f"own-{place}", each) for place, each in enumerate(order)
    ]
    work = {"cells": handed_in, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    notebook = repaired(work, source)[0]
    sources = {raw["source"]: name for name, raw in cells.items()}
    return [sources.get(raw["source"], raw["source"]) for raw in notebook["cells"]]


TESTS = ("test_f", "test_g")
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


OWN = "def f(x): return 2 * x"


@pytest.mark.parametrize("demonstration", ["f = 3", "for f in range(3): pass", "with open('/dev/null') as f: pass"])
def test_a_variable_with_the_name_of_a_lost_answer_further_down_is_not_the_answer(demonstration: str) -> None:
    found = graded("imports", OWN, "test_f", "g", "test_g", "hh", "test_hh", demonstration)
    assert found == ["imports", OWN, "test_f", "g", "test_g", "hh", "test_hh", demonstration]


def test_a_variable_with_the_name_of_an_answer_in_the_cell_of_another_is_not_the_answer() -> None:
    work = answered({**RIGHT, "scale_backward": f"{RIGHT['scale_forward']}\n\n{RIGHT['scale_backward']}"})
    work["cells"] = [raw for raw in work["cells"] if raw["id"] != "scale-forward"]
    work["cells"].append(cell("code", "mine", "scale_forward = 3"))
    assert repaired(work)[1] == ["The answer of scale_forward stands in another cell."]


def test_the_students_check_takes_no_variable_for_the_answer_of_another_cell(tmp_path: Path) -> None:
    square = "for double in (): pass\ndef square(x):\n    return x * x\nraise KeyError"
    report = check(saver(tmp_path)(filled(square=square)))
    assert status(report) == ALL_DONE | {"square": "failed"}
