"""nbgrader's metadata of a cell and its checksum, as `nbgrader generate_assignment` would write them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autograder.assignment import Cell
from autograder.regions import Markers, release_source

KEPT = ("grade", "grade_id", "locked", "points", "solution", "task")


def read_marks(cell: Cell) -> dict[str, Any]:
    """The cell's nbgrader metadata; empty where the cell has no role."""
    marks: Mapping[str, Any] = cell.metadata.get("nbgrader") or {}
    roles = {name: bool(marks.get(name)) for name in ("grade", "locked", "solution", "task")}
    return {name: marks[name] for name in KEPT if name in marks} | roles if any(roles.values()) else {}


def saved_source(cell: Cell, markers: Markers) -> str:
    """The source that nbgrader keeps in its gradebook: without solutions, with hidden tests and mark schemes."""
    keep_all_else = replace(markers, begin_hidden="\0", end_hidden="\0", begin_marks="\0", end_marks="\0")
    return release_source(cell.source, cell.cell_type, bool(read_marks(cell).get("solution")), keep_all_else)


def is_as_released(source: str, cell_type: str, marks: Mapping[str, Any]) -> bool:
    """Whether a submitted cell has the checksum that it was handed out with, whatever the instructor changed since.

    Students can write one themselves, and then the cell counts as not worked on.
    """
    try:
        return bool(_digest(source, cell_type, marks) == marks["checksum"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return False


def checksum(cell: Cell, markers: Markers) -> str:
    """Of an instructor's cell."""
    return _digest(saved_source(cell, markers), cell.cell_type, read_marks(cell))


def _digest(source: str, cell_type: str, marks: Mapping[str, Any]) -> str:
    """md5 over source, type, roles, id and points, as ``nbgrader.utils.compute_checksum`` has it."""
    grade, solution = bool(marks.get("grade")), bool(marks.get("solution"))
    locked = not solution and (grade or bool(marks.get("locked")))
    parts = [source, cell_type, str(grade), str(solution), str(locked), marks["grade_id"]]
    if grade:
        parts.append(str(float(marks["points"])))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def graded_metadata(cell: Cell, markers: Markers) -> dict[str, Any]:
    """The metadata of an instructor's cell in an autograded notebook."""
    metadata = {name: value for name, value in cell.metadata.items() if name != "nbgrader"}
    marks = read_marks(cell)
    if marks:
        extra = {"schema_version": 3, "checksum": checksum(cell, markers), "cell_type": cell.cell_type}
        metadata["nbgrader"] = marks | extra
        if cell.locked or marks["grade"] or marks["solution"]:
            metadata["deletable"] = False
        if cell.locked:
            metadata["editable"] = False
    return metadata
