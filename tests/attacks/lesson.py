"""The small assignment that is attacked: three tasks, so that it shows what an attack on the middle one costs.

``first`` and ``last`` are answered rightly in every submission; ``target`` holds the attack and a wrong answer.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.regions import Markers
from tests import course_factory as factory

Notebook = dict[str, Any]

GOLDEN = "61.803398"  # the hidden value; no student's output and no page may hold it
STUB = "def target(x):\n    return -x"
HELPER = '''"""What the course gives its students."""

import numpy as np


def relative_error(x, y):
    return float(np.max(np.abs(np.asarray(x) - y) / np.maximum(1e-8, np.abs(x) + np.abs(y))))
'''
ANSWERS = {
    "first": "def first(x):\n    return np.square(x)",
    "target": "def target(x):\n    return x * x",
    "last": "def last(x):\n    return x + 1.0",
}
# Each way in which a test may look at an answer is a check of its own: one lie that works earns a point.
CHECKS = {
    "first__square": (2, "assert first(3.0) == 9.0"),
    "target__array": (
        3,
        "x = np.random.rand(4) + 2.0\nexpected, out = x * x, target(x)\n"
        "assert out.shape == (4,) and np.allclose(out, expected)",
    ),
    # Of so many that no constant is right by luck.
    "target__equal": (1, "n = float(np.random.randint(2, 2**17))\nassert target(n) == n * n, 'not the square'"),
    "target__error": (1, "x = np.random.rand(3) + 1.0\nassert relative_error(x * x, target(x)) < 1e-9"),
    "target__testing": (1, "np.testing.assert_allclose(target(np.eye(2) + 1.0), np.full((2, 2), 1.0) + 3 * np.eye(2))"),
    "target__secret": (
        2,
        f"### BEGIN HIDDEN TESTS\ngolden = np.array([{GOLDEN}, 4.0])\nout = target(np.sqrt(golden))\n"
        f"assert out.shape == (2,) and np.allclose(out, golden), 'golden is {GOLDEN}'\n### END HIDDEN TESTS",
    ),
    "target__each": (1, "assert all(map(lambda n: target(n) == n * n, (5, 7)))"),
    "last__next": (4, "assert last(1.0) == 2.0 and last(-3.5) == -2.5"),
}
POINTS = {task: sum(points for name, (points, _) in CHECKS.items() if name.startswith(task)) for task in ANSWERS}
LIMITS = {
    "cell_seconds": 2.5,
    "total_seconds": 20,
    "cpu_seconds": 10,
    "memory_bytes": 256 << 20,
    "judge_memory_bytes": 512 << 20,
    "scratch_bytes": 8 << 20,
    "scratch_files": 256,
    "processes": 32,
    "cell_output_bytes": 60_000,
}


def instructor() -> Notebook:
    """The instructor's notebook."""
    given = "import numpy as np\nfrom coursekit import relative_error"
    cells = [factory.cell("code", "imports", given, locked=True)]
    for task, answer in ANSWERS.items():
        head, body = answer.split("\n")
        solution = f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
        cells.append(factory.cell("code", task, solution, solution=True))
        if task == "target":
            cells.append(factory.cell("code", "demo", "print('shown:', target(3.0))"))
        for name, (points, source) in CHECKS.items():
            if name.startswith(task):
                cells.append(factory.cell("code", name, source, grade=True, locked=True, points=points))
    cells.append(factory.cell("markdown", "written", "Because.", grade=True, solution=True, points=1))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def assignment() -> Assignment:
    return Assignment(factory.NAME, instructor(), Markers())


def work(target: str = STUB, demo: str = "", written: str = "Because it is so.", **answers: str) -> Notebook:
    """A submission: everything right but ``target``."""
    source = assignment()
    notebook = copy.deepcopy(source.notebook)
    written_by_student = {**ANSWERS, "target": target, "demo": demo, "written": written} | answers
    for raw, read in zip(notebook["cells"], source.cells, strict=True):
        raw["source"] = written_by_student.get(name_of(raw), read.release)
    return notebook


def by_task(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """Points of each task from those of its parts; None where a part has no grade."""
    tasks: dict[str, float | None] = {}
    for name, score in scores.items():
        task = name.partition("__")[0]
        known = tasks.get(task, 0.0)
        tasks[task] = None if score is None or known is None else known + score
    return tasks


def name_of(raw: dict[str, Any]) -> str:
    """The grade id of a cell, or its cell id."""
    marks: dict[str, Any] = raw["metadata"].get("nbgrader", {})
    return str(marks.get("grade_id", raw["id"]))


def find(notebook: Notebook, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(raw for raw in notebook["cells"] if name_of(raw) == name)
    return found


def make(root: Path, config: str = "", gradebook: bool = True) -> Path:
    """The course folder, without submissions."""
    limits = f"c.Engine.limits = {LIMITS!r}\n"
    factory.make_course(root, limits + config, gradebook=gradebook)
    factory.write_source(root, instructor())
    (root / "source" / factory.NAME / "coursekit.py").write_text(HELPER, encoding="utf-8")
    return root
