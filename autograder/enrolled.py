"""Who is enrolled, and who has more time: a roster's students in the gradebook, and ``autograder extend``."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from autograder.course import Course
from autograder.errors import UsageError
from autograder.gradebook import EPOCH, Gradebook
from autograder.guard import open_gradebook
from autograder.history import EXTENSION
from autograder.history import NAME as HISTORY
from autograder.roster import Student, is_id
from autograder.schema import add_rows, cell_ids, new_id
from autograder.wording import counted, nearest

MOST_DAYS = 3650  # ten years; far more than that is no date of Python's


@dataclass(frozen=True)
class Absent:
    """Students of the gradebook, or of ``submitted/``, without a score in an assignment."""

    nothing: list[str]  # who handed in nothing: they have 0 points
    waiting: list[str]  # who handed in what is not graded yet

    @classmethod
    def of(cls, course: Course, assignment: str, people: Iterable[str], graded: Iterable[str]) -> Absent:
        """Of these people those without a grade, told apart by whether they handed something in."""
        there = {student for student, _ in course.submissions(assignment)}
        left = sorted(({*people} | there) - {*graded})
        there |= {each for each in left if _is_shut(course.folder("submitted", each, assignment).parent)}
        return cls([each for each in left if each not in there], [each for each in left if each in there])

    def sentences(self) -> list[str]:
        """One for each kind that there is."""
        said = [(self.nothing, "handed in nothing (0 points)"), (self.waiting, "not graded yet, and left out")]
        return [f"{what}: {', '.join(ids)}" for ids, what in said if ids]


def _is_shut(folder: Path) -> bool:
    """Whether it cannot be entered, so that nobody knows what was handed in."""
    return os.path.lexists(folder) and not os.access(folder, os.R_OK | os.X_OK)


def enroll(gradebook: Gradebook, students: Iterable[Student]) -> None:
    """Have the gradebook know a roster's students; what the roster leaves blank stays as it is."""
    table = gradebook.tables["student"]

    def save(connection: sa.Connection) -> None:
        for student in students:
            gradebook._put(connection, "student", [{"id": student.id}])  # who is there stays
            if values := _columns(student):
                connection.execute(table.update().where(table.c.id == student.id).values(**values))

    gradebook.transact(save)


def extend(assignment: str, student: str, days: float, course_dir: Path = Path("."), *, db: str = "") -> str:
    """Move a student's due date to ``days`` after everybody's, and return a sentence that tells it.

    Missing entries of the gradebook are made; the next grading counts lateness from there. The audit trail tells of it.
    Raises UsageError where there is no such assignment, no such student in the gradebook and among those who handed in,
    or where ``days`` is not from 0 to 3650.

    >>> extend("scaling", "ben", 2, Path("my_course"))
    "ben has 2 days more for 'scaling'; no due date is set yet, to which they are added."
    """
    course = Course.open(course_dir, db)
    notebooks = course.notebooks(assignment)
    if not is_id(student):
        raise UsageError(f"{student!r} is no student's id: it must be one that can be the name of a folder.")
    if not 0 <= days <= MOST_DAYS:  # which is so of no nan
        raise UsageError(f"{days:g} days are no extension: it is from 0 days to {MOST_DAYS}, such as 2 or 0.5.")
    with closing(open_gradebook(course)) as gradebook:
        if student not in dict(course.submissions(assignment)):
            check_student(student, gradebook.people())
        if not gradebook.graded(assignment):  # else what was changed in source/ is left to grading, which tells it
            gradebook.save_assignment(course.course_id, assignment, notebooks)
        enroll(gradebook, [Student(student)])
        gradebook.transact(lambda connection: _extend(connection, gradebook, assignment, student, timedelta(days=days)))
        due = gradebook.due(assignment, student)
    more = f"{counted(days, 'day')} more"
    if due is None:
        return f"{student} has {more} for {assignment!r}; no due date is set yet, to which they are added."
    return f"{student} has until {due:%Y-%m-%d %H:%M:%S} UTC for {assignment!r}, {more} than the others."


def check_student(student: str, people: Collection[str]) -> None:
    """Raise UsageError where ``student`` is none of ``people``, the gradebook's.

    >>> check_student("anan", ["anna"])
    Traceback (most recent call last):
    autograder.errors.UsageError: The gradebook knows no student 'anan'; do you mean anna? A new student is enrolled ...
    """
    if student not in people:
        raise UsageError(
            f"The gradebook knows no student {student!r}{nearest(student, people) or '.'} A new student is enrolled by "
            f"the --roster of `autograder collect`, or by `nbgrader db student add {student}`."
        )


def _extend(connection: sa.Connection, gradebook: Gradebook, assignment: str, student: str, more: timedelta) -> None:
    names = ("assignment", "submitted_assignment", "notebook")
    assigned, handed_in, book = (gradebook.tables[name] for name in names)
    assignment_id = connection.execute(sa.select(assigned.c.id).where(assigned.c.name == assignment)).scalar_one()
    own = sa.and_(handed_in.c.assignment_id == assignment_id, handed_in.c.student_id == student)
    there = connection.execute(sa.select(handed_in.c.extension).where(own)).first()
    if there is None:
        row_id = new_id()
        values = {"id": row_id, "assignment_id": assignment_id, "student_id": student}
        connection.execute(handed_in.insert().values(values))
        for notebook_id in connection.execute(
            sa.select(book.c.id).where(book.c.assignment_id == assignment_id)
        ).scalars():
            _add_notebook(connection, gradebook, row_id, notebook_id)
    # SQLite has no intervals; SQLAlchemy stores them from 1970 on.
    connection.execute(handed_in.update().where(own).values(extension=EPOCH + more if gradebook.is_sqlite else more))
    before = there.extension - (EPOCH if gradebook.is_sqlite else timedelta()) if there and there.extension else None
    told = {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "student_id": student,
        "assignment": assignment,
        "origin": EXTENSION,
    }
    told |= dict.fromkeys(("notebook", "name", "submission", "version"), "")
    days = {"old": before and before / timedelta(days=1), "new": more / timedelta(days=1)}
    connection.execute(gradebook.tables[HISTORY].insert().values(told | days))


def _add_notebook(connection: sa.Connection, gradebook: Gradebook, handed_in: str, notebook: str) -> None:
    """The empty entries of a notebook that was not handed in, which nbgrader makes beside an extension."""
    part = {"id": new_id(), "assignment_id": handed_in, "notebook_id": notebook, "flagged": False}
    connection.execute(gradebook.tables["submitted_notebook"].insert().values(part))
    for (_, role), cell_id in cell_ids(connection, gradebook.tables, notebook).items():
        add_rows(connection, gradebook.tables, str(part["id"]), role, cell_id)


def _columns(student: Student) -> dict[str, str]:
    """As nbgrader stores what is known of a student; a name is "Ada Lovelace" or "Lovelace, Ada", and it is a whole."""
    known = {name: value for name, value in (("email", student.email), ("lms_user_id", student.lms_id)) if value}
    if not student.name:
        return known
    last, comma, first = student.name.partition(",")
    if not comma:
        first, _, last = student.name.rpartition(" ")
    return known | {"first_name": first.strip(), "last_name": last.strip()}
