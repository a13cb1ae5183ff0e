"""A check that is changed or added regrades everybody, keeps what people entered, and tells who changed by how much."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook as Stock

from autograder.__main__ import main
from autograder.changes import Standing, last_told
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.grade import _Batch, grade
from autograder.gradebook import Gradebook, Record
from autograder.report import report
from autograder.unit import Job
from tests.course_factory import NAME, RIGHT, cell, instructor_notebook, make_course, submit, write_source

NEGATIVE = "assert (scale_forward(np.ones(2), -1.0)[0] == -1).all(), 'a negative weight'"
ABSOLUTE = {**RIGHT, "scale_forward": "def scale_forward(x, w):\n    return x * np.abs(w), (x, w)"}
LATE = """
c.AssignLatePenalties.plugin_class = "autograder.late.LateDays"
c.LateDays.penalty_per_day = 0.5
"""


def stock(root: Path) -> Stock:
    return Stock(f"sqlite:///{root}/gradebook.db", "course101")


def total(root: Path, student: str) -> float:
    with stock(root) as book:
        found = book.find_submission(NAME, student)
        return float(found.score - (found.late_submission_penalty or 0.0))


def test_an_added_and_a_changed_check_regrade_everybody_and_are_told(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", RIGHT)
    submit(root, "bob", ABSOLUTE)  # the hidden check of 2 points finds it
    submit(root, "cyd", {})
    assert grade(NAME, root, jobs=1).changed == {}
    with stock(root) as book:
        written = book.find_grade("written__why", NAME, NAME, "ann")
        written.manual_score, written.needs_manual_grade = 1.5, False
        book.db.commit()
    assert (total(root, "ann"), total(root, "bob"), total(root, "cyd")) == (10.5, 7.0, 0.0)

    notebook = instructor_notebook()
    notebook["cells"][3]["metadata"]["nbgrader"]["points"] = 1  # was 3
    notebook["cells"].append(
        cell("code", "scale_forward__negative", NEGATIVE, grade=True, locked=True, points=4),
    )
    write_source(root, notebook)
    result = CliRunner().invoke(main, ["grade", NAME, "--course-dir", str(root), "--jobs", "1"])
    assert result.exit_code == 0, result.output
    assert (total(root, "ann"), total(root, "bob"), total(root, "cyd")) == (12.5, 5.0, 0.0)
    path = root / "reports" / f"{NAME}-changes.json"
    assert f"2 scores changed, all of them in {path}" in result.output
    cause = "checks, settings or grader changed"
    details = "scale_forward__values 3 -> 1, scale_forward__negative none -> "
    assert f"  ann: 10.5 -> 12.5 (+2), {cause}: {details}4" in result.output
    assert f"  bob: 7 -> 5 (-2), {cause}: {details}0" in result.output
    assert json.loads(path.read_text())["students"]["bob"] == {
        "before": 7.0,
        "after": 5.0,
        "cause": cause,
        "checks": {"scale_forward__values": [3.0, 1.0], "scale_forward__negative": [None, 0.0]},
    }
    lines = CliRunner().invoke(main, ["history", NAME, "ann", "--course-dir", str(root)]).output.splitlines()
    origins = [line.split()[-3] for line in lines]
    assert sorted(origins) == ["auto"] * 5 + ["manual"]
    assert len({line.split()[-2] for line in lines}) == 1, "one submission"
    assert len({line.split()[-1] for line in lines}) == 2, "two versions of the checks"


def test_an_extension_for_one_student_is_honored_when_it_is_granted_later(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", LATE, gradebook=True)
    for student in ("ann", "bob"):
        submit(root, student, RIGHT, "2026-11-02 12:00:00 UTC")
    grade(NAME, root, jobs=1)
    assert total(root, "ann") == 9.0
    with stock(root) as book:
        book.update_or_create_assignment(NAME, duedate="2026-11-01 12:00:00 UTC")
    summary = grade(NAME, root, jobs=1)
    assert {student: each.after for student, each in summary.changed.items()} == {"ann": 4.5, "bob": 4.5}
    assert str(summary.changed["ann"]) == "9 -> 4.5 (-4.5), lateness counted anew: lateness none -> 4.5"
    with stock(root) as book:
        book.grant_extension(NAME, "ann", days=2)
    summary = grade(NAME, root, jobs=1)
    assert (summary.graded, summary.unchanged) == (1, 1)
    assert (total(root, "ann"), total(root, "bob")) == (9.0, cast(float, pytest.approx(4.5)))
    assert "4.5 points are taken off because it was late" in (
        root / "feedback" / "bob" / NAME / f"{NAME}.html"
    ).read_text(encoding="utf-8")


def test_a_time_that_becomes_known_later_is_no_other_submission(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", LATE, gradebook=True)
    folder = submit(root, "ann", RIGHT)
    with stock(root) as book:
        book.update_or_create_assignment(NAME, duedate="2026-11-01 12:00:00 UTC")
    grade(NAME, root, jobs=1)
    (folder / "timestamp.txt").write_text("2026-11-02 12:00:00 UTC")
    summary = grade(NAME, root, jobs=1)
    assert str(summary.changed["ann"]) == "9 -> 4.5 (-4.5), lateness counted anew: lateness none -> 4.5"
    (folder / "timestamp.txt").write_text("2026-11-02 11:59:59 UTC")  # in the same day
    assert grade(NAME, root, jobs=1).graded == 1, "the gradebook shows the time"
    assert "2 attempts" not in report(NAME, root).read_text(encoding="utf-8")


def test_an_extension_and_a_changed_check_are_both_named(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", LATE, gradebook=True)
    submit(root, "ann", RIGHT, "2026-11-02 12:00:00 UTC")
    with stock(root) as book:
        book.update_or_create_assignment(NAME, duedate="2026-11-01 12:00:00 UTC")
    grade(NAME, root, jobs=1)
    with stock(root) as book:
        book.grant_extension(NAME, "ann", days=2)
    notebook = instructor_notebook()
    notebook["cells"][3]["metadata"]["nbgrader"]["points"] = 1  # was 3
    write_source(root, notebook)
    summary = grade(NAME, root, jobs=1)
    assert summary.changed["ann"].cause == "checks, settings or grader changed and lateness counted anew"
    told = json.loads((root / "reports" / f"{NAME}-changes.json").read_text())["students"]["ann"]["checks"]
    assert told == {"lateness": [4.5, None], "scale_forward__values": [3.0, 1.0]}


def ask_for(root: Path, points: int) -> None:
    """The check that is worth 3 points is worth so many."""
    notebook = instructor_notebook()
    notebook["cells"][3]["metadata"]["nbgrader"]["points"] = points
    write_source(root, notebook)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Ann and Bob with 9 points each; the correction of a check would cost each two."""
    root = make_course(tmp_path / "course", gradebook=True)
    for student in ("ann", "bob"):
        submit(root, student, RIGHT)
    grade(NAME, root, jobs=1)
    ask_for(root, 1)
    return root


def stop_at_bob(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that comes to Ann alone."""
    finish = _Batch._finish

    def stopped(self: _Batch, job: Job, *rest: Any) -> Iterator[Record]:
        if job.student == "bob":
            raise KeyboardInterrupt
        return finish(self, job, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(_Batch, "_finish", stopped)
        with pytest.raises(KeyboardInterrupt):
            grade(NAME, root, jobs=1)


def test_what_a_run_changed_before_it_was_stopped_is_told_by_the_next(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = two / "reports" / f"{NAME}-changes.json"
    for points in (1, 2):  # two corrections, and neither run comes to its end
        ask_for(two, points)
        stop_at_bob(two, monkeypatch)
        assert (total(two, "ann"), path.exists()) == (6.0 + points, False)
    summary = grade(NAME, two, jobs=1)
    assert (summary.graded, summary.unchanged) == (1, 1)
    cause = "checks, settings or grader changed: scale_forward__values 3 -> 2"
    assert {who: str(each) for who, each in summary.changed.items()} == dict.fromkeys(
        ("ann", "bob"), f"9 -> 8 (-1), {cause}"
    )
    assert json.loads(path.read_text())["students"].keys() == {"ann", "bob"}
    assert grade(NAME, two, jobs=1).changed == {}


def test_what_changed_before_the_gradebook_fell_silent_is_told_by_the_next_run(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, transact, silent = Gradebook.write, Gradebook.transact, []

    def write_once(self: Gradebook, *rest: Any) -> None:
        write(self, *rest)
        silent.append(True)

    def answer(self: Gradebook, *rest: Any) -> Any:
        if silent:
            raise GradebookError("The gradebook does not answer.")
        return transact(self, *rest)

    with monkeypatch.context() as patched:
        patched.setattr("autograder.grade.BATCH", 1)
        patched.setattr(Gradebook, "write", write_once)
        patched.setattr(Gradebook, "transact", answer)
        with pytest.raises(GradebookError, match="does not answer"):
            grade(NAME, two, jobs=1)
    assert grade(NAME, two, jobs=1).changed.keys() == {"ann", "bob"}


KILLED = """
import os, signal, sys
from pathlib import Path
import autograder.grade as module
write = module.Gradebook.write
def write_once(*arguments):
    write(*arguments)
    os.kill(os.getpid(), getattr(signal, sys.argv[3]))
module.BATCH, module.Gradebook.write = 1, write_once
module.grade(sys.argv[1], Path(sys.argv[2]), jobs=1)
"""


@pytest.mark.parametrize("end", ["SIGKILL", "SIGHUP"])
def test_what_a_run_changed_before_it_was_killed_is_told_by_the_next(two: Path, end: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, NAME, str(two), end], capture_output=True, timeout=120)
    assert done.returncode < 0, done.stderr
    summary = grade(NAME, two, students=["bob"], jobs=1)
    assert summary.graded == 1
    assert summary.changed.keys() == {"ann", "bob"}


def test_a_run_into_another_gradebook_tells_nothing_of_one_that_was_stopped(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"sqlite:///{two}/other.db"
    ask_for(two, 3)
    grade(NAME, two, jobs=1, db=other)
    ask_for(two, 1)
    stop_at_bob(two, monkeypatch)
    assert grade(NAME, two, students=["bob"], jobs=1, db=other).changed.keys() == {"bob"}
    assert grade(NAME, two, jobs=1).changed.keys() == {"ann", "bob"}


def test_what_was_changed_back_or_by_people_since_a_run_was_stopped_is_not_told(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at_bob(two, monkeypatch)
    ask_for(two, 3)
    assert grade(NAME, two, jobs=1).changed == {}, "it was changed back"
    ask_for(two, 1)
    stop_at_bob(two, monkeypatch)
    ask_for(two, 3)
    with stock(two) as book:
        book.find_grade("written__why", NAME, NAME, "bob").manual_score = 1.0
        book.db.commit()
    assert grade(NAME, two, jobs=1).changed == {}, "who entered it knows"


def test_what_a_check_gives_beneath_a_persons_score_is_not_told(two: Path) -> None:
    with stock(two) as book:
        found = book.find_grade("scale_forward__values", NAME, NAME, "ann")
        found.manual_score, found.extra_credit = 2.0, 0.5
        book.db.commit()
    changed = grade(NAME, two, jobs=1).changed
    assert list(changed) == ["bob"], "ann has what the person gave"
    ask_for(two, 3)
    submit(two, "ann", ABSOLUTE)
    told = grade(NAME, two, jobs=1).changed["ann"]
    assert (told.before, told.after, told.checks) == (8.5, 6.5, {"scale_forward__shifted": [2.0, 0.0]})


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"totals": [], "late": {}}', None])
def test_a_standing_that_cannot_be_read_or_is_of_another_gradebook_is_left_alone(
    two: Path, content: str | None
) -> None:
    path = last_told(Course.open(two), NAME)
    if content is None:
        Standing({"ann": 1.0}, {}, {"ann": (frozenset(), frozenset())}, last=1000).keep(path)
    else:
        path.write_text(content)
    assert {who: each.before for who, each in grade(NAME, two, jobs=1).changed.items()} == {"ann": 9.0, "bob": 9.0}
    assert not path.exists()
