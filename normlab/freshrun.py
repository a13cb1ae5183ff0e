"""Runs a notebook's code cells in a fresh process, each within its time, and tells which of them fail and how."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any

from normlab import runcells
from normlab.cells import Notebook, NotebookError

__all__ = ["CHECKING", "SECONDS_A_CELL", "SECONDS_IN_ALL", "failures_of"]

CHECKING = "NORMLAB_CHECKING"
"""An environment variable that is there while the cells of a notebook run here: it has the notebook's name."""

SECONDS_A_CELL = 30.0
"""A cell that runs longer has failed; the grader waits no longer either."""

SECONDS_IN_ALL = 120.0
"""The whole notebook has no more time, here and in grading."""

SECONDS_TO_START = 60.0

Failures = dict[int, dict[str, Any]]  # a cell's number -> what runcells says of it
ENDLESS = "it ran for more than"


def failures_of(notebook: Notebook) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, failure) of each cell that fails.

    A cell that kills the process costs itself alone; where a check never ends, later ones of its function
    are left out, and what only shows it.
    A failure names the exception's class and its bases under ``error``, its ``message``, and the ``frames`` of the
    notebook's own code: cell, line and function each. Raises :class:`normlab.cells.NotebookError` where this Python
    cannot start another one.

    >>> from normlab.notebook import read_notebook
    >>> failures = dict(failures_of(read_notebook(Path("scaling.ipynb"))))  # its second function is not written yet
    >>> {failure["error"][0] for failure in failures.values()}
    {'NotImplementedError'}
    """
    codes = [cell.number for cell in notebook.cells if cell.kind == "code"]
    skipped: dict[int, str] = {}
    reports: Failures = {}
    deadline = time.monotonic() + SECONDS_IN_ALL
    while True:
        made, ending = _run(notebook.path, [*skipped, *notebook.left_out], len(codes) - len(skipped), deadline)
        reports |= made
        if len(made) == len(codes) - len(skipped):
            break
        if deadline - time.monotonic() <= SECONDS_IN_ALL / 100:
            late = f"not run: the notebook took more than {SECONDS_IN_ALL:g} seconds, and the grader waits no longer"
            skipped |= {number: late for number in codes if number not in skipped and number not in reports}
            break
        stuck = next(cell for cell in notebook.cells if cell.number in codes and cell.number not in {*skipped, *made})
        skipped[stuck.number] = ending
        if ending.startswith(ENDLESS) and stuck.is_check:
            name = stuck.grade_id.partition("__")[0]
            skipped |= {
                cell.number: f"not run: {name} did not end"
                for cell in notebook.cells
                if cell.number > stuck.number
                and name in cell.loads
                and (cell.is_check or not (cell.grade_id or notebook.needs(cell)))
            }
    if sys.stderr.isatty():
        print(f"\r{'':40}\r", end="", file=sys.stderr, flush=True)
    for number in codes:
        if number in skipped:
            yield number, {"error": ["Ended"], "message": skipped[number], "frames": []}
        elif "error" in reports[number]:
            yield number, reports[number]


def _run(path: Path, skipped: list[int], expected: int, deadline: float) -> tuple[Failures, str]:
    """The reports that came, by cell, and why no more came."""
    command = [sys.executable, str(Path(runcells.__file__)), str(path), *map(str, skipped)]
    # As in grading, whatever is set here; and a check that a cell of the notebook calls begins no other.
    environment = os.environ | {"MPLBACKEND": "agg", "PYTHONUTF8": "1", "PYTHONOPTIMIZE": "", CHECKING: path.name}
    lines: SimpleQueue[bytes] = SimpleQueue()
    reports: Failures = {}

    def listen(pipe: IO[bytes]) -> None:  # to its end, for which a process that a cell left behind may keep it
        with pipe:
            for line in pipe:
                lines.put(line)
        lines.put(b"")

    try:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=sys.platform != "win32",
        )
    except OSError as error:
        why = f"this Python cannot start another one ({error.strerror})"
        raise NotebookError(f"{why}, as in a browser; download the notebook and check it on a computer") from None
    Thread(target=listen, args=(process.stdout,), daemon=True).start()
    ending = "it ended the Python process; the grader counts that as a failure"
    try:
        seconds, half = SECONDS_TO_START, ""
        left = deadline - time.monotonic()
        while len(reports) < expected and (line := lines.get(timeout=max(0.0, min(seconds, left)))):
            left = deadline - time.monotonic()
            seconds = min(SECONDS_A_CELL, left / 2)  # as in grading: no cell takes all that is left
            half = ", half of the time that the notebook had left" if seconds < SECONDS_A_CELL else ""
            if sys.stderr.isatty():
                print(f"\r{len(reports)} of {expected} cells ran ", end="", file=sys.stderr, flush=True)
            report = json.loads(line)
            if report:  # the first is empty: the process is there
                reports[report["cell"]] = report
    except Empty:
        ending = f"{ENDLESS} {seconds:.3g} seconds{half}; look for a loop that never ends"
    finally:
        _end(process)
        process.wait()
    return reports, ending


def _end(process: subprocess.Popen[bytes]) -> None:
    """The process and, where the system can, whatever its cells started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # macOS says the second of a process that has ended
            os.killpg(process.pid, signal.SIGKILL)
