"""What repairing a submission makes of it."""

from __future__ import annotations

import json

from autograder.assignment import Assignment
from autograder.intake import parse
from autograder.limits import Limits
from autograder.repair import repair
from tests.course_factory import Notebook, assignment, cell

SOURCE = assignment()
TESTS = ("test_f", "test_g")


def repaired(work: Notebook, source: Assignment = SOURCE) -> tuple[Notebook, list[str]]:
    return repair(source, parse(json.dumps(work).encode(), Limits()))


def graded(*order: str, checks: str = "{name}(1)") -> list[str]:
    """The cells to grade where f, g and hh were asked for; each is named by its id, or is a source."""
    cells = {"imports": cell("code", "imports", "import numpy as np", locked=True)}
    for name in ("f", "g", "hh"):
        solved = f"def {name}(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"
        cells[name] = cell("code", name, solved, solution=True)
        cells[f"test_{name}"] = cell(
            "code", f"test_{name}", checks.format(name=name), grade=True, locked=True, points=1
        )
    source = Assignment("f", {"cells": [*cells.values()], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    kinds = {True: "markdown", False: "code"}
    handed_in = [
        cells.get(each) or cell(kinds[each.startswith("# ")], f"own-{place}", each) for place, each in enumerate(order)
    ]
    work = {"cells": handed_in, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    notebook = repaired(work, source)[0]
    sources = {raw["source"]: name for name, raw in cells.items()}
    return [sources.get(raw["source"], raw["source"]) for raw in notebook["cells"]]
