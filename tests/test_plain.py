"""The instructor's notebook in one process: whatever it does there is a score or a sentence, and nothing is left."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from autograder import plain
from autograder.errors import CourseError
from autograder.limits import Limits
from autograder.plain import Scores, plain_scores
from tests import course_factory as factory

ROOT = Path(__file__).parents[1]

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
    assert multiprocessing.active_children() == []


PROGRAM = """
import sys
from pathlib import Path
from tests.test_plain import scores
if __name__ == "__main__":
    told = f"import os\\nprint(os.getpid(), file=open({sys.argv[2]!r}, 'w'))\\n"
    scores(Path(sys.argv[1]), demo=told + "while True: pass")
"""


def test_a_cell_without_an_end_does_not_outlive_a_validation_that_is_killed(tmp_path: Path) -> None:
    program, note, folder = tmp_path / "program.py", tmp_path / "note", tmp_path / "folder"
    program.write_text(PROGRAM)
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, program, folder, note], env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as killed:
        while not (note.exists() and note.read_text().endswith("\n")):
            assert killed.poll() is None
            time.sleep(0.05)
        left = psutil.Process(int(note.read_text()))
        killed.kill()
    left.wait(timeout=20)


def test_the_files_beside_the_notebook_are_there_and_links_to_nowhere_are_none(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("7")
    (tmp_path / ".#data.txt").symlink_to("me@host.123:1")  # as Emacs locks a file
    (tmp_path / "gone.txt").symlink_to("nowhere")
    source = "assert open('data.txt').read() == '7'"
    assert scores(tmp_path, scale_forward__values=source) == FULL


def test_nothing_is_imported_from_the_folder_in_which_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("multiprocessing", "pickle", "autograder"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (tmp_path / "files").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    assert scores(tmp_path / "files") == FULL
    assert not (tmp_path / "ran").exists()
    assert "PYTHONSAFEPATH" not in os.environ
