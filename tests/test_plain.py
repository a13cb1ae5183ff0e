"""The instructor's notebook in one process: whatever it does there is a score or a sentence, and nothing is left."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from autograder import plain
from autograder.errors import CourseError
from autograder.limits import Limits
from autograder.plain import Scores, plain_scores
from tests import course_factory as factory

FULL = {name: (points, "") for name, points in factory.FULL.items() if points}


def scores(folder: Path, limits: Limits | None = None, **sources: str) -> Scores:
    """What the notebook earns with these sources in place of its own, by cell id."""
    notebook = factory.instructor_notebook()
    for cell in notebook["cells"]:
        cell["source"] = sources.get(cell["id"].replace("-", "_"), cell["source"])
    return plain_scores(factory.assignment(notebook), folder, limits or Limits())


@pytest.mark.parametrize("end", ["import sys\nsys.exit(0)", "raise KeyboardInterrupt"])
def test_a_test_that_asks_the_process_to_end_earns_nothing(tmp_path: Path, end: str) -> None:
    found = scores(tmp_path, scale_forward__values=end)
    assert found.pop("scale_forward__values")[0] == 0.0
    assert found == {name: score for name, score in FULL.items() if name != "scale_forward__values"}


def test_a_cell_that_ends_the_process_is_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="ends the process"):
        scores(tmp_path, demo="import os\nos._exit(0)")


def test_a_cell_without_an_end_is_told_and_its_process_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "GRACE", 4.0)
    with pytest.raises(CourseError, match=r"longer than the limit total_seconds \(1\); make it faster, or raise"):
        scores(tmp_path, Limits(total_seconds=1), demo="while True:\n    pass")
    assert not [each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())]


def test_the_files_beside_the_notebook_are_there_and_links_to_nowhere_are_none(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("7")
    (tmp_path / ".#data.txt").symlink_to("me@host.123:1")  # as Emacs locks a file
    (tmp_path / "gone.txt").symlink_to("nowhere")
    source = "assert open('data.txt').read() == '7'"
    assert scores(tmp_path, scale_forward__values=source) == FULL
