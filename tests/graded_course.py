"""What stands in a course that was graded, for the tests that look: scores, the log, what nbgrader makes of it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.gradebook import Record
from tests.course_factory import FULL, NAME, POINTS

ZERO = dict.fromkeys(POINTS, 0.0)


def scores(root: Path) -> dict[str, dict[str, float | None]]:
    query = (
        "SELECT s.student_id, b.name, g.auto_score FROM grade g JOIN base_cell b ON b.id = g.cell_id "
        "JOIN submitted_notebook n ON n.id = g.notebook_id JOIN submitted_assignment s ON s.id = n.assignment_id"
    )
    found: dict[str, dict[str, float | None]] = {}
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        for student, name, score in connection.execute(query):
            found.setdefault(student, {})[name] = score
    return found


def rows(course: Course, query: str) -> list[Any]:
    """What the gradebook answers."""
    with closing(sqlite3.connect(course.root / "gradebook.db")) as connection:
        return connection.execute(query).fetchall()


def log(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / ".autograder" / "log.jsonl").read_text().splitlines()]


def record(student: str, scores: dict[str, Any] = FULL, **values: Any) -> Record:
    blank = frozenset({"scale_forward", "scale_backward", "written__why"} if scores == ZERO else ())
    fields = {"timestamp": None, "late_penalty": None, "digest": "d", "result": "{}"}
    return Record(student, NAME, scores, blank, **(fields | values))


NBGRADER = """
import contextlib, json, sys
from jupyter_core.application import NoStart
from nbgrader.apps import NbGraderApp
for arguments in json.loads(sys.argv[1]):
    app = NbGraderApp.instance()
    app.initialize(arguments)
    with contextlib.suppress(NoStart):
        app.start()
    app.reset()
"""


def nbgrader(root: Path, *commands: str) -> str:
    """Run nbgrader's commands in one process, since to import it takes seconds."""
    line = [sys.executable, "-c", NBGRADER, json.dumps([command.split() for command in commands])]
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(root)}
    done = subprocess.run(line, cwd=root, env=path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
