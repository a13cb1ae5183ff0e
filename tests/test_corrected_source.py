"""What the instructor changed since a notebook was handed out is not told as the student's doing.

And a page is made of what was graded, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.utils import compute_checksum

from autograder.assignment import Assignment
from autograder.errors import GradebookError
from autograder.feedback import render
from autograder.grade import grade
from autograder.kept import Kept
from autograder.marks import is_as_released
from autograder.preprocessor import FeedbackExporter
from autograder.unanswered import blank_cells
from tests.course_factory import (
    NAME,
    RIGHT,
    Notebook,
    answered,
    assignment,
    cell,
    instructor_notebook,
    make_course,
    release,
    submit,
    write_source,
)
from tests.pages import judged, shown
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


@pytest.fixture
def graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course in which all is right that ann handed in."""
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", answered(RIGHT) | {"cells": [cell("code", "own", "mine = 1"), *answered(RIGHT)["cells"]]})
    grade(NAME, root, jobs=1)
    monkeypatch.chdir(root)
    return root


def page(root: Path) -> str:
    """As `nbgrader generate_feedback` makes it."""
    info = {"student": "ann", "assignment": NAME, "notebook": NAME, "db_url": f"sqlite:///{root}/gradebook.db"}
    path = root / "autograded" / "ann" / NAME / f"{NAME}.ipynb"
    return FeedbackExporter().from_filename(str(path), {"nbgrader": info})[0]


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


CHANGES: dict[str, Callable[[list[Any]], object]] = {
    "inserted": lambda cells: cells.insert(0, cell("markdown", "erratum", "# Erratum")),
    "appended": lambda cells: cells.append(cell("markdown", "erratum", "# Erratum")),
    "deleted": lambda cells: cells.pop(0),
    "the last deleted": lambda cells: cells.pop(),
    "in another order": lambda cells: cells.insert(3, cells.pop(4)),
    "other points": lambda cells: cells[4]["metadata"]["nbgrader"].update(points=5),
    "no longer hidden": lambda cells: cells[4].update(source="assert True"),
    "of another type": lambda cells: cells[0].update(cell_type="raw"),
    "another stub": lambda cells: cells[2].update(source=cells[2]["source"] + "\nmore = 1"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_page_is_made_of_a_notebook_that_was_changed_since_it_was_graded(
    graded: Path, change: Callable[[list[Any]], object]
) -> None:
    notebook = instructor_notebook()
    change(notebook["cells"])
    write_source(graded, notebook)
    with pytest.raises(GradebookError, match=rf"changed since ann's was graded; run `autograder grade {NAME}`"):
        page(graded)
    grade(NAME, graded, jobs=1)
    assert page(graded) == (graded / "feedback" / "ann" / NAME / f"{NAME}.html").read_text(encoding="utf-8")


def test_another_solution_or_text_of_the_instructors_keeps_nobody_from_making_the_page(graded: Path) -> None:
    notebook = instructor_notebook()
    notebook["cells"][0].update(source="# Scaling, corrected", metadata={"tags": []})
    forward = marked(notebook, "scale_forward")
    forward["source"] = forward["source"].replace("return x * w", "return w * x")
    write_source(graded, notebook)
    assert "9 of 11 points so far" in shown(page(graded))


def test_a_check_is_not_shown_whatever_cell_it_is_taken_for() -> None:
    result = judged()
    for raw in result.notebook["cells"]:
        raw["metadata"]["autograder"]["cell"] = None
    text = shown(render(assignment(), result, Kept(), title=NAME, student="ann"))
    assert "return x * w, (x, w)" in text
    assert "share the weights" in text
    assert "HIDDEN" not in text
    assert "np.allclose" not in text
