"""Answers that a person should look at are flagged; honest ones, alike as they may be, are not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from autograder.answers import Answer, answered, blank
from autograder.assignment import Assignment
from autograder.course import Course
from autograder.originality import Originality, Review, copies
from autograder.program import MAX_SOURCE
from autograder.repair import repair
from reference.course import Course as Reference

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


@pytest.mark.parametrize("way", ["box.work = first", "box['work'] = first", "box.update(work=first)"])
def test_nor_does_what_was_put_into_an_object_hide(assignment: Assignment, way: str) -> None:
    extra = f"box = Box()\n{way}"
    second = "def second(x):\n    return box.work(x)"
    assert flagged(assignment, second=f"{extra}\n{second}") == ["second is done by calling first"]
    assert flagged(assignment, extra, second=second) == ["second is done by calling first"]


def test_a_copy_of_the_first_version_is_flagged_however_its_names_are_changed(assignment: Assignment) -> None:
    renamed = FIRST.replace("first", "second").replace("total", "s").replace("value", "v").replace("mean =", "m =")
    (sentence,) = flagged(assignment, second=renamed.replace("return mean", "return m"))
    assert sentence.startswith("second is a copy of first")


def test_two_tasks_that_leave_the_work_to_one_function_are_flagged(assignment: Assignment) -> None:
    helper = FIRST.replace("first", "walk")
    both = {name: f"def {name}(x):\n    return walk(x)" for name in ("first", "second")}
    assert flagged(assignment, helper, **both) == ["first and second leave the work to one function (walk)"]
    assert flagged(assignment, helper, first=both["first"]) == []
    assert flagged(assignment, "def walk(x):\n    return x", **both) == []


@pytest.mark.parametrize("name", ["batchnorm", "layernorm", "network"])
def test_stubs_as_they_were_handed_out_are_no_copies_however_alike_they_are(name: str) -> None:
    root = Path(__file__).parent.parent
    course = Course.open(root)
    source = course.notebooks(name)[name]
    handed_out, _ = repair(source, blank(source))
    assert Review(source, Originality(config=course.config)).flags(handed_out) == []


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
        (
            "import numpy as np\ndef second(x):\n    return np.datetime64('now')",
            "second reads the clock (numpy.datetime64)",
        ),
        (
            "import numpy as np\ndef second(x):\n    np.save('x', x)",
            "second reads files or other processes (numpy.save)",
        ),
        ("def second(x):\n    return open('/tmp/x')", "second reads files or other processes (open)"),
        (f"def second(x):\n    return open.{'a' * 99}", f"second reads files or other processes (open.{'a' * 55}…)"),
    ):
        assert flagged(assignment, second=source) == [sentence], source


@pytest.mark.parametrize(
    "way",
    [
        "(x + 1e-20j).imag",
        "np.imag(x)",
        "x.astype(complex)",
        "x.view('D')",
        "np.ones(2, dtype='complex64')",
        "np.zeros(2, np.complex128)",
        "np.zeros(2, 'D')",
        "np.full(2, 0, 'G')",
        "np.dtype('F')",
        "np.linspace(0, 1, dtype='D')",
        "isinstance(x, complex(0, 1))",
    ],
)
def test_a_derivative_by_complex_numbers_is_flagged(assignment: Assignment, way: str) -> None:
    (sentence,) = flagged(assignment, second=f"def second(x):\n    return {way}")
    assert sentence.startswith("second uses complex numbers (")


@pytest.mark.parametrize("way", ["x.astype(np.longdouble)", "np.float128(x)", "D('1e-9')"])
def test_a_difference_with_more_digits_is_flagged(assignment: Assignment, way: str) -> None:
    (sentence,) = flagged(assignment, second=f"from decimal import Decimal as D\ndef second(x):\n    return {way}")
    assert sentence.startswith("second uses numbers of more digits (")


@pytest.mark.parametrize(
    "other",
    [
        "x.reshape(6, 4, order='F')",
        "x.flatten('F')",
        "np.ravel(x, 'F')",
        "np.array(x, order='F')",
        "x.plot(x, 'D')",
        "x.get('G')",
        "isinstance(x, complex)",
        "isinstance(x, (float, np.complexfloating))",
        "np.iscomplexobj(x)",
    ],
)
def test_an_order_a_marker_a_key_and_a_question_are_no_complex_numbers(assignment: Assignment, other: str) -> None:
    assert flagged(assignment, second=f"import numpy as np\ndef second(x):\n    return {other}") == []


def test_a_variable_may_have_the_name_of_a_builtin_or_a_module(assignment: Assignment) -> None:
    second = "def second(x):\n    open, time = x > 0, 3\n    return open.all() + time"
    assert flagged(assignment, second=f"import time\n{second}") == []
    for inside in (
        "import time\n    return time.time()",
        "class Now:\n        time = time.time()\n    return Now.time",
    ):
        watches = f"import time\ndef second(x):\n    {inside}"
        assert flagged(assignment, second=watches) == ["second reads the clock (time.time)"]


def test_what_is_passed_through_a_text_or_a_magic_is_read_or_said_to_be_unread(assignment: Assignment) -> None:
    copied = "%%time\ndef second(x):\n    return first(x)"
    assert flagged(assignment, second=copied) == ["second is done by calling first"]
    handed_in = notebook(second=f"exec({copied[7:]!r})")
    review = Review(assignment, SETTINGS)
    assert review.flags(handed_in, ["second__two"]) == ["second could not be read for its method"]
    assert review.flags(handed_in, ["first__two"]) == []
    written = "%%writefile x.py\ndef second(x):\n    return 0"
    behind = notebook(second="def second(x):\n    return first(x)")
    behind["cells"] += [cell(written) | {"metadata": {"autograder": {"cell": None}}}]
    assert review.flags(behind) == ["second is done by calling first"]


@pytest.mark.parametrize(
    "second",
    [
        "if np:\n    def second(x):\n        return np.mean(x * x)\nelse:\n    second = None",
        "try:\n    from numba import second\nexcept ImportError:\n    def second(x):\n        return np.mean(x * x)",
        "with np.errstate(divide='ignore'):\n    def second(x):\n        return np.mean(x * x)",
        "from numpy import mean as second",
    ],
)
def test_an_answer_may_be_defined_in_any_way_that_can_be_read(assignment: Assignment, second: str) -> None:
    assert Review(assignment, SETTINGS).flags(notebook(second=second), ["second__two"]) == []


def test_a_demonstration_may_read_the_clock(assignment: Assignment) -> None:
    assert flagged(assignment, "import time\nx = time.time()\nmean = time.time() - x") == []


def test_names_of_a_function_s_own_are_not_those_of_other_cells(assignment: Assignment) -> None:
    assert flagged(assignment, "total = first([1])", second="def second(x, total=0):\n    return total + 1") == []


def test_a_cell_that_is_no_python_is_passed_over(assignment: Assignment) -> None:
    assert flagged(assignment, "def broken(:", first="def first(x:\n") == []


@pytest.mark.parametrize(
    "source",
    [
        "def more(x, x):\n    return x",
        "def more(x):\n    global x",
        "x: int = 3\ndef more():\n    global x\n    x: int = 3",
        "def more():\n    nonlocal q\n    q = 1",
        "def more():\n    from math import *",
        "y = [i := 0 for i in range(3)]",
        "from __future__ import nope",
        "y = 0x" + "f" * 5000,
    ],
)
def test_a_statement_that_parses_and_is_no_python_is_passed_over_by_itself(assignment: Assignment, source: str) -> None:
    borrowed = "def second(x):\n    return first(x)"
    assert flagged(assignment, source, second=f"{source}\n{borrowed}") == ["second is done by calling first"]


def test_a_cell_full_of_magics_is_read_at_once(assignment: Assignment) -> None:
    start = time.process_time()
    borrowed = "def second(x):\n    %time\n    return first(x)"
    for magic in ("!ls", "%pwd", ",print a", "help?"):
        flagged(assignment, f"{magic}\n" * 600, f"{magic}\n" * 15_000)
    assert time.process_time() - start < 2
    (sentence,) = flagged(assignment, second="!ls\n" * 600 + borrowed)
    assert sentence == "second is done by calling first"


def test_an_honest_constructor_may_read_its_own_names(assignment: Assignment) -> None:
    own = "class second:\n    def __init__(self, x):\n        self.__dict__.update(locals()), vars(self)"
    assert flagged(assignment, second=own) == []


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


def test_answers_longer_than_anybody_writes_are_compared_in_bounded_time(assignment: Assignment) -> None:
    long = "\n".join(f"a{i % 7} = {i % 11}" for i in range(MAX_SOURCE))  # millions of tokens
    answers = {student: {"first": f"def first(x):\n    return x\n{long}"} for student in ("ann", "bob")}
    start = time.process_time()
    (found,) = copies(assignment, answers, SETTINGS)
    assert found.students == ("ann", "bob")
    assert time.process_time() - start < 20  # it takes about one; without a bound, hours


def test_a_text_that_the_tokenizer_is_slow_at_is_compared_in_bounded_time(assignment: Assignment) -> None:
    endless = "'" + "\\'" * 60_000  # Python 3.11 looks for its end from each of its quotes
    answers = {student: {"first": f"def first(x):\n    return x\n{endless} 1 2 3"} for student in ("ann", "bob")}
    start = time.process_time()
    copies(assignment, answers, SETTINGS)
    assert time.process_time() - start < 20


BATCHNORM = Reference("batchnorm")


@pytest.fixture(scope="module")
def closed_form() -> tuple[Assignment, Review]:
    """The course's own first notebook, with the course's own settings."""
    course = Course.open(Path(__file__).parents[1])
    assignment = course.notebooks("batchnorm")["batchnorm"]
    return assignment, Review(assignment, Originality(config=course.config))


def of_the_course(closed_form: tuple[Assignment, Review], source: str) -> list[str]:
    assignment, review = closed_form
    notebook, _ = repair(assignment, answered(assignment, Answer("an answer", True, source)))
    return review.flags(notebook)


def test_a_closed_form_by_another_method_than_the_one_asked_for_is_flagged(
    closed_form: tuple[Assignment, Review],
) -> None:
    first = BATCHNORM.function_text("batchnorm_backward").replace("batchnorm_backward", "batchnorm_backward_alt")
    graph = (
        "from normlab import graph\ndef batchnorm_backward_alt(dout, cache):\n    return graph.backward(cache, dout)"
    )
    reexported = graph.replace("normlab import graph", "normlab import normcheck").replace(
        "graph.back", "normcheck.back"
    )
    for source, wanted in (
        (reexported, "batchnorm_backward_alt leaves the work to a library (normlab.normcheck.backward)"),
        (
            "def batchnorm_backward_alt(dout, cache):\n    return batchnorm_backward(dout, cache)",
            "batchnorm_backward_alt is done by calling batchnorm_backward",
        ),
        (first, "batchnorm_backward_alt is a copy of batchnorm_backward (100% alike)"),
        (graph, "batchnorm_backward_alt leaves the work to a library (normlab.graph.backward)"),
    ):
        assert of_the_course(closed_form, source) == [wanted]


def test_of_the_right_answers_those_alone_are_flagged_whose_closed_form_calls_the_first_version(
    closed_form: tuple[Assignment, Review],
) -> None:
    called = "batchnorm_backward_alt is done by calling batchnorm_backward"
    for answer in BATCHNORM.right_answers:
        alternative = answer.source.partition("def batchnorm_backward_alt")[2]
        wanted = [called] if "batchnorm_backward(dout, cache)" in alternative else []
        assert of_the_course(closed_form, answer.source) == wanted, answer.name
