"""The instructor's own notebook run as plain nbgrader runs it: every cell in one process, no boundary, no sandbox."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment, Markers
from autograder.errors import CourseError
from autograder.limits import Limits
from autograder.scoring import score_of

Scores = dict[str, tuple[float, str]]
"""By grade id: the score of a test, and what it raised."""


def plain_scores(assignment: Assignment, folder: Path) -> Scores:
    """Run the instructor's solutions and tests, with the files of ``folder`` beside them, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool, tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(folder, scratch, dirs_exist_ok=True)
        task = pool.submit(_run, assignment.name, assignment.notebook, vars(assignment.markers), scratch)
        try:
            return task.result()
        except BrokenProcessPool:
            raise CourseError(f"The instructor's notebook {assignment.name!r} ends the process it runs in.") from None


def _run(name: str, notebook: dict[str, Any], markers: dict[str, str], folder: str) -> Scores:
    from autograder.shell import Shell

    os.chdir(folder)
    assignment = Assignment(name, notebook, Markers(**markers))
    shell = Shell(Limits())
    shell.capture()
    scores: Scores = {}
    for cell in assignment.cells:
        if cell.cell_type != "code":
            continue
        if cell.kind != "test" or cell.grade_id is None:
            shell.run(cell.source, cell.index)
            continue
        try:
            exec(cell.code, shell.names)
            value = eval(cell.last_expression, shell.names) if cell.last_expression is not None else None
        except Exception as error:
            scores[cell.grade_id] = 0.0, f"{type(error).__name__}: {error}"
        else:
            scores[cell.grade_id] = score_of(value, cell.points)
        shell.outputs.take()
    return scores
