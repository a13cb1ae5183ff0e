"""Trusted side: runs one repaired notebook in the instructor's order and scores it.

Student cells run in the student's process; tests and the given cells that they need run here, with proxies for
the student's names. The judge is a process of its own for each submission: its memory is limited, and nothing of
it outlives the submission.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from functools import partial
from typing import Any

from autograder.assignment import Assignment, Cell
from autograder.bindings import Bindings
from autograder.errors import WorkerError
from autograder.exceptions import CellTimeout, StudentDied
from autograder.forkserver import ForkServer
from autograder.life import Life, Step
from autograder.limits import Limits
from autograder.outputs import PROCESS_ENDED, Outputs, Stream, add_checked, size_of
from autograder.recording import Recorder, events
from autograder.replaced import Replaced
from autograder.results import CheckResult, Judged, Status
from autograder.scoring import score_of
from autograder.seeding import again_at, apart, drawn_twice, moment
from autograder.session import Session
from autograder.syntax import defines
from autograder.trusted import Failure, Namespace
from autograder.unanswered import blank_cells
from autograder.wording import AT_FAULT, cut, listed, shown

AGAIN = 0.1  # the share of a cell's time for a check that uses all that a check used which ran out of time
ENDLESS = 2  # such checks, after which those that use the same are not run


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
        self.judged = Judged(notebook)
        self.blank = {*blank_cells(assignment, notebook)}
        python_random = "random" in assignment.modules
        self.life = Life(server, limits, lambda items: add_checked(self.outputs, items), recorder, python_random)
        self.namespace = Namespace(assignment)
        self.replaced = Replaced(assignment, self.judged.flags)
        self.outputs = Outputs(limits)
        self.room = limits.total_output_bytes
        self.recorder = recorder
        self.recorded: dict[str, Any] = {}  # by test: what the student's code gave back
        self.given = [cell for cell in assignment.cells if cell.index in assignment.trusted]
        self.named_by: Session | None = None  # whose names the namespace holds, if no cell ran since
        self.attempted: dict[str, bool] = {}
        self.endless: Counter[frozenset[str]] = Counter()  # by the tasks that it uses: checks that ran out of time
        self.ended: set[str] = set()  # tasks of which some check that uses no other came to an end
        self.deaths: dict[str, list[str]] = defaultdict(list)  # of the student's process: why, and where

    def run(self, seed: int, always: bool = False) -> Judged:
        """Run every cell, then fill in what the notebook did not hold.

        What was recorded goes into the result where a test failed, or ``always``.
        """
        started, own = time.monotonic(), time.process_time()
        # Student code may call a test's function at any time; within a trusted cell its outputs are the cell's.
        nowhere: Any = Stream(Outputs(self.limits), "stdout")
        with apart(seed), redirect_stdout(nowhere), redirect_stderr(nowhere):
            self._run_cells()
        self._fail_missing()
        if always or any(check.status in ("failed", "partial") for check in self.judged.checks.values()):
            self.judged.events = {name: events(values) for name, values in self.recorded.items()}
        self.life.end()
        self.judged.deaths = [f"{listed(places)}: {reason}" for reason, places in self.deaths.items()]
        self.judged.outside = self.life.outside
        self.judged.seconds = time.monotonic() - started
        self.judged.cpu_seconds = time.process_time() - own + self.life.cpu_seconds
        return self.judged

    # one cell

    def _run_cells(self) -> None:
        number = 0
        for raw in self.judged.notebook["cells"]:
            cell = self.assignment.by_id.get(_grade_id(raw))
            if (place := cell or self.assignment.cell_of(raw)) is not None:
                self._run_given_before(place)
            if raw["cell_type"] == "code":
                source = _source(raw)
                number += bool(source.strip())
                raw["execution_count"] = number if source.strip() else None
                self.outputs = Outputs(self.limits)
                self._run_cell(raw, cell, source, number)
                raw["outputs"] = self._finish_outputs(number)
            if cell is not None and cell.kind == "manual":
                self._note_manual(cell)

    def _run_cell(self, raw: dict[str, Any], cell: Cell | None, source: str, number: int) -> None:
        if cell is not None and cell.kind == "test":
            if cell.grade_id not in self.judged.checks:
                self._run_test(cell)
            return
        if cell is not None and cell.locked:
            source = cell.source
        if source.strip():
            self._run_student_cell(raw, source, number)
        if cell is not None and cell.grade_id and cell.kind in ("student", "manual"):
            self.attempted[cell.grade_id] = _normal(source) != _normal(cell.release)
            self.namespace.run_quietly(cell.imports)
        if cell is None or _normal(source) != _normal(cell.release):
            # An answer may stand in a cell of the student's own, below its stub, or in another cell.
            blank = [task for task, attempted in self.attempted.items() if not attempted]
            by_id, names_of = self.assignment.by_id, self.assignment.names_of
            self.attempted |= {task: defines(source, names_of(by_id[task])) for task in blank}

    def _guarded(self, action: Step, place: str, share: float = 1.0) -> str | None:
        known = len(self.life.deaths)
        reason = self.life.guarded(action, share)
        for death in self.life.deaths[known:]:
            self.deaths[death].append(place)
        return reason

    def _timeouts(self, cell: Cell) -> tuple[int, list[str]]:
        """How many checks ran out of time that use nothing but what this cell uses, too; and what they use."""
        tasks = self.assignment.tasks_of(cell)
        endless = {used: count for used, count in self.endless.items() if used <= set(tasks)}
        used = [task for task in tasks if any(task in used for used in endless)]
        return sum(endless.values()), [task for task in used if task not in self.ended] or used

    def _run_student_cell(self, raw: dict[str, Any], source: str, number: int) -> None:
        cell = self.assignment.cell_of(raw)
        first: set[str] | None = None  # what it bound again when it ran first
        then = moment()

        def run(session: Session) -> None:
            nonlocal first
            try:
                session.run(source, number)
                self.named_by = None
                again = self._fetch_names(session)
                # In a fresh process a cell that looks at what came before may bind more, or less.
                self.replaced.note(again if first is None else again ^ first, cell)
                first = again if first is None else first
            except (StudentDied, CellTimeout):
                raise
            except BaseException as error:  # it patched what runs it, or forged an answer
                session.die(f"the cell broke the process that it ran in ({type(error).__name__})")
                raise StudentDied(session.dead) from None

        share = AGAIN if cell and self._timeouts(cell)[0] else 1.0
        reason = self._guarded(run, _grade_id(raw) or _named(number, source), share)
        if reason is None:
            self.life.steps.append(_as_then(run, then))
        else:
            self.outputs.error(PROCESS_ENDED, reason, [f"The cell did not finish: {reason}."])

    def _run_given_before(self, cell: Cell) -> None:
        """The trusted side's part of the given cells that stand before this one, and of this one."""
        while self.given and self.given[0].index <= cell.index:
            given = self.given.pop(0)
            with drawn_twice() if given is cell else nullcontext():
                self._run_given(given)

    def _run_given(self, cell: Cell) -> None:
        faults: list[Failure] = []
        needs_names = bool(cell.loads & self.assignment.student_names)
        then = moment()

        def run(session: Session) -> None:
            try:
                if needs_names:
                    self._fetch_names(session)
                self.namespace.execute(cell, Outputs(self.limits))  # what it shows the student's process showed
            except (StudentDied, CellTimeout):
                raise
            except BaseException as raised:  # the student's code in it may raise; its tests will tell
                faults.append(self.namespace.failure(raised, cell))

        reason = self._guarded(run, cell.filename.strip("<>"))
        if needs_names:
            self.life.steps.append(_as_then(run, then))  # it holds objects of the process
        told = [f"cannot run beside the student's: {each.message}" for each in faults if each.at_boundary]
        told += [f"{AT_FAULT}: {each}" for each in faults if each.is_fault]
        told = told or [f"did not finish: {reason}"] * (reason is not None)
        self.judged.flags += [f"The given cell {cell.filename} {what}" for what in told]

    def _run_test(self, cell: Cell) -> None:
        assert cell.grade_id is not None
        started = time.monotonic()
        timeouts, used = self._timeouts(cell)
        tasks = self.assignment.tasks_of(cell)
        results: list[Any] = []

        def run(session: Session) -> None:
            self._fetch_names(session)
            session.bindings = Bindings(self.assignment, self.namespace.names)
            if self.recorder:
                self.recorder.take()
            session.at_boundary = None
            try:
                results.append(self.namespace.execute(cell, self.outputs))
                if session.at_boundary:  # the test took it for an error of the student's that it expects
                    raise session.at_boundary
            except (StudentDied, CellTimeout):
                raise
            except BaseException as error:  # here: its text may ask the student's process
                results[:] = [self.namespace.failure(session.at_boundary or error, cell)]
            session.tell_bindings()
            session.bindings = None
            if session.figures_open and not session.dead:
                session.request("flush")

        try:
            if timeouts < ENDLESS:
                reason = self._guarded(run, cell.grade_id, AGAIN if timeouts else 1.0)
            else:
                reason = f"not run, since {timeouts} checks of {listed(used)} ran longer than they may"
        except WorkerError:  # nobody can start or end a student's process any more: there is no verdict
            raise
        except BaseException as error:  # hostile data may make anything of ours raise: the test fails, no more
            results[:] = [Failure(type(error).__name__, "", [type(error).__name__])]
            reason = None
        self.judged.checks[cell.grade_id] = check = self._check(cell, results, reason)
        self.replaced.checked(cell)
        if tasks and timeouts < ENDLESS and check.status == "timed out":
            self.endless[frozenset(tasks)] += 1
        elif len(tasks) == 1 and reason is None:
            self.ended |= {*tasks}
        check.seconds = time.monotonic() - started
        self.judged.scores[cell.grade_id] = check.score or 0.0
        if self.recorder:
            self.recorded[cell.grade_id] = self.recorder.take()

    def _check(self, cell: Cell, results: list[Any], reason: str | None) -> CheckResult:
        """The score of a test from what it returned or raised."""
        if reason is not None:
            self.outputs.error(PROCESS_ENDED, reason, [f"The check did not finish: {reason}."])
            return CheckResult("timed out" if "longer than" in reason else "killed", cell.points, 0.0, reason)
        (result,) = results
        if isinstance(result, Failure):
            self.outputs.error(result.name, result.message, result.lines)
            if result.is_fault:
                self.judged.flags.append(f"{cell.grade_id} {AT_FAULT}: {result}")
                return CheckResult("error", cell.points, 0.0, str(result))
            if result.at_boundary:
                self.judged.flags.append(f"{cell.grade_id}: {result.message}")
            missing = [task for task in self.assignment.tasks_of(cell) if self.attempted.get(task) is False]
            if missing:
                return CheckResult("not attempted", cell.points, 0.0, f"not attempted: {', '.join(missing)}")
            return CheckResult("failed", cell.points, 0.0, result.told(self.assignment.defined_in), result.shown)
        score, fault = score_of(result, cell.points)
        if fault:
            self.judged.flags.append(f"{cell.grade_id}: {fault}")
            return CheckResult("error", cell.points, score, fault)
        status: Status = "passed" if score == cell.points else "partial" if score > 0 else "failed"
        return CheckResult(status, cell.points, score)

    def _note_manual(self, cell: Cell) -> None:
        assert cell.grade_id is not None
        if cell.grade_id in self.blank:
            self.judged.checks[cell.grade_id] = CheckResult("not attempted", cell.points, 0.0)
        else:
            self.judged.checks[cell.grade_id] = CheckResult("manual", cell.points, None)

    def _fail_missing(self) -> None:
        for cell in self.assignment.tests:
            if cell.grade_id and cell.grade_id not in self.judged.checks:
                self.judged.flags.append(f"{cell.grade_id}: the notebook that was graded does not hold this test")
                self.judged.checks[cell.grade_id] = CheckResult("failed", cell.points, 0.0, "the test was missing")
                self.judged.scores[cell.grade_id] = 0.0

    def _fetch_names(self, session: Session) -> set[str]:
        """The student's names that stand for another object than before."""
        if self.named_by is session:
            self._follow(session, self.assignment.state)
            return set()
        self.namespace.take(names := session.names(sorted(self.assignment.student_names)))
        self.named_by = session
        session.follow = partial(self._follow, session)
        return self.replaced.seen(names)

    def _follow(self, session: Session, moved: Iterable[str]) -> None:
        """Take over what the student's code changed when it ran: a counter, a log."""
        state = self.assignment.state.intersection(moved)
        if state:
            self.namespace.take(session.names(sorted(state)), state)
        if state and session.bindings:
            session.bindings.know(state)

    def _finish_outputs(self, number: int) -> list[dict[str, Any]]:
        items = self.outputs.take()
        for item in items:
            if item["output_type"] == "execute_result":
                item["execution_count"] = number
            texts = [*item.get("data", {}).values(), *item.get("traceback", ())]
            self.room -= sum(size_of(str(text)) for text in (*texts, item.get("evalue", ""), item.get("text", "")))
        if self.room < 0:
            told = "[outputs cut here: over the limit of the notebook]\n"
            return [{"output_type": "stream", "name": "stderr", "text": told}]
        return items


def _grade_id(raw: dict[str, Any]) -> str:
    marks = raw.get("metadata", {}).get("nbgrader")
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    return name if isinstance(name, str) else ""


def _named(number: int, source: str) -> str:
    """A cell without an id, by its number in the graded notebook and its first line; a student may have written it."""
    first = next((line for line in source.splitlines() if line.strip()), "")
    return f"cell [{number}] ({shown(cut(first, 50))})"


def _as_then(run: Step, then: list[Any]) -> Step:
    """The step, when it is run again: it draws what it drew."""

    def again(session: Session) -> None:
        with again_at(then):
            run(session)

    return again


def _source(raw: dict[str, Any]) -> str:
    source = raw["source"]
    return source if isinstance(source, str) else "".join(source)


def _normal(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())
