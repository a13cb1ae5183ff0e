"""What nobody answered: cells left as they were handed out or emptied, and submissions that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.assignment import Assignment
from autograder.repair import repair
from autograder.results import CheckResult, Judged
from autograder.syntax import defines


def blank_cells(assignment: Assignment, notebook: Mapping[str, Any]) -> list[str]:
    """Grade ids of the solution cells that are as they were handed out, or were emptied.

    ``notebook`` is a repaired one. What a cell of the student's own defines is answered.
    """
    own = [cell["source"] for cell in notebook["cells"] if assignment.cell_of(cell) is None]
    sources = {
        cell["metadata"]["nbgrader"]["grade_id"]: cell["source"]
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("solution")
    }
    blank = [name for name, each in sources.items() if each.strip() in ("", assignment.by_id[name].release.strip())]
    return [name for name in blank if not any(defines(source, assignment.by_id[name].binds) for source in own)]


def refused(assignment: Assignment, reason: str) -> Judged:
    """No points for what cannot be read: the notebook as it was handed out, with the reason at its head."""
    notebook, _ = repair(assignment, [])
    head = {"cell_type": "markdown", "id": "refused", "metadata": {"autograder": {"cell": None}}, "source": reason}
    notebook["cells"].insert(0, head)
    checks = {
        cell.grade_id: CheckResult("not attempted", cell.points, 0.0)
        for cell in assignment.cells
        if cell.grade_id and cell.kind in ("test", "manual")
    }
    scores = {cell.grade_id: 0.0 for cell in assignment.tests if cell.grade_id}
    return Judged(notebook, scores, checks, flags=[f"Not read: {reason}"])
