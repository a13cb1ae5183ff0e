"""A page goes back to the student through nbgrader's exchange, from `nbgrader submit` to `nbgrader fetch_feedback`.

Slow, since nbgrader starts four times: this is what shows that the exchange finds the pages of this engine.
"""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest

from autograder.collect import collect
from autograder.grade import grade
from tests.course_factory import NAME, RIGHT, answered, make_course
from tests.graded_course import nbgrader

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_student_fetches_the_page_that_the_engine_made(tmp_path: Path) -> None:
    settings = f"c.Exchange.root = {str(tmp_path / 'exchange')!r}\nc.Exchange.cache = {str(tmp_path / 'cache')!r}"
    root = make_course(tmp_path / "course", settings)
    (tmp_path / "exchange").mkdir(mode=0o777)
    (tmp_path / "exchange").chmod(0o777)
    nbgrader(root, f"generate_assignment {NAME}", f"release_assignment {NAME}")
    home = tmp_path / "student"
    (home / NAME).mkdir(parents=True)
    (home / "nbgrader_config.py").write_text(f"c.CourseDirectory.course_id = 'course101'\n{settings}\n")
    (home / NAME / f"{NAME}.ipynb").write_text(json.dumps(answered(RIGHT)), encoding="utf-8")
    nbgrader(home, f"submit {NAME}")

    collect(NAME, [tmp_path / "exchange" / "course101" / "inbound"], root)
    grade(NAME, root, jobs=1)
    nbgrader(root, f"release_feedback {NAME}")
    nbgrader(home, f"fetch_feedback {NAME}")
    [fetched] = home.glob(f"{NAME}/feedback/*/{NAME}.html")
    made = root / "feedback" / pwd.getpwuid(os.geteuid()).pw_name / NAME / f"{NAME}.html"
    assert fetched.read_bytes() == made.read_bytes()
