"""nbgrader's gradebook, written in whole submissions by one writer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from autograder.assignment import Assignment
from autograder.database import Database
from autograder.gone import take_out
from autograder.kept import Kept
from autograder.schema import ORIGIN, cell_ids, new_id, save_assignment

EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Record:
    """The result of one notebook of one student, as it goes into the gradebook."""

    student: str
    notebook: str
    scores: Mapping[str, float | None]  # cells with points; None: a person decides
    blank: frozenset[str]  # solution cells left as they were handed out
    timestamp: datetime | None  # when it was handed in; UTC
    late_penalty: float | None
    digest: str  # of all that the result depends on; "" has it graded again next time
    result: str  # JSON
    submission: str = ""  # digest of what was handed in
    version: str = ""  # digest of checks, settings and engine


@dataclass(frozen=True)
class Person:
    """A student as the gradebook knows them; "" for what it does not know."""

    id: str
    first_name: str
    last_name: str
    email: str
    lms_id: str


@dataclass(frozen=True)
class Result:
    """One graded notebook as it stands in the gradebook now."""

    student: str
    notebook: str
    result: str  #: a :class:`~autograder.results.Judged` without its notebook and events, as JSON
    late_penalty: float | None
    scores: dict[str, float]  #: that people gave or changed, with extra credit, by grade id
    own: dict[str, float | None]  #: of these, the grade without extra credit; None: a person has yet to give one


class Gradebook(Database):
    """The gradebook of one course.

    >>> from pathlib import Path
    >>> from autograder.course import Course
    >>> gradebook = Gradebook(Course.open(Path("my_course")).db_url)
    >>> [(result.student, result.notebook) for result in gradebook.results("scaling")]
    [('ada', 'scaling'), ('ben', 'scaling')]
    >>> gradebook.close()
    """

    def save_assignment(self, course_id: str, name: str, notebooks: Mapping[str, Assignment]) -> None:
        """Make the entries of an assignment equal to the instructor's notebooks, in one transaction.

        Notebooks that are gone stay until ``take_out``.
        """
        self.transact(lambda connection: save_assignment(connection, self.tables, course_id, name, notebooks))

    def take_out(self, name: str, notebooks: Collection[str], clear: Callable[[Collection[str]], object]) -> list[str]:
        """The assignment's notebooks that are gone, now out of the gradebook, too; ``clear`` takes away their files.

        GradebookError where people entered something for one.
        """
        return self.transact(lambda connection: take_out(connection, self.tables, name, notebooks, clear))

    def graded(self, assignment: str) -> dict[tuple[str, str], str]:
        """(student, notebook) -> digest of what was graded last, of those whose scores are there."""
        done, handed_in, assigned = self._tables("autograder_result", "submitted_assignment", "assignment")
        same = sa.and_(handed_in.c.assignment_id == assigned.c.id, handed_in.c.student_id == done.c.student_id)
        query = (
            sa.select(done.c.student_id, done.c.notebook, done.c.digest)
            .join(assigned, assigned.c.name == done.c.assignment)
            .join(handed_in, same)
            .where(done.c.assignment == assignment)
        )
        rows = self.transact(lambda c: c.execute(query).all())
        return {(student, notebook): digest for student, notebook, digest in rows}

    def forget(self, assignment: str, students: Iterable[str]) -> None:
        """Have these students graded again, even if this run is stopped before it comes to them."""
        done = self.tables["autograder_result"]
        same = sa.and_(done.c.assignment == assignment, done.c.student_id == sa.bindparam("student"))
        rows = [{"student": student} for student in students]
        if rows:
            query = done.update().where(same).values(digest="")
            self.transact(lambda c: c.execute(query, rows))

    def dues(self, assignment: str, students: Iterable[str]) -> dict[str, datetime | None]:
        """When each student's work is due, extension included; UTC."""
        handed_in, assigned = self._tables("submitted_assignment", "assignment")
        due = sa.select(assigned.c.duedate).where(assigned.c.name == assignment)
        query = (
            sa.select(handed_in.c.student_id, handed_in.c.extension)
            .join(assigned, assigned.c.id == handed_in.c.assignment_id)
            .where(assigned.c.name == assignment, handed_in.c.extension.is_not(None))
        )
        date, rows = self.transact(lambda c: (c.execute(due).scalar(), c.execute(query).all()))
        # SQLite has no intervals; SQLAlchemy stores them from 1970 on.
        extended = {row.student_id: row.extension - (EPOCH if self.is_sqlite else timedelta()) for row in rows}
        return {student: date + extended.get(student, timedelta()) if date else None for student in students}

    def due(self, assignment: str, student: str) -> datetime | None:
        """When one student's work is due."""
        return self.dues(assignment, [student])[student]

    def kept(self, assignment: str, student: str) -> dict[str, Kept]:
        """By notebook, what people entered for one student."""
        return self.kept_of(assignment, [student])[student]

    def kept_of(self, assignment: str, students: Sequence[str]) -> dict[str, dict[str, Kept]]:
        """By student and notebook, what people entered; at most some hundred students at a time."""
        handed_in, part, cell, notebook, assigned = self._tables(
            "submitted_assignment", "submitted_notebook", "base_cell", "notebook", "assignment"
        )
        grade, comment = self._tables("grade", "comment")
        found: dict[str, dict[str, Kept]] = {student: {} for student in students}

        def read(connection: sa.Connection) -> None:
            for name, column in (
                ("scores", grade.c.manual_score),
                ("extra_credit", grade.c.extra_credit),
                ("comments", comment.c.manual_comment),
            ):
                rows = (
                    sa.select(handed_in.c.student_id, notebook.c.name, cell.c.name, column)
                    .join(part, part.c.id == column.table.c.notebook_id)
                    .join(notebook, notebook.c.id == part.c.notebook_id)
                    .join(handed_in, handed_in.c.id == part.c.assignment_id)
                    .join(assigned, assigned.c.id == handed_in.c.assignment_id)
                    .join(cell, cell.c.id == column.table.c.cell_id)
                    .where(assigned.c.name == assignment, handed_in.c.student_id.in_(students), column.is_not(None))
                )
                for student, notebook_name, grade_id, value in connection.execute(rows):
                    getattr(found[student].setdefault(notebook_name, Kept()), name)[grade_id] = value

        self.transact(read)
        return found

    def results(self, assignment: str, student: str | None = None) -> list[Result]:
        """Every graded notebook of an assignment, or of one student, in order."""
        done, handed_in, part, book, assigned = self._tables(
            "autograder_result", "submitted_assignment", "submitted_notebook", "notebook", "assignment"
        )
        same = sa.and_(handed_in.c.assignment_id == assigned.c.id, handed_in.c.student_id == done.c.student_id)
        query = (
            sa.select(done.c.student_id, done.c.notebook, done.c.result, part.c.late_submission_penalty, part.c.id)
            .join(assigned, assigned.c.name == done.c.assignment)
            .join(book, sa.and_(book.c.assignment_id == assigned.c.id, book.c.name == done.c.notebook))
            .join(handed_in, same)
            .join(part, sa.and_(part.c.assignment_id == handed_in.c.id, part.c.notebook_id == book.c.id))
            .where(done.c.assignment == assignment, done.c.student_id == (student or done.c.student_id))
            .order_by(done.c.student_id, done.c.notebook)
        )
        grade, cell = self._tables("grade", "base_cell")
        changed = (
            sa.select(grade.c.notebook_id, cell.c.name, grade.c.auto_score, grade.c.manual_score, grade.c.extra_credit)
            .join(cell, cell.c.id == grade.c.cell_id)
            .where(grade.c.notebook_id.in_(query.with_only_columns(part.c.id).order_by(None)))
            .where(sa.or_(grade.c.manual_score.is_not(None), grade.c.extra_credit.is_not(None)))
        )

        def read(connection: sa.Connection) -> list[Result]:
            scores: dict[str, dict[str, float]] = {}
            own: dict[str, dict[str, float | None]] = {}
            for part_id, name, auto, manual, extra in connection.execute(changed):
                score = auto if manual is None else manual
                scores.setdefault(part_id, {})[name] = (score or 0.0) + (extra or 0.0)
                own.setdefault(part_id, {})[name] = score
            return [Result(*row[:4], scores.get(row.id, {}), own.get(row.id, {})) for row in connection.execute(query)]

        return self.transact(read)

    def people(self) -> dict[str, Person]:
        """All students, by id."""
        row = self.tables["student"].c
        query = sa.select(row.id, row.first_name, row.last_name, row.email, row.lms_user_id)
        rows = self.transact(lambda c: c.execute(query).all())
        return {found.id: Person(*(value or "" for value in found)) for found in rows}

    def write(self, assignment: str, batch: Sequence[Record]) -> None:
        """Store results in one transaction: each submission is there with all its cells, or not at all."""
        if batch:
            self.transact(lambda c: self._write(c, assignment, batch))

    def _write(self, connection: sa.Connection, assignment: str, batch: Sequence[Record]) -> None:
        assigned, notebook = self._tables("assignment", "notebook")
        query = sa.select(assigned.c.id).where(assigned.c.name == assignment)
        assignment_id = connection.execute(query).scalar_one()
        query = sa.select(notebook.c.name, notebook.c.id).where(notebook.c.assignment_id == assignment_id)
        notebook_ids = {row.name: row.id for row in connection.execute(query)}
        cells = {name: cell_ids(connection, self.tables, row_id) for name, row_id in notebook_ids.items()}

        students = {record.student: record.timestamp for record in batch}
        self._put(connection, "student", [{"id": student} for student in students])
        timed = {student for student, stamp in students.items() if stamp is not None}
        timed |= self._replaced(connection, assignment, batch)
        for some, update in ((timed, ("timestamp",)), (students.keys() - timed, ())):
            rows = [
                {"id": new_id(), "assignment_id": assignment_id, "student_id": s, "timestamp": students[s]}
                for s in sorted(some)
            ]
            self._put(connection, "submitted_assignment", rows, ("assignment_id", "student_id"), update)
        handed_in = self.tables["submitted_assignment"]
        query = sa.select(handed_in.c.student_id, handed_in.c.id).where(
            handed_in.c.assignment_id == assignment_id, handed_in.c.student_id.in_(list(students))
        )
        handed_in_ids = {row.student_id: row.id for row in connection.execute(query)}

        rows = [
            {
                "id": new_id(),
                "assignment_id": handed_in_ids[record.student],
                "notebook_id": notebook_ids[record.notebook],
                "flagged": False,
            }
            for record in batch
        ]
        unique = ("notebook_id", "assignment_id")
        self._put(connection, "submitted_notebook", rows, unique)
        part = self.tables["submitted_notebook"]
        query = sa.select(part.c.assignment_id, part.c.notebook_id, part.c.id).where(
            part.c.assignment_id.in_(list(handed_in_ids.values()))
        )
        parts = {(handed, book): row_id for handed, book, row_id in connection.execute(query)}

        part_of = {
            (record.student, record.notebook): parts[handed_in_ids[record.student], notebook_ids[record.notebook]]
            for record in batch
        }
        self._put_results(connection, assignment, batch, part_of)  # before any score: the audit trail tells its origin
        late = [row | {"late_submission_penalty": record.late_penalty} for row, record in zip(rows, batch, strict=True)]
        self._put(connection, "submitted_notebook", late, unique, ("late_submission_penalty",))

        grades, comments = [], []
        for record in batch:
            part_id = part_of[record.student, record.notebook]
            for (grade_id, role), cell_id in cells[record.notebook].items():
                row = {"id": new_id(), "notebook_id": part_id, "cell_id": cell_id}
                if role != "solution":
                    score = record.scores.get(grade_id)
                    grades.append(row | {"auto_score": score, "needs_manual_grade": score is None})
                if role != "grade":
                    blank = role == "solution" and grade_id in record.blank
                    comments.append(row | {"auto_comment": "No response." if blank else None})
        cell = ("cell_id", "notebook_id")
        self._put(connection, "grade", grades, cell, ("auto_score", "needs_manual_grade"))
        self._put(connection, "comment", comments, cell, ("auto_comment",))

    def _replaced(self, connection: sa.Connection, assignment: str, batch: Sequence[Record]) -> set[str]:
        """Students who have handed in something else since: the time that is known is not this submission's."""
        done = self.tables["autograder_result"]
        now = {(record.student, record.notebook): record.submission for record in batch}
        query = sa.select(done.c.student_id, done.c.notebook, done.c.submission).where(
            done.c.assignment == assignment, done.c.student_id.in_({student for student, _ in now})
        )
        rows = connection.execute(query).all()
        return {student for student, name, before in rows if before and now.get((student, name), before) != before}

    def _put_results(
        self,
        connection: sa.Connection,
        assignment: str,
        batch: Sequence[Record],
        part_of: Mapping[tuple[str, str], str],
    ) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        rows = [
            {
                "student_id": record.student,
                "assignment": assignment,
                "notebook": record.notebook,
                "digest": record.digest,
                "graded_at": now,
                "result": record.result,
                "submission": record.submission,
                "version": record.version,
                "part_id": part_of[record.student, record.notebook],
            }
            for record in batch
        ]
        unique, update = ("student_id", "assignment", "notebook"), ("digest", "graded_at", "result", *ORIGIN)
        self._put(connection, "autograder_result", rows, unique, update)
