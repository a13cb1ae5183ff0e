"""Trusted side: what a test does to a student's global names (`del squares`, a stand-in), told to the process.

nbgrader runs a test among the student's own names, so a test can take one away to see what needs it. Here each change
is told before the student's code runs next. An expected value must not travel that way: a plain value goes over only
where a function of the instructor's solution reads that name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from autograder.assignment import Assignment
from autograder.program import Program

GONE = object()


class Bindings:
    """The student's names as one test finds them, and what became of them since."""

    def __init__(self, assignment: Assignment, names: dict[str, Any]) -> None:
        self._assignment = assignment
        self._names = names
        self._told = {name: names.get(name, GONE) for name in assignment.student_names}

    def changes(self) -> Iterable[tuple[str, Any]]:
        """(name, its value or GONE) of each that differs from what was told last."""
        changed = [(name, now) for name, told in self._told.items() if (now := self._names.get(name, GONE)) is not told]
        self._told.update(changed)
        return [(name, now) for name, now in changed if callable(now) or now is GONE or name in self._settings]

    def know(self, names: Iterable[str]) -> None:
        """The process told what these stand for now."""
        self._told.update({name: self._names.get(name, GONE) for name in names})

    @cached_property
    def _settings(self) -> set[str]:
        """Names that the solution's functions and classes read."""
        cells = self._assignment.cells
        solution = Program(cell.python for cell in cells if cell.kind in ("student", "manual") and cell.python)
        statements = [each for group in solution.definitions.values() for each in group]
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return set().union(*(each.reads for each in statements if isinstance(each.node, kinds)))
