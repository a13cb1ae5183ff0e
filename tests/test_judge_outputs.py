"""What cells print and draw is on the notebook as in Jupyter, bounded, whatever end it came to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from autograder.assignment import Assignment
from autograder.journal import CUT
from autograder.limits import Limits
from autograder.worker import Worker
from tests.three_tasks import (
    LIMITS,
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


def test_outputs_over_the_limit_of_the_notebook_are_cut() -> None:
    cells = [given(f"c{n}", "print('x' * 400)") for n in range(4)]
    judged = judged_cells(*cells, limits=Limits(cell_seconds=2, total_seconds=20, total_output_bytes=1000))
    shown = [text(judged, f"c{n}") for n in range(4)]
    assert shown[:2] == ["x" * 400 + "\n"] * 2
    assert shown[2:] == ["[outputs cut here: over the limit of the notebook]\n"] * 2


def test_a_cell_that_prints_as_many_characters_as_there_is_room_in_bytes_keeps_its_process() -> None:
    prints = f"def f(): return 1\nprint('\U0001f600' * {Limits().cell_output_bytes})"
    judged = judged_cells(student(prints), check("f__check", "assert f() == 1"), limits=Limits())
    assert (judged.scores, judged.deaths) == ({"f__check": 1}, [])
    assert len(text(judged, "student").encode()) == Limits().cell_output_bytes + len(CUT)


def test_what_cells_raise_counts_as_what_they_show_does() -> None:
    cells = [given(f"c{n}", "raise ValueError('x' * 400)") for n in range(4)]
    judged = judged_cells(*cells, limits=Limits(cell_seconds=2, total_seconds=20, total_output_bytes=2500))
    assert [outputs(judged, f"c{n}")[0]["output_type"] for n in range(4)] == ["error", "error", "stream", "stream"]


NO_PROGRAM = "left out, since no program can be started while a notebook is graded\n"
OUTPUTS = {
    "print and value": ("print('a'); 3", [("stream", "a\n"), ("execute_result", "3")]),
    "a quiet value": ("3;", []),
    "a quiet value with a comment": ("3;  # quiet", []),
    "stderr": ("import sys; print('b', file=sys.stderr)", [("stream", "b\n")]),
    "display": ("display(4); print('c')", [("display_data", "4"), ("stream", "c\n")]),
    "html": ("from IPython.display import HTML\nHTML('<b>x</b>')", [("execute_result", "<b>x</b>")]),
    "magic": ("%matplotlib inline\n5", [("execute_result", "5")]),
    "cell magic": ("%%capture out\nprint('hidden')", []),
    "a program": ("!ls x\n7", [("stream", f"!ls x: {NO_PROGRAM}"), ("execute_result", "7")]),
    "what a program says": (
        "files = !ls\nfiles, 1",
        [("stream", f"!ls: {NO_PROGRAM}"), ("execute_result", "([], 1)")],
    ),
    "an error in a magic's line": ("%run nowhere.py", [("error", "Exception")]),
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


@pytest.fixture(scope="module")
def patient() -> Iterator[Worker]:
    """With time for figures on a busy machine: a first one imports, and looks for fonts."""
    with Worker(Assignment("tasks", instructor()), replace(LIMITS, cell_seconds=15, total_seconds=60)) as started:
        yield started


@pytest.mark.parametrize("case", OUTPUTS)
def test_outputs_are_those_of_jupyter(case: str, patient: Worker) -> None:
    source, expected = OUTPUTS[case]
    judged = patient.grade(submission(demo_first=source))
    got = []
    for item in outputs(judged, "demo-first"):
        data = item.get("data", {})
        shown = item.get("text") or item.get("ename") or data.get("text/html") or data.get("text/plain", "")
        got.append((item["output_type"], shown))
    if case == "exit":  # what this prints depends on the version of IPython: it must only not hang
        assert scores(judged) == [2, 2, 2]
    else:
        assert got == expected


OF_THE_MACHINE = r"""!ls | !pip install x | files = !ls | !!ls | %pip install x | %conda list | %sx ls | %system ls
%matplotlib widget | %load_ext nowhere | %nowhere x | %env NOWHERE
import nowhere | import nowhere.inside as n, math | from nowhere.inside import x
%matplotlib inline; import nowhere | from nowhere.inside import drive; drive.mount('/content')
import nowhere as n; n.set_theme(style='x'); n""".replace("\n", " | ").split(" | ")


@pytest.mark.parametrize("line", OF_THE_MACHINE)
def test_a_line_for_a_machine_that_is_not_there_costs_no_answer(line: str, patient: Worker) -> None:
    line = line.replace("; ", "\n")
    judged = patient.grade(submission(first=f"{line}\ndef first(x):\n    return x + 1"))
    assert scores(judged) == [2, 2, 2]
    assert "left out" in "".join(item.get("text", "") for item in outputs(judged, "first"))


@pytest.mark.parametrize(
    "asked",
    [
        "%config InlineBackend.figure_formats = ['svg']",
        "from matplotlib_inline.backend_inline import set_matplotlib_formats\nset_matplotlib_formats('svg')",
        "%matplotlib inline",
    ],
)
def test_a_figure_comes_as_png_whatever_the_notebook_asks_for(asked: str, patient: Worker) -> None:
    source = f"{asked}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    assert "image/png" in outputs(patient.grade(submission(demo_first=source)), "demo-first")[-1]["data"]


def test_a_figure_comes_as_png_also_where_the_course_asks_for_another_format() -> None:
    asked = "from matplotlib_inline.backend_inline import set_matplotlib_formats\nset_matplotlib_formats('svg')"
    judged = judged_cells(
        given("given", f"import matplotlib.pyplot as plt\n{asked}"),
        student("plt.plot([1, 2])\nplt.show()"),
        limits=replace(LIMITS, cell_seconds=15, total_seconds=60),  # as of `patient`: a first figure takes its time
    )
    assert {"image/png", "image/svg+xml"} <= outputs(judged, "student")[-1]["data"].keys()


@pytest.mark.parametrize(
    "asked", ['matplotlib.use("TkAgg")', 'plt.switch_backend("Qt5Agg")', 'matplotlib.use("module://nowhere")']
)
def test_a_window_that_is_not_there_costs_no_answer(asked: str) -> None:
    judged = judged_cells(
        given("given", "import matplotlib\nimport matplotlib.pyplot as plt"),
        student(f"{asked}\nplt.plot([1, 2])\nplt.show()\ndef f():\n    return 1"),
        check("f__check", "assert f() == 1"),
        limits=replace(LIMITS, cell_seconds=15, total_seconds=60),
    )
    assert judged.scores == {"f__check": 1}
    said, drawn = outputs(judged, "student")
    assert re.match("the backend .*: left out, since it is not there", said["text"])
    assert "image/png" in drawn["data"]


def test_what_jupyter_has_for_threads_and_crashes_costs_no_answer() -> None:
    source = "import faulthandler\nfrom multiprocessing.pool import ThreadPool\nfaulthandler.enable()\n"
    source += "def f():\n    with ThreadPool(2) as pool:\n        return sum(pool.map(abs, [-1, 2]))"
    judged = judged_cells(student(source), check("f__check", "assert f() == 3"), limits=LIMITS)
    assert (judged.scores, outputs(judged, "student")) == ({"f__check": 1}, [])


def test_a_package_that_would_be_installed_is_named_as_it_was_written_and_nothing_else_is_said(worker: Worker) -> None:
    judged = worker.grade(submission(demo_first="%pip install torch"))
    assert text(judged, "demo-first") == f"%pip install torch: {NO_PROGRAM}"


def test_an_import_that_is_left_out_is_named_and_the_others_are_kept(worker: Worker) -> None:
    source = "import math, nowhere as n\nprint(math.pi > 3)\nn.call(1)\nfrom math.inside import x\nprint(n)\nn.y = 1"
    *said, error = outputs(worker.grade(submission(demo_first=source)), "demo-first")
    assert "".join(item["text"] for item in said if item["name"] == "stdout") == "True\n"
    assert "".join(item["text"] for item in said if item["name"] == "stderr").splitlines() == [
        "import nowhere as n: left out, since nowhere is not installed where notebooks are graded",
        "n.call(1): left out, since there is no n",
        "from math.inside import x: left out, since math.inside is not installed where notebooks are graded",
        "print(n): left out, since there is no n",
    ]
    assert (error["ename"], error["evalue"]) == ("NameError", "name 'n' is not defined")


MADE = {
    "in the cell": "from pathlib import Path\nPath('mine.py').write_text('x = 1')\nimport mine\nmine.x",
    "by hand": "import sys, types\nsys.modules['mine'] = types.ModuleType('mine')\nimport mine\nmine.x = 1\n1",
    "elsewhere": "import sys, os\nos.makedirs('lib')\nopen('lib/mine.py', 'w').write('x = 1')\n"
    "sys.path.insert(0, 'lib')\nfrom mine import *\nx",
    "a function": "from nowhere import f\ndef f(x): print(x)\nf(1)\n1",
    "the future": "from __future__ import annotations\nimport mine_not\ndef f(x: Never): return x\nf(1)",
}


@pytest.mark.parametrize("how", MADE)
def test_what_the_notebook_makes_itself_is_there(how: str, worker: Worker) -> None:
    last = outputs(worker.grade(submission(demo_first=MADE[how] + "\nprint(1)")), "demo-first")[-1]
    assert last["text"].endswith("1\n")


def test_the_error_of_a_call_of_what_is_there_is_the_students_own(worker: Worker) -> None:
    source = "import nowhere\nprint(undefined, nowhere)"
    error = outputs(worker.grade(submission(demo_first=source)), "demo-first")[-1]
    assert (error["ename"], error["evalue"]) == ("NameError", "name 'undefined' is not defined")


def test_a_name_that_is_bound_after_all_is_shown_and_what_stands_after_try_is_the_students_own(worker: Worker) -> None:
    bound = submission(demo_first="import nowhere as n\nimport math as n\nprint(n.pi)")
    assert outputs(worker.grade(bound), "demo-first")[-1]["text"] == "3.141592653589793\n"
    tried = "try:\n    import nowhere\nexcept ImportError:\n    print('tried')"
    assert outputs(worker.grade(submission(demo_first=tried)), "demo-first")[0]["text"] == "tried\n"


def test_a_figure_and_a_warning_are_kept(patient: Worker) -> None:
    source = "import warnings, matplotlib.pyplot as plt\nwarnings.warn('careful')\nplt.plot([1, 2])\nplt.show()"
    judged = patient.grade(submission(demo_first=source))
    warning, figure = outputs(judged, "demo-first")
    assert "careful" in warning["text"]
    assert figure["data"]["image/png"].startswith("iVBOR")
    assert scores(judged) == [2, 2, 2]


@pytest.mark.parametrize("imports", ["import numpy as np", "import matplotlib.pyplot as plt"])
def test_a_figure_is_shown_whether_the_course_draws_any_or_the_student_alone(imports: str) -> None:
    draws = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('drew')"
    course = Assignment("figures", {"cells": [given("given", imports), student("")], "metadata": {}})
    handed_in = {"cells": [given("given", imports), student(draws)], "metadata": {}}
    with Worker(course) as worker:
        printed, figure = outputs(worker.grade(handed_in), "student")
    assert printed["text"] == "drew\n"
    assert figure["data"]["image/png"].startswith("iVBOR")


def test_a_figure_left_open_by_a_tested_function_is_shown_with_its_test(patient: Worker) -> None:
    draws = "import matplotlib.pyplot as plt\ndef first(x):\n    plt.plot([1, x])\n    print('drew')\n    return x + 1"
    judged = patient.grade(submission(first=draws, demo_first=""))
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


ENDS = {
    "crashes": "import ctypes; ctypes.string_at(0)",
    "hangs": "import time; time.sleep(999)",
    "left": "import os; os._exit(0)",
}


@pytest.mark.parametrize("end", ENDS)
def test_what_a_cell_showed_before_it_died_is_kept(end: str, patient: Worker) -> None:
    figure = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    judged = patient.grade(submission(demo_first=f"print('one')\n{figure}\nprint('two')\n{ENDS[end]}"))
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


def test_a_list_of_the_students_is_called_a_list_as_at_home() -> None:
    asks = "from normlab.checks import require_results, require_shape\nrequire_{}"
    judged = judged_cells(
        student("def f(): return [1.0, 2.0]"),
        check("shape", asks.format("shape('dbeta', f(), (2,))")),
        check("results", asks.format("results('f', f(), ('out', 'cache', 'more'))")),
    )
    assert judged.checks["shape"].message.endswith(": dbeta must be a numpy array, got a list of 2")
    assert judged.checks["results"].message.endswith("(out, cache, more), got a list of 2")


def test_a_function_of_the_tests_that_student_code_kept_writes_nothing_where_the_grader_writes(
    capfd: pytest.CaptureFixture[str],
) -> None:
    shout = "import sys\ndef shout(text): print(text), print(text, file=sys.stderr)"
    keep = "kept = []\ndef keep(function): kept.append(function), function('within')"
    judged = judged_cells(
        given("given", "import sys"),
        student(keep),
        check("keeps", f"{shout}\nkeep(shout)"),
        given("later", "kept[0]('\\x1b[31mlater')"),
    )
    assert (judged.scores, text(judged, "keeps")) == ({"keeps": 1}, "within\nwithin\n")
    assert capfd.readouterr() == ("", "")
