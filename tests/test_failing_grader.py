"""Where the grader itself fails, each way to it says so in a line, and the log is named where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder import gradescope
from autograder.errors import AutograderError
from autograder.grade import grade
from autograder.grader import Grader
from autograder.pool import LocalPool
from autograder.preprocessor import GradeInSandbox
from autograder.unit import Job, Outcome
from autograder.validate import validate
from tests.course_factory import NAME, RIGHT, make_course, submit
from tests.graded_course import log

TOLD = "the grader itself failed on it (TypeError); report it"
FAILED = f'Traceback (most recent call last):\n  File "grader.py", line 1\nTypeError: x\n{TOLD}'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course whose submissions the grader fails on."""

    def fail(pool: object, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome]]:
        return ((job, Outcome(error=FAILED)) for job in jobs)

    monkeypatch.setattr(LocalPool, "run", fail)
    monkeypatch.setattr("autograder.preprocessor._grade", lambda setup, job: Outcome(error=FAILED))
    root = make_course(tmp_path / "source" / "course", gradebook=True)
    shutil.copytree(submit(root, "ann", RIGHT), tmp_path / "submission")
    monkeypatch.chdir(root)
    return root


def through_nbgrader(root: Path) -> None:
    info = {"student": "ann", "assignment": NAME, "notebook": NAME, "db_url": f"sqlite:///{root}/gradebook.db"}
    GradeInSandbox().preprocess(None, {"nbgrader": info})


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (lambda root: validate(NAME, root, jobs=1), f"the reference could not be graded: {TOLD}"),
        (lambda root: gradescope.run(root.parent.parent, NAME), TOLD),
        (through_nbgrader, TOLD),
    ],
    ids=["validate", "gradescope", "nbgrader"],
)
def test_a_failure_of_the_grader_is_one_line_with_its_traceback_behind_it(
    root: Path, run: Callable[[Path], object], told: str
) -> None:
    with pytest.raises(AutograderError) as caught:
        run(root)
    assert str(caught.value) == told
    assert str(caught.value.__cause__) == FAILED


def test_a_failure_of_the_grader_stands_in_the_log_of_grading_which_is_named(root: Path) -> None:
    told = f"could not be graded: {TOLD}, with what .autograder/log.jsonl says"
    assert grade(NAME, root, jobs=1).people == [("ann", told)]
    assert log(root)[-1]["error"] == FAILED


def test_what_fails_in_grading_ends_with_a_line_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(grader: Grader, job: Job) -> Outcome:
        raise TypeError("x")

    monkeypatch.setattr(Grader, "grade", fail)
    outcome = Outcome.unpack(Grader.grade_packed(object.__new__(Grader), Job("ann", {}, {}, [], {}).pack()))
    assert outcome.reason == TOLD
    assert outcome.error.startswith("Traceback")
    assert Outcome().reason == ""
