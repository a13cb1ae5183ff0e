"""Graders, workers, schedulers and sandboxes killed at random moments: ``python -m tests.faults [--kills 200]``.

A batch of light submissions is graded undisturbed, and again and again while processes are killed; each run goes on
where the last one ended. In the end every score, comment, executed cell and page equals the undisturbed batch's.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from reference.course import positive
from tests.course_factory import NAME, RIGHT, make_course, submit

KILLS = ("grader", "worker", "scheduler", "sandbox")
STOPS = {"Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM}
LAPS = 10  # batches for each fault, after which one that does not happen is an error
PATIENCE = 120.0  # seconds that a run may take to notice what it lost
DEADLY = {**RIGHT, "scale_backward": "def scale_backward(dout, cache):\n    import os\n    os._exit(3)"}
WRONG = {**RIGHT, "scale_forward": "def scale_forward(x, w):\n    print('here')\n    return x + w, (x, w)"}
WORK: tuple[Any, ...] = (RIGHT, WRONG, {}, DEADLY, b"garbage")


class FaultError(AssertionError):
    """Something was lost, left behind or did not end."""


def make_batch(root: Path, count: int, seconds: float) -> Path:
    """A course with submissions that sleep, so that there is time to kill them in."""
    make_course(root, gradebook=True)
    for number in range(count):
        work = WORK[number % len(WORK)]
        demo = {"demo": f"import time\ntime.sleep({seconds})\nprint('shown', {number})"}
        submit(root, f"student{number:03}", work if isinstance(work, bytes) else work | demo)
    return root


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Cluster:
    """A Dask scheduler and workers, each a process of its own; ``mend`` starts again what is gone."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes] | None] = [None] * workers

    def mend(self) -> None:
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.stop()  # its workers end by themselves, but not at once
            self.workers = [None] * len(self.workers)
            place = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
            self.scheduler = self._start("distributed.cli.dask_scheduler", *place)
            deadline = time.monotonic() + PATIENCE
            while not self._answers():
                if time.monotonic() > deadline:
                    raise FaultError("the scheduler did not start")
                time.sleep(0.1)
        options = ["--nthreads", "1", "--no-dashboard", "--memory-limit", "0", "--death-timeout", "60"]
        for number, worker in enumerate(self.workers):
            if worker is None or worker.poll() is not None:
                self.workers[number] = self._start("distributed.cli.dask_worker", self.address, *options)

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(line, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def processes(self) -> list[psutil.Process]:
        """Of the workers, with all that they started."""
        return [process for worker in self.workers if worker is not None for process in tree(worker.pid)]

    def stop(self) -> None:
        for process in [self.scheduler, *self.workers]:
            if process is not None:
                for each in reversed(tree(process.pid)):
                    kill(each)
                process.wait()


@contextmanager
def cluster(workers: int = 2) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="faults-dask-", ignore_cleanup_errors=True) as folder:
        made = Cluster(Path(folder), workers)
        try:
            yield made
        finally:
            made.stop()


def tree(pid: int) -> list[psutil.Process]:
    """A process and all that descend from it, as far as they live."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


def kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def is_sandbox(process: psutil.Process) -> bool:
    """Whether it is a warm process or was forked from one: a judge, a server of student processes, a student."""
    with suppress(psutil.Error):
        return "autograder.warm" in " ".join(process.cmdline())
    return False


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for this signal."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(lines["SigCgt"], 16) >> (number - 1) & 1)


def start(root: Path, *options: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "autograder", "grade", NAME, "--course-dir", str(root), *options]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def state(root: Path) -> dict[str, Any]:
    """All that a batch leaves, times aside; raises FaultError where the gradebook holds a thing twice or half."""
    found: dict[str, Any] = {}
    part = (
        "JOIN submitted_notebook n ON n.id = {0}.notebook_id JOIN submitted_assignment s ON s.id = n.assignment_id "
        "JOIN base_cell b ON b.id = {0}.cell_id"
    )
    queries = {
        "grade": "SELECT s.student_id, b.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade "
        f"FROM grade g {part.format('g')}",
        "comment": f"SELECT s.student_id, b.name, c.auto_comment, c.manual_comment FROM comment c {part.format('c')}",
        "result": "SELECT student_id, notebook, result FROM autograder_result",
    }
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        if (problem := connection.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise FaultError(f"the gradebook is damaged: {problem}")
        for table, query in queries.items():
            rows = [list(row) for row in connection.execute(query)]
            if len({(row[0], row[1]) for row in rows}) != len(rows):
                raise FaultError(f"{table} holds a row twice")
            for row in rows:
                if table == "result":
                    row[2] = timeless(json.loads(row[2]))
                found[f"{table} {row[0]} {row[1]}"] = row[2:]
    for path in [*(root / "autograded").rglob("*"), *(root / "feedback").rglob("*")]:
        if path.is_file():
            found[str(path.relative_to(root))] = path.read_text(encoding="utf-8")
    return found


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key not in ("seconds", "cpu_seconds")}
    return value


@dataclass
class Disturber:
    """Grades a batch while processes are killed or stopped, ``plan`` in order, at moments that a seed gives."""

    plan: list[str]
    random: random.Random
    cluster: Cluster
    start_seconds: float  # that a run takes until it grades
    done: Counter[str] = field(default_factory=Counter)
    runs: Counter[int] = field(default_factory=Counter)  # by exit code
    stop_seconds: list[float] = field(default_factory=list)
    seen: set[psutil.Process] = field(default_factory=set)

    def grade(self, root: Path, count: int) -> None:
        """Run until all ``count`` submissions are graded."""
        while len(graded(root)) < count:
            on_cluster = self.random.random() < 0.5 or self.plan[:1] == ["scheduler"]
            if on_cluster:
                self.cluster.mend()
            options = ["--scheduler", self.cluster.address] if on_cluster else ["--jobs", "2"]
            before = sum(self.done.values())
            self._run(start(root, *options), on_cluster)
            if sum(self.done.values()) == before and len(graded(root)) < count:
                raise FaultError(f"a run without a fault left something out: {failures(root)}")

    def _run(self, run: subprocess.Popen[str], on_cluster: bool) -> None:
        deadline = time.monotonic() + PATIENCE
        expected = {0}
        while run.poll() is None and self.plan:
            with suppress(subprocess.TimeoutExpired):
                run.wait(self.random.uniform(0.0, 1.5 * self.start_seconds))
                break
            if self.plan[0] == "scheduler" and not on_cluster:
                self.plan.append(self.plan.pop(0))
            kind = self.plan[0]
            if self._disturb(kind, run, on_cluster):
                self.done[self.plan.pop(0)] += 1
                deadline = time.monotonic() + PATIENCE
                expected |= {"grader": {-9}, "scheduler": {6}, "worker": {6}, "sandbox": {3, 6}}.get(kind, {130})
                if kind in ("grader", *STOPS):
                    break
            if on_cluster and kind == "worker":
                self.cluster.mend()
            if time.monotonic() > deadline:
                break
        try:
            _, errors = run.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            run.kill()
            raise FaultError(f"a run did not end: {run.communicate()[1][-2000:]}") from None
        self.runs[run.returncode] += 1
        if run.returncode not in expected or "Traceback" in errors:
            raise FaultError(f"exit code {run.returncode}, expected one of {sorted(expected)}: {errors[-3000:]}")

    def _disturb(self, kind: str, run: subprocess.Popen[str], on_cluster: bool) -> bool:
        """Whether there was something of this kind to kill."""
        below = self.cluster.processes() if on_cluster else tree(run.pid)[1:]
        self.seen |= {*below, *tree(run.pid)}
        sandboxes = [process for process in below if is_sandbox(process)]
        if kind in STOPS:
            self._stop(run, STOPS[kind])
            return True
        victims = {
            "grader": tree(run.pid)[:1],
            "scheduler": [psutil.Process(self.cluster.scheduler.pid)] if self.cluster.scheduler else [],
            "worker": [process for process in below if process not in sandboxes],
            "sandbox": sandboxes,
        }[kind]
        if victims:
            kill(self.random.choice(victims))
        return bool(victims)

    def _stop(self, run: subprocess.Popen[str], number: signal.Signals) -> None:
        while run.poll() is None and not catches(run.pid, signal.SIGTERM):
            time.sleep(0.01)  # until then a signal ends Python itself, and nothing has begun
        started = time.monotonic()
        run.send_signal(number)
        with suppress(subprocess.TimeoutExpired):  # then _run tells that it does not end
            run.wait(PATIENCE)
        self.stop_seconds.append(time.monotonic() - started)

    def survivors(self) -> list[str]:
        """Processes that were seen below a run or a cluster and do not end."""
        _, alive = psutil.wait_procs(list(self.seen), timeout=30)
        return [str(process) for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def graded(root: Path) -> set[str]:
    with closing(sqlite3.connect(root / "gradebook.db", timeout=60)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        rows = connection.execute("SELECT student_id FROM autograder_result") if "autograder_result" in tables else []
        return {student for (student,) in rows}


def failures(root: Path) -> list[str]:
    records = map(json.loads, (root / ".autograder" / "log.jsonl").read_text().splitlines())
    return [record["error"] for record in records if "error" in record]


def undisturbed(root: Path, count: int) -> tuple[dict[str, Any], float]:
    """What grading leaves when nothing happens, and the seconds until it grades."""
    run, started, log = start(root, "--jobs", "2"), time.monotonic(), root / ".autograder" / "log.jsonl"
    while run.poll() is None and not (log.exists() and log.read_text()):
        time.sleep(0.02)
    seconds = time.monotonic() - started
    _, errors = run.communicate(timeout=PATIENCE + count)
    if run.returncode or len(graded(root)) < count:
        raise FaultError(f"the undisturbed run failed: {errors}")
    return state(root), seconds


def disturb(folder: Path, kills: int, stops: int, submissions: int, seed: int, sleep: float = 0.3) -> Disturber:
    """The whole test, in ``folder``; raises FaultError."""
    chance = random.Random(seed)
    template = make_batch(folder / "template", submissions, sleep)
    wanted, seconds = undisturbed(shutil.copytree(template, folder / "undisturbed"), submissions)
    plan = [chance.choice(KILLS) for _ in range(kills)] + [list(STOPS)[number % 2] for number in range(stops)]
    chance.shuffle(plan)
    with cluster() as dask:
        disturber = Disturber(plan, chance, dask, seconds)
        lap = 0
        while disturber.plan:  # a batch that is through is begun anew
            root, lap = shutil.copytree(template, folder / f"batch{lap}"), lap + 1
            disturber.grade(root, submissions)
            if lap > LAPS * (kills + stops):
                raise FaultError(f"in {lap} batches there was no process for {', '.join(sorted(set(disturber.plan)))}")
            got = state(root)
            if got != wanted:
                different = sorted(key for key in wanted.keys() | got.keys() if wanted.get(key) != got.get(key))
                first = different[0]
                raise FaultError(f"{different[:9]} differ; {first}: {wanted.get(first)} became {got.get(first)}")
            print(
                f"batch {lap}: {submissions} submissions as undisturbed, {sum(disturber.done.values())} faults so far"
            )
    if left := disturber.survivors():
        raise FaultError(f"processes are left: {left}")
    return disturber


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--stops", type=int, default=20, help="of the grader, by Ctrl-C and SIGTERM in turn")
    parser.add_argument("--submissions", type=positive, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        found = disturb(Path(folder), options.kills, options.stops, options.submissions, options.seed)
    print("faults:", ", ".join(f"{kind} {times}" for kind, times in sorted(found.done.items())))
    print("runs by exit code:", ", ".join(f"{code}: {times}" for code, times in sorted(found.runs.items())))
    if found.stop_seconds:
        print(f"Ctrl-C and SIGTERM ended the grader within {max(found.stop_seconds):.1f} s")


if __name__ == "__main__":
    main()
