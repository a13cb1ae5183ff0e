"""nbgrader's own commands work through the engine and on what the engine wrote, with nbgrader's own scores.

Slow, since nbgrader starts three times: this is what shows that the engine stores what nbgrader would store.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from autograder.errors import SandboxUnavailable
from autograder.grade import grade
from autograder.preprocessor import _Warm
from autograder.unit import Job, Outcome
from tests.course_factory import FULL, NAME, RIGHT, answered, instructor_notebook, make_course, submit
from tests.graded_course import nbgrader

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

THROUGH_THE_ENGINE = """
c.Autograde.exporter_class = "autograder.preprocessor.Unread"
c.Autograde.sanitize_preprocessors = []
c.Autograde.autograde_preprocessors = ["autograder.preprocessor.GradeInSandbox"]
c.GenerateFeedback.exporter_class = "autograder.preprocessor.FeedbackExporter"
"""
HONEST: dict[str, Any] = {
    "ann": RIGHT,
    "bob": {},
    "cyd": {**RIGHT, "scale_forward": "def scale_forward(x, w):\n    return x + w, (x, w)"},
}
CHEAT = {
    "scale_forward": "get_ipython().input_transformers_cleanup.append(lambda lines: [])",
    "written__why": "Because.",
}


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One class graded in three ways: by plain nbgrader, by nbgrader with the engine, by the engine."""
    folder = tmp_path_factory.mktemp("courses")
    roots = {name: make_course(folder / name) for name in ("plain", "through", "engine")}
    for root in roots.values():
        for student, work in HONEST.items():
            submit(root, student, work, "2026-11-01 12:30:00 UTC")
    nbgrader(roots["plain"], f"generate_assignment {NAME}", f"autograde {NAME}")
    with (roots["through"] / "nbgrader_config.py").open("a") as config:
        config.write(THROUGH_THE_ENGINE)
    for root in (roots["through"], roots["engine"]):
        submit(root, "eve", CHEAT)
        submit(root, "fay", {**RIGHT, "scale_backward": "<script>alert(1)</script>"})
        (submit(root, "gus", b"garbage") / "stolen.txt").symlink_to(root / "nbgrader_config.py")
        (elsewhere := submit(root, "ivy", RIGHT)).rename(root / "elsewhere")
        (root / "elsewhere" / "stolen.txt").write_text("of others")
        elsewhere.symlink_to(root / "elsewhere")
        strange = answered(RIGHT)
        for raw in strange["cells"]:
            raw["metadata"].get("nbgrader", {}).update(schema_version=99, points="many")
        strange["cells"].append(strange["cells"][3])
        submit(root, "hal", strange)
    commands = [f"{command} {NAME}" for command in ("generate_assignment", "autograde", "generate_feedback")]
    nbgrader(roots["through"], *commands)
    grade(NAME, roots["engine"], jobs=1)
    return roots


def entries(root: Path, *students: str) -> Any:
    query = (
        "SELECT s.student_id, s.timestamp, b.name, b.type, g.auto_score, g.needs_manual_grade FROM grade g "
        "JOIN base_cell b ON b.id = g.cell_id JOIN submitted_notebook n ON n.id = g.notebook_id "
        "JOIN submitted_assignment s ON s.id = n.assignment_id UNION "
        "SELECT s.student_id, s.timestamp, b.name, b.type, c.auto_comment, c.manual_comment FROM comment c "
        "JOIN base_cell b ON b.id = c.cell_id JOIN submitted_notebook n ON n.id = c.notebook_id "
        "JOIN submitted_assignment s ON s.id = n.assignment_id"
    )
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        return sorted(
            row for row in map(repr, connection.execute(query)) if row.startswith(tuple(map(_head, students)))
        )


def _head(student: str) -> str:
    return f"('{student}'"


def executed(root: Path, student: str) -> list[Any]:
    """What matters of an autograded notebook: sources, roles and what the student's cells printed."""
    notebook = json.loads((root / "autograded" / student / NAME / f"{NAME}.ipynb").read_text())
    return [
        (
            cell["cell_type"],
            "".join(cell["source"]),
            {k: v for k, v in cell["metadata"].get("nbgrader", {}).items() if k != "cell_type"},  # not in the fixture
            [
                {name: value for name, value in output.items() if name in ("output_type", "name", "text", "ename")}
                for output in cell.get("outputs", [])
            ],
        )
        for cell in notebook["cells"]
    ]


def test_honest_submissions_get_the_same_entries_in_three_ways(courses: dict[str, Path]) -> None:
    plain = entries(courses["plain"], *HONEST)
    assert len(plain) == 3 * 7
    assert entries(courses["through"], *HONEST) == plain
    assert entries(courses["engine"], *HONEST) == plain


@pytest.mark.parametrize("way", ["through", "engine"])
@pytest.mark.parametrize("student", ["ann", "cyd"])
def test_autograded_notebooks_are_what_nbgrader_would_store(courses: dict[str, Path], way: str, student: str) -> None:
    def texts(cells: list[Any]) -> list[Any]:
        return [(*cell[:3], [{**o, "text": "".join(o.get("text", ""))} for o in cell[3]]) for cell in cells]

    assert texts(executed(courses[way], student)) == texts(executed(courses["plain"], student))


def test_cheats_earn_nothing_through_nbgrader_either(courses: dict[str, Path]) -> None:
    rows = entries(courses["through"], "eve")
    assert rows == entries(courses["engine"], "eve")
    assert not any("GradeCell', 3.0" in row or "GradeCell', 2.0" in row or "GradeCell', 4.0" in row for row in rows)


def test_broken_submissions_end_nobodys_batch_through_nbgrader_either(courses: dict[str, Path]) -> None:
    for student in ("gus", "hal"):
        rows = entries(courses["through"], student)
        assert len(rows) == 7
        assert rows == entries(courses["engine"], student)


def test_what_a_link_points_to_is_not_handed_back(courses: dict[str, Path]) -> None:
    for root in (courses["through"], courses["engine"]):
        assert "symbolic link" in (root / "feedback" / "ivy" / NAME / f"{NAME}.html").read_text()
        assert not [path for step in ("autograded", "feedback") for path in (root / step).rglob("stolen.txt")]


def test_generate_feedback_makes_the_engines_page(courses: dict[str, Path]) -> None:
    for student in ("ann", "fay"):
        place = Path("feedback", student, NAME, f"{NAME}.html")
        assert (courses["through"] / place).read_text() == (courses["engine"] / place).read_text()


def test_of_several_notebooks_the_best_submission_counts_as_a_whole_through_nbgrader_too(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", f"c.Engine.keep = 'best'\n{THROUGH_THE_ENGINE}", gradebook=True)
    second = json.dumps(instructor_notebook()).replace("scale_", "again_").replace("written__", "written__again_")
    (root / "source" / NAME / "second.ipynb").write_text(second)
    forward = {"scale_forward": RIGHT["scale_forward"]}
    for first, other in ((RIGHT, {}), ({}, forward)):  # 9 + 0 points, then 0 + 5
        folder, text = submit(root, "ann", first), json.dumps(answered(other))
        (folder / "second.ipynb").write_text(text.replace("scale_", "again_").replace("written__", "written__again_"))
        assert grade(NAME, root, jobs=1).scores["ann"] == (9.0, 22.0)
    before = entries(root, "ann")
    nbgrader(root, f"autograde {NAME} --force")
    assert entries(root, "ann") == before


def test_nbgraders_commands_work_on_what_the_engine_wrote(courses: dict[str, Path]) -> None:
    root = courses["engine"]
    printed = nbgrader(root, "db student list", "db upgrade", f"generate_feedback {NAME} --force", "export")
    assert "ann" in printed
    with (root / "grades.csv").open() as file:
        found = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert found["ann"] == sum(score or 0.0 for score in FULL.values())
    assert "scale_forward" in (root / "feedback" / "ann" / NAME / f"{NAME}.html").read_text()


def test_a_process_that_does_not_start_is_told_each_time_and_one_that_died_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stub:
        """A grading process that does not start, or that dies at its first job."""

        made: ClassVar[list[str]] = []

        def __init__(self, setup: bytes, cpu: int | None) -> None:
            self.setup, self.lost, self.number = setup, False, len(Stub.made)
            Stub.made.append("alive" if setup == b"a course" else "not started")

        def await_ready(self) -> None:
            if self.setup == b"no walls":
                raise SandboxUnavailable("no walls")

        def grade(self, job: object) -> Outcome:
            self.lost = self.number == 2
            return Outcome(error="it died" if self.lost else "")

        def kill(self) -> None:
            Stub.made[self.number] = "gone"

    monkeypatch.setattr("autograder.pool.Slot", Stub)
    warm = _Warm()
    job = Job("ann", {}, {}, [], {})
    for _ in range(2):
        with pytest.raises(SandboxUnavailable, match="no walls"):
            warm.grade(b"no walls", job)
    assert Stub.made == ["not started"] * 2
    assert warm.grade(b"a course", job).error == ""
    assert Stub.made[2:] == ["gone", "alive"]
    warm.end()
    assert Stub.made[2:] == ["gone", "gone"]
