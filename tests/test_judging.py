"""What a test is worth, and what is told of it; the student's process is played here, in this one."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest

from autograder.assignment import Assignment
from autograder.errors import WorkerError
from autograder.limits import Limits
from autograder.recording import Recorder
from tests import course_factory as factory
from tests.played_process import (
    Life,
    Process,
    a_judge,
    answer,
    check,
    given,
    judged,
    life_of,
    notebook,
    shown,
    verdicts,
)
from tests.repaired import repaired

pytestmark = pytest.mark.usefixtures("played")


# what a test is worth


def test_a_test_has_its_points_a_part_of_them_or_none() -> None:
    tests = {
        "all": "f()",
        "number": "2",
        "part": "0.5",
        "none": "0",
        "more": "3",
        "less": "-1",
        "fails": "assert f() == 2, 'no'",
    }
    found = judged([answer("def f():\n    return True"), *(check(name, text) for name, text in tests.items())])
    assert verdicts(found) == {
        "all": ("passed", 2, 2, ""),
        "number": ("passed", 2, 2, ""),
        "part": ("partial", 0.5, 2, ""),
        "none": ("failed", 0, 2, ""),
        "more": ("error", 2, 2, "the test's score 3 is over the maximum of 2, which it counts as"),
        "less": ("error", 0, 2, "the test's score -1 is negative; it counts as 0"),
        "fails": ("failed", 0, 2, "AssertionError: no"),
    }
    assert found.scores == {"all": 2, "number": 2, "part": 0.5, "none": 0, "more": 2, "less": 0, "fails": 0}
    assert found.flags == [f"{name}: {found.checks[name].message}" for name in ("more", "less")]
    assert shown(found, 7) == [("error", "AssertionError")]
    (error,) = found.notebook["cells"][7]["outputs"]
    assert (error["evalue"], len(error["traceback"])) == ("no", 3)


@pytest.mark.parametrize(
    ("error", "status"),
    [("StudentDied('it ended')", "killed"), ("CellTimeout('the cell ran longer than 2 s')", "timed out")],
)
def test_a_test_that_ends_the_process_costs_its_own_points(error: str, status: str) -> None:
    dies = f"def f():\n    from autograder.exceptions import CellTimeout, StudentDied\n    raise {error}"
    found = judged([answer(dies), check("ends", "f()"), check("after", "2")])
    reason = error.split("'")[1]
    assert verdicts(found) == {"ends": (status, 0, 2, reason), "after": ("passed", 2, 2, "")}
    assert shown(found, 1) == [("error", "StudentProcessEnded")]
    told = found.notebook["cells"][1]["outputs"][0]
    assert (told["evalue"], told["traceback"]) == (reason, [f"The check did not finish: {reason}."])
    assert (found.scores, found.deaths, found.outside) == ({"ends": 0, "after": 2}, [f"ends: {reason}"], "from outside")


def test_a_check_that_is_at_fault_itself_is_no_failure_of_the_students_and_is_flagged() -> None:
    cells = [answer("def f(): return 1"), given("broken", "import no_such as gone"), given("uses", "kept = f().x")]
    cells += [check("typo", "f() + nobody"), check("gone", "gone"), check("kept", "kept"), check("fine", "f() == 1")]
    found = judged(cells)
    typo = "NameError: name 'nobody' is not defined"
    assert verdicts(found) == {
        "typo": ("error", 0, 2, typo),
        "gone": ("error", 0, 2, "NameError: name 'gone' is not defined"),
        "kept": ("failed", 0, 2, "NameError: name 'kept' is not defined"),
        "fine": ("passed", 2, 2, ""),
    }
    assert found.flags == [
        "The given cell <cell 1> is at fault itself: ModuleNotFoundError: No module named 'no_such'",
        f"typo is at fault itself: {typo}",
        "gone is at fault itself: NameError: name 'gone' is not defined",
    ]


ENDLESS = "from autograder.exceptions import CellTimeout\ndef f(): raise CellTimeout('it ran longer than 2 s')"


def test_what_runs_out_of_time_gets_a_tenth_of_it_the_second_time_and_is_not_run_a_third_time() -> None:
    demo = given("demo", "done = 1")
    tests = [check("c", "f()"), check("other", "g()"), check("both", "f() + g()"), check("none", "2")]
    source = [answer(ENDLESS, "one"), answer("def g(): return 2", "two"), check("a", "f()"), demo, given("uses", "f")]
    source += [check("b", "f()"), *tests]
    for place, raw in enumerate(source):
        raw["metadata"]["autograder"] = {"cell": place}
    source[3]["metadata"]["autograder"] = {"cell": None}
    judge = a_judge(source)
    found = judge.run(0)
    assert life_of(judge).shares == [1, 1, 1, 1, 0.1, 0.1, 1, 1]
    not_run = "not run, since 2 checks of one ran longer than they may"
    assert {name: each.message for name, each in found.checks.items()} == {
        "a": "it ran longer than 2 s",
        "b": "it ran longer than 2 s",
        "c": not_run,
        "other": "",
        "both": not_run,
        "none": "",
    }
    assert {found.checks[name].status for name in ("a", "b", "c", "both")} == {"timed out"}
    assert found.deaths == ["a, b: it ran longer than 2 s"]


def test_a_check_that_uses_several_endless_answers_is_not_run_and_does_not_count_itself() -> None:
    answers = [answer(ENDLESS, "one"), answer(ENDLESS.replace("f()", "g()"), "two")]
    tests = {"a": "f()", "b": "f()", "c": "g()", "d": "f() + g()", "e": "f() + g()"}
    found = judged([*answers, *(check(name, text) for name, text in tests.items())])
    not_run = "not run, since 3 checks of one, two ran longer than they may"
    assert [found.checks[name].message for name in "de"] == [not_run] * 2


def test_an_answer_whose_own_checks_came_to_an_end_is_not_blamed_for_one_that_does_not_end() -> None:
    answers = [answer("def f(): return 1", "one"), answer(ENDLESS.replace("f()", "g()"), "two")]
    tests = {"a": "f()", "b": "f() + g()", "c": "f() + g()", "d": "f() + g()"}
    found = judged([*answers, *(check(name, text) for name, text in tests.items())])
    assert found.checks["d"].message == "not run, since 2 checks of two ran longer than they may"


def test_an_answer_that_came_to_an_end_beside_another_alone_is_blamed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "calls_of_g", 0, raising=False)
    once = ENDLESS.partition("\n")[0] + "\nimport sys\ndef g():\n    sys.calls_of_g += 1\n"
    once += "    if sys.calls_of_g > 1: raise CellTimeout('it ran longer than 2 s')\n    return 1"
    tests = {"a": "f()", "b": "f() + g()", "c": "f() + g()", "d": "f() + g()", "e": "f() + g()"}
    answers = [answer("def f(): return 1", "one"), answer(once, "two")]
    found = judged([*answers, *(check(name, text) for name, text in tests.items())])
    assert found.checks["b"].status == "passed"
    assert found.checks["e"].message == "not run, since 2 checks of two ran longer than they may"


def test_a_check_that_uses_no_answer_may_run_out_of_time_without_harm_to_others() -> None:
    slow = "from autograder.exceptions import CellTimeout\nraise CellTimeout('it ran longer than 2 s')"
    judge = a_judge([check("a", slow), check("b", slow), check("c", "2")])
    assert judge.run(0).scores == {"a": 0, "b": 0, "c": 2}
    assert life_of(judge).shares == [1, 1, 1]


@pytest.mark.parametrize(
    ("count", "places"), [(1, "t0"), (3, "t0, t1, t2"), (4, "t0, t1, t2 and 1 more"), (6, "t0, t1, t2 and 3 more")]
)
def test_the_places_of_deaths_of_one_kind_are_named_up_to_three(count: int, places: str) -> None:
    dies = "from autograder.exceptions import StudentDied\nraise StudentDied('it ended')"
    assert judged([check(f"t{place}", dies) for place in range(count)]).deaths == [f"{places}: it ended"]


def test_hostile_data_that_makes_the_judge_itself_fail_costs_the_test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = a_judge([answer("def f(): pass"), check("hostile", "f()"), check("after", "2")])
    monkeypatch.setattr(Process, "tell_bindings", lambda self: (self.values.pop("f", None) or int)("no number"))
    found = judge.run(0)
    assert verdicts(found)["hostile"] == ("failed", 0, 2, "TypeError")
    assert shown(found, 1) == [("error", "TypeError")]
    assert found.notebook["cells"][1]["outputs"][0]["traceback"] == ["TypeError"]


def test_without_a_server_of_processes_there_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise WorkerError("gone")

    judge = a_judge([check("t", "2")])
    monkeypatch.setattr(Life, "guarded", fails)
    with pytest.raises(WorkerError):
        judge.run(0)


def test_what_may_not_cross_is_flagged_for_the_instructor() -> None:
    refuses = "from autograder.errors import BoundaryError\nraise BoundaryError('not that')"
    found = judged([check("t", refuses)])
    assert verdicts(found) == {"t": ("failed", 0, 2, "BoundaryError: not that")}
    assert found.flags == ["t: not that"]


def test_a_task_that_was_not_attempted_is_said_to_be_so_where_its_test_fails() -> None:
    tasks = [answer("def f(): return 1", "one"), answer("def g(): return 1", "two"), answer("h = 1", "three")]
    tests = [check("both", "assert f() == g()"), check("own", "assert g()"), check("neither", "assert False")]
    blank = answer("\n# YOUR CODE HERE  \nraise NotImplementedError() \n\n", "one")
    wrong = answer('"Mine."\ndef g(): return 0', "two")
    early = check("early", "assert f()")
    # Played so, the stub of "one" is an error of the process, which a new one runs on without.
    found = verdicts(judged([early, *tasks, *tests], [early, blank, wrong, answer("h = 1", "three"), *tests]))
    assert found["both"] == ("not attempted", 0, 2, "not attempted: one")
    assert found["early"][0] == found["own"][0] == found["neither"][0] == "failed"


def test_an_answer_below_its_stub_in_a_cell_of_the_students_own_is_an_attempt() -> None:
    blank = answer("# YOUR CODE HERE\nraise NotImplementedError()", "one")
    own = {"cell_type": "code", "metadata": {}, "source": "def f(): return 2"}
    tests = [check("own", "assert f() == 1")]
    source = [answer("def f(): return 1", "one"), *tests]
    assert verdicts(judged(source, [blank, own, *tests]))["own"][0] == "failed"
    for again in ([own, blank, *tests], [blank, own | {"source": "def g(): return f"}, *tests]):
        assert verdicts(judged(source, again))["own"][0] == "not attempted"


@pytest.mark.parametrize("before", ["", '"Sorts before a stub."\n'])
@pytest.mark.parametrize("place", [1, 2])
def test_an_answer_in_another_cell_is_an_attempt(before: str, place: int) -> None:
    stub = "# YOUR CODE HERE\nraise NotImplementedError()"
    blank, another, last = answer(stub, "one"), answer(stub, "two"), given("last", "# yours, as you like")
    tests = [check("own", "assert f() == 1")]
    source = [answer("def f(): return 1", "one"), answer("def g(): return 1", "two"), last, *tests]
    submitted = [blank, another, last, *tests]
    assert verdicts(judged(source, submitted))["own"][0] == "not attempted"
    submitted[place] |= {"source": f"{before}def f(): return 2"}
    assert verdicts(judged(source, submitted))["own"][0] == "failed"


def test_what_defines_something_else_in_its_place_is_an_attempt() -> None:
    tests = [check("own", "assert f() == 1")]
    source = [answer("def f(): return 1", "one"), *tests]
    for other in ('"Sorts before a stub."\ng = 2', "g = 2"):
        assert verdicts(judged(source, [answer(other, "one"), *tests]))["own"][0] == "failed"


def test_what_was_handed_out_is_no_attempt() -> None:
    first = given("first", "def f(): return 0  # yours, below, is better")
    tests = [check("own", "assert f() == 1")]
    source = [first, answer("def f(): return 1", "one"), *tests]
    blank = answer("# YOUR CODE HERE\nraise NotImplementedError()", "one")
    assert verdicts(judged(source, [first, blank, *tests]))["own"][0] == "not attempted"


def test_a_written_answer_is_not_attempted_or_waits_for_a_person() -> None:
    marks: Any = {"grade": True, "solution": True, "points": 3}
    source = [factory.cell("markdown", "why", "Because.", **marks), given("how", "n = 1", **marks)]
    source += [factory.cell("markdown", "task", "Draw.", task=True, locked=True, points=4)]
    blank = copy.deepcopy(source)
    blank[0]["source"] = ["\n", "YOUR ANSWER HERE \n", "\n"]
    blank[1]["source"] = "# YOUR CODE HERE\nraise NotImplementedError()"
    assert verdicts(judged(source)) == {
        "why": ("manual", None, 3, ""),
        "how": ("manual", None, 3, ""),
        "task": ("manual", None, 4, ""),
    }
    handed_in = repaired(notebook(blank), Assignment("n", notebook(source)))[0]["cells"]
    assert verdicts(judged(source, handed_in)) == {
        "why": ("not attempted", 0, 3, ""),
        "how": ("not attempted", 0, 3, ""),
        "task": ("manual", None, 4, ""),
    }


def test_a_test_counts_once_and_one_that_is_missing_is_named() -> None:
    source = [answer("n = 1"), check("first", "assert n == 1"), check("second", "2")]
    again = [answer("n = 2"), check("first", "2"), answer("n = 1", "late"), check("first", "2")]
    found = judged(source, again)
    assert verdicts(found) == {
        "first": ("failed", 0, 2, "AssertionError"),
        "second": ("failed", 0, 2, "the test was missing"),
    }
    assert found.scores == {"first": 0, "second": 0}
    assert found.flags == ["second: the notebook that was graded does not hold this test"]
    assert shown(found, 3) == []


# beside a test


def test_a_test_has_bindings_that_are_told_at_its_end_and_gone_after_it() -> None:
    judge = a_judge([answer("n = 1"), check("t", "2"), check("raises", "1 / 0")])
    judge.run(0)
    (process,) = life_of(judge).processes
    assert (process.told, process.bindings, process.asked) == ([True, True], None, [])


def test_figures_that_a_test_left_open_are_asked_for_unless_the_process_is_gone() -> None:
    for kept, reason, asked in ((True, "", ["flush"]), (True, "gone", []), (False, "", [])):
        cells = [answer(f"process.figures_open = {kept}\ndef f(): process.die({reason!r})"), check("t", "f()")]
        judge = a_judge(cells)
        judge.run(0)
        assert life_of(judge).processes[0].asked == asked


def test_the_life_of_the_process_knows_what_the_judge_knows() -> None:
    recorder, limits = Recorder(), Limits(cell_seconds=3)
    judge = a_judge([check("t", "2")], recorder=recorder, limits=limits)
    life = life_of(judge)
    life.emit([{"output_type": "stream", "text": "before any cell"}])
    assert [item["text"] for item in judge.outputs.take()] == ["before any cell"]
    assert (life.server, life.limits, life.recorder, life.python_random) == ("server", limits, recorder, False)


class Clock:
    """Each look at it finds a later time."""

    def __init__(self, *times: float) -> None:
        self._times = iter(times)

    def __call__(self) -> float:
        return next(self._times)


def test_the_times_of_a_test_and_of_both_processes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = a_judge([check("t", "2")])
    monkeypatch.setattr("autograder.judge.time.monotonic", Clock(3, 10, 25, 60))
    monkeypatch.setattr("autograder.judge.time.process_time", Clock(2, 7))
    found = judge.run(0)
    assert (found.checks["t"].seconds, found.seconds, found.cpu_seconds) == (15, 57, 105)


def test_what_was_recorded_is_told_by_test_where_one_failed_or_always() -> None:
    notes = "def f(v):\n    process.recorder.note('call f', v)"

    def events(*tests: str, always: bool = False, kept: bool = True) -> dict[str, Any]:
        recorder = Recorder()
        recorder.note("before", 1)
        cells = [answer(notes), *(check(f"t{place}", source) for place, source in enumerate(tests))]
        judge = a_judge(cells, recorder=recorder if kept else None)
        life_of(judge).processes[0].recorder = recorder
        found = judge.run(0, always).events
        return {name: [event[0] for event in each] for name, each in found.items()}

    passes, fails, part = "f(1)", "f(2)\nf(3)\nassert False", "f(4)\n0.5"
    assert events(passes) == {}
    assert events(passes, always=True) == {"t0": ["call f"]}
    assert events(passes, fails) == {"t0": ["call f"], "t1": ["call f", "call f"]}
    assert events(part) == {"t0": ["call f"]}
    assert events("f(1)", always=True, kept=False) == {}


def test_a_test_that_has_no_verdict_of_its_own_records_no_failure() -> None:
    recorder = Recorder()
    marks: Any = {"grade": True, "solution": True, "points": 3}
    cells = [factory.cell("markdown", "why", "Because.", **marks), check("t", "2")]
    assert judged(cells, recorder=recorder).events == {}
