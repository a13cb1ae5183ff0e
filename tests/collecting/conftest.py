"""A course that collects, and its roster."""

from pathlib import Path

import pytest

from tests.course_factory import make_course
from tests.exports import ROSTER


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The course's folder; ``roster.csv`` lies beside it."""
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    return make_course(tmp_path / "course", gradebook=True)
