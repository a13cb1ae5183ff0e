"""An answer that stands in another cell than its own is an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autograder.assignment import Assignment
from autograder.syntax import defines
from autograder.unanswered import blank_cells
from normlab.check import check
from tests.course_factory import RIGHT, Notebook, answered, cell, release
from tests.repaired import SOURCE, graded, repaired
from tests.small_notebooks import ALL_DONE, filled, saver, status


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
