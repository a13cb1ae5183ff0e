"""Trusted side: what takes the place of an answer behind its checks, so that those of other tasks use that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.assignment import Assignment, Cell
from autograder.proxies import Proxy, is_another
from autograder.syntax import imported_names


class Replaced:
    """The answers of one submission, by what their names stand for in the student's process."""

    def __init__(self, assignment: Assignment, flags: list[str]) -> None:
        """``flags``: where sentences for a person go."""
        self._assignment = assignment
        self._flags = flags
        self._checked: set[str] = set()
        self._known: dict[str, Proxy] = {}  # also of names that were deleted since

    def checked(self, test: Cell) -> None:
        """A check ran; its answer is to stay from here on."""
        self._checked.add(self._assignment.owner(test))

    def seen(self, names: Mapping[str, Any]) -> set[str]:
        """What names stand for now; those that stand for another object of the same process than before."""
        again = {name for name in names if is_another(names[name], self._known.get(name))}
        self._known |= {name: value for name, value in names.items() if issubclass(type(value), Proxy)}
        return again

    def note(self, again: set[str], cell: Cell | None) -> None:
        """``again`` was seen after ``cell``, None for one that the student added; a cell may bind its own names."""
        own = cell.binds | imported_names(cell.imports) if cell else frozenset()
        told = [f"{name} is bound again after its checks" for name in sorted(self._checked & again - own)]
        self._flags += [sentence for sentence in told if sentence not in self._flags]
