"""The notebook of each page, as a reader downloads it: it runs with numpy, matplotlib and normlab alone."""

import ast
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "_build" / "html" / "_sources" / "chapters"
ALLOWED = {"matplotlib", "normlab", "numpy"}


def downloaded(name: str) -> nbformat.NotebookNode:
    path = NOTEBOOKS / f"{name}.ipynb"
    if not path.exists():
        pytest.fail(f"there is no {path}: run `make book` first")
    return nbformat.read(path, as_version=4)


def with_code() -> list[str]:
    return [path.stem for path in sorted((ROOT / "chapters").glob("*.md")) if "{code-cell}" in path.read_text()]


@pytest.mark.parametrize("name", with_code())
def test_a_downloaded_notebook_imports_nothing_else(name: str) -> None:
    code = "\n".join(cell.source for cell in downloaded(name).cells if cell.cell_type == "code")
    imported = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported - ALLOWED - sys.stdlib_module_names == set()


def test_no_downloaded_notebook_holds_markup_of_the_book() -> None:
    marks = ("```{", ":::", "{cite", "{term}", "{doc}", "{ref}", "{numref}", "{eq}")
    names = {path.stem for path in NOTEBOOKS.glob("*.ipynb")} | set(with_code())
    left = {}
    for name in names:
        prose = "\n".join(cell.source for cell in downloaded(name).cells if cell.cell_type == "markdown")
        left[name] = [mark for mark in marks if mark in prose]
    assert {name: found for name, found in left.items() if found} == {}


def test_a_downloaded_notebook_runs_where_only_normlab_is(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "normlab", tmp_path / "packages" / "normlab", ignore=shutil.ignore_patterns("__pycache__"))
    # Without site no .pth file is read, so that the checkout of the editable install is not on the path.
    launch = [sys.executable, "-S", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    path = f"{tmp_path / 'packages'}:{sysconfig.get_path('purelib')}:{sysconfig.get_path('platlib')}"
    spec = {"argv": launch, "display_name": "alone", "language": "python", "env": {"PYTHONPATH": path}}
    kernel = tmp_path / "kernels" / "alone" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps(spec))
    notebook = downloaded("layernorm")
    look = """import importlib.util
print([name for name in ("normlab", "reference", "autograder") if importlib.util.find_spec(name)])"""
    notebook.cells.insert(0, nbformat.v4.new_code_cell(look))
    nbformat.write(notebook, tmp_path / "layernorm.ipynb")
    execute: list[str | Path] = [
        Path(sys.executable).with_name("jupyter-execute"),
        "--kernel_name=alone",
        "--inplace",
        "layernorm.ipynb",
    ]
    environment = os.environ | {"JUPYTER_PATH": str(tmp_path)}
    result = subprocess.run(execute, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    cells = nbformat.read(tmp_path / "layernorm.ipynb", as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs[0]["text"] == "['normlab']\n"
    assert sum(any(kind.startswith("image/") for kind in output.get("data", {})) for output in outputs) > 1
