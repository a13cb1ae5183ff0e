"""What a given cell draws is the same for tests, answer, and a process that takes a dead one's place."""

from __future__ import annotations

import pytest

from autograder.assignment import Assignment
from autograder.worker import Worker
from tests import course_factory as factory
from tests.repaired import repaired
from tests.three_tasks import LIMITS, check

DRAWS = {"numpy": "numpy.random.randn(3).tolist()", "random": "random.random()"}


@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.parametrize("module", DRAWS)
def test_what_a_given_cell_draws_the_answer_and_the_tests_both_have(locked: bool, module: str) -> None:
    draw = DRAWS[module]
    cells = [
        factory.cell("code", "imports", f"import numpy, random\n{module}.random.seed(231)", locked=True),
        factory.cell("code", "data", f"X = {draw}", **({"locked": True} if locked else {})),
        factory.cell("code", "more", f"Y = {draw}"),
        factory.cell("code", "f", "def f():\n    return [X, Y]", solution=True),
        check("same", "assert f() == [X, Y]"),
        factory.cell("code", "g", "import os\ndef g():\n    os._exit(3)", solution=True),
        check("death", "g()"),
        check("again", "assert f() == [X, Y]"),
        check("another", f"Z = {draw}\nassert Z != Y"),
    ]
    if module == "random":
        cells[0]["source"] = "import random\nrandom.seed(231)"
    work = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    assignment = Assignment("given", work)
    with Worker(assignment, LIMITS) as worker:
        checks = worker.grade(repaired(work, assignment)[0], seed=0).checks
    found = {name: each.status for name, each in checks.items()}
    assert found == {"same": "passed", "death": "killed", "again": "passed", "another": "passed"}
