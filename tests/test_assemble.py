"""source/ and release/ are what reference/ makes of itself, byte for byte, and nbgrader can work with them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from reference import assemble
from reference.course import ASSIGNMENTS, ROOT, Check, Course, CourseTextError, Function, functions_in
from reference.fences import parts
from reference.release import write_release

COURSES = [Course(name) for name in ASSIGNMENTS]


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return assemble.assemble(ASSIGNMENTS)


@pytest.fixture(scope="module", params=ASSIGNMENTS)
def source(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return assemble.notebook(Course(request.param))


def marks(notebook: Any) -> dict[str, Any]:
    return {
        cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in notebook["cells"] if "nbgrader" in cell["metadata"]
    }


def test_what_is_committed_is_fresh(made: dict[str, bytes]) -> None:
    assert assemble.first_difference(made, assemble.generated(ROOT, ASSIGNMENTS)) is None


def test_two_runs_give_equal_bytes(made: dict[str, bytes]) -> None:
    assert assemble.assemble(ASSIGNMENTS) == made


def test_a_stale_missing_or_surplus_file_is_named() -> None:
    made = {"source/a": b"1"}
    assert assemble.first_difference(made, {"source/a": b"1"}) is None
    assert (assemble.first_difference(made, {"source/a": b"2"}) or "").startswith("source/a is out of date: run")
    assert (assemble.first_difference(made, {}) or "").startswith("source/a is missing: run")
    assert assemble.first_difference({}, made) == "source/a is not made of reference/: delete it, or keep it elsewhere."


def test_release_folders_hold_the_notebook_and_how_to_work(made: dict[str, bytes]) -> None:
    for name in ASSIGNMENTS:
        released = {path.removeprefix(f"release/{name}/") for path in made if path.startswith(f"release/{name}/")}
        assert released == {f"{name}.ipynb", "requirements.txt", "HAND_IN.md"}


def test_how_to_hand_in_speaks_of_what_the_notebook_has() -> None:
    whole = (ROOT / "release" / "batchnorm" / "HAND_IN.md").read_text(encoding="utf-8")
    assert "that is 6 of the 100 points in all" in whole
    assert assemble.how_to_hand_in("batchnorm.ipynb", "6 of the 100", True) == whole
    choose = re.compile(r"- Choose in a prediction .*?\n(?=- )", re.DOTALL)
    unseen = re.compile(r" There are some more that you do not see; .*?\.(?=\n)", re.DOTALL)
    assert assemble.how_to_hand_in("batchnorm.ipynb", "", True) == choose.sub("", whole)
    assert assemble.how_to_hand_in("batchnorm.ipynb", "6 of the 100", False) == unseen.sub("", whole)


def test_points_add_up_to_100_and_hidden_ones_to_30_at_most(source: nbformat.NotebookNode) -> None:
    graded = [cell for cell in marks(source).values() if cell["metadata"]["nbgrader"]["grade"]]
    points = {cell["id"]: cell["metadata"]["nbgrader"]["points"] for cell in graded}
    hidden = [points[cell["id"]] for cell in graded if "BEGIN HIDDEN TESTS" in cell["source"]]
    assert sum(points.values()) == 100
    assert sum(hidden) <= 30


@pytest.mark.parametrize("course", COURSES, ids=ASSIGNMENTS)
def test_the_table_of_points_in_the_text_is_right(course: Course) -> None:
    text = (course.folder / "assignment.md").read_text(encoding="utf-8")
    rows = [int(points) for points in re.findall(r"^\|[^|]+\| *(\d+) *\|$", text, re.MULTILINE)]
    assert sum(rows) == 100


@pytest.mark.parametrize("course", COURSES, ids=ASSIGNMENTS)
def test_every_check_has_its_cell_its_points_and_a_title(course: Course) -> None:
    cells = marks(assemble.notebook(course))
    for check in course.checks.values():
        assert check.title.endswith("."), check.name
        assert check.target in check.needs, f"{check.name} tests {check.target} and does not ask for it"
        assert cells[check.name]["metadata"]["nbgrader"]["points"] == check.points > 0
        assert ("BEGIN HIDDEN TESTS" in cells[check.name]["source"]) == check.hidden


def test_every_task_has_checks_with_points(source: nbformat.NotebookNode) -> None:
    cells = marks(source)
    tasks = [name for name, cell in cells.items() if cell["metadata"]["nbgrader"]["solution"]]
    for task in tasks:
        if cells[task]["metadata"]["nbgrader"]["grade"] or task == "layers" or task.startswith("prediction__"):
            continue
        defined = re.findall(r"^(?:def|class) (\w+)", cells[task]["source"], re.MULTILINE)
        for function in defined:
            assert any(name.startswith(f"{function}__") for name in cells), f"{function} has no check"


def test_cells_are_valid_and_their_ids_are_unique(source: nbformat.NotebookNode) -> None:
    nbformat.validate(source)
    ids = [cell["id"] for cell in source.cells]
    assert len(set(ids)) == len(ids)
    assert all(cell["id"] == grade_id for grade_id, cell in marks(source).items())


def test_release_keeps_every_cell_and_asks_for_every_task(made: dict[str, bytes]) -> None:
    for name in ASSIGNMENTS:
        before = json.loads(made[f"source/{name}/{name}.ipynb"])
        after = json.loads(made[f"release/{name}/{name}.ipynb"])
        assert [cell["id"] for cell in after["cells"]] == [cell["id"] for cell in before["cells"]]
        for cell in marks(after).values():
            text = "".join(cell["source"])
            assert "### BEGIN" not in text
            nbgrader = cell["metadata"]["nbgrader"]
            if nbgrader["solution"] and cell["cell_type"] == "code":
                assert 'raise NotImplementedError("write this part")' in text
                assert "TODO" in text


def test_the_first_solution_of_the_network_takes_the_five_layers_for_no_points(made: dict[str, bytes]) -> None:
    cells = marks(json.loads(made["release/network/network.ipynb"]))
    name, first = next((name, cell) for name, cell in cells.items() if cell["metadata"]["nbgrader"]["solution"])
    assert (name, first["metadata"]["nbgrader"]["grade"]) == ("layers", False)
    assert re.findall(r"^def (\w+)", "".join(first["source"]), re.MULTILINE) == [
        "batchnorm_forward", "batchnorm_backward", "batchnorm_backward_alt", "layernorm_forward", "layernorm_backward",
    ]  # fmt: skip


def test_a_prediction_tells_a_choice_that_is_none_of_those_asked_for(made: dict[str, bytes]) -> None:
    cell = marks(json.loads(made["release/batchnorm/batchnorm.ipynb"]))["prediction__ten_times"]
    names = {"prediction__ten_times_choice": lambda: "about 44"}
    with pytest.raises(AssertionError, match=r"""^return "a", "b" or "c"; got 'about 44'$"""):
        exec("".join(cell["source"]), names)


def test_test_cells_need_nothing_but_given_names(source: nbformat.NotebookNode) -> None:
    names: dict[str, Any] = {}
    for cell in source.cells:
        nbgrader = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and (nbgrader.get("locked") or nbgrader.get("solution")):
            exec(compile(cell["source"], cell["id"], "exec"), names)


def write(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Course:
    (folder / "reference" / "batchnorm").mkdir(parents=True)
    (folder / "reference" / "batchnorm" / "assignment.md").write_text(text, encoding="utf-8")
    solution = (ROOT / "reference" / "batchnorm" / "solution.py").read_text(encoding="utf-8")
    (folder / "reference" / "batchnorm" / "solution.py").write_text(solution, encoding="utf-8")
    monkeypatch.setattr("reference.course.ROOT", folder)
    return Course("batchnorm")


def test_prose_is_cut_at_plus_signs_and_fences_but_not_within_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "# One\n\n+++\n\nTwo\n\n```text\n+++\n```\n\n```{code-cell} python\nx = 1\n```\nThree\n"
    course = write(tmp_path, text, monkeypatch)
    assert [(cell.cell_type, cell.source) for cell in assemble.notebook(course).cells] == [
        ("markdown", "# One"),
        ("markdown", "Two\n\n```text\n+++\n```"),
        ("code", "x = 1"),
        ("markdown", "Three"),
    ]


@pytest.mark.parametrize("strange", ["\x0c", "\u2028"], ids=["form feed", "line separator"])
def test_only_a_newline_ends_a_line_of_a_text_or_a_solution(strange: str) -> None:
    text = f"One{strange}two\n\n```{{code-cell}} python\n:locked: f\nx = '{strange}'\n```\n\nThree\n"
    before, cell, after = parts("assignment.md", text)
    assert (before.body, cell.body, after.body) == (f"One{strange}two", f"x = '{strange}'", "Three")
    function = f"def f():\n    return '{strange}'"
    assert functions_in(f"'{strange}'\n{function}\n\nx = 1\n") == {"f": function}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```{sollution} f\n```", "there is no fence {sollution}; there are code-cell, solution"),
        ("```{prediction} prediction__p\n:points: 2\n```", "the fence {prediction} prediction__p lacks an option"),
        (
            "```{written} written__w\n:points: many\n```",
            "written__w has ':points: many'; its options are written so, each",
        ),
        (
            "```{checks} batchnorm_forward\n\n```{written} written__w\n:points: 1\n```",
            "the fence {checks} batchnorm_forward holds '```{written} written__w', which would be lost there; close",
        ),
        ("```{checks} batchnorm_forward\nSome words.\n```", "holds 'Some words.', which would be lost there; close"),
        ("```{solution} batchnorm_forward\n\n```{checks} batchnorm_forward\n```", "holds '```{checks} batchnorm_forw"),
        ("```{code-cell} python\n\n```{checks} f\n```", "the fence {code-cell} python holds '```{checks} f'"),
        (
            "```{solution} batchnorm_forward\nSome words.\n```",
            "batchnorm_forward is not Python, line 1 of its text: inv",
        ),
        ("```{solution} no_such\n```", "fence for 'no_such', and solution.py no such function"),
        ("```{checks} no_such\n```", "fence for 'no_such', and checks.py has no such check"),
        (
            "```{solution} batchnorm_forward\n```\n" * 2,
            "'batchnorm_forward' must be a valid cell id and must stand once",
        ),
    ],
)
def test_a_mistake_in_the_text_is_told_in_a_sentence(
    text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = write(tmp_path, text, monkeypatch)
    with pytest.raises(CourseTextError, match=re.escape(complaint)):
        assemble.notebook(course)


def batchnorm_forward_fresh(batchnorm_forward: Function) -> None:
    """A name with one underscore where the convention has two."""


def batchnorm_forward__fresh(batchnorm_foward: Function) -> None:
    """A parameter that is no function of the solution."""


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (batchnorm_forward_fresh, "no {checks} fence of assignment.md asks for batchnorm_forward_fresh; name it"),
        (
            batchnorm_forward__fresh,
            "batchnorm_forward__fresh asks for 'batchnorm_foward', which no solution cell defines; "
            "its parameters must be of batchnorm_forward, batchnorm_backward, batchnorm_backward_alt",
        ),
    ],
)
def test_a_check_that_would_not_reach_the_notebook_is_refused_with_its_file_and_name(
    function: Callable[..., None], complaint: str, tmp_path: Path
) -> None:
    course = Course("batchnorm")
    course.__dict__["checks"] = course.checks | {function.__name__: Check(function, points=1, hidden=False)}
    with pytest.raises(CourseTextError, match=re.escape(f"tests/test_assemble.py: {complaint}")):
        assemble.write_source(course, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_the_points_of_each_assignment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(assemble, "assemble", lambda names: assemble.generated(ROOT, names))
    assert assemble.main(["batchnorm", "network"]) == 0
    assert capsys.readouterr().out.endswith(" for batchnorm (100 points), network (100 points).\n")


def test_a_folder_without_its_text_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reference.course.ROOT", tmp_path)
    (tmp_path / "reference" / "rmsnorm").mkdir(parents=True)
    with pytest.raises(SystemExit):
        assemble.main(["rmsnorm"])
    assert "reference/rmsnorm has no assignment.md, which every assignment has" in capsys.readouterr().err


def test_check_writes_nothing_and_names_the_first_stale_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "release/batchnorm/batchnorm.ipynb"
    before = (ROOT / path).read_bytes()
    monkeypatch.setattr(assemble, "assemble", lambda names: assemble.generated(ROOT, names) | {path: b"newer"})
    assert assemble.main(["--check", "batchnorm"]) == 1
    assert capsys.readouterr().err.startswith(f"{path} is out of date: run `python -m reference.assemble`")
    assert (ROOT / path).read_bytes() == before


def opened(notebook: bytes) -> bytes:
    """As Jupyter saves it."""
    read = json.loads(notebook)
    read["metadata"]["language_info"]["version"] = "3.11.7"
    return json.dumps(read).encode()


def test_nothing_is_written_over_a_notebook_that_somebody_worked_in_nor_is_a_file_of_another_deleted(
    tmp_path: Path, made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(assemble, "ROOT", tmp_path)
    monkeypatch.setattr(assemble, "assemble", lambda names: made)
    path = tmp_path / "release" / "batchnorm" / "batchnorm.ipynb"
    path.parent.mkdir(parents=True)
    for name in ("data.csv", ".venv/bin/python"):
        (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (path.parent / name).write_text("mine")
    work = opened(made["release/batchnorm/batchnorm.ipynb"])
    path.write_bytes(work)
    assert assemble.main(["batchnorm"]) == 1
    assert "release/batchnorm/batchnorm.ipynb was worked in, and would be replaced" in capsys.readouterr().err
    assert path.read_bytes() == work
    assert not (tmp_path / "source").exists()
    path.write_text("an old version, as it was made")
    assert assemble.main(["batchnorm"]) == 0
    assert path.read_bytes() == made["release/batchnorm/batchnorm.ipynb"]
    assert "release/batchnorm/data.csv is not made of reference/ and stays as it is.\n" in capsys.readouterr().out
    assert (path.parent / ".venv/bin/python").read_text() == "mine"


def test_what_nbgrader_refuses_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    course = write(tmp_path, "```{code-cell} python\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n```\n", monkeypatch)
    made = assemble.notebook(course)
    (tmp_path / "source" / "batchnorm").mkdir(parents=True)
    nbformat.write(made, tmp_path / "source" / "batchnorm" / "batchnorm.ipynb")
    with pytest.raises(
        CourseTextError, match="no release of batchnorm: RuntimeError: Solution region detected in a non"
    ):
        write_release(["batchnorm"], tmp_path)
