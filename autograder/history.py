"""The audit trail: every change of a score, whoever made it, in the table ``autograder_history`` of the gradebook.

Triggers of the database write it in the transaction that changes the score, so that formgrader's and nbgrader's changes
are in it as the engine's own are. Rows are added and never changed. The triggers use no table of nbgrader's but the
one that they watch: its migrations make tables anew, which SQLite refuses where another table's trigger names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

NAME, CELLS = "autograder_history", "autograder_cell"
EXTENSION = "extension"  # the origin of a row that tells of days, not points; no trigger writes it
BY_HAND = {EXTENSION, "manual", "extra credit"}  # origins of what people enter
# In the order of the fields of a Change.
COLUMNS = ("at", "student_id", "assignment", "notebook", "name", "origin", "old", "new", "submission", "version")
WATCHED = {  # (table, column) -> where a score is from
    ("grade", "auto_score"): "auto",
    ("grade", "manual_score"): "manual",
    ("grade", "extra_credit"): "extra credit",
    ("submitted_notebook", "late_submission_penalty"): "late",
}
NOW = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')",
    "postgresql": "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
}


@dataclass(frozen=True)
class Change:
    """One change of one score. ``old`` and ``new`` are points, None where there was or is no score."""

    at: str  # ISO 8601, UTC
    student: str
    assignment: str
    notebook: str
    check: str  # grade id; "" for the penalty of the whole notebook, and for an extension
    origin: str  # a value of WATCHED, or EXTENSION
    old: float | None
    new: float | None
    submission: str  # digest of what was handed in
    version: str  # digest of checks, settings and engine


def define(metadata: sa.MetaData) -> None:
    """The trail, and the names of cells. Without foreign keys: the past outlives what it tells of."""
    id_of_cell, name = sa.Column("id", sa.String(32), primary_key=True), sa.Column("name", sa.String(128))
    sa.Table(CELLS, metadata, id_of_cell, name)
    texts = (sa.Column(name, sa.String(128), nullable=False) for name in COLUMNS if name not in ("old", "new"))
    sa.Table(
        NAME,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        *texts,
        sa.Column("old", sa.Float),
        sa.Column("new", sa.Float),
        sa.Index(f"{NAME}_of_student", "assignment", "student_id"),
    )


def watch(connection: sa.Connection) -> None:
    """Make the triggers that are not there; nbgrader's migrations drop them where they make a table anew."""
    dialect = connection.dialect.name
    query = {"sqlite": "SELECT name FROM sqlite_master", "postgresql": "SELECT tgname FROM pg_trigger"}[dialect]
    there = set(connection.exec_driver_sql(query).scalars())
    for name, statements in _triggers(dialect):
        if name not in there:
            for statement in statements:
                connection.exec_driver_sql(statement)


def _triggers(dialect: str) -> Iterator[tuple[str, list[str]]]:
    """Name and statements of each trigger."""
    differs = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
    for (changed, column), origin in WATCHED.items():
        for event, when in (
            ("INSERT", f"NEW.{column} IS NOT NULL"),
            ("UPDATE", f"OLD.{column} {differs} NEW.{column}"),
            ("DELETE", f"OLD.{column} IS NOT NULL"),
        ):
            name = f"autograder_{column}_{event.lower()}"
            row = "OLD" if event == "DELETE" else "NEW"
            part, cell = (f"{row}.notebook_id", f"{row}.cell_id") if changed == "grade" else (f"{row}.id", "''")
            old = "NULL" if event == "INSERT" else f"OLD.{column}"
            new = "NULL" if event == "DELETE" else f"NEW.{column}"
            write = (
                f"INSERT INTO {NAME} ({', '.join(COLUMNS)}) SELECT {NOW[dialect]}, r.student_id, r.assignment, "
                f"r.notebook, coalesce(c.name, ''), '{origin}', {old}, {new}, r.submission, r.version "
                f"FROM autograder_result r LEFT JOIN {CELLS} c ON c.id = {cell} WHERE r.part_id = {part}"
            )
            trigger = f"CREATE TRIGGER {name} AFTER {event} ON {changed}"
            if dialect == "sqlite":
                yield name, [f"{trigger} WHEN {when} BEGIN {write}; END"]
            else:
                function = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
                yield (
                    name,
                    [
                        f"{function} $$ BEGIN {write}; RETURN NULL; END $$",
                        f"{trigger} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}()",
                    ],
                )


def read(
    connection: sa.Connection, history: sa.Table, assignment: str, student: str | None = None, since: int = 0
) -> list[Change]:
    """The changes of an assignment, or of one student, after row ``since``, the oldest first."""
    rows = history.c
    query = (
        sa.select(*(rows[name] for name in COLUMNS))
        .where(rows.id > since, rows.assignment == assignment, rows.student_id == (student or rows.student_id))
        .order_by(rows.id)
    )
    return [Change(*row) for row in connection.execute(query)]
