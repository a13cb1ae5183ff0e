"""A course's known right and wrong answers, found by configuration alone, and the notebooks they make.

In ``nbgrader_config.py`` either ``c.Answers.module = "package.module"``, a module whose ``answers(assignment)`` returns
a list of dictionaries with the fields of :class:`Answer`, or ``c.Answers.folder = "answers"``, a folder of
``<assignment>/right/*.py`` and ``<assignment>/wrong/*.py``: each file defines functions or other names of the
instructor's solution cells, and its docstring explains it. A paragraph ``Also costs NAME: reason`` of the docstring
excuses points lost on another function.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from traitlets import Unicode
from traitlets.config import Configurable

from autograder.assignment import Assignment, Cell
from autograder.beside import utf8
from autograder.course import CONFIG_FILE, Course
from autograder.errors import CourseError
from autograder.intake import SubmittedCell
from autograder.syntax import bound_names

ALSO_COSTS = re.compile(r"Also costs (\w+): (.+)", re.DOTALL)
# A process of its own: the answers' module and all that it imports never enter a process that grades.
PRINT_ANSWERS = """
import importlib, json, os, sys
answer = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever else is printed, at exit too
found = importlib.import_module(sys.argv[1]).answers(sys.argv[2])
with open(answer, "w") as file:
    json.dump(found, file)
"""


class Answers(Configurable):  # type: ignore[misc]
    """Where a course keeps its right and wrong answers, as ``c.Answers.…`` in nbgrader_config.py."""

    module = Unicode("", help="a module whose answers(assignment) returns a list of dictionaries").tag(config=True)
    folder = Unicode("", help="a folder with <assignment>/right/*.py and <assignment>/wrong/*.py").tag(config=True)


@dataclass(frozen=True)
class Answer:
    """Definitions that take the place of the instructor's in the solution cells."""

    name: str
    right: bool
    source: str  # Python text; names of solution cells replace the instructor's, all else comes along
    explanation: str = ""  # of a wrong answer: one sentence for the student, which does not tell the answer
    function: str = ""  # of a wrong answer: the name whose checks must fail; "" is the first that it replaces
    also_costs: Mapping[str, str] = field(default_factory=dict)  # other names whose checks may fail -> reason

    @classmethod
    def from_mapping(cls, values: Any) -> Answer:
        """Check plain data; raises CourseError."""
        known = {item.name: item.type for item in fields(cls)}
        if not isinstance(values, Mapping) or not {"name", "right", "source"} <= set(values) <= set(known):
            raise CourseError(
                "An answer of c.Answers.module is a dictionary with name, right, source and at most "
                f"{', '.join(known)}, not {values!r:.80}."
            )
        for name, value in values.items():
            kind = {"bool": bool, "str": str}.get(str(known[name]), Mapping)
            if not isinstance(value, kind):
                raise CourseError(f"Answer {values['name']!r}: {name} must be a {kind.__name__}, not {value!r:.80}.")
        return cls(**values)


def read_answers(course: Course, assignment: str) -> list[Answer]:
    """All answers of one assignment, in the course's order; [] where the configuration names no place.

    Raises CourseError where the place is named and cannot be read, and where two are.
    """
    where = _where(course)
    if where.module:
        found = [Answer.from_mapping(values) for values in _from_module(where.module, course.root, assignment)]
    elif where.folder:
        found = list(_from_folder(course.root / where.folder / assignment))
    else:
        return []
    names = [answer.name for answer in found]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise CourseError(f"Two answers of {assignment} have the name {doubled[0]!r}.")
    for answer in found:
        try:
            ast.parse(answer.source)
        except (SyntaxError, ValueError) as error:
            raise CourseError(f"Answer {answer.name!r} is not Python: {error}.") from None
    return found


def places(course: Course, imported: Iterable[str]) -> list[Path]:
    """Where the answers lie, compiled files included: student code must not see them.

    A module's whole top-level package counts, since an answer may come from any part of it. Raises CourseError where it
    is one that the notebooks import, and where module and folder are both set.
    """
    where = _where(course)
    if not where.module:
        return [course.root / where.folder] if where.folder else []
    name = where.module.partition(".")[0]
    if name in {module.partition(".")[0] for module in imported}:
        raise CourseError(
            f"A notebook imports {name}, which holds the answers (c.Answers.module), so students could read them: "
            "keep the answers in a package of their own."
        )
    try:
        spec = PathFinder.find_spec(name, [str(course.root), *sys.path]) or find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(location).resolve() for location in spec.submodule_search_locations]
    path = Path(spec.origin or "").resolve()
    return [path, *path.parent.glob(f"__pycache__/{name}.*")] if path.is_file() else []


def _where(course: Course) -> Answers:
    where: Answers = course.settings(Answers)
    if where.module and where.folder:
        raise CourseError(
            f"{course.root / CONFIG_FILE}: c.Answers.module and c.Answers.folder are both set, and the answers are in "
            'one place; take one of the lines out, or set it to "".'
        )
    return where


def answered(assignment: Assignment, answer: Answer | None = None, demonstrations: bool = True) -> list[SubmittedCell]:
    """The notebook that a student with this answer would hand in; without one, the instructor's own solutions.

    Without ``demonstrations`` the given cells that nothing else needs (figures, experiments) are emptied.
    """
    sources = replaced_sources(assignment, answer) if answer else {}
    if not demonstrations:
        sources |= dict.fromkeys(_demonstrations(assignment), "")
    return [_submitted(assignment, cell, sources.get(cell.index, cell.source)) for cell in assignment.cells]


def blank(assignment: Assignment) -> list[SubmittedCell]:
    """The notebook as it is handed out."""
    return [_submitted(assignment, cell, cell.release) for cell in assignment.cells]


def replaced_sources(assignment: Assignment, answer: Answer) -> dict[int, str]:
    """New sources of the solution cells whose names the answer defines, by the cell's index.

    What belongs to no solution cell (imports, helpers) goes before the first of them. Raises CourseError where the
    answer defines no name of any solution cell.
    """
    cells = _answerable(assignment)
    home = {name: cell for cell in cells for name in cell.binds}
    parts = list(_statements(answer.source))
    own = {name for names, _ in parts for name in names if name in home}
    if not own:
        raise CourseError(f"Answer {answer.name!r} defines no name of a solution cell of {assignment.name!r}.")
    taken: dict[int, list[str]] = {}
    helpers: list[str] = []
    for names, text in parts:
        homes = [home[name].index for name in names if name in home]
        (taken.setdefault(max(homes), []) if homes else helpers).append(text)
    sources = {}
    for cell in cells:
        if cell.index in taken:
            kept = [text for names, text in _statements(cell.python) if not names & own]
            sources[cell.index] = "\n".join(kept + taken[cell.index])
    first = min(sources)
    sources[first] = "\n".join([*helpers, sources[first]])
    return sources


def concerns(assignment: Assignment, answer: Answer) -> bool:
    """Whether the answer defines a name of one of this notebook's solution cells."""
    names = frozenset().union(*(names for names, _ in _statements(answer.source)))
    return any(cell.binds & names for cell in _answerable(assignment))


def own_function(assignment: Assignment, answer: Answer) -> str:
    """The name whose checks a wrong answer must fail."""
    if answer.function:
        return answer.function
    homes = assignment.defined_in
    return next(name for names, _ in _statements(answer.source) for name in sorted(names) if name in homes)


def _demonstrations(assignment: Assignment) -> set[int]:
    """Indices of the given cells that bind nothing for tests and solutions, directly or through others."""
    cells = assignment.cells
    needed = {cell.index for cell in cells if cell.kind != "given"} | assignment.trusted
    loads = frozenset().union(*(cells[index].loads for index in needed))
    for cell in reversed(cells):
        if cell.index not in needed and (cell.imports or cell.binds & loads):
            needed |= {cell.index}
            loads |= cell.loads
    return {cell.index for cell in cells} - needed


def _answerable(assignment: Assignment) -> list[Cell]:
    return [cell for cell in assignment.cells if cell.kind in ("student", "manual") and cell.python]


def _submitted(assignment: Assignment, cell: Cell, source: str) -> SubmittedCell:
    cell_id = assignment.notebook["cells"][cell.index].get("id")
    return SubmittedCell(cell.cell_type, source, cell.grade_id, cell_id)


def _statements(source: str) -> Iterator[tuple[frozenset[str], str]]:
    """Top-level statements with the names that they bind, each with the comments above it; the docstring left out."""
    lines = re.split(r"\r\n?|\n", source.rstrip())  # as ast counts them; splitlines() also splits at a form feed
    body = ast.parse(source).body
    start = 0
    for position, statement in enumerate(body):
        end = statement.end_lineno or start
        if position + 1 < len(body) and body[position + 1].lineno <= end:
            continue  # the next statement stands on the same line: they go together
        group = [node for node in body[: position + 1] if (node.end_lineno or 0) > start]
        is_docstring = position == 0 and ast.get_docstring(ast.Module(body, [])) is not None
        if not is_docstring:
            yield frozenset(bound_names(group)), "\n".join(lines[start:end])
        start = end
    if lines[start:]:
        yield frozenset(), "\n".join(lines[start:])


def _from_module(module: str, root: Path, assignment: str) -> Any:
    command = [sys.executable, "-B", "-c", PRINT_ANSWERS, module, assignment]  # -B: no copy of them beside
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise CourseError(f"The answers of {assignment} cannot be read from {module} (c.Answers.module): {reason}")
    found = json.loads(done.stdout or "null")  # nothing where it ended as if all were well
    if not isinstance(found, list):
        raise CourseError(f"{module}.answers({assignment!r}) must return a list of dictionaries, not {found!r:.80}.")
    return found


def _from_folder(folder: Path) -> Iterator[Answer]:
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder} for the answers that c.Answers.folder promises.")
    for path in sorted([*folder.glob("right/*.py"), *folder.glob("wrong/*.py")]):
        try:
            with tokenize.open(utf8(path)) as file:  # by its mark or coding line, as Python reads it
                source = file.read()
            docstring = ast.get_docstring(ast.parse(source)) or ""
        except OSError as error:
            raise CourseError(f"Answer {path} cannot be read: {error.strerror}.") from None
        except (SyntaxError, ValueError) as error:
            raise CourseError(f"Answer {path} is not Python: {error}.") from None
        paragraphs = [" ".join(text.split()) for text in docstring.split("\n\n")]
        costs = {match[1]: match[2] for match in map(ALSO_COSTS.fullmatch, paragraphs) if match}
        yield Answer(
            name=f"{path.parent.name}/{path.stem}",
            right=path.parent.name == "right",
            source=source,
            explanation=paragraphs[0],
            also_costs=costs,
        )
