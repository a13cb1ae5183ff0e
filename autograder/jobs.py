"""What goes to a worker for one submission, and what came of it as a record of the gradebook."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import autograder
from autograder.answers import Answer, read_answers
from autograder.course import Course
from autograder.errors import CourseError
from autograder.gradebook import Record
from autograder.kept import Kept
from autograder.submission import Submission
from autograder.times import parse_timestamp
from autograder.unit import Graded, Job, Setup
from autograder.wording import shown


def version_of(setup: bytes) -> str:
    """Digest of all that a score depends on beside the submission: checks, settings, known answers, this engine."""
    found = Setup.unpack(setup)
    placeless = replace(found, secret=[], cache="", late=found.late | {"path": ""})  # a course folder may be moved
    return hashlib.sha256(autograder.__version__.encode() + placeless.pack()).hexdigest()


def known_answers(course: Course, assignment: str) -> tuple[list[Answer], list[str]]:
    """The answers by which failures are explained; a folder without them is graded all the same, with a note."""
    try:
        return read_answers(course, assignment), []
    except CourseError as error:
        return [], [f"Known mistakes are not named in the feedback: {error}"]


def seconds_late(due: datetime | None, submission: Submission) -> float:
    """0 for what is on time, and where either time is not known."""
    handed_in = parse_timestamp(submission.timestamp)
    return max(0.0, (handed_in - due).total_seconds()) if due and handed_in else 0.0


def _timeless(submission: Submission) -> list[str]:
    """A sentence for the instructor where there is a ``timestamp.txt`` that tells no time."""
    text = submission.timestamp
    if text is None or parse_timestamp(text):
        return []
    return [f"timestamp.txt is no time ({shown(text)!r}); not counted as late"]


def make_job(
    student: str, submission: Submission, kept: Mapping[str, Kept], seconds_late: float, attempt: int = 0
) -> Job:
    """The unit of work, with what people entered for the student and how late the submission is."""
    return Job(
        student=student,
        notebooks=submission.notebooks,
        refused=submission.refused,
        findings=submission.findings,
        kept={name: vars(each) for name, each in kept.items()},
        seconds_late=seconds_late,
        attempt=attempt,
        flags=_timeless(submission),
    )


def make_record(
    student: str, notebook: str, graded: Graded, submission: Submission, digest: str, version: str
) -> Record:
    """What the gradebook keeps of one graded notebook."""
    return Record(
        student=student,
        notebook=notebook,
        scores=graded.scores,
        blank=frozenset(graded.blank),
        timestamp=parse_timestamp(submission.timestamp),
        late_penalty=graded.late_penalty,
        digest=digest,
        result=graded.result,
        submission=submission.digest,
        version=version,
    )
