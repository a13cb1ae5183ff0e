"""The instructor's own notebook run as plain nbgrader runs it: every cell in one process, no boundary, no sandbox."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.beside import files_beside, write_files
from autograder.errors import CourseError
from autograder.limits import Limits
from autograder.regions import Markers
from autograder.sandbox import die_with_parent
from autograder.scoring import score_of
from autograder.warm import GRACE

SAFE_PATH = "PYTHONSAFEPATH"
Scores = dict[str, tuple[float, str]]
"""By grade id: the score of a test, and what it raised."""


def plain_scores(assignment: Assignment, folder: Path, limits: Limits) -> Scores:
    """Run the instructor's solutions and tests, with the files of ``folder`` beside them, in a fresh process.

    Raises CourseError where they end that process or take longer than a submission may.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as scratch, ours:
        write_files(files_beside(folder), Path(scratch))
        arguments = theirs, assignment.name, assignment.notebook, vars(assignment.markers), scratch
        process = context.Process(target=_run, args=arguments)
        with _safe_path():
            process.start()
        theirs.close()
        try:
            if not ours.poll(limits.total_seconds + GRACE):
                raise CourseError(
                    f"The instructor's notebook {assignment.name!r}, run in one process, takes longer than the limit "
                    f"total_seconds ({limits.total_seconds:g}); make it faster, or raise that limit."
                )
            scores: Scores = ours.recv()
        except EOFError:
            raise CourseError(f"The instructor's notebook {assignment.name!r} ends the process it runs in.") from None
        finally:
            process.kill()
            process.join()
    return scores


@contextmanager
def _safe_path() -> Iterator[None]:
    """Processes that are started meanwhile import nothing from the working folder, which may be a student's."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        del os.environ[SAFE_PATH]
        if before is not None:
            os.environ[SAFE_PATH] = before


def _run(answer: Connection, name: str, notebook: dict[str, Any], markers: dict[str, str], folder: str) -> None:
    from autograder.shell import Shell

    die_with_parent()
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
        except BaseException as error:  # SystemExit above all
            scores[cell.grade_id] = 0.0, f"{type(error).__name__}: {error}"
        else:
            scores[cell.grade_id] = score_of(value, cell.points)
        shell.outputs.take()
    answer.send(scores)
