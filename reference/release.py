"""release/ of source/, made by nbgrader with the course's own settings: without solutions and hidden tests."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat

from reference.course import ROOT, CourseTextError

DISTINCTIVE = 28
"""A shorter text, without its spaces, may stand in any program and any prose."""
COMMON = re.compile(r"\s*(\[[^\]]+\]:.*|\$\$.*\$\$|[|:\s-]*)\s*")  # a link's address, a formula, a table's rule


def write_release(names: Sequence[str], folder: Path) -> None:
    """release/<name>/ under ``folder``, made of its source/.

    Raises CourseTextError with nbgrader's reason, and where an answer would be handed out.
    """
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import PyFileConfigLoader

    for name in names:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
        config.CourseDirectory.root = str(folder)
        config.CourseDirectory.assignment_id = name
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        log, reason = logging.Logger(name, logging.ERROR), Reason()
        log.addHandler(reason)
        try:
            GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, log=log).start()
        except (NbGraderException, ValueError) as error:
            raise CourseTextError(f"nbgrader makes no release of {name}: {reason.text or error}") from error
        source, release = (
            nbformat.read(folder / kind / name / f"{name}.ipynb", as_version=4) for kind in ("source", "release")
        )
        require_no_answer(name, source.cells, release.cells)


def require_no_answer(name: str, source: Sequence[Any], release: Sequence[Any]) -> None:
    """CourseTextError where a line of a model answer, or all of a solution or a hidden check, stands in the release."""
    for cell in release:
        released = _squeezed(cell.source)
        for of, text in _answers(source):
            if len(_squeezed(text)) >= DISTINCTIVE and _squeezed(text) in released:
                raise CourseTextError(
                    f"reference/{name}: the answer of {of} would go to students in the cell {cell.id}: "
                    f"{text.strip().partition(chr(10))[0]!r}; take it out of what is not its slot."
                )


def _answers(cells: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Each text that no student may see, with the id of its cell."""
    for cell in cells:
        for region in re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", cell.source, re.DOTALL):
            yield cell.id, region
        if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("solution"):
            yield from ((cell.id, line) for line in cell.source.split("\n") if not COMMON.fullmatch(line))


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def put_in_place(made: Mapping[str, bytes], there: Mapping[str, bytes], root: Path) -> None:
    """Write what was made over what is there, by path; CourseTextError, and nothing is written, over anybody's work."""
    changed = {path: content for path, content in made.items() if there.get(path) != content}
    for path in changed.keys() & there.keys():
        if path.endswith(".ipynb") and _was_opened(there[path]):
            raise CourseTextError(
                f"{path} was worked in, and would be replaced: move it out of this folder, or delete it to give it up; "
                "nothing was written."
            )
    for path, content in changed.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def _was_opened(notebook: bytes) -> bool:
    """Whether Jupyter saved it, which writes down Python's version, or ran it; what is no notebook is nobody's work."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        read = json.loads(notebook)
        ran = any(cell.get("execution_count") for cell in read["cells"])
        return ran or "version" in read["metadata"].get("language_info", {})
    return False


class Reason(logging.Handler):
    """Keeps the last line of a traceback: nbgrader's exception tells nothing but to see the log."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage().strip()
        if message.startswith("Traceback"):
            self.text = message.splitlines()[-1]
