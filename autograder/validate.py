"""Grades the grader: ``autograder validate``.

The instructor's solutions, the blank release and every right and wrong answer of the course go through the engine as
submissions do. Nothing is written into the gradebook.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.answers import Answer, answered, blank, concerns, own_function, read_answers
from autograder.assignment import Assignment
from autograder.bounds import cores
from autograder.course import Course
from autograder.diagnosis import SEEDS, Diagnosis
from autograder.errors import AutograderError, CourseError
from autograder.intake import SubmittedCell
from autograder.plain import plain_scores
from autograder.pool import LocalPool
from autograder.results import Judged
from autograder.unit import Job, Setup
from autograder.wording import labels

REFERENCE, AGAIN, BLANK = "the reference", "the reference again", "the blank release"


# What acts on the process of the tests alone, so that it sees or changes nothing of student code.
ONE_SIDED = {"errstate", "seterr", "catch_warnings", "simplefilter", "filterwarnings", "patch", "shares_memory"}
ONE_SIDED |= {"may_share_memory", "redirect_stdout", "redirect_stderr", "alarm", "setitimer"}


@dataclass(frozen=True)
class Check:
    """One test cell."""

    name: str  # the grade id, with its notebook where notebooks share it
    function: str
    points: float
    hidden: bool
    one_sided: tuple[str, ...] = ()  # what it uses of ONE_SIDED


@dataclass
class Result:
    """How one answer did: by test, its score, what the test said, and the known mistake that the engine named."""

    scores: dict[str, float] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    diagnoses: dict[str, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)  # the engine's, for the instructor
    deaths: list[str] = field(default_factory=list)


@dataclass
class Validation:
    """All that was found out about one assignment's checks; ``misses`` is empty for a good grader."""

    checks: list[Check]
    right: list[Answer]
    wrong: list[Answer]
    function: dict[str, str]  # of each wrong answer
    results: dict[str, Result]
    plain: dict[str, tuple[float, str]]
    misses: list[str] = field(default_factory=list)

    def lost(self, answer: str) -> list[Check]:
        """The checks that took points off an answer."""
        scores = self.results[answer].scores
        return [check for check in self.checks if scores.get(check.name, 0.0) < check.points]

    def caught(self, answer: Answer) -> list[Check]:
        """The checks of the wrong answer's own function that saw it."""
        return [check for check in self.lost(answer.name) if check.function == self.function[answer.name]]

    def catches(self, check: Check) -> list[Answer]:
        """The known mistakes that fail this check."""
        return [answer for answer in self.wrong if check in self.lost(answer.name)]

    @property
    def needed(self) -> list[Check]:
        """Checks that alone catch some mistake on its own function; all others could go, one at a time."""
        return [check for check in self.checks if any(self.caught(answer) == [check] for answer in self.wrong)]

    @property
    def untried(self) -> list[Check]:
        """Checks of what no known mistake is about."""
        return [check for check in self.checks if check.function not in self.function.values()]

    @property
    def hidden_only(self) -> list[Answer]:
        """Mistakes that no visible check catches."""
        return [a for a in self.wrong if self.caught(a) and all(check.hidden for check in self.caught(a))]

    @property
    def diagnosed(self) -> list[Answer]:
        """Mistakes that are named by their own sentence in some check of their function, and by no other anywhere."""
        return [
            answer for answer in self.wrong if set(self.results[answer.name].diagnoses.values()) == {answer.explanation}
        ]


def validate(assignment: str, course_dir: Path = Path("."), *, jobs: int | None = None) -> Validation:
    """Put all answers through the engine and compare what they earn with what they should.

    Raises AutograderError where something cannot be run at all.

    >>> found = validate("scaling", Path("my_course"), jobs=1)
    >>> found.misses
    []
    >>> [(answer.name, [check.name for check in found.caught(answer)]) for answer in found.wrong]
    [('wrong/axis', ['scale_backward__gradient'])]
    """
    course = Course.open(course_dir)
    notebooks = course.notebooks(assignment)
    answers = read_answers(course, assignment)
    submissions = dict(_submissions(notebooks, answers))
    setup = replace(Setup.of(course, assignment, notebooks), record="always")
    size = min(jobs or len(cores()), len(submissions))
    results = {name: Result() for name in submissions}
    judged: dict[str, dict[str, Judged]] = {}
    with LocalPool(setup.pack(), size) as pool:
        for job, outcome in pool.run(_job(name, cells) for name, cells in submissions.items()):
            outcome.require(f"{job.student} could not be graded: ")
            judged[job.student] = {name: _judged(graded.result) for name, graded in outcome.graded.items()}
    for name, notebook in notebooks.items():
        _diagnose(notebook, answers, {answer: found[name] for answer, found in judged.items()}, setup.cache)
    called = labels((name, test.grade_id or "") for name, notebook in notebooks.items() for test in notebook.tests)
    for answer, found_in in judged.items():
        for name, each in found_in.items():
            _read(results[answer], each, {grade_id: called[name, grade_id] for grade_id in each.scores})
    plain: dict[str, tuple[float, str]] = {}
    for name, notebook in notebooks.items():
        scores = plain_scores(notebook, course.folder("source", ".", assignment), course.limits)
        plain |= {called[name, grade_id]: score for grade_id, score in scores.items()}
    found = Validation(
        checks=[
            replace(check, name=called[name, check.name])
            for name, notebook in notebooks.items()
            for check in _checks(notebook)
        ],
        right=[answer for answer in answers if answer.right],
        wrong=[answer for answer in answers if not answer.right],
        function={a.name: _function(notebooks.values(), a) for a in answers if not a.right},
        results=results,
        plain=plain,
    )
    found.misses += misses(found)
    return found


def _checks(notebook: Assignment) -> Iterator[Check]:
    for test in notebook.tests:
        if test.grade_id:
            names = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(ast.parse(test.python))}
            one_sided = tuple(sorted(names & ONE_SIDED))
            yield Check(test.grade_id, notebook.owner(test), test.points, test.hidden, one_sided)


def _function(notebooks: Iterable[Assignment], answer: Answer) -> str:
    return next(own_function(notebook, answer) for notebook in notebooks if concerns(notebook, answer))


def _submissions(
    notebooks: Mapping[str, Assignment], answers: Iterable[Answer]
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """What is handed in for each answer: all notebooks of the assignment."""
    for reference in (REFERENCE, AGAIN):
        yield reference, {name: _packed(answered(notebook)) for name, notebook in notebooks.items()}
    yield BLANK, {name: _packed(blank(notebook)) for name, notebook in notebooks.items()}
    for answer in answers:
        concerned = {name: notebook for name, notebook in notebooks.items() if concerns(notebook, answer)}
        if not concerned:
            raise CourseError(f"Answer {answer.name!r} defines no name of a solution cell of the assignment.")
        yield (
            answer.name,
            {
                name: _packed(answered(notebook, answer if name in concerned else None, demonstrations=False))
                for name, notebook in notebooks.items()
            },
        )


def _packed(cells: Iterable[SubmittedCell]) -> bytes:
    made: list[dict[str, Any]] = [
        {
            "cell_type": cell.cell_type,
            "id": cell.cell_id or f"cell-{position}",
            "metadata": {"nbgrader": {"grade_id": cell.grade_id}} if cell.grade_id else {},
            "source": cell.source,
        }
        | ({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {})
        for position, cell in enumerate(cells)
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def _job(name: str, notebooks: dict[str, bytes]) -> Job:
    return Job(student=name, notebooks=notebooks, refused={}, findings=[], kept={})


def _judged(result: str) -> Judged:
    return Judged.from_dict({"notebook": {}} | json.loads(result))


def _diagnose(notebook: Assignment, answers: Sequence[Answer], judged: Mapping[str, Judged], cache: str) -> None:
    """Name the mistakes as grading would, from the runs that are there already; they are kept for grading."""

    def never(*_: object) -> Judged:
        raise AutograderError("a run is missing")

    diagnosis = Diagnosis(notebook, answers, never, Path(cache))
    for name, seed in zip((REFERENCE, AGAIN), SEEDS, strict=True):
        diagnosis.learn((None, seed), judged[name], diagnosis.owners)
    for mistake in diagnosis.mistakes:
        diagnosis.learn((mistake, SEEDS[0]), judged[mistake.name], diagnosis.owners)
    for each in judged.values():
        diagnosis.annotate(each)


def _read(result: Result, judged: Judged, called: Mapping[str, str]) -> None:
    for grade_id, name in called.items():
        result.scores[name] = judged.scores[grade_id]
    for grade_id, check in judged.checks.items():
        if name := called.get(grade_id, ""):
            result.messages[name] = check.message
            if check.diagnosis:
                result.diagnoses[name] = check.diagnosis
    result.flags += judged.flags
    result.deaths += judged.deaths


def misses(found: Validation) -> Iterator[str]:
    """One sentence for each thing that should not be."""
    reference = found.results[REFERENCE]
    for check in found.checks:
        here, message = reference.scores.get(check.name, 0.0), reference.messages.get(check.name, "")
        plainly, error = found.plain.get(check.name, (0.0, "it was not run"))
        if here != plainly:
            yield (
                f"{check.name}: the reference earns {plainly:g} in one process ({error or 'no error'}) and {here:g} "
                f"through the boundary ({message or 'no error'})."
            )
        elif here < check.points:
            yield f"{check.name}: the reference earns {here:g} of {check.points:g} ({message or error})."
    for flag in reference.flags + reference.deaths:
        yield f"The reference: {flag}."
    for check in found.checks:
        if found.results[BLANK].scores.get(check.name):
            yield f"{check.name}: the blank release earns {found.results[BLANK].scores[check.name]:g} points."
    for answer in found.right:
        for check in found.lost(answer.name):
            message = found.results[answer.name].messages.get(check.name, "")
            yield f"{answer.name}, which is right, loses points on {check.name}: {message}"
        for sentence in found.results[answer.name].diagnoses.values():
            yield f"{answer.name}, which is right, is told: {sentence}"
    for answer in found.wrong:
        function = found.function[answer.name]
        if not found.caught(answer):
            yield f"{answer.name}, which is wrong, loses nothing on {function}."
        excused = {function, *answer.also_costs}
        for check in found.lost(answer.name):
            if not excused & {check.function, check.name.rpartition(": ")[2]}:  # the grade id alone
                message = found.results[answer.name].messages.get(check.name, "")
                yield f"{answer.name} loses points on {check.name} too, and also_costs gives no reason: {message}"
        for name, sentence in found.results[answer.name].diagnoses.items():
            if sentence != answer.explanation:
                yield f"{answer.name} is given another mistake's sentence on {name}: {sentence}"
