"""What an assignment is made of: checks with points, known mistakes, unusual right answers, and where their text is."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import os
import textwrap
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from normlab.normcheck import forget

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENTS = tuple(sorted(path.parent.name for path in (ROOT / "reference").glob("*/assignment.md")))

Function = Callable[..., Any]
"""A student's function, as a check receives it."""


class CourseTextError(Exception):
    """A file of reference/ cannot be made into a notebook; the message names it and says what to change."""


@dataclass(frozen=True)
class Check:
    """One test cell. Its name is the grade id, its parameters are the student's functions that it needs."""

    function: Callable[..., None]
    points: float
    hidden: bool

    def __call__(self, **functions: Function) -> None:
        """Run the check; raises whatever the test cell would raise."""
        self.function(**functions)

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def target(self) -> str:
        """The function that the check is about: the grade id up to the double underscore."""
        return self.name.partition("__")[0]

    @property
    def title(self) -> str:
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.function).parameters)

    @cached_property
    def source(self) -> str:
        """The function without its decorator and without annotations of its parameters."""
        text = textwrap.dedent(inspect.getsource(self.function))
        definition = ast.parse(text).body[0]
        assert isinstance(definition, ast.FunctionDef)
        first = definition.body[0]
        lines = text.rstrip().split("\n")
        if lines[first.lineno - 1][: first.col_offset].strip():  # the body stands behind the colon
            place = f"{self.function.__module__.replace('.', '/')}.py"
            raise CourseTextError(
                f"{place}: {self.name}: write the body of a check below its `def`, in lines of its own."
            )
        return "\n".join([f"def {self.name}({', '.join(self.needs)}):", *lines[first.lineno - 1 :]])


def check(*, points: float, hidden: bool = False) -> Callable[[Callable[..., None]], Check]:
    """Make a test cell of a function; the first line of its docstring is the title that students see."""
    return lambda function: Check(function, points, hidden)


@dataclass(frozen=True)
class Mistake:
    """An edit of the reference solution that students really make, or could.

    Each pair (old, new) of ``edits`` replaces a text that stands exactly once in ``function``. ``explanation`` is one
    sentence for the student that says what is wrong and does not give the answer. ``also_costs`` names the other
    functions whose checks may fail too, each with the reason.
    """

    name: str
    function: str
    edits: tuple[tuple[str, str], ...]
    explanation: str
    also_costs: Mapping[str, str] = field(default_factory=dict)

    def source(self, solution: str) -> str:
        """The text of ``function`` with the mistake in it; ``solution`` is the text of solution.py.

        Raises CourseTextError where there is no such function, where an edit is no pair of texts, or where its old text
        does not stand exactly once in the function.
        """
        functions = functions_in(solution)
        if self.function not in functions:
            raise CourseTextError(
                f"mistake {self.name}: solution.py has no function {self.function!r}; it has {', '.join(functions)}"
            )
        text = functions[self.function]
        for edit in self.edits:
            if not isinstance(edit, tuple) or [type(part) for part in edit] != [str, str]:
                raise CourseTextError(
                    f"mistake {self.name}: its edits are pairs ((old, new), ...), with a comma after a single one; "
                    f"found {edit!r}"
                )
            old, new = edit
            if text.count(old) != 1:
                raise CourseTextError(
                    f"mistake {self.name}: {old!r} must stand exactly once in {self.function}, "
                    f"found {text.count(old)} times; update the edit"
                )
            text = text.replace(old, new)
        return text

    def apply(self, solution: str) -> dict[str, Any]:
        """The names of solution.py with the mistake in it."""
        return run(solution.replace(functions_in(solution)[self.function], self.source(solution)))


@dataclass(frozen=True)
class RightAnswer:
    """A right answer that looks unlike the reference: Python text that defines some of the functions its own way."""

    name: str
    source: str

    def apply(self, solution: str) -> dict[str, Any]:
        """The names of solution.py, with this answer's in the place of the reference's."""
        return run(solution + "\n\n" + self.source)


def run(text: str) -> dict[str, Any]:
    """Execute a module's text; returns its names. What checks remember is one notebook's: it is forgotten."""
    forget()
    names: dict[str, Any] = {"__name__": "answer"}
    exec(compile(text, "<answer>", "exec"), names)
    return names


def chosen_assignments(parser: argparse.ArgumentParser, asked: Sequence[str]) -> list[str]:
    """The assignments that a command was asked for, all if none; ends the command (exit code 2) at an unknown one."""
    unknown = [name for name in asked if name not in ASSIGNMENTS]
    if unknown and (ROOT / "reference" / unknown[0]).is_dir():
        parser.error(f"reference/{unknown[0]} has no assignment.md, which every assignment has")
    if unknown:
        parser.error(f"there is no assignment {unknown[0]!r}; there are {', '.join(ASSIGNMENTS)}")
    return [name for name in ASSIGNMENTS if name in asked or not asked]


def positive(text: str) -> int:
    """An option that counts something, from 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 is needed, not {text!r}")
    return int(text)


def functions_in(text: str) -> dict[str, str]:
    """Text of each top-level function and class, decorators and all."""
    lines = text.split("\n")  # as ast counts them; splitlines() also splits at a form feed
    return {
        node.name: "\n".join(lines[min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1 : node.end_lineno])
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


@dataclass(frozen=True)
class Course:
    """One folder of reference/, read."""

    name: str

    @property
    def folder(self) -> Path:
        return ROOT / "reference" / self.name

    @cached_property
    def solution(self) -> str:
        """The text of solution.py."""
        return self.text("solution.py")

    def text(self, name: str) -> str:
        """What a file of the folder says; CourseTextError where it is no UTF-8."""
        try:
            return (self.folder / name).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise CourseTextError(
                f"reference/{self.name}/{name} is no UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8."
            ) from None

    @cached_property
    def checks(self) -> dict[str, Check]:
        """By grade id, in the order of checks.py."""
        return {value.name: value for value in vars(self._module("checks")).values() if isinstance(value, Check)}

    @cached_property
    def mistakes(self) -> tuple[Mistake, ...]:
        return tuple(self._named("mistakes", "MISTAKES", Mistake))

    @cached_property
    def right_answers(self) -> tuple[RightAnswer, ...]:
        return tuple(self._named("right_answers", "RIGHT_ANSWERS", RightAnswer))

    def function_text(self, name: str) -> str:
        """A function of solution.py, or one that it imports from another assignment's."""
        own = functions_in(self.solution)
        if name in own:
            return own[name]
        owner = getattr(getattr(self._module("solution"), name, None), "__module__", "")
        if not owner.startswith("reference.") or owner == f"reference.{self.name}.solution":
            raise CourseTextError(
                f"reference/{self.name}/assignment.md has a {{solution}} fence for {name!r}, "
                "and solution.py no such function"
            )
        return Course(owner.split(".")[1]).function_text(name)

    def require_every_check_in(self, cells: Sequence[Any]) -> None:
        """Each check has its cell, and its parameters are functions of the solution cells; else CourseTextError."""
        marked = {cell.id: cell for cell in cells if cell.cell_type == "code" and "nbgrader" in cell.metadata}
        solutions = [cell.source for cell in marked.values() if cell.metadata.nbgrader.solution]
        functions = [name for text in solutions for name in functions_in(text) if not name.startswith("prediction__")]
        for check in self.checks.values():
            path = os.path.relpath(check.function.__code__.co_filename, ROOT)
            unknown = [name for name in check.needs if name not in functions]
            if unknown:
                raise CourseTextError(
                    f"{path}: {check.name} asks for {unknown[0]!r}, which no solution cell defines; "
                    f"its parameters must be of {', '.join(functions)}"
                )
            if check.name not in marked:
                raise CourseTextError(
                    f"{path}: no {{checks}} fence of assignment.md asks for {check.name}; name it <function>__<what> "
                    "after the function that a fence names, or name it in a fence"
                )

    def _named(self, module: str, name: str, kind: type) -> Any:
        found = getattr(self._module(module), name, None)
        if not isinstance(found, list | tuple) or not all(isinstance(each, kind) for each in found):
            raise CourseTextError(
                f"reference/{self.name}/{module}.py must bind {name} to a list or a tuple, each a {kind.__name__}(...)."
            )
        return found

    def _module(self, name: str) -> ModuleType:
        try:
            return importlib.import_module(f"reference.{self.name}.{name}")
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            raise CourseTextError(
                f"reference/{self.name}/{name}.py cannot be imported: {type(error).__name__}: {error} "
                f"({Path(frame.filename).name}, line {frame.lineno})."
            ) from error
