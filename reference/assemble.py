"""Make source/ and release/ of reference/: `python -m reference.assemble [--check] [ASSIGNMENT ...]`.

An assignment.md is Markdown. A line `+++` ends a cell; these fences are cells too:

    {code-cell} python    given code; with a first line `:locked:` it is put back before grading (tests may rely on it)
    {solution} NAME       the function NAME of solution.py; `:functions: A, B` puts several into one cell
    {checks} NAME ...     all checks of the function NAME, or single ones by grade id, a cell each
    {prediction} NAME     `:points:`, `:choices: a b c`, `:answer: b`: a cell for the choice, and one that marks it
    {written} NAME        `:points:`, then what a good answer says: a Markdown cell that a person grades

They begin at the start of a line, in no list and no quote. A block of code in the prose names its language: ```python.
Both folders depend on nothing but these texts: two runs give equal bytes.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from keyword import iskeyword
from pathlib import Path
from typing import Any

import jinja2
import nbformat

import normlab
from reference.course import ASSIGNMENTS, ROOT, Check, Course, CourseTextError, chosen_assignments
from reference.fences import Part, parts
from reference.proofread import BEGIN, END, require_python, require_readable
from reference.release import put_in_place, write_release

Cell = dict[str, Any]


def notebook(course: Course) -> nbformat.NotebookNode:
    """The instructor's notebook, with solutions and hidden tests. Raises CourseTextError."""
    path = f"reference/{course.name}/assignment.md"
    cells: list[Cell] = []
    for part in parts(path, course.text("assignment.md")):
        cells += SLOTS[part.name](course, part) if part.name else [_cell("markdown", part.body)]
    for number, cell in enumerate(cells):
        cell["id"] = cell["metadata"].get("nbgrader", {}).get("grade_id", f"cell-{number:02}")
    ids = [cell["id"] for cell in cells]
    for identity in ids:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identity) or ids.count(identity) > 1:
            raise CourseTextError(f"{path}: {identity!r} must be a valid cell id and must stand once; rename it")
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    # By this `python -m normlab check` notices a renamed notebook and cells that were lost.
    marked = [cell for cell in cells if "nbgrader" in cell["metadata"]]
    locked = [cell["metadata"]["nbgrader"] for cell in marked if not cell["metadata"]["nbgrader"]["solution"]]
    ours = {"assignment": course.name, "cells": [cell["id"] for cell in marked]}
    ours |= {"checks": [marks["grade_id"] for marks in locked if marks["grade"]]}
    ours |= {"given": [marks["grade_id"] for marks in locked if not marks["grade"]]}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "normlab": ours}
    made = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})
    nbformat.validate(made)
    return made


def _given(course: Course, part: Part) -> list[Cell]:
    if "locked" not in part.options:
        return [_cell("code", part.body)]
    return [_cell("code", part.body, part.options["locked"] or "imports", locked=True)]


def _solution(course: Course, part: Part) -> list[Cell]:
    names = re.findall(r"\w+", part.options.get("functions", part.argument))
    text = "\n\n\n".join(course.function_text(name) for name in names)
    if BEGIN not in text:  # then nbgrader takes out all, the signature too
        line = course.solution.partition(course.function_text(names[0]))[0].count("\n") + 1
        raise CourseTextError(
            f"reference/{course.name}/solution.py, line {line}: {names[0]} has no `{BEGIN}` with its `{END}`, and so "
            "nothing of it would be released, not even its signature."
        )
    source = f"{part.body}\n\n\n{text}" if part.body else text
    require_python(f"{part.place}: the fence {{solution}} {part.argument}", source)
    return [_cell("code", source, part.argument, solution=True)]


def _checks(course: Course, part: Part) -> list[Cell]:
    asked = part.argument.split()
    found = [check for check in course.checks.values() if check.name in asked or check.target in asked]
    missing = [name for name in asked if all(name not in (check.name, check.target) for check in found)]
    if missing:
        raise CourseTextError(
            f"{part.place}: there is a {{checks}} fence for {missing[0]!r}, and checks.py has no such check."
        )
    return [_check_cell(check) for check in found]


def _check_cell(check: Check) -> Cell:
    points = f"{check.points:g} point{'s' * (check.points != 1)}"
    call = f"{check.name}({', '.join(check.needs)})"
    if check.hidden:
        head = f"# Hidden check, {points}: {check.title}"
        text = f"{head}\n### BEGIN HIDDEN TESTS\n{check.source}\n\n\n{call}\n### END HIDDEN TESTS"
    else:
        text = f"# Check, {points}\n{check.source}\n\n\n{call}"
    return _cell("code", text, check.name, grade=True, locked=True, points=check.points)


def _prediction(course: Course, part: Part) -> list[Cell]:
    name, choice = part.argument, f"{part.argument}_choice"
    letters = part.options["choices"].split()
    if part.options["answer"] not in letters:
        raise CourseTextError(
            f"{part.place}: the answer of {name}, {part.options['answer']!r}, is none of {', '.join(letters)}."
        )
    if not name.isidentifier() or iskeyword(name):
        raise CourseTextError(f"{part.place}: a prediction is named as a function of Python can be, and not {name!r}.")
    quoted = [f'"{letter}"' for letter in letters]
    words = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    answer = f"""def {choice}():
    # TODO: return {words}
    ### BEGIN SOLUTION
    return "{part.options["answer"]}"
    ### END SOLUTION"""
    test = f'''# Your prediction, {part.options["points"]} points: it is marked when the assignment is graded
def {name}({choice}):
    """The choice is {words}, and it is what the experiment shows."""
    try:
        choice = {choice}()
    except NotImplementedError:
        choice = None
        print('No choice yet: return {words}.')
    else:
        assert choice in ({", ".join(quoted)}), f'return {words}; got {{choice!r}}'
        print(f"You chose {{choice}}.")
    ### BEGIN HIDDEN TESTS
    assert choice == "{part.options["answer"]}", "another answer is right; run the experiment and look again"
    ### END HIDDEN TESTS


{name}({choice})'''
    points = float(part.options["points"])
    return [
        _cell("code", answer, choice, solution=True),
        _cell("code", test, name, grade=True, locked=True, points=points),
    ]


def _written(course: Course, part: Part) -> list[Cell]:
    points = float(part.options["points"])
    return [_cell("markdown", part.body, part.argument, grade=True, solution=True, points=points)]


SLOTS = {
    "code-cell": _given,
    "solution": _solution,
    "checks": _checks,
    "prediction": _prediction,
    "written": _written,
}


def _cell(kind: str, source: str, grade_id: str = "", points: float | None = None, **flags: bool) -> Cell:
    cell: Cell = {"cell_type": kind, "metadata": {}, "source": source}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    if grade_id:
        marks: dict[str, str | float] = {"grade": False, "solution": False, "locked": False, "task": False}
        marks |= flags | {"grade_id": grade_id, "schema_version": 3}
        if points is not None:
            marks["points"] = int(points) if points == int(points) else points
        cell["metadata"]["nbgrader"] = marks
    return cell


def points_of(made: nbformat.NotebookNode, named: str = "") -> float:
    """The sum over all cells that are graded and whose ids begin so."""
    graded = [cell.metadata.nbgrader for cell in made.cells if "nbgrader" in cell.metadata]
    return float(sum(marks.get("points", 0) for marks in graded if marks.grade_id.startswith(named)))


def write_source(course: Course, folder: Path) -> None:
    """source/<name>/ under ``folder``: the notebook, and what goes along with it to the students."""
    require_readable(course)
    made = notebook(course)
    course.require_every_check_in(made.cells)
    target = folder / "source" / course.name
    target.mkdir(parents=True)
    name = f"{course.name}.ipynb"
    (target / name).write_text(nbformat.writes(made) + "\n", encoding="utf-8")
    wheel = f"normlab-{normlab.__version__}-py3-none-any.whl"
    (target / "requirements.txt").write_text(f"./{wheel}\njupyterlab>=4.2,<5\n", encoding="utf-8")
    chosen = points_of(made, "prediction__")
    predictions = f"{chosen:g} of the {points_of(made):g}" if chosen else ""
    hidden = any(check.hidden for check in course.checks.values())
    (target / "HAND_IN.md").write_text(how_to_hand_in(name, predictions, hidden), encoding="utf-8")


def how_to_hand_in(notebook: str, predictions: str, hidden: bool) -> str:
    """What students read who have this notebook: how many points its predictions have, if any, and of hidden checks."""
    text = (ROOT / "reference" / "hand_in.md").read_text(encoding="utf-8")
    template = jinja2.Template(text, trim_blocks=True, keep_trailing_newline=True)
    made: str = template.render(notebook=notebook, predictions=predictions, hidden=hidden)
    return made


def generated(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Every file of source/ and release/ of these assignments, by its path; hidden ones and wheels are left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for kind in ("source", "release")
        for name in names
        for path in sorted((folder / kind / name).rglob("*"))
        if path.is_file()
        and path.suffix != ".whl"
        and not any(part[0] == "." for part in path.relative_to(folder).parts)
    }


def assemble(names: Sequence[str]) -> dict[str, bytes]:
    """Make everything anew in a temporary folder and return the files, by their path in the repository."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            write_source(Course(name), Path(scratch))
        write_release(names, Path(scratch))
        return generated(Path(scratch), names)


def first_difference(made: dict[str, bytes], there: dict[str, bytes]) -> str | None:
    """One sentence about the first file that is not as it would be made now."""
    for path in sorted(made.keys() | there.keys()):
        if made.get(path) != there.get(path):
            if path not in made:
                return f"{path} is not made of reference/: delete it, or keep it elsewhere."
            what = "is out of date" if path in there else "is missing"
            return f"{path} {what}: run `python -m reference.assemble` and commit source/ and release/."
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reference.assemble", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file would change")
    parser.add_argument(
        "assignments", nargs="*", metavar="ASSIGNMENT", help=f"of {', '.join(ASSIGNMENTS)}; all if none"
    )
    chosen = parser.parse_args(arguments)
    names = chosen_assignments(parser, chosen.assignments)
    try:
        made = assemble(names)
        there = generated(ROOT, names)
        if chosen.check:
            difference = first_difference(made, there)
            if difference:
                print(difference, file=sys.stderr)
            return 1 if difference else 0
        put_in_place(made, there, ROOT)
    except (CourseTextError, OSError) as error:
        print(f"The notebooks cannot be made: {error}", file=sys.stderr)
        return 1
    for path in sorted(there.keys() - made.keys()):
        print(f"{path} is not made of reference/ and stays as it is.")
    notebooks = {name: nbformat.reads(made[f"source/{name}/{name}.ipynb"].decode(), as_version=4) for name in names}
    points = ", ".join(f"{name} ({points_of(each):g} points)" for name, each in notebooks.items())
    print(f"{len(made)} files in source/ and release/ for {points}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
