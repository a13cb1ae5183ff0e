"""Which of the assignment's cells each cell that a student added is to follow, where the others are put in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from autograder.assignment import Cell
from autograder.intake import SubmittedCell
from autograder.syntax import Names, names_in


def anchors(
    submitted: Sequence[SubmittedCell], stands: Mapping[int, Cell], own: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """For each position in ``own`` the index of the cell to follow, -1 for none; ``stands``: the cell at a position.

    That is the cell that it followed, unless one below it, which may need it, belongs further up, or a function above
    uses what only it binds: the next answer may need anything, others what they name. What bound a name that it uses
    stays above it.
    """
    order = [stands[position].index for position in sorted(stands)]
    if order == sorted(order):
        yield from _kept(stands, own)
        return
    code = {position: cell for position, cell in stands.items() if cell.cell_type == "code"}
    near: dict[int, Cell] = {}  # by position, the code cell at it or below
    for position in reversed(range(len(submitted))):
        if cell := code.get(position) or near.get(position + 1):
            near[position] = cell
    needs = [(position, cell.index, _needs(cell, submitted[position])) for position, cell in code.items()]
    uses: dict[str, list[int]] = defaultdict(list)  # name -> positions of added cells that use it
    for position in own:
        for name in _names(submitted[position]).within:
            uses[name].append(position)
    bound: dict[str, int] = {}  # name -> index of the cell behind which it can be used
    awaited: dict[str, int] = {}  # name that nothing above binds -> index of the first cell whose functions use it
    last, added = -1, {*own}
    for position, each in enumerate(submitted):
        names = _names(each)
        if position in stands:
            place = last = stands[position].index
        elif position in added:
            below, helped = near.get(position), _reached(submitted, uses, position)
            limits = [index - 1 for lower, index, used in needs if lower > position and not used.isdisjoint(helped)]
            limits += [below.index - 1] if below and not below.locked else []
            place = max([min([last, *limits, *_of(awaited, helped)]), *_of(bound, names.binds | names.reads)])
            yield position, place
        else:
            continue
        bound |= dict.fromkeys(names.binds | names.imports, max([place, *_of(bound, names.within)]))
        for name in names.within - bound.keys():
            awaited[name] = min(place, awaited.get(name, place))


def _kept(stands: Mapping[int, Cell], own: Iterable[int]) -> Iterator[tuple[int, int]]:
    last = -1
    for position in sorted([*stands, *own]):
        if position in stands:
            last = stands[position].index
        else:
            yield position, last


def _names(cell: SubmittedCell) -> Names:
    return names_in(cell.source if cell.cell_type == "code" else "")


def _needs(cell: Cell, submitted: SubmittedCell) -> frozenset[str]:
    """Names that a cell may need: a locked one is the course's, of others what was handed in counts."""
    return cell.loads - cell.binds if cell.locked else names_in(submitted.source).within


def _reached(submitted: Sequence[SubmittedCell], uses: Mapping[str, Sequence[int]], position: int) -> set[str]:
    """The names that an added cell binds, and those that others bind whose code needs them."""
    found: set[str] = set()
    seen, waiting = {position}, [position]
    while waiting:
        names = _names(submitted[waiting.pop()])
        for name in names.binds | names.imports:
            found.add(name)
            further = [user for user in uses.get(name, ()) if user not in seen]
            seen.update(further)
            waiting += further
    return found


def _of(places: Mapping[str, int], names: Collection[str]) -> Iterator[int]:
    return (places[name] for name in names if name in places)
