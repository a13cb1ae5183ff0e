"""Trusted side: the namespace in which tests and given cells run, and how their errors read."""

from __future__ import annotations

import ast
import linecache
import re
import sys
import traceback
import types
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autograder.assignment import Assignment, Cell
from autograder.errors import BoundaryError
from autograder.outputs import Outputs, Stream
from autograder.syntax import imported_names

_MESSAGE = 2000


class _Notebook:
    """Stands for IPython where a given cell asks for it: magics do nothing here."""

    def run_line_magic(self, *_: Any, **__: Any) -> None: ...

    run_cell_magic = system = getoutput = run_line_magic


class Namespace:
    """The global names of the trusted cells of one notebook."""

    def __init__(self, assignment: Assignment) -> None:
        self.student_names = assignment.student_names
        self._cells = assignment.cells
        self.broken: set[str] = set()  # what cells of the course's would have bound that failed by a fault of their own
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.names = module.__dict__
        self.names["get_ipython"] = _Notebook
        self.names["display"] = lambda *values: [sys.displayhook(value) for value in values] and None
        for cell in assignment.cells:
            if cell.kind in ("test", "given"):
                lines = cell.python.splitlines(keepends=True)
                linecache.cache[cell.filename] = (len(cell.python), None, lines, cell.filename)

    @cached_property
    def bound(self) -> set[str]:
        """Names that some cell binds; read when a name is missing, which takes longer than to run most tests."""
        return set().union(*map(_bound, self._cells))

    def take(self, found: dict[str, Any], names: Collection[str] | None = None) -> None:
        """Bind the student's names, or some, to what stands for them; those not bound there are not bound here."""
        for name in self.student_names if names is None else names:
            self.names.pop(name, None)
        self.names.update(found)

    def execute(self, cell: Cell, outputs: Outputs) -> Any:
        """Run a cell; the value of its last expression, or None if it ends in a statement or a semicolon."""
        body, last = cell.code, cell.last_expression
        kept = sys.stdout, sys.stderr, sys.displayhook
        sys.stdout, sys.stderr = Stream(outputs, "stdout"), Stream(outputs, "stderr")
        sys.displayhook = lambda value: outputs.display("display_data", {"text/plain": _repr(value)})
        try:
            exec(body, self.names)
            value = eval(last, self.names) if last is not None else None
            if value is not None:
                outputs.display("execute_result", {"text/plain": _repr(value)})
            return value
        finally:
            sys.stdout, sys.stderr, sys.displayhook = kept

    def failure(self, error: BaseException, cell: Cell) -> Failure:
        """What a test or a given cell raised."""
        return Failure.of(error, cell, self._is_fault(error, cell))

    def _is_fault(self, error: BaseException, cell: Cell) -> bool:
        """Whether the course is to blame for an error of one of its cells: it lacks a name, a module or a file.

        Another error, or that of a name which some cell binds, may come from what the student wrote.
        """
        if hasattr(error, "student_traceback"):
            return False
        if type(error) is NameError and error.name is not None:
            found = error.name in self.broken or error.name not in self.bound
        elif isinstance(error, AttributeError) and isinstance(error.obj, types.ModuleType):
            found = str(error.name) in cell.source
        elif isinstance(error, OSError):
            # NumPy's says which file it is in its words alone: "data.csv not found."
            words, missing = str(error), " not found."
            name = str(error.filename or (words.removesuffix(missing) if words.endswith(missing) else ""))
            found = bool(name) and name in cell.source
        else:
            found = isinstance(error, ImportError)
        if found:
            self.broken |= cell.binds | imported_names(cell.imports)
        return found

    def run_quietly(self, imports: str) -> None:
        """The imports of a solution cell, of the instructor's version; tests may use them."""
        for node in ast.parse(imports).body:
            try:
                exec(compile(ast.Module([node], []), "<imports>", "exec"), self.names)
            except Exception:  # a module that only some machines have: the test says so if it needs it
                continue


def _bound(cell: Cell) -> set[str]:
    """Names that the cell binds, at its top level or within."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(cell.python)):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        if isinstance(node, ast.Global | ast.Nonlocal):
            found |= {*node.names}
        named = (getattr(node, part, None) for part in ("name", "asname", "arg", "rest"))
        found |= {name.partition(".")[0] for name in named if isinstance(name, str)}
    return found


_FRAME = re.compile(r'File "<ipython-input-[^"\n]*>", line (\d{1,6}), in (\w{1,60})\n')  # of a cell of the student's


@dataclass(frozen=True)
class Failure:
    """What a test raised, as text."""

    name: str
    message: str
    lines: list[str]  # of the traceback: the test's own, then the student's
    at_boundary: bool = False
    place: str = ""  # where the student's own code raised it
    is_fault: bool = False  # of the course
    shown: bool = False  # what is hidden had no part in it

    def __str__(self) -> str:
        head = f"{self.name}{self.place}"
        return f"{head}: {self.message}" if self.message else head

    def told(self, answers: Iterable[str]) -> str:
        """In words, where names of answers may be missing."""
        for name in answers:
            if str(self) == f"NameError: name '{name}' is not defined":
                return f"{name} is not defined: its cell failed, is empty, or gives another name"
        return str(self)

    @classmethod
    def of(cls, error: BaseException, cell: Cell, is_fault: bool = False) -> Failure:
        """Of an error of a test cell: its lines of that cell and of the student's code, no path of this machine."""
        name = type(error).__name__
        try:
            message = str(error)[:_MESSAGE]
        except Exception:  # the message needs a student's object that cannot tell
            message = ""
        lines = [f"{name}    Traceback (most recent call last)"]
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == cell.filename]
        lines += [f"Cell {cell.filename}, line {frame.lineno}\n    {frame.line}" for frame in frames]
        shown = bool(frames) and cell.open_lines >= {frame.lineno for frame in frames}
        student = getattr(error, "student_traceback", "")
        place = "".join(f", line {line} in {function}" for line, function in _FRAME.findall(student)[-1:])
        if hasattr(error, "student_traceback") and not place:  # never as if the check had said it
            place = ", raised by the answer"
        if student:
            lines.append(f"In the student's code:\n{student}")
        lines.append(f"{name}: {message}" if message else name)
        return cls(name, message, lines, isinstance(error, BoundaryError), place, is_fault, shown)


def _repr(value: Any) -> str:
    try:
        return repr(value)[:_MESSAGE]
    except Exception as error:
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
