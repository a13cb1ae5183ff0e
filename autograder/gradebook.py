"""nbgrader's gradebook, written in whole submissions by one writer."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from autograder.assignment import Assignment
from autograder.errors import GradebookError
from autograder.kept import Kept
from autograder.schema import Tables, cell_ids, new_id, open_tables, save_assignment

T = TypeVar("T")
RETRIES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds: a server that restarts, a lock that somebody holds
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
    digest: str  # of what was graded; "" has it graded again next time
    result: str  # JSON


class Gradebook:
    """The gradebook of one course; for one thread. Raises GradebookError and nothing else."""

    def __init__(self, url: str) -> None:
        try:
            self.engine = sa.create_engine(url, pool_pre_ping=True)
        except (sa.exc.ArgumentError, ImportError) as error:
            raise GradebookError(f"{url!r} is not the address of a database that can be used: {error}.") from None
        self.name = self.engine.url.render_as_string(hide_password=True)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _on_sqlite_connect)
            sa.event.listen(self.engine, "begin", _on_sqlite_begin)
        self._server_lock = None if self.is_sqlite else self._retry(self._lock_server)
        self.tables: Tables = self._retry(lambda: self._in_transaction(open_tables))

    def close(self) -> None:
        if self._server_lock is not None:
            with suppress(sa.exc.SQLAlchemyError):
                self._server_lock.close()
        self.engine.dispose()

    def save_assignment(self, course_id: str, name: str, notebooks: Mapping[str, Assignment]) -> None:
        """Make the entries of an assignment equal to the instructor's notebooks, in one transaction."""
        self._retry(lambda: self._in_transaction(lambda c: save_assignment(c, self.tables, course_id, name, notebooks)))

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
        rows = self._retry(lambda: self._in_transaction(lambda c: c.execute(query).all()))
        return {(student, notebook): digest for student, notebook, digest in rows}

    def forget(self, assignment: str, students: Iterable[str]) -> None:
        """Have these students graded again, even if this run is stopped before it comes to them."""
        done = self.tables["autograder_result"]
        same = sa.and_(done.c.assignment == assignment, done.c.student_id == sa.bindparam("student"))
        rows = [{"student": student} for student in students]
        if rows:
            query = done.update().where(same).values(digest="")
            self._retry(lambda: self._in_transaction(lambda c: c.execute(query, rows)))

    def due(self, assignment: str, student: str) -> datetime | None:
        """When the student's work is due, extension included; UTC."""
        handed_in, assigned = self._tables("submitted_assignment", "assignment")
        same = sa.and_(handed_in.c.assignment_id == assigned.c.id, handed_in.c.student_id == student)
        query = (
            sa.select(assigned.c.duedate, handed_in.c.extension)
            .select_from(assigned)
            .outerjoin(handed_in, same)
            .where(assigned.c.name == assignment)
        )
        row = self._retry(lambda: self._in_transaction(lambda c: c.execute(query).first()))
        if row is None or row.duedate is None:
            return None
        extension = row.extension or timedelta()
        if isinstance(extension, datetime):  # SQLite has no intervals; SQLAlchemy stores them from 1970 on
            extension -= EPOCH
        due: datetime = row.duedate + extension
        return due

    def kept(self, assignment: str, student: str) -> dict[str, Kept]:
        """By notebook, what people entered for one student."""
        handed_in, part, cell, notebook, assigned = self._tables(
            "submitted_assignment", "submitted_notebook", "base_cell", "notebook", "assignment"
        )
        grade, comment = self._tables("grade", "comment")
        kept: dict[str, Kept] = {}

        def read(connection: sa.Connection) -> None:
            for name, column in (
                ("scores", grade.c.manual_score),
                ("extra_credit", grade.c.extra_credit),
                ("comments", comment.c.manual_comment),
            ):
                rows = (
                    sa.select(notebook.c.name, cell.c.name, column)
                    .join(part, part.c.id == column.table.c.notebook_id)
                    .join(notebook, notebook.c.id == part.c.notebook_id)
                    .join(handed_in, handed_in.c.id == part.c.assignment_id)
                    .join(assigned, assigned.c.id == handed_in.c.assignment_id)
                    .join(cell, cell.c.id == column.table.c.cell_id)
                    .where(assigned.c.name == assignment, handed_in.c.student_id == student, column.is_not(None))
                )
                for notebook_name, grade_id, value in connection.execute(rows):
                    getattr(kept.setdefault(notebook_name, Kept()), name)[grade_id] = value

        self._retry(lambda: self._in_transaction(read))
        return kept

    def result(self, assignment: str, student: str, notebook: str) -> tuple[str, float | None] | None:
        """What is known of a graded notebook: Record.result and the late penalty."""
        done, handed_in, part, book, assigned = self._tables(
            "autograder_result", "submitted_assignment", "submitted_notebook", "notebook", "assignment"
        )
        query = (
            sa.select(done.c.result, part.c.late_submission_penalty)
            .join(assigned, assigned.c.name == done.c.assignment)
            .join(book, sa.and_(book.c.assignment_id == assigned.c.id, book.c.name == done.c.notebook))
            .join(
                handed_in,
                sa.and_(handed_in.c.assignment_id == assigned.c.id, handed_in.c.student_id == done.c.student_id),
            )
            .join(part, sa.and_(part.c.assignment_id == handed_in.c.id, part.c.notebook_id == book.c.id))
            .where(done.c.assignment == assignment, done.c.student_id == student, done.c.notebook == notebook)
        )
        row = self._retry(lambda: self._in_transaction(lambda c: c.execute(query).first()))
        return (row[0], row[1]) if row else None

    def write(self, assignment: str, batch: Sequence[Record]) -> None:
        """Store results in one transaction: each submission is there with all its cells, or not at all."""
        if batch:
            self._retry(lambda: self._in_transaction(lambda c: self._write(c, assignment, batch)))

    def _write(self, connection: sa.Connection, assignment: str, batch: Sequence[Record]) -> None:
        assigned, notebook = self._tables("assignment", "notebook")
        query = sa.select(assigned.c.id).where(assigned.c.name == assignment)
        assignment_id = connection.execute(query).scalar_one()
        query = sa.select(notebook.c.name, notebook.c.id).where(notebook.c.assignment_id == assignment_id)
        notebook_ids = {row.name: row.id for row in connection.execute(query)}
        cells = {name: cell_ids(connection, self.tables, row_id) for name, row_id in notebook_ids.items()}

        students = {record.student: record.timestamp for record in batch}
        self._put(connection, "student", [{"id": student} for student in students])
        timed = [student for student, stamp in students.items() if stamp is not None]
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
                "late_submission_penalty": record.late_penalty,
            }
            for record in batch
        ]
        unique = ("notebook_id", "assignment_id")
        self._put(connection, "submitted_notebook", rows, unique, ("late_submission_penalty",))
        part = self.tables["submitted_notebook"]
        query = sa.select(part.c.assignment_id, part.c.notebook_id, part.c.id).where(
            part.c.assignment_id.in_(list(handed_in_ids.values()))
        )
        parts = {(handed, book): row_id for handed, book, row_id in connection.execute(query)}

        grades, comments, results = [], [], []
        now = datetime.now(UTC).replace(tzinfo=None)
        for record in batch:
            part_id = parts[handed_in_ids[record.student], notebook_ids[record.notebook]]
            for (grade_id, role), cell_id in cells[record.notebook].items():
                row = {"id": new_id(), "notebook_id": part_id, "cell_id": cell_id}
                if role != "solution":
                    score = record.scores.get(grade_id)
                    grades.append(row | {"auto_score": score, "needs_manual_grade": score is None})
                if role != "grade":
                    blank = role == "solution" and grade_id in record.blank
                    comments.append(row | {"auto_comment": "No response." if blank else None})
            results.append(
                {
                    "student_id": record.student,
                    "assignment": assignment,
                    "notebook": record.notebook,
                    "digest": record.digest,
                    "graded_at": now,
                    "result": record.result,
                }
            )
        cell = ("cell_id", "notebook_id")
        self._put(connection, "grade", grades, cell, ("auto_score", "needs_manual_grade"))
        self._put(connection, "comment", comments, cell, ("auto_comment",))
        done = ("student_id", "assignment", "notebook")
        self._put(connection, "autograder_result", results, done, ("digest", "graded_at", "result"))

    def _put(
        self,
        connection: sa.Connection,
        table: str,
        rows: list[dict[str, Any]],
        unique: Sequence[str] = ("id",),
        update: Sequence[str] = (),
    ) -> None:
        """Insert rows; where one with the same unique columns is there, set its ``update`` columns."""
        if not rows:
            return
        query: Any = (sqlite.insert if self.is_sqlite else postgresql.insert)(self.tables[table])
        if update:
            values = {name: query.excluded[name] for name in update}
            if "needs_manual_grade" in values:  # nbgrader has a person look at a manual score again
                manual = self.tables[table].c.manual_score.is_not(None)
                values["needs_manual_grade"] = sa.or_(manual, query.excluded.needs_manual_grade)
            query = query.on_conflict_do_update(index_elements=unique, set_=values)
        else:
            query = query.on_conflict_do_nothing(index_elements=unique)
        connection.execute(query, rows)

    def _tables(self, *names: str) -> tuple[sa.Table, ...]:
        return tuple(self.tables[name] for name in names)

    def _in_transaction(self, action: Callable[[sa.Connection], T]) -> T:
        with self.engine.begin() as connection:
            return action(connection)

    def _retry(self, action: Callable[[], T]) -> T:
        """The action's result, tried again while a server restarts or a lock is held."""
        for wait in (*RETRIES, None):
            try:
                return action()
            except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
                reason = str(getattr(error, "orig", None) or error).splitlines()[0]
                passing = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
                if wait is None or not passing or "full" in reason:
                    raise GradebookError(
                        f"The gradebook {self.name} cannot be used: {reason}. "
                        "What was graded so far is kept; run the command again once this is put right."
                    ) from None
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _lock_server(self) -> sa.Connection:
        """A connection that holds this database's lock for as long as it is open."""
        connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        query = sa.text("SELECT pg_try_advisory_lock(hashtext('autograder ' || current_database()))")
        if not connection.execute(query).scalar():
            connection.close()
            raise GradebookError(f"Another grader is at work on {self.name}; wait until it is through.")
        return connection


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below
    connection.execute("PRAGMA busy_timeout = 30000")
    with suppress(sqlite3.OperationalError):  # not every file system can do it
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _on_sqlite_begin(connection: sa.Connection) -> None:
    # The write lock is taken first: a transaction waits for it, and never fails half-way.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
