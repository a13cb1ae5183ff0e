"""What stands in a gradebook, and a course for plain nbgrader."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.attacks.lesson import by_task, make
from tests.course_factory import NAME


def points_by_task(root: Path) -> dict[str, dict[str, float | None]]:
    """By student and task; None where a part has no grade."""
    query = (
        "SELECT s.student_id, b.name, g.auto_score FROM grade g JOIN base_cell b ON b.id = g.cell_id "
        "JOIN submitted_notebook n ON n.id = g.notebook_id JOIN submitted_assignment s ON s.id = n.assignment_id"
    )
    found: dict[str, dict[str, float | None]] = {}
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        for student, name, score in connection.execute(query):
            found.setdefault(student, {})[name] = score
    return {student: by_task(scores) for student, scores in found.items()}


def plain_course(root: Path) -> Path:
    """The attacked course as nbgrader would have it, the engine not set up and the assignment generated."""
    make(root, gradebook=True)
    (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'course101'\n")
    command = [str(Path(sys.executable).with_name("nbgrader")), "generate_assignment", NAME, "--create"]
    subprocess.run(command, cwd=root, capture_output=True, check=True)
    return root
