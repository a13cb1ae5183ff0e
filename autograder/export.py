"""Scores for other systems: ``autograder export ASSIGNMENT``. What people entered counts, and lateness is taken off."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.bundle import bundle
from autograder.course import Course, Engine
from autograder.enrolled import Absent
from autograder.errors import UsageError
from autograder.feedback import Check, check_line
from autograder.files import write_atomically
from autograder.gone import check_none_gone
from autograder.gradebook import Person, Result
from autograder.gradescope import UNSANDBOXED, content, told
from autograder.guard import open_gradebook
from autograder.kept import Kept
from autograder.received import NAMES as FEEDBACK
from autograder.received import pack
from autograder.results import CheckResult
from autograder.wording import WAITING, counted, labels

# Where a spreadsheet takes a text for a formula: some split lines at semicolons or tabs, whatever the quotes say. Found
# by all the blanks before its sign at once, which takes time that is linear in the length.
FORMULA = re.compile(r"(?<![\s\"'])(?P<first>^|(?<=;))?(?P<blanks>[\s\"']*+)(?=[=+\-@＝＋－＠])")
DIGITS = 6  # of points, behind the point: more is rounding


@dataclass
class Grade:
    """One student's result."""

    person: Person
    checks: dict[str, tuple[float, float]] = field(default_factory=dict)  # name -> score, of how many points
    late_penalty: float = 0.0

    @property
    def score(self) -> float:
        """The points of all checks, less what came late costs; never below 0."""
        return max(0.0, sum(score for score, _ in self.checks.values()) - self.late_penalty)

    @property
    def points(self) -> float:
        """The most that can be had."""
        return sum(points for _, points in self.checks.values())


def export(
    assignment: str,
    course_dir: Path = Path("."),
    *,
    kind: str = "csv",
    to: Path | None = None,
    db: str = "",
    tell: Callable[[str], object] = lambda sentence: None,
) -> Path:
    """Write the scores as ``kind`` and return where: a file, for Gradescope a folder with a file a student.

    "gradescope-autograder" writes no scores: it is the zip that makes the engine grade in Gradescope; "moodle-feedback"
    and "canvas-feedback" are zips of the feedback pages under the names that these upload in bulk. ``tell`` is
    called with what a person should know of the scores: who handed in nothing and has 0, which answers wait for a
    grade. Raises UsageError for another kind, where the folder of ``to`` is not there,
    and where nothing is graded yet.

    >>> path = export("scaling", Path("my_course"))
    >>> path.name, path.read_text().splitlines()[1]
    ('scaling.csv', 'ada,,,,9.0,11.0,0.0,3.0,2.0,4.0,0.0')
    """
    if kind not in KINDS:
        raise UsageError(f"There is no format {kind!r}; the formats are {', '.join(KINDS)}.")
    course = Course.open(course_dir, db)
    notebooks = course.notebooks(assignment)
    short = kind == "csv" and not assignment.endswith(("-canvas", "-moodle"))  # whose table would be another's
    name = assignment if short else f"{assignment}-{kind}"
    path = to or course.root / "exports" / f"{name}{KINDS[kind]}"
    if to and not to.parent.is_dir():
        raise UsageError(f"There is no folder {to.parent}; make it first, or name a place in one that is there.")
    if KINDS[kind] and path.is_dir():
        raise UsageError(f"{path} is a folder; name a file, such as {path / f'{name}{KINDS[kind]}'}.")
    if kind == "gradescope-autograder":
        write_atomically(path, bundle(course, assignment), 0o644)
        return path
    if kind in FEEDBACK:
        write_atomically(path, pack(course, assignment, kind, tell), 0o644)
        return path
    with closing(open_gradebook(course)) as gradebook:
        results, people = gradebook.results(assignment), gradebook.people()
    if not results:
        raise UsageError(f"Nothing of {assignment!r} is graded yet; run `autograder grade {assignment}` first.")
    check_none_gone(assignment, notebooks, {result.notebook for result in results})
    absent = Absent.of(course, assignment, people, {result.student for result in results})
    for sentence in [*absent.sentences(), *_waiting(results), *_late_before(assignment, results)]:
        tell(sentence)
    if kind == "gradescope":
        for student, found in _gradescope(notebooks, results, course.engine).items():
            write_atomically(path / student / "results.json", json.dumps(found, indent=1) + "\n", 0o644)
    else:
        grades = [*read_grades(results, people), *(Grade(people[student]) for student in absent.nothing)]
        write_atomically(path, table_text(TABLES[kind](assignment, grades)), 0o644)
    return path


def _waiting(results: Iterable[Result]) -> Iterable[str]:
    """A sentence where written answers have no grade."""
    waiting = sum(
        result.own.get(name, check["score"]) is None
        for result in results
        for name, check in json.loads(result.result)["checks"].items()
    )
    if waiting:
        yield f"{counted(waiting, *WAITING)} for a person's grade, with 0 points here"


def _late_before(assignment: str, results: Iterable[Result]) -> Iterable[str]:
    """A sentence where people gave points after lateness was counted."""
    students = []
    for result in results:
        if result.late_penalty is None:
            continue
        judged = json.loads(result.result)
        now = sum(result.scores.get(name, check["score"] or 0.0) for name, check in judged["checks"].items())
        late_of = judged.get("late_of")
        if late_of is not None and round(now - late_of, DIGITS):
            students.append(result.student)
    if students:
        yield (
            f"points changed after lateness was counted; run `autograder grade {assignment}` again, which counts it "
            f"anew: {', '.join(dict.fromkeys(students))}"
        )


def _gradescope(
    notebooks: Mapping[str, Assignment], results: Iterable[Result], engine: Engine
) -> dict[str, dict[str, Any]]:
    """The content of each student's results.json."""
    lines: dict[str, list[Check]] = {}
    notes: dict[str, list[str]] = {}
    late: dict[str, float] = {}
    for result in results:
        judged, cells = json.loads(result.result), notebooks[result.notebook].by_id
        kept = Kept(
            scores={name: score for name, score in result.scores.items() if result.own[name] is not None},
            extra_credit={name: score for name, score in result.scores.items() if result.own[name] is None},
        )
        lines.setdefault(result.student, []).extend(
            check_line(cells[name], CheckResult(**check), kept, engine.show_hidden_checks)
            for name, check in judged["checks"].items()
            if name in cells
        )
        notes.setdefault(result.student, [UNSANDBOXED] if engine.isolation == "none" else []).extend(told(judged))
        late[result.student] = late.get(result.student, 0.0) + (result.late_penalty or 0.0)
    return {
        student: content(checks, notes[student], late[student], visibility="after_published")
        for student, checks in lines.items()
    }


def read_grades(results: Iterable[Result], people: dict[str, Person]) -> Iterable[Grade]:
    """One grade a student from the results of each notebook."""
    grades: dict[str, Grade] = {}
    judged = [(result, json.loads(result.result)["checks"]) for result in results]
    called = labels((result.notebook, name) for result, checks in judged for name in checks)
    for result, checks in judged:
        grade = grades.setdefault(result.student, Grade(people[result.student]))
        for name, check in checks.items():
            score = result.scores.get(name, check["score"] or 0.0)
            grade.checks[called[result.notebook, name]] = (score, check["points"])
        grade.late_penalty += result.late_penalty or 0.0
    return grades.values()


def plain_rows(assignment: str, grades: list[Grade]) -> Iterable[list[Any]]:
    """One row a student, one column a check."""
    names = list(dict.fromkeys(name for grade in grades for name in grade.checks))
    most = max((grade.points for grade in grades), default=0.0)  # who handed in nothing has no check
    yield ["student_id", "last_name", "first_name", "email", "score", "max_score", "late_penalty", *names]
    for grade in grades:
        person = grade.person
        scores = [grade.checks.get(name, ("", 0.0))[0] for name in names]
        head = [person.id, person.last_name, person.first_name, person.email]
        yield [*head, grade.score, grade.points if grade.checks else most, grade.late_penalty, *scores]


def canvas_rows(assignment: str, grades: list[Grade]) -> Iterable[list[Any]]:
    """Canvas' gradebook import: its identifying columns, a row of possible points, one column for the assignment."""
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment]
    yield ["    Points Possible", "", "", "", "", max((grade.points for grade in grades), default=0.0)]
    for grade in grades:
        person = grade.person
        name = ", ".join(filter(None, [person.last_name, person.first_name])) or person.id
        yield [name, person.lms_id, person.id, person.email or person.id, "", grade.score]


def moodle_rows(assignment: str, grades: list[Grade]) -> Iterable[list[Any]]:
    """Moodle's CSV import: people by identity number or address, one grade item."""
    yield ["ID number", "Email address", "First name", "Last name", assignment]
    for grade in grades:
        person = grade.person
        yield [person.lms_id or person.id, person.email, person.first_name, person.last_name, grade.score]


TABLES: dict[str, Callable[[str, list[Grade]], Iterable[list[Any]]]] = {
    "csv": plain_rows,
    "canvas": canvas_rows,
    "moodle": moodle_rows,
}
ZIPS = ("gradescope-autograder", *FEEDBACK)
KINDS = dict.fromkeys(TABLES, ".csv") | {"gradescope": ""} | dict.fromkeys(ZIPS, ".zip")  # ends of files' names


def neutral(value: Any) -> Any:
    """A text that a spreadsheet shows and does not calculate; points without digits of rounding."""
    if isinstance(value, float):
        return round(value, DIGITS)
    return FORMULA.sub(_quoted, value) if isinstance(value, str) else value


def _quoted(found: re.Match[str]) -> str:
    first = "" if found["first"] is None else "'"
    return first + re.sub(r"[\t\r\n]", r"\g<0>'", found["blanks"])


def table_text(rows: Iterable[list[Any]]) -> str:
    """As CSV (RFC 4180)."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([neutral(value) for value in row] for row in rows)
    return text.getvalue()
