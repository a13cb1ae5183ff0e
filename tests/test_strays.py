"""Work in the wrong place is named, where it would be silently left out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autograder.__main__ import main
from tests.course_factory import NAME, RIGHT, make_course, submit


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
    for stray in ("bob/mine.ipynb", "cyd.ipynb", "bob/other.ipynb"):
        shutil.copy(right, root / "submitted" / stray)
    result = grade(root)
    assert "1 graded, 0 unchanged" in result.output
    assert [line for line in result.output.splitlines() if line.startswith("look at")] == [
        f"look at submitted/bob/mine.ipynb: not graded: it should be submitted/bob/{NAME}/{NAME}.ipynb",
        f"look at submitted/cyd.ipynb: not graded: it should be submitted/<student>/{NAME}/{NAME}.ipynb",
    ]


def test_an_empty_student_is_asked_for(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    result = grade(root, "--student", "")
    assert result.exit_code == 2
    sentence = "autograder: --student needs the id of a student: the name of a folder in submitted/.\n"
    assert result.output == sentence
