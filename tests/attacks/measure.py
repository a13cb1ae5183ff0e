"""What an attack came to, in a word, and what stands in a gradebook."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tests.attacks.cases import Case
from tests.attacks.lesson import POINTS, by_task


class Outcome(NamedTuple):
    """What grading a submission came to."""

    kind: str  # "undeserved points", "finds what it looks for", "no grade", "no gain", ...
    detail: str = ""


def points_by_task(root: Path) -> dict[str, dict[str, float | None]]:
    """By student and task; None where a part has no grade."""
    query = (
        "SELECT s.student_id, b.name, g.auto_score FROM grade g JOIN base_cell b ON b.id = g.cell_id "
        "JOIN submitted_notebook n ON n.id = g.notebook_id JOIN submitted_assignment s ON s.id = n.assignment_id"
    )
    found: dict[str, dict[str, float | None]] = {}
    if not (root / "gradebook.db").exists():  # an attack took it away
        return found
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        for student, name, score in connection.execute(query):
            found.setdefault(student, {})[name] = score
    return {student: by_task(scores) for student, scores in found.items()}


def outcome(case: Case, scores: Mapping[str, float | None], outputs: str) -> Outcome:
    """What a graded submission got, and lost."""
    target, full = scores.get("target"), POINTS["target"]
    if target is None:
        return Outcome("left ungraded")
    if case.first == 0.0 and not any(scores.values()):
        return Outcome("refused")
    earned = f"{target:g} of {full:g}"
    if case.target is not None and target > case.target:
        return Outcome("undeserved points", earned)
    if "GOT IT" in outputs:
        return Outcome("finds what it looks for", earned)
    if any(scores.get(task) != POINTS[task] for task in ("first", "last")):
        return Outcome("loses other tasks", earned)
    return Outcome("as deserved" if case.target == full == target else "no gain", earned)
