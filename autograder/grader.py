"""Grades submissions, from their bytes to scores, executed notebooks and feedback pages.

The local pool and a cluster do the same, ``Grader.grade_packed``.
"""

from __future__ import annotations

import json
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from autograder.answers import Answer
from autograder.assignment import Assignment
from autograder.beside import write_files
from autograder.bounds import within
from autograder.errors import AutograderError, WorkerError
from autograder.intake import Refused, parse
from autograder.kept import Kept
from autograder.limits import Limits
from autograder.originality import Originality, Review
from autograder.pages import make_page
from autograder.penalty import late_penalty
from autograder.regions import Markers
from autograder.repair import repair, wrong_notebook
from autograder.results import Judged
from autograder.unanswered import blank_cells, refused
from autograder.unit import Graded, Job, Outcome, Setup
from autograder.worker import Record, Worker

if TYPE_CHECKING:
    from autograder.diagnosis import Diagnosis

# A hundred times what an honest notebook takes, and more.
READ_SECONDS, REVIEW_SECONDS = 30.0, 5.0
# What a worker says before and after it runs a known answer, whose time is not the submission's.
LEARNS, LEARNED = b"learns", b"learned"


class Grader:
    """Warm workers for one setup."""

    def __init__(
        self, setup: bytes, cpu: int | None = None, tell: Callable[[bytes], None] = lambda message: None
    ) -> None:
        """``tell`` is called with LEARNS and LEARNED."""
        self.setup = Setup.unpack(setup)
        self.cpu = cpu
        self.tell = tell
        self.limits = Limits.from_mapping(self.setup.limits)
        markers = Markers(**self.setup.markers)
        self.assignments = {
            name: Assignment(name, json.loads(source), markers) for name, source in self.setup.sources.items()
        }
        self.workers: dict[str, Worker] = {}
        settings = Originality(**self.setup.originality)
        self.reviews = {name: Review(each, settings) for name, each in self.assignments.items()}
        self.diagnoses = {name: self._diagnosis(name) for name in self.assignments if self.setup.answers}
        self.closing = ExitStack()
        self.folder: Path | None = None
        if self.setup.files:
            self.folder = Path(self.closing.enter_context(tempfile.TemporaryDirectory(prefix="autograder-")))
            write_files(self.setup.files, self.folder)

    def warm(self) -> None:
        """Start the processes now rather than with the first submission."""
        for name in self.assignments:
            self._worker(name)

    def close(self) -> None:
        """End every worker."""
        for worker in self.workers.values():
            worker.close()
        self.workers.clear()
        self.closing.close()

    def __enter__(self) -> Grader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def grade(self, job: Job) -> Outcome:
        """Every notebook of one submission."""
        return Outcome({name: self._grade(name, job) for name in self.assignments})

    def grade_packed(self, job: bytes) -> bytes:
        """Grade one packed Job and return a packed Outcome, whatever happens."""
        try:
            return self.grade(Job.unpack(job)).pack()
        except AutograderError as error:
            return Outcome(error=str(error), exit_code=error.exit_code).pack()
        except Exception as error:
            told = f"the grader itself failed on it ({type(error).__name__}); report it"
            return Outcome(error=f"{traceback.format_exc()}{told}").pack()

    def judge(self, name: str, data: bytes) -> tuple[Judged, list[str]]:
        """Grade one notebook's bytes; also what was put right in it. Raises Refused."""
        try:
            with within(READ_SECONDS):
                cells = parse(data, self.limits)
                wrong = wrong_notebook(self.assignments[name], data, cells)
                notebook, findings = repair(self.assignments[name], cells, wrong)
            judged = self.judge_repaired(name, notebook)
            judged.flags += [wrong] if wrong else []
            return judged, findings
        except (TimeoutError, MemoryError) as error:
            what = "memory" if isinstance(error, MemoryError) else "time"
            raise Refused(
                f"The notebook takes more {what} than a submission may have; clear its outputs, take large pictures "
                "out, save it and hand it in again."
            ) from None

    def judge_repaired(self, name: str, notebook: dict[str, Any]) -> Judged:
        """Scores of a repaired notebook, its mistakes named, what a person should look at flagged."""
        judged = self._run(name, notebook, None, self.setup.record)
        if name in self.diagnoses:
            self.diagnoses[name].annotate(judged)
        try:
            with within(REVIEW_SECONDS):
                judged.flags += self.reviews[name].flags(
                    notebook, [grade_id for grade_id, check in judged.checks.items() if check.status == "passed"]
                )
        except Exception as error:  # the scores are final, and no trouble here changes them
            judged.flags.append(f"The methods of the answers were not looked at: {error!r}; read them yourself")
        return judged

    def _diagnosis(self, name: str) -> Diagnosis:
        from autograder.diagnosis import Diagnosis  # brings NumPy along, which only a course with answers needs

        def grade(notebook: dict[str, Any], seed: int) -> Judged:
            return self._run(name, notebook, seed, "always")

        def at_work(yes: bool) -> None:
            self.tell(LEARNS if yes else LEARNED)

        answers = [Answer(**each) for each in self.setup.answers]
        return Diagnosis(self.assignments[name], answers, grade, Path(self.setup.cache), at_work)

    def _run(self, name: str, notebook: dict[str, Any], seed: int | None, record: Record) -> Judged:
        try:
            return self._worker(name).grade(notebook, seed, record)
        except (WorkerError, MemoryError):  # it is gone, or in the middle of an answer
            if name in self.workers:
                self.workers.pop(name).close()
            raise

    def _worker(self, name: str) -> Worker:
        if name not in self.workers:
            secret = [Path(path) for path in self.setup.secret]
            self.workers[name] = Worker(
                self.assignments[name],
                self.limits,
                self.setup.isolation,
                self.cpu,
                secret,
                self.folder,
            ).__enter__()
        return self.workers[name]

    def _grade(self, name: str, job: Job) -> Graded:
        assignment = self.assignments[name]
        findings, refusal = list(job.findings), job.refused.get(name, "")
        if not refusal:
            try:
                judged, repairs = self.judge(name, job.notebooks[name])
                findings += repairs
            except Refused as error:
                refusal = str(error)
        if refusal:
            judged = refused(assignment, refusal)
        if name == next(iter(self.assignments)):  # once for a submission of several notebooks
            judged.flags += job.flags
        kept = Kept(**job.kept.get(name, {}))
        scores = {grade_id: check.score for grade_id, check in judged.checks.items()}
        counted = kept.total(scores)
        penalty = late_penalty(self.setup.late, job.student, counted, job.seconds_late)
        page = make_page(
            assignment,
            judged,
            kept,
            title=self.setup.title,
            student=job.student,
            refusal=refusal,
            findings=findings,
            late_penalty=penalty,
            sandboxed=self.setup.isolation != "none",
            show_hidden=self.setup.show_hidden,
        )
        late_of = None if penalty is None else counted
        known = asdict(judged) | {"findings": findings, "refused": refusal, "late_of": late_of}
        notebook = known.pop("notebook")
        return Graded(
            notebook=json.dumps(notebook, ensure_ascii=False, indent=1) + "\n",
            page=page,
            scores=scores,
            blank=blank_cells(assignment, notebook),
            late_penalty=penalty,
            result=json.dumps(known),
        )
