"""What ``autograder validate`` prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from autograder.validate import BLANK, REFERENCE, Check, Validation

ABREAST = 60  # mistakes in one row of the table


def report(found: Validation) -> Iterator[str]:
    """Counts, the table check x mistake, what it says about the checks, and the misses."""
    points = sum(check.points for check in found.checks)
    scores = {name: sum(found.results[name].scores.values()) for name in (REFERENCE, BLANK)}
    right = sum(not found.lost(answer.name) for answer in found.right)
    caught = sum(bool(found.caught(answer)) for answer in found.wrong)
    yield f"reference     {scores[REFERENCE]:g} of {points:g} points that tests give"
    yield f"blank         {scores[BLANK]:g}"
    yield f"right answers {right} of {len(found.right)} with every point"
    yield f"mistakes      {caught} of {len(found.wrong)} lose points on their own function"
    yield f"diagnoses     {len(found.diagnosed)} of {len(found.wrong)} named by their own sentence"
    if found.wrong and found.checks:
        yield ""
        yield from _table(found)
        yield from _remarks(found)
    if any(check.one_sided for check in found.checks):
        yield ""
        yield "Checks that use what acts on the tests' process alone and asks nothing of a student's:"
        yield from (f"  {check.name}: {', '.join(check.one_sided)}" for check in found.checks if check.one_sided)
    yield ""
    tried = "no miss" if found.right or found.wrong else "no miss, but c.Answers names no known answer of it to try"
    yield from found.misses or [tried]


def _table(found: Validation) -> Iterator[str]:
    """One line a check, one column a mistake, sixty of them side by side."""
    width = max(len(check.name) for check in found.checks)
    yield "Checks (h: hidden, !: alone catches one), points, mistakes caught, which (# own function, + elsewhere):"
    rows, needed = [], found.needed
    for check in found.checks:
        kind = f"{'h' if check.hidden else ' '}{'!' if check in needed else ' '}"
        head = f"{check.name:{width}} {kind}{check.points:4g} {len(found.catches(check)):4d}   "
        rows.append((head, "".join(_mark(found, check, answer.name) for answer in found.wrong)))
    for start in range(0, len(found.wrong), ABREAST):
        numbers = range(1, len(found.wrong) + 1)[start : start + ABREAST]
        for unit in (100, 10, 1):
            digits = "".join(str(number // unit % 10) if number >= unit else " " for number in numbers)
            yield from [" " * (width + 15) + digits] if digits.strip() else []
        yield from ((head + marks[start : start + ABREAST]).rstrip() for head, marks in rows)
    for number, answer in enumerate(found.wrong, 1):
        yield f"{number:4d}  {found.function[answer.name]}: {answer.name}"


def _mark(found: Validation, check: Check, answer: str) -> str:
    if check not in found.lost(answer):
        return "."
    return "#" if check.function == found.function[answer] else "+"


def _remarks(found: Validation) -> Iterator[str]:
    if found.untried:
        yield ""
        yield "Checks of what no known mistake is about:"
        yield from (f"  {check.name}" for check in found.untried)
    if found.hidden_only:
        yield ""
        yield "Mistakes that only hidden checks catch:"
        yield from (f"  {answer.name}" for answer in found.hidden_only)
    costs: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for number, answer in enumerate(found.wrong, 1):
        for name, reason in answer.also_costs.items():
            costs[name, reason].append(str(number))
    if costs:
        yield ""
        yield "Mistakes that cost points on other functions too:"
        yield from (f"  {name}: {reason} ({', '.join(numbers)})" for (name, reason), numbers in costs.items())
    unnamed = [answer for answer in found.wrong if answer not in found.diagnosed]
    if unnamed:
        yield ""
        yield "Mistakes that no check names by their sentence, or that another's names:"
        yield from (f"  {answer.name}" for answer in unnamed)
