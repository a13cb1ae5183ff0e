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

    ``notebook`` is a repaired one. What another cell that students may edit defines is answered, and a text that was
    emptied is where a cell of the student's own follows.
    """
    blank, cells = [], notebook["cells"]
    for raw, below in zip(cells, [*cells[1:], None], strict=True):
        cell = assignment.cell_of(raw)
        if cell is None or not cell.grade_id or not raw["metadata"].get("nbgrader", {}).get("solution"):
            continue
        if raw["source"].strip() not in ("", cell.release.strip()):
            continue
        moved = cell.kind == "manual" and not raw["source"].strip() and below and assignment.cell_of(below) is None
        names = assignment.names_of(cell)
        others = (each["source"] for each in cells if each is not raw and _may_answer(assignment, each))
        if not moved and not any(defines(source, names) for source in others):
            blank.append(cell.grade_id)
    return blank


def _may_answer(assignment: Assignment, raw: Mapping[str, Any]) -> bool:
    cell = assignment.cell_of(raw)
    return raw["cell_type"] == "code" and (cell is None or not cell.locked)


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
