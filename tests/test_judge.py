"""Deaths, hangs, replay, outputs, limits and scores, through a real worker."""

from __future__ import annotations

import copy
import math
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
import pytest

from autograder.assignment import Assignment
from autograder.errors import WorkerError
from autograder.journal import CUT
from autograder.limits import Limits
from autograder.results import Judged
from autograder.scoring import score_of
from autograder.worker import Worker
from tests import course_factory as factory

LIMITS = Limits(
    cell_seconds=2,
    total_seconds=20,
    memory_bytes=256 << 20,
    scratch_bytes=8 << 20,
    cell_output_bytes=60_000,
    restarts=6,
)
TASKS = ("first", "second", "third")
ANSWER = "def {name}(x):\n    return x + 1"


def instructor() -> factory.Notebook:
    cells = [factory.cell("code", "imports", "import numpy as np", locked=True)]
    for name in TASKS:
        solution = f"def {name}(x):\n    ### BEGIN SOLUTION\n    return x + 1\n    ### END SOLUTION"
        cells.append(factory.cell("code", name, solution, solution=True))
        cells.append(factory.cell("code", f"demo-{name}", f"print({name}(1))"))
        check = f"for n in (1, 5, 20):\n    assert {name}(n) == n + 1, f'{{n}} is wrong'"
        cells.append(factory.cell("code", f"{name}__check", check, grade=True, locked=True, points=2))
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(Assignment("tasks", instructor()), LIMITS) as started:
        yield started


def submission(**answers: str) -> factory.Notebook:
    """Right answers, but for those given."""
    notebook = instructor()
    for raw in notebook["cells"]:
        name = raw["metadata"].get("nbgrader", {}).get("grade_id", raw["id"])
        if name in TASKS:
            raw["source"] = answers.get(name, ANSWER.format(name=name))
        elif raw["id"].startswith("demo-"):
            raw["source"] = answers.get(raw["id"].replace("-", "_"), raw["source"])
    return notebook


def scores(judged: Judged) -> list[float]:
    return [judged.scores[f"{name}__check"] for name in TASKS]


def outputs(judged: Judged, cell_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(raw for raw in judged.notebook["cells"] if raw["id"] == cell_id)["outputs"]
    return found


def text(judged: Judged, cell_id: str) -> str:
    return "".join(item.get("text", "") for item in outputs(judged, cell_id))


def test_right_answers_have_all_points_and_their_outputs(worker: Worker) -> None:
    judged = worker.grade(submission())
    assert scores(judged) == [2, 2, 2]
    assert [text(judged, f"demo-{name}") for name in TASKS] == ["2\n"] * 3
    assert {check.status for check in judged.checks.values()} == {"passed"}
    assert not judged.deaths
    assert not judged.flags


def test_a_result_crosses_processes_as_json(worker: Worker) -> None:
    judged = worker.grade(submission())
    assert Judged.from_json(judged.to_json()) == judged


def judged_cells(*cells: dict[str, Any], limits: Limits = LIMITS, seed: int = 0) -> Judged:
    """The instructor's own notebook of these cells, graded."""
    notebook = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    with Worker(Assignment("cells", notebook), limits) as worker:
        return worker.grade(copy.deepcopy(notebook), seed)


def given(name: str, source: str) -> dict[str, Any]:
    return factory.cell("code", name, source)


def student(source: str) -> dict[str, Any]:
    return factory.cell("code", "student", source, solution=True)


def check(name: str, source: str) -> dict[str, Any]:
    return factory.cell("code", name, source, grade=True, locked=True, points=1)


def test_what_a_test_cell_prints_displays_and_ends_in_is_shown() -> None:
    odd = "class Odd:\n    def __repr__(self): 1 / 0\ndisplay(Odd(), 'x' * 9999)"
    source = f"import sys\nprint('out')\nprint('err', file=sys.stderr)\ndisplay(4, 'five')\n{odd}\n'end'"
    judged = judged_cells(given("first", "1"), given("empty", " "), student("n = 1"), check("shows", source))
    shown = [
        (item["output_type"], item.get("name"), item.get("text") or item["data"]["text/plain"])
        for item in outputs(judged, "shows")
    ]
    assert shown[:5] == [
        ("stream", "stdout", "out\n"),
        ("stream", "stderr", "err\n"),
        ("display_data", None, "4"),
        ("display_data", None, "'five'"),
        ("display_data", None, "<Odd whose repr raised ZeroDivisionError>"),
    ]
    assert len(shown[5][2]) == 2000
    assert shown[6:] == [("execute_result", None, "'end'")]
    assert [raw["execution_count"] for raw in judged.notebook["cells"]] == [1, None, 2, 3]
    assert outputs(judged, "shows")[-1]["execution_count"] == 3
    assert judged.scores == {"shows": 1}


def test_text_is_not_run() -> None:
    judged = judged_cells(factory.cell("markdown", "n", "1 / 0"), factory.cell("raw", "r", "n"), given("last", "1"))
    assert [raw.get("execution_count") for raw in judged.notebook["cells"]] == [None, None, 1]
    assert not any("outputs" in raw for raw in judged.notebook["cells"][:2])


def test_a_failure_shows_the_lines_of_the_test_and_of_the_students_code() -> None:
    judged = judged_cells(
        student("def f(x):\n    return 1 / x"),
        check("own", "def helper(v):\n    assert v == 3, f'got {v}'\nhelper(f(1))"),
        check("theirs", "f(0)"),
        check("bare", "assert False"),
        check("mute", "class E(Exception):\n    def __str__(self): 1 / 0\nraise E"),
        check("long", "assert False, 'x' * 9999"),
    )
    messages = {name: result.message for name, result in judged.checks.items()}
    assert messages.pop("long") == "AssertionError: " + "x" * 2000
    assert messages == {
        "own": "AssertionError: got 1.0",
        "theirs": "ZeroDivisionError: division by zero",
        "bare": "AssertionError",
        "mute": "E",
    }
    shown = {name: outputs(judged, name)[-1] for name in judged.checks}
    assert (shown["own"]["ename"], shown["own"]["evalue"]) == ("AssertionError", "got 1.0")
    assert shown["own"]["traceback"] == [
        "AssertionError    Traceback (most recent call last)",
        "Cell <own>, line 3\n    helper(f(1))",
        "Cell <own>, line 2\n    assert v == 3, f'got {v}'",
        "AssertionError: got 1.0",
    ]
    assert "return 1 / x" in shown["theirs"]["traceback"][2]
    assert shown["theirs"]["traceback"][2].startswith("In the student's code:\n")
    assert shown["bare"]["traceback"][-1] == "AssertionError"
    assert not judged.flags


def test_a_failure_within_a_given_helper_shows_the_line_of_the_test_that_called_it() -> None:
    judged = judged_cells(given("helper", "def must(x):\n    assert x, 'no'"), check("a", "must(False)"))
    (shown,) = outputs(judged, "a")
    assert shown["traceback"][1:] == ["Cell <a>, line 1\n    must(False)", "AssertionError: no"]


def test_given_cells_run_beside_the_tests_that_need_them_and_say_where_they_cannot() -> None:
    names = ("fine", "refused", "raises", "slow")
    judged = judged_cells(
        student("class Thing: pass\ndef f(x):\n    while x == 9: pass\n    return {0: Thing, 1: 1}[x]()"),
        given("helpers", "get_ipython().run_line_magic('matplotlib', 'inline')\nfine = 1 + len([f])"),
        given("two", "refused = f(0) + 1"),
        given("three", "raises = f(5)"),
        given("four", "slow = f(9)"),
        *(check(name, f"assert {name} == 2") for name in names),
    )
    assert judged.scores == {"fine": 1, "refused": 0, "raises": 0, "slow": 0}
    refused, slow = judged.flags
    assert refused.startswith("The given cell <cell 2> cannot run beside the student's: ")
    assert slow == "The given cell <cell 4> did not finish: the cell ran longer than 2 s"
    assert judged.checks["raises"].message.startswith("NameError")


def test_a_name_that_the_student_took_away_again_is_gone_for_the_tests() -> None:
    takes_away = factory.cell("code", "second", "del f", solution=True)
    judged = judged_cells(student("def f(): return 1"), check("before", "f()"), takes_away, check("after", "f()"))
    assert judged.scores == {"before": 1, "after": 0}
    assert judged.checks["after"].message.startswith("NameError")


def test_what_a_given_cell_made_of_the_students_is_made_anew_after_a_death() -> None:
    judged = judged_cells(
        student("class Thing:\n    n = 7"),
        given("makes", "thing = Thing()"),
        given("dies", "import os; os._exit(1)"),
        check("uses", "assert thing.n == Thing().n == 7"),
    )
    assert judged.scores == {"uses": 1}
    assert len(judged.deaths) == 1


def test_tests_may_use_the_imports_of_the_answers_whatever_became_of_them(worker: Worker) -> None:
    notebook = instructor()
    notebook["cells"][1]["source"] = "import no_such_module\nimport math as m\n" + ANSWER.format(name="first")
    notebook["cells"][3]["source"] = "assert first(m.floor(1.5)) == 2"
    with Worker(Assignment("tasks", notebook), LIMITS) as other:
        assert scores(other.grade(submission())) == [2, 2, 2]


def test_a_test_that_stands_twice_counts_once_and_one_that_is_gone_is_named(worker: Worker) -> None:
    notebook = submission(first="def first(x):\n    return 0")
    cells = {raw["id"]: raw for raw in notebook["cells"]}
    late = {**cells["first"], "id": "late", "metadata": {}, "source": ANSWER.format(name="first")}
    notebook["cells"] += [late, copy.deepcopy(cells["first--check"])]
    notebook["cells"].remove(cells["third--check"])
    judged = worker.grade(notebook)
    assert scores(judged) == [0, 2, 0]
    assert outputs(judged, "first--check")
    assert notebook["cells"][-1].get("outputs") == judged.notebook["cells"][-1]["outputs"] == []
    assert judged.flags == ["third__check: the notebook that was graded does not hold this test"]
    assert (judged.checks["third__check"].status, judged.checks["third__check"].points) == ("failed", 2)


def test_a_written_answer_waits_for_a_person_where_there_is_one() -> None:
    written = factory.cell("markdown", "why", "Because.\n", grade=True, solution=True, points=3)
    code = factory.cell("code", "how", "1", grade=True, solution=True, points=4)
    assignment = Assignment("w", {"cells": [written, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    release = copy.deepcopy(assignment.notebook)
    for raw, cell in zip(release["cells"], assignment.cells, strict=True):
        raw["source"] = f"\n{cell.release}  \n".splitlines(keepends=True)
    with Worker(assignment, LIMITS) as worker:
        blank, answered = worker.grade(release), worker.grade(assignment.notebook)
    assert {name: (c.status, c.score, c.points) for name, c in blank.checks.items()} == {
        "why": ("not attempted", 0, 3),
        "how": ("not attempted", 0, 4),
    }
    assert {name: (c.status, c.score, c.points) for name, c in answered.checks.items()} == {
        "why": ("manual", None, 3),
        "how": ("manual", None, 4),
    }


def test_outputs_over_the_limit_of_the_notebook_are_cut() -> None:
    cells = [given(f"c{n}", "print('x' * 400)") for n in range(4)]
    judged = judged_cells(*cells, limits=Limits(cell_seconds=2, total_seconds=20, total_output_bytes=1000))
    shown = [text(judged, f"c{n}") for n in range(4)]
    assert shown[:2] == ["x" * 400 + "\n"] * 2
    assert shown[2:] == ["[outputs cut here: over the limit of the notebook]\n"] * 2


def test_one_seed_draws_the_same_numbers_in_both_streams() -> None:
    tests = check("numpy", "np.random.rand()"), check("python", "random.random()")
    cells = [given("imports", "import random\nimport numpy as np"), *tests]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    with Worker(Assignment("cells", notebook), LIMITS) as worker:
        drawn = [worker.grade(copy.deepcopy(notebook), seed).scores for seed in (3, 3, 2**32 + 3)]
    assert drawn[0] == drawn[1]
    assert drawn[0]["numpy"] == np.random.RandomState(3).rand()
    assert drawn[0]["python"] != drawn[2]["python"]


def test_the_time_of_a_test_and_of_both_processes_is_told() -> None:
    busy = "import time\nend = time.process_time() + 0.1\nwhile time.process_time() < end: pass"
    cells = student(busy), check("slow", f"{busy}\ntime.sleep(0.1)")
    judged = judged_cells(*cells, limits=Limits(cell_seconds=50, total_seconds=200))
    assert 0.2 <= judged.checks["slow"].seconds <= judged.seconds < 200
    assert 0.2 <= judged.cpu_seconds < 20


def test_what_the_students_code_gave_back_is_kept_where_a_test_failed_or_always(worker: Worker) -> None:
    wrong = submission(second="def second(x):\n    return 5")
    assert worker.grade(wrong).events == {}
    assert worker.grade(submission(), record="failures").events == {}
    names = {f"{name}__check" for name in TASKS}
    assert worker.grade(wrong, record="failures").events.keys() == names
    assert worker.grade(submission(), record="always").events.keys() == names


IN_CALL = {
    "exit": "import os; os._exit(0)",
    "kill": "import os; os.kill(os.getpid(), 9)",
    "kill all": "import os; os.kill(-1, 9); os._exit(1)",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "abort": "import os; os.abort()",
    "memory": "return bytearray(1 << 34)",
    "memory bit by bit": "a = []\n    while True: a.append(bytearray(1 << 24))",
    "array": "import numpy as np; return np.ones((10**5, 10**5))",
    "disk": "f = open('x', 'wb')\n    while True: f.write(b'0' * (1 << 20)); f.flush()",
    "fork bomb": "import os\n    while True: os.fork()",
    "thread bomb": "import threading, time\n    while True: threading.Thread(target=time.sleep, args=(99,)).start()",
    "SystemExit": "raise SystemExit(0)",
    "quit": "import sys; sys.exit()",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "descriptors closed": "import os; os.closerange(0, 1000); return 2",
    "garbage": "import os; os.write(3, os.urandom(4096)); return 2",
    "huge message announced": "import os; os.write(3, b'\\xff' * 16); return 2",
    "huge list": "return list(range(10**7))",
    "deep list": "r = []\n    for _ in range(10**5): r = [r]\n    return r",
    "cycle": "r = []; r.append(r); return (r, {'a': r})",
    "object array": "import numpy as np; return np.array([object()])",
    "recursion": "return {name}(x)",
    "str raises": "class E(Exception):\n        def __str__(self): 1 / 0\n    raise E()",
    "huge exception": "raise ValueError('x' * 10**8)",
    "odd exception": "class E(Exception):\n        def __init__(self): self.args = (lambda: 0, E)\n    raise E()",
    "named as one of ours": "class StudentDied(BaseException): pass\n    raise StudentDied('x')",
}


@pytest.mark.parametrize("attack", IN_CALL)
def test_a_call_that_goes_wrong_costs_its_own_task_alone(attack: str, worker: Worker) -> None:
    body = IN_CALL[attack].replace("{name}", "second")
    judged = worker.grade(submission(second=f"def second(x):\n    {body}", demo_second=""))
    assert scores(judged) == [2, 0, 2], judged.checks["second__check"]
    assert text(judged, "demo-third") == "2\n"


HANGS = {
    "loop": "while True: pass",
    "sleep": "import time; time.sleep(10**6)",
    "stopped": "import os, time; os.kill(os.getpid(), 19); time.sleep(99)",
    "deaf": (
        "import signal\n    for s in range(1, 65):\n        try: signal.signal(s, signal.SIG_IGN)\n"
        "        except (OSError, ValueError): pass\n"
        "    while True:\n        try:\n            while True: pass\n        except BaseException: pass"
    ),
    "in a callback's way": "import os; os.read(3, 100); return x + 1",
}


@pytest.mark.parametrize("hang", HANGS)
def test_a_hang_is_ended_in_time_and_costs_its_own_task_alone(hang: str, worker: Worker) -> None:
    started = time.monotonic()
    judged = worker.grade(submission(second=f"def second(x):\n    {HANGS[hang]}", demo_second=""))
    assert scores(judged) == [2, 0, 2]
    assert judged.checks["second__check"].status in ("timed out", "killed")
    assert time.monotonic() - started < 15


def test_a_cell_that_dies_is_left_out_when_the_others_are_run_again(worker: Worker) -> None:
    judged = worker.grade(submission(demo_second="count = 1\nimport os; os._exit(3)"))
    assert scores(judged) == [2, 2, 2]
    assert len(judged.deaths) == 1
    (item,) = outputs(judged, "demo-second")
    assert item["output_type"] == "error"


def test_a_cell_that_dies_when_it_is_run_again_is_left_out_then(worker: Worker) -> None:
    once = "import os\nif os.path.exists('/scratch/x'): pass\nvalue = 7"
    later = "import time\nif time.time() > start + 0.5: os._exit(1)"
    judged = worker.grade(
        submission(
            first=ANSWER.format(name="first") + f"\nimport os, time\nstart = {time.time()} + 1e9\n{once}",
            demo_first="start = 0 if 'again' in globals() else start\n" + later,
            demo_second="import os; os._exit(1)",
        )
    )
    assert scores(judged) == [2, 2, 2]


@pytest.mark.parametrize("seconds", [0, 0.3])
def test_replies_forged_at_once_or_during_replay_cost_nothing_of_the_others(seconds: float, worker: Worker) -> None:
    forge = (
        "import os, struct, threading, time, msgpack\n"
        "def forge():\n"
        "    m = msgpack.packb(['value', None, {'second': 5}])\n"
        "    while True:\n"
        "        try: os.write(3, struct.pack('<II', len(m), 0) + m)\n"
        "        except OSError: pass\n"
        "        time.sleep(0.001)\n"
        f"later = {time.time() + seconds}\n"
        "if time.time() > later: threading.Thread(target=forge, daemon=True).start()\n"
    )
    dies = "time.sleep(max(0, later - time.time()))\nos._exit(1)"
    judged = worker.grade(submission(second=forge + ANSWER.format(name="second"), demo_second=dies))
    assert scores(judged) == [2, 0, 2]
    assert judged.deaths
    assert scores(worker.grade(submission())) == [2, 2, 2]


def test_a_right_reply_cannot_be_forged_without_the_right_value(worker: Worker) -> None:
    forge = (
        "import os, struct, msgpack\n"
        "def second(x):\n"
        "    for m in (['value', None, True], ['error', None, [['.StopIteration'], [], '', '']]):\n"
        "        m = msgpack.packb(m)\n"
        "        os.write(3, struct.pack('<II', len(m), 0) + m)\n"
        "    return True"
    )
    assert scores(worker.grade(submission(second=forge)))[1] == 0


def test_a_task_cell_waits_for_a_person_whatever_stands_in_it() -> None:
    notebook = {**instructor(), "cells": [factory.cell("markdown", "e", "State it.", task=True, locked=True, points=4)]}
    with Worker(Assignment("tasks", notebook), LIMITS) as worker:
        check = worker.grade(copy.deepcopy(notebook)).checks["e"]
    assert (check.status, check.score, check.points) == ("manual", None, 4)


def test_a_notebook_of_endless_cells_ends_in_its_time() -> None:
    limits = Limits(cell_seconds=2, total_seconds=3)
    with Worker(Assignment("tasks", instructor()), limits) as worker:
        started = time.monotonic()
        judged = worker.grade(submission(**dict.fromkeys(TASKS, "while True: pass")))
        assert time.monotonic() - started < 10
        assert scores(judged) == [0, 0, 0]
        assert scores(worker.grade(submission())) == [2, 2, 2]


def test_no_cell_takes_the_time_of_those_after_it() -> None:
    limits = Limits(cell_seconds=4, total_seconds=4)
    with Worker(Assignment("tasks", instructor()), limits) as worker:
        judged = worker.grade(submission(first="while True: pass"))
    assert scores(judged) == [0, 2, 2]
    (death,) = judged.deaths
    told = r"first: the cell ran longer than [12]\.\d s, half of the time that the notebook had left"
    assert re.fullmatch(told, death)


def test_a_function_that_hangs_in_many_checks_leaves_the_others_their_time() -> None:
    notebook = instructor()
    many = [copy.deepcopy(notebook["cells"][3]) for _ in range(6)]
    for number, raw in enumerate(many):
        raw["id"] = raw["metadata"]["nbgrader"]["grade_id"] = f"first__check_{number}"
    notebook["cells"][4:4] = many
    with Worker(Assignment("tasks", notebook), Limits(cell_seconds=2, total_seconds=10)) as worker:
        handed_in = copy.deepcopy(notebook)
        for raw in handed_in["cells"]:
            if raw["id"] in TASKS:
                raw["source"] = ANSWER.format(name=raw["id"])
            if raw["id"] == "first":
                raw["source"] = "def first(x):\n    while x: pass"
        judged = worker.grade(handed_in)
    assert scores(judged) == [0, 2, 2]
    assert judged.seconds < 6
    assert {judged.checks[raw["id"]].status for raw in many} == {"timed out"}
    assert judged.checks["first__check_5"].message == "not run, since 2 checks of first ran longer than they may"
    assert judged.deaths == [
        "cell [3], first__check: the cell ran longer than 2 s",
        "first__check_0: the cell ran longer than 0.2 s",
    ]


def test_a_function_that_hangs_in_one_check_alone_is_asked_in_all_others() -> None:
    hanging = "def first(x):\n    while x == 5: pass\n    return x + 1"
    notebook = instructor()
    notebook["cells"][3]["source"] = "assert first(5) == 6"
    more = copy.deepcopy(notebook["cells"][3])
    more["id"] = more["metadata"]["nbgrader"]["grade_id"] = "first__more"
    more["source"] = "assert first(6) == 7"
    notebook["cells"].append(more)
    with Worker(Assignment("tasks", notebook), Limits(cell_seconds=2)) as worker:
        handed_in = copy.deepcopy(notebook)
        handed_in["cells"][1]["source"] = hanging
        judged = worker.grade(handed_in)
    assert (judged.scores["first__check"], judged.scores["first__more"]) == (0, 2)


def test_a_task_that_was_not_attempted_says_so(worker: Worker) -> None:
    blank = next(cell for cell in Assignment("t", instructor()).cells if cell.grade_id == "second").release
    judged = worker.grade(submission(second=blank))
    assert scores(judged) == [2, 0, 2]
    assert judged.checks["second__check"].status == "not attempted"
    judged = worker.grade(submission(second="def second(x):\n    return x"))
    assert judged.checks["second__check"].status == "failed"
    assert "1 is wrong" in judged.checks["second__check"].message


OUTPUTS = {
    "print and value": ("print('a'); 3", [("stream", "a\n"), ("execute_result", "3")]),
    "a quiet value": ("3;", []),
    "a quiet value with a comment": ("3;  # quiet", []),
    "stderr": ("import sys; print('b', file=sys.stderr)", [("stream", "b\n")]),
    "display": ("display(4); print('c')", [("display_data", "4"), ("stream", "c\n")]),
    "html": ("from IPython.display import HTML\nHTML('<b>x</b>')", [("execute_result", "<b>x</b>")]),
    "magic": ("%matplotlib inline\n5", [("execute_result", "5")]),
    "cell magic": ("%%capture out\nprint('hidden')", []),
    "shell": ("!echo no", [("error", "")]),
    "top-level await": ("import asyncio\nawait asyncio.sleep(0)\n6", [("execute_result", "6")]),
    "syntax error": ("def (", [("error", "SyntaxError")]),
    "exception": ("1 / 0", [("error", "ZeroDivisionError")]),
    "exit": ("exit", []),
    "SystemExit": ("raise SystemExit", [("error", "SystemExit")]),
    "cleared": (
        "print('x')\nfrom IPython.display import clear_output\nclear_output()\nprint('y')",
        [("stream", "y\n")],
    ),
    "updated": ("h = display('one', display_id=True)\nh.update('two')", [("display_data", "'two'")]),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_outputs_are_those_of_jupyter(case: str, worker: Worker) -> None:
    source, expected = OUTPUTS[case]
    judged = worker.grade(submission(demo_first=source))
    got = []
    for item in outputs(judged, "demo-first"):
        data = item.get("data", {})
        shown = item.get("text") or item.get("ename") or data.get("text/html") or data.get("text/plain", "")
        got.append((item["output_type"], shown))
    if case in ("shell", "exit"):  # what these print depends on the version of IPython: they must only not hang
        assert scores(judged) == [2, 2, 2]
    else:
        assert got == expected


def test_a_figure_and_a_warning_are_kept(worker: Worker) -> None:
    source = "import warnings, matplotlib.pyplot as plt\nwarnings.warn('careful')\nplt.plot([1, 2])\nplt.show()"
    judged = worker.grade(submission(demo_first=source))
    warning, figure = outputs(judged, "demo-first")
    assert "careful" in warning["text"]
    assert figure["data"]["image/png"].startswith("iVBOR")
    assert scores(judged) == [2, 2, 2]


def test_a_figure_left_open_by_a_tested_function_is_shown_with_its_test(worker: Worker) -> None:
    draws = "import matplotlib.pyplot as plt\ndef first(x):\n    plt.plot([1, x])\n    print('drew')\n    return x + 1"
    judged = worker.grade(submission(first=draws, demo_first=""))
    assert [item["output_type"] for item in outputs(judged, "first--check")] == ["stream", "display_data"]


FLOODS = {
    "lines": "while len(str(i := 0)) and True: print('x' * 1000)",
    "one line": "print('x' * (1 << 26))",
    "displays": "for i in range(100_000): display(i)",
    "bytes to descriptors": "import os\nfor fd in (0, 1, 2): os.write(fd, b'x' * 1000)",
    "errors": "import sys\nfor i in range(10**5): print(i, file=sys.stderr); print(i)",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_floods_of_output_are_cut_and_cost_nothing(flood: str, worker: Worker) -> None:
    judged = worker.grade(submission(demo_first=FLOODS[flood]))
    assert scores(judged) == [2, 2, 2]
    assert len(str(outputs(judged, "demo-first"))) < 200_000


ENDS = {"crashes": "import ctypes; ctypes.string_at(0)", "hangs": "while True: pass", "left": "import os; os._exit(0)"}


@pytest.mark.parametrize("end", ENDS)
def test_what_a_cell_showed_before_it_died_is_kept(end: str, worker: Worker) -> None:
    figure = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    judged = worker.grade(submission(demo_first=f"print('one')\n{figure}\nprint('two')\n{ENDS[end]}"))
    one, drawn, two, error = outputs(judged, "demo-first")
    assert (one["text"], two["text"], error["output_type"]) == ("one\n", "two\n", "error")
    assert drawn["data"]["image/png"].startswith("iVBOR")
    assert scores(judged) == [2, 2, 2]


def test_what_a_tested_function_printed_before_it_died_is_kept(worker: Worker) -> None:
    crashes = f"def second(x):\n    print('got', x)\n    {ENDS['crashes']}"
    judged = worker.grade(submission(second=crashes, demo_second=""))
    assert text(judged, "second--check") == "got 1\n"
    assert scores(judged) == [2, 0, 2]


@pytest.mark.parametrize("flood", ["print('x' * 1000)", "print('x', end='')", "print('x' * 1000, file=sys.stderr)"])
def test_endless_printing_keeps_what_came_first_and_is_marked_as_cut(flood: str, worker: Worker) -> None:
    judged = worker.grade(submission(demo_first=f"import sys\nprint('first')\nwhile True: {flood}"))
    shown = text(judged, "demo-first")
    assert shown.startswith("first\nx")
    assert shown.endswith(CUT)
    assert 1000 < len(shown) < 200_000
    assert scores(judged) == [2, 2, 2]


def test_a_forged_journal_costs_nothing(worker: Worker) -> None:
    forge = (
        "import gc, os\njournal = get_ipython().display_pub.outputs.journal\n"
        "memory = journal._memory\nmemory[:] = {content}\nos._exit(0)"
    )
    for content in ("b'\\xff' * len(memory)", "os.urandom(len(memory))", "b'\\xff' * 8 + b'\\x91' * (len(memory) - 8)"):
        judged = worker.grade(submission(demo_first=forge.format(content=content)))
        assert scores(judged) == [2, 2, 2]
        assert len(str(outputs(judged, "demo-first"))) < 200_000


def test_printing_within_a_tested_function_cannot_flood_the_notebook(worker: Worker) -> None:
    judged = worker.grade(submission(first="def first(x):\n    print('y' * 10**6)\n    return x + 1"))
    assert scores(judged) == [2, 2, 2]
    assert len(str(outputs(judged, "first--check"))) < 200_000


NOT_STUDENTS = {
    "input transformer": "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])",
    "ast transformer": (
        "import ast\nclass T(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n"
        "get_ipython().ast_transformers.append(T())"
    ),
    "run_cell": "get_ipython().run_cell = lambda *a, **k: None",
    "builtins": "import builtins; builtins.AssertionError = type('A', (), {}); builtins.abs = lambda x: 0; abs = None",
    "numpy": "import numpy as np; np.allclose = np.array_equal = lambda *a, **k: True; np.testing = None",
    "display hook": "import sys\nfor v in (float('nan'), 1000): sys.displayhook(v)",
    "excepthook": "import sys; sys.excepthook = sys.displayhook = print",
    "modules of the engine": "import sys\nfor m in list(sys.modules):\n    if 'autograder' in m: sys.modules[m] = None",
    "atexit": "import atexit; atexit.register(lambda: print('3 / 3'))",
    "threads": "import threading\nt = threading.Timer(0.01, lambda: globals().update(second=lambda x: 0))\nt.start()",
    "score on stdout": "print('Score: 2/2'); import sys; print('2', file=sys.stderr)",
    "gc": "import gc; gc.disable(); [o for o in gc.get_objects()]",
}


@pytest.mark.parametrize("attack", NOT_STUDENTS)
def test_what_student_code_patches_in_its_own_process_changes_no_score(attack: str, worker: Worker) -> None:
    wrong = NOT_STUDENTS[attack] + "\ndef second(x):\n    return -1"
    assert scores(worker.grade(submission(second=wrong)))[1] == 0


def partial(tail: str) -> Judged:
    notebook = instructor()
    notebook["cells"][3]["source"] += f"\n{tail}"
    with Worker(Assignment("tasks", notebook), LIMITS) as worker:
        return worker.grade(copy.deepcopy(notebook))


def test_a_last_number_is_partial_credit() -> None:
    judged = partial("import sys; print('careful', file=sys.stderr)\n0.5")
    assert judged.scores["first__check"] == 0.5
    assert judged.checks["first__check"].status == "partial"
    assert not judged.flags


@pytest.mark.parametrize(
    ("value", "score", "fault"),
    [
        (None, 2.0, False),
        (True, 2.0, False),
        ("text", 2.0, False),
        (1, 1.0, False),
        (0.0, 0.0, False),
        (2, 2.0, False),
        (np.float32(0.5), 0.5, False),
        (np.int64(1), 1.0, False),
        (math.nan, 0.0, True),
        (-1, 0.0, True),
        (1000, 2.0, True),
        (math.inf, 2.0, True),
    ],
)
def test_scores_are_clamped_and_faults_named(value: Any, score: float, fault: bool) -> None:
    got, reason = score_of(value, 2.0)
    assert (got, bool(reason)) == (score, fault)


def test_a_score_over_the_maximum_is_flagged() -> None:
    judged = partial("1000")
    assert judged.scores["first__check"] == 2
    assert any("over the maximum" in flag for flag in judged.flags)


def test_a_judge_that_dies_is_no_danger_to_the_worker() -> None:
    notebook = instructor()
    notebook["cells"][3]["source"] = "import os\nif first(1) == 3: os.kill(os.getpid(), 9)\nassert first(1) == 2"
    with Worker(Assignment("tasks", notebook), LIMITS) as worker:
        judged = worker.grade(submission(first="def first(x):\n    return 3"))
        assert scores(judged) == [0, 0, 0]
        assert judged.deaths
        assert scores(worker.grade(submission())) == [2, 2, 2]


def test_a_message_that_asks_the_students_process_is_read_within_the_time_of_the_cell() -> None:
    notebook = instructor()
    notebook["cells"][3]["source"] = "assert False, first(1)"
    slow = "import time\nclass A:\n    def __str__(self): time.sleep(999)\ndef first(x):\n    return A()"
    with Worker(Assignment("tasks", notebook), LIMITS) as worker:
        judged = worker.grade(submission(first=slow))
        assert judged.checks["first__check"].status == "timed out"
        assert scores(judged) == [0, 2, 2]


def test_replay_gives_each_cell_its_own_time(worker: Worker) -> None:
    slow = "import time\ntime.sleep(1.2)\n"
    judged = worker.grade(
        submission(
            first=slow + ANSWER.format(name="first"),
            second=slow + ANSWER.format(name="second"),
            demo_second="import os; os._exit(1)",
        )
    )
    assert scores(judged) == [2, 2, 2]
    assert len(judged.deaths) == 1


def test_a_worker_that_is_killed_says_so_and_leaves_no_process() -> None:
    with Worker(Assignment("tasks", instructor()), LIMITS) as worker:
        assert worker._process is not None
        root = psutil.Process(worker._process.pid)
        family: list[psutil.Process] = []

        def kill() -> None:
            family.extend([root, *root.children(recursive=True)])
            root.kill()

        timer = threading.Timer(1, kill)
        timer.start()
        with pytest.raises(WorkerError, match="ended"):
            worker.grade(submission(first="import time; time.sleep(99)"))
        timer.join()
    assert len(family) >= 4  # worker, judge, server, student
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


def test_the_judge_has_a_limit_on_memory_of_its_own() -> None:
    notebook = instructor()
    notebook["cells"][3]["source"] = "a = np.ones((first(0), 1 << 30))\na[:] = 1"
    with Worker(Assignment("tasks", notebook), LIMITS) as worker:
        judged = worker.grade(submission(first="def first(x):\n    return 8"))
        assert judged.scores["first__check"] == 0
        assert scores(judged)[1:] == [2, 2]


def test_a_notebook_without_its_tests_scores_nothing(worker: Worker) -> None:
    notebook = submission()
    notebook["cells"] = [raw for raw in notebook["cells"] if not raw["id"].endswith("--check")]
    assert scores(worker.grade(notebook)) == [0, 0, 0]


def test_the_instructors_test_runs_whatever_the_notebook_holds_in_its_place(worker: Worker) -> None:
    notebook = submission(first="def first(x):\n    return 0")
    for raw in notebook["cells"]:
        if raw["id"].endswith("--check"):
            raw["source"] = "pass"
    assert scores(worker.grade(notebook)) == [0, 2, 2]
