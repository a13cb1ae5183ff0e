"""What is wrong with an assignment's files, with file and line, before a notebook is made of them."""

from __future__ import annotations

import ast
import re

from reference.course import Course, CourseTextError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
FILES = ("__init__.py", "assignment.md", "solution.py", "checks.py", "mistakes.py", "right_answers.py")


def require_readable(course: Course) -> None:
    """No file is missing, and each can be used; raises CourseTextError.

    Every Python file parses and defines no name twice; in the solution each BEGIN has its END, and a TODO above it;
    what is named like a check is one, with a title and a number of points; the mistakes are edits of the solution;
    these and the right answers are Python.
    """
    for name in FILES:
        if not (course.folder / name).is_file():
            raise CourseTextError(f"reference/{course.name}/{name} is missing; an assignment has {', '.join(FILES)}.")
    named: dict[str, str] = {}  # what is named like a check, each with its place
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
                    _require_pairs(place, node, text.decode().split("\n"))
                if path.name.startswith("checks") and "__" in node.name and not node.name.startswith("_"):
                    named[node.name] = f"{place} {node.lineno}"
    _require_every_check(course, named)
    for check in course.checks.values():
        if type(check.points) not in (int, float) or check.points < 0:
            raise CourseTextError(
                f"reference/{course.name}/checks.py: {check.name} has points={check.points!r}; give a number from 0."
            )
        if not check.title:
            raise CourseTextError(
                f"reference/{course.name}/checks.py: {check.name} has no docstring; its first line is the title that "
                "students see."
            )
    for mistake in course.mistakes:
        try:
            require_python(f"mistake {mistake.name}", mistake.source(course.solution))
        except CourseTextError as error:
            raise CourseTextError(f"reference/{course.name}/mistakes.py: {error}.") from None
    for answer in course.right_answers:
        require_python(f"reference/{course.name}/right_answers.py: answer {answer.name}", answer.source)


def require_python(what: str, source: str) -> None:
    """CourseTextError, which begins with ``what``, where the text cannot be parsed."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        where = f"line {error.lineno} of its text"
        raise CourseTextError(f"{what} is not Python, {where}: {error.msg}") from None


def _require_every_check(course: Course, named: dict[str, str]) -> None:
    """A function of a checks file that is named like one would else cost its points without a word."""
    for name, place in named.items():
        if name not in course.checks:
            raise CourseTextError(
                f"{place}: {name} is named like a check, and is none: put `@check(points=...)` above it, and import it "
                "in checks.py if it is written elsewhere."
            )


def _require_pairs(place: str, node: ast.FunctionDef | ast.ClassDef, lines: list[str]) -> None:
    """nbgrader takes out what stands between the two marks, of the text from the first to the last statement."""
    opened = 0  # the line of the mark that waits for its END
    task = False  # whether a TODO was read since the last END
    for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
        mark = lines[number - 1].strip()
        if mark not in (BEGIN, END) and re.sub(r"[\s#]", "", mark).upper() in ("BEGINSOLUTION", "ENDSOLUTION"):
            raise CourseTextError(f"{place} {number}: {mark!r} is no mark for nbgrader: write `{BEGIN}` or `{END}`.")
        task = mark != END and (task or "TODO" in mark)
        if mark == BEGIN and not opened and not task:
            raise CourseTextError(f"{place} {number}: `{BEGIN}` has no comment above it that begins with TODO.")
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
