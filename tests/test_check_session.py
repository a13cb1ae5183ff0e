"""`python -m normlab check` runs the notebook afresh, and tells what stood only in the student's session."""

import os
import signal
from copy import deepcopy
from io import BytesIO, TextIOWrapper
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from normlab import freshrun
from normlab.__main__ import main
from normlab.check import check
from normlab.notebook import read_notebook
from tests.small_notebooks import (
    ALL_DONE,
    DOUBLE,
    SQUARE,
    STUB,
    Raw,
    Save,
    at,
    cell,
    filled,
    reasons,
    saver,
    status,
)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    return saver(tmp_path)


def test_processes_that_a_cell_leaves_behind_do_not_hold_the_check_up(save: Save) -> None:
    text = f"import os, time\nif os.fork() == 0:\n    time.sleep(600)\n    os._exit(0)\n{DOUBLE}"
    assert status(check(save(filled(double=text)))) == ALL_DONE


def test_a_process_that_leaves_the_cells_group_does_not_hold_the_check_up_either(save: Save, tmp_path: Path) -> None:
    leave = "import os, time\nif (left := os.fork()) == 0:\n    os.setsid()\n    time.sleep(600)\n    os._exit(0)\n"
    try:
        assert status(check(save(filled(double=f"{leave}open('left', 'w').write(str(left))\n{DOUBLE}")))) == ALL_DONE
    finally:
        os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)


def test_the_process_is_fresh_and_what_cells_print_does_not_matter(save: Save) -> None:
    text = (
        'import sys\nassert "numpy" not in sys.modules\nprint(\'{"cell": 3}\')\nprint("oops", file=sys.stderr)\n'
        + DOUBLE
    )
    assert status(check(save(filled(double=text)))) == ALL_DONE


def test_files_beside_the_notebook_are_found_and_standard_input_is_empty(save: Save, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("two = 2")
    text = "from helper import two\nopen('helper.py').close()\ntry:\n    input()\n"
    text += "except EOFError as error:\n    assert 'nobody is there' in str(error)\n"
    assert status(check(save(filled(double=f"{text}def double(x):\n    return two * x")))) == ALL_DONE


@pytest.mark.parametrize(
    "line",
    [
        "%matplotlib inline",
        "!pip install something",
        "double?",
        "%%time",
        "%time two = 2\nassert two == 2",
        "import asyncio\nawait asyncio.sleep(0)",
        "display(3)",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    ],
)
def test_what_belongs_to_jupyter_does_no_harm(save: Save, line: str) -> None:
    assert status(check(save(filled(double=f"{line}\n{DOUBLE}")))) == ALL_DONE


@pytest.mark.parametrize("file", ["helper.py", "helper/__init__.py"])
def test_a_module_of_ones_own_is_told_to_be_missing_where_it_is_graded(save: Save, tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("two = 2")
    (tmp_path / "unused.py").write_text("")
    report = check(save(filled(double="from helper import two\ndef double(x):\n    return two * x")))
    assert any("Imported from files beside the notebook: helper. The grader gets" in note for note in report.notices)


def test_a_cell_above_all_others_has_the_number_one(save: Save) -> None:
    notebook = filled()
    notebook["cells"].insert(0, cell("1 / 0"))
    assert check(save(notebook)).failing == ("cell [1] (1 / 0): ZeroDivisionError, line 1: division by zero",)


def with_helper(source: str, *others: str) -> Raw:
    """A notebook with a helper cell of the student's own, two(), that double uses; others follow at its end."""
    notebook = filled(double="def double(x):\n    return two() * x")
    notebook["cells"].insert(1, cell(source))
    notebook["cells"] += [cell(other) for other in others]
    return notebook


MISSING = "import no_such_module\ndef two():\n    return 2"
IS_MISSING = (
    "cell [1] (import no_such_module): ModuleNotFoundError, line 1: No module named 'no_such_module'; where it is "
    "missing, the grader leaves this import out and runs the rest of the cell"
)


def test_a_students_own_cell_that_fails_is_told_with_its_error(save: Save) -> None:
    path = save(with_helper(MISSING, "two()", "double(3)", "1 / 0", "count = count + 1"))
    report = check(path)
    assert status(report)["double"] == "failed"
    assert report.failing == (
        IS_MISSING,
        "cell [12] (1 / 0): ZeroDivisionError, line 1: division by zero",
        "cell [13] (count = count + 1): NameError, line 1: name 'count' is not defined",
    )
    assert f"Cells that fail: - {IS_MISSING} " in " ".join(str(report).split())


GIVEN = "import math\nTWO = 2"
HALVES = "def half(x):\n    return x / TWO"


def with_given(halves: str = HALVES, given: str = GIVEN) -> Raw:
    """A notebook with a given cell and one for a function without checks, both of which double needs."""
    notebook = filled(double="def double(x):\n    return 4 * half(x)")
    given_cell = cell(GIVEN, grade_id="imports", locked=True)
    given_cell["source"] = given
    notebook["cells"][1:1] = [given_cell, cell(halves, grade_id="halves", solution=True)]
    return notebook


@pytest.mark.parametrize(
    ("halves", "error", "why"),
    [
        (
            "def half(x:\n    return x / TWO",
            "syntax error, line 1: '(' was never closed",
            "it needs half, whose cell failed",
        ),
        ("import nothing_there\n" + HALVES, "ModuleNotFoundError, line 1: No mod", "it needs half, whose cell failed"),
        (f"{HALVES}\nprint(foo)", "NameError, line 3: name 'foo' is not defined", ""),
        (HALVES, "", ""),
    ],
)
def test_a_function_without_checks_whose_cell_fails_is_told_and_named_where_it_is_needed(
    save: Save, halves: str, error: str, why: str
) -> None:
    report = check(save(with_given(halves)))
    head = halves.partition("\n")[0]
    assert len(report.failing) == bool(error)
    assert not error or report.failing[0].startswith(f"cell [2] ({head}): {error}")
    assert status(report)["double"] == ("failed" if why else "passed")
    assert [why in reason for reason in reasons(report, "double")] == [True] * bool(why)


def test_a_given_cell_that_fails_is_told_and_that_it_was_edited(save: Save) -> None:
    report = check(save(with_given(given=f"import no_such_module\n{GIVEN}")))
    (failing,) = report.failing
    assert failing.endswith("ModuleNotFoundError, line 1: No module named 'no_such_module'")
    assert report.notices == ("The cell imports was edited; the grader puts the original back.",)
    assert reasons(report, "double") == ('"Three doubled is six" fails: it needs TWO, whose cell failed',)


def test_an_answer_in_a_cell_of_the_students_own_below_its_stub_is_an_answer(save: Save) -> None:
    def below_its_stub(source: str) -> Raw:
        notebook = filled(double=f"def double(x):\n    {STUB}")
        notebook["cells"].insert(2, cell(source))
        return notebook

    assert status(check(save(below_its_stub(DOUBLE)))) == ALL_DONE
    for source in ("def double(x):\n    return 3 * x", "double = lambda x: 3 * x"):
        wrong = check(save(below_its_stub(source)))
        assert reasons(wrong, "double") == ('"Three doubled is six" fails: 6 was expected, 9 came',)
    broken = check(save(below_its_stub("double = lambda x: 2 * x\n1 / 0")))
    assert reasons(broken, "double") == ("ZeroDivisionError, line 2: division by zero",)
    assert reasons(check(save(below_its_stub("def double(x)"))), "double") == ("syntax error, line 1: expected ':'",)
    otherwise = check(save(below_its_stub("globals()['double'] = lambda x: 2 * x")))
    assert status(otherwise) == ALL_DONE


def test_what_stands_behind_the_checks_of_a_stub_is_no_answer(save: Save) -> None:
    notebook = filled(double=f"def double(x):\n    {STUB}")
    notebook["cells"].append(cell(DOUBLE))
    report = check(save(notebook))
    assert status(report)["double"] == "not attempted"
    assert reasons(report, "double") == ()


def test_an_answer_that_still_raises_at_the_stub_is_not_attempted_and_told_the_line(save: Save) -> None:
    report = check(save(filled(double=f"def double(x):\n    # I will do this tomorrow\n    {STUB}\n    return 2 * x")))
    assert status(report)["double"] == "not attempted"
    still = (
        "line 3 in double still raises NotImplementedError, and nothing below it runs: delete it when this is written"
    )
    assert reasons(report, "double") == (still,)


def test_a_prediction_without_its_function_is_told_so(save: Save) -> None:
    report = check(save(filled(prediction__more_choice='"a"')))
    sentence = "prediction__more_choice is not defined: its cell failed, is empty, or gives another name"
    assert reasons(report, "prediction__more") == (sentence,)


@pytest.mark.parametrize("source", ["", " \n"])
def test_a_written_answer_that_was_emptied_is_not_attempted(save: Save, source: str) -> None:
    assert status(check(save(filled(written__why=source)))) == ALL_DONE | {"written__why": "not attempted"}


def test_what_a_student_raises_gives_a_terminal_no_orders(save: Save) -> None:
    raises = "def double(x):\n    raise ValueError('a\x1b]0;b\x07\x9b2J\u202ec')"
    said = str(check(save(filled(double=raises))))
    assert "line 2 in double: a?]0;b??2J?c" in " ".join(said.split())
    assert all(char.isprintable() or char == "\n" for char in said)


def test_letters_that_the_terminal_lacks_keep_nothing_from_being_told(
    save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = TextIOWrapper(BytesIO(), encoding="cp1252")
    monkeypatch.setattr("sys.stdout", terminal)
    path = save(filled(double="def double(x):\n    raise ValueError('é β')"))
    assert main(["check", str(path)]) == 1
    assert "é ?" in terminal.buffer.getvalue().decode("cp1252")


def test_a_cell_that_fails_in_a_helper_is_told_and_one_that_fails_in_an_answer_is_not(save: Save) -> None:
    notebook = with_helper("def two():\n    return 2\ndef zero():\n    return 1 / 0", "zero()", "double(None)")
    assert check(save(notebook)).failing == (
        "cell [10] (zero()): ZeroDivisionError, line 4 in cell [1]: division by zero",
    )


def test_a_cell_that_fails_by_itself_is_no_matter_of_order(save: Save) -> None:
    notebook = with_helper(MISSING)
    for count, one in enumerate(notebook["cells"], 1):
        if one["cell_type"] == "code":
            one["execution_count"] = count
    report = check(save(notebook))
    assert report.failing == (IS_MISSING,)
    assert report.order == ()


def ran(notebook: Raw, *order: str) -> Raw:
    """The notebook as a session leaves it in which the cells were run in this order, without an error."""
    for count, grade_id in enumerate(order, 1):
        at(notebook, grade_id)["execution_count"] = count
    return notebook


def test_a_name_that_is_defined_further_down_is_told(save: Save) -> None:
    notebook = filled(double="three = two + 1\ndef double(x):\n    return two * x", square=f"two = 2\n{SQUARE}")
    report = check(save(ran(notebook, "square", "double", "double__of_three", "square__of_a_double")))
    assert status(report)["double"] == "failed"
    assert report.order[0] == (
        "cell [1] (three = two + 1) uses two, which only cell [4] (two = 2), further down, defines: move that cell up."
    )
    assert not report.all_passed


def test_a_name_left_over_in_the_session_is_told(save: Save) -> None:
    notebook = filled(double="def double(x):\n    return factor * x")
    report = check(save(ran(notebook, "double", "double__of_three")))
    uses = "cell [1] (def double(x):) uses factor, which no cell defines: "
    assert report.order[0] == uses + "it was left over in your session. Define it again."


def test_a_name_used_in_a_function_is_told_of_the_functions_cell(save: Save) -> None:
    notebook = filled(double="def double(x):\n    return two * x", square=f"two = 2\n{SQUARE}")
    report = check(save(ran(notebook, "square", "double", "double__of_three")))
    assert report.order[0].startswith("cell [1] (def double(x):) uses two, which only cell [4] (two = 2), further down")


def test_a_check_that_passed_in_another_order_is_told(save: Save) -> None:
    notebook = filled(
        square="def square(x):\n    return x * x\ndef double(x):\n    return 2 * x",
        double="def double(x):\n    return x",
    )
    report = check(save(ran(notebook, "double", "square", "double__of_three")))
    assert len(report.order) == 1
    assert "was saved without an error and fails in a fresh process" in report.order[0]


def test_a_failure_that_the_session_showed_too_is_no_matter_of_order(save: Save) -> None:
    notebook = ran(filled(double="def double(x):\n    return 3"), "double", "double__of_three")
    at(notebook, "double__of_three")["outputs"] = [
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
    ]
    assert check(save(notebook)).order == ()


def test_the_same_cells_fail_as_in_the_kernel_that_a_grader_starts(save: Save) -> None:
    notebook = filled(square="def square(x):\n    return undefined")
    pieces = [
        *("%matplotlib inline", "1 / 0", "def f(x) return", "double(4)", "double", "assert double(1) == 3", "f("),
        *("%%time\n2", "%time timed = 4", "timed", "files = !ls", "len(files)"),
        *("%%timeit -n1 -r1\nseldom = 1", "seldom", "y = 1\n!false\nassert y == 2"),
        "%matplotlib inline\ny = (10\n     % 3)\nassert y == 1",
        *("get_ipython().run_line_magic('matplotlib', 'inline')", "'App' in get_ipython().config"),
        *(
            "out = %time 7",
            "assert out == 7",
            "a, b = %time 1, 2",
            "assert b == 2",
            "x: list = !ls",
            "x",
            "x[0:] = !ls",
        ),
        *("!echo a \\\n  b", "%%capture said\nprint(5)", "said.stdout", "def f(): pass\nimport inspect"),
        "inspect.getsource(f)",
    ]
    notebook["cells"] += [cell(piece) for piece in pieces]
    executed = nbformat.from_dict(deepcopy(notebook))
    NotebookClient(executed, timeout=60, kernel_name="python3", allow_errors=True).execute()
    codes = [made for made in executed.cells if made.cell_type == "code"]
    failed = [any(one.output_type == "error" for one in made.outputs) for made in codes]
    numbers = {number for number, _ in freshrun.failures_of(read_notebook(save(notebook)))}
    assert numbers == {number for number, error in enumerate(failed, 1) if error}


def test_a_check_that_the_notebook_calls_of_itself_does_nothing(save: Save) -> None:
    text = f"from normlab.check import check\nassert check('scaling.ipynb').tasks == ()\n{DOUBLE}"
    assert status(check(save(filled(double=text)))) == ALL_DONE


def test_a_name_that_an_earlier_cell_would_have_given_is_not_told_as_defined_too_late(save: Save) -> None:
    notebook = filled()
    notebook["cells"][1:1] = [cell("import no_such_module; import math as m")]
    notebook["cells"] += [cell("m.pi"), cell("import math as m")]
    assert not any("further down" in sentence for sentence in check(save(notebook)).order)


def test_a_local_name_without_a_value_is_no_name_of_another_cell(save: Save) -> None:
    text = "def double(x):\n    if x is None:\n        mu = 0\n    return x - mu"
    notebook = filled(double=text)
    notebook["cells"] += [cell("mu = 3")]
    assert check(save(notebook)).order == ()
