"""Grade one assignment of a course folder: ``autograder grade``."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from autograder import changes
from autograder.attempts import LATEST, Attempts, best, points
from autograder.bounds import cores
from autograder.changes import Changed, Standing
from autograder.cluster import DaskPool, require_address
from autograder.course import CONFIG_FILE, STATE, Course
from autograder.errors import AutograderError, GradebookError, UsageError
from autograder.files import write_atomically, write_or_clear
from autograder.gone import check_none_gone, clear
from autograder.gradebook import Gradebook, Record
from autograder.guard import backup, is_gone, only_grader, open_gradebook, set_aside, untold
from autograder.jobs import known_answers, make_job, make_record, seconds_late, version_of
from autograder.penalty import LATE_DAYS
from autograder.pool import LocalPool
from autograder.progress import Progress
from autograder.strays import strays
from autograder.submission import SECRET, Submission, read_submission
from autograder.unit import Graded, Job, Outcome, Setup
from autograder.wording import nearest

BATCH = 50  # submissions in one transaction at the most
BATCH_SECONDS = 1.0  # that a result waits for the others of its batch


@dataclass
class Summary:
    """What a run came to."""

    graded: int = 0
    unchanged: int = 0
    failed: int = 0
    seconds: float = 0.0
    scores: dict[str, tuple[float, float]] = field(default_factory=dict)  #: student -> points, of how many
    late: dict[str, float] = field(default_factory=dict)  #: student -> points that lateness takes off
    people: list[tuple[str, str]] = field(default_factory=list)  #: (student, what a person should look at)
    notes: list[str] = field(default_factory=list)  #: about the run as a whole
    written: int = 0  #: answers that wait for a person's grade
    earlier: dict[str, tuple[float, float]] = field(default_factory=dict)  #: student -> points of it and of the last
    changed: dict[str, Changed] = field(default_factory=dict)  #: students who had another score before
    changes: Path | None = None  #: where those are written down


def grade(
    assignment: str,
    course_dir: Path = Path("."),
    *,
    students: Iterable[str] = (),
    jobs: int | None = None,
    db: str = "",
    scheduler: str = "",
    force: bool = False,
) -> Summary:
    """Grade ``submitted/*/ASSIGNMENT/`` into the gradebook, ``autograded/`` and ``feedback/``.

    What was graded before and is unchanged (submission, instructor's notebooks, settings, engine) is left alone
    unless ``force``, or something outside disturbed it. Raises AutograderError where the batch as a whole cannot be
    graded; a submission never does that.

    >>> grade("scaling", Path("my_course"), students=["ada"], force=True).scores
    {'ada': (9.0, 11.0)}
    >>> grade("scaling", Path("my_course"), students=["ada"]).unchanged
    1
    """
    if scheduler:
        require_address(scheduler)
    course = Course.open(course_dir, db)
    batch = _Batch(course, assignment, list(dict.fromkeys(students)))
    try:
        with only_grader(course.root):
            note = untold(course)
            if is_gone(course):  # before a new one is begun, which hides that
                set_aside(course)
            said = [note.read_text(encoding="utf-8")] if note.exists() else []
            with closing(open_gradebook(course, begin=True)) as gradebook:
                batch.summary.notes += said
                gradebook.lock()
                try:
                    summary = batch.run(gradebook, jobs, scheduler, force)
                except AutograderError as error:  # the same one: it may have an exit code of its own
                    error.args = (" ".join([str(error), *said]),)
                    note.unlink(missing_ok=True)
                    raise
                note.unlink(missing_ok=True)
                return summary
    except OSError as error:  # a full disk, above all
        raise AutograderError(
            f"{error.filename or course.root} cannot be used: {error.strerror}. "
            "What was graded so far is kept; run the command again once this is put right."
        ) from None


@dataclass
class _Taken:
    """One student's submissions at work."""

    digest: str
    submissions: list[Submission]
    outcomes: dict[int, Outcome] = field(default_factory=dict)


class _Batch:
    """One run of the command."""

    def __init__(self, course: Course, assignment: str, students: list[str]) -> None:
        self.course = course
        self.assignment = assignment
        self.notebooks = course.notebooks(assignment)
        self.folders = dict(course.submissions(assignment))
        self.summary = Summary()
        self._note_what_is_missing()
        for student in students:
            if not student:
                raise UsageError("--student needs the id of a student: the name of a folder in submitted/.")
            if student not in self.folders:
                raise UsageError(
                    f"There is no submission of {assignment!r} by {student!r}{nearest(student, self.folders) or '.'} "
                    f"It would stand in {course.folder('submitted', student, assignment)}."
                )
        self.some = bool(students)
        if students:
            self.folders = {student: self.folders[student] for student in students}
        answers, notes = known_answers(course, assignment)
        self.summary.notes += notes
        self.setup = Setup.of(course, assignment, self.notebooks, answers).pack()
        self.version = version_of(self.setup)
        self.attempts = Attempts(course, assignment, list(self.notebooks))
        self.taken: dict[str, _Taken] = {}  # students at work

    def _note_what_is_missing(self) -> None:
        self.summary.people += self.course.misnamed(self.assignment)
        if not (self.course.root / CONFIG_FILE).exists():
            self.summary.notes.append(
                f"There is no {self.course.root / CONFIG_FILE}: the engine's defaults are used, with no late penalty."
            )
        if self.course.config.get("LateDays") and not self.course.late_policy()["plugin"]:
            self.summary.notes.append(
                "c.LateDays is set, but nothing is taken off for lateness without "
                f"c.AssignLatePenalties.plugin_class = {LATE_DAYS!r}."
            )
        if not self.folders:
            place = self.course.folder("submitted", "<student>", self.assignment)
            self.summary.notes.append(
                f"Nothing of {self.assignment!r} is handed in at {place}; "
                f"`autograder collect {self.assignment} DOWNLOADED` puts it there."
            )

    def run(self, gradebook: Gradebook, jobs: int | None, scheduler: str, force: bool) -> Summary:
        start = time.monotonic()
        self.gradebook = gradebook
        known = gradebook.graded(self.assignment)
        if self.some:  # all others would lose what that notebook gave them, and not be graded anew
            check_none_gone(self.assignment, self.notebooks, {name for _, name in known})
        self.known = {} if force else known
        self.dues = gradebook.dues(self.assignment, self.folders)
        last_told = changes.last_told(self.course, self.assignment)
        before = Standing.of(gradebook, self.assignment).or_kept(last_told)
        self.summary.people += strays(self.course, self.assignment, gradebook)
        work = self._jobs()
        first = next(work, None)
        if first is not None or not self.folders:
            backup(self.course.root, self.course.db_url)
            before.keep(last_told)
            take_away = partial(clear, self.course, self.assignment)
            gone = gradebook.take_out(self.assignment, self.notebooks, take_away)
            told = f".ipynb of {self.assignment!r} is gone; what was graded of it counts no longer."
            self.summary.notes += [f"The notebook {name}{told}" for name in gone]
            gradebook.save_assignment(self.course.course_id, self.assignment, self.notebooks)
        if first is not None:
            if force:
                gradebook.forget(self.assignment, self.folders)
            self._grade(itertools.chain([first], work), jobs, scheduler)
        if last_told.exists():  # there was something to do, now or in a run that was stopped
            self.summary.changed = changes.changed(gradebook, self.assignment, before)
            if self.summary.changed:
                self.summary.changes = changes.write(self.course, self.assignment, self.summary.changed)
            last_told.unlink()
        self.summary.seconds = time.monotonic() - start
        return self.summary

    def _grade(self, work: Iterator[Job], jobs: int | None, scheduler: str) -> None:
        if scheduler:
            pool: Any = DaskPool(self.setup, scheduler)
        else:
            pool = LocalPool(self.setup, min(jobs or len(cores()), len(self.folders)))
        records: list[Record] = []
        last = time.monotonic()
        log_path = self.course.root / STATE / "log.jsonl"
        with open(log_path, "a", encoding="utf-8") as log, pool, Progress(len(self.folders), pool.busy) as progress:
            try:
                for job, outcome in pool.run(work):
                    records += [*self._finish(job, outcome, log)]  # all of a submission's, or none
                    summary = self.summary
                    progress.show(summary.graded + summary.unchanged + summary.failed, summary.failed)
                    if len(records) >= BATCH or time.monotonic() - last > BATCH_SECONDS:
                        self.gradebook.write(self.assignment, records)
                        records, last = [], time.monotonic()
            except (KeyboardInterrupt, GradebookError):  # nobody waits, or waited in vain
                self.gradebook.patient = False
                raise
            finally:  # Ctrl-C too: what was graded is kept
                self.gradebook.write(self.assignment, records)

    def _jobs(self) -> Iterator[Job]:
        """What needs grading, read as workers become free."""
        for number, (student, folder) in enumerate(self.folders.items()):
            if number % BATCH == 0:  # one question for many students, and not so early that what people enter is missed
                kept = self.gradebook.kept_of(self.assignment, list(self.folders)[number : number + BATCH])
            submission = read_submission(folder, list(self.notebooks), self.course.limits)
            submissions, more = self.attempts.of(student, submission)
            late = [seconds_late(self.dues[student], each) for each in submissions]
            parts = [self.version, *(f"{each.digest} {each.timestamp}" for each in submissions), *map(str, late)]
            given = {name: [each.scores, each.extra_credit] for name, each in kept[student].items()}
            if max(late) > 0 and any(map(any, given.values())):  # what is taken off depends on what people gave
                parts.append(json.dumps(given, sort_keys=True))
            digest = hashlib.sha256(" ".join(parts).encode()).hexdigest()
            if self._is_done(student, digest):
                self.summary.unchanged += 1
                continue
            if more:
                told = f"handed in more than {LATEST} times; the latest {LATEST} are graded"
                self.summary.people.append((student, told))
            self.taken[student] = _Taken(digest, submissions)
            for attempt, each in enumerate(submissions):
                yield make_job(student, each, kept[student], late[attempt], attempt)

    def _is_done(self, student: str, digest: str) -> bool:
        return all(
            self.known.get((student, name)) == digest
            and _is_there(self._folder("autograded", student) / f"{name}.ipynb")
            and _is_there(self._folder("feedback", student) / f"{name}.html")
            for name in self.notebooks
        )

    def _folder(self, step: str, student: str) -> Path:
        return self.course.folder(step, student, self.assignment)

    def _finish(self, job: Job, outcome: Outcome, log: TextIO) -> Iterator[Record]:
        """Write a submission's files and its line in the log; its records go into the gradebook afterwards."""
        taken = self.taken[job.student]
        taken.outcomes[job.attempt] = outcome
        if len(taken.outcomes) < len(taken.submissions):
            return
        del self.taken[job.student]
        outcome, submission = self._best(job.student, taken)
        if outcome.error:
            self.summary.failed += 1
            where = f", with what {STATE}/log.jsonl says" if outcome.reason != outcome.error else ""
            self.summary.people.append((job.student, f"could not be graded: {outcome.reason}{where}"))
            _log(log, job.student, self.assignment, error=outcome.error)
            return
        self.summary.graded += 1
        disturbed = any(
            json.loads(graded.result)["outside"] for one in taken.outcomes.values() for graded in one.graded.values()
        )
        if disturbed:
            told = "something outside came between, such as a lack of memory; it is graded anew next time"
            self.summary.people.append((job.student, told))
        for name, graded in outcome.graded.items():
            self._write_files(job.student, name, graded, submission)
            yield make_record(job.student, name, graded, submission, "" if disturbed else taken.digest, self.version)
        self._report(job, outcome.graded, log)

    def _best(self, student: str, taken: _Taken) -> tuple[Outcome, Submission]:
        """The submission that counts; an outcome with an error if there is one."""
        outcomes = [taken.outcomes[number] for number in range(len(taken.submissions))]
        failed = next((outcome for outcome in outcomes if outcome.error), None)
        if failed or len(outcomes) == 1:
            return failed or outcomes[0], taken.submissions[0]
        kept = self.gradebook.kept(self.assignment, student)
        number = best(outcomes, kept)
        if number < len(outcomes) - 1:
            self.summary.earlier[student] = points(outcomes[number], kept), points(outcomes[-1], kept)
        return outcomes[number], taken.submissions[number]

    def _write_files(self, student: str, name: str, graded: Graded, submission: Submission) -> None:
        notes = {"timestamp.txt": submission.timestamp and submission.timestamp + "\n", SECRET: submission.secret}
        for step, file, text, mode in (
            ("autograded", f"{name}.ipynb", graded.notebook, 0o444),  # as nbgrader has it: nobody edits it by mistake
            ("feedback", f"{name}.html", graded.page, 0o644),
        ):
            folder = self._folder(step, student)
            write_atomically(folder / file, text, mode)
            for note, content in notes.items():
                write_or_clear(folder / note, content, mode)

    def _report(self, job: Job, graded: dict[str, Graded], log: TextIO) -> None:
        """One line of the log, and what the summary says of the submission."""
        student = job.student
        results = [json.loads(each.result) for each in graded.values()]
        waiting = [
            grade_id
            for name, each in graded.items()
            for grade_id, score in each.scores.items()
            if score is None and grade_id not in job.kept.get(name, {}).get("scores", {})
        ]
        score = sum(value or 0.0 for each in graded.values() for value in each.scores.values())
        most = sum(check["points"] for result in results for check in result["checks"].values())
        deaths = [death for result in results for death in result["deaths"]]
        flags = [flag for result in results for flag in result["flags"]]
        penalties = [each.late_penalty for each in graded.values() if each.late_penalty is not None]
        self.summary.scores[student] = score, most
        self.summary.late |= {student: sum(penalties)} if sum(penalties) else {}
        self.summary.written += len(waiting)
        self.summary.people += [(student, flag) for flag in flags]
        if deaths:
            self.summary.people.append((student, "; ".join(dict.fromkeys(deaths))))
        _log(
            log,
            student,
            self.assignment,
            score=score,
            points=most,
            late_penalty=sum(penalties) if penalties else None,
            refused=" ".join(result["refused"] for result in results if result["refused"]),
            findings=sum(len(result["findings"]) for result in results),
            deaths=deaths,
            flags=flags,
            seconds=round(sum(result["seconds"] for result in results), 3),
            cpu_seconds=round(sum(result["cpu_seconds"] for result in results), 3),
        )


def _is_there(path: Path) -> bool:
    """With something in it: a power failure may leave an empty file."""
    return path.exists() and path.stat().st_size > 0


def _log(log: TextIO, student: str, assignment: str, **values: Any) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    log.write(json.dumps({"time": now, "student": student, "assignment": assignment} | values) + "\n")
    log.flush()
