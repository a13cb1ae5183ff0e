"""The unit of work: one submission, with what it shares with its batch, and what comes of it, packed with msgpack."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgpack

from autograder.answers import Answer, places
from autograder.assignment import Assignment
from autograder.course import CONFIG_FILE, STATE, Course
from autograder.errors import AutograderError
from autograder.limits import Limits
from autograder.originality import Originality
from autograder.worker import Isolation, Record

# Not the course folder itself: Python and its packages may lie in it.
STEPS = ("source_directory", "submitted_directory", "autograded_directory", "feedback_directory")
ALLOWANCE = 120.0  # for one notebook beyond its own time: reading, rendering, processes that are started anew


@dataclass(frozen=True)
class Setup:
    """What all submissions of a batch share."""

    title: str
    sources: dict[str, bytes]  # the instructor's notebooks, by name
    files: dict[str, bytes]  # what else stands beside them, for the notebooks to read
    secret: list[str]  # folders that student code is proved not to see
    markers: dict[str, str]
    limits: dict[str, Any]
    isolation: Isolation
    show_hidden: bool
    late: dict[str, Any]  # Course.late_policy
    answers: list[dict[str, Any]]  # the course's wrong answers, by which failures are explained
    cache: str  # folder for what running those answers showed
    originality: dict[str, Any]  # when an answer is flagged for a person
    record: Record  # "always" leaves in the result what a diagnosis needs

    @classmethod
    def of(
        cls, course: Course, title: str, notebooks: Mapping[str, Assignment], answers: Iterable[Answer] = ()
    ) -> Setup:
        """What the notebooks of one assignment need on any machine."""
        wrong = [asdict(answer) for answer in answers if not answer.right]
        imported = {module for each in notebooks.values() for module in each.released_modules}
        return cls(
            title=title,
            sources={name: json.dumps(each.notebook).encode() for name, each in notebooks.items()},
            files=course.files(title),
            secret=[
                *(str(course.root / name) for name in (*map(course.setting, STEPS), CONFIG_FILE, STATE)),
                *map(str, places(course, imported)),
            ],
            markers=vars(course.markers),
            limits=vars(course.limits),
            isolation=course.engine.isolation,
            show_hidden=course.engine.show_hidden_checks,
            late=course.late_policy(),
            answers=wrong,
            cache=str(course.root / STATE / "answers"),
            originality=course.settings(Originality).settings(),
            record="failures" if wrong else "",
        )

    def pack(self) -> bytes:
        """As msgpack."""
        return _pack(self)

    @classmethod
    def unpack(cls, data: bytes) -> Setup:
        """What ``pack`` wrote."""
        return cls(**msgpack.unpackb(data))

    @property
    def seconds(self) -> float:
        """Wall time after which whoever grades a submission is given up; the limits of each notebook come first.

        As much again has each run of a known answer, which the first failure of a function asks for.
        """
        return len(self.sources) * (Limits.from_mapping(self.limits).total_seconds + ALLOWANCE)


@dataclass(frozen=True)
class Job:
    """One submission."""

    student: str
    notebooks: dict[str, bytes]
    refused: dict[str, str]
    findings: list[str]
    kept: dict[str, dict[str, Any]]  # by notebook: the fields of Kept
    seconds_late: float = 0.0
    attempt: int = 0  # which of the student's submissions, where several are graded
    flags: list[str] = field(default_factory=list)  # for the instructor, about the submission as a whole

    def pack(self) -> bytes:
        """As msgpack."""
        return _pack(self)

    @classmethod
    def unpack(cls, data: bytes) -> Job:
        """What ``pack`` wrote."""
        return cls(**msgpack.unpackb(data))


@dataclass(frozen=True)
class Graded:
    """One notebook of a submission, graded."""

    notebook: str  # the executed notebook, JSON
    page: str  # the feedback page, HTML
    scores: dict[str, float | None]
    blank: list[str]
    late_penalty: float | None
    result: str  # JSON: everything else that is known about it


@dataclass(frozen=True)
class Outcome:
    """What a job came to: every notebook of the assignment, or an error of the grader's own."""

    graded: dict[str, Graded] = field(default_factory=dict)
    error: str = ""
    exit_code: int = 0  # of an error that ends the batch
    again: bool = True  # whether another try may do better where there is an error

    @property
    def reason(self) -> str:
        """The error in one line, without the traceback that may stand before it."""
        return self.error.splitlines()[-1] if self.error else ""

    def require(self, before: str = "") -> None:
        """Raise AutograderError where there is an error: in one line, with the whole of it behind."""
        if self.error:
            raise AutograderError(f"{before}{self.reason}") from RuntimeError(self.error)

    def pack(self) -> bytes:
        """As msgpack."""
        return _pack(self)

    @classmethod
    def unpack(cls, data: bytes) -> Outcome:
        """What ``pack`` wrote."""
        fields = msgpack.unpackb(data)
        return cls(**fields | {"graded": {name: Graded(**each) for name, each in fields["graded"].items()}})


def _pack(value: Setup | Job | Outcome) -> bytes:
    packed: bytes = msgpack.packb(asdict(value))
    return packed
