"""Every public function has an example in its docstring, and the examples print what they say."""

import ast
import doctest
import importlib
import inspect
import json
import pkgutil
import re
import shutil
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

import normlab
from autograder.grade import grade
from tests import course_factory as factory

PROGRAMS = {"__main__", "runcells"}  # run as processes; nobody imports them
NORMLAB = [f"normlab.{one.name}" for one in pkgutil.iter_modules(normlab.__path__) if one.name not in PROGRAMS]
CHAPTERS = Path(__file__).parents[1] / "chapters"
SHOWN = re.findall(r"^\.\. auto(?:function|class):: (\S+)$", (CHAPTERS / "api-autograder.md").read_text(), re.MULTILINE)
AUTOGRADER = sorted({name.rpartition(".")[0] for name in SHOWN})
RESULTS = {f"autograder.{one}" for one in ("collect.Collected", "grade.Summary", "results.CheckResult")}
RESULTS |= {f"autograder.gradebook.{one}" for one in ("Person", "Result")}  # what a function above returns


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graded course with two students, a mistake and a right answer that are known."""
    root = factory.make_course(tmp_path_factory.mktemp("course") / "my_course", "c.Answers.folder = 'answers'", True)
    factory.submit(root, "ada", factory.RIGHT)
    factory.submit(root, "ben", {})
    right, wrong = factory.RIGHT["scale_backward"], factory.RIGHT["scale_backward"].replace("axis=0", "axis=1")
    for name, source in (("right/plain", right), ("wrong/axis", f'"""Your sum runs over another axis."""\n{wrong}')):
        path = root / "answers" / factory.NAME / f"{name}.py"
        path.parent.mkdir(parents=True)
        path.write_text(source)
    grade(factory.NAME, root, jobs=1)
    return root


@pytest.fixture
def folder(tmp_path: Path, course: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the examples: a course, a student's notebook with one function of two, an export."""
    shutil.copytree(course, tmp_path / "my_course")
    begun = json.dumps(factory.answered({"scale_forward": factory.RIGHT["scale_forward"]}))
    (tmp_path / "scaling.ipynb").write_text(begun)
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "doecyd_4711_99_scaling.ipynb").write_text(begun)
    (tmp_path / "roster.csv").write_text("id,name,lms_id\ncyd,Cyd Doe,4711\ndan,Dan Roe,4712\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", [*NORMLAB, *AUTOGRADER])
@pytest.mark.usefixtures("folder")
def test_examples_print_what_they_say(name: str) -> None:
    with mpl.rc_context():
        results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    plt.close("all")
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("name", NORMLAB)
def test_every_public_function_has_an_example(name: str) -> None:
    module = importlib.import_module(name)
    functions = {one: getattr(module, one) for one in module.__all__ if inspect.isfunction(getattr(module, one))}
    assert [one for one, function in functions.items() if ">>> " not in (inspect.getdoc(function) or "")] == []


def test_what_the_page_of_the_engine_shows_has_an_example() -> None:
    assert len(SHOWN) > 10
    for name in set(SHOWN) - RESULTS:
        module, _, member = name.rpartition(".")
        shown = getattr(importlib.import_module(module), member)
        methods = [inspect.getdoc(each) or "" for each in vars(shown).values()] if inspect.isclass(shown) else []
        assert any(">>> " in doc for doc in [inspect.getdoc(shown) or "", *methods]), f"{name} has no example"


def test_the_page_of_normlab_shows_every_module_and_the_engines_page_every_error() -> None:
    page = (CHAPTERS / "api-normlab.md").read_text()
    assert sorted(re.findall(r"^\.\. automodule:: (\S+)$", page, re.MULTILINE)) == sorted(NORMLAB)
    assert ".. automodule:: autograder.errors" in (CHAPTERS / "api-autograder.md").read_text()


@pytest.mark.parametrize("package", ["autograder", "normlab"])
def test_every_public_function_class_and_method_says_what_it_does(package: str) -> None:
    silent = []
    for path in sorted((CHAPTERS.parent / package).glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            members = [node, *node.body] if isinstance(node, ast.ClassDef) and node.name[0] != "_" else [node]
            silent += [
                f"{path.name}: {each.name}"
                for each in members
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                if each.name[0] != "_" and not ast.get_docstring(each)
            ]
    assert silent == []
