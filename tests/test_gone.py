"""A notebook that the instructor renamed or took out of source/ counts no longer, and nothing entered is lost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook as Stock
from nbgrader.api import MissingEntry

from autograder.changes import history
from autograder.course import Course
from autograder.enrolled import extend
from autograder.errors import CourseError, GradebookError
from autograder.export import export
from autograder.grade import grade
from autograder.gradebook import Gradebook
from autograder.report import report
from tests.course_factory import FULL, NAME, RIGHT, assignment, instructor_notebook, submit, write_source
from tests.graded_course import record

any_entry = pytest.mark.parametrize(
    "entry", [{"manual_score": 1.5}, {"extra_credit": 0.5}, {"manual_comment": "Well said."}]
)


@pytest.fixture
def book(book: Gradebook) -> Gradebook:
    """A gradebook in which the work of ann and bob is graded."""
    book.write(NAME, [record("ann"), record("bob")])
    return book


def stopped(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def shown(course: Course, student: str = "") -> tuple[list[str], float, float]:
    """Notebooks, score and points as nbgrader and formgrader show them."""
    with Stock(course.db_url, "course101") as stock:
        names = sorted(each.name for each in stock.find_assignment(NAME).notebooks)
        if not student:
            return names, 0.0, stock.find_assignment(NAME).max_score
        submission = stock.find_submission(NAME, student)
        return names, submission.score, submission.max_score


def enter(course: Course, **values: Any) -> None:
    with Stock(course.db_url, "course101") as stock:
        if "manual_comment" in values:
            entry = stock.find_comment("written__why", NAME, NAME, "bob")
        else:
            entry = stock.find_grade("written__why", NAME, NAME, "bob")
        for name, value in values.items():
            setattr(entry, name, value)
        stock.db.commit()


def test_a_renamed_notebook_counts_once_everywhere(course: Course) -> None:
    folder = submit(course.root, "ann", RIGHT)
    assert grade(NAME, course.root, jobs=1).scores == {"ann": (9.0, 11.0)}
    for place in (course.root / "source" / NAME, folder):
        (place / f"{NAME}.ipynb").rename(place / "part1.ipynb")
    for run in (export, report):
        with pytest.raises(CourseError, match=rf"{NAME}\.ipynb of .* is gone; run `autograder grade {NAME}` first"):
            run(NAME, course.root)
    summary = grade(NAME, course.root, jobs=1)
    assert (summary.scores, summary.changed) == ({"ann": (9.0, 11.0)}, {})
    assert summary.notes == [f"The notebook {NAME}.ipynb of '{NAME}' is gone; what was graded of it counts no longer."]
    assert shown(course, "ann") == (["part1"], 9.0, 11.0)
    assert export(NAME, course.root).read_text().splitlines()[1].startswith("ann,,,,9.0,11.0,")
    results = export(NAME, course.root, kind="gradescope") / "ann" / "results.json"
    assert json.loads(results.read_text())["score"] == 9.0
    assert json.loads(report(NAME, course.root).with_suffix(".json").read_text())["scores"] == {"ann": 9.0}
    left = {path.name for step in ("autograded", "feedback") for path in (course.root / step / "ann" / NAME).iterdir()}
    assert left == {"part1.ipynb", "part1.html"}
    assert grade(NAME, course.root, jobs=1).unchanged == 1


def put(book: Gradebook, name: str) -> list[str]:
    """As grading does: the assignment has this one notebook from now on."""
    gone = book.take_out(NAME, {name: assignment()}, list)
    book.save_assignment("course101", NAME, {name: assignment()})
    return gone


def test_grading_one_student_takes_nobody_elses_points_of_a_renamed_notebook(course: Course) -> None:
    for student in ("ann", "bob"):
        submit(course.root, student, RIGHT)
    grade(NAME, course.root, jobs=1)
    (course.root / "source" / NAME / f"{NAME}.ipynb").rename(course.root / "source" / NAME / "part1.ipynb")
    with pytest.raises(CourseError, match=rf"^{NAME}\.ipynb of '{NAME}' was graded and is gone; run `autograder grade"):
        grade(NAME, course.root, jobs=1, students=["ann"])
    assert shown(course, "bob") == ([NAME], 9.0, 11.0)


def test_extending_a_due_date_takes_no_scores_away(course: Course, book: Gradebook) -> None:
    notebook = course.root / "source" / NAME / f"{NAME}.ipynb"
    notebook.rename(notebook.with_stem("part1"))
    extend(NAME, "ann", 1, course.root)
    assert book.graded(NAME).keys() == {("ann", NAME), ("bob", NAME)}


def test_extending_a_due_date_leaves_the_points_of_a_check_that_was_taken_out_to_grading(
    course: Course, book: Gradebook
) -> None:
    notebook = instructor_notebook()
    del notebook["cells"][3]  # scale_forward__values, of 3 points
    write_source(course.root, notebook)
    extend(NAME, "ann", 1, course.root)
    assert shown(course, "bob")[1] == 9.0


def test_what_was_graded_of_a_notebook_that_is_gone_is_cleared_by_the_next_run_where_one_was_stopped(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = submit(course.root, "ann", RIGHT)
    grade(NAME, course.root, jobs=1)
    for place in (course.root / "source" / NAME, folder):
        (place / f"{NAME}.ipynb").rename(place / "part1.ipynb")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", stopped)
        with pytest.raises(KeyboardInterrupt):
            grade(NAME, course.root, jobs=1)
    page = course.root / "feedback" / "ann" / NAME / f"{NAME}.html"
    assert page.exists()
    assert grade(NAME, course.root, jobs=1).notes[0].startswith(f"The notebook {NAME}.ipynb of '{NAME}' is gone")
    assert not page.exists()


def test_a_notebook_that_went_before_anybody_handed_in_gives_no_points(course: Course) -> None:
    with closing(Gradebook(course.db_url)) as book:
        book.save_assignment("course101", NAME, {NAME: assignment(), "old": assignment()})
    assert shown(course) == (["old", NAME], 0.0, 22.0)
    submit(course.root, "ann", RIGHT)
    grade(NAME, course.root, jobs=1)
    assert shown(course, "ann") == ([NAME], 9.0, 11.0)


def test_the_audit_trail_tells_what_a_notebook_that_is_gone_gave(course: Course, book: Gradebook) -> None:
    put(book, "part1")
    lines = [line for line in history(NAME, course.root, student="ann") if "values" in line]
    assert [re.sub(r"^\S+ | auto.*", "", line) for line in lines] == [
        "ann scale_forward__values: none -> 3",
        "ann scale_forward__values: 3 -> none",
    ]


@any_entry
def test_what_people_entered_for_a_notebook_that_is_gone_is_never_lost_in_silence(
    course: Course, book: Gradebook, entry: dict[str, Any]
) -> None:
    enter(course, **entry)
    kept = book.kept(NAME, "bob")
    with pytest.raises(GradebookError, match=r"entered scores or comments for it \(bob\)\. Put it back") as caught:
        put(book, "part1")
    assert (book.kept(NAME, "bob"), len(book.results(NAME))) == (kept, 2)
    put(book, NAME)
    assert book.kept(NAME, "bob") == kept

    found = re.search(r'python -c "(.*)"$', str(caught.value))
    assert found
    subprocess.run([sys.executable, "-c", found[1]], check=True)  # as the sentence says
    assert put(book, "part1") == []
    assert shown(course) == (["part1"], 0.0, 11.0)


def test_an_entry_that_was_taken_back_in_formgrader_holds_nothing_up(course: Course, book: Gradebook) -> None:
    enter(course, manual_comment="")
    enter(course, manual_score=None, extra_credit=0.0)
    assert put(book, "part1") == [NAME]


def test_a_notebook_that_is_put_back_is_graded_anew(course: Course, book: Gradebook) -> None:
    with Stock(course.db_url, "course101") as stock:  # by nbgrader, which knows nothing of our table
        stock.remove_notebook(NAME, NAME)
    for name in ("part1", NAME):
        put(book, name)
    assert book.graded(NAME) == {}
    book.write(NAME, [record("ann")])
    assert [result.scores for result in book.results(NAME)] == [{}]
    assert shown(course, "ann")[1] == sum(score or 0.0 for score in FULL.values())


@any_entry
def test_what_people_entered_for_a_cell_that_is_gone_is_never_lost_in_silence(
    course: Course, book: Gradebook, entry: dict[str, Any]
) -> None:
    enter(course, **entry)
    kept = book.kept(NAME, "bob")
    notebook = instructor_notebook()
    notebook["cells"].pop()
    with pytest.raises(GradebookError, match=r"gone from scaling.ipynb .*: written__why \(for bob\)\. Put them back"):
        book.save_assignment("course101", NAME, {NAME: assignment(notebook)})
    assert book.kept(NAME, "bob") == kept
    enter(course, **{name: "" if name == "manual_comment" else None for name in entry})
    book.save_assignment("course101", NAME, {NAME: assignment(notebook)})
    with Stock(course.db_url, "course101") as stock, pytest.raises(MissingEntry):
        stock.find_grade("written__why", NAME, NAME, "bob")


def test_what_people_entered_for_one_cell_holds_no_other_up(course: Course, book: Gradebook) -> None:
    enter(course, manual_score=1.5)
    notebook = instructor_notebook()
    notebook["cells"] = [each for each in notebook["cells"] if each["id"] != "scale-forward--shifted"]
    book.save_assignment("course101", NAME, {NAME: assignment(notebook)})
    assert book.kept(NAME, "bob")[NAME].scores == {"written__why": 1.5}
