"""An instructor who follows CONTRIBUTING.md has a new assignment that validates and grades: group norm, as an example.

Slow, since its answers are graded and nbgrader makes its release: this is what shows that the steps are complete.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autograder.grade import grade
from reference.course import ROOT, functions_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NAME = "groupnorm"
EXAMPLE = ROOT / "tests" / NAME
SOLUTION = (EXAMPLE / "solution.py").read_text(encoding="utf-8")
STEPS = re.split(r"^##+ ", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
SECTION = next(text for text in STEPS if text.startswith("A new assignment"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the steps need, after each of them."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copytree(ROOT / "reference", root / "reference", ignore=shutil.ignore_patterns("__pycache__"))
    folder = root / "reference" / NAME
    folder.mkdir()
    for name in re.findall(r"^\d\. `([\w.]+)`", SECTION, re.MULTILINE):
        shutil.copy(EXAMPLE / name, folder)
    done = follow_the_steps(root)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return root


def follow_the_steps(root: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    commands = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)[0].replace("<name>", NAME)
    return subprocess.run(
        ["bash", "-ec", commands], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def hand_in(root: Path, student: str, answers: dict[str, str]) -> None:
    notebook: dict[str, Any] = json.loads((root / "release" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = answers.get(name, cell["source"])
    folder = root / "submitted" / student / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def test_the_example_has_the_files_that_the_steps_name() -> None:
    named = re.findall(r"^\d\. `([\w.]+)`", SECTION, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in EXAMPLE.iterdir() if path.is_file())


def test_the_steps_make_a_notebook_that_grades_right_and_wrong(root: Path) -> None:
    right = functions_in(SOLUTION)
    right["prediction__groups_of_one_choice"] = 'def prediction__groups_of_one_choice():\n    return "b"'
    wrong = {
        **right,
        "groupnorm_backward": right["groupnorm_backward"].replace("dx_hat.mean(axis=2, keepdims=True)", "0"),
    }
    hand_in(root, "right", right)
    hand_in(root, "wrong", wrong)
    assert grade(NAME, root, jobs=1).scores == {"right": (90.0, 100.0), "wrong": (50.0, 100.0)}
    page = (root / "feedback" / "wrong" / NAME / f"{NAME}.html").read_text(encoding="utf-8")
    assert "In your dx nothing comes back through the mean." in page


def test_students_get_no_line_of_the_solution(root: Path) -> None:
    released = (root / "release" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert "TODO: compute dbeta" in released
    assert "dx_hat" not in released


def test_a_fault_ends_the_steps_before_the_old_notebook_is_validated(root: Path) -> None:
    checks = root / "reference" / NAME / "checks.py"
    text = checks.read_text(encoding="utf-8")
    checks.write_text(f"{text}\n(", encoding="utf-8")
    done = follow_the_steps(root)
    checks.write_text(text, encoding="utf-8")
    line = text.count("\n") + 2
    place = f"reference/{NAME}/checks.py, line {line}"
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"The notebooks cannot be made: {place}: '(' was never closed.\n"
