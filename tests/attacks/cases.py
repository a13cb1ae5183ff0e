"""Every attack of the suite, as data. A row is a way to attack; each row has one case at the least.

``python -m tests.attacks`` prints them as a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.attacks.lesson import POINTS, Notebook, work

NOTHING = 0.0


@dataclass(frozen=True)
class Case:
    """One submission and what it may earn."""

    row: int
    name: str
    hand_in: Callable[[Path, str], None]  # puts it into a course folder, for one student
    how: str  # "code in a cell" | "an edited notebook" | "files"
    first: float | None = POINTS["first"]  # points; None: its own to lose
    target: float | None = NOTHING
    last: float | None = POINTS["last"]

    @property
    def student(self) -> str:
        return f"{self.row:02d}-{re.sub('[^a-z0-9]+', '-', self.name.lower()).strip('-')}"

    @property
    def expected(self) -> dict[str, float | None]:
        return {"first": self.first, "target": self.target, "last": self.last}


ROWS = {
    1: "input transformer turns later cells into `pass`",
    2: "the kernel's do_execute replaced",
    3: "an AST transformer drops assert and raise",
    4: "`sys.displayhook(nan)` inside a function",
    5: "`displayhook(1000)`: a score over the maximum",
    6: "return values that say yes to every comparison",
    7: "NumPy's allclose and testing helpers patched",
    8: "builtins patched (abs, max, all, isinstance)",
    9: "a score printed to stdout or stderr",
    10: "SystemExit and its like inside a function",
    11: "`os._exit(0)`, or a deadly signal to itself",
    12: "kill the parent, or every process it can see",
    13: "the test's source from frames and linecache",
    14: "`In` and the history",
    15: "gc scanned for expected values and reference functions",
    16: "the course's helpers replaced in sys.modules",
    17: "open source/, the reference, the autograder package",
    18: "write the gradebook",
    19: "read another student's submission",
    20: "delete or change course files",
    21: "an IPython startup file for the next kernel",
    22: "nbgrader_config.py, kernel.json, usercustomize, .pth",
    23: "numpy.py beside the notebook",
    24: "LD_PRELOAD, PYTHONPATH, PYTHONSTARTUP for children",
    25: "network: internet, loopback, DNS, abstract sockets",
    26: "secrets in the environment",
    27: "/proc: memory, environment, descriptors of others",
    28: "fork bomb, thread bomb",
    29: "memory bomb",
    30: "disk fill",
    31: "endless loop, endless sleep, deaf to every signal",
    32: "many cells, each just under the limit",
    33: "endless output",
    34: "a thread, timer, signal handler, atexit patches later",
    35: "test cells' source, points, ids or locked cells edited",
    36: "grade and solution flags flipped",
    37: "a test cell copied",
    38: "schema_version 99, metadata of wrong types",
    39: "test cells deleted",
    40: "test cells moved before the answers",
    41: "kernelspec changed",
    42: "a symlink, device, socket or pipe in the submission",
    43: "names in a zip that leave the folder",
    44: "zip bomb, 1 GB notebook, JSON 100,000 deep",
    45: "not JSON, truncated, empty, nbformat 3, null bytes",
    46: "scripts in outputs and Markdown",
    47: "spreadsheet formulas in names",
    48: "objects with __reduce__",
    49: "huge, deep, cyclic, odd return values",
    50: "bytes written into every open descriptor",
    51: "limits raised, mounts, ptrace, namespaces, bpf, keyctl",
    52: "call count, clock or stack tell test from demonstration",
    53: "right by calling another task's function",
    54: "two graders, a killed grader, a full disk, a locked database",
}

# Kinds of attack, for a short table; each row belongs to one.
GROUPS = {
    "rewrites the cells that come later, or how they run": (1, 2, 3, 34),
    "forges a score": (4, 5, 9),
    "returns objects that say yes, or are no plain value": (6, 48, 49),
    "replaces NumPy, builtins or the course's helpers": (7, 8, 16, 23),
    "looks for tests, expected values, solutions, secrets": (13, 14, 15, 17, 19, 26, 27),
    "writes the gradebook, the course, the next student's start": (18, 20, 21, 22, 24),
    "ends, hangs or kills processes": (10, 11, 12, 31, 32),
    "takes all processes, memory, disk or output": (28, 29, 30, 33),
    "reaches the network or the kernel": (25, 51),
    "edits tests, points, ids, flags or the order of cells": (35, 36, 37, 38, 39, 40, 41),
    "hands in what cannot be read, or leads elsewhere": (42, 43, 44, 45),
    "puts scripts on pages, formulas into tables": (46, 47),
    "forges what its process says to the judge": (50,),
    "tells a test from a demonstration, or borrows": (52, 53),
    "meets another grader, a full disk, a locked database": (54,),
}


def all_cases() -> Iterator[Case]:
    """In the order of the rows."""
    from tests.attacks import in_cells, in_files, in_notebooks, in_protocol, in_shell, in_values

    modules = (in_cells, in_values, in_protocol, in_shell, in_notebooks, in_files)
    yield from sorted((case for module in modules for case in module.cases()), key=lambda case: (case.row, case.name))


def submit(root: Path, student: str, work: Notebook | bytes) -> Path:
    """Put a notebook in place; ``@COURSE@`` in its code becomes the course folder's path."""
    from tests import course_factory as factory

    if isinstance(work, bytes):
        return factory.submit(root, student, work)
    for cell in work["cells"]:
        cell["source"] = cell["source"].replace("@COURSE@", str(root))
    return factory.submit(root, student, work)


def in_cell(row: int, name: str, source: str, demo: str = "", **points: float | None) -> Case:
    """The attack stands in the solution cell of ``target``, or in the student's demonstration after it."""

    def hand_in(root: Path, student: str) -> None:
        submit(root, student, work(source, demo))

    return Case(row, name, hand_in, "code in a cell", **points)


def of_notebook(row: int, name: str, change: Callable[[Notebook], None], **points: float | None) -> Case:
    """The attack is an edit of the notebook itself; ``target`` is wrong there."""

    def hand_in(root: Path, student: str) -> None:
        notebook = work()
        change(notebook)
        submit(root, student, notebook)

    return Case(row, name, hand_in, "an edited notebook", **points)


def of_bytes(row: int, name: str, data: bytes) -> Case:
    """What was handed in cannot be read: no points at all."""

    def hand_in(root: Path, student: str) -> None:
        submit(root, student, data)

    return Case(row, name, hand_in, "files", first=0.0, last=0.0)


def of_folder(row: int, name: str, change: Callable[[Path], None], **points: float | None) -> Case:
    """The attack is what else the submission's folder holds."""

    def hand_in(root: Path, student: str) -> None:
        change(submit(root, student, work()))

    return Case(row, name, hand_in, "files", **points)
