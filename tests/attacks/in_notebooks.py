"""Attacks by editing the notebook itself. The edits are made to every test cell; the tests must run all the same."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator

from tests import course_factory as factory
from tests.attacks.cases import Case, of_notebook
from tests.attacks.lesson import CHECKS, Notebook, find


def _sources(notebook: Notebook) -> None:
    for name in CHECKS:
        find(notebook, name)["source"] = "pass"


def _points(notebook: Notebook) -> None:
    for name in CHECKS:
        find(notebook, name)["metadata"]["nbgrader"] |= {"points": 1000, "checksum": "0" * 32}


def _ids(notebook: Notebook) -> None:
    for name in CHECKS:
        find(notebook, name)["metadata"]["nbgrader"]["grade_id"] = f"my_{name}"


def _locked(notebook: Notebook) -> None:
    find(notebook, "imports")["source"] = "import numpy as np\nrelative_error = lambda *a: 0.0"


def _outputs(notebook: Notebook) -> None:
    value = {"output_type": "execute_result", "data": {"text/plain": "3"}, "metadata": {}, "execution_count": 1}
    for name in CHECKS:
        find(notebook, name)["outputs"] = [value]
        find(notebook, name)["metadata"] |= {"autograder": {"cell": 0, "score": 99}, "score": 99}


def _flags(notebook: Notebook) -> None:
    for name in (*CHECKS, "target", "written"):
        marks = find(notebook, name)["metadata"]["nbgrader"]
        marks |= {"grade": not marks["grade"], "solution": not marks["solution"], "locked": False}


def _no_flags(notebook: Notebook) -> None:
    for name in CHECKS:
        find(notebook, name)["metadata"]["nbgrader"] |= {"grade": False, "task": True}


def _copied(notebook: Notebook) -> None:
    for name in CHECKS:
        passing = copy.deepcopy(find(notebook, name))
        passing["source"] = "pass"
        notebook["cells"] += [passing, copy.deepcopy(passing)]


def _copied_answer(notebook: Notebook) -> None:
    notebook["cells"] += [copy.deepcopy(find(notebook, "target")) for _ in range(3)]


def _schema(notebook: Notebook) -> None:
    for name in CHECKS:
        find(notebook, name)["metadata"]["nbgrader"]["schema_version"] = 99


def _types(notebook: Notebook) -> None:
    strange: Iterator[object] = itertools.cycle(
        ({}, [], 7, "x", None, {"grade_id": [1]}, {"grade_id": "a/b", "points": "many"})
    )
    for name in CHECKS:
        find(notebook, name)["metadata"]["nbgrader"] |= {"points": [1], "task": "x", "locked": 3.5, "cell_type": {}}
    for raw, value in zip(notebook["cells"], strange, strict=False):
        raw["metadata"]["nbgrader" if "nbgrader" not in raw["metadata"] else "other"] = value
    notebook["metadata"] = {"kernelspec": [], "language_info": 5, "celltoolbar": {"deep": [[[]]]}}


def _deleted(notebook: Notebook) -> None:
    notebook["cells"] = [raw for raw in notebook["cells"] if raw["metadata"].get("nbgrader", {}).get("points") is None]


def _only_answers(notebook: Notebook) -> None:
    notebook["cells"] = [find(notebook, name) for name in ("first", "target", "last")]


def _tests_first(notebook: Notebook) -> None:
    notebook["cells"].sort(key=lambda raw: raw["id"].replace("-", "_") not in CHECKS)


def _answer_last(notebook: Notebook) -> None:
    cells = notebook["cells"]
    cells.append(cells.pop(cells.index(find(notebook, "target"))))


def _tests_as_text(notebook: Notebook) -> None:
    for name in CHECKS:
        find(notebook, name)["cell_type"] = "markdown"


def _kernel(notebook: Notebook) -> None:
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "Bash", "language": "bash"}
    notebook["metadata"]["language_info"] = {"name": "bash"}


def _slow_cells(notebook: Notebook) -> None:
    place = notebook["cells"].index(find(notebook, "target"))
    slow = [factory.cell("code", f"slow-{number}", "import time; time.sleep(2)") for number in range(11)]
    notebook["cells"][place + 1 : place + 1] = slow


EDITS: dict[tuple[int, str], Callable[[Notebook], None]] = {
    (35, "sources of the tests"): _sources,
    (35, "points"): _points,
    (35, "ids"): _ids,
    (35, "a locked cell"): _locked,
    (35, "scores and outputs filled in"): _outputs,
    (36, "turned round"): _flags,
    (36, "graded by nobody"): _no_flags,
    (37, "tests"): _copied,
    (37, "the answer"): _copied_answer,
    (38, "schema_version 99"): _schema,
    (38, "wrong types"): _types,
    (39, "the tests"): _deleted,
    (39, "all but the answers"): _only_answers,
    (40, "tests first"): _tests_first,
    (40, "the answer last"): _answer_last,
    (40, "tests made text"): _tests_as_text,
    (41, "another language"): _kernel,
}


def cases() -> Iterator[Case]:
    for (row, name), edit in EDITS.items():
        yield of_notebook(row, name, edit)
    yield of_notebook(32, "eleven slow cells", _slow_cells, last=0.0)
