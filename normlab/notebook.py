"""Read a student's notebook from its file, and say in a sentence what is wrong with it, whatever tool saved it."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from pathlib import Path
from typing import Any

from normlab.cells import Cell, Notebook, NotebookError

__all__ = ["read_notebook"]

MOST_BYTES, MOST_CELLS = 32 << 20, 2000  # that a grader reads


def read_notebook(path: Path) -> Notebook:
    """Read ``path``; raises :class:`normlab.cells.NotebookError` where nothing can be checked.

    >>> notebook = read_notebook(Path("scaling.ipynb"))
    >>> [cell.grade_id for cell in notebook.cells if cell.is_check]
    ['scale_forward__values', 'scale_forward__shifted', 'scale_backward__gradient']
    >>> read_notebook(Path("scalling.ipynb"))
    Traceback (most recent call last):
    normlab.cells.NotebookError: there is no file scalling.ipynb; in that folder there is scaling.ipynb
    """
    stored = _json(path)
    numbers = accumulate(int(_at(raw, "cell_type") == "code") for raw in stored["cells"])
    cells = [_cell(place, *each) for place, each in enumerate(zip(numbers, stored["cells"], strict=True), 1)]
    answered = _answered(cells)
    blank = [cell for cell in cells if cell.grade_id in answered and cell.is_as_released]
    kept = [cell for cell in cells if cell not in blank]
    notebook = Notebook(path, kept, _saved_by(stored), left_out=[cell.number for cell in blank if cell.number])
    if not any(cell.is_check for cell in cells):
        tool = f" {notebook.saved_by} saved it, and" if notebook.saved_by != "Jupyter" else ""
        raise NotebookError(
            f"{path} has no check cell:{tool} the marks that nbgrader keeps in the cells' metadata are missing. "
            "Download the notebook again, copy your answers into its cells one by one, and save that"
        )
    notebook.notices.extend(_notices(notebook, stored["metadata"].get("normlab")))
    return notebook


def _answered(cells: list[Cell]) -> set[str]:
    """Grade ids of the answers that somebody wrote: of several copies the grader takes no blank one."""
    return {cell.grade_id for cell in cells if cell.is_solution and cell.grade_id and not cell.is_as_released}


def _json(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            folder = path if path.is_dir() else path.parent
            near = ", ".join(sorted(other.name for other in folder.glob("*.ipynb*") if other.is_file()))
            if path.is_dir():
                raise NotebookError(
                    f"{path} is a folder; give the .ipynb file{f', here {near}' if near else ' itself'}"
                )
            raise NotebookError(f"there is no file {path}{f'; in that folder there is {near}' if near else ''}")
        stored = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise NotebookError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        whole = path.read_bytes()
        text = whole[:5000].lstrip()
        if b"<<<<<<<" in whole:
            why = "it holds marks of a merge conflict (<<<<<<<); resolve the conflict"
        elif text[:1] == b"<":
            why = "it is a web page; download the notebook itself (in Jupyter: File > Download)"
        elif path.suffix != ".ipynb":
            why = "give the .ipynb file that Jupyter saves"
        elif not text:
            why = "it is empty; save it again in Jupyter, or download the notebook again"
        else:
            why = f"it is cut off or was edited by hand ({error}); download the notebook again"
        raise NotebookError(f"{path} is not a notebook: {why}") from None
    if not isinstance(stored, dict) or not isinstance(stored.get("nbformat"), int):
        raise NotebookError(
            f"{path} is not a notebook: it holds other data; hand in the .ipynb file that Jupyter saves"
        )
    if stored["nbformat"] != 4:
        raise NotebookError(
            f"{path} is saved in notebook format {stored['nbformat']}, format 4 is expected; open it in a current "
            "Jupyter and save it again"
        )
    if not isinstance(stored.get("cells"), list):
        raise NotebookError(f"{path} is not a notebook: it has no list of cells; download the notebook again")
    if not isinstance(stored.setdefault("metadata", {}), dict):
        raise NotebookError(f"{path} is not a notebook: its metadata is no dictionary; download the notebook again")
    language = _at(stored, "metadata", "kernelspec", "language") or _at(stored, "metadata", "language_info", "name")
    if language not in (None, "", "python"):
        raise NotebookError(
            f"{path} runs on a kernel for {language}; choose a Python 3 kernel in Jupyter and save it again"
        )
    return stored


def _cell(place: int, number: int, raw: Any) -> Cell:
    if not isinstance(raw, dict) or not isinstance(raw.get("source"), str | list):
        raise NotebookError(f"cell {place} is damaged; download the notebook again and copy your answers into it")
    source = raw["source"]
    marks = _at(raw, "metadata", "nbgrader")
    outputs = raw.get("outputs")
    count = raw.get("execution_count")
    return Cell(
        number=number if raw.get("cell_type") == "code" else 0,
        kind=str(raw.get("cell_type")),
        source=source if isinstance(source, str) else "".join(map(str, source)),
        marks=marks if isinstance(marks, dict) else {},
        execution_count=count if isinstance(count, int) else None,
        saved_error=any(_at(one, "output_type") == "error" for one in (outputs if isinstance(outputs, list) else [])),
    )


def _notices(notebook: Notebook, known: Any) -> list[str]:
    """``known`` is what the course wrote into the notebook: its name, ids of its cells, of checks, of given ones."""
    name, notices = notebook.path.stem, []
    ids = [cell.grade_id for cell in notebook.cells if cell.grade_id]
    assignment = _at(known, "assignment")
    copied = re.fullmatch(r"(.+?)(?: ?\(\d+\)|-Copy\d+|[-_ ]\d+)", name)
    if isinstance(assignment, str) and name != assignment:
        notices.append(f"The file is named {notebook.path.name}; hand it in as {assignment}.ipynb, its first name.")
    elif assignment is None and copied:
        notices.append(f"The file is named {name}.ipynb like a copy; hand it in as {copied[1]}.ipynb, its first name.")
    lost = [one for one in _listed(known, "cells") if isinstance(one, str) and one not in ids]
    checks, given = ([one for one in lost if one in _listed(known, kind)] for kind in ("checks", "given"))
    answers = [one for one in lost if one not in (*checks, *given)]
    edited = [
        cell
        for cell in notebook.cells
        if (cell.is_check or cell.is_given) and "checksum" in cell.marks and not cell.is_as_released
    ]
    defined = {
        name
        for cell in notebook.cells
        if cell in edited or not (cell.is_check or cell.is_given)
        for name in cell.answers
    }
    if moved := [one for one in answers if one in defined]:
        notices.append(
            f"The cell of {', '.join(moved)} was lost; the grader takes the cell that defines it, wherever it stands."
        )
    if given:
        notices.append(
            f"Lost from the notebook: {', '.join(given)}, given by the course. The grader puts it back; names that are "
            "not defined here may be its own: download the notebook again and copy that cell from it."
        )
    if checks:
        notices.append(f"Lost from the notebook: {', '.join(checks)}. The grader puts lost checks back.")
    if gone := [one for one in answers if one not in moved]:
        notices.append(
            f"Lost from the notebook: {', '.join(gone)}. Points of a lost answer are lost with it: download the "
            "notebook again and copy your answers into its cells."
        )
    # A copy that was kept as text is none that the grader takes, where the cell itself is there.
    alike = [cell.grade_id for cell in notebook.cells if cell.kind == cell.marks.get("cell_type", cell.kind)]
    twice = sorted({one for one in ids if alike.count(one) > 1})
    if twice:
        notices.append(f"Twice in the notebook: {', '.join(twice)}. The grader takes the last; delete the other.")
    places = [ids.index(one) for one in _listed(known, "cells") if one in ids]
    if places != sorted(places):
        notices.append(
            "The cells are not in the order in which they were handed out, and the grader runs them in that."
        )
    size = notebook.path.stat().st_size
    if size > MOST_BYTES:
        notices.append(
            f"The file has {size / 2**20:.1f} MB, and the grader reads no more than {MOST_BYTES >> 20}; clear the "
            "outputs of large plots, and save it."
        )
    if (count := len(notebook.cells) + len(notebook.left_out)) > MOST_CELLS:
        notices.append(f"The file has {count} cells, and the grader reads no more than {MOST_CELLS}; delete some.")
    if own := sorted(notebook.imports & {path.stem for path in notebook.path.parent.iterdir() if _is_module(path)}):
        notices.append(
            f"Imported from files beside the notebook: {', '.join(own)}. The grader gets the notebook alone: put what "
            "you need of them into a cell of it."
        )
    for cell in notebook.cells:
        expected = cell.marks.get("cell_type", cell.kind)
        if expected != cell.kind and cell.grade_id not in alike:
            notices.append(f"{cell.grade_id} was changed from a {expected} cell to a {cell.kind} cell; change it back.")
        elif cell in edited:
            what = "check" if cell.is_check else "cell"
            notices.append(f"The {what} {cell.grade_id} was edited; the grader puts the original back.")
    return notices


def _is_module(path: Path) -> bool:
    """Whether a file or folder can be imported, but the package that checks notebooks."""
    return path.name != "normlab" and (path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py"))))


def _listed(known: Any, key: str) -> list[Any]:
    found = _at(known, key)
    return found if isinstance(found, list) else []


def _saved_by(stored: dict[str, Any]) -> str:
    metadata = stored["metadata"]
    cells = [cell for cell in stored["cells"] if isinstance(cell, dict)]
    if "colab" in metadata or any(_at(cell, "metadata", "colab") for cell in cells):
        return "Google Colab"
    if "vscode" in metadata or any(_at(cell, "metadata", "vscode") for cell in cells):
        return "VS Code"
    kernel = str(_at(metadata, "kernelspec", "display_name"))
    return "JupyterLite" if "Pyodide" in kernel else "Jupyter"


def _at(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data
