"""An answer that stands in another cell than its own is an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autograder.assignment import Assignment
from autograder.intake import parse
from autograder.limits import Limits
from autograder.repair import repair
from autograder.unanswered import blank_cells
from tests.course_factory import RIGHT, Notebook, answered, assignment, cell, release

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
    assert notes == ["The cell two was missing and was put back."]
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
    assert notes == ["The cell given was missing and was put back."]
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
