"""The page that a student gets back: per task what passed, what failed and why, with code, figures and comments.

It loads nothing and runs nothing: all styles stand in it, figures are data, and its content security policy allows
no more than that. Of hidden checks it tells the title, the points, a known mistake, and a message in which what is
hidden has no part.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from autograder.assignment import Assignment, Cell
from autograder.kept import Kept
from autograder.outputs import PROCESS_ENDED
from autograder.results import CheckResult, Judged
from autograder.sanitize import Page, plain
from autograder.template import template, template_text
from autograder.unanswered import blank_cells
from autograder.wording import lateness, readable

LABELS = {  # status -> what a student reads
    "passed": "passed",
    "partial": "partly passed",
    "failed": "failed",
    "not attempted": "not attempted",
    "killed": "your code's process ended",
    "timed out": "ran out of time",
    "manual": "graded by a person",
    "error": "this check itself is at fault; your instructor is told",
}
MISSED = ("partial", "failed", "killed", "timed-out")  # a Check's statuses, of work that was attempted
UNWRITTEN = "not attempted: "  # the judge's word before the tasks that a check needs
OPEN_REASONS = ("not attempted", "killed", "timed out")  # written by the engine, hold nothing of the check


@dataclass
class Check:
    """One line of a task: a check or a written answer, with its points."""

    title: str
    status: str
    label: str
    points: float
    score: float | None
    message: str = ""
    diagnosis: str = ""
    hidden: bool = False
    about: str = ""  # what it looks at, in the words of the notebook that was handed out
    again: bool = False  # its message is that of a check above
    extra: float = 0.0  # credit that a person gave before the points

    @property
    def counted(self) -> float:
        """What it adds to the sum: of what waits for a person the extra credit alone."""
        return (self.score or 0.0) + self.extra


@dataclass
class Block:
    """Something the student wrote, or what it printed."""

    kind: str  # "code" | "text" | "given"
    content: Markup
    outputs: list[Markup] = field(default_factory=list)
    failures: list[Markup] = field(default_factory=list)  # errors of the course's own code: it had nothing to work on


@dataclass
class Task:
    """One section of the page."""

    title: str
    anchor: str
    checks: list[Check] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    comments: list[Markup] = field(default_factory=list)
    error: str = ""  # by which the student's own code ended
    is_choice: bool = False  # a prediction: whether it is right changes no other task

    @property
    def mistakes(self) -> list[str]:
        """The known mistakes behind its checks, each once."""
        return list(dict.fromkeys(check.diagnosis for check in self.checks if check.diagnosis))

    @property
    def points(self) -> float:
        """The most that can be had."""
        return sum(check.points for check in self.checks)

    @property
    def score(self) -> float:
        """What was had."""
        return sum(check.counted for check in self.checks)

    @property
    def tally(self) -> str:
        """How many checks are passed, and how many a person graded or is to grade."""
        people = Counter(check.label for check in self.checks if check.status in ("manual", "graded"))
        if len(people) == 1 and people.total() == len(self.checks):
            return next(iter(people))
        passed = sum(check.status == "passed" for check in self.checks)
        told = [f"{passed} of {rest}"] if (rest := len(self.checks) - people.total()) else []
        return ", ".join([*told, *(f"{number} {label}" for label, number in people.items())])

    def has(self, *statuses: str) -> bool:
        """Whether a check of it has one of these."""
        return any(check.status in statuses for check in self.checks)


def render(
    assignment: Assignment,
    judged: Judged,
    kept: Kept,
    *,
    title: str,
    student: str,
    notes: Sequence[str] = (),
    late_penalty: float | None = None,
    sandboxed: bool = True,
    show_hidden: bool = False,
) -> str:
    """The page as HTML."""
    deaths = [f"While your code ran: {death}" for death in judged.deaths]
    tasks = _tasks(assignment, judged, kept, show_hidden)
    for task in tasks:
        _tidy(task)
    checks = [check for task in tasks for check in task.checks]
    first = {mistake: task for task in reversed(tasks) for mistake in task.mistakes}
    failed = [task for task in tasks if task.has(*MISSED) or (task.error and not task.checks)]
    missed = failed if any(task.checks for task in failed) else []
    wrong = next((note for note in notes if note in judged.flags), "")  # told both: it is another notebook
    score = max(0.0, sum(task.score for task in tasks) - (late_penalty or 0.0))
    style = template_text("feedback.css")
    return template("feedback.html.j2").render(
        title=title,
        student=student,
        wrong=plain(wrong),
        notes=[plain(note) for note in dict.fromkeys([*notes, *deaths]) if note != wrong],
        tasks=[task for task in tasks if task.checks or task.blocks or task.comments],
        first=first,
        unread=any(flag.startswith("Not read: ") for flag in judged.flags),
        missed=[task for task in missed if not task.is_choice],
        wrong_choices=[task for task in missed if task.is_choice],
        first_open=next((task for task in tasks if task.has("not-attempted")), None),
        blank=_is_blank(assignment, judged, checks),
        all_passed=all(
            check.status == "passed" or (check.status == "graded" and (check.score or 0.0) >= check.points)
            for check in checks
        ),
        score=score,
        points=sum(task.points for task in tasks),
        pending=sum(check.points for check in checks if check.score is None),
        late=lateness(late_penalty, score),
        sandboxed=sandboxed,
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


def _tasks(assignment: Assignment, judged: Judged, kept: Kept, show_hidden: bool) -> list[Task]:
    page = Page()
    tasks = [Task("Before the first task", "before")]
    by_cell: dict[str, Task] = {}
    for raw in judged.notebook["cells"]:
        cell = assignment.cell_of(raw)
        if cell and cell.grade_id and not cell.locked and cell.kind in ("student", "manual"):
            named_after = _named_after(assignment, cell.grade_id)
            task = Task(readable(named_after), f"task-{cell.grade_id}", is_choice=named_after != cell.grade_id)
            tasks.append(task)
            by_cell[cell.grade_id] = tasks[-1]
        task = _task_of(assignment, cell, by_cell) or tasks[-1]
        if cell and cell.grade_id and cell.grade_id in judged.checks:
            task.checks.append(check_line(cell, judged.checks[cell.grade_id], kept, show_hidden))
        block = _block(page, raw, cell)
        if block:
            task.blocks.append(block)
            if block.kind == "code" and cell and cell.grade_id in by_cell:
                task.error = _error(raw)
        if cell and cell.grade_id and kept.comments.get(cell.grade_id):
            task.comments.append(page.render_markdown(kept.comments[cell.grade_id], {}))
    return tasks


def _named_after(assignment: Assignment, grade_id: str) -> str:
    """The check that an answer's name only adds a word to, as a prediction's `_choice`; else the answer's own name."""
    ids = (test.grade_id for test in assignment.tests if test.grade_id)
    return next((each for each in ids if grade_id.startswith(f"{each}_")), grade_id)


def _task_of(assignment: Assignment, cell: Cell | None, by_cell: Mapping[str, Task]) -> Task | None:
    """The task that a check belongs to by the function it names; None leaves it with the task before it."""
    if cell is None or cell.kind != "test" or not cell.grade_id:
        return None
    return by_cell.get(assignment.defined_in.get(cell.grade_id.partition("__")[0], ""))


def _is_blank(assignment: Assignment, judged: Judged, checks: Sequence[Check]) -> bool:
    """Whether every answer is as it was handed out; those to nbgrader's tasks, in cells of the student's, as well."""
    asked = {cell.grade_id for cell in assignment.cells if cell.kind in ("student", "manual") and not cell.locked}
    none_attempted = all(check.status == "not-attempted" for check in checks)
    return none_attempted and asked - {None} <= set(blank_cells(assignment, judged.notebook))


def _tidy(task: Task) -> None:
    """Say what several checks have in common once, and what the heading says not at all."""
    said = {""}
    for check in task.checks:
        check.title = check.title.removeprefix(f"{task.title}: ")
        if check.message.startswith(UNWRITTEN):
            needs = check.message.removeprefix(UNWRITTEN)
            several = " and ".join(needs.rsplit(", ", 1))
            told = f"{several} {'is still as it was' if needs == several else 'are still as they were'} handed out."
            check.message = told if needs != task.title else ""
        check.again = check.message in said - {""}
        said.add(check.message)


def about(cell: Cell) -> str:
    """What a check looks at: the first docstring of the cell as it was handed out, or the comment that stands there."""
    try:
        tree = ast.parse(cell.release)
    except (SyntaxError, ValueError, RecursionError):
        return ""
    nodes: list[ast.Module | ast.FunctionDef] = [tree, *(n for n in tree.body if isinstance(n, ast.FunctionDef))]
    documented = [text for node in nodes if (text := ast.get_docstring(node))]
    comment = cell.release.strip().partition("\n")[0].lstrip("# ") if not tree.body else ""
    return (documented or [comment.partition(": ")[2] or comment])[0].partition("\n")[0]


def check_line(cell: Cell, result: CheckResult, kept: Kept, show_hidden: bool) -> Check:
    """What a student is told of one check; of a hidden one no message in which what is hidden has a part."""
    grade_id = cell.grade_id or ""
    score = kept.scores.get(grade_id, result.score)
    extra = kept.extra_credit.get(grade_id, 0.0)
    if score is not None:
        score, extra = score + extra, 0.0
    status = "graded" if grade_id in kept.scores else result.status
    told = status != "passed" and (not cell.hidden or show_hidden or result.shown or result.status in OPEN_REASONS)
    advice = "; look for a loop that never ends" if result.status == "timed out" else ""
    if result.message.startswith("NotImplementedError, line "):  # a stub's, above what is written
        advice = "; nothing below that line runs: delete it when this part is written"
    return Check(
        title=readable(grade_id),
        status=status.replace(" ", "-"),
        label=LABELS.get(status, "graded by a person") if score is not None else "not graded yet",
        points=result.points,
        score=score,
        extra=extra,
        message=plain(result.message).removeprefix("AssertionError: ") + advice if told else "",
        diagnosis=plain(result.diagnosis),
        hidden=cell.hidden,
        about=about(cell) if status != "passed" else "",
    )


def _block(page: Page, raw: Mapping[str, Any], cell: Cell | None) -> Block | None:
    """The student's own cells in full; of the course's cells only what they print; tests not at all."""
    source, outputs = "".join(raw["source"]), list(raw.get("outputs", []))  # nbformat may store lines
    marks = raw["metadata"].get("nbgrader", {})
    is_check = marks.get("grade") and not marks.get("solution")  # a second wall: whatever cell it is taken for
    if is_check or (cell is not None and (cell.kind == "test" or (cell.locked and not outputs))):
        return None
    own = cell is None or (not cell.locked and source.strip() != cell.release.strip())
    if raw["cell_type"] == "code":
        if not own and cell is not None and not outputs:
            return Block("code", page.render_code(source)) if cell.grade_id else None
        if own or cell is None:
            return Block("code", page.render_code(source), list(page.render_outputs(outputs)))
        failed = [_brief(output) for output in outputs if output.get("output_type") == "error"]
        told = [output for output in outputs if output.get("output_type") != "error"]
        rendered = (list(page.render_outputs(some)) for some in (told, failed))
        return Block("given", page.render_code(cell.release), *rendered)
    if own and source.strip():
        return Block("text", page.render_markdown(source, raw.get("attachments", {})))
    return None


def _brief(output: Mapping[str, Any]) -> dict[str, Any]:
    """An error with the frames of the notebook alone, and not those of modules."""
    frames = [str(frame) for frame in output.get("traceback") or []]
    return {**output, "traceback": [frame for frame in frames if not plain(frame).startswith("File ")]}


def _error(raw: Mapping[str, Any]) -> str:
    """In one line, by which error a cell ended."""
    errors = [output for output in raw.get("outputs", []) if output.get("output_type") == "error"]
    if not errors:
        return ""
    name, text = str(errors[-1].get("ename")), plain(str(errors[-1].get("evalue", "")))
    text = re.sub(r" \(\S+, (line \d+)\)$", r" (\1)", text.strip().partition("\n")[0][:300])
    return text if name == PROCESS_ENDED else f"{name}: {text}"
