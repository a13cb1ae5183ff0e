"""The course's own notebooks earn in plain nbgrader what they earn in the engine.

Slow, since nbgrader runs each notebook in a kernel of its own. Buys: an instructor who leaves the engine out gets the
same grades, also where a check prints to stderr or relies on what a sandbox alone has.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.grade import grade
from reference.course import ASSIGNMENTS, ROOT, Course
from reference.sample_class import filled, solutions
from tests.graded_course import nbgrader, scores

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "alike"\nc.ExecutePreprocessor.timeout = 300\n'


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_plain_nbgrader_gives_the_scores_of_the_engine(name: str, tmp_path: Path) -> None:
    course, right = Course(name), solutions(name)
    mistakes = {mistake.function: mistake for mistake in course.mistakes}
    wrong = right | {function: mistake.source(course.solution) for function, mistake in mistakes.items()}
    release = nbformat.read(ROOT / "release" / name / f"{name}.ipynb", as_version=4)
    for root in (tmp_path / "plain", tmp_path / "engine"):
        shutil.copytree(ROOT / "source" / name, root / "source" / name)
        (root / "nbgrader_config.py").write_text(CONFIG)
        for student, answers in {"right": right, "wrong": wrong}.items():
            (root / "submitted" / student / name).mkdir(parents=True)
            nbformat.write(filled(release, answers), root / "submitted" / student / name / f"{name}.ipynb")
    nbgrader(tmp_path / "plain", f"generate_assignment {name}", f"autograde {name}")
    grade(name, tmp_path / "engine", jobs=1)
    plain = scores(tmp_path / "plain")
    totals = {student: sum(score or 0.0 for score in found.values()) for student, found in plain.items()}
    assert totals["right"] > 80
    assert 0 < totals["wrong"] < totals["right"]
    assert scores(tmp_path / "engine") == plain
