"""Trusted side: runs one repaired notebook in the instructor's order and scores it.

Student cells run in the student's process; tests and the given cells that they need run here, with proxies for
the student's names. The judge is a process of its own for each submission: its memory is limited, and nothing of
it outlives the submission.
"""

from __future__ import annotations

import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.assignment import Assignment, Cell
from autograder.errors import BoundaryError
from autograder.forkserver import ForkServer
from autograder.limits import Limits
from autograder.outputs import Outputs, add_checked
from autograder.recording import Recorder, events
from autograder.results import CheckResult, Judged, Status
from autograder.scoring import score_of
from autograder.session import CellTimeout, Session, StudentDied
from autograder.trusted import Namespace, error_output

REPEAT = 1.0  # seconds after which a timeout that was swallowed is raised again


@dataclass
class _Step:
    """What must be done again in a fresh student process."""

    source: str
    number: int
    trusted: Cell | None = None


class Judge:
    """Grades one notebook; ``run`` may be called once."""

    def __init__(
        self,
        assignment: Assignment,
        notebook: dict[str, Any],
        limits: Limits,
        server: ForkServer,
        recorder: Recorder | None = None,
    ) -> None:
        self.assignment = assignment
        self.limits = limits
        self.server = server
        self.judged = Judged(notebook)
        self.namespace = Namespace(assignment)
        self.outputs = Outputs(limits)
        self.room = limits.total_output_bytes
        self.deadline = time.monotonic() + limits.total_seconds
        self.session: Session | None = None
        self.recorder = recorder
        self.recorded: dict[str, Any] = {}  # by test: what the student's code gave back
        self.steps: list[_Step] = []
        self.given = [cell for cell in assignment.cells if cell.index in assignment.trusted]
        self.names_stale = False
        self.attempted: dict[str, bool] = {}
        self._armed = False

    def run(self, seed: int, always: bool = False) -> Judged:
        """Run every cell, then fill in what the notebook did not hold.

        What was recorded goes into the result where a test failed, or ``always``.
        """
        started, own = time.monotonic(), time.process_time()
        signal.signal(signal.SIGALRM, self._ring)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        number = 0
        for raw in self.judged.notebook["cells"]:
            cell = self.assignment.by_id.get(_grade_id(raw))
            if cell is not None:
                self._run_given_before(cell)
            if raw["cell_type"] == "code":
                source = _source(raw)
                number += bool(source.strip())
                raw["execution_count"] = number if source.strip() else None
                self.outputs = Outputs(self.limits)
                self._run_cell(raw, cell, source, number)
                raw["outputs"] = self._finish_outputs(number)
            if cell is not None and cell.kind == "manual":
                self._note_manual(raw, cell)
        self._fail_missing()
        if always or any(check.status in ("failed", "partial") for check in self.judged.checks.values()):
            self.judged.events = {name: events(values) for name, values in self.recorded.items()}
        if self.session is not None:
            self.judged.cpu_seconds += self.server.kill()
        self.judged.seconds = time.monotonic() - started
        self.judged.cpu_seconds += time.process_time() - own
        return self.judged

    # one cell

    def _run_cell(self, raw: dict[str, Any], cell: Cell | None, source: str, number: int) -> None:
        if cell is not None and cell.kind == "test":
            if cell.grade_id not in self.judged.checks:
                self._run_test(cell)
            return
        if cell is not None and cell.locked:
            source = cell.source
        if source.strip():
            self._run_student_cell(source, number)
        if cell is not None and cell.grade_id and cell.kind in ("student", "manual"):
            self.attempted[cell.grade_id] = _normal(source) != _normal(cell.release)
            self.namespace.run_quietly(cell.imports)

    def _run_student_cell(self, source: str, number: int) -> None:
        self.names_stale = True
        reason = self._guarded(lambda: self._living().run(source, number))
        if reason is None:
            self.steps.append(_Step(source, number))
        else:
            self.outputs.error("StudentProcessEnded", reason, [f"The cell did not finish: {reason}."])

    def _run_given_before(self, cell: Cell) -> None:
        """The trusted side's part of the given cells that stand before this one."""
        while self.given and self.given[0].index <= cell.index:
            given = self.given.pop(0)
            self._run_given(given)
            self.steps.append(_Step("", 0, given))

    def _run_given(self, cell: Cell) -> None:
        kept, self.outputs = self.outputs, Outputs(self.limits)  # what it shows was shown by the student's process
        error: list[BaseException] = []

        def run() -> None:
            if cell.loads & self.assignment.student_names:
                self._fetch_names()
            try:
                self.namespace.execute(cell, self.outputs)
            except (StudentDied, CellTimeout):
                raise
            except BaseException as raised:
                error.append(raised)

        reason = self._guarded(run)
        self.outputs = kept
        if error and isinstance(error[0], BoundaryError):
            self.judged.flags.append(f"The given cell {cell.filename} cannot run beside the student's: {error[0]}")
        elif reason:
            self.judged.flags.append(f"The given cell {cell.filename} did not finish: {reason}")

    def _run_test(self, cell: Cell) -> None:
        assert cell.grade_id is not None
        started = time.monotonic()
        result: list[Any] = []

        def run() -> None:
            self._fetch_names()
            if self.recorder:
                self.recorder.take()
            try:
                result.append(self.namespace.execute(cell, self.outputs))
            finally:
                if self.session and self.session.figures_open and not self.session.dead:
                    self.session.request("flush")

        error: BaseException | None = None
        try:
            reason = self._guarded(run)
        except BaseException as raised:  # whatever a test, or hostile data in a test, may raise
            error, reason = raised, self.session.dead if self.session else None
        self.judged.checks[cell.grade_id] = check = self._check(cell, result, error, reason)
        check.seconds = time.monotonic() - started
        self.judged.scores[cell.grade_id] = check.score or 0.0
        if self.recorder:
            self.recorded[cell.grade_id] = self.recorder.take()

    def _check(self, cell: Cell, result: list[Any], error: BaseException | None, reason: str | None) -> CheckResult:
        """The score of a test from what it returned or raised."""
        if reason is not None:
            self.outputs.error("StudentProcessEnded", reason, [f"The check did not finish: {reason}."])
            return CheckResult("timed out" if "longer than" in reason else "killed", cell.points, 0.0, reason)
        if error is not None:
            name, message, lines = error_output(error, cell)
            self.outputs.error(name, message, lines)
            if isinstance(error, BoundaryError):
                self.judged.flags.append(f"{cell.grade_id}: {message}")
            missing = [task for task in self.assignment.tasks_of(cell) if self.attempted.get(task) is False]
            if missing:
                return CheckResult("not attempted", cell.points, 0.0, f"not attempted: {', '.join(missing)}")
            return CheckResult("failed", cell.points, 0.0, f"{name}: {message}" if message else name)
        score, fault = score_of(result[0], cell.points)
        if fault:
            self.judged.flags.append(f"{cell.grade_id}: {fault}")
            return CheckResult("error", cell.points, score, fault)
        status: Status = "passed" if score == cell.points else "partial" if score > 0 else "failed"
        return CheckResult(status, cell.points, score)

    def _note_manual(self, raw: dict[str, Any], cell: Cell) -> None:
        assert cell.grade_id is not None
        if _normal(_source(raw)) == _normal(cell.release):
            self.judged.checks[cell.grade_id] = CheckResult("not attempted", cell.points, 0.0)
        else:
            self.judged.checks[cell.grade_id] = CheckResult("manual", cell.points, None)

    def _fail_missing(self) -> None:
        for cell in self.assignment.tests:
            if cell.grade_id and cell.grade_id not in self.judged.checks:
                self.judged.flags.append(f"{cell.grade_id}: the notebook that was graded does not hold this test")
                self.judged.checks[cell.grade_id] = CheckResult("failed", cell.points, 0.0, "the test was missing")
                self.judged.scores[cell.grade_id] = 0.0

    # time and death

    def _guarded(self, action: Callable[[], Any]) -> str | None:
        """Run ``action`` within the time of one cell; None, or why the student's process had to be ended.

        What ``action`` itself raises is raised on, unless the process died.
        """
        while self.session is None:  # an earlier cell that ends the process when run again is not this cell's fault
            reason = self._within_time(self._living)
            if reason is not None and (self._out_of_time() or len(self.judged.deaths) > self.limits.restarts):
                return reason
        return self._within_time(action)

    def _out_of_time(self) -> bool:
        return time.monotonic() >= self.deadline

    def _within_time(self, action: Callable[[], Any]) -> str | None:
        limit = self.limits.cell_seconds
        left = self.deadline - time.monotonic()
        if left <= 0:
            return f"the notebook ran longer than {self.limits.total_seconds:g} s"
        reason: str | None = None
        try:
            with self._alarm(min(limit, left)):
                action()
        except StudentDied as death:
            reason = str(death)
        except CellTimeout:
            whole = left <= limit
            seconds = self.limits.total_seconds if whole else limit
            reason = f"the {'notebook' if whole else 'cell'} ran longer than {seconds:g} s"
            if self.session:
                self.session.die(reason)
        finally:
            if self.session is not None and self.session.dead:
                reason = reason or self.session.dead
                self._bury(reason)
        return reason

    @contextmanager
    def _alarm(self, seconds: float) -> Iterator[None]:
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
        try:
            yield
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, *_: Any) -> None:
        if self._armed:
            raise CellTimeout

    def _bury(self, reason: str) -> None:
        self.judged.deaths.append(reason)
        self.judged.cpu_seconds += self.server.kill()
        self.session = None
        self.names_stale = True

    def _living(self) -> Session:
        """The session with a student process; after a death a fresh one, in which the earlier steps ran again."""
        while self.session is None:
            if len(self.judged.deaths) > self.limits.restarts:
                raise StudentDied("the student's process ended too often")
            connection, used = self.server.spawn()
            self.judged.cpu_seconds += used
            self.session = Session(connection, self.limits, self._emit, self.recorder)
            if self.judged.deaths:
                self._replay()
        return self.session

    def _replay(self) -> None:
        assert self.session is not None
        session, kept, state = self.session, self.outputs, np.random.get_state()
        self.outputs = Outputs(self.limits)
        for step in list(self.steps):
            try:
                if step.trusted is None:
                    session.run(step.source, step.number)
                elif step.trusted.loads & self.assignment.student_names:
                    self.names_stale = True
                    self._fetch_names()
                    with suppress(Exception):
                        self.namespace.execute(step.trusted, self.outputs)
            except (StudentDied, CellTimeout):
                self.steps.remove(step)  # it ended the process this time: left out from now on
                raise
        self.outputs = kept
        np.random.set_state(state)

    def _emit(self, items: Any) -> None:
        add_checked(self.outputs, items)

    def _fetch_names(self) -> None:
        session = self._living()
        if self.names_stale:
            self.namespace.take(session.names(sorted(self.assignment.student_names)))
            self.names_stale = False

    def _finish_outputs(self, number: int) -> list[dict[str, Any]]:
        items = self.outputs.take()
        size = 0
        for item in items:
            if item["output_type"] == "execute_result":
                item["execution_count"] = number
            size += sum(len(str(value)) for value in (*item.get("data", {}).values(), item.get("text", "")))
        self.room -= size
        if self.room < 0:
            cut = "[outputs cut here: over the limit of the notebook]\n"
            return [{"output_type": "stream", "name": "stderr", "text": cut}]
        return items


def limit_memory(limits: Limits) -> None:
    """Bound the memory of the judge's own process, over what it holds already."""
    with suppress(OSError, ValueError), open("/proc/self/statm") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
        soft = held + limits.judge_memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (soft, soft))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _grade_id(raw: dict[str, Any]) -> str:
    marks = raw.get("metadata", {}).get("nbgrader")
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    return name if isinstance(name, str) else ""


def _source(raw: dict[str, Any]) -> str:
    source = raw["source"]
    return source if isinstance(source, str) else "".join(source)


def _normal(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())
