"""What both forms of the suite share: what a graded attack may show, and the traces that nothing may leave.

An attack runs mixed, in one batch with the others and with honest submissions, and alone, in a batch of its own.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from autograder.course import Course
from autograder.pool import Slot
from autograder.submission import read_submission
from autograder.unit import Job, Setup
from autograder.warm import GRACE
from tests.attacks.cases import Case, submit
from tests.attacks.lesson import ANSWERS, GOLDEN, LIMITS, POINTS, by_task, work
from tests.attacks.measure import points_by_task
from tests.course_factory import NAME

FULL: dict[str, float | None] = {**POINTS, "written": None}
SECRET = "hunter2"  # in the environment of the grader
PR_SET_CHILD_SUBREAPER = 36
SHARED = ("/", "/tmp", "/var/tmp", "/dev/shm", "/etc/ipython", str(Path(os.__file__).parent))
PAGE = 16 << 20  # bytes; what the attacks hand in and put out is less
SPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


@dataclass(frozen=True)
class Graded:
    """One submission after it was graded."""

    scores: Mapping[str, float | None]  # by task
    record: Mapping[str, Any]  # seconds, deaths, flags, refused, and error where the grader itself failed
    cells: list[dict[str, Any]]  # of the executed notebook
    page: str

    def outputs(self, tests: bool) -> str:
        """What the cells put out; the instructor's own tests apart, or they too."""
        chosen = [cell for cell in self.cells if tests or not cell["metadata"].get("nbgrader", {}).get("grade")]
        return json.dumps([cell.get("outputs", []) for cell in chosen])


def graded_batch(root: Path) -> dict[str, Graded]:
    """What a batch left in a course folder, by student."""
    scores = points_by_task(root)
    lines = (root / ".autograder" / "log.jsonl").read_text().splitlines()
    records = {record["student"]: record for record in map(json.loads, lines)}
    found = {}
    for student, record in records.items():
        notebook = (root / "autograded" / student / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
        page = (root / "feedback" / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")
        found[student] = Graded(scores[student], record, json.loads(notebook)["cells"], page)
    return found


def faults(case: Case, graded: Graded) -> list[str]:
    """What an attack got that its row does not allow, one sentence each."""
    found = []
    for task, expected in case.expected.items():
        allowed = (expected,) if expected is not None else (0.0, POINTS[task])
        if graded.scores[task] not in allowed:
            found.append(f"{task} got {graded.scores[task]}, not {allowed}")
    if graded.record.get("error"):
        found.append(f"the grader failed: {graded.record['error']}")
    elif graded.record["seconds"] >= LIMITS["total_seconds"] + GRACE:
        found.append(f"it took {graded.record['seconds']} s")
    if len(graded.page) > PAGE:
        found.append(f"its page is {len(graded.page) >> 20} MiB large")
    if "GOT IT" in graded.outputs(tests=True):
        found.append("it found what it looked for")
    learned = {"an output": graded.outputs(tests=False), "the page": graded.page}
    found += [
        f"{word} stands in {place}" for place, text in learned.items() for word in (GOLDEN, SECRET) if word in text
    ]
    return found + (["the hidden test's message stands in the page"] if "golden" in graded.page else [])


def honest(root: Path, student: str) -> Path:
    """An honest submission in a course folder."""
    return submit(root, student, work(ANSWERS["target"], "print('shown:', target(3.0))"))


def harmed(graded: Graded) -> list[str]:
    """What an honest submission lost."""
    expected = {"scores": FULL, "deaths": [], "flags": [], "shown": True}
    got = {
        "scores": dict(graded.scores),
        "deaths": graded.record.get("deaths"),
        "flags": graded.record.get("flags"),
        "shown": "shown: 9.0" in graded.page,
    }
    return [f"{name} is {got[name]}, not {value}" for name, value in expected.items() if got[name] != value]


class Alone:
    """One warm worker, as the pool starts them; each submission is a batch of its own."""

    def __init__(self, root: Path) -> None:
        course = Course.open(root)
        self.limits = course.limits
        setup = Setup.of(course, NAME, course.notebooks(NAME))
        self.slot = Slot(replace(setup, record="always").pack(), None)  # as where a course has known answers
        self.slot.await_ready()

    def grade(self, folder: Path) -> Graded:
        submission = read_submission(folder, [NAME], self.limits)
        job = Job("student", submission.notebooks, submission.refused, submission.findings, {})
        outcome = self.slot.grade(job)
        if outcome.error:
            return Graded(dict.fromkeys(FULL), {"error": outcome.error}, [], "")
        graded = outcome.graded[NAME]
        return Graded(
            by_task(graded.scores), json.loads(graded.result), json.loads(graded.notebook)["cells"], graded.page
        )


def adopt_orphans(yes: bool) -> None:
    """Processes that lose their parent become this one's children, so that :class:`Traces` sees them."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def use_private_home(patched: pytest.MonkeyPatch, home: Path) -> None:
    """What the grader starts has this folder as its home and for its temporary files, and a secret to keep."""
    patched.setenv("HOME", str(home))
    patched.setenv("TMPDIR", str(home))
    patched.setattr(tempfile, "tempdir", str(home))
    patched.setenv("NBGRADER_SECRET_TOKEN", SECRET)


class Traces:
    """What there is of processes, mounts, descriptors, namespaces and files, to be compared with what there was.

    ``private`` are folders that nobody else uses: there every file counts; in shared ones, names that attacks leave.
    """

    def __init__(self, private: Iterable[Path]) -> None:
        self.private = list(private)
        self.before = self.take()

    def left(self, seconds: float = 60.0) -> list[str]:
        """What is there now and was not, and what was there and is not, once the system had time to end it."""
        deadline = time.monotonic() + seconds
        while (now := self.take()) != self.before and time.monotonic() < deadline:
            time.sleep(0.02)
        return sorted(now - self.before) + sorted(f"gone: {trace}" for trace in self.before - now)

    def take(self) -> set[str]:
        found = set(_files_named("left_behind"))
        found |= {f"file {line}" for folder in self.private for line in _tree(folder)}
        found |= {f"shared memory {line}" for kind in ("shm", "sem", "msg") for line in _students_ipc(kind)}
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            found |= set(_of_process(process))
        return found


def _of_process(process: psutil.Process) -> Iterable[str]:
    home = f"/proc/{process.pid}"
    try:
        if process.status() == psutil.STATUS_ZOMBIE:  # ended, and its parent has not asked yet
            return
        name = f"process {process.pid} {process.name()}"
        traces = [name, *(f"{name} mount {line}" for line in Path(home, "mountinfo").read_text().splitlines())]
        traces += [f"{name} descriptor {fd} {_kind(f'{home}/fd/{fd}')}" for fd in os.listdir(f"{home}/fd")]
        traces += [f"{name} namespace {os.readlink(f'{home}/ns/{space}')}" for space in SPACES]
        yield from traces
    except (OSError, psutil.Error):  # it ended while it was looked at
        return


def _kind(descriptor: str) -> str:
    """What it leads to, without the number that each socket and pipe has."""
    try:
        return re.sub(r"\[\d+\]", "", os.readlink(descriptor))
    except OSError:  # the one by which the folder itself is read
        return ""


def _tree(folder: Path) -> Iterable[str]:
    for path, folders, files in os.walk(folder):
        yield path
        for name in files:
            place = os.path.join(path, name)
            state = os.lstat(place)
            regular = os.path.isfile(place) and not os.path.islink(place) and state.st_size < 1 << 24
            digest = hashlib.sha256(Path(place).read_bytes()).hexdigest() if regular else ""
            yield f"{place} {state.st_mode} {state.st_size} {digest}"
        folders[:] = [name for name in folders if len(path) < 1000]  # some submissions are deeper than a path is long


def _files_named(mark: str) -> Iterable[str]:
    for folder in {*SHARED, os.getcwd(), str(Path.home())}:
        if os.path.isdir(folder):
            yield from (f"file {folder}/{name}" for name in os.listdir(folder) if mark in name)
    startup = Path.home() / ".ipython/profile_default/startup"
    yield from (f"file {path}" for path in startup.glob(f"*{mark}*"))


def _students_ipc(kind: str) -> Iterable[str]:
    """Objects of System V of the users that student code runs as where the grader is root."""
    lines = Path("/proc/sysvipc", kind).read_text().splitlines() if os.path.isdir("/proc/sysvipc") else []
    return [line for line in lines if re.search(r"\b61\d\d\d\b", line)]
