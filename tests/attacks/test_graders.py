"""Row 54: two graders at once, a grader killed in mid-batch, a full disk, a database that is locked or gone."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from autograder.errors import GradebookError
from autograder.grade import grade
from autograder.report import report
from tests.attacks.cases import submit
from tests.attacks.lesson import ANSWERS, POINTS, make, work
from tests.course_factory import NAME

STUDENTS = [f"student{number}" for number in range(6)]


def graders_command(root: Path) -> list[str]:
    return [sys.executable, "-m", "autograder", "grade", NAME, "--course-dir", str(root), "--jobs", "1"]


def start(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(graders_command(root), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = make(tmp_path / "course")
    for number, student in enumerate(STUDENTS):
        submit(root, student, work(ANSWERS["target"], f"import time; time.sleep(0.3); print({number})"))
    return root


def sums(root: Path) -> dict[str, float]:
    query = (
        "SELECT s.student_id, sum(g.auto_score) FROM grade g "
        "JOIN submitted_notebook n ON n.id = g.notebook_id JOIN submitted_assignment s ON s.id = n.assignment_id "
        "GROUP BY s.student_id"
    )
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return dict(connection.execute(query).fetchall())


EVERYTHING = dict.fromkeys(STUDENTS, float(sum(POINTS.values())))


def lines(root: Path) -> int:
    path = root / ".autograder" / "log.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_of_two_graders_at_once_one_grades_and_one_leaves(course: Path) -> None:
    both = [start(course), start(course)]
    errors = [process.communicate(timeout=120)[1] for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 5], errors
    assert "Another grader" in errors[codes.index(5)]
    assert sums(course) == EVERYTHING
    assert lines(course) == len(STUDENTS)


# The course lies on a disk of its own, which is filled, graded on, and given room again.
FULL_DISK = """
set -e
mount -t tmpfs -o size=6m tmpfs "$1"
cp -r "$2"/. "$1"
dd if=/dev/zero of="$1/filler" bs=1k count=100000 2>/dev/null || true
set +e
shift 2
"$@"; first=$?
rm "$DISK/filler"
"$@"; second=$?
cp "$DISK"/gradebook.db* "$OUT"
echo "exit codes $first $second"
"""


def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(course: Path, tmp_path: Path) -> None:
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.Engine.isolation = 'none'\n")  # no sandbox within one is needed here
    result = subprocess.run(
        ["unshare", *namespaces, "bash", "-c", FULL_DISK, "bash", str(disk), str(course), *graders_command(disk)],
        env=os.environ | {"DISK": str(disk), "OUT": str(out)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    first, second = result.stdout.split()[-2:]
    assert first != "0", result
    assert second == "0", result
    assert "Traceback" not in result.stderr
    assert sums(out) == EVERYTHING


def test_a_locked_gradebook_is_waited_for(course: Path) -> None:
    with closing(sqlite3.connect(course / "gradebook.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        process = start(course)
        time.sleep(3)
        assert process.poll() is None
    assert process.wait(120) == 0
    process.communicate()
    assert sums(course) == EVERYTHING


def test_a_gradebook_that_is_gone_is_made_anew(course: Path) -> None:
    grade(NAME, course, jobs=1)
    for path in course.glob("gradebook.db*"):
        path.unlink()
    with pytest.raises(GradebookError, match=r"is gone.* put back"):
        report(NAME, course)
    again = grade(NAME, course, jobs=1)
    assert again.graded == len(STUDENTS)
    assert "a new one was begun" in again.notes[0]
    assert sums(course) == EVERYTHING


def test_a_gradebook_that_is_something_else_is_one_sentence_and_is_not_touched(course: Path) -> None:
    (course / "gradebook.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(GradebookError, match=r"gradebook\.db"):
        grade(NAME, course, jobs=1)
    assert (course / "gradebook.db").read_bytes() == b"no database at all" * 100
