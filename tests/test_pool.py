"""What one submission may take of the worker that grades it: time and memory, and nothing of those that follow."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder import bounds, pool
from autograder.bounds import within
from autograder.course import Course
from autograder.errors import WorkerError
from autograder.grader import Grader
from autograder.jobs import known_answers
from autograder.places import PACKAGE
from autograder.pool import LEARNING, LocalPool, Slot
from autograder.results import CheckResult, Judged
from autograder.unit import Job, Outcome, Setup
from autograder.worker import Worker
from tests.course_factory import NAME, POINTS, RIGHT, answered, make_course

WRONG = {**RIGHT, "scale_forward": "def scale_forward(x, w):\n    return x + w, (x, w)"}
FOREVER = {**RIGHT, "demo": "import time\ntime.sleep(60)"}
MIB = 1 << 20


def job(student: str, work: Any) -> Job:
    data = work if isinstance(work, bytes) else json.dumps(answered(work)).encode()
    return Job(student, {NAME: data}, {}, [], {})


def setup_of(root: Path, config: str = "") -> Setup:
    course = Course.open(make_course(root, config))
    return Setup.of(course, NAME, course.notebooks(NAME), known_answers(course, NAME)[0])


def test_a_submission_without_end_is_given_up_and_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    give = Slot.give

    def note(slot: Slot, job: Job) -> None:
        given.append(job.student)
        slot.seconds = 2.0 if job.student == "ann" else 120.0
        give(slot, job)

    monkeypatch.setattr(Slot, "give", note)
    with LocalPool(setup_of(tmp_path).pack(), 1) as pool:
        found = {job.student: outcome for job, outcome in pool.run(iter([job("ann", FOREVER), job("ben", RIGHT)]))}
    assert given == ["ann", "ben"]
    assert found["ann"].error == "it had no answer within 2 s and was ended"
    assert found["ben"].graded[NAME].scores == {**POINTS, "written__why": None}


def test_a_worker_is_given_up_soon_after_a_submissions_own_time(tmp_path: Path) -> None:
    (tmp_path / "answers" / NAME / "wrong").mkdir(parents=True)
    for number in range(50):
        (tmp_path / "answers" / NAME / "wrong" / f"{number}.py").write_text("def scale_forward(x, w): pass")
    setup = setup_of(tmp_path, "c.Answers.folder = 'answers'")
    assert len(setup.answers) == 50
    assert 300 < setup.seconds <= 300 + 120


def test_a_process_that_does_not_start_is_told_and_gone_however_large_its_setup_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PROGRAM", "raise SystemExit(3)")
    setup = setup_of(tmp_path)
    setup.files["data.bin"] = bytes(4 * MIB)  # more than the kernel takes before the worker reads
    slot = Slot(setup.pack(), None)
    with pytest.raises(WorkerError, match="did not start \\(exit code 3\\)"):
        slot.await_ready()
    monkeypatch.setattr(pool, "PROGRAM", "import time; time.sleep(60)")
    waiting = Slot(setup_of(tmp_path / "other").pack(), None)
    monkeypatch.setattr(Slot, "_await_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        waiting.await_ready()
    assert waiting.process.poll() is not None


def interrupted(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


def test_what_a_process_answers_after_nobody_waited_for_it_is_not_the_next_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup, warm = setup_of(tmp_path).pack(), pool.Warm()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(pool, "wait", interrupted)
            with pytest.raises(KeyboardInterrupt):
                warm.grade(setup, job("ann", WRONG))
        outcome = warm.grade(setup, job("ben", RIGHT))
    finally:
        warm.end()
    assert outcome.graded[NAME].scores == {**POINTS, "written__why": None}


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "SIGTERM"), (40, "signal 40")])
def test_a_worker_that_any_signal_ends_is_told_with_it(number: int, name: str) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        process.send_signal(number)
        assert pool._exit(process) == name


def test_the_known_mistakes_have_time_of_their_own_and_no_student_is_blamed_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Setup, "seconds", 4.0)
    wrong = tmp_path / "answers" / NAME / "wrong"
    wrong.mkdir(parents=True)
    for number in range(3):
        source = f"import time\ntime.sleep(2)\ndef scale_forward(x, w):\n    return x + {number} * w, (x, w)"
        (wrong / f"times_{number}.py").write_text(f'"""It is {number} times w."""\n{source}')
    told: set[str] = set()
    over = threading.Event()
    with LocalPool(setup_of(tmp_path, "c.Answers.folder = 'answers'").pack(), 1) as pool:

        def watch() -> None:
            while not over.wait(0.02):
                told.add(pool.busy()[0])

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        start = time.monotonic()
        [(_, outcome)] = pool.run(iter([job("ann", WRONG)]))
        taken = time.monotonic() - start
        over.set()
        watching.join()
    assert outcome.error == ""
    assert "It is 1 times w." in outcome.graded[NAME].page
    assert taken > 6.0
    assert LEARNING in told


def test_a_worker_whose_grader_ends_in_the_middle_of_a_message_ends_in_silence(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", pool.PROGRAM, str(theirs.fileno()), str(PACKAGE.parent), ""]
    with subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE) as worker:
        theirs.close()
        ours.sendall((1000).to_bytes(4, "big") + b"a beginning")
        ours.close()
        assert worker.communicate(timeout=60)[1] == b""
    assert worker.returncode == 0


def test_work_that_takes_the_memory_of_its_worker_is_refused_and_the_next_is_graded(tmp_path: Path) -> None:
    setup = setup_of(tmp_path, f"c.Engine.limits = {{'judge_memory_bytes': {96 * MIB}}}")
    notebook = answered(RIGHT) | {"metadata": {"x": [str(number) for number in range(1_900_000)]}}
    large = json.dumps(notebook).encode()
    with LocalPool(setup.pack(), 1) as pool:
        found = {job.student: outcome for job, outcome in pool.run(iter([job("ann", large), job("ben", RIGHT)]))}
    assert "takes more memory than a submission may have" in json.loads(found["ann"].graded[NAME].result)["refused"]
    assert set(found["ann"].graded[NAME].scores.values()) == {0.0}
    assert found["ben"].graded[NAME].scores == {**POINTS, "written__why": None}


class Ran(Worker):
    """Stands for a worker whose notebook passed every check."""

    def __init__(self) -> None: ...

    def grade(self, notebook: Any, *_: Any) -> Judged:
        return Judged(notebook, dict(POINTS), {name: CheckResult("passed", n, n) for name, n in POINTS.items()})


@pytest.fixture
def grader(tmp_path: Path) -> Grader:
    made = Grader(setup_of(tmp_path).pack())
    made.workers[NAME] = Ran()
    return made


def broken(*_: Any, **__: Any) -> Any:
    raise KeyError("a fault of ours")


def test_a_review_that_fails_is_a_flag_and_no_error(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.originality.Review.flags", broken)
    graded = grader.grade(job("ann", RIGHT)).graded[NAME]
    assert graded.scores == POINTS
    assert "not looked at: KeyError('a fault of ours')" in json.loads(graded.result)["flags"][0]


@pytest.mark.parametrize("how", ["fails", "has no end"])
def test_a_page_that_cannot_be_made_is_made_without_the_students_work(
    how: str, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: Any) -> Any:
        while True:
            time.sleep(0.01)

    monkeypatch.setattr("autograder.pages.RENDER_SECONDS", 0.5)
    monkeypatch.setattr("autograder.sanitize.Page.render_code", broken if how == "fails" else endless)
    graded = grader.grade(job("ann", RIGHT)).graded[NAME]
    assert graded.scores == POINTS
    assert "could not be shown on this page" in graded.page
    assert "made without code and outputs" in json.loads(graded.result)["flags"][0]


def test_a_notebook_that_takes_too_long_to_read_is_refused(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.grader.READ_SECONDS", 0.2)
    monkeypatch.setattr("autograder.grader.repair", lambda *_: time.sleep(60))
    graded = grader.grade(job("ann", RIGHT)).graded[NAME]
    assert "takes more time than a submission may have" in json.loads(graded.result)["refused"]
    assert graded.scores == dict.fromkeys(POINTS, 0.0)


def test_a_fault_of_the_graders_own_ends_in_a_sentence(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.grader.late_penalty", broken)
    outcome = Outcome.unpack(grader.grade_packed(job("ann", RIGHT).pack()))
    assert "Traceback" in outcome.error
    assert outcome.reason == "the grader itself failed on it (KeyError); report it"


def test_a_second_ring_on_the_way_out_of_the_block_is_not_raised() -> None:
    """Where it was, no ``except`` stood around it any more, and the worker died."""
    with within(60):
        ring: Any = signal.getsignal(signal.SIGALRM)
        for place in (contextlib.__file__, bounds.__file__):
            ring(signal.SIGALRM, SimpleNamespace(f_code=SimpleNamespace(co_filename=place)))
    with pytest.raises(TimeoutError), within(60):
        signal.raise_signal(signal.SIGALRM)


def test_a_ring_that_is_swallowed_rings_again() -> None:
    rings = 0

    def deaf() -> None:
        nonlocal rings
        while rings < 2:
            try:
                time.sleep(30)
            except BaseException:
                rings += 1
        time.sleep(30)

    with pytest.raises(TimeoutError), within(0.05):
        deaf()
    assert rings == 2


def test_what_lies_in_the_folder_where_the_grader_was_started_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = setup_of(tmp_path / "course")
    for name in ("autograder", "msgpack", "subprocess"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    with LocalPool(setup.pack(), 1) as pool:
        [(_, outcome)] = pool.run(iter([job("ann", RIGHT)]))
    assert outcome.graded[NAME].scores == {**POINTS, "written__why": None}
    assert not (tmp_path / "ran").exists()
