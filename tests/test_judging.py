"""Which cell runs where and when, and what a test is worth; the student's process is played here, in this one."""

from __future__ import annotations

import copy
import linecache
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograder.assignment import Assignment
from autograder.errors import WorkerError
from autograder.exceptions import CellTimeout, StudentDied
from autograder.judge import Judge
from autograder.limits import Limits
from autograder.recording import Recorder
from autograder.results import Judged
from tests import course_factory as factory

Cells = list[dict[str, Any]]


class Process:
    """Plays a student's process: its cells run here, and an error of theirs is one of the process itself."""

    def __init__(self, generation: int) -> None:
        self.values: dict[str, Any] = {"process": self, "generation": generation}
        self.ran: list[tuple[str, int]] = []
        self.asked: list[str] = []
        self.fetched = 0
        self.told: list[bool] = []
        self.dead: str | None = None
        self.figures_open = False
        self.bindings: Any = None
        self.recorder: Recorder | None = None

    def run(self, source: str, number: int) -> None:
        self.ran.append((source, number))
        exec(source, self.values)

    def names(self, wanted: list[str]) -> dict[str, Any]:
        self.fetched += 1
        assert wanted == sorted(wanted)
        return {name: self.values[name] for name in wanted if name in self.values}

    def tell_bindings(self) -> None:
        self.told.append(self.bindings is not None)

    def request(self, operation: str) -> None:
        self.asked.append(operation)

    def die(self, reason: str) -> None:
        self.dead = self.dead or reason


class Life:
    """Plays the processes of one notebook, one after the other; a new one runs the steps first."""

    cpu_seconds = 100.0
    outside = "from outside"

    def __init__(self, *arguments: Any) -> None:
        self.server, self.limits, self.emit, self.recorder, self.python_random = arguments
        self.steps: list[Callable[[Any], Any]] = []
        self.deaths: list[str] = []
        self.processes = [Process(1)]
        self.ended = False
        self.shares: list[float] = []

    def guarded(self, action: Callable[[Any], Any], share: float = 1.0) -> str | None:
        self.shares.append(share)
        if self.processes[-1].dead:
            self.processes.append(Process(len(self.processes) + 1))
            for step in list(self.steps):
                try:
                    step(self.processes[-1])
                except (StudentDied, CellTimeout):
                    self.steps.remove(step)
        process = self.processes[-1]
        process.values["emit"] = self.emit
        try:
            action(process)
        except (StudentDied, CellTimeout) as death:
            process.die(str(death))
        if process.dead:
            self.deaths.append(process.dead)
        return process.dead

    def end(self) -> None:
        self.ended = True


@pytest.fixture(autouse=True)
def played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.judge.Life", Life)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(linecache, "cache", dict(linecache.cache))


def notebook(cells: Cells) -> factory.Notebook:
    return {"cells": copy.deepcopy(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def a_judge(source: Cells, submitted: Cells | None = None, **options: Any) -> Judge:
    limits = options.pop("limits", Limits())
    submission = notebook(source if submitted is None else submitted)
    return Judge(Assignment("n", notebook(source)), submission, limits, "server", **options)  # type: ignore[arg-type]


def life_of(judge: Judge) -> Life:
    assert isinstance(judge.life, Life)
    return judge.life


def judged(source: Cells, submitted: Cells | None = None, **options: Any) -> Judged:
    return a_judge(source, submitted, **options).run(0)


def given(name: str, source: str, **marks: Any) -> dict[str, Any]:
    return factory.cell("code", name, source, **marks)


def answer(source: str, name: str = "answer") -> dict[str, Any]:
    return factory.cell("code", name, source, solution=True)


def check(name: str, source: str, points: float = 2) -> dict[str, Any]:
    return factory.cell("code", name, source, grade=True, locked=True, points=points)


def verdicts(judged: Judged) -> dict[str, tuple[str, float | None, float, str]]:
    return {name: (each.status, each.score, each.points, each.message) for name, each in judged.checks.items()}


def shown(judged: Judged, place: int) -> list[tuple[str, Any]]:
    """(kind, what it says) of each output of one cell."""
    items = judged.notebook["cells"][place]["outputs"]
    return [(each["output_type"], each.get("text") or each.get("ename") or each["data"]) for each in items]


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
        "both": not_run.replace("one", "one, two"),
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
    assert verdicts(judged(source, blank)) == {
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


def test_a_cell_that_breaks_its_process_is_left_out_of_the_next_one() -> None:
    cells = [
        answer("n = 1"),
        given("breaks", "emit([{'output_type': 'stream', 'text': 'x'}])\n1 / 0"),
        given("on", "m = n"),
    ]
    judge = a_judge([*cells, check("t", "assert n == 1")])
    found = judge.run(0)
    reason = "the cell broke the process that it ran in (ZeroDivisionError)"
    assert found.deaths == [f"cell [2]: {reason}"]
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
    assert found.checks["t"].message.startswith("NameError")


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
