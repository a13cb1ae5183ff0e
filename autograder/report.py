"""What a graded class shows an instructor: ``autograder report ASSIGNMENT`` writes one page and a JSON beside it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from autograder.attempts import Attempts
from autograder.course import Course
from autograder.enrolled import Absent
from autograder.errors import CourseError, UsageError
from autograder.files import write_atomically
from autograder.gone import check_none_gone
from autograder.gradebook import Gradebook, Result
from autograder.guard import open_gradebook
from autograder.history import NAME as HISTORY
from autograder.originality import Copy, Originality, copies
from autograder.received import Received
from autograder.template import template, template_text
from autograder.wording import gathered, labels, readable

HELP_SHARE = 0.5  # of the points: who has less needs help
COMPARED = 1000  # students whose answers are compared each with each: beyond, that takes hours
TEN = 10  # bars of the distribution, and lines of a list of the slowest
TIMES = {  # when something was handed in -> hours that were left then at the least
    "more than a day before it was due": 24.0,
    "on the last day": 1.0,
    "in the last hour": 0.0,
    "after it was due": float("-inf"),
}
UNKNOWN = "nobody knows when"
COLORS = {"light": ("#0b57b0", "#1a1a1a"), "dark": ("#8ab8ff", "#e8e8e8")}  # bars, text


@dataclass
class CheckReport:
    """How one check went over the class."""

    name: str
    points: float
    statuses: dict[str, int] = field(default_factory=dict)
    lost: float = 0.0  # points that it cost the class
    discrimination: float | None = None  # correlation with the score of the other checks; None: all alike

    @property
    def passed(self) -> int:
        """How many passed it."""
        return self.statuses.get("passed", 0)

    @property
    def remark(self) -> str:
        """What the discrimination says in words, where there is something to say."""
        if self.discrimination is None:
            return "tells nobody apart"
        return "passed rather by those who fail the rest" if self.discrimination < 0 else ""


@dataclass
class Report:
    """All that the page shows; no student's work."""

    assignment: str
    points: float
    scores: dict[str, float]
    checks: list[CheckReport]
    mistakes: dict[str, int]  # sentence of a known mistake -> students who made it
    needs_help: dict[str, list[str]]  # student -> checks without points
    look_at: list[tuple[str, str]]
    waiting: int  # written answers without a grade
    late: dict[str, float]  # student -> points taken off
    seconds: dict[str, float]  # student -> time of grading
    alike: list[tuple[str, list[str], float]] = field(default_factory=list)  # (task, students, least likeness)
    compared: bool = True  # whether answers that are alike were looked for
    attempts: dict[str, int] = field(default_factory=dict)  # student -> how often was handed in, as far as is known
    hours: dict[str, float] = field(default_factory=dict)  # student -> hours left when it was handed in; below 0: late
    absent: Absent = field(default_factory=lambda: Absent([], []))

    @property
    def distribution(self) -> list[int]:
        """Students in each tenth of the points."""
        bars = [0] * TEN
        for score in self.scores.values():
            bars[min(TEN - 1, int(TEN * score / self.points)) if self.points else 0] += 1
        return bars

    @property
    def times(self) -> dict[str, int]:
        """Students by when they handed in; nothing where of nobody both time and due date are known."""
        known = Counter(next(name for name, least in TIMES.items() if left >= least) for left in self.hours.values())
        return known | {UNKNOWN: len(self.scores) - len(self.hours)} if known else {}

    def to_dict(self) -> dict[str, Any]:
        """Everything, as the JSON beside the page has it."""
        values = list(self.scores.values())
        middle = {"mean": statistics.fmean(values), "median": statistics.median(values)} if values else {}
        return asdict(self) | {"submissions": len(values), "distribution": self.distribution} | middle


def report(assignment: str, course_dir: Path = Path("."), *, db: str = "") -> Path:
    """Write ``reports/ASSIGNMENT.html`` and ``.json`` into the course folder and return the page's path.

    Raises UsageError where nothing is graded yet, CourseError where an autograded notebook cannot be read.

    >>> report("scaling", Path("my_course")).name
    'scaling.html'
    """
    course = Course.open(course_dir, db)
    notebooks = course.notebooks(assignment)
    with closing(open_gradebook(course)) as gradebook:
        results = gradebook.results(assignment)
        attempts, hours, people = _attempts(gradebook, assignment), _hours(gradebook, assignment), gradebook.people()
    if not results:
        raise UsageError(f"Nothing of {assignment!r} is graded yet; run `autograder grade {assignment}` first.")
    check_none_gone(assignment, notebooks, {result.notebook for result in results})
    found = analyze(assignment, results)
    kept, seen = Attempts(course, assignment, list(notebooks)), Received(course, assignment).attempts()
    counts = {each: max(attempts.get(each, 0), kept.count(each), seen.get(each, 0)) for each in found.scores}
    found.attempts = {student: count for student, count in counts.items() if count}
    found.hours = {student: left for student, left in hours.items() if student in found.scores}
    found.absent = Absent.of(course, assignment, people, found.scores)
    found.compared = len(found.scores) <= COMPARED
    if found.compared:
        settings = course.settings(Originality)
        for name, source in notebooks.items():
            answers = {student: _answers(course, student, assignment, name) for student in found.scores}
            found.alike += _groups(copies(source, answers, settings))
    path = course.root / "reports" / f"{assignment}.html"
    write_atomically(path, render(found), 0o644)
    write_atomically(path.with_suffix(".json"), json.dumps(found.to_dict(), indent=1) + "\n", 0o644)
    return path


def analyze(assignment: str, results: Sequence[Result]) -> Report:
    """The figures of a class."""
    checks: dict[str, CheckReport] = {}
    given: dict[str, dict[str, float]] = {}  # student -> check -> score
    made: dict[str, set[str]] = {}
    found = Report(assignment, 0.0, {}, [], {}, {}, [], 0, {}, {})
    read = [(result, json.loads(result.result)) for result in results]
    called = labels((result.notebook, grade_id) for result, judged in read for grade_id in judged["checks"])
    for result, judged in read:
        student = result.student
        mine = given.setdefault(student, {})
        for grade_id, check in judged["checks"].items():
            name, score = called[result.notebook, grade_id], result.scores.get(grade_id, check["score"])
            row = checks.setdefault(name, CheckReport(name, check["points"]))
            own = result.own.get(grade_id, check["score"])
            if score is not None:
                mine[name] = score
            if own is None:
                found.waiting += 1
                continue
            row.lost += max(0.0, check["points"] - score)
            status = check["status"]
            if status == "manual" or own != check["score"]:  # a person's grade, which extra credit is not
                status = "passed" if own >= check["points"] else "partial" if own > 0 else "failed"
            row.statuses[status] = row.statuses.get(status, 0) + 1
            if check.get("diagnosis") and status != "passed":
                made.setdefault(check["diagnosis"], set()).add(student)
        found.look_at += [(student, sentence) for sentence in [*judged["flags"], *judged["deaths"]]]
        found.seconds[student] = found.seconds.get(student, 0.0) + judged["seconds"]
        if result.late_penalty:
            found.late[student] = found.late.get(student, 0.0) + result.late_penalty
    found.points = sum(check.points for check in checks.values())
    found.scores = {
        student: max(0.0, sum(mine.values()) - found.late.get(student, 0.0)) for student, mine in given.items()
    }
    found.mistakes = dict(Counter({sentence: len(students) for sentence, students in made.items()}).most_common())
    for check in checks.values():
        check.discrimination = _discrimination(check.name, given)
    found.checks = list(checks.values())
    for student, mine in sorted(given.items(), key=lambda item: sum(item[1].values())):
        if sum(mine.values()) < HELP_SHARE * sum(checks[name].points for name in mine):
            found.needs_help[student] = [name for name, score in mine.items() if score == 0 and checks[name].points]
    return found


def _attempts(gradebook: Gradebook, assignment: str) -> dict[str, int]:
    """How many different submissions of each student changed a score or stand in the gradebook."""
    queries = [
        sa.select(table.c.student_id, table.c.submission).where(
            table.c.assignment == assignment, table.c.submission != ""
        )
        for table in (gradebook.tables[HISTORY], gradebook.tables["autograder_result"])
    ]
    rows = gradebook.transact(lambda connection: connection.execute(sa.union(*queries)).all())  # each pair once
    return dict(Counter(student for student, _ in rows))


def _hours(gradebook: Gradebook, assignment: str) -> dict[str, float]:
    handed_in, assigned = gradebook.tables["submitted_assignment"], gradebook.tables["assignment"]
    query = (
        sa.select(handed_in.c.student_id, handed_in.c.timestamp)
        .join(assigned, assigned.c.id == handed_in.c.assignment_id)
        .where(assigned.c.name == assignment, handed_in.c.timestamp.is_not(None))
    )
    rows = gradebook.transact(lambda connection: connection.execute(query).all())
    stamps = {row.student_id: row.timestamp for row in rows}
    dues = gradebook.dues(assignment, stamps)
    return {student: (due - stamps[student]).total_seconds() / 3600 for student, due in dues.items() if due}


def _answers(course: Course, student: str, assignment: str, name: str) -> dict[str, str]:
    """The solution cells of an autograded notebook, by grade id; CourseError where it cannot be read."""
    path = course.folder("autograded", student, assignment) / f"{name}.ipynb"
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path.exists() else []
        marks = [(cell, cell["metadata"].get("nbgrader", {})) for cell in cells]
        return {mark["grade_id"]: "".join(cell["source"]) for cell, mark in marks if mark.get("solution")}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise CourseError(
            f"{path} is not the notebook that was written there; delete it and run `autograder grade {assignment}`, "
            "which makes it anew."
        ) from None


def _groups(pairs: Sequence[Copy]) -> list[tuple[str, list[str], float]]:
    """Students that pairs connect, task by task, and how alike the least alike of these pairs is."""
    groups: list[tuple[str, set[str], float]] = []
    for pair in pairs:
        joined, likeness = {*pair.students}, pair.likeness
        for group in [*groups]:
            task, students, least = group
            if task == pair.task and students & joined:
                joined, likeness = joined | students, min(likeness, least)
                groups.remove(group)
        groups.append((pair.task, joined, likeness))
    return [(task, sorted(students), likeness) for task, students, likeness in groups]


def _discrimination(name: str, given: Mapping[str, Mapping[str, float]]) -> float | None:
    pairs = [(mine[name], round(sum(mine.values()) - mine[name], 6)) for mine in given.values() if name in mine]
    if len(pairs) < 2 or len({own for own, _ in pairs}) < 2 or len({rest for _, rest in pairs}) < 2:
        return None
    return statistics.correlation([own for own, _ in pairs], [rest for _, rest in pairs])


def _in_short(missed: Sequence[str], checks: Sequence[CheckReport]) -> list[str]:
    """Checks without points, task by task: one by its name, several by their number."""
    of_task = Counter(check.name.partition("__")[0] for check in checks if check.points)
    by_task: dict[str, list[str]] = {}
    for name in missed:
        by_task.setdefault(name.partition("__")[0], []).append(name)
    return [
        readable(names[0]) if len(names) == 1 else f"{task}, {len(names)} of {of_task[task]} checks"
        for task, names in by_task.items()
    ]


def render(found: Report) -> str:
    """The page: it loads nothing and runs nothing, like a feedback page."""
    style = template_text("feedback.css")
    figures = {scheme: _figure(found, *colors) for scheme, colors in COLORS.items()}
    return template("report.html.j2").render(
        found=found,
        facts=found.to_dict(),
        figures=figures,
        times={name: count for name in [*TIMES, UNKNOWN] if (count := found.times.get(name))},
        look_at=gathered(found.look_at),
        attempts=sorted(Counter(found.attempts.values()).items()),
        missed={student: _in_short(names, found.checks) for student, names in found.needs_help.items()},
        slowest=sorted(found.seconds.items(), key=lambda item: -item[1])[:TEN],
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


def _figure(found: Report, bar: str, text: str) -> str:
    """The distribution as an SVG's data address, in the colors of one scheme."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with mpl.rc_context({"svg.hashsalt": found.assignment, "text.color": text, "axes.labelcolor": text}):
        figure = Figure(figsize=(7, 2.6), layout="constrained", facecolor="none")
        axes = figure.subplots()
        axes.set_facecolor("none")
        axes.bar([10 * number + 5 for number in range(TEN)], found.distribution, width=9, color=bar)
        axes.set_xlabel("percent of the points")
        axes.set_ylabel("students")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xticks(range(0, 101, 10))
        axes.tick_params(colors=text)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(text)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.getvalue().encode()).decode()
