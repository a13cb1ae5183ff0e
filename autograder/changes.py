"""Whose score a run changed, by how much and why; and where every score is from: ``autograder history``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from autograder.course import Course
from autograder.enrolled import check_student
from autograder.errors import UsageError
from autograder.files import write_atomically
from autograder.gradebook import Gradebook
from autograder.guard import folder_of, open_gradebook
from autograder.history import BY_HAND, EXTENSION, NAME, read
from autograder.wording import labels

LATENESS = "lateness"
SMALLEST = 1e-9  # points: less is rounding
PORTION = 200  # students of one question to the gradebook
SHORT = 8  # digits of a digest that are shown


@dataclass(frozen=True)
class Standing:
    """A class at one moment."""

    totals: Mapping[str, float]  # student -> points, what people entered and lateness included
    late: Mapping[str, float]  # student -> the share of the points that is taken off
    origins: Mapping[str, tuple[frozenset[str], frozenset[str]]]  # student -> digests of submissions and of checks
    last: int  # row of the audit trail

    @classmethod
    def of(cls, gradebook: Gradebook, assignment: str) -> Standing:
        """As the gradebook has it, in one transaction."""
        return gradebook.transact(lambda connection: _standing(connection, gradebook.tables, assignment))

    def keep(self, path: Path) -> None:
        """For the next run, should this one be stopped before it tells what it changed."""
        origins = {student: [sorted(part) for part in each] for student, each in self.origins.items()}
        write_atomically(path, json.dumps(vars(self) | {"origins": origins}), 0o644)

    def or_kept(self, path: Path) -> Standing:
        """What a run kept that was stopped; this one where there is none, or one of another gradebook."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            totals, late = ({who: float(value) for who, value in content[name].items()} for name in ("totals", "late"))
            origins = {who: (frozenset(first), frozenset(last)) for who, (first, last) in content["origins"].items()}
            kept = Standing(totals, late, origins, int(content["last"]))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):  # none, cut, or of another version
            return self
        return kept if kept.last <= self.last else self  # a trail only grows


@dataclass
class Changed:
    """One student's score, before and after."""

    before: float
    after: float
    cause: str
    checks: dict[str, list[float | None]] = field(default_factory=dict)  # what changed -> [old, new]

    def __str__(self) -> str:
        parts = [f"{name} {_points(old)} -> {_points(new)}" for name, (old, new) in self.checks.items()]
        why = ", ".join(parts[:5]) + (", ..." if len(parts) > 5 else "")
        return f"{self.before:g} -> {self.after:g} ({self.after - self.before:+g}), {self.cause}: {why}"


def changed(gradebook: Gradebook, assignment: str, before: Standing) -> dict[str, Changed]:
    """Students who were graded ``before`` and have another score now."""
    now = Standing.of(gradebook, assignment)
    history = gradebook.tables[NAME]
    found = {}
    for student, total in before.totals.items():
        if student in before.origins and abs(now.totals.get(student, 0.0) - total) > SMALLEST:
            late = before.late.get(student, 0.0), now.late.get(student, 0.0)
            cause = _cause(before.origins[student], now.origins.get(student, (frozenset(), frozenset())), late)
            found[student] = Changed(round(total, 6), round(now.totals.get(student, 0.0), 6), cause)
    if not found:  # a class that is graded for the first time has a long trail
        return found
    rows = gradebook.transact(lambda connection: read(connection, history, assignment, since=before.last))
    by_hand = {row.student for row in rows} - {row.student for row in rows if row.origin not in BY_HAND}
    called = labels((row.notebook, row.check or LATENESS) for row in rows)
    entered = set(_entered(gradebook, assignment, list(found)))
    for row in rows:
        hidden = row.origin == "auto" and (row.student, row.notebook, row.check) in entered
        if row.student in found and row.origin != EXTENSION and not hidden:
            checks, what = found[row.student].checks, called[row.notebook, row.check or LATENESS]
            if row.origin == "extra credit":
                what += ", extra credit"
            checks[what] = [checks.get(what, [row.old])[0], row.new]
    for each in found.values():
        each.checks = {name: [old, new] for name, (old, new) in each.checks.items() if old != new}
    return {student: each for student, each in found.items() if student not in by_hand}  # who entered it knows


def _entered(gradebook: Gradebook, assignment: str, students: list[str]) -> Iterator[tuple[str, str, str]]:
    """(student, notebook, check) of each score that a person entered, which counts in place of the check's own."""
    for start in range(0, len(students), PORTION):
        for student, notebooks in gradebook.kept_of(assignment, students[start : start + PORTION]).items():
            yield from ((student, name, check) for name, kept in notebooks.items() for check in kept.scores)


def write(course: Course, assignment: str, found: Mapping[str, Changed]) -> Path:
    """``reports/ASSIGNMENT-changes.json``: of the last run that changed anything, with those before it that stopped."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    students = {name: asdict(each) for name, each in found.items()}
    content = {"assignment": assignment, "time": now, "students": students}
    path = course.root / "reports" / f"{assignment}-changes.json"
    write_atomically(path, json.dumps(content, indent=1) + "\n", 0o644)
    return path


def last_told(course: Course, assignment: str) -> Path:
    """Where the class stands as it was when changes were last told, while a run is at work or since one was stopped."""
    return folder_of(course.root, course.db_url) / f"{assignment}-told.json"


def history(
    assignment: str, course_dir: Path = Path("."), *, student: str | None = None, db: str = ""
) -> Iterator[str]:
    """A line for each change of a score, the oldest first; raises UsageError where nothing is graded.

    >>> first, *_ = history("scaling", Path("my_course"), student="ada")
    >>> print(first.partition(" ")[2])
    ada scale_forward__values: none -> 3 auto ...
    """
    course = Course.open(course_dir, db)
    course.notebooks(assignment)
    with closing(open_gradebook(course)) as gradebook:
        table = gradebook.tables[NAME]
        rows = gradebook.transact(lambda connection: read(connection, table, assignment, student))
        graded = not rows and gradebook.results(assignment, student)
        if not rows and student and (people := gradebook.people()):
            check_student(student, people)
    whose = f" by {student!r}" if student else ""
    if graded:  # by nbgrader alone before, with the same scores
        yield f"No score of {assignment!r}{whose} has changed since it was first graded."
    elif not rows:
        raise UsageError(f"Nothing of {assignment!r}{whose} is graded yet; run `autograder grade {assignment}` first.")
    called = labels((row.notebook, row.check) for row in rows)
    for row in rows:
        place = called[row.notebook, row.check] if row.check else f"{row.notebook}, {LATENESS}"
        if row.origin == EXTENSION:
            days = f"days more: {_points(row.old)} -> {_points(row.new)}"
            yield f"{row.at} {row.student} {row.assignment}, {days} {EXTENSION}"
            continue
        digests = f"{row.submission[:SHORT] or '-'} {row.version[:SHORT] or '-'}"
        yield f"{row.at} {row.student} {place}: {_points(row.old)} -> {_points(row.new)} {row.origin} {digests}"


def _cause(
    before: tuple[frozenset[str], frozenset[str]],
    now: tuple[frozenset[str], frozenset[str]],
    late: tuple[float, float],
) -> str:
    causes = ["another submission"] if before[0] != now[0] else []
    causes += ["checks, settings or grader changed"] if before[1] != now[1] else []
    if before[0] == now[0] and abs(late[0] - late[1]) > SMALLEST:  # what is handed in again comes at another time
        causes.append("lateness counted anew")
    return " and ".join(causes) or "graded again"


def _points(value: float | None) -> str:
    return "none" if value is None else f"{round(value, 2):g}"


def _standing(connection: sa.Connection, tables: Mapping[str, sa.Table], assignment: str) -> Standing:
    assigned, handed_in, part, grade, done, history = (
        tables[name]
        for name in ("assignment", "submitted_assignment", "submitted_notebook", "grade", "autograder_result", NAME)
    )
    own = sa.select(handed_in.c.student_id, part.c.id, part.c.late_submission_penalty).select_from(
        assigned.join(handed_in, handed_in.c.assignment_id == assigned.c.id).join(
            part, part.c.assignment_id == handed_in.c.id
        )
    )
    parts = own.where(assigned.c.name == assignment).subquery()
    score = sa.func.coalesce(grade.c.manual_score, grade.c.auto_score, 0.0) + sa.func.coalesce(
        grade.c.extra_credit, 0.0
    )
    totals: dict[str, float] = {}
    for student, points in connection.execute(
        sa.select(parts.c.student_id, sa.func.sum(score))
        .join(grade, grade.c.notebook_id == parts.c.id)
        .group_by(parts.c.student_id)
    ):
        totals[student] = points
    late = sa.select(parts.c.student_id, sa.func.sum(parts.c.late_submission_penalty)).group_by(parts.c.student_id)
    shares: dict[str, float] = {}
    for student, points in connection.execute(late):
        whole = totals.get(student, 0.0)
        totals[student] = max(0.0, whole - (points or 0.0))
        shares[student] = (points or 0.0) / whole if whole else 0.0
    origins: dict[str, tuple[set[str], set[str]]] = {}
    query = sa.select(done.c.student_id, done.c.submission, done.c.version).where(done.c.assignment == assignment)
    for student, submission, version in connection.execute(query):
        submissions, versions = origins.setdefault(student, (set(), set()))
        submissions.add(submission)
        versions.add(version)
    return Standing(
        totals,
        shares,
        {student: (frozenset(each[0]), frozenset(each[1])) for student, each in origins.items()},
        connection.execute(sa.select(sa.func.max(history.c.id))).scalar() or 0,
    )
