"""Work in the wrong place is named, where it would be silently left out."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from unicodedata import normalize

import pytest
from click.testing import CliRunner, Result
from nbgrader.api import Gradebook

from autograder.__main__ import main
from tests.course_factory import NAME, RIGHT, answered, cell, instructor_notebook, make_course, submit, write_source


def grade(root: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["grade", NAME, "--course-dir", str(root), "--jobs", "1", *options])


@pytest.mark.parametrize("there", [True, False])
def test_grading_nothing_says_where_it_should_be_and_how_it_comes_there(tmp_path: Path, there: bool) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    if not there:
        (root / "submitted").rmdir()
    result = grade(root)
    assert result.exit_code == 0
    place = root / "submitted" / "<student>" / NAME
    assert f"Nothing of 'scaling' is handed in at {place}; `autograder collect {NAME} DOWNLOADED`" in result.output


def test_notebooks_too_high_are_named_and_the_others_graded(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    right = submit(root, "ann", RIGHT) / f"{NAME}.ipynb"
    (root / "submitted" / "bob").mkdir()
    shutil.copytree(root / "source" / NAME, root / "source" / "other")
    (root / "source" / "other" / f"{NAME}.ipynb").rename(root / "source" / "other" / "other.ipynb")
    for stray in ("bob/mine.ipynb", "cyd.ipynb", "bob/other.ipynb", "._cyd.ipynb", "bob/._mine.ipynb"):
        shutil.copy(right, root / "submitted" / stray)
    result = grade(root)
    assert "1 graded, 0 unchanged" in result.output
    assert [line for line in result.output.splitlines() if line.startswith("look at")] == [
        f"look at submitted/bob/mine.ipynb: not graded: it should be submitted/bob/{NAME}/{NAME}.ipynb",
        f"look at submitted/cyd.ipynb: not graded: it should be submitted/<student>/{NAME}/{NAME}.ipynb",
    ]


def test_a_students_folder_that_cannot_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    for student in ("ann", "bob"):
        submit(root, student, RIGHT)
    rights = os.access  # root, as whom this may run, may enter all
    monkeypatch.setattr(os, "access", lambda path, mode: rights(path, mode) and (Path(path).name, mode) != ("bob", 5))
    output = grade(root).output
    assert output.count("look at") == 1
    assert "look at submitted/bob: not graded: it cannot be entered; change the folder's rights\n" in output


def test_where_a_screen_does_not_hold_all_to_look_at_a_file_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    for number in range(3):
        (root / "submitted" / f"{number}.ipynb").write_text("{}")
    assert grade(root).output.count("look at") == 3
    assert not (root / ".autograder" / "look_at.txt").exists()
    monkeypatch.setattr("autograder.__main__.SHOWN", 2)
    output = grade(root).output
    assert output.count("look at") == 2
    assert "... and 1 more in .autograder/look_at.txt" in output
    assert (root / ".autograder" / "look_at.txt").read_text().count(
        "not graded: it should be submitted/<student>/"
    ) == 3


def test_a_name_that_only_looks_like_a_students_is_told(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    for form in ("NFC", "NFD"):
        (root / "submitted" / normalize(form, "müller")).mkdir()
    (root / "submitted" / "an\u0303a\x1b[31m").mkdir()
    output = grade(root).output
    assert output.count("look at") == 1
    assert "look at submitted/mu\\u0308ller: its accents are letters of their own" in output
    assert "another student than müller; rename the folder\n" in output


def test_settings_of_lateness_that_do_nothing_are_told_with_what_they_need(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", "c.LateDays.last_day = 2", gradebook=True)
    assert "c.AssignLatePenalties.plugin_class = 'autograder.late.LateDays'" in grade(root).output
    config = root / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.AssignLatePenalties.plugin_class = 'autograder.late.LateDays'\n")
    assert "plugin_class" not in grade(root).output


def test_an_empty_student_is_asked_for(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    result = grade(root, "--student", "")
    assert result.exit_code == 2
    sentence = "autograder: --student needs the id of a student: the name of a folder in submitted/.\n"
    assert result.output == sentence


def test_folders_that_are_no_assignments_are_named_once_with_the_nearest(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    with Gradebook(f"sqlite:///{root}/gradebook.db", "course101") as book:
        book.add_assignment("essay")  # which has no notebook in source/ any more
    right = submit(root, "ann", RIGHT)
    for stray in ("dora/rmsnorn", "vic/scalnig", "wim/scalnig", "vic/essay", "vic/.ipynb_checkpoints"):
        shutil.copytree(right, root / "submitted" / stray)
    assert [line for line in grade(root).output.splitlines() if line.startswith("look at")] == [
        "look at submitted/dora/rmsnorn: not graded: there is no assignment of this name",
        "look at submitted/vic/scalnig: not graded: there is no assignment of this name; do you mean scaling?",
    ]


def test_another_assignments_notebook_is_named_to_the_instructor_and_in_one_sentence_to_the_student(
    tmp_path: Path,
) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    source = instructor_notebook()
    source["metadata"]["normlab"] = {"assignment": NAME}
    write_source(root, source)
    other = answered(RIGHT)
    other["metadata"]["normlab"] = {"assignment": "shifting"}
    other["cells"] = [*other["cells"][:2], cell("code", "shift_forward", "b = 1", grade=False, solution=True)]
    (submit(root, "kim", other) / f"{NAME}.ipynb").rename(root / "submitted" / "kim" / NAME / "shifting.ipynb")
    told = "This is the notebook shifting, not scaling."
    assert f"look at kim: {told}\n" in grade(root).output
    page = (root / "feedback" / "kim" / NAME / f"{NAME}.html").read_text()
    assert page.count(told) == 1
    assert "shifting.ipynb was taken for scaling.ipynb." in page
    assert "put back" not in page
    assert "Nothing is written yet" not in page
    assert told in json.loads((root / ".autograder" / "log.jsonl").read_text())["flags"]
