"""What is wrong with an assignment's files, with file and line, before a notebook is made of them."""

from __future__ import annotations

import ast

from reference.course import Course, CourseTextError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def require_readable(course: Course) -> None:
    """Every Python file parses and defines no name twice, and in each function of the solution each BEGIN has its END.

    Raises CourseTextError.
    """
    for path in sorted(course.folder.glob("*.py")):
        text, place = path.read_bytes(), f"reference/{course.name}/{path.name}, line"
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            raise CourseTextError(f"{place} {error.lineno}: {error.msg}.") from None
        defined: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                if node.name in defined:
                    raise CourseTextError(f"{place} {node.lineno}: {node.name} is defined above already; rename one.")
                defined.add(node.name)
                if path.name == "solution.py":
                    _require_pairs(place, node, text.decode().splitlines())


def _require_pairs(place: str, node: ast.FunctionDef | ast.ClassDef, lines: list[str]) -> None:
    """nbgrader takes out what stands between the two marks, of the text from the first to the last statement."""
    opened = 0  # the line of the mark that waits for its END
    for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
        mark = lines[number - 1].strip()
        if mark == END and not opened:
            raise CourseTextError(f"{place} {number}: `{END}` has no `{BEGIN}` above it in {node.name}.")
        if mark == BEGIN and opened:
            break
        if mark in (BEGIN, END):
            opened = number if mark == BEGIN else 0
    if opened:
        raise CourseTextError(
            f"{place} {opened}: `{BEGIN}` has no `{END}` below it, above the last statement of {node.name}."
        )
