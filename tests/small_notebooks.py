"""A small assignment as nbgrader releases it, and its copies as students fill them in: for the tests of the check."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.utils import compute_checksum

from normlab.check import Report

Raw = dict[str, Any]
Save = Callable[..., Path]

STUB = 'raise NotImplementedError("write this part")'
DOUBLE = "def double(x):\n    return 2 * x"
SQUARE = "def square(x):\n    return x * x"
DOUBLE_CHECK = '''# Check, 2 points
def double__of_three(double):
    """Three doubled is six."""
    got = double(3)
    assert got == 6, f"6 was expected, {got} came"


double__of_three(double)'''

PREDICTION_CHECK = '''# Your prediction, 2 points
def prediction__more(prediction__more_choice):
    """The choice is "a" or "b"."""
    try:
        choice = prediction__more_choice()
    except NotImplementedError:
        print("No choice yet")
    else:
        assert choice in ("a", "b"), f'return "a" or "b"; got {choice!r}'


prediction__more(prediction__more_choice)'''


def cell(source: str, kind: str = "code", grade_id: str = "", **marks: Any) -> Raw:
    made: Raw = {
        "cell_type": kind,
        "id": grade_id or f"id{abs(hash(source)) % 10**8}",
        "metadata": {},
        "source": source,
    }
    if kind == "code":
        made |= {"execution_count": None, "outputs": []}
    if grade_id:
        flags = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
        made["metadata"]["nbgrader"] = flags | {"grade_id": grade_id, "cell_type": kind} | marks
        made["metadata"]["nbgrader"]["checksum"] = compute_checksum(nbformat.from_dict(made))
    return made


def answer(name: str, stub: str = "") -> Raw:
    return cell(stub or f"def {name}(x):\n    {STUB}", grade_id=name, solution=True)


def check_cell(grade_id: str, source: str) -> Raw:
    return cell(source, grade_id=grade_id, grade=True, locked=True, points=2)


def released() -> Raw:
    """A small assignment as nbgrader releases it: two functions, a prediction, a written answer."""
    prediction = answer(
        "prediction__more_choice", f'def prediction__more_choice():\n    # return "a" or "b"\n    {STUB}'
    )
    cells = [
        cell("# Numbers", "markdown"),
        answer("double"),
        check_cell("double__of_three", DOUBLE_CHECK),
        check_cell("double__of_half", "# Hidden check, 3 points: Halves are doubled too"),
        answer("square"),
        check_cell("square__of_a_double", "assert square(double(1)) == 4"),
        check_cell("square__of_three", 'assert square(3) == 9, "9 was expected"'),
        prediction,
        check_cell(
            "prediction__more",
            PREDICTION_CHECK,
        ),
        cell("*Write your answer here.*", "markdown", "written__why", grade=True, solution=True, points=5),
    ]
    ids = [one["metadata"]["nbgrader"]["grade_id"] for one in cells[1:]]
    checks = [each for each in ids if not at({"cells": cells}, each)["metadata"]["nbgrader"]["solution"]]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "normlab": {"assignment": "numbers", "cells": ids, "checks": checks}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def at(notebook: Raw, grade_id: str) -> Raw:
    return next(one for one in notebook["cells"] if one["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def filled(**answers: str) -> Raw:
    notebook = released()
    texts = {
        "double": DOUBLE,
        "square": SQUARE,
        "prediction__more_choice": 'def prediction__more_choice():\n    return "a"',
        "written__why": "Because.",
    }
    for grade_id, text in (texts | answers).items():
        at(notebook, grade_id)["source"] = text
    return notebook


def saver(folder: Path) -> Save:
    """A function that writes a notebook into ``folder`` and returns its path."""

    def saved(notebook: Raw, name: str = "numbers.ipynb") -> Path:
        (folder / name).write_text(json.dumps(notebook), encoding="utf-8")
        return folder / name

    return saved


def status(report: Report) -> dict[str, str]:
    return {task.name: task.status for task in report.tasks}


def reasons(report: Report, name: str) -> tuple[str, ...]:
    return next(task.reasons for task in report.tasks if task.name == name)


ALL_DONE = {"double": "passed", "square": "passed", "prediction__more": "chosen", "written__why": "written"}
