"""What the instructor changed since a notebook was handed out is not told as the student's doing."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbgrader.utils import compute_checksum

from autograder.assignment import Assignment
from autograder.marks import is_as_released
from autograder.unanswered import blank_cells
from tests.course_factory import RIGHT, Notebook, assignment, cell, instructor_notebook, release
from tests.repaired import repaired as put_right


def handed_out(**answers: str) -> Notebook:
    """The release with nbgrader's checksums, and then these answers."""
    notebook = release()
    for raw in notebook["cells"]:
        marks = raw["metadata"].get("nbgrader")
        if marks:
            marks["checksum"] = compute_checksum(nbformat.from_dict(raw))
            raw["source"] = answers.get(marks["grade_id"], raw["source"])
    return notebook


def corrected() -> Assignment:
    """The instructor's notebook with another given cell, other checks and other stubs."""
    notebook = instructor_notebook()
    for raw in notebook["cells"]:
        raw["source"] += "\nthree = 3" if raw["cell_type"] == "code" else "\n\nMore."
    return assignment(notebook | {"cells": [cell("markdown", "news", "# Corrected"), *notebook["cells"]]})


def repaired(work: Notebook) -> tuple[Notebook, list[str]]:
    return put_right(work, corrected())


def marked(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    cells = notebook["cells"]
    return next(raw for raw in cells if raw["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def test_nobody_is_told_to_have_changed_what_the_instructor_corrected() -> None:
    notebook, findings = repaired(handed_out(**RIGHT))
    assert findings == []
    assert marked(notebook, "scale_forward__values")["source"].endswith("three = 3")
    assert marked(notebook, "scale_forward")["source"] == RIGHT["scale_forward"]


@pytest.mark.parametrize("name", ["imports", "scale_forward__values"])
def test_who_did_change_a_locked_cell_is_told_so_after_a_correction_too(name: str) -> None:
    work = handed_out(**RIGHT)
    marked(work, name)["source"] = "pass"
    assert repaired(work)[1] == [f"The locked cell {name} had been changed and was restored."]


def test_an_answer_left_as_it_was_handed_out_is_not_attempted_though_its_stub_was_changed_since() -> None:
    notebook, _ = repaired(handed_out(scale_forward=RIGHT["scale_forward"]))
    assert blank_cells(corrected(), notebook) == ["scale_backward", "written__why"]


def test_a_blank_copy_of_the_stub_before_the_correction_does_not_replace_the_answer() -> None:
    work = handed_out(scale_forward=RIGHT["scale_forward"])
    work["cells"].append(marked(handed_out(), "scale_forward") | {"id": "copy"})
    notebook, findings = repaired(work)
    assert findings == ["The cell scale_forward was there 2 times; one was graded."]
    assert marked(notebook, "scale_forward")["source"] == RIGHT["scale_forward"]
    assert "copy" not in [raw["id"] for raw in notebook["cells"]]


@pytest.mark.parametrize("points", ["many", None, [], 10**400])
def test_marks_that_nbgrader_would_not_write_are_no_checksum(points: object) -> None:
    marks = {"grade": True, "grade_id": "a", "points": points, "checksum": "d41d8cd98f00b204e9800998ecf8427e"}
    assert not is_as_released("x", "code", marks)
