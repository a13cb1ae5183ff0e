"""The modules: how long each is, what it may import, and that its slow tests and long code say why."""

import ast
import re
import sys
import tomllib

from tests.test_house import ROOT, imported, tracked

# Lists of one kind of thing, each read by itself, however many there are.
LISTS = re.compile(
    r"(?<!normlab)/(mistakes\w*|right_\w+|checks\w*|equivalent_mutants)\.py$|_cases\.py$|tests/attacks/in_"
)


BUYS = re.compile(r"^Slow[,:] .|^Buys: .|\bbuys\b", re.MULTILINE)


def test_a_module_is_read_in_one_sitting() -> None:
    modules = [path for path in tracked("*.py", "*.js") if not LISTS.search(str(path))]
    assert len(modules) > 50
    for path in modules:
        assert len(path.read_text().splitlines()) <= 350, f"{path.name} does more than one thing: split it"


def test_contributing_says_of_each_long_module_why_it_is_one() -> None:
    paths = tracked("autograder/*.py", "normlab/*.py")
    long = {f"{path.parent.name}.{path.stem}" for path in paths if len(path.read_text().splitlines()) > 300}
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Modules\n")[2].partition("\n### ")[0]
    assert set(re.findall(r"`((?:autograder|normlab)\.\w+)`", section)) == long


def test_a_chapters_cells_import_numpy_matplotlib_and_normlab_alone() -> None:
    cells = [
        (path.name, cell)
        for path in tracked("chapters/*.md")
        for cell in re.findall(r"^```\{code-cell\}.*\n((?:(?!```).*\n)*)", path.read_text(), re.MULTILINE)
    ]
    assert len(cells) > 50
    found = {
        (page, name)
        for page, cell in cells
        for name in imported(ast.parse(re.sub(r"^:.*\n|^---\n(?:.*\n)*?---\n", "", cell, flags=re.MULTILINE)))
    }
    allowed = {"numpy", "matplotlib", "normlab", *sys.stdlib_module_names}
    assert {(page, name) for page, name in found if name not in allowed} == set()


def test_nothing_of_the_trusted_side_is_imported_beside_student_code() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (forbidden,) = [set(each["forbidden_modules"]) for each in contracts if "beside student code" in each["name"]]
    trusted = {
        f"autograder.{path.stem}"
        for path in tracked("autograder/*.py")
        if (ast.get_docstring(ast.parse(path.read_text())) or "").startswith("Trusted side")
    }
    assert len(trusted) > 10
    assert trusted <= forbidden


def test_each_slow_test_says_what_it_buys() -> None:
    slow: list[ast.Module | ast.FunctionDef] = []
    for path in tracked("tests/*.py"):
        tree = ast.parse(path.read_text())
        marks = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)]
        slow += [tree] if any(mark.startswith("pytestmark") and "pytest.mark.slow" in mark for mark in marks) else []
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        slow += [node for node in functions if "pytest.mark.slow" in map(ast.unparse, node.decorator_list)]
    assert len(slow) > 8
    docstrings = [ast.get_docstring(node) or "" for node in slow]
    assert [text for text in docstrings if not BUYS.search(text)] == []
