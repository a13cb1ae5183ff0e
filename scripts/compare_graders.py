"""How nbgrader, otter-grader and this engine grade the same work: `python scripts/compare_graders.py`

One function with six tests is graded by each: a right answer, a blank one, and blank ones that attack the grader.
otter-grader runs as its documentation has it where there are no containers (`otter run`), in an environment that this
command makes and removes. Printed: the points of each answer, and the wall seconds for one submission (otter starts
anew for each; the others grade ten in one command, their start included).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmark_grading import run, scores

OTTER = "otter-grader==7.0.0"
COPIES = 10  # of each answer for the two that grade in batches
RIGHT = "def mean(values):\n    return sum(values) / len(values)"
BLANK = "def mean(values):\n    raise NotImplementedError"
TESTS = [f"mean({[k, k + 1, k + 5]}) == {k + 2}" for k in range(6)]
ANSWERS = {
    "a right answer": RIGHT,
    "blank": BLANK,
    "blank; an object equal to everything": (
        "class Equal(float):\n    __eq__ = lambda self, other: True\n    __ne__ = lambda self, other: False\n"
        "    __hash__ = float.__hash__\ndef mean(values):\n    return Equal()"
    ),
    "blank; replaces what executes a cell": (
        f"{BLANK}\nimport IPython\nshell = IPython.get_ipython()\nrun = type(shell).run_cell_async\n"
        "async def nothing(self, source, *rest, **options):\n"
        "    return await run(self, '' if 'assert' in source else source, *rest, **options)\n"
        "type(shell).run_cell_async = nothing"
    ),
    "blank; replaces what runs a test": (
        f"{BLANK}\ntry:\n    import otter.test_files.ok_test as tests\n"
        "    tests.run_doctest = lambda *rest, **options: (True, '')\nexcept ImportError:\n    pass"
    ),
}
CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'compared'\nc.ExecutePreprocessor.timeout = 60\n"


def cell(source: str, kind: str = "code", **marks: Any) -> dict[str, Any]:
    name = marks.get("grade_id", "given")
    made: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": source}
    if marks:
        made["metadata"] = {"nbgrader": {"schema_version": 3, "task": False, "grade": False, "locked": False} | marks}
    return made | {"execution_count": None, "outputs": []}


def notebook(answer: str, tests: bool) -> str:
    cells = [cell(answer, grade_id="mean", solution=True)]
    if tests:
        cells += [
            cell(f"assert {test}", grade_id=f"mean__{k}", solution=False, grade=True, locked=True, points=1)
            for k, test in enumerate(TESTS)
        ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


def make_course(root: Path, answer: str) -> None:
    solution = RIGHT.replace("    return", "    ### BEGIN SOLUTION\n    return") + "\n    ### END SOLUTION"
    places = {root / "source" / "task": solution}
    places |= {root / "submitted" / f"student{number}" / "task": answer for number in range(COPIES)}
    for folder, source in places.items():
        folder.mkdir(parents=True)
        (folder / "task.ipynb").write_text(notebook(source, tests=True))
    (root / "nbgrader_config.py").write_text(CONFIG)


def by_nbgrader(root: Path, answer: str) -> tuple[float, float]:
    """(points, seconds for one submission)."""
    make_course(root, answer)
    run(["nbgrader", "generate_assignment", "task"], root)
    seconds = run(["nbgrader", "autograde", "task"], root).wall
    return sum(scores(root).values()) / COPIES, seconds / COPIES


def by_engine(root: Path, answer: str) -> tuple[float, float]:
    make_course(root, answer)
    seconds = run(["autograder", "grade", "task", "--jobs", "1"], root).wall
    return sum(scores(root).values()) / COPIES, seconds / COPIES


def by_otter(root: Path, answer: str) -> tuple[float, float]:
    otter = str(root.parent / "otter" / "bin" / "otter")
    (root / "tests").mkdir(parents=True)
    cases = [{"code": f">>> {test}\nTrue", "hidden": True, "locked": False, "points": 1} for test in TESTS]
    suite = {"cases": cases, "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    test = {"name": "mean", "points": None, "suites": [suite]}
    (root / "tests" / "mean.py").write_text(f"OK_FORMAT = True\ntest = {test!r}")
    (root / "task.ipynb").write_text(notebook(answer, tests=False))
    run([otter, "generate", "-t", "tests", "--no-environment", "-o", "autograder.zip"], root)
    seconds = run([otter, "run", "-a", "autograder.zip", "task.ipynb", "-o", "."], root).wall
    results = json.loads((root / "results.json").read_text())
    return sum(test.get("score") or 0.0 for test in results["tests"]), seconds


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder, "otter")
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        run([str(environment / "bin" / "pip"), "install", "--quiet", OTTER, "ipykernel"], Path(folder))
        graders = {"nbgrader": by_nbgrader, OTTER.replace("==", " "): by_otter, "autograder": by_engine}
        print(f"points of {len(TESTS)} (seconds for one submission)")
        print(f"{'':48}" + "".join(f"{name:>22}" for name in graders))
        for number, (title, answer) in enumerate(ANSWERS.items()):
            line = f"{title:48}"
            for name, grader in graders.items():
                points, seconds = grader(Path(folder, f"{number}-{name.split()[0]}"), answer)
                line += f"{f'{points:g} ({seconds:.2f})':>22}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
