"""The instructor's notebook is the truth: what was handed in is put right from it before it is graded.

In the repaired notebook each of the instructor's cells stands once, in the instructor's order, and carries its
index as ``metadata.autograder.cell``; a cell that the student added has none there and follows the instructor's
cell that it followed in the submission, unless the one below it there, which may need it, belongs further up.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from autograder.added import anchors
from autograder.assignment import Assignment, Cell
from autograder.intake import SubmittedCell, made_for
from autograder.marks import graded_metadata
from autograder.syntax import defines, functions_in, shows
from autograder.wording import shown

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TEXT = ("markdown", "raw")  # kinds of cells that can carry images and have no outputs


def repair(
    assignment: Assignment, submitted: Sequence[SubmittedCell], wrong: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """The notebook to grade, and one sentence for each thing that was put right.

    Answers are found by grade id, then by cell id, then by the function that they define. What ``wrong_notebook`` says
    is told in place of all the cells that another notebook does not have.

    >>> from pathlib import Path
    >>> assignment = Assignment.from_file(Path("my_course/source/scaling/scaling.ipynb"))
    >>> notebook, notes = repair(assignment, [])
    >>> notes[0]
    'The cell imports was not in the notebook and was put in.'
    """
    matcher = _Matcher(assignment, submitted)
    extras: dict[int, list[SubmittedCell]] = defaultdict(list)
    for anchor, found in matcher.added():
        extras[anchor].append(found)

    used = {_source_id(assignment, cell) for cell in assignment.cells}
    cells: list[dict[str, Any]] = []
    added = extras[-1]
    for cell in assignment.cells:
        if not matcher.puts_back(cell):  # what was handed out must not undo an answer in a cell of the student's own
            cells += [_added_cell(extra, used) for extra in added]
            added = []
        cells.append(_own_cell(assignment, cell, matcher.answer(cell)))
        added = added + extras[cell.index]
    cells += [_added_cell(extra, used) for extra in added]
    metadata = assignment.notebook.get("metadata", {})
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": metadata.get("kernelspec", KERNEL),
            "language_info": metadata.get("language_info", {"name": "python"}),
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return copy.deepcopy(notebook), [wrong, *matcher.notes] if wrong else matcher.findings()


def is_repaired(assignment: Assignment, notebook: Mapping[str, Any]) -> bool:
    """Whether ``repair`` made it of the instructor's notebook as it is now: the same cells, checks and stubs.

    Their checksums tell; a corrected solution, or text without a role in nbgrader, makes no other notebook.
    """
    made = [(raw["metadata"].get("autograder", {}).get("cell"), raw) for raw in notebook["cells"]]
    own = [(index, raw["cell_type"], raw["metadata"].get("nbgrader")) for index, raw in made if index is not None]
    now = [(cell, graded_metadata(cell, assignment.markers)) for cell in assignment.cells]
    return own == [(cell.index, cell.cell_type, metadata.get("nbgrader")) for cell, metadata in now]


def wrong_notebook(assignment: Assignment, data: bytes, submitted: Sequence[SubmittedCell]) -> str:
    """A sentence where a submission, ``data`` and its cells, is another notebook than the assignment's, else "".

    It is if it lacks most of the assignment's cells and its metadata name another assignment, or if it lacks them all.

    >>> from pathlib import Path
    >>> assignment = Assignment.from_file(Path("my_course/source/scaling/scaling.ipynb"))
    >>> wrong_notebook(assignment, b'{"cells": []}', [])
    'This is not the notebook scaling: it holds none of its cells.'
    """
    marked = assignment.by_id.keys() & {cell.grade_id for cell in submitted}
    if _at_least_half(marked, assignment):  # as nearly all do: nothing is read or matched a second time
        return ""
    chosen = _Matcher(assignment, submitted).chosen
    found = [cell for cell in assignment.by_id.values() if cell.index in chosen]
    told, expected = made_for(json.loads(data.decode(json.detect_encoding(data)))), made_for(assignment.notebook)
    if told and expected and told != expected and not _at_least_half(found, assignment):
        return f"This is the notebook {shown(told)}, not {expected}."
    lacks_all = assignment.by_id and not found
    return f"This is not the notebook {assignment.name}: it holds none of its cells." if lacks_all else ""


def _at_least_half(cells: Collection[object], assignment: Assignment) -> bool:
    return 2 * len(cells) >= len(assignment.by_id)


class _Matcher:
    """Which submitted cell stands for which of the instructor's."""

    def __init__(self, assignment: Assignment, submitted: Sequence[SubmittedCell]) -> None:
        self.assignment = assignment
        self.submitted = submitted
        self.chosen: dict[int, int] = {}  # instructor's index -> position in the submission
        self.taken: dict[int, int] = {}  # position -> instructor's index; includes copies that are dropped
        self.elsewhere: set[int] = set()  # cells whose function stands in the cell of another answer
        self.notes: list[str] = []
        self._by_grade_id()
        self._by_cell_id()
        self._by_source()
        self._by_function()

    def answer(self, cell: Cell) -> SubmittedCell | None:
        """The student's version of a cell that students may edit."""
        if cell.index in self.elsewhere:
            return SubmittedCell(cell.cell_type, "")  # what was handed out would bind the name again
        if cell.locked or cell.index not in self.chosen:
            return None
        return self.submitted[self.chosen[cell.index]]

    def added(self) -> Iterator[tuple[int, SubmittedCell]]:
        """Cells that the student added, and the index of the cell that each is to follow."""
        stands = {position: self.assignment.cells[self.taken[position]] for position in self.chosen.values()}
        own = [position for position, each in enumerate(self.submitted) if self._free(position) and each.source.strip()]
        return ((place, self.submitted[position]) for position, place in anchors(self.submitted, stands, own))

    def puts_back(self, cell: Cell) -> bool:
        """Whether the student's version of a graded cell is lost."""
        return cell.grade_id is not None and self._open(cell)

    def findings(self) -> list[str]:
        notes = list(self.notes)
        for cell in self.assignment.cells:
            if cell.index in self.elsewhere:
                notes.append(f"The answer of {cell.grade_id} stands in another cell.")
            elif cell.grade_id and cell.index not in self.chosen:
                notes.append(f"The cell {cell.grade_id} was not in the notebook and was put in.")
            elif cell.grade_id:
                found = self.submitted[self.chosen[cell.index]]
                if found.cell_type != cell.cell_type:
                    notes.append(f"The cell {cell.grade_id} was turned back into a {cell.cell_type} cell.")
                if cell.locked and not _untouched(found, cell):
                    notes.append(f"The locked cell {cell.grade_id} had been changed and was restored.")
        positions = [self.chosen[cell.index] for cell in self.assignment.cells if cell.index in self.chosen]
        if positions != sorted(positions):
            notes.append("Cells stood in another order; they were graded in the assignment's order.")
        return notes

    def _choose(self, cell: Cell, position: int) -> None:
        self.chosen[cell.index] = position
        self.taken.setdefault(position, cell.index)

    def _by_grade_id(self) -> None:
        found: dict[str, list[int]] = defaultdict(list)
        for position, submitted in enumerate(self.submitted):
            if submitted.grade_id:
                found[submitted.grade_id].append(position)
        for cell in self.assignment.cells:
            positions = found.get(cell.grade_id or "", [])
            if not positions:
                continue
            given = [p for p in positions if _untouched(self.submitted[p], cell)]
            worked = [p for p in positions if p not in given]
            preferred = (given or worked) if cell.locked else (worked or given)
            self._choose(cell, preferred[0] if cell.locked else self._last(cell, preferred))
            # A blank copy that ran after the answer would undo it; a changed copy is the student's own cell.
            self.taken.update(dict.fromkeys(given, cell.index))
            if positions[1:]:
                self.notes.append(f"The cell {cell.grade_id} was there {len(positions)} times; one was graded.")

    def _last(self, cell: Cell, positions: Sequence[int]) -> int:
        """The last of the cell's own kind, where there is one: notes and old versions are kept as text."""
        return max(positions, key=lambda position: (self.submitted[position].cell_type == cell.cell_type, position))

    def _open(self, cell: Cell) -> bool:
        return cell.index not in self.chosen and not cell.locked

    def _free(self, position: int) -> bool:
        return position not in self.taken

    def _by_cell_id(self) -> None:
        ids = {s.cell_id: p for p, s in enumerate(self.submitted) if s.cell_id and self._free(p)}
        for cell in self.assignment.cells:
            position = ids.get(self.assignment.notebook["cells"][cell.index].get("id"))
            if position is not None and self._open(cell) and self._free(position):
                if cell.grade_id:
                    self.notes.append(f"The answer of {cell.grade_id} had lost its grade id; it was found.")
                elif self.submitted[position].cell_type != cell.cell_type:
                    continue
                self._choose(cell, position)

    def _by_source(self) -> None:
        """Cells without a grade id that were left as they were handed out."""
        same: dict[tuple[str, str], deque[int]] = defaultdict(deque)
        for position, submitted in enumerate(self.submitted):
            if self._free(position):
                same[submitted.cell_type, submitted.source.strip()].append(position)
        for cell in self.assignment.cells:
            positions = same[cell.cell_type, cell.release.strip()]
            if cell.grade_id is None and self._open(cell) and positions:
                self._choose(cell, positions.popleft())

    def _by_function(self) -> None:
        for cell in self.assignment.cells:
            # Further down, a loop or an open file may have the function's name.
            if self.puts_back(cell) and not self._found_by(shows, cell):
                self._found_by(defines, cell)

    def _found_by(self, answers: Callable[[str, Collection[str]], bool], cell: Cell) -> bool:
        names = self.assignment.names_of(cell)
        any_of = names or cell.binds & functions_in(cell.release)
        bind = [p for p, s in enumerate(self.submitted) if answers(s.source, any_of)]
        positions = [p for p in bind if self._free(p)]
        if not positions and names and all(self._in_an_answer(name, answers) for name in names):
            self.elsewhere.add(cell.index)
        elif positions := positions or [p for p in bind if self._was_written_into_locked(p, any_of)]:
            self._choose(cell, self._last(cell, positions))
            self.notes.append(f"The answer of {cell.grade_id} was found by the function that it defines.")
        return bool(positions) or cell.index in self.elsewhere

    def _in_an_answer(self, name: str, answers: Callable[[str, Collection[str]], bool]) -> bool:
        chosen = [self.submitted[p] for index, p in self.chosen.items() if not self.assignment.cells[index].locked]
        return any(answers(each.source, {name}) for each in chosen)

    def _was_written_into_locked(self, position: int, names: Collection[str]) -> bool:
        """Whether what binds them there would be lost with the change of a locked cell, which is restored."""
        cell = self.assignment.cells[self.taken[position]]
        return cell.locked and cell.binds.isdisjoint(names)


def _untouched(submitted: SubmittedCell, cell: Cell) -> bool:
    return submitted.as_released or submitted.source.strip() == cell.release.strip()


def _source_id(assignment: Assignment, cell: Cell) -> str:
    found = assignment.notebook["cells"][cell.index].get("id")
    return found if isinstance(found, str) else f"cell-{cell.index}"


def _own_cell(assignment: Assignment, cell: Cell, answer: SubmittedCell | None) -> dict[str, Any]:
    metadata = graded_metadata(cell, assignment.markers) | {"autograder": {"cell": cell.index}}
    if cell.locked or (answer is None and not cell.grade_id):
        source = cell.source
    else:
        source = answer.source if answer and not answer.as_released else cell.release
    attachments = answer.attachments if answer else assignment.notebook["cells"][cell.index].get("attachments")
    return _cell(cell.cell_type, _source_id(assignment, cell), metadata, source, attachments)


def _added_cell(cell: SubmittedCell, used: set[str]) -> dict[str, Any]:
    cell_id = cell.cell_id
    if not cell_id or len(cell_id) > 64 or cell_id in used:
        numbered = map("added-{}".format, itertools.count(len(used)))
        cell_id = next(name for name in numbered if name not in used)
    used.add(cell_id)
    return _cell(cell.cell_type, cell_id, {"autograder": {"cell": None}}, cell.source, cell.attachments)


def _cell(cell_type: str, cell_id: str, metadata: dict[str, Any], source: str, attachments: Any) -> dict[str, Any]:
    cell = {"cell_type": cell_type, "id": cell_id, "metadata": metadata, "source": source}
    if cell_type in TEXT:
        return cell | ({"attachments": attachments} if attachments else {})
    return cell | {"execution_count": None, "outputs": []}
