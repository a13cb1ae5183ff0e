"""Which cell runs where and when, and what is shown of it; the student's process is played here, in this one."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest

from autograder.limits import Limits
from tests import course_factory as factory
from tests.played_process import (
    a_judge,
    answer,
    check,
    given,
    judged,
    life_of,
    shown,
    verdicts,
)

pytestmark = pytest.mark.usefixtures("played")


# which cell runs where


def test_cells_run_in_the_process_in_their_order_but_for_tests_and_text() -> None:
    source = [
        factory.cell("markdown", "text", "1 / 0"), given("locked", "a = 1", locked=True), given("blank", " \n"),
        answer("b = 1"), given("lines", "c = 1\nd = 1"), check("t", "2"), factory.cell("raw", "raw", "1 / 0"),
    ]  # fmt: skip
    submitted = copy.deepcopy(source)
    submitted[1]["source"] = "1 / 0"
    submitted[4]["source"] = ["c = 1\n", "d = 1"]
    judge = a_judge(source, submitted)
    found = judge.run(0)
    assert life_of(judge).processes[0].ran == [("a = 1", 1), ("b = 1", 2), ("c = 1\nd = 1", 3)]
    assert [raw.get("execution_count") for raw in found.notebook["cells"]] == [None, 1, None, 2, 3, 4, None]
    assert ["outputs" in raw for raw in found.notebook["cells"]] == [False, *[True] * 5, False]
    assert life_of(judge).ended
    assert (found.deaths, list(found.checks)) == ([], ["t"])


def test_a_cell_whose_marks_are_no_marks_is_a_cell_like_any() -> None:
    odd: list[Any] = [{}, {"nbgrader": None}, {"nbgrader": []}, {"nbgrader": {}}, {"nbgrader": {"grade_id": [1]}}]
    for metadata in odd:
        cell = {**given("c", "n = 1"), "metadata": metadata}
        judge = a_judge([check("t", "2")], [cell, check("t", "2")])
        assert verdicts(judge.run(0)) == {"t": ("passed", 2, 2, "")}
        assert life_of(judge).processes[0].ran == [("n = 1", 1)]


@pytest.mark.parametrize(("length", "shown"), [(49, "y" * 49), (50, "y" * 50), (51, "y" * 49 + "…")])
def test_a_cell_without_an_id_is_named_by_what_fits_of_its_first_line(length: int, shown: str) -> None:
    judge = a_judge([given("breaks", f"\n{'y' * length}\n1 / 0"), check("t", "")])
    (death,) = judge.run(0).deaths
    assert death.startswith(f"cell [1] ({shown}): ")


def test_a_cell_that_breaks_its_process_is_left_out_of_the_next_one() -> None:
    cells = [
        answer("n = 1"),
        given("breaks", "emit([{'output_type': 'stream', 'text': 'x'}])\n1 / 0"),
        given("on", "m = n"),
    ]
    judge = a_judge([*cells, check("t", "assert n == 1")])
    found = judge.run(0)
    reason = "the cell broke the process that it ran in (ZeroDivisionError)"
    assert found.deaths == [f"cell [2] (emit([{{'output_type': 'stream', 'text': 'x'}}])): {reason}"]
    assert shown(found, 1) == [("stream", "x"), ("error", "StudentProcessEnded")]
    told = found.notebook["cells"][1]["outputs"][1]
    assert (told["evalue"], told["traceback"]) == (reason, [f"The cell did not finish: {reason}."])
    assert [each.ran for each in life_of(judge).processes] == [
        [("n = 1", 1), (cells[1]["source"], 2)],
        [("n = 1", 1), ("m = n", 3)],
    ]
    assert found.scores == {"t": 2}


@pytest.mark.parametrize("error", ["StudentDied('it ended')", "CellTimeout('too long')"])
def test_a_cell_that_ends_its_process_is_told_the_reason(error: str) -> None:
    dies = f"from autograder.exceptions import CellTimeout, StudentDied\nraise {error}"
    found = judged([answer(dies), check("t", "2")])
    reason = error.split("'")[1]
    assert found.deaths == [f"answer: {reason}"]
    assert found.notebook["cells"][0]["outputs"][0]["evalue"] == reason


def test_names_are_fetched_anew_only_after_a_cell_ran() -> None:
    cells = [answer("n = 1"), given("uses", "m = n + 1"), check("a", "assert n == 1"), check("b", "assert m == 2")]
    judge = a_judge([*cells, given("changes", "n = 5"), check("c", "assert n == 5")])
    assert judge.run(0).scores == {"a": 2, "b": 2, "c": 2}
    assert life_of(judge).processes[0].fetched == 3


def test_the_imports_of_an_answer_are_there_for_the_tests() -> None:
    source = [answer("import math as m\nn = 1"), check("t", "assert m.floor(1.5) == n")]
    assert judged(source, [answer("n = 1"), source[1]]).scores == {"t": 2}


# given cells that tests need


def test_given_cells_run_here_in_their_order_before_what_stands_after_them() -> None:
    cells = [
        given("first", "steps = ['first']"),
        given("second", "steps.append('second')\nseen = len(steps)", locked=True),
        check("a", "assert (steps, seen) == (['first', 'second'], 2)"),
        given("third", "seen = 'later'"),
        check("b", "assert seen == 'later'"),
    ]
    judge = a_judge(cells)
    assert judge.run(0).scores == {"a": 2, "b": 2}
    assert len(life_of(judge).steps) == 3  # the process's own cells; what needs none of its names is not done again


def test_a_locked_given_cell_runs_here_before_it_runs_in_the_process() -> None:
    counts = given("counts", "before = ran()", locked=True)
    found = judged([answer("def ran(): return len(process.ran)"), counts, check("t", "assert before == 1")])
    assert found.scores == {"t": 2}


def test_a_given_cell_that_uses_the_students_names_is_done_again_with_a_new_process() -> None:
    cells = [
        answer("class Thing: pass"),
        given("makes", "thing = Thing()"),
        check("before", "assert type(thing) is Thing"),
        given("dies", "if not process.told[1:] and len(process.ran) > 2: raise ValueError"),
        check("after", "assert type(thing) is Thing"),
    ]
    found = judged(cells)
    assert found.scores == {"before": 2, "after": 2}
    assert len(found.deaths) == 1


@pytest.mark.parametrize("asks", ["the test", "a given cell"])
def test_a_name_that_the_new_process_does_not_have_is_no_longer_that_of_the_old_one(asks: str) -> None:
    dies_again = "from autograder.exceptions import StudentDied\nif generation > 1: raise StudentDied('again')\nn = 1"
    uses = [given("uses", "m = n")] if asks == "a given cell" else []
    found = judged([answer(dies_again), given("dies", "1 / 0"), *uses, check("t", "assert m == 1" if uses else "n")])
    told = {
        "the test": "n is not defined: its cell failed, is empty, or gives another name",
        "a given cell": "NameError: name 'm' is not defined",
    }
    assert found.checks["t"].message == told[asks]


def test_a_given_cell_that_cannot_run_here_is_flagged_and_an_error_of_the_students_is_not() -> None:
    errors = ("StudentDied('it ended')", "CellTimeout('too long')", "BoundaryError('not that')", "ValueError('theirs')")
    imports = (
        "from autograder.errors import BoundaryError\nfrom autograder.exceptions import CellTimeout, StudentDied\n"
    )
    flags = []
    for error in errors:
        cells = [answer(f"def f():\n    {imports.replace(chr(10), chr(10) + '    ')}raise {error}")]
        cells += [given("helper", "print('here')\nn = 3; n = f()"), check("t", "assert n == 3")]
        submitted = copy.deepcopy(cells)
        submitted[1]["source"] = "pass"
        found = judged(cells, submitted)
        flags.append(found.flags)
        assert found.scores == {"t": 2}
        assert shown(found, 2) == []
    assert flags == [
        ["The given cell <cell 1> did not finish: it ended"],
        ["The given cell <cell 1> did not finish: too long"],
        ["The given cell <cell 1> cannot run beside the student's: not that"],
        [],
    ]


def test_what_comes_from_the_process_is_shown_with_the_cell_that_runs() -> None:
    says = "def f():\n    emit([{'output_type': 'stream', 'name': 'stdout', 'text': 'theirs'}])"
    found = judged([answer(says), given("calls", "f()"), check("t", "f()\nprint('ours')\ndisplay(2)\n'value'")])
    assert [shown(found, place) for place in range(2)] == [[], [("stream", "theirs")]]
    assert [kind for kind, _ in shown(found, 2)] == ["stream", "display_data", "execute_result"]
    assert shown(found, 2)[0] == ("stream", "theirsours\n")
    assert [item.get("execution_count") for item in found.notebook["cells"][2]["outputs"]] == [None, None, 3]


def test_what_a_given_cell_shows_is_shown_once_and_not_again_with_the_test_that_needs_it() -> None:
    says = "def f():\n    emit([{'output_type': 'stream', 'name': 'stdout', 'text': 'theirs'}])\n    return 1"
    found = judged([answer(says), given("uses", "n = f()"), check("t", "assert n == 1")])
    assert [shown(found, place) for place in range(3)] == [[], [("stream", "theirs")], []]


def test_outputs_over_the_limit_of_the_notebook_are_cut_once_they_are_over_it() -> None:
    shows = "emit([{'output_type': 'stream', 'text': 'x' * 5}, {'output_type': 'display_data', 'data': DATA}])"
    cells = [
        given(f"c{place}", shows.replace("DATA", "{'text/plain': '12', 'text/html': '345'}")) for place in range(3)
    ]
    whole = [("stream", "xxxxx"), ("display_data", {"text/plain": "12", "text/html": "345"})]
    cut = [("stream", "[outputs cut here: over the limit of the notebook]\n")]
    for limit, expected in ((20, [whole, whole, cut]), (19, [whole, cut, cut])):
        found = judged(cells, limits=Limits(total_output_bytes=limit))
        assert [shown(found, place) for place in range(3)] == expected
        assert found.notebook["cells"][2]["outputs"][0]["name"] == "stderr"


# the whole run


def test_a_seed_starts_both_random_streams() -> None:
    cells = [check("numpy", "import numpy as np\nnp.random.rand()"), check("python", "import random\nrandom.random()")]
    for seed in (3, 2**32 + 3, 2**32 - 1):
        judge = a_judge(cells)
        assert judge.run(seed).scores == {
            "numpy": np.random.RandomState(seed % 2**32).rand(),
            "python": random.Random(seed).random(),
        }
        assert life_of(judge).python_random
