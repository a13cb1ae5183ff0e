"""The cells of a student's notebook: which are checks, answers or given, and what each binds and reads."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from normlab.runcells import plain

__all__ = ["Cell", "Notebook", "NotebookError"]


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

    >>> cell = Cell(1, "code", "out = f(x) + b", {"grade_id": "f__values", "grade": True}, None, False)
    >>> cell.is_check, cell.binds, sorted(cell.loads)
    (True, {'out'}, ['b', 'f', 'x'])
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
        """The syntax tree of its Python; empty for comments alone, and where it cannot be parsed."""
        try:
            return ast.parse(plain(self.source)).body if self.kind == "code" else []
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
    left_out: list[int] = field(default_factory=list)  # numbers of blank copies of cells that were answered

    @property
    def imports(self) -> set[str]:
        """The modules that its cells import, by their first names."""
        nodes = [node for cell in self.cells for statement in cell.statements for node in ast.walk(statement)]
        names = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
        names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        return {name.partition(".")[0] for name in names}

    def needs(self, cell: Cell) -> bool:
        """Whether another cell reads what this one binds."""
        return any(cell.binds & other.loads for other in self.cells if other is not cell)
