"""What a worker starts are this package's own processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import autograder

ROOT = Path(__file__).parent.parent
GRADE = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.three_tasks import scores, submission, worker_for_the_tasks
with worker_for_the_tasks() as worker:
    print(scores(worker.grade(submission())))
"""


def test_a_copy_of_the_package_grades_by_its_own_code_though_another_is_installed(tmp_path: Path) -> None:
    shutil.copytree(Path(autograder.__file__).parent, tmp_path / "autograder")
    with (tmp_path / "autograder" / "judge.py").open("a", encoding="utf-8") as judge:
        judge.write("\nimport os\nos.write(2, b'the copy judges')\n")
    command = [sys.executable, "-c", GRADE, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("[2.0, 2.0, 2.0]\n", "the copy judges")
