"""What dies, hangs or forges answers costs its own task and nothing else, through a real worker."""

from __future__ import annotations

import copy
import re
import threading
import time

import psutil
import pytest

from autograder.assignment import Assignment
from autograder.errors import WorkerError
from autograder.limits import Limits
from autograder.worker import Worker
from tests.three_tasks import (
    ANSWER,
    LIMITS,
    TASKS,
    instructor,
    outputs,
    scores,
    submission,
    text,
)

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


def test_a_cell_that_dies_when_it_is_run_again_is_left_out_then() -> None:
    with Worker(Assignment("tasks", instructor()), Limits(cell_seconds=20)) as patient:
        soon = time.time() + 4
        judged = patient.grade(
            submission(
                demo_first=f"import os, time\nif time.time() > {soon}: os._exit(1)",
                demo_second=f"import os, time\ntime.sleep(max(0, {soon} - time.time()))\nos._exit(1)",
            )
        )
    assert scores(judged) == [2, 2, 2]
    twice = "cell [6] (import os, time), second__check"  # by itself, and where the process that came after it began
    assert judged.deaths == [f"{twice}: the student's process ended itself (exit code 1)"]


@pytest.mark.parametrize("seconds", [0, 1.0])
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
        "cell [3] (print(first(1))), first__check: the cell ran longer than 2 s",
        "first__check_0: the cell ran longer than 0.2 s (10% of the usual, since what it uses ran out of time before)",
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
    slow = "import time\ntime.sleep(0.8)\n"  # three of them take more than one cell may, and each far less
    judged = worker.grade(
        submission(
            first=slow + ANSWER.format(name="first"),
            demo_first=slow,
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
            deadline = time.monotonic() + 60
            while len(family) < 4 and time.monotonic() < deadline:  # worker, judge, server, student
                family[:] = [root, *root.children(recursive=True)]
                time.sleep(0.01)
            root.kill()

        timer = threading.Timer(1, kill)
        timer.start()
        with pytest.raises(WorkerError, match="ended"):
            worker.grade(submission(first="import time; time.sleep(99)"))
        timer.join()
    assert len(family) >= 4
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []


def test_the_judge_has_a_limit_on_memory_of_its_own() -> None:
    notebook = instructor()
    notebook["cells"][3]["source"] = "a = np.ones((first(0), 1 << 30))\na[:] = 1"
    with Worker(Assignment("tasks", notebook), LIMITS) as worker:
        judged = worker.grade(submission(first="def first(x):\n    return 8"))
        assert judged.scores["first__check"] == 0
        assert scores(judged)[1:] == [2, 2]


def test_a_text_of_the_students_that_was_recorded_needs_no_process_afterwards() -> None:
    notebook = instructor()
    notebook["cells"][3]["source"] = "assert first(1) == 'two'"
    own = "class Text(str):\n    def __repr__(self): 1 / 0\ndef first(x):\n    return Text('two')"
    with Worker(Assignment("tasks", notebook), LIMITS) as worker:
        judged = worker.grade(submission(first=own, second="import os; os._exit(0)"), record="failures")
        assert scores(judged) == [2, 0, 2]
        assert judged.events["second__check"] == []


def test_a_test_with_a_clock_of_its_own_blames_nobody_for_what_it_broke_off_and_the_next_hang_is_ended() -> None:
    notebook = instructor()
    notebook["cells"][3]["source"] = (
        "import signal\ndef late(*_): raise TimeoutError\nsignal.signal(signal.SIGALRM, late)\nsignal.alarm(1)\n"
        "try: first(0)\nfinally: signal.alarm(0), signal.signal(signal.SIGALRM, signal.SIG_DFL)"
    )
    endless = {name: f"def {name}(x):\n    while True: pass" for name in ("first", "second")}
    with Worker(Assignment("tasks", notebook), LIMITS) as worker:
        judged = worker.grade(submission(**endless, demo_first="", demo_second=""))
    assert scores(judged) == [0, 0, 2]
    assert judged.deaths == [
        "first__check: grading it failed (TimeoutError)",
        "second__check: the cell ran longer than 2 s",
    ]


def test_who_closes_the_connection_and_lives_on_is_told_that_and_nothing_outside_is_blamed(worker: Worker) -> None:
    closes = "import os, time; os.close(3); time.sleep(99)"
    judged = worker.grade(submission(second=f"def second(x):\n    {closes}", demo_second=""))
    assert scores(judged) == [2, 0, 2]
    assert judged.deaths == ["second__check: the student's code closed the connection through which it is called"]
    assert judged.outside == ""
