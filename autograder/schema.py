"""nbgrader's tables, and an assignment's entries in them.

The schema is made by nbgrader's models; afterwards it is read from the database, since importing nbgrader takes
seconds. Three tables are added: ``autograder_result``, what was graded; ``autograder_history``, every change of a
score; ``autograder_cell``, the names of the cells that it tells of.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from autograder import history
from autograder.assignment import Assignment
from autograder.errors import GradebookError
from autograder.marks import checksum, read_marks, saved_source
from autograder.wording import listed

Tables = dict[str, sa.Table]

KINDS = {"grade": "GradeCell", "solution": "SolutionCell", "task": "TaskCell"}  # a cell's role -> nbgrader's name
RESULTS = {"grade": ("grade",), "solution": ("comment",), "task": ("grade", "comment")}  # rows of each submission
# Digests of what was handed in and of checks, settings and engine; the row of submitted_notebook that it is about.
ORIGIN = ("submission", "version", "part_id")
NEWEST = {  # a table -> its column that older versions of nbgrader did not have, or any other
    "course": "id",
    "assignment": "course_id",
    "notebook": "kernelspec",
    "base_cell": "type",
    "grade_cells": "max_score",
    "solution_cells": "id",
    "task_cells": "max_score",
    "source_cell": "checksum",
    "student": "lms_user_id",
    "submitted_assignment": "extension",
    "submitted_notebook": "late_submission_penalty",
    "grade": "extra_credit",
    "comment": "manual_comment",
}


def open_tables(connection: sa.Connection) -> Tables:
    """The gradebook's tables, made where there are none; raises GradebookError for an older nbgrader's."""
    metadata = sa.MetaData()
    sa.Table(
        "autograder_result",
        metadata,
        sa.Column("student_id", sa.String(128), primary_key=True),
        sa.Column("assignment", sa.String(128), primary_key=True),
        sa.Column("notebook", sa.String(128), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("graded_at", sa.DateTime, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        *(sa.Column(name, sa.String(64)) for name in ORIGIN),
        sa.Index("autograder_result_of_part", "part_id"),
    )
    history.define(metadata)
    there = set(sa.inspect(connection).get_table_names())
    if not set(NEWEST) & there:
        _create(connection)
    if "autograder_result" in there:
        columns = {column["name"] for column in sa.inspect(connection).get_columns("autograder_result")}
        for name in ORIGIN:
            if name not in columns:  # it is of a time before there was an audit trail
                connection.exec_driver_sql(f"ALTER TABLE autograder_result ADD COLUMN {name} VARCHAR(64)")
    metadata.create_all(connection)
    metadata.reflect(connection, only=lambda name, _: name in NEWEST)
    for table, column in NEWEST.items():
        if table not in metadata.tables or column not in metadata.tables[table].c:
            raise GradebookError(
                "The gradebook was made by an older nbgrader; back it up and run `nbgrader db upgrade`."
            )
    history.watch(connection)
    return dict(metadata.tables)


def _create(connection: sa.Connection) -> None:
    """nbgrader's schema with its migration stamp, in the caller's transaction: all of it or nothing."""
    from alembic.script import ScriptDirectory
    from nbgrader.api import Base
    from nbgrader.dbutil import ALEMBIC_DIR

    Base.metadata.create_all(connection)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    head = ScriptDirectory(ALEMBIC_DIR).get_current_head()
    connection.execute(sa.text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": head})


def new_id() -> str:
    """As nbgrader's own: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def save_assignment(
    connection: sa.Connection, tables: Tables, course_id: str, name: str, notebooks: Mapping[str, Assignment]
) -> None:
    """Make the entries of an assignment equal to the instructor's notebooks; ``gone`` is about notebooks beside them.

    Unlike in nbgrader, cells may come and go while there are submissions.
    """
    course, assignment, notebook = tables["course"], tables["assignment"], tables["notebook"]
    if not connection.execute(sa.select(course.c.id).where(course.c.id == course_id)).first():
        connection.execute(course.insert().values(id=course_id))
    query = sa.select(assignment.c.id).where(assignment.c.name == name)
    assignment_id = connection.execute(query).scalar()
    if assignment_id is None:
        assignment_id = new_id()
        connection.execute(assignment.insert().values(id=assignment_id, name=name, course_id=course_id))
    for notebook_name, source in notebooks.items():
        same = sa.and_(notebook.c.name == notebook_name, notebook.c.assignment_id == assignment_id)
        notebook_id = connection.execute(sa.select(notebook.c.id).where(same)).scalar()
        kernel = json.dumps(source.notebook.get("metadata", {}).get("kernelspec", {}))
        if notebook_id is None:
            notebook_id = new_id()
            values = {"id": notebook_id, "name": notebook_name, "assignment_id": assignment_id}
            connection.execute(notebook.insert().values(values | {"kernelspec": kernel}))
        else:
            connection.execute(notebook.update().where(same).values(kernelspec=kernel))
        _save_cells(connection, tables, notebook_id, source)
        _save_sources(connection, tables["source_cell"], notebook_id, source)
        _name_cells(connection, tables, notebook_id)


def _name_cells(connection: sa.Connection, tables: Tables, notebook_id: str) -> None:
    """For the audit trail, which outlives the cells."""
    named = tables[history.CELLS]
    known = set(connection.execute(sa.select(named.c.id)).scalars())
    ids = cell_ids(connection, tables, notebook_id)
    rows = [{"id": row_id, "name": grade_id} for (grade_id, _), row_id in ids.items() if row_id not in known]
    if rows:
        connection.execute(named.insert(), rows)


def cell_ids(connection: sa.Connection, tables: Tables, notebook_id: str) -> dict[tuple[str, str], str]:
    """(grade id, role) -> id of the cell's row."""
    cell = tables["base_cell"]
    roles = {kind: role for role, kind in KINDS.items()}
    query = sa.select(cell.c.name, cell.c.type, cell.c.id).where(cell.c.notebook_id == notebook_id)
    return {(name, roles[kind]): row_id for name, kind, row_id in connection.execute(query)}


def _wanted(source: Assignment) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for cell in source.cells:
        for role, present in read_marks(cell).items():
            if role in KINDS and present is True:
                graded = {} if role == "solution" else {"max_score": cell.points, "cell_type": cell.cell_type}
                yield (str(cell.grade_id), role), graded


def _save_cells(connection: sa.Connection, tables: Tables, notebook_id: str, source: Assignment) -> None:
    wanted = dict(_wanted(source))
    there = cell_ids(connection, tables, notebook_id)
    parts = tables["submitted_notebook"]
    submitted = connection.execute(sa.select(parts.c.id).where(parts.c.notebook_id == notebook_id)).scalars().all()
    gone = {key: there[key] for key in sorted(there.keys() - wanted.keys())}
    found: dict[str, set[str]] = {}  # by cell, which may have two roles
    for (name, _), cell_id in gone.items():
        found.setdefault(name, set()).update(entered_for(connection, tables, notebook_id, cell_id))
    entered = [f"{name} (for {listed(sorted(students))})" for name, students in found.items() if students]
    if entered:
        raise GradebookError(
            f"People entered scores or comments for cells that are gone from {source.name}.ipynb or of another kind "
            f"now: {listed(entered)}. Put them back as they were to keep these, or take these back in formgrader to "
            "let them go; then run the command again."
        )
    for (_, role), cell_id in gone.items():
        delete_cell(connection, tables, role, cell_id)
    for (grade_id, role), values in wanted.items():
        table = tables[f"{role}_cells"]
        if (grade_id, role) not in there:
            cell_id = new_id()
            base = {"id": cell_id, "name": grade_id, "notebook_id": notebook_id, "type": KINDS[role]}
            connection.execute(tables["base_cell"].insert().values(base))
            connection.execute(table.insert().values({"id": cell_id} | values))
            for part in submitted:  # nbgrader expects a row in what was handed in before the cell was there, too
                add_rows(connection, tables, part, role, cell_id)
        elif values:
            connection.execute(table.update().where(table.c.id == there[grade_id, role]).values(values))


def entered_for(connection: sa.Connection, tables: Tables, notebook_id: str, cell_id: str = "") -> Sequence[str]:
    """Students for whose work, or one cell of it, people entered something.

    What formgrader leaves of an entry taken back is nothing.
    """
    handed_in, part, grade, comment = (
        tables[name] for name in ("submitted_assignment", "submitted_notebook", "grade", "comment")
    )
    scored = sa.or_(grade.c.manual_score.is_not(None), grade.c.extra_credit != 0)
    told = comment.c.manual_comment != ""
    if cell_id:
        scored, told = scored & (grade.c.cell_id == cell_id), told & (comment.c.cell_id == cell_id)
    entered = sa.union(sa.select(grade.c.notebook_id).where(scored), sa.select(comment.c.notebook_id).where(told))
    query = (
        sa.select(handed_in.c.student_id)
        .join(part, part.c.assignment_id == handed_in.c.id)
        .where(part.c.notebook_id == notebook_id, part.c.id.in_(entered))
        .order_by(handed_in.c.student_id)
    )
    return connection.execute(query).scalars().all()


def add_rows(connection: sa.Connection, tables: Tables, part_id: str, role: str, cell_id: str) -> None:
    """The empty grade and comment of one cell in one submitted notebook."""
    for name in RESULTS[role]:
        values = {"id": new_id(), "notebook_id": part_id, "cell_id": cell_id}
        graded = {"needs_manual_grade": True} if name == "grade" else {}
        connection.execute(tables[name].insert().values(values | graded))


def delete_cell(connection: sa.Connection, tables: Tables, role: str, cell_id: str) -> None:
    """With its grades and comments in all that was handed in."""
    for name in RESULTS[role]:
        connection.execute(tables[name].delete().where(tables[name].c.cell_id == cell_id))
    for name in (f"{role}_cells", "base_cell"):
        connection.execute(tables[name].delete().where(tables[name].c.id == cell_id))


def _save_sources(connection: sa.Connection, table: sa.Table, notebook_id: str, source: Assignment) -> None:
    connection.execute(table.delete().where(table.c.notebook_id == notebook_id))
    rows = [
        {
            "id": new_id(),
            "name": cell.grade_id,
            "notebook_id": notebook_id,
            "cell_type": cell.cell_type,
            "locked": cell.locked,
            "source": saved_source(cell, source.markers),
            "checksum": checksum(cell, source.markers),
        }
        for cell in source.cells
        if read_marks(cell)
    ]
    if rows:
        connection.execute(table.insert(), rows)
