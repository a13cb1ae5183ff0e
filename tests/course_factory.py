"""A small nbgrader course made in a folder, so that the engine's tests need nothing of the real one."""

from __future__ import annotations

import copy
import functools
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.gradebook import Gradebook
from autograder.regions import Markers
from autograder.results import Judged

NAME = "scaling"
Notebook = dict[str, Any]

FORWARD = '''def scale_forward(x, w):
    """out = x * w"""
    ### BEGIN SOLUTION
    return x * w, (x, w)
    ### END SOLUTION'''
BACKWARD = '''def scale_backward(dout, cache):
    """dx = dout * w, dw = the sum of dout * x over the rows"""
    ### BEGIN SOLUTION
    x, w = cache
    return dout * w, (dout * x).sum(axis=0)
    ### END SOLUTION'''
VALUES = """x = np.arange(6.0).reshape(3, 2)
out, _ = scale_forward(x, np.array([2.0, 3.0]))
assert np.allclose(out, x * [2.0, 3.0]), "out is not x * w" """
SHIFTED = """### BEGIN HIDDEN TESTS
secret = np.full((2, 2), 41.5)
out, _ = scale_forward(secret, np.array([1.0, -1.0]))
assert np.allclose(out, secret * [1.0, -1.0]), "the secret is 41.5"
### END HIDDEN TESTS"""
GRADIENT = """x, w = np.arange(6.0).reshape(3, 2), np.array([2.0, 3.0])
out, cache = scale_forward(x, w)
dx, dw = scale_backward(np.ones_like(out), cache)
assert np.allclose(dx, np.ones_like(x) * w), "dx is wrong"
assert np.allclose(dw, x.sum(axis=0)), "dw is wrong" """

RIGHT = {
    "scale_forward": "def scale_forward(x, w):\n    return x * w, (x, w)",
    "scale_backward": (
        "def scale_backward(dout, cache):\n    x, w = cache\n    return dout * w, (dout * x).sum(axis=0)"
    ),
    "written__why": "Because the rows **share** the weights.",
}
POINTS = {
    "scale_forward__values": 3.0,
    "scale_forward__shifted": 2.0,
    "scale_backward__gradient": 4.0,
    "written__why": 2.0,
}
FULL = {**POINTS, "written__why": None}  # scores of RIGHT


def cell(cell_type: str, name: str, source: str, **marks: Any) -> dict[str, Any]:
    """A cell of the instructor's notebook; with ``marks`` it has a role in nbgrader."""
    roles = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    metadata = {"nbgrader": roles | {"grade_id": name} | marks} if marks else {}
    made = {"cell_type": cell_type, "id": name.replace("_", "-"), "metadata": metadata, "source": source}
    return made | ({"outputs": [], "execution_count": None} if cell_type == "code" else {})


def instructor_notebook() -> Notebook:
    """Two functions, three checks (one hidden), one written answer, one given and one free cell."""
    cells = [
        cell("markdown", "intro", "# Scaling"),
        cell("code", "imports", "import numpy as np", locked=True),
        cell("code", "scale_forward", FORWARD, solution=True),
        cell("code", "scale_forward__values", VALUES.strip(), grade=True, locked=True, points=3),
        cell("code", "scale_forward__shifted", SHIFTED, grade=True, locked=True, points=2),
        cell("code", "demo", "print('scaled:', scale_forward(np.ones(2), 2.0)[0])"),
        cell("code", "scale_backward", BACKWARD, solution=True),
        cell("code", "scale_backward__gradient", GRADIENT.strip(), grade=True, locked=True, points=4),
        cell("markdown", "written__why", "Because.", grade=True, solution=True, points=2),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def assignment(notebook: Notebook | None = None) -> Assignment:
    return Assignment(NAME, notebook or instructor_notebook(), Markers())


def release() -> Notebook:
    """The notebook as students get it."""
    source = assignment()
    notebook = copy.deepcopy(source.notebook)
    for raw, read in zip(notebook["cells"], source.cells, strict=True):
        raw["source"] = read.release
    return notebook


def answered(answers: Mapping[str, str]) -> Notebook:
    """The release with these cells filled in, by grade id or cell id."""
    notebook = release()
    for raw in notebook["cells"]:
        name = raw["metadata"].get("nbgrader", {}).get("grade_id", raw["id"])
        raw["source"] = answers.get(name, raw["source"])
    return notebook


@functools.cache
def empty_gradebook() -> bytes:
    """The file of a gradebook without entries; to make one takes seconds, since nbgrader is imported for it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "gradebook.db")
        Gradebook(f"sqlite:///{path}").close()
        return path.read_bytes()


def make_course(root: Path, config: str = "", gradebook: bool = False) -> Path:
    """nbgrader_config.py, source/ and an empty submitted/; with ``gradebook`` an empty one, too."""
    (root / "source" / NAME).mkdir(parents=True)
    (root / "submitted").mkdir()
    (root / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = 'course101'\n{config}\n", encoding="utf-8"
    )
    write_source(root, instructor_notebook())
    if gradebook:
        (root / "gradebook.db").write_bytes(empty_gradebook())
    return root


def write_source(root: Path, notebook: Notebook) -> None:
    (root / "source" / NAME / f"{NAME}.ipynb").write_text(json.dumps(notebook, indent=1), encoding="utf-8")


def submit(root: Path, student: str, work: Notebook | bytes | Mapping[str, str], timestamp: str = "") -> Path:
    """Put a submission in place; answers, a whole notebook, or the bytes of whatever it is."""
    folder = root / "submitted" / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(work, bytes):
        data = work
    else:
        data = json.dumps(work if "cells" in work else answered(work), indent=1).encode()
    (folder / f"{NAME}.ipynb").write_bytes(data)
    if timestamp:
        (folder / "timestamp.txt").write_text(timestamp, encoding="utf-8")
    return folder


def of_cells(answers: Mapping[str, str], tests: Mapping[str, str]) -> Notebook:
    """A notebook of these solution cells and tests, one point each."""
    cells = [cell("code", name, text, solution=True) for name, text in answers.items()]
    cells += [cell("code", name, text, grade=True, locked=True, points=1) for name, text in tests.items()]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def failed(judged: Judged) -> dict[str, str]:
    """What the checks that did not pass say."""
    return {name: check.message for name, check in judged.checks.items() if check.status != "passed"}
