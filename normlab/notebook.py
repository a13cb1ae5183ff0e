"""A student's notebook as a file: read it, and say in a sentence what is wrong with it, whatever tool saved it."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

__all__ = ["Cell", "Notebook", "NotebookError", "read_notebook"]


class NotebookError(Exception):
    """The file cannot be checked; the message says why and what to do."""

    exit_code = 2

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a notebook instead of a traceback."""
        return [f"Cannot check: {self}."]


@dataclass(frozen=True)
class Cell:
    """One cell. ``marks`` are nbgrader's metadata, empty for a cell that is not graded.

    ``number`` counts the code cells from 1, as Jupyter does when it runs them all; it is 0 for text.
    """

    number: int
    kind: str
    source: str
    marks: dict[str, Any]
    execution_count: int | None
    saved_error: bool

    @property
    def grade_id(self) -> str:
        """nbgrader's name of the cell; empty where it has none."""
        return str(self.marks.get("grade_id", ""))

    @property
    def is_solution(self) -> bool:
        """Whether a student answers in it."""
        return bool(self.marks.get("solution"))

    @property
    def is_check(self) -> bool:
        """A cell with points that runs."""
        return bool(self.marks.get("grade")) and not self.is_solution and self.kind == "code"

    @property
    def is_given(self) -> bool:
        """A cell of the course that checks may rely on."""
        return bool(self.grade_id and self.marks.get("locked")) and not self.marks.get("grade") and not self.is_solution

    @property
    def is_written(self) -> bool:
        """An answer that a person grades."""
        return bool(self.marks.get("grade")) and self.is_solution

    @property
    def is_as_released(self) -> bool:
        """Whether source and marks have the checksum that nbgrader gave them (nbgrader.utils.compute_checksum)."""
        if "checksum" not in self.marks:
            return False
        grade, locked = bool(self.marks.get("grade")), bool(self.marks.get("locked"))
        locked = not self.is_solution and (grade or locked)
        text = f"{self.source}{self.kind}{grade}{self.is_solution}{locked}{self.grade_id}"
        try:
            text += str(float(self.marks.get("points", 0))) if grade else ""
            digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        except (TypeError, ValueError, OverflowError):  # points that are no number, a text that is no UTF-8
            return False
        return bool(digest == self.marks["checksum"])

    @cached_property
    def defines(self) -> set[str]:
        """Its functions and classes; where the cell cannot be parsed, those that its text shows."""
        if not self.statements:
            return set(re.findall(r"^(?:def|class)\s+(\w+)", self.source, re.MULTILINE))
        return {one.name for one in self.statements if isinstance(one, ast.FunctionDef | ast.ClassDef)}

    @cached_property
    def answers(self) -> set[str]:
        """Names that the cell binds at its top level, imports apart: the grader takes a lost answer from them."""
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        variables = {one.id for one in self._own if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        return self.defines | variables | {one.name for one in self._own if isinstance(one, kinds)}

    @cached_property
    def binds(self) -> set[str]:
        """Names that the cell binds at its top level."""
        imported = {(one.asname or one.name).partition(".")[0] for one in self._own if isinstance(one, ast.alias)}
        return self.answers | imported

    @cached_property
    def _own(self) -> list[ast.AST]:
        """The nodes of its syntax tree, without those in another scope."""
        scopes = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | ast.comprehension
        found: list[ast.AST] = list(self.statements)
        for node in found:  # which grows
            found += [] if isinstance(node, scopes) else ast.iter_child_nodes(node)
        return found

    @cached_property
    def loads(self) -> set[str]:
        """Names that the cell reads, at its top level or within."""
        nodes = (node for statement in self.statements for node in ast.walk(statement))
        return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}

    @cached_property
    def statements(self) -> list[ast.stmt]:
        """The cell's syntax tree; empty for comments alone, and where it cannot be parsed."""
        try:
            return ast.parse(self.source).body if self.kind == "code" else []
        except (SyntaxError, ValueError):
            return []

    def imports_at(self, line: int | None) -> bool:
        """Whether an import at the cell's top level stands in this line."""
        imports = (each for each in self.statements if isinstance(each, ast.Import | ast.ImportFrom))
        return line in {each.lineno for each in imports}

    @property
    def is_hidden_check(self) -> bool:
        """A check of which the release kept the comment only."""
        lines = self.source.splitlines()
        return self.is_check and all(not line.strip() or line.lstrip().startswith("#") for line in lines)

    @property
    def title(self) -> str:
        """What a check is about: the docstring of its function, or the comment that a hidden check leaves."""
        for statement in self.statements:
            if isinstance(statement, ast.FunctionDef) and (doc := ast.get_docstring(statement)):
                return doc.splitlines()[0].rstrip(".")
        head = re.match(r"#[^:\n]*:\s*(.+)", self.source)
        return head[1].rstrip(".") if head and self.is_hidden_check else self.grade_id

    def __str__(self) -> str:
        first = next((line for line in self.source.splitlines() if line.strip()), "")
        return f"cell [{self.number}] ({first if len(first) <= 50 else first[:49] + '…'})"


@dataclass(frozen=True)
class Notebook:
    """The cells of a notebook; ``notices`` are sentences about what the grader will not like."""

    path: Path
    cells: list[Cell]
    saved_by: str
    notices: list[str] = field(default_factory=list)

    def needs(self, cell: Cell) -> bool:
        """Whether another cell reads what this one binds."""
        return any(cell.binds & other.loads for other in self.cells if other is not cell)


def read_notebook(path: Path) -> Notebook:
    """Read ``path``; raises :class:`NotebookError` where nothing can be checked.

    >>> notebook = read_notebook(Path("scaling.ipynb"))
    >>> [cell.grade_id for cell in notebook.cells if cell.is_check]
    ['scale_forward__values', 'scale_forward__shifted', 'scale_backward__gradient']
    >>> read_notebook(Path("scalling.ipynb"))
    Traceback (most recent call last):
    normlab.notebook.NotebookError: there is no file scalling.ipynb; in that folder there is scaling.ipynb
    """
    stored = _json(path)
    numbers = accumulate(_at(raw, "cell_type") == "code" for raw in stored["cells"])
    cells = [_cell(place, *each) for place, each in enumerate(zip(numbers, stored["cells"], strict=True), 1)]
    notebook = Notebook(path, cells, _saved_by(stored))
    if not any(cell.is_check for cell in cells):
        tool = f" {notebook.saved_by} saved it, and" if notebook.saved_by != "Jupyter" else ""
        raise NotebookError(
            f"{path} has no check cell:{tool} the marks that nbgrader keeps in the cells' metadata are missing. "
            "Download the notebook again, copy your answers into its cells one by one, and save that"
        )
    notebook.notices.extend(_notices(notebook, stored["metadata"].get("normlab")))
    return notebook


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        folder = path if path.is_dir() else path.parent
        near = ", ".join(sorted(other.name for other in folder.glob("*.ipynb*") if other.is_file()))
        if path.is_dir():
            raise NotebookError(f"{path} is a folder; give the .ipynb file{f', here {near}' if near else ' itself'}")
        raise NotebookError(f"there is no file {path}{f'; in that folder there is {near}' if near else ''}")
    try:
        stored = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise NotebookError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        text = path.read_bytes()[:5000].lstrip()
        if b"<<<<<<<" in text or b"<<<<<<<" in path.read_bytes():
            why = "it holds marks of a merge conflict (<<<<<<<); resolve the conflict"
        elif text[:1] == b"<":
            why = "it is a web page; download the notebook itself (in Jupyter: File > Download)"
        elif path.suffix != ".ipynb":
            why = "give the .ipynb file that Jupyter saves"
        elif not text:
            why = "it is empty; save it again in Jupyter, or download the notebook again"
        else:
            why = f"it is cut off or was edited by hand ({error}); download the notebook again"
        raise NotebookError(f"{path} is not a notebook: {why}") from None
    if not isinstance(stored, dict) or not isinstance(stored.get("nbformat"), int):
        raise NotebookError(
            f"{path} is not a notebook: it holds other data; hand in the .ipynb file that Jupyter saves"
        )
    if stored["nbformat"] != 4 or not isinstance(stored.get("cells"), list):
        raise NotebookError(
            f"{path} is saved in notebook format {stored['nbformat']}, format 4 is expected; open it in a current "
            "Jupyter and save it again"
        )
    if not isinstance(stored.setdefault("metadata", {}), dict):
        raise NotebookError(f"{path} is not a notebook: its metadata is no dictionary; download the notebook again")
    language = _at(stored, "metadata", "kernelspec", "language") or _at(stored, "metadata", "language_info", "name")
    if language not in (None, "", "python"):
        raise NotebookError(
            f"{path} runs on a kernel for {language}; choose a Python 3 kernel in Jupyter and save it again"
        )
    return stored


def _cell(place: int, number: int, raw: Any) -> Cell:
    if not isinstance(raw, dict) or not isinstance(raw.get("source"), str | list):
        raise NotebookError(f"cell {place} is damaged; download the notebook again and copy your answers into it")
    source = raw["source"]
    marks = _at(raw, "metadata", "nbgrader")
    outputs = raw.get("outputs")
    count = raw.get("execution_count")
    return Cell(
        number=number if raw.get("cell_type") == "code" else 0,
        kind=str(raw.get("cell_type")),
        source=source if isinstance(source, str) else "".join(map(str, source)),
        marks=marks if isinstance(marks, dict) else {},
        execution_count=count if isinstance(count, int) else None,
        saved_error=any(_at(one, "output_type") == "error" for one in (outputs if isinstance(outputs, list) else [])),
    )


def _notices(notebook: Notebook, known: Any) -> list[str]:
    """``known`` is what the course wrote into the notebook: its name, ids of its cells, of checks, of given ones."""
    name, notices = notebook.path.stem, []
    ids = [cell.grade_id for cell in notebook.cells if cell.grade_id]
    assignment = _at(known, "assignment")
    copied = re.fullmatch(r"(.+?)(?: ?\(\d+\)|-Copy\d+|[-_ ]\d+)", name)
    if isinstance(assignment, str) and name != assignment:
        notices.append(f"The file is named {notebook.path.name}; hand it in as {assignment}.ipynb, its first name.")
    elif assignment is None and copied:
        notices.append(f"The file is named {name}.ipynb like a copy; hand it in as {copied[1]}.ipynb, its first name.")
    lost = [str(one) for one in _listed(known, "cells") if one not in ids]
    checks, given = ([one for one in lost if one in _listed(known, kind)] for kind in ("checks", "given"))
    answers = [one for one in lost if one not in (*checks, *given)]
    edited = [
        cell
        for cell in notebook.cells
        if (cell.is_check or cell.is_given) and "checksum" in cell.marks and not cell.is_as_released
    ]
    defined = {
        name
        for cell in notebook.cells
        if cell in edited or not (cell.is_check or cell.is_given)
        for name in cell.answers
    }
    if moved := [one for one in answers if one in defined]:
        notices.append(
            f"The cell of {', '.join(moved)} was lost; the grader takes the cell that defines it, wherever it stands."
        )
    if given:
        notices.append(
            f"Lost from the notebook: {', '.join(given)}, given by the course. The grader puts it back; names that are "
            "not defined here may be its own: download the notebook again and copy that cell from it."
        )
    if checks:
        notices.append(f"Lost from the notebook: {', '.join(checks)}. The grader puts lost checks back.")
    if gone := [one for one in answers if one not in moved]:
        notices.append(
            f"Lost from the notebook: {', '.join(gone)}. Points of a lost answer are lost with it: download the "
            "notebook again and copy your answers into its cells."
        )
    # A copy that was kept as text is none that the grader takes, where the cell itself is there.
    alike = [cell.grade_id for cell in notebook.cells if cell.kind == cell.marks.get("cell_type", cell.kind)]
    twice = sorted({one for one in ids if alike.count(one) > 1})
    if twice:
        notices.append(f"Twice in the notebook: {', '.join(twice)}. The grader takes the last; delete the other.")
    for cell in notebook.cells:
        expected = cell.marks.get("cell_type", cell.kind)
        if expected != cell.kind and cell.grade_id not in alike:
            notices.append(f"{cell.grade_id} was changed from a {expected} cell to a {cell.kind} cell; change it back.")
        elif cell in edited:
            what = "check" if cell.is_check else "cell"
            notices.append(f"The {what} {cell.grade_id} was edited; the grader puts the original back.")
    return notices


def _listed(known: Any, key: str) -> list[Any]:
    found = _at(known, key)
    return found if isinstance(found, list) else []


def _saved_by(stored: dict[str, Any]) -> str:
    metadata = stored["metadata"]
    cells = [cell for cell in stored["cells"] if isinstance(cell, dict)]
    if "colab" in metadata or any(_at(cell, "metadata", "colab") for cell in cells):
        return "Google Colab"
    if "vscode" in metadata or any(_at(cell, "metadata", "vscode") for cell in cells):
        return "VS Code"
    kernel = str(_at(metadata, "kernelspec", "display_name"))
    return "JupyterLite" if "Pyodide" in kernel else "Jupyter"


def _at(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data
