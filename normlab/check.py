"""Run a notebook's visible checks in a fresh process, as the grader will, and say per task how it stands.

``python -m normlab check batchnorm.ipynb`` in a terminal, or in a notebook, after saving::

    from normlab.check import check
    check("batchnorm.ipynb")
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

from normlab.cells import Cell, Notebook, NotebookError
from normlab.freshrun import CHECKING, Failures, failures_of
from normlab.notebook import read_notebook

__all__ = ["NotebookError", "Report", "Task", "check"]

Status = Literal["passed", "failed", "not attempted", "chosen", "written", "hidden"]
LATER = ("chosen", "written", "hidden")  # what the grader alone can tell
STUB = "NotImplementedError"


@dataclass(frozen=True)
class Task:
    """One thing to do: a function with its checks, a prediction, or a written answer.

    ``passed`` of ``visible`` checks passed, ``hidden`` ones run when the notebook is graded; ``reasons`` has a sentence
    for each that failed.
    """

    name: str
    status: Status
    passed: int = 0
    visible: int = 0
    hidden: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What :func:`check` found out; as text, what it prints."""

    notebook: str
    tasks: tuple[Task, ...]
    failing: tuple[str, ...]
    order: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def all_passed(self) -> bool:
        """Whether every task is done and the grader will find the notebook as it expects it."""
        done = all(task.status not in ("failed", "not attempted") for task in self.tasks)
        return done and not self.order and not self.notices

    def __str__(self) -> str:
        lines = [f"{self.notebook}, run from top to bottom in a fresh process:", ""]
        for task in self.tasks:
            lines += [f"  {task.status:<14} {task.name}{_detail(task)}", *(_item(why, 6) for why in task.reasons)]
        sections = {
            "Cells that fail": self.failing,
            "Order of the cells": self.order,
            "The notebook itself": self.notices,
        }
        for head, sentences in sections.items():
            lines += ["", f"{head}:", *(_item(sentence, 2) for sentence in sentences)] if sentences else []
        passed = sum(task.status == "passed" for task in self.tasks)
        later = sum(task.status in LATER for task in self.tasks)
        hidden = sum(task.hidden for task in self.tasks if task.visible or task.status == "hidden")
        lines += [
            "",
            f"{passed} of {len(self.tasks)} tasks pass here; {later} will be marked when the notebook is graded.",
            f"Hidden checks are run then, too ({hidden or 'some'}), so passing here is no promise of all points.",
        ]
        # What a student raises may hold what a terminal obeys.
        return "".join(char if char.isprintable() or char == "\n" else "?" for char in "\n".join(lines))

    __repr__ = __str__


def check(notebook: str | os.PathLike[str]) -> Report:
    """Run the visible checks of the notebook as it was saved; does nothing in a cell that a check runs.

    Raises :class:`normlab.cells.NotebookError` for what is no notebook of an assignment, or where no process can start.

    >>> report = check("scaling.ipynb")  # its first function is written, the second is not yet
    >>> [(task.name, task.status) for task in report.tasks]
    [('scale_forward', 'passed'), ('scale_backward', 'not attempted'), ('written__why', 'written')]
    >>> report.all_passed
    False
    """
    if CHECKING in os.environ:
        return Report(Path(notebook).name, (), (), (), ())
    read = read_notebook(Path(notebook))
    failures = dict(failures_of(read))
    tasks = tuple(_tasks(read, failures))
    failing, order = _failing(read, failures, tasks), _order(read, failures)
    return Report(read.path.name, tasks, tuple(failing), tuple(order), tuple(read.notices))


def _tasks(notebook: Notebook, failures: Failures) -> Iterator[Task]:
    """A task for each name before the double underscore of the checks' grade ids, in the notebook's order."""
    written: dict[str, Cell] = {}  # the cell in which a function or an answer is written, or given
    checked: set[str] = set()
    for cell in notebook.cells:
        if cell.is_check:
            checked |= cell.loads
        if cell.is_solution or cell.is_given:
            # Further down, a loop or an open file may have the function's name.
            kept = {name for name, home in written.items() if name in home.defines and not home.is_as_released}
            names = cell.binds if cell.is_given else cell.defines | cell.answers - kept
            written |= dict.fromkeys([cell.grade_id, *names], cell)
        elif not cell.grade_id:  # a student's own cell takes the place of a stub above it, but not behind its checks
            stubs = {name for name, home in written.items() if home.is_solution and home.is_as_released}
            written |= dict.fromkeys(cell.answers & stubs - checked, cell)
    tasks: dict[str, list[Cell]] = {}
    for cell in notebook.cells:
        if cell.is_check or cell.is_written:
            name, parts, _ = cell.grade_id.partition("__")
            alone = not parts or cell.is_written or f"{cell.grade_id}_choice" in written
            tasks.setdefault(cell.grade_id if alone else name, []).append(cell)
    for name, cells in tasks.items():
        if cells[0].is_written:
            blank = cells[0].is_as_released or not cells[0].source.strip()
            yield Task(name, "not attempted" if blank else "written")
        elif f"{name}_choice" in written:
            yield _prediction(name, written[f"{name}_choice"], cells, failures)
        else:
            yield _function(name, written, cells, failures)


def _prediction(name: str, answer: Cell, cells: list[Cell], failures: Failures) -> Task:
    stub = any(isinstance(one, ast.FunctionDef) and isinstance(one.body[0], ast.Raise) for one in answer.statements)
    if stub or answer.is_as_released:
        return Task(name, "not attempted", hidden=1)
    broken = [cell for cell in (answer, *cells) if cell.number in failures][:1]  # the others fail for its sake
    reasons = tuple(_reason(f"{name}_choice", cell, failures, {})[1] for cell in broken)
    return Task(name, "failed" if broken else "chosen", hidden=1, reasons=reasons)


def _function(name: str, written: dict[str, Cell], cells: list[Cell], failures: Failures) -> Task:
    answer = written.get(name)
    visible = [cell for cell in cells if not cell.is_hidden_check]
    failed = [cell for cell in visible if cell.number in failures]
    counts = (len(visible) - len(failed), len(visible), len(cells) - len(visible))
    broken = [answer] if answer and answer.number in failures else []
    at_stub, released = _stubs(failed, failures) == {name}, answer is not None and answer.is_as_released
    if not broken and len(failed) == len(visible) and (at_stub or released):
        return Task(name, "not attempted", *counts, () if released else _still_raises(failures[failed[0].number]))
    status: Status = "failed" if broken or failed else "passed" if visible else "hidden"
    return Task(name, status, *counts, _reasons(name, broken or failed, failures, written))


def _stubs(cells: list[Cell], failures: Failures) -> set[str]:
    """The functions, still as released, at which all these cells stopped; empty when one stopped for another reason."""
    found = [failures[cell.number] for cell in cells]
    if not found or any(STUB not in failure["error"] for failure in found):
        return set()
    return {failure["frames"][-1][2] if failure["frames"] else "" for failure in found}


def _still_raises(failure: dict[str, Any]) -> tuple[str, ...]:
    """What an answer needs to hear that was changed and stopped at its stub all the same."""
    _, line, function = failure["frames"][-1]
    return (
        f"line {line} in {function} still raises {STUB}, and nothing below it runs: delete it when this is written",
    )


def _reasons(name: str, cells: list[Cell], failures: Failures, written: dict[str, Cell]) -> tuple[str, ...]:
    """A sentence for each of the cells; one for all of those that say the same."""
    titles: dict[str, list[str]] = {}
    for cell in cells:
        about, what = _reason(name, cell, failures, written)
        titles.setdefault(what, []).append(about)
    return tuple(f"{_fail(abouts)}: {what}" if abouts[0] else what for what, abouts in titles.items())


def _fail(titles: list[str]) -> str:
    """A title says what should hold; that it does not is said with it."""
    return f'"{titles[0]}" and {len(titles) - 1} more fail' if titles[1:] else f'"{titles[0]}" fails'


def _reason(name: str, cell: Cell, failures: Failures, written: dict[str, Cell]) -> tuple[str, str]:
    """Which check, "" for the answer itself and all checks; and what went wrong, in which line of whose code."""
    failure = failures[cell.number]
    kind, message = failure["error"][0], " ".join(failure["message"].split())
    about = cell.title if cell.is_check else ""
    number, line, function = failure["frames"][-1] if failure["frames"] else (cell.number, None, "")
    if STUB in failure["error"] and function in written:
        if function == name:  # another part of it is written, or the task would be one that is not attempted
            return about, f"it stops at the part of {function} that is not written yet"
        part = "" if written[function].is_as_released else "a part of "
        return about, f"it needs {part}{function}, which is not written yet"
    unknown = _unknown(failure)
    home = written.get(unknown)
    if home and home.number in failures and home is not cell and unknown != name:
        return about, f"it needs {unknown}, whose cell failed"
    if unknown in {*written, name} and number == cell.number and cell.is_check:
        return "", f"{unknown} is not defined: its cell failed, is empty, or gives another name"
    if message.startswith("not run: "):
        return "", message
    if kind == "Ended" or (kind == "AssertionError" and message):
        return about, message
    if kind == "AssertionError":
        return about, f"line {line} of the check is not true"
    if function in written:
        place = f" in {function}"
    elif number != cell.number:
        place = f" in cell [{number}]"
    else:
        place = " of the check" if cell.is_check else ""
    what = "syntax error" if "SyntaxError" in failure["error"] else kind
    if (
        "ModuleNotFoundError" in failure["error"]
        and function == "<module>"
        and cell.imports_at(line)
        and not cell.is_given
    ):
        message += "; where it is missing, the grader leaves this import out and runs the rest of the cell"
    return about, f"{what}{f', line {line}{place}' if line else ''}: {message or 'no message'}"


def _failing(notebook: Notebook, failures: Failures, tasks: tuple[Task, ...]) -> Iterator[str]:
    """The cells that are no task and fail by themselves: not for a wrong answer that they show, nor for a lost name."""
    names = {name for task in tasks for name in (task.name, f"{task.name}_choice")}
    wrong = {task.name for task in tasks if task.status in ("failed", "not attempted")}
    lost = {name for cell in notebook.cells if cell.number in failures for name in cell.binds}
    for cell in notebook.cells:
        failure = failures.get(cell.number)
        if not failure or cell.is_check or names & {cell.grade_id, *cell.defines}:
            continue
        if wrong & cell.loads and not notebook.needs(cell):
            continue
        if STUB in failure["error"] or failure["message"].startswith("not run: "):
            continue
        raiser = _raiser(notebook, cell, failure)
        if (raiser is cell or not raiser.grade_id) and _unknown(failure) not in lost - cell.binds:
            yield f"{cell}: {_reason('', cell, failures, {})[1]}"


def _raiser(notebook: Notebook, cell: Cell, failure: dict[str, Any]) -> Cell:
    """The cell whose code raised: ``cell`` itself, or one whose function it called."""
    number = failure["frames"][-1][0] if failure["frames"] else cell.number
    return next(each for each in notebook.cells if each.number == number)


def _unknown(failure: dict[str, Any]) -> str:
    """The global name that is not defined, or "" (also for a local one without a value)."""
    message = failure["message"] if "NameError" in failure["error"] else ""
    return str(message.split("'")[1]) if message.startswith("name '") else ""


def _order(notebook: Notebook, failures: Failures) -> Iterator[str]:
    """What worked in the session in which the notebook was saved, and cannot work from top to bottom."""
    homes: dict[str, list[Cell]] = {}
    for cell in notebook.cells:
        for name in cell.binds:
            homes.setdefault(name, []).append(cell)
    said: set[str] = set()
    for cell in notebook.cells:
        if not (failure := failures.get(cell.number)):
            continue
        name, user = _unknown(failure), _raiser(notebook, cell, failure)
        later = [home for home in homes.get(name, []) if home.number > cell.number]
        told = any(home.number in failures and home.number < cell.number for home in homes.get(name, []))
        ran = cell.execution_count is not None and not cell.saved_error
        if name and name in said:
            continue
        said.add(name)
        if later and not told:
            yield f"{user} uses {name}, which only {later[0]}, further down, defines: move that cell up."
        elif name and name not in homes and ran:
            yield f"{user} uses {name}, which no cell defines: it was left over in your session. Define it again."
        elif ran and not told and not {STUB, "ImportError", "Ended"} & set(failure["error"]):
            yield (
                f"{cell} was saved without an error and fails in a fresh process: it worked because cells were run in "
                "another order, or it was changed since. Restart the kernel, run all cells, and look here again."
            )


def _item(sentence: str, indent: int) -> str:
    return fill(sentence, 110, initial_indent=f"{'':{indent}}- ", subsequent_indent=" " * (indent + 2))


def _detail(task: Task) -> str:
    if task.status == "chosen":
        return " (marked when graded)"
    if task.status == "written":
        return " (a person grades it)"
    if not task.visible:
        return ""
    hidden = f", {task.hidden} more hidden" if task.hidden else ""
    return f" ({task.passed} of {task.visible} checks{hidden})"
