"""A notebook of three tasks, each x + 1, and what grading a submission of it gives."""

from __future__ import annotations

import copy
from typing import Any

from autograder.assignment import Assignment
from autograder.limits import Limits
from autograder.results import Judged
from autograder.worker import Worker
from tests import course_factory as factory

LIMITS = Limits(
    cell_seconds=2,
    total_seconds=20,
    memory_bytes=256 << 20,
    scratch_bytes=8 << 20,
    cell_output_bytes=60_000,
    restarts=6,
)
TASKS = ("first", "second", "third")
ANSWER = "def {name}(x):\n    return x + 1"


def instructor() -> factory.Notebook:
    cells = [factory.cell("code", "imports", "import numpy as np", locked=True)]
    for name in TASKS:
        solution = f"def {name}(x):\n    ### BEGIN SOLUTION\n    return x + 1\n    ### END SOLUTION"
        cells.append(factory.cell("code", name, solution, solution=True))
        cells.append(factory.cell("code", f"demo-{name}", f"print({name}(1))"))
        check = f"for n in (1, 5, 20):\n    assert {name}(n) == n + 1, f'{{n}} is wrong'"
        cells.append(factory.cell("code", f"{name}__check", check, grade=True, locked=True, points=2))
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def submission(**answers: str) -> factory.Notebook:
    """Right answers, but for those given."""
    notebook = instructor()
    for raw in notebook["cells"]:
        name = raw["metadata"].get("nbgrader", {}).get("grade_id", raw["id"])
        if name in TASKS:
            raw["source"] = answers.get(name, ANSWER.format(name=name))
        elif raw["id"].startswith("demo-"):
            raw["source"] = answers.get(raw["id"].replace("-", "_"), raw["source"])
    return notebook


def scores(judged: Judged) -> list[float]:
    return [judged.scores[f"{name}__check"] for name in TASKS]


def outputs(judged: Judged, cell_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(raw for raw in judged.notebook["cells"] if raw["id"] == cell_id)["outputs"]
    return found


def text(judged: Judged, cell_id: str) -> str:
    return "".join(item.get("text", "") for item in outputs(judged, cell_id))


def judged_cells(*cells: dict[str, Any], limits: Limits = LIMITS, seed: int = 0) -> Judged:
    """The instructor's own notebook of these cells, graded."""
    notebook = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    with Worker(Assignment("cells", notebook), limits) as worker:
        return worker.grade(copy.deepcopy(notebook), seed)


def given(name: str, source: str) -> dict[str, Any]:
    return factory.cell("code", name, source)


def student(source: str) -> dict[str, Any]:
    return factory.cell("code", "student", source, solution=True)


def check(name: str, source: str) -> dict[str, Any]:
    return factory.cell("code", name, source, grade=True, locked=True, points=1)


def worker_for_the_tasks() -> Worker:
    return Worker(Assignment("tasks", instructor()), LIMITS)
