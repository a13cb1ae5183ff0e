"""Answers that a person should look at are flagged; honest ones, alike as they may be, are not."""

from __future__ import annotations

from typing import Any

import pytest

from autograder.assignment import Assignment
from autograder.originality import Originality, Review, copies

FIRST = '''def first(x):
    """The mean square, step by step."""
    ### BEGIN SOLUTION
    total = 0.0
    for value in x:
        square = value * value
        total = total + square
    mean = total / len(x)
    ### END SOLUTION
    return mean'''
SECOND = '''def second(x):
    """The mean square, in one go."""
    ### BEGIN SOLUTION
    mean = float(np.mean(np.square(x)))
    ### END SOLUTION
    return mean'''
THIRD = "def third(x):\n    return first(x) ** 0.5"
LONG = "\n".join(
    f"    step{i} = np.sum(x * {i}) + gamma[{i}] / np.sqrt(beta + {i})  # the part of feature {i}" for i in range(10)
)
SETTINGS = Originality(modules=["course.graph"])


def cell(source: str, grade_id: str | None = None) -> dict[str, Any]:
    is_test = source.startswith("assert")
    marks = {"grade_id": grade_id, "solution": not is_test, "grade": is_test, "locked": is_test, "points": 1}
    made = {"cell_type": "code", "id": grade_id or f"c{len(source)}", "source": source, "outputs": []}
    return made | {"metadata": {"nbgrader": marks} if grade_id else {}, "execution_count": None}


def notebook(*extra: str, **answers: str) -> dict[str, Any]:
    sources = {"first": FIRST, "second": SECOND, "third": THIRD} | answers
    cells = [cell("import numpy as np\nfrom course.graph import vjp"), *map(cell, extra)]
    cells += [cell(source, name) for name, source in sources.items()]
    cells += [cell(f"assert {name}([2.0])", f"{name}__two") for name in sources]
    for number, each in enumerate(cells):
        each["metadata"]["autograder"] = {"cell": number}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


@pytest.fixture
def assignment() -> Assignment:
    return Assignment("a", notebook())


def flagged(assignment: Assignment, *extra: str, **answers: str) -> list[str]:
    return Review(assignment, SETTINGS).flags(notebook(*extra, **answers))


def test_the_instructors_own_answers_are_not_flagged(assignment: Assignment) -> None:
    assert flagged(assignment) == []


def test_an_answer_that_calls_another_task_is_flagged_unless_the_instructors_does(assignment: Assignment) -> None:
    assert flagged(assignment, second="def second(x):\n    return first(x)") == ["second is done by calling first"]
    through_a_helper = "def help(x):\n    return first(x)\ndef second(x):\n    return help(x)"
    assert flagged(assignment, second=through_a_helper) == ["second is done by calling first"]
    assert flagged(assignment, second="second = first") == ["second is done by calling first"]
    assert flagged(assignment, third="def third(x):\n    return np.sqrt(first(x))") == []


def test_a_copy_of_the_first_version_is_flagged_however_its_names_are_changed(assignment: Assignment) -> None:
    renamed = FIRST.replace("first", "second").replace("total", "s").replace("value", "v").replace("mean =", "m =")
    (sentence,) = flagged(assignment, second=renamed.replace("return mean", "return m"))
    assert sentence.startswith("second is a copy of first")


def test_an_answer_that_lets_a_library_do_the_work_is_flagged(assignment: Assignment) -> None:
    for source in (
        "def second(x):\n    return vjp(x)",
        "import course.graph as g\ndef second(x):\n    return g.vjp(x)",
        "def second(x):\n    from course import graph\n    return graph.vjp(x)",
        "from course.graph import vjp as mine\ndef second(x):\n    return mine(x)",
    ):
        assert flagged(assignment, second=source) == ["second leaves the work to a library (course.graph.vjp)"], source
    assert flagged(assignment, "print(vjp(first))") == []


def test_an_answer_that_watches_the_grader_is_flagged(assignment: Assignment) -> None:
    for source, sentence in (
        ("import time\ndef second(x):\n    return time.perf_counter()", "second reads the clock (time.perf_counter)"),
        ("from time import time as t\ndef second(x):\n    return t()", "second reads the clock (time.time)"),
        ("def second(x):\n    import sys\n    return sys._getframe()", "second reads the interpreter (sys._getframe)"),
        ("def second(x):\n    return x.f_back", "second reads the interpreter (inspect.f_back)"),
        ("def second(x):\n    return open('/tmp/x')", "second reads files or other processes (open)"),
    ):
        assert flagged(assignment, second=source) == [sentence], source


def test_a_demonstration_may_read_the_clock(assignment: Assignment) -> None:
    assert flagged(assignment, "import time\nx = time.time()\nmean = time.time() - x") == []


def test_names_of_a_function_s_own_are_not_those_of_other_cells(assignment: Assignment) -> None:
    assert flagged(assignment, "total = first([1])", second="def second(x, total=0):\n    return total + 1") == []


def test_a_cell_that_is_no_python_is_passed_over(assignment: Assignment) -> None:
    assert flagged(assignment, "def broken(:", first="def first(x:\n") == []


def test_one_answer_of_several_students_is_flagged(assignment: Assignment) -> None:
    mine = f"def first(x):\n{LONG}\n    mean = step1\n    return mean"
    touched_up = mine.replace("feature 3", "column 3").replace("step1\n", "step1\n\n")
    other_names = mine.replace("step", "s_").replace("gamma", "g").replace("beta", "b").replace("the part", "a part")
    answers = {"ann": mine, "bob": touched_up, "cy": other_names, "dee": FIRST, "eve": "", "flo": FIRST}
    found = copies(assignment, {name: {"first": source} for name, source in answers.items()}, SETTINGS)
    assert {copy.students for copy in found} == {("ann", "bob"), ("ann", "cy"), ("bob", "cy")}
    assert str(found[0]).startswith("first: the answers of ann and bob are ")


def test_short_and_released_text_is_alike_by_chance(assignment: Assignment) -> None:
    answers = {student: {"first": FIRST, "second": SECOND} for student in ("ann", "bob")}
    assert copies(assignment, answers, SETTINGS) == []
