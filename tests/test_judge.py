"""Verdicts, given cells, messages and scores, through a real worker."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

from autograder.assignment import Assignment
from autograder.limits import Limits
from autograder.results import Judged
from autograder.scoring import score_of
from autograder.worker import Worker
from tests import course_factory as factory
from tests.repaired import repaired
from tests.three_tasks import (
    ANSWER,
    LIMITS,
    TASKS,
    check,
    given,
    instructor,
    judged_cells,
    outputs,
    scores,
    student,
    submission,
    text,
)


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
        "theirs": "ZeroDivisionError, line 2 in f: division by zero",
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


def test_a_check_that_fails_for_a_fault_of_the_course_says_so_and_nobody_else_is_blamed() -> None:
    judged = judged_cells(
        given("imports", "from math import sqrtt\nmade = 1"),
        student("def f(x):\n    if x: raise NameError(\"name 'nobody' is not defined\")\n    return undefined"),
        given("from the student", "value = f(1)"),
        check("typo", "assert rgn(1)"),
        check("attribute", "import math\nmath.sqare(2)"),
        check("file", "open('numbers.txt')"),
        check("module", "import no_such_module"),
        check("of_the_imports", "sqrtt(2)"),
        check("raised", "f(1)"),
        check("own", "f(0)"),
        check("of_a_cell_of_the_students", "value + 1"),
        check("of_another_check", "kept = 1 / 0"),
        check("without_it", "kept"),
    )
    faulty = {name for name, check in judged.checks.items() if check.status == "error"}
    assert faulty == {"typo", "attribute", "file", "module", "of_the_imports"}
    assert {judged.checks[name].status for name in judged.checks.keys() - faulty} == {"failed"}
    first, typo, *others = judged.flags
    assert first.startswith("The given cell <cell 0> is at fault itself: ImportError: cannot import name 'sqrtt'")
    assert typo == "typo is at fault itself: NameError: name 'rgn' is not defined"
    assert [flag.partition(" is at fault itself: ")[0] for flag in others] == [*judged.checks][1:5]


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


def test_what_a_given_cell_changes_is_changed_for_the_tests() -> None:
    cells = student("rows = 3"), given("made", "settings = {}"), given("changed", "settings['rows'] = rows")
    assert judged_cells(*cells, check("t", "assert settings['rows'] == 3")).scores == {"t": 1}


@pytest.mark.parametrize(("long", "plain"), [("longdouble", "float64"), ("clongdouble", "complex128")])
def test_an_array_of_longer_floats_than_others_have_comes_as_plain_ones(long: str, plain: str) -> None:
    judged = judged_cells(
        student(f"import numpy as np\ndef f(x): return np.ones(2, np.{long}) * x"),
        check("t", f"assert f(2.0).dtype == '{plain}' and (f(2.0) == 2).all() and f(2.0)[0] == 2"),
    )
    assert judged.scores == {"t": 1}


def test_an_answer_that_asks_a_person_is_told_that_nobody_is_there() -> None:
    judged = judged_cells(student("def f(): return input('x? ')"), check("t", "f()"))
    told = "EOFError, line 1 in f: nobody is there to answer input() while a notebook is graded"
    assert judged.checks["t"].message == told


def test_a_name_that_the_student_took_away_again_is_gone_for_the_tests() -> None:
    takes_away = factory.cell("code", "second", "del f", solution=True)
    judged = judged_cells(student("def f(): return 1"), check("before", "f()"), takes_away, check("after", "f()"))
    assert judged.scores == {"before": 1, "after": 0}
    assert judged.checks["after"].message == "f is not defined: its cell failed, is empty, or gives another name"


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
    assert judged.flags == [
        "first is bound again after its checks",
        "third__check: the notebook that was graded does not hold this test",
    ]
    assert (judged.checks["third__check"].status, judged.checks["third__check"].points) == ("failed", 2)


def test_a_written_answer_waits_for_a_person_where_there_is_one() -> None:
    written = factory.cell("markdown", "why", "Because.\n", grade=True, solution=True, points=3)
    solved = "### BEGIN SOLUTION\ndef how(x):\n    return x\n### END SOLUTION"
    code = factory.cell("code", "how", solved, grade=True, solution=True, points=4)
    assignment = Assignment("w", {"cells": [written, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    release, moved = copy.deepcopy(assignment.notebook), copy.deepcopy(assignment.notebook)
    for work in (release, moved):
        for raw, each in zip(work["cells"], assignment.cells, strict=True):
            raw["source"] = f"\n{each.release}  \n".splitlines(keepends=True)
    moved["cells"].append(factory.cell("code", "mine", "def how(x):\n    return x"))
    with Worker(assignment, LIMITS) as worker:
        blank, below, answered = (
            worker.grade(repaired(work, assignment)[0]) for work in (release, moved, assignment.notebook)
        )
    assert below.checks["how"].status == "manual", "a person reads what stands in a cell of the student's own"
    assert {name: (c.status, c.score, c.points) for name, c in blank.checks.items()} == {
        "why": ("not attempted", 0, 3),
        "how": ("not attempted", 0, 4),
    }
    assert {name: (c.status, c.score, c.points) for name, c in answered.checks.items()} == {
        "why": ("manual", None, 3),
        "how": ("manual", None, 4),
    }


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


def test_a_task_cell_waits_for_a_person_whatever_stands_in_it() -> None:
    notebook = {**instructor(), "cells": [factory.cell("markdown", "e", "State it.", task=True, locked=True, points=4)]}
    with Worker(Assignment("tasks", notebook), LIMITS) as worker:
        check = worker.grade(copy.deepcopy(notebook)).checks["e"]
    assert (check.status, check.score, check.points) == ("manual", None, 4)


def test_a_task_that_was_not_attempted_says_so(worker: Worker) -> None:
    blank = next(cell for cell in Assignment("t", instructor()).cells if cell.grade_id == "second").release
    judged = worker.grade(submission(second=blank))
    assert scores(judged) == [2, 0, 2]
    assert judged.checks["second__check"].status == "not attempted"
    judged = worker.grade(submission(second="def second(x):\n    return x"))
    assert judged.checks["second__check"].status == "failed"
    assert "1 is wrong" in judged.checks["second__check"].message


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
        ("0.5", 0.5, False),
        ("-1", 0.0, True),
        ("nan", 0.0, True),
        (1, 1.0, False),
        (0.0, 0.0, False),
        (2, 2.0, False),
        (np.float32(0.5), 0.5, False),
        (np.int64(1), 1.0, False),
        (math.nan, 0.0, True),
        (-1, 0.0, True),
        (1000, 2.0, True),
        (math.inf, 2.0, True),
        (10**400, 2.0, True),
        (-(10**400), 0.0, True),
    ],
)
def test_scores_are_clamped_and_faults_named(value: Any, score: float, fault: bool) -> None:
    got, reason = score_of(value, 2.0)
    assert (got, bool(reason)) == (score, fault)


def test_a_score_over_the_maximum_is_flagged() -> None:
    judged = partial("1000")
    assert judged.scores["first__check"] == 2
    assert any("over the maximum" in flag for flag in judged.flags)


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
