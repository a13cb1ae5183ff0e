"""What may befall a run: processes killed, a disk, a gradebook or a clock that misbehave. The next run goes on."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from autograder import guard
from autograder.errors import GradebookError
from autograder.files import write_atomically
from autograder.grade import grade
from autograder.guard import BACKUPS, backups
from autograder.limits import Limits
from autograder.worker import Worker
from tests.course_factory import FULL, NAME, RIGHT, answered, assignment, make_course, submit
from tests.faults import disturb, graded, start, tree
from tests.graded_course import log, scores


def copies_of(course: Path) -> list[Path]:
    return backups(course, f"sqlite:///{course}/gradebook.db")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = make_course(tmp_path / "course", gradebook=True)
    for student in ("ann", "bob", "cyd"):
        submit(root, student, RIGHT)
    return root


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_random_moments_a_batch_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    """The short form of ``python -m tests.faults``: it buys that nothing is lost, doubled or charged to a student."""
    found = disturb(tmp_path, kills=8, stops=2, submissions=12, seed=7)
    assert sum(found.done.values()) == 10
    assert {"grader", "worker", "sandbox"} <= found.done.keys()


def when_it_works(
    worker: Worker, act: Callable[[psutil.Process], None], times: int
) -> tuple[threading.Thread, set[int]]:
    """Do something to each of the first student processes of a worker, from a thread; to which it was done."""
    assert worker._process is not None
    top = psutil.Process(worker._process.pid)
    known = {each.pid for each in top.children(recursive=True)}
    done: set[int] = set()

    def run() -> None:
        deadline = time.monotonic() + 60
        while len(done) < times and time.monotonic() < deadline:
            for each in top.children(recursive=True):
                with suppress(psutil.NoSuchProcess):  # it ended since it was listed
                    if each.pid not in known | done and each.ppid() in known:
                        act(each)
                        done.add(each.pid)
            time.sleep(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, done


SLOW = answered({**RIGHT, "demo": "import time\ntime.sleep(0.5)\nprint('slept')"})


@pytest.mark.parametrize("kills", [1, 2])
def test_a_process_that_something_outside_kills_costs_no_score(kills: int) -> None:
    with Worker(assignment()) as worker:
        thread, done = when_it_works(worker, psutil.Process.kill, kills)
        judged = worker.grade(SLOW, seed=1)
        thread.join()
    assert len(done) == kills
    assert judged.scores == {name: score for name, score in FULL.items() if score is not None}
    assert judged.deaths == []
    assert "slept" in json.dumps(judged.notebook)


def test_who_was_killed_late_is_not_graded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All judgements together would take longer than the pool waits for one."""
    monkeypatch.setattr("autograder.worker.AGAIN_SECONDS", 0.0)
    with Worker(assignment()) as worker:
        thread, _ = when_it_works(worker, psutil.Process.kill, 1)
        judged = worker.grade(SLOW, seed=1)
        thread.join()
    assert judged.outside


def test_who_is_killed_each_time_is_told_so_and_the_worker_lives() -> None:
    own = answered({**RIGHT, "demo": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"})
    nameless = answered({**RIGHT, "demo": "import os\nos.kill(os.getpid(), 40)"})
    with Worker(assignment(), isolation="none") as worker:
        judged = worker.grade(own, seed=1)
        deaths = worker.grade(nameless, seed=1).deaths
        assert deaths == ["cell [4] (import os): the student's process ended by a crash (signal 40)"]
        assert worker.grade(answered(RIGHT), seed=1).deaths == []
    assert "killed from outside" in judged.deaths[0]
    assert judged.outside


def test_how_a_process_ended_is_named() -> None:
    ends = {
        "import os; os._exit(3)": "ended itself (exit code 3)",
        "import ctypes; ctypes.string_at(0)": "by a crash (SIGSEGV)",
        "while True: pass": "the cell ran longer than 1 s",
    }
    with Worker(assignment(), Limits(cell_seconds=1.0)) as worker:
        for source, reason in ends.items():
            judged = worker.grade(answered({**RIGHT, "demo": source}), seed=1)
            assert reason in judged.deaths[0]
            assert judged.scores["scale_backward__gradient"] == 4.0
    with Worker(assignment(), Limits(cpu_seconds=2, cell_seconds=200, total_seconds=250)) as worker:
        judged = worker.grade(answered({**RIGHT, "demo": "while True: pass"}), seed=1)
        assert "more than 2 s of processor time" in judged.deaths[0]


def test_a_gradebook_that_goes_away_in_mid_run_is_noticed_and_made_anew(course: Path) -> None:
    def take_away(self: Any, *_: Any) -> None:
        (course / "gradebook.db").unlink(missing_ok=True)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("autograder.progress.Progress.show", take_away)
        with pytest.raises(GradebookError, match="moved, replaced or deleted"):
            grade(NAME, course, jobs=1)
    assert grade(NAME, course, jobs=1).graded == 3
    assert scores(course) == dict.fromkeys(("ann", "bob", "cyd"), FULL)


def test_a_gradebook_that_stays_locked_is_one_sentence_and_nothing_is_lost(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grade(NAME, course, students=["ann"], jobs=1)
    monkeypatch.setattr("autograder.database.RETRIES", (0.01,))
    with closing(sqlite3.connect(course / "gradebook.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(GradebookError, match="locked"):
            grade(NAME, course, jobs=1)
    summary = grade(NAME, course, jobs=1)
    assert (summary.graded, summary.unchanged) == (2, 1)


def test_ctrl_c_does_not_wait_for_a_lock_that_somebody_holds(course: Path) -> None:
    for number in range(6):
        submit(course, f"more{number}", {**RIGHT, "demo": "import time\ntime.sleep(1)"})
    process = start(course, "--jobs", "1")
    deadline = time.monotonic() + 120
    while not graded(course) and time.monotonic() < deadline:
        time.sleep(0.05)
    with closing(sqlite3.connect(course / "gradebook.db", isolation_level=None, timeout=60)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        holder.execute("ROLLBACK")
    assert process.returncode in (5, 130), errors
    assert "Traceback" not in errors
    summary = grade(NAME, course, jobs=1)
    assert summary.graded + summary.unchanged == 9


class Yesterday(datetime):
    """A clock that runs backwards, an hour a look."""

    looks = 0

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        cls.looks += 1
        return datetime.now(tz) - timedelta(hours=cls.looks)


def test_a_clock_set_back_changes_nothing_but_the_times(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("guard", "grade", "gradebook"):
        monkeypatch.setattr(f"autograder.{module}.datetime", Yesterday)
    for _ in range(BACKUPS):
        guard.backup(course, f"sqlite:///{course}/gradebook.db")
    for demo in ("print(1)", "print(2)"):
        submit(course, "ann", RIGHT | {"demo": demo})
        assert grade(NAME, course, jobs=1, students=["ann"]).graded == 1
    assert grade(NAME, course, jobs=1, students=["ann"]).unchanged == 1
    assert scores(course) == {"ann": FULL}
    assert [int(copy.name.split("-")[1]) for copy in copies_of(course)] == list(range(3, 3 + BACKUPS))
    times = [record["time"] for record in log(course)]
    assert times == sorted(times, reverse=True)


def test_a_damaged_gradebook_is_noticed_at_start_and_its_last_copy_named(course: Path) -> None:
    for number in range(3):
        submit(course, "ann", RIGHT | {"demo": f"print({number})"})
        grade(NAME, course, jobs=1, students=["ann"])
    path = course / "gradebook.db"
    data = bytearray(path.read_bytes())
    chance = random.Random(0)
    for _ in range(200):
        data[chance.randrange(4096, len(data))] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(GradebookError, match="damaged") as caught:
        grade(NAME, course, jobs=1)
    assert str(copies_of(course)[-1]) in str(caught.value)
    assert path.read_bytes() == data
    path.write_bytes(copies_of(course)[-1].read_bytes())
    assert grade(NAME, course, jobs=1).graded == 3


def test_a_copy_that_a_killed_run_left_half_is_cleared_away(course: Path) -> None:
    folder = course / ".autograder" / "backups"
    folder.mkdir(parents=True)
    (folder / "gradebook.part").write_bytes(b"half")
    assert guard.backup(course, f"sqlite:///{course}/gradebook.db") in copies_of(course)
    assert [path.suffix for path in folder.iterdir()] == [".db"]


def test_a_file_that_a_killed_run_left_half_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".page.html.part").write_text("half")
    (tmp_path / ".page.html.part").chmod(0o444)
    write_atomically(tmp_path / "page.html", "whole", 0o444)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_nobody_may_read_more_than_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "grades.csv", "id,score", 0o644)
    finally:
        os.umask(before)
    assert (tmp_path / "grades.csv").stat().st_mode & 0o777 == 0o600


def test_the_lock_of_a_grader_that_was_killed_is_free(course: Path) -> None:
    process = start(course, "--jobs", "1")
    path = course / ".autograder" / "lock"
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    with path.open("a+") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    below = tree(process.pid)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(below, timeout=60)
    assert alive == []
    assert grade(NAME, course, jobs=1).graded >= 1
