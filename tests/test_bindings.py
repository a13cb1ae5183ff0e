"""A test that takes a student's name away, or puts a stand-in in its place, acts on the student's own process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.assignment import Assignment
from autograder.bindings import GONE, Bindings
from autograder.limits import Limits
from autograder.worker import Worker
from tests.course_factory import Notebook, failed, of_cells

SOLUTION = {
    "squares": "SCALE = 1\nshown = 3\ndef squares(n):\n    return [SCALE * i * i for i in range(1, n + 1)]",
    "total": "def total(n):\n    return sum(squares(n))",
}
NEEDS = "try:\n    total(1)\nexcept NameError:\n    pass\nelse:\n    raise AssertionError('squares is not used')\n"
TESTS = {
    "total__values": "assert total(3) == 14",
    "total__deleted": f"kept = squares\ndel squares\n{NEEDS}finally:\n    squares = kept",
    "total__is_back": "assert total(3) == 14 and squares(2) == [1, 4]",
    "total__deleted_in_a_function": (
        "def try_without():\n    global squares\n    kept = squares\n    del squares\n    "
        f"{'    '.join(NEEDS.splitlines(True))}    finally:\n        squares = kept\ntry_without()"
    ),
    "total__stand_in": "kept = squares\nsquares = lambda n: [n, n]\nassert total(4) == 8\nsquares = kept",
    "total__patched": (
        "from unittest import mock\nwith mock.patch('__main__.squares', return_value=[7]) as fake:\n"
        "    assert total(4) == 7\nfake.assert_called_once_with(4)\nassert total(1) == 1"
    ),
    "total__setting": "kept = SCALE\nSCALE = 10\nassert total(2) == 50\nSCALE = kept\nassert total(2) == 5",
    "total__secret": "kept = shown\nshown = 14\nassert total(3) == shown\nshown = kept",
    "total__not_put_back": f"gone = squares\ndel squares\n{NEEDS}",
    "total__stays_away": f"{NEEDS}",
}


def notebook(answers: dict[str, str]) -> Notebook:
    return of_cells(answers, TESTS)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(Assignment("squares", notebook(SOLUTION)), Limits(cell_seconds=10, total_seconds=60)) as started:
        yield started


def test_a_name_that_a_test_takes_away_is_away_and_comes_back(worker: Worker) -> None:
    assert failed(worker.grade(notebook(SOLUTION))) == {}


def test_an_answer_that_does_not_need_the_name_fails_those_tests_alone(worker: Worker) -> None:
    own = SOLUTION | {"total": "def total(n):\n    return sum(i * i for i in range(1, n + 1))"}
    assert set(failed(worker.grade(notebook(own)))) == {
        "total__deleted",
        "total__deleted_in_a_function",
        "total__stand_in",
        "total__patched",
        "total__setting",
        "total__not_put_back",
        "total__stays_away",
    }


def test_a_value_that_a_test_expects_does_not_travel_under_the_students_name(worker: Worker) -> None:
    spy = SOLUTION | {"total": "def total(n):\n    return shown if n == 3 else sum(squares(n))"}
    assert {"total__values", "total__secret"} <= set(failed(worker.grade(notebook(spy))))


def test_a_death_while_a_name_is_away_costs_that_test_alone(worker: Worker) -> None:
    body = "try:\n        return sum(squares(n))\n    except NameError:\n        import os; os._exit(1)"
    judged = worker.grade(notebook(SOLUTION | {"total": f"def total(n):\n    {body}"}))
    assert judged.checks["total__is_back"].status == "passed"
    assert judged.checks["total__setting"].status == "passed"
    assert judged.checks["total__deleted"].status == "killed"


def test_told_once_is_what_was_taken_away_a_function_put_in_its_place_and_a_value_that_the_solution_reads() -> None:
    names = {"squares": abs, "total": sum, "SCALE": 1, "shown": 3, "own": 1}
    bindings = Bindings(Assignment("squares", notebook(SOLUTION)), names)
    assert bindings.changes() == []
    del names["total"]  # which nothing of the solution reads
    names.update(SCALE=2, shown=4, own=2)
    assert dict(bindings.changes()) == {"SCALE": 2, "total": GONE}
    names.update(total=max)
    assert bindings.changes() == [("total", max)]
    assert bindings.changes() == []


def test_what_the_process_told_is_not_told_to_it() -> None:
    names = {"squares": abs, "total": sum, "SCALE": 1}
    bindings = Bindings(Assignment("squares", notebook(SOLUTION)), names)
    names.update(SCALE=2)
    del names["total"]
    bindings.know(["SCALE", "total"])
    assert bindings.changes() == []
    names.update(SCALE=3)
    assert bindings.changes() == [("SCALE", 3)]
