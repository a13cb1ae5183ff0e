"""What runs inside Gradescope's container, called in this process on a small course in Gradescope's layout."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from autograder import gradescope
from autograder.errors import AutograderError, SandboxUnavailable
from autograder.feedback import Task, check_line
from autograder.kept import Kept
from autograder.results import CheckResult
from autograder.unit import Job, Outcome, Setup
from tests.course_factory import NAME, RIGHT, answered, assignment, make_course

LATE = """
c.AssignLatePenalties.plugin_class = "autograder.late.LateDays"
c.LateDays.penalty_per_day = 0.5
"""
DUE = {"due_date": "2026-11-01T12:00:00-07:00"}
WRONG = {**RIGHT, "scale_forward": "def scale_forward(x, w):\n    return x + w, (x, w)"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_course(tmp_path / "source" / "course", LATE)
    (tmp_path / "submission").mkdir()
    hand_in(tmp_path, json.dumps(answered(RIGHT)).encode())
    return tmp_path


def hand_in(root: Path, work: bytes, created_at: str = "2026-11-01T12:00:00-07:00") -> None:
    (root / "submission" / f"{NAME}.ipynb").write_bytes(work)
    metadata = {"created_at": created_at, "assignment": DUE}
    (root / "submission_metadata.json").write_text(json.dumps(metadata))


def results(root: Path) -> dict[str, Any]:
    assert gradescope.main(str(root), NAME) == 0
    found: dict[str, Any] = json.loads((root / "results" / "results.json").read_text())
    return found


def statuses(found: Mapping[str, Any]) -> dict[str, str]:
    return {test["name"]: test["status"] for test in found["tests"]}


def test_a_right_submission_has_all_points_but_those_that_a_person_gives(root: Path) -> None:
    found = results(root)
    assert (found["score"], found["output"], found["visibility"]) == (9.0, "", "visible")
    assert set(statuses(found).values()) == {"passed"}
    assert found["execution_time"] > 0


def test_a_wrong_submission_fails_its_checks_and_the_hidden_one_by_title_alone(root: Path) -> None:
    hand_in(root, json.dumps(answered(WRONG)).encode())
    found = results(root)
    assert found["score"] == 4.0
    assert statuses(found) == {
        "scale_forward: values": "failed",
        "scale_forward: shifted": "failed",
        "scale_backward: gradient": "passed",
    }
    assert "out is not x * w" in found["tests"][0]["output"]
    assert (found["tests"][1]["output"], found["tests"][1]["visibility"]) == ("", "after_published")


def test_a_late_submission_loses_what_the_course_says(root: Path) -> None:
    hand_in(root, json.dumps(answered(RIGHT)).encode(), "2026-11-01T13:00:00-07:00")
    found = results(root)
    assert (found["score"], found["output"]) == (4.5, "4.5 points are taken off because it was late.")


@pytest.mark.parametrize(
    ("users", "seconds"),
    [
        ([{"assignment": DUE | {"due_date": "2026-11-01T14:00:00-07:00"}}], 0.0),
        ([{"assignment": DUE}, {"assignment": DUE | {"due_date": "2026-11-01T12:30:00-07:00"}}], 1800.0),
        ([{"assignment": {"due_date": None}}, {"assignment": None}, {"name": "Ada"}], 3600.0),
        (None, 3600.0),
    ],
)
def test_a_users_own_due_date_counts_and_of_a_groups_the_latest(tmp_path: Path, users: Any, seconds: float) -> None:
    path = tmp_path / "submission_metadata.json"
    path.write_text(json.dumps({"created_at": "2026-11-01T13:00:00-07:00", "assignment": DUE, "users": users}))
    assert gradescope.seconds_after_due(path) == seconds


def test_an_unreadable_submission_has_no_points_and_is_told_why(root: Path) -> None:
    hand_in(root, b"garbage")
    found = results(root)
    assert found["score"] == 0.0
    assert "is not a notebook" in found["output"]
    assert set(statuses(found).values()) == {"failed"}


def test_without_a_sandbox_it_is_graded_once_more_and_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grade = gradescope._grade

    def forbidden(setup: Setup, job: Job) -> Outcome:
        if setup.isolation == "sandbox":
            raise SandboxUnavailable("no namespaces")
        return grade(setup, job)

    monkeypatch.setattr(gradescope, "_grade", forbidden)
    found = results(root)
    assert (found["score"], found["output"]) == (9.0, gradescope.UNSANDBOXED)


@pytest.mark.parametrize("raised", [True, False])
def test_a_grader_at_fault_writes_no_results_and_says_why(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: bool
) -> None:
    def broken(setup: Setup, job: Job) -> Outcome:
        if raised:
            raise AutograderError("no room")
        return Outcome(error="no room")

    monkeypatch.setattr(gradescope, "_grade", broken)
    assert gradescope.main(str(root), NAME) == 1
    assert capsys.readouterr().err == "autograder: no room\n"
    assert not (root / "results").exists()


def test_results_that_cannot_be_written_are_told_in_a_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "results").write_text("no folder")
    assert gradescope.main(str(root), NAME) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"autograder: {root / 'results' / 'results.json'} cannot be written: ")
    assert told.count("\n") == 1


def test_without_arguments_it_says_which_it_needs() -> None:
    line = [sys.executable, "-m", "autograder.gradescope"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "the following arguments are required: root, assignment" in done.stderr
    assert "Traceback" not in done.stderr


def test_extra_credit_for_an_answer_that_waits_counts_at_once_and_the_answer_still_waits() -> None:
    written = next(each for each in assignment().cells if each.grade_id == "written__why")
    check = check_line(written, CheckResult("manual", 2, None), Kept(extra_credit={"written__why": 1.5}), False)
    assert check.score is None
    assert Task("written", "written", [check]).score == 1.5
    assert Kept(extra_credit={"written__why": 1.5}).total({"written__why": None}) == 1.5
    made = gradescope.content([check], [], 0.5, visibility="visible")
    assert (made["score"], made["tests"]) == (1.0, [])
