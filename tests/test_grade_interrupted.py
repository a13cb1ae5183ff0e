"""A batch that is stopped, killed or disturbed goes on where it was, and no half of a file stays."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from autograder.errors import AutograderError, GradebookError
from autograder.files import write_atomically
from autograder.grade import grade
from autograder.gradebook import Gradebook
from autograder.guard import only_grader
from autograder.pool import Slot
from autograder.unit import Job
from tests.course_factory import (
    FULL,
    NAME,
    RIGHT,
    make_course,
    submit,
)
from tests.faults import graded
from tests.graded_course import ZERO, log, scores

SLOW = {**RIGHT, "demo": "import time\ntime.sleep(3)"}


@pytest.fixture
def one(tmp_path: Path) -> Path:
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", RIGHT)
    return root


def test_a_worker_that_is_killed_is_replaced_and_its_submission_graded(
    one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    give = Slot.give

    def give_and_kill(self: Slot, job: Job) -> None:
        give(self, job)
        if not killed:
            killed.append(self.process.pid)
            threading.Timer(1.0, self.process.kill).start()

    monkeypatch.setattr(Slot, "give", give_and_kill)
    submit(one, "ann", SLOW)
    summary = grade(NAME, one, jobs=1)
    assert killed
    assert (summary.graded, summary.failed) == (1, 0)
    assert scores(one)["ann"] == FULL


def test_a_submission_that_has_no_end_fails_at_once_and_is_tried_again_next_time(
    one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(one, "ann", SLOW)
    with monkeypatch.context() as patched:
        patched.setattr("autograder.unit.Setup.seconds", 0.5)
        summary = grade(NAME, one, jobs=1)
    assert (summary.graded, summary.failed) == (0, 1)
    assert "no answer within" in dict(summary.people)["ann"]
    assert log(one)[-1]["error"]
    assert scores(one) == {}
    assert grade(NAME, one, jobs=1).graded == 1


def command(root: Path, *arguments: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "autograder", "grade", NAME, "--course-dir", str(root), *arguments]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_log(root: Path, lines: int) -> None:
    path = root / ".autograder" / "log.jsonl"
    deadline = time.monotonic() + 60
    while not path.exists() or len(path.read_text().splitlines()) < lines:
        assert time.monotonic() < deadline, "nothing was graded"
        time.sleep(0.02)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_grader_that_is_stopped_goes_on_where_it_was(one: Path, end: signal.Signals) -> None:
    students = [f"student{number}" for number in range(6)]
    for number, student in enumerate(students):
        submit(one, student, {**RIGHT, "demo": f"import time\ntime.sleep(0.7)\nprint({number})"})
    process = command(one, "--jobs", "1")
    wait_for_log(one, 3)
    deadline = time.monotonic() + 60
    while end == signal.SIGKILL and not graded(one) and time.monotonic() < deadline:
        time.sleep(0.02)  # until a part is in the gradebook, which nothing else writes then
    there = len(graded(one))
    processes = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(end)
    start = time.monotonic()
    _, errors = process.communicate(timeout=60)
    if end != signal.SIGKILL:
        assert process.returncode == 130, errors
        assert time.monotonic() - start < 10  # under 2 s on a machine with nothing else to do
        assert "run the command again" in errors
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert alive == []
    done = len(scores(one)) if (one / "gradebook.db").exists() else 0
    assert done < 7
    summary = grade(NAME, one, jobs=2)
    assert summary.graded + summary.unchanged == 7
    assert summary.unchanged >= (max(1, there) if end == signal.SIGKILL else 3)
    assert scores(one) == dict.fromkeys(["ann", *students], FULL)
    assert not list(one.rglob("*.part"))


def test_a_gradebook_that_does_not_answer_is_waited_for_once(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patience: list[bool] = []

    def away(self: Gradebook, *_: object) -> None:
        patience.append(self.patient)
        raise GradebookError("The gradebook does not answer.")

    monkeypatch.setattr(Gradebook, "write", away)
    monkeypatch.setattr("autograder.grade.BATCH", 1)
    with pytest.raises(GradebookError, match="does not answer"):
        grade(NAME, one, jobs=1)
    assert patience == [True, False]


def test_a_second_grader_leaves_and_says_why(one: Path) -> None:
    with only_grader(one), pytest.raises(GradebookError, match="Another grader"):
        grade(NAME, one)


def test_a_submission_replaced_while_it_is_graded_is_graded_again(one: Path) -> None:
    submit(one, "ann", SLOW)
    process = command(one)
    deadline = time.monotonic() + 60
    while not any("warm" in " ".join(c.cmdline()) for c in psutil.Process(process.pid).children(recursive=True)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    submit(one, "ann", {})
    process.communicate(timeout=60)
    assert grade(NAME, one, jobs=1).graded == 1
    assert scores(one)["ann"] == ZERO


def test_a_file_that_cannot_be_written_is_one_sentence_and_leaves_no_half(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file in the way")
    with pytest.raises(AutograderError, match=r"cannot be written"):
        write_atomically(tmp_path / "folder" / "x", "text", 0o644)
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "x", "\ud800", 0o644)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder"]
