"""Reading the instructor's notebook: kinds of cells, what was handed out, what the trusted side must run."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions

from autograder.assignment import Assignment
from autograder.errors import CourseError
from autograder.regions import Markers, release_source
from autograder.worker import Worker
from tests import course_factory as factory


def notebook(*cells: dict[str, Any]) -> Assignment:
    return Assignment("n", {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def given(source: str, name: str = "given") -> dict[str, Any]:
    return factory.cell("code", name, source)


def check(source: str, name: str = "f__check") -> dict[str, Any]:
    return factory.cell("code", name, source, grade=True, locked=True, points=1)


def answer(source: str, name: str = "f") -> dict[str, Any]:
    return factory.cell("code", name, source, solution=True)


def test_each_cell_has_its_kind_points_and_lock() -> None:
    cells = factory.assignment().cells
    assert [cell.kind for cell in cells] == [
        "text", "given", "student", "test", "test", "given", "student", "test", "manual",
    ]  # fmt: skip
    assert [cell.points for cell in cells if cell.grade_id and cell.points] == [3, 2, 4, 2]
    assert [cell.locked for cell in cells] == [False, True, False, True, True, False, False, True, False]
    assert [cell.grade_id for cell in cells if cell.hidden] == ["scale_forward__shifted"]


def test_a_task_cell_and_a_written_answer_are_for_a_person() -> None:
    cells = notebook(
        factory.cell("markdown", "task", "do", task=True, points=3),
        factory.cell(
            "code", "essay", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION", grade=True, solution=True, points=4
        ),
    ).cells
    assert [(cell.kind, cell.points) for cell in cells] == [("manual", 3.0), ("manual", 4.0)]


SOURCES = [
    ("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION", True),
    ("    ### BEGIN SOLUTION\nx\n### END SOLUTION\ny = 1\n### BEGIN SOLUTION\n### END SOLUTION", True),
    ("x = 1", True),
    ("assert 1\n### BEGIN HIDDEN TESTS\nassert 2\n### END HIDDEN TESTS\nassert 3", False),
    ("a\n=== BEGIN MARK SCHEME ===\nb\n=== END MARK SCHEME ===", True),
    ("", True),
]


@pytest.mark.parametrize(("source", "solution"), SOURCES)
@pytest.mark.parametrize("cell_type", ["code", "markdown"])
def test_what_is_handed_out_is_what_nbgrader_hands_out(source: str, solution: bool, cell_type: str) -> None:
    marks = {
        "solution": solution,
        "grade": not solution or cell_type == "markdown",
        "points": 1,
        "locked": not solution,
    }
    raw = nbformat.from_dict(factory.cell(cell_type, "f", source, **marks))
    work = nbformat.v4.new_notebook(cells=[raw])
    for step in (ClearSolutions(), ClearHiddenTests(), ClearMarkScheme()):
        work, _ = step.preprocess(work, {})
    assert release_source(source, cell_type, solution, Markers()) == work.cells[0].source


@pytest.mark.parametrize("source", ["### BEGIN HIDDEN TESTS\nx", "### BEGIN HIDDEN TESTS\n### BEGIN HIDDEN TESTS"])
def test_a_region_that_is_not_closed_is_the_instructors_error(source: str) -> None:
    with pytest.raises(CourseError, match=r"cell 1: .* region"):
        _ = notebook(check(source)).cells


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"nbformat": 3, "cells": []}', '{"nbformat": 4}', '{"nbformat": 4, "cells": [3]}']
)
def test_a_notebook_that_cannot_be_used_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(text)
    with pytest.raises(CourseError, match="notebook"):
        Assignment.from_file(path)


def test_a_missing_notebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"a\.ipynb"):
        Assignment.from_file(tmp_path / "a.ipynb")


@pytest.mark.parametrize("role", ["grade", "solution", "locked", "task"])
@pytest.mark.parametrize("grade_id", [None, 7, ""])
def test_a_cell_with_a_role_and_no_name_is_refused_by_its_number(role: str, grade_id: object) -> None:
    cell = given("x = 1") | {"metadata": {"nbgrader": {role: True, "points": 1, "grade_id": grade_id}}}
    with pytest.raises(CourseError, match=f"cell 2 needs a grade_id, a text, not {grade_id!r}; give it one"):
        _ = notebook(given("y = 2"), cell).cells


@pytest.mark.parametrize("points", [None, "", "three", -3, float("nan"), float("inf"), [1]])
def test_points_that_are_no_number_from_0_are_refused_by_the_cells_number(points: object) -> None:
    with pytest.raises(CourseError, match=r"cell 1 needs points, a number from 0, not .*; enter it"):
        _ = notebook(factory.cell("code", "f", "x", grade=True, points=points)).cells
    assert notebook(factory.cell("code", "f", "x", solution=True, points=points)).cells[0].points == 0.0


@pytest.mark.parametrize("points", [0, 2, 2.5, "2"])
def test_points_as_nbgrader_takes_them_are_taken(points: float | str) -> None:
    assert notebook(factory.cell("code", "f", "x", grade=True, points=points)).cells[0].points == float(points)


def test_two_cells_of_one_id_are_refused() -> None:
    with pytest.raises(CourseError, match="f__check"):
        _ = notebook(check("1"), check("2")).cells


def test_a_notebook_with_lists_of_lines_reads_the_same(tmp_path: Path) -> None:
    lined = copy.deepcopy(factory.instructor_notebook())
    for raw in lined["cells"]:
        raw["source"] = raw["source"].splitlines(keepends=True)
    path = tmp_path / "scaling.ipynb"
    path.write_text(json.dumps(lined))
    read, direct = Assignment.from_file(path), factory.assignment()
    assert [cell.source for cell in read.cells] == [cell.source for cell in direct.cells]


def trusted_ids(*cells: dict[str, Any]) -> list[int]:
    return sorted(notebook(*cells).trusted)


def test_the_trusted_side_runs_what_tests_read_and_no_demonstration() -> None:
    cells = [
        given("import numpy as np"),
        given("def rel(a):\n    return norm(a)"),
        given("def norm(a):\n    return np.abs(a)"),
        answer("def f(x):\n    return x"),
        given("import matplotlib.pyplot as plt\nplt.plot(f(1))"),
        given("shown = f(3)"),
        check("assert rel(f(1)) < 1"),
    ]
    assert trusted_ids(*cells) == [0, 1, 2]


def test_the_trusted_side_runs_what_sets_a_seed_or_imports_everything() -> None:
    assert trusted_ids(given("np.random.seed(0)"), given("from math import *"), given("print(1)"), check("1")) == [0, 1]


@pytest.mark.parametrize(
    "source",
    [
        "data = [1]", "data: list = []", "for data in range(3): pass", "with open('x') as data: pass",
        "(data, b) = 1, 2", "import data", "try:\n    import data\nexcept ImportError:\n    pass",
        "from x import y as data", "import data.sub", "class data: pass", "if True:\n    data = 3",
        "try:\n    pass\nexcept ValueError:\n    data = 1", "print(data := 3)", "async def data(): pass",
        "global data\ndata = 1", "import x as data", "match [1]:\n    case [*data]: pass",
        "match 1:\n    case data: pass", "match {}:\n    case {**data}: pass",
    ],
)  # fmt: skip
def test_each_way_to_bind_a_name_is_seen(source: str) -> None:
    assert trusted_ids(given(source), given("unrelated = 1"), check("assert data")) == [0]


@pytest.mark.parametrize(
    "source",
    ["data['a'] = 1", "data.size = 2", "data[0].x += 1", "del data['a']", "data.append(1)", "if 1:\n    data.b().c()"],
)
def test_each_way_to_change_what_a_name_stands_for_is_seen(source: str) -> None:
    cells = [
        given("data = thing()"),
        given(source),
        given("print(data.size, data[0])\nshow(data)"),
        check("assert data"),
    ]
    assert trusted_ids(*cells) == [0, 1]


def test_what_the_student_bound_and_modules_are_not_changed_on_the_trusted_side() -> None:
    changes = given("data.append(1)\nplt.show()\nplt.rcParams['x'] = 1")
    cells = [given("import matplotlib.pyplot as plt"), answer("data = []"), changes, check("assert data and plt")]
    assert trusted_ids(*cells) == [0]


def test_names_bound_within_functions_are_not_the_cells_own() -> None:
    sources = [
        "def g():\n    data = 1",
        "[data for data in range(3)]",
        "f = lambda data: data",
        "class A:\n    data = 1",
    ]
    assert trusted_ids(*map(given, sources), check("assert data")) == []


def test_tests_know_the_tasks_that_they_are_about() -> None:
    made = notebook(
        answer("def f():\n    pass\nlimit = 3", "f"),
        answer("class Net:\n    pass", "net"),
        check("assert f() and Net() and limit"),
        check("assert limit", "limit__check"),
    )
    assert [made.tasks_of(test) for test in made.tests] == [("f", "net"), ("f",)]
    assert made.student_names == {"f", "Net", "limit"}


def test_a_solution_cells_imports_are_not_taken_from_the_student() -> None:
    made = notebook(answer("import numpy as np\nfrom math import pi\ndef f(): pass"), check("assert np.pi == pi and f"))
    assert made.student_names == {"f"}
    assert made.by_id["f"].imports == "import numpy as np\nfrom math import pi"


def test_hidden_modules_are_not_among_those_that_students_have() -> None:
    made = notebook(
        given("import os.path\nfrom json import dumps"),
        answer("import math\n### BEGIN SOLUTION\nimport secret_solution\n### END SOLUTION"),
        check("import random\n### BEGIN HIDDEN TESTS\nfrom secret.oracle import right\n### END HIDDEN TESTS"),
    )
    assert made.released_modules == ("json", "json.dumps", "math", "os.path", "random")
    hidden = {"secret.oracle", "secret.oracle.right", "secret_solution"}
    assert set(made.modules) - set(made.released_modules) == hidden


def test_a_module_imported_from_its_package_is_ready_before_the_student_comes() -> None:
    source = "import sys\nready = 'xml.dom.minidom' in sys.modules\nfrom xml.dom import minidom"
    made = notebook(given(source), answer("def f(): pass"), check("assert f", "f__check"), given("print(ready)"))
    with Worker(made) as worker:
        outputs = [cell["outputs"] for cell in worker.grade(made.notebook).notebook["cells"]]
    assert outputs[-1][0]["text"] == "True\n"


def test_what_runs_beside_the_student_alone_need_not_compile_here() -> None:
    demonstration = given("import asyncio\nawait asyncio.sleep(0)")
    notebook(demonstration, check("assert (1, 'always true')")).compile()
    for needed in ("import asyncio\nstep = 1; await asyncio.sleep(0)", "def f():\n    step = 1; global step\nstep = 2"):
        with pytest.raises(CourseError, match=r"'n' is malformed: cell 1, line 2: (?:name 'step'|'await' outside)"):
            notebook(given(needed), check("assert step")).compile()


def test_what_stands_below_a_magic_that_runs_it_is_run_and_counts_its_lines_as_it_did() -> None:
    (cell,) = notebook(check("%%time\n%%capture out\nassert f() == 1", "f__check")).tests
    assert cell.python == "\n\nassert f() == 1"
    with pytest.raises(AssertionError) as failed:
        exec(cell.code, {"f": lambda: 2})
    assert failed.traceback[-1].lineno == 2  # from 0


@pytest.mark.parametrize("source", ["%%timeit\nassert f()", "%time assert f()", "x = 1\n%timeit f(x)", "%%bash\nfalse"])
def test_a_check_below_or_behind_another_magic_would_check_nothing_and_is_refused(source: str) -> None:
    with pytest.raises(CourseError, match=r"^Cell 1 of .* has code below or behind"):
        notebook(check(source, "f__check")).compile()
    notebook(given(source), check("assert True", "f__check")).compile()


def test_a_cell_is_compiled_as_a_file_of_its_own() -> None:
    (cell,) = notebook(check("class Case:\n    size: int = 0", "f__check")).tests
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(cell.code, names)
    assert names["Case"].__annotations__ == {"size": int}


def test_magics_are_no_obstacle() -> None:
    (cell,) = notebook(given("%matplotlib inline\nimport numpy as np\n!ls")).cells
    assert cell.imports == "import numpy as np"


def test_the_last_expression_is_apart_unless_it_is_quiet() -> None:
    sources = {"x = 1\nx": True, "x = 1": False, "x;": False, "": False, "x;  # quiet": False, "x  # loud;": True}
    made = notebook(*(check(source, f"check{number}") for number, source in enumerate(sources)))
    assert [cell.last_expression is not None for cell in made.cells] == list(sources.values())
