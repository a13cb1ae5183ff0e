"""The instructor's notebook, read once: what each cell is for, and which of them the trusted side runs."""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import CodeType
from typing import Any, Literal

from autograder.errors import CourseError
from autograder.regions import Markers, open_lines, release_source
from autograder.syntax import analyze, ends_quietly, functions_in, imported_modules, imported_names, to_python

# What it is called with is run in Jupyter, and by no test.
UNRUN = re.compile(r"get_ipython\(\)\.run_(?:cell_magic\('|line_magic\('(?:time|timeit|prun|run)')")
Kind = Literal["student", "given", "test", "manual", "text"]


@dataclass(frozen=True)
class Cell:
    """One cell of the instructor's notebook."""

    index: int
    cell_type: str  # "code" | "markdown" | "raw"
    kind: Kind  # "given": code that is no answer; the student may edit it only if it is not locked
    grade_id: str | None
    points: float
    locked: bool  # its source is restored from the instructor's notebook
    source: str
    release: str  # the source as it was handed out
    hidden: bool  # holds a hidden test
    open_lines: frozenset[int]  # whose failure may be told to students: what is hidden has no part in it
    metadata: Mapping[str, Any]  # of the whole cell
    python: str = ""  # source with magics turned into Python; "" when it is no code
    binds: frozenset[str] = frozenset()  # names bound at the top level, imports apart
    changes: frozenset[str] = frozenset()  # names of objects that it changes and does not bind anew
    state: frozenset[str] = frozenset()  # names that its functions change when they are called
    loads: frozenset[str] = frozenset()  # names read or deleted anywhere
    stores: frozenset[str] = frozenset()  # names bound or deleted anywhere, imports included
    imports: str = ""  # the import statements, those in functions apart
    has_effects: bool = False

    @cached_property
    def _parts(self) -> tuple[CodeType, CodeType | None]:
        tree = ast.parse(self.python)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        if not isinstance(last, ast.Expr) or ends_quietly(self.python):
            return self._compiled(self.python, "exec"), None
        return self._compiled(tree, "exec"), self._compiled(ast.Expression(last.value), "eval")

    def _compiled(self, code: Any, mode: str) -> CodeType:
        return compile(code, self.filename, mode, dont_inherit=True)  # nor this module's __future__

    @property
    def code(self) -> CodeType:
        """The cell without its last expression, compiled under its file name."""
        return self._parts[0]

    @property
    def last_expression(self) -> CodeType | None:
        """The last expression, unless the cell ends in a statement or a semicolon."""
        return self._parts[1]

    @property
    def filename(self) -> str:
        """What tracebacks call the cell: its grade id, or its place."""
        return f"<{self.grade_id or f'cell {self.index}'}>"


@dataclass(frozen=True)
class Assignment:
    """The instructor's version of one notebook; the truth for ids, points, order and tests."""

    name: str
    notebook: dict[str, Any]
    markers: Markers = field(default_factory=Markers)

    @classmethod
    def from_file(cls, path: Path, markers: Markers | None = None) -> Assignment:
        """Read ``source/<assignment>/<notebook>.ipynb``; raises CourseError.

        >>> assignment = Assignment.from_file(Path("my_course/source/scaling/scaling.ipynb"))
        >>> [(cell.grade_id, cell.points) for cell in assignment.tests]
        [('scale_forward__values', 3.0), ('scale_forward__shifted', 2.0), ('scale_backward__gradient', 4.0)]
        """
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise CourseError(f"The instructor's notebook {path} cannot be read: {error}") from None
        if not isinstance(notebook, dict) or notebook.get("nbformat") != 4:
            raise CourseError(f"{path} is not a notebook of format 4; convert it with `jupyter nbconvert`.")
        assignment = cls(path.stem, notebook, markers or Markers())
        assignment.compile()
        return assignment

    def compile(self) -> None:
        """Compile what the trusted side runs; CourseError where that parses and is no Python all the same."""
        for cell in self.cells:
            if cell.kind != "test" and cell.index not in self.trusted:
                continue
            if UNRUN.search(cell.python):
                raise CourseError(
                    f"Cell {cell.index + 1} of the instructor's notebook {self.name!r}, a test or what tests need, has "
                    "code below or behind a magic, which no test runs: write it as plain Python."
                )
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # Jupyter told the instructor already
                    _ = cell.code
            except SyntaxError as error:
                told = f"cell {cell.index + 1}, line {error.lineno}: {error.msg}"
                told += " (no event loop runs in tests)" if re.search("await|async", error.msg) else ""
                raise CourseError(f"The instructor's notebook {self.name!r} is malformed: {told}") from None

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell in its order; CourseError where the notebook is malformed or names two alike."""
        try:
            cells = tuple(_read_cells(self.notebook, self.markers))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise CourseError(f"The instructor's notebook {self.name!r} is malformed: {error}") from None
        ids = [cell.grade_id for cell in cells if cell.grade_id]
        doubled = sorted({name for name in ids if ids.count(name) > 1})
        if doubled:
            raise CourseError(f"Two cells of notebook {self.name!r} have the grade id {doubled[0]!r}.")
        return cells

    @cached_property
    def by_id(self) -> dict[str, Cell]:
        """Cells by their grade id."""
        return {cell.grade_id: cell for cell in self.cells if cell.grade_id}

    @cached_property
    def tests(self) -> tuple[Cell, ...]:
        """The cells that give points by what they raise."""
        return tuple(cell for cell in self.cells if cell.kind == "test")

    @cached_property
    def defined_in(self) -> dict[str, str]:
        """Name -> grade id of the solution cell that defines it in the instructor's notebook (the last one)."""
        return {
            name: cell.grade_id
            for cell in self.cells
            if cell.kind in ("student", "manual") and cell.grade_id
            for name in sorted(cell.binds)
        }

    def names_of(self, cell: Cell) -> set[str]:
        """The names that a solution cell is the one to define; a helper that a later one defines, too, is none."""
        names = {name for name in cell.binds if self.defined_in.get(name) == cell.grade_id}
        # Beside functions that were handed out, a helper or a variable is no answer: any cell may bind an x.
        return names & functions_in(cell.release) or names

    @cached_property
    def trusted(self) -> frozenset[int]:
        """Indices of the given cells that the trusted side runs too.

        Those that bind a name which a test reads, or change what it names, directly or through another such cell,
        and those that set a seed or a filter. The others are demonstrations: they run in the student's process alone.
        """
        given = [cell for cell in self.cells if cell.kind == "given"]
        imported = {cell.index: imported_names(cell.imports) for cell in given}
        # Modules are no test's business: plt.show(). What the student bound was changed where it lives.
        of_others = set(self.defined_in).union(*imported.values())
        chosen = {cell.index for cell in given if cell.has_effects or "import *" in cell.imports}
        wanted: set[str] = set()
        for cell in self.cells:
            if cell.kind == "test" or cell.index in chosen:
                wanted |= cell.loads
        while True:
            more = [
                cell
                for cell in given
                if cell.index not in chosen
                and (cell.binds | imported[cell.index] | (cell.changes - of_others)) & wanted
            ]
            if not more:
                return frozenset(chosen)
            for cell in more:
                chosen.add(cell.index)
                wanted |= cell.loads

    @cached_property
    def student_names(self) -> frozenset[str]:
        """Names that the trusted side takes from the student's process: those its cells read, or tests bind anew."""
        read: set[str] = set()
        for cell in self.cells:
            if cell.kind == "test" or cell.index in self.trusted:
                read |= cell.loads | (cell.binds if cell.kind == "test" else frozenset())
        return frozenset(read & set(self.defined_in))

    @cached_property
    def state(self) -> frozenset[str]:
        """Names that the solution's functions change and tests read: a counter, a log. What a test binds is its own."""
        found: set[str] = set()
        for cell in self.cells:
            found |= cell.state if cell.kind in ("student", "manual") else frozenset()
        for cell in self.cells:
            found -= cell.stores if cell.kind == "test" or cell.index in self.trusted else functions_in(cell.python)
        return self.student_names & found

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Modules that the instructor's cells import, hidden tests and solutions included."""
        return imported_modules(cell.python for cell in self.cells)

    @cached_property
    def released_modules(self) -> tuple[str, ...]:
        """Modules that the notebook imports as it was handed out: those that students are meant to have."""
        return imported_modules(to_python(cell.release) for cell in self.cells if cell.cell_type == "code")

    def cell_of(self, raw: Mapping[str, Any]) -> Cell | None:
        """The cell that one of a repaired notebook stands for; None for one that the student added."""
        index = raw.get("metadata", {}).get("autograder", {}).get("cell")
        return self.cells[index] if index is not None else None

    def tasks_of(self, test: Cell) -> tuple[str, ...]:
        """Grade ids of the solution cells whose names the test reads."""
        return tuple(sorted({self.defined_in[name] for name in test.loads if name in self.defined_in}))

    def owner(self, test: Cell) -> str:
        """The function that a test is about: the longest name before "__" in its id, else the last one it reads."""
        prefixes = [name for name in self.defined_in if (test.grade_id or "").startswith(f"{name}__")]
        if prefixes:
            return max(prefixes, key=len)
        read = [name for cell in self.cells for name in sorted(cell.binds & test.loads) if name in self.defined_in]
        return read[-1] if read else ""


def _read_cells(notebook: dict[str, Any], markers: Markers) -> Iterator[Cell]:
    for index, raw in enumerate(notebook["cells"]):
        metadata = raw.get("metadata", {})
        marks = metadata.get("nbgrader") or {}
        cell_type = raw["cell_type"]
        source = raw["source"] if isinstance(raw["source"], str) else "".join(raw["source"])
        solution, graded = bool(marks.get("solution")), bool(marks.get("grade"))
        is_code = cell_type == "code"
        try:
            release = release_source(source, cell_type, solution, markers)
            found = analyze(source) if is_code else {}
        except SyntaxError as error:
            raise ValueError(f"cell {index + 1}, line {error.lineno}: {error.msg}") from None
        except ValueError as error:
            raise ValueError(f"cell {index + 1}: {error}") from None
        kind: Kind
        if marks.get("task") or (graded and (solution or not is_code)):
            kind = "manual"
        elif graded:
            kind = "test"
        elif solution:
            kind = "student" if is_code else "text"
        else:
            kind = "given" if is_code else "text"
        yield Cell(
            index=index,
            cell_type=cell_type,
            kind=kind,
            grade_id=_grade_id(marks, index + 1),
            points=_points(marks, index + 1) if graded or marks.get("task") else 0.0,
            locked=not solution and (graded or bool(marks.get("locked"))),
            source=source,
            release=release,
            hidden=markers.begin_hidden in source,
            open_lines=open_lines(source, markers) if is_code else frozenset(),
            metadata=metadata,
            **found,
        )


def _grade_id(marks: Mapping[str, Any], number: int) -> str | None:
    """nbgrader's name of the cell; None where it has no role there."""
    name = marks.get("grade_id")
    if isinstance(name, str) and name:
        return name
    if any(marks.get(role) for role in ("grade", "solution", "locked", "task")):
        raise ValueError(f"cell {number} needs a grade_id, a text, not {name!r}; give it one under Create Assignment")
    return None


def _points(marks: Mapping[str, Any], number: int) -> float:
    value = marks.get("points")
    try:
        points = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        points = math.nan
    if not 0 <= points < math.inf:
        raise ValueError(
            f"cell {number} needs points, a number from 0, not {value!r}; enter it under Create Assignment"
        )
    return points
