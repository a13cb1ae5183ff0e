"""`python -m normlab check`: what it says about right, wrong, blank and disordered notebooks."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.assignment import Assignment
from autograder.intake import parse
from autograder.limits import Limits
from autograder.repair import repair
from autograder.worker import Worker
from normlab import freshrun
from normlab.__main__ import main
from normlab.check import NotebookError, check
from normlab.notebook import read_notebook
from reference.course import Course
from tests.small_notebooks import (
    ALL_DONE,
    DOUBLE,
    STUB,
    Save,
    at,
    filled,
    reasons,
    released,
    saver,
    status,
)

ROOT = Path(__file__).parent.parent


@pytest.fixture
def save(tmp_path: Path) -> Save:
    return saver(tmp_path)


def test_a_right_notebook_passes_and_hears_of_hidden_checks(save: Save, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(save(filled()))]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "passed double (1 of 1 checks, 1 more hidden)" in said
    assert "chosen prediction__more (marked when graded)" in said
    assert "written written__why (a person grades it)" in said
    assert (
        "2 of 4 tasks pass here; 2 will be marked when the notebook is graded. Hidden checks are run then, too (1),"
        in said
    )


def test_a_blank_notebook_is_not_attempted(save: Save) -> None:
    report = check(save(released()))
    assert set(status(report).values()) == {"not attempted"}
    assert not report.all_passed
    assert report.order == report.notices == ()


def test_one_blank_answer_does_not_hide_the_others(save: Save) -> None:
    report = check(save(filled(double=released()["cells"][1]["source"])))
    assert status(report) == ALL_DONE | {"double": "not attempted", "square": "failed"}
    assert reasons(report, "square") == ('"square__of_a_double" fails: it needs double, which is not written yet',)


def test_half_of_an_answer_has_failed_with_its_true_count(save: Save) -> None:
    report = check(save(filled(square=f"def square(x):\n    if x == 3:\n        return 9\n    {STUB}")))
    assert status(report) == ALL_DONE | {"square": "failed"}
    assert "failed         square (1 of 2 checks)" in str(report)
    sentence = '"square__of_a_double" fails: it stops at the part of square that is not written yet'
    assert reasons(report, "square") == (sentence,)


def test_a_task_that_needs_what_is_half_written_says_so(save: Save) -> None:
    report = check(save(filled(double=f"def double(x):\n    if x == 3: return 6\n    {STUB}")))
    assert reasons(report, "square")[0].endswith('" fails: it needs a part of double, which is not written yet')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def double(x):\n    return 3 * x", '"Three doubled is six" fails: 6 was expected, 9 came'),
        (
            "def double(x):\n    return 2 * y",
            "\"Three doubled is six\" fails: NameError, line 2 in double: name 'y' is not defined",
        ),
        ("def double(x)\n    return 2 * x", "syntax error, line 1: expected ':'"),
        (
            "def twice(x):\n    return 2 * x",
            "double is not defined: its cell failed, is empty, or gives another name",
        ),
        (
            "def double(x):\n    raise SystemExit",
            '"Three doubled is six" fails: SystemExit, line 2 in double: no message',
        ),
        ("import os\nos._exit(0)", "it ended the Python process; the grader counts that as a failure"),
    ],
)
def test_a_wrong_answer_is_told_why(save: Save, text: str, reason: str) -> None:
    notebook = filled(double=text)
    notebook["cells"] = [one for one in notebook["cells"] if one is not at(notebook, "square__of_a_double")]
    notebook["metadata"].pop("normlab")
    report = check(save(notebook))
    assert status(report) == ALL_DONE | {"double": "failed"}
    assert reasons(report, "double")[0] == reason


def test_a_check_without_a_message_names_its_line(save: Save) -> None:
    report = check(save(filled(square="def square(x):\n    return x")))
    assert reasons(report, "square") == (
        '"square__of_a_double" fails: line 1 of the check is not true',
        '"square__of_three" fails: 9 was expected',
    )


def test_a_loop_that_never_ends_costs_its_own_task(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshrun, "SECONDS_A_CELL", 1.0)
    report = check(save(filled(square="def square(x):\n    while True:\n        pass")))
    assert status(report) == ALL_DONE | {"square": "failed"}
    assert reasons(report, "square") == (
        '"square__of_a_double" fails: it ran for more than 1 seconds; look for a loop that never ends',
        "not run: square did not end",
    )


def test_a_function_that_never_ends_is_waited_for_once(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshrun, "SECONDS_A_CELL", 2.0)
    notebook = filled(double="def double(x):\n    while True:\n        pass")
    last = at(notebook, "square__of_three")
    for number in range(10):
        notebook["cells"].append(deepcopy(last) | {"source": f"assert double({number}) == {2 * number}"})
        notebook["cells"][-1]["metadata"]["nbgrader"]["grade_id"] = f"double__{number}"
    notebook["cells"] += [deepcopy(last) | {"source": "double(5)", "metadata": {}} for _ in range(10)]
    helper = {"source": "# beside double\ndef half(x): return x / 2\nlater = lambda: double(1)", "metadata": {}}
    notebook["cells"] += [deepcopy(last) | helper, deepcopy(last) | {"source": "assert half(later and 4) == 2"}]
    notebook["cells"][-1]["metadata"]["nbgrader"]["grade_id"] = "half__of_four"
    notebook["metadata"].pop("normlab")
    before = time.monotonic()
    report = check(save(notebook))
    assert time.monotonic() - before < 15
    assert reasons(report, "double")[1] == "not run: double did not end"
    assert reasons(report, "square")[0] == "not run: double did not end"  # its other check ran
    assert len(reasons(report, "square")) == 1
    assert not report.failing
    assert status(report)["half"] == "passed"  # it needs a cell that only defines something


def test_a_cell_that_shows_a_wrong_answer_is_not_listed_and_one_that_others_need_is(save: Save) -> None:
    notebook = filled(double="def double(x):\n    return half(x)")
    plain = deepcopy(at(notebook, "square__of_three")) | {"metadata": {}}
    shows, helps = (
        {"source": "double(2).shape"},
        {"source": "# for double\nimport math\nmath.nothing\ndef half(x): return x"},
    )
    notebook["cells"].insert(0, plain | helps)
    notebook["cells"].append(deepcopy(plain) | shows)
    (only,) = check(save(notebook)).failing
    assert "module 'math' has no attribute 'nothing'" in only


def test_a_notebook_has_as_much_time_as_in_grading(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    assert f'c.Engine.limits = {{"total_seconds": {freshrun.SECONDS_IN_ALL:g}}}' in settings
    monkeypatch.setattr(freshrun, "SECONDS_IN_ALL", 6.0)
    (reason,) = reasons(check(save(filled(double=f"import time\ntime.sleep(60)\n{DOUBLE}"))), "double")
    assert re.match(r"it ran for more than [0-2](\.\d+)? seconds, half of the time that the notebook had left;", reason)
    monkeypatch.setattr(freshrun, "SECONDS_IN_ALL", 0.0)
    report = check(save(filled()))
    late = "not run: the notebook took more than 0 seconds, and the grader waits no longer"
    assert reasons(report, "double") == reasons(report, "square") == (late,)


def test_who_reads_the_first_lines_alone_sees_no_traceback(save: Save) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "normlab", "check", str(save(filled()))]
    ended = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_progress_is_told_on_a_terminal_alone(save: Save, capsys: pytest.CaptureFixture[str]) -> None:
    check(path := save(filled()))
    assert capsys.readouterr().err == ""
    ours, theirs = os.openpty()
    subprocess.run([sys.executable, "-m", "normlab", "check", path], cwd=ROOT, stderr=theirs, check=True)
    os.close(theirs)
    assert any(b"1 of " in os.read(ours, 10_000) for _ in range(8))  # a terminal hands on in parts what it is told


def test_a_task_that_needs_a_function_whose_cell_failed_says_so(save: Save) -> None:
    report = check(save(filled(double="def double(x)\n    return 2 * x")))
    assert reasons(report, "double") == ("syntax error, line 1: expected ':'",)
    assert reasons(report, "square") == ('"square__of_a_double" fails: it needs double, whose cell failed',)


def test_a_lost_answer_is_told_once(save: Save) -> None:
    notebook = filled()
    notebook["cells"].remove(at(notebook, "square"))
    sentence = "square is not defined: its cell failed, is empty, or gives another name"
    assert reasons(check(save(notebook)), "square") == (sentence,)


def test_one_error_in_several_checks_is_told_once(save: Save) -> None:
    report = check(save(filled(square="def square(x):\n    raise KeyError(1)")))
    assert reasons(report, "square") == ('"square__of_a_double" and 1 more fail: KeyError, line 2 in square: 1',)


def test_a_wrong_name_in_a_notebook_shows_the_sentence_and_no_traceback(tmp_path: Path) -> None:
    code = "from normlab.check import check\ncheck('batchnom.ipynb')"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=True)
    client.execute(cwd=str(tmp_path), env=os.environ | {"PYTHONPATH": str(ROOT)})
    [output] = notebook.cells[0].outputs
    assert output.traceback == ["Cannot check: there is no file batchnom.ipynb."]


def test_a_cell_may_run_as_long_as_in_grading() -> None:
    assert Limits().cell_seconds == freshrun.SECONDS_A_CELL


def test_a_python_in_the_browser_is_told_that_it_cannot_check(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(138, "Not supported")

    monkeypatch.setattr("subprocess.Popen", refuse)
    with pytest.raises(NotebookError, match=r"cannot start another one \(Not supported\), as in a browser; download"):
        check(save(filled()))


@pytest.mark.parametrize("choice", ["44", "about 44", "B", None])
def test_a_choice_that_is_none_of_those_asked_for_has_failed(save: Save, choice: str | None) -> None:
    report = check(save(filled(prediction__more_choice=f"def prediction__more_choice():\n    return {choice!r}")))
    assert status(report) == ALL_DONE | {"prediction__more": "failed"}
    assert reasons(report, "prediction__more") == (f'return "a" or "b"; got {choice!r}',)


def test_a_prediction_whose_comment_alone_was_changed_is_not_attempted(save: Save) -> None:
    report = check(save(filled(prediction__more_choice=f"def prediction__more_choice():\n    # later\n    {STUB}")))
    assert status(report) == ALL_DONE | {"prediction__more": "not attempted"}


def test_the_command_runs_as_a_module_from_any_folder(save: Save) -> None:
    path = save(released())
    command = [sys.executable, "-m", "normlab", "check", path.name]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    ended = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "not attempted  double" in ended.stdout
    assert ended.stderr == ""


def test_help_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--help"])
    assert ended.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "0 all tasks pass or wait for the grader; 1 a task failed" in said
    assert "2 the file cannot be checked" in said


ASSIGNMENTS = sorted(path.stem for path in (ROOT / "release").glob("*/*.ipynb"))


@pytest.fixture(scope="module")
def grader() -> Iterator[Worker]:
    with Worker(Assignment.from_file(ROOT / "source/batchnorm/batchnorm.ipynb")) as worker:
        yield worker


def wrong(function: str) -> str:
    """The reference's answer with the first known mistake in it."""
    course = Course("batchnorm")
    return next(each for each in course.mistakes if each.function == function).source(course.solution)


@pytest.mark.parametrize(
    "answers",
    [
        {"batchnorm_forward": wrong("batchnorm_forward")},
        {"batchnorm_backward": None, "batchnorm_backward_alt": wrong("batchnorm_backward_alt")},
        {"batchnorm_backward_alt": "import os\nos._exit(1)"},
    ],
    ids=["a mistake", "a blank and a mistake", "an end"],
)
def test_the_grader_says_the_same_of_every_visible_check(
    save: Save, grader: Worker, answers: dict[str, str | None]
) -> None:
    """``answers`` in the place of the reference's; None leaves the task as it was released."""
    notebook = json.loads((ROOT / "release/batchnorm/batchnorm.ipynb").read_text(encoding="utf-8"))
    for grade_id, asked in grader.assignment.by_id.items():
        if asked.kind in ("student", "manual") and (source := answers.get(grade_id, asked.source)):
            at(notebook, grade_id)["source"] = source
    read = read_notebook(save(notebook, "batchnorm.ipynb"))
    failures = dict(freshrun.failures_of(read))
    heard = {one.grade_id: one.number not in failures for one in read.cells if one.is_check and not one.is_hidden_check}
    repaired, findings = repair(grader.assignment, parse(json.dumps(notebook).encode(), Limits()))
    checks = grader.grade(repaired).checks
    assert findings == []
    visible = {name: checks[name].status == "passed" for name in heard if not grader.assignment.by_id[name].hidden}
    assert len(visible) >= 8
    assert {name: heard[name] for name in visible} == visible
    assert False in visible.values()


def test_there_are_release_notebooks_to_check() -> None:
    assert {"batchnorm", "layernorm"} <= set(ASSIGNMENTS)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_a_release_notebook_is_not_attempted_and_with_the_references_answers_all_done(save: Save, name: str) -> None:
    notebook = json.loads((ROOT / f"release/{name}/{name}.ipynb").read_text(encoding="utf-8"))
    report = check(save(notebook, f"{name}.ipynb"))
    assert set(status(report).values()) == {"not attempted"}
    assert report.notices == ()
    source = json.loads((ROOT / f"source/{name}/{name}.ipynb").read_text(encoding="utf-8"))
    for one in source["cells"]:
        marks = one["metadata"].get("nbgrader", {})
        if marks.get("solution"):
            at(notebook, marks["grade_id"])["source"] = one["source"]
    report = check(save(notebook, f"{name}.ipynb"))
    assert report.all_passed, str(report)
