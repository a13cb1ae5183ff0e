"""What nbgrader's delimiters enclose in a cell and students do not get: solutions, hidden tests, mark schemes."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True)
class Markers:
    """nbgrader's delimiters and stubs, by the names of its traits."""

    begin_solution: str = "BEGIN SOLUTION"  # ClearSolutions.begin_solution_delimeter
    end_solution: str = "END SOLUTION"
    begin_hidden: str = "BEGIN HIDDEN TESTS"  # ClearHiddenTests.begin_test_delimeter
    end_hidden: str = "END HIDDEN TESTS"
    begin_marks: str = "BEGIN MARK SCHEME"  # ClearMarkScheme.begin_mark_scheme_delimeter
    end_marks: str = "END MARK SCHEME"
    code_stub: str = "# YOUR CODE HERE\nraise NotImplementedError()"  # ClearSolutions.code_stub["python"]
    text_stub: str = "YOUR ANSWER HERE"


def release_source(source: str, cell_type: str, solution: bool, markers: Markers) -> str:
    """The source as nbgrader hands it out: solutions, hidden tests and mark schemes taken away.

    Raises ValueError for a region that is not closed or stands within another.
    """
    stub = markers.code_stub if cell_type == "code" else markers.text_stub
    cleared = _without(source, markers.begin_solution, markers.end_solution, stub)
    if solution and cleared == source:
        cleared = stub
    cleared = _without(cleared, markers.begin_hidden, markers.end_hidden)
    return _without(cleared, markers.begin_marks, markers.end_marks)


def open_lines(source: str, markers: Markers) -> frozenset[int]:
    """The numbers, from 1, of the lines outside hidden regions; none where these may do more than assert."""
    hidden, inside, lines = set(), False, source.split("\n")
    for number, line in enumerate(lines, 1):
        inside = inside or markers.begin_hidden in line
        if inside:
            hidden.add(number)
        inside = inside and markers.end_hidden not in line
    everywhere = frozenset(range(1, len(lines) + 1))
    if not hidden:
        return everywhere
    try:
        ast.parse(source)  # magics would be other lines when they run
        body = ast.parse(dedent("\n".join(lines[number - 1] for number in sorted(hidden))))
    except SyntaxError:
        return frozenset()
    only = all(isinstance(each, ast.Assert) for each in body.body) and not any(
        isinstance(each, ast.NamedExpr) for each in ast.walk(body)
    )
    return everywhere - hidden if only else frozenset()


def _without(source: str, begin: str, end: str, stub: str | None = None) -> str:
    kept: list[str] = []
    inside = False
    for line in source.split("\n"):
        if begin in line:
            if inside:
                raise ValueError(f"a {begin} region stands within another")
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + text for text in stub.split("\n")] if stub is not None else []
        elif end in line:
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError(f"a {begin} region has no {end}")
    return "\n".join(kept)
