"""The namespace of the trusted cells, and how what a test raised reads; in this process, without a student's."""

from __future__ import annotations

import linecache
import sys
from textwrap import indent
from typing import Any

import pytest

from autograder.assignment import Assignment, Cell
from autograder.errors import BoundaryError
from autograder.limits import Limits
from autograder.outputs import Outputs
from autograder.trusted import Failure, Namespace
from tests import course_factory as factory

HELPER = "def helper(v):\n    assert v == 3, f'got {v}'\n"


class Trusted:
    """The namespace of a notebook of one answer and these tests, and what they showed."""

    def __init__(self, *tests: str) -> None:
        cells = [factory.cell("code", "answer", "def f():\n    return 1\nsetting = 2", solution=True)]
        marks: Any = {"grade": True, "locked": True, "points": 1}
        cells += [factory.cell("code", f"t{place}", source, **marks) for place, source in enumerate(tests)]
        assignment = Assignment("t", {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        self.tests = assignment.tests
        self.namespace = Namespace(assignment)
        self.outputs = Outputs(Limits())

    def run(self, place: int = 0) -> Any:
        return self.namespace.execute(self.tests[place], self.outputs)

    def shown(self) -> list[Any]:
        return [item.get("text") or item["data"]["text/plain"] for item in self.outputs.take()]

    def failure(self, place: int = 0) -> Failure:
        try:
            self.run(place)
        except Exception as error:
            return Failure.of(error, self.tests[place])
        raise AssertionError


@pytest.fixture(autouse=True)
def same_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process keeps its own main module, and its sources."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(linecache, "cache", dict(linecache.cache))


def test_a_cell_sees_what_cells_before_it_bound_and_is_worth_its_last_expression() -> None:
    trusted = Trusted("n = 3\nn + 1", "n * 2;", "n = None\nn", "import __main__\n__main__.n is n and __name__")
    assert [trusted.run(place) for place in range(4)] == [4, None, None, "__main__"]
    assert trusted.shown() == ["4", "'__main__'"]


def test_a_message_may_be_shown_where_what_is_hidden_has_no_part_in_it() -> None:
    helper = "def small(n):\n    assert n < 3, n\n"

    def hidden(text: str) -> str:
        return f"### BEGIN HIDDEN TESTS\n{text}\n### END HIDDEN TESTS\n"

    shown = [
        f"{helper}n = 5\nsmall(n)\n{hidden('assert n == 6')}",
        f"{helper}{hidden('assert small(1) is None')}small(5)",
        f"def check():\n    small(5)\n{indent(hidden('assert 1'), '    ')}{helper}check()",
        "1 / 0",
    ]
    kept = [
        f"{helper}{hidden('assert small(9)')}",
        f"{helper}{hidden('n = 5')}small(n)",
        f"{helper}{hidden('assert (n := 5)')}small(n)",
        f"{helper}cases = [1,\n{hidden('5')}]\nfor n in cases:\n    small(n)",
        f"\n\n%matplotlib inline\n{hidden('assert 0')}",
    ]
    trusted = Trusted(*shown, *kept)
    assert [trusted.failure(place).shown for place in range(9)] == [True] * 4 + [False] * 5


def test_an_answer_that_is_missing_is_said_to_be_and_other_errors_as_they_are() -> None:
    trusted = Trusted("first(1)", "second(1)", "1 / 0")
    assert [trusted.failure(place).told(["zeroth", "first"]) for place in range(3)] == [
        "first is not defined: its cell failed, is empty, or gives another name",
        "NameError: name 'second' is not defined",
        "ZeroDivisionError: division by zero",
    ]


def test_what_is_displayed_is_shown_once_and_is_worth_nothing() -> None:
    says = "import sys\ndisplay(3)\nprint('b')\nprint('c', file=sys.stderr)\nget_ipython().system('no')"
    trusted = Trusted("display('a', 2)", says)
    assert [trusted.run(), trusted.run(1)] == [None, None]
    assert trusted.shown() == ["'a'", "2", "3", "b\n", "c\n"]


def test_this_process_prints_and_displays_as_before_whether_a_cell_ends_well_or_not() -> None:
    trusted = Trusted("print('x')", "print('y')\n1 / 0")
    kept = sys.stdout, sys.stderr, sys.displayhook
    trusted.run()
    assert (sys.stdout, sys.stderr, sys.displayhook) == kept
    assert trusted.failure(1).name == "ZeroDivisionError"
    assert (sys.stdout, sys.stderr, sys.displayhook) == kept
    assert trusted.shown() == ["x\ny\n"]


def test_a_test_can_read_the_source_of_its_own_functions() -> None:
    assert Trusted(f"{HELPER}import inspect\ninspect.getsource(helper)").run() == HELPER


def test_a_text_of_an_object_is_bounded_and_one_that_has_none_is_named() -> None:
    trusted = Trusted("'x' * 5000", "class Odd:\n    def __repr__(self): 1 / 0\nOdd()")
    trusted.run(), trusted.run(1)
    long, odd = trusted.shown()
    assert len(long) == 2000
    assert odd == "<Odd whose repr raised ZeroDivisionError>"


def test_names_of_the_student_are_those_that_were_found_and_no_others() -> None:
    trusted = Trusted("[name for name in ('f', 'setting', 'own') if name in globals()]", "own = f = setting = 1")
    trusted.run(1)
    trusted.namespace.take({"f": len})
    assert trusted.run() == ["f", "own"]
    assert trusted.namespace.names["f"] is len
    trusted.namespace.take({})
    assert trusted.run() == ["own"]


def test_imports_are_there_but_for_those_that_this_machine_does_not_have() -> None:
    trusted = Trusted("m.floor(1.5) + len(dumps(1))")
    trusted.namespace.run_quietly("import math as m\nimport no_such_module\nfrom json import dumps")
    assert trusted.run() == 2


def test_a_failure_has_the_lines_of_the_test_alone() -> None:
    trusted = Trusted(f"{HELPER}helper(4)", "helper(5)", "assert False", "assert False, 'x' * 5000")
    failure = trusted.failure()
    assert (failure.name, failure.message, failure.at_boundary) == ("AssertionError", "got 4", False)
    assert str(failure) == "AssertionError: got 4"
    assert failure.lines == [
        "AssertionError    Traceback (most recent call last)",
        "Cell <t0>, line 3\n    helper(4)",
        "Cell <t0>, line 2\n    assert v == 3, f'got {v}'",
        "AssertionError: got 4",
    ]
    assert trusted.failure(1).lines[1:] == ["Cell <t1>, line 1\n    helper(5)", "AssertionError: got 5"]
    bare = trusted.failure(2)
    assert (str(bare), bare.lines[-1]) == ("AssertionError", "AssertionError")
    assert trusted.failure(3).message == "x" * 2000


def test_a_failure_within_a_function_of_another_cell_has_the_line_that_called_it() -> None:
    trusted = Trusted(HELPER, "helper(1)", HELPER)
    for helper in (0, 2):
        trusted.run(helper)
        assert trusted.failure(1).lines[1:] == ["Cell <t1>, line 1\n    helper(1)", "AssertionError: got 1"]


def test_a_failure_tells_of_the_students_code_and_of_what_may_not_cross() -> None:
    cell: Cell = Trusted("1").tests[0]
    error = BoundaryError("no")
    error.student_traceback = "line 3"  # type: ignore[attr-defined]
    failure = Failure.of(error, cell)
    assert failure.at_boundary
    assert failure.lines[1:] == ["In the student's code:\nline 3", "BoundaryError: no"]


def test_a_failure_whose_text_cannot_be_had_is_told_by_its_name() -> None:
    failure = Trusted("class E(Exception):\n    def __str__(self): 1 / 0\nraise E").failure()
    assert (failure.name, failure.message, failure.lines[-1]) == ("E", "", "E")


PLACES = ((1, "<module>"), (3, "f"), (5, "f"), (17, "g"))
FRAMES = "".join(f'  File "<ipython-input-2-ab>", line {line}, in {name}\n    1 / 0\n' for line, name in PLACES)


@pytest.mark.parametrize(
    ("student", "message", "told"),
    [
        (FRAMES, "x", "KeyError, line 17 in g: x"),
        (FRAMES, "", "KeyError, line 17 in g"),
        ('  File "/usr/lib/python3/ast.py", line 5, in parse\n    ...\n', "x", "KeyError, raised by the answer: x"),
        (FRAMES.replace("17", "1" * 7), "x", "KeyError, line 5 in f: x"),
        ("", "", "KeyError, raised by the answer"),
    ],
)
def test_the_line_of_the_students_code_that_raised_is_told(student: str, message: str, told: str) -> None:
    class KeyError(Exception):
        student_traceback = student

    assert str(Failure.of(KeyError(message), Trusted("1").tests[0])) == told


FAULTS = {
    "nobody_binds_it": True,
    "import math\nmath.sqare": True,
    "open('/no/such/file')": True,
    "import no_such_module": True,
    "bound_below": False,  # by a cell that has not run, or that failed for what the student wrote
    "f": False,  # the student's own
    "(1).x": False,
    "1 / 0": False,
    "bound_below = 2": None,
    "m": False,
    "from math import sqrtt as m, sqrt as twice\nafter_it = twice = 1": True,
    "both": False,  # bound twice by the next
    "import math as both\nboth = both.pi": None,
    "def last(values):\n    for each in values: found = each\n    return found\nlast([])": False,
    "def outer():\n    def inner(): return late\n    inner()\n    late = 1\nouter()": False,
    "match []:\n    case [head, *tail]: pass\nhead": False,
    "match {}:\n    case {'a': some as whole, **rest}: pass\nrest": False,
    "def sets():\n    global TABLE\n    1 / 0\nTABLE": False,
    "import math\ngetattr(math, 'no' + 'name')": False,
    "open('no' + '/file')": False,
    "raise TimeoutError('too slow')": False,
    "m.x": True,  # now it is known whose fault that is
    "after_it": True,
    "twice": True,
}


def test_a_fault_of_the_course_is_told_from_what_the_student_may_be_to_blame_for() -> None:
    trusted = Trusted(*FAULTS)
    found: dict[str, bool | None] = {}
    of_the_student = []
    for place, source in enumerate(FAULTS):
        try:
            trusted.run(place)
            found[source] = None
        except Exception as error:
            found[source] = trusted.namespace.failure(error, trusted.tests[place]).is_fault
            error.student_traceback = "line 1"  # type: ignore[attr-defined]
            of_the_student.append(trusted.namespace.failure(error, trusted.tests[place]).is_fault)
    assert found == FAULTS
    assert not any(of_the_student)


def test_a_file_that_numpy_does_not_find_is_the_courses_where_the_cell_names_it() -> None:
    missing = Trusted("np = __import__('numpy')\nnp.loadtxt('no_such.csv')")
    theirs = Trusted("x = None\nnp = __import__('numpy')\nnp.loadtxt(''.join(['a', '.csv']))")
    for trusted, fault in ((missing, True), (theirs, False)):
        with pytest.raises(FileNotFoundError) as caught:
            trusted.run()
        assert caught.value.filename is None
        assert trusted.namespace.failure(caught.value, trusted.tests[0]).is_fault == fault
