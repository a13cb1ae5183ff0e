"""A feedback page within the time that one may take, without the student's own work where that cannot be shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autograder.assignment import Assignment
from autograder.bounds import within
from autograder.feedback import render
from autograder.kept import Kept
from autograder.results import Judged

RENDER_SECONDS = 10.0


def make_page(
    assignment: Assignment, judged: Judged, kept: Kept, *, title: str, refusal: str, findings: list[str], **options: Any
) -> str:
    """The page of one notebook of the assignment ``title``; ``options`` are render's.

    What kept the work from being shown is added to ``judged.flags``.
    """
    options["title"] = assignment.name if assignment.name == title else f"{title}: {assignment.name}"
    notes = [refusal, *findings] if refusal else findings
    try:
        with within(RENDER_SECONDS):
            return render(assignment, judged, kept, notes=notes, **options)
    except Exception as error:
        judged.flags.append(f"The feedback page was made without code and outputs: {error!r}")
    cells = [cell | {"cell_type": "raw", "source": ""} for cell in judged.notebook["cells"]]
    bare = replace(judged, notebook=judged.notebook | {"cells": cells})
    notes = [*notes, "Your code and its outputs could not be shown on this page."]
    return render(assignment, bare, kept, notes=notes, **options)
