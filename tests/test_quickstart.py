"""A course that is not ours, nbgrader's own quickstart course, is graded unchanged and with nbgrader's own scores.

Slow, since nbgrader starts and runs six notebooks: this is what shows that the engine needs nothing of our course.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autograder.grade import grade
from tests.graded_course import nbgrader

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# `nbgrader quickstart course101`, but for its calls of `nbgrader db`, which fill a gradebook outside of the course.
QUICKSTART = """
from nbgrader.apps import quickstartapp
call = quickstartapp.subprocess.call
quickstartapp.subprocess.call = lambda line, **options: "db" in line or call(line, **options)
quickstartapp.QuickStartApp.launch_instance(["course101"])
"""
REIMPLEMENTED = "def sum_of_squares(n):\n    return sum(i * i for i in range(1, n + 1))"
UNGUARDED = "def squares(n):\n    return [i**2 for i in range(1, n + 1)]"
RIGHT = {
    "squares": "def squares(n):\n    if n < 1:\n        raise ValueError\n    return [i**2 for i in range(1, n + 1)]",
    "sum_of_squares": "def sum_of_squares(n):\n    return sum(squares(n))",
    "sum_of_squares_equation": r"$\sum_i i^2$",
    "sum_of_squares_application": "print(sum_of_squares(3))",
    "part-a": "Fibonacci's numbers.",
    "part-b": "Negative ones: it never ends.",
}
CLASS: dict[str, dict[str, str]] = {
    "right": RIGHT,
    "partly": {**RIGHT, "squares": UNGUARDED, "sum_of_squares": REIMPLEMENTED},
    "broken": {"squares": "def squares(n)\n    return 1"},  # and nothing else
}


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(graded by nbgrader, graded by the engine): the same folder before either came to it."""
    home = tmp_path_factory.mktemp("home")
    subprocess.run([sys.executable, "-c", QUICKSTART], cwd=home, check=True, capture_output=True)
    stock, own = home / "course101", home / "own"
    nbgrader(stock, "generate_assignment ps1")
    for student, answers in CLASS.items():
        for path in (stock / "release" / "ps1").glob("*.ipynb"):
            notebook = json.loads(path.read_text(encoding="utf-8"))
            for cell in notebook["cells"]:
                name = cell["metadata"].get("nbgrader", {}).get("grade_id")
                cell["source"] = answers.get(name, cell["source"])
            to = stock / "submitted" / student / "ps1" / path.name
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text(json.dumps(notebook), encoding="utf-8")
    shutil.copytree(stock, own)
    (own / "gradebook.db").unlink()  # the engine makes its own
    nbgrader(stock, "autograde ps1")
    grade("ps1", own, jobs=1)
    return stock, own


def entries(root: Path) -> list[Any]:
    """What the gradebook holds of each cell of each student."""
    query = (
        "SELECT s.student_id, b.name, c.name, g.auto_score, g.manual_score, g.needs_manual_grade FROM grade g "
        "JOIN base_cell c ON c.id = g.cell_id JOIN submitted_notebook n ON n.id = g.notebook_id "
        "JOIN notebook b ON b.id = n.notebook_id JOIN submitted_assignment s ON s.id = n.assignment_id UNION "
        "SELECT s.student_id, b.name, c.name, m.auto_comment, m.manual_comment, c.type FROM comment m "
        "JOIN base_cell c ON c.id = m.cell_id JOIN submitted_notebook n ON n.id = m.notebook_id "
        "JOIN notebook b ON b.id = n.notebook_id JOIN submitted_assignment s ON s.id = n.assignment_id"
    )
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        return sorted(connection.execute(query), key=repr)


def score(root: Path, student: str) -> float:
    return sum(row[3] or 0.0 for row in entries(root) if row[0] == student and isinstance(row[3], float))


def test_every_cell_of_every_student_has_the_entry_that_nbgrader_makes(courses: tuple[Path, Path]) -> None:
    stock, own = map(entries, courses)
    assert own == stock
    assert {student: score(courses[0], student) for student in CLASS} == {"right": 3.0, "partly": 1.5, "broken": 0.0}


def test_nothing_that_the_instructor_wrote_was_changed(courses: tuple[Path, Path]) -> None:
    stock, own = courses
    for name in ("nbgrader_config.py", "source", "release", "submitted"):
        for path in [stock / name, *(stock / name).rglob("*")]:
            if path.is_file():
                assert (own / path.relative_to(stock)).read_bytes() == path.read_bytes()


def test_each_student_gets_a_page_for_each_notebook(courses: tuple[Path, Path]) -> None:
    pages = {str(path.relative_to(courses[1] / "feedback")) for path in courses[1].glob("feedback/*/ps1/*.html")}
    assert pages == {f"{student}/ps1/problem{number}.html" for student in CLASS for number in (1, 2)}
