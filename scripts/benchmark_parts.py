"""What the parts of the engine cost, each by itself; `scripts/benchmark_grading.py` prints it beside the targets."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.course import Course
from autograder.feedback import render
from autograder.gradebook import Gradebook, Record
from autograder.jobs import make_job
from autograder.kept import Kept
from autograder.pool import LocalPool
from autograder.submission import read_submission
from autograder.unit import Setup
from autograder.worker import Worker

CALLS, ROUNDS = 500, 20
CALL_COST = f"""import time
times = []
for _ in range({ROUNDS}):
    start = time.perf_counter()
    for _ in range({CALLS}):
        nothing()
    times.append((time.perf_counter() - start) / {CALLS})
print(sorted(times)[{ROUNDS // 2}])"""


@dataclass(frozen=True)
class Part:
    """One row: medians, in ``unit``."""

    name: str
    cost: float
    target: float
    unit: str


def median(action: Callable[[], Any], times: int) -> float:
    """Seconds of one call."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def command(name: str, target: float, *line: str, times: int = 5) -> Part:
    """A whole process, from its start to its end."""
    cost = median(lambda: subprocess.run(line, check=True, capture_output=True), times)
    return Part(name, cost, target, "s")


def import_normlab() -> Part:
    """What importing it costs beyond numpy."""
    code = "import numpy, time; start = time.perf_counter(); import normlab; print(time.perf_counter() - start)"
    line = [sys.executable, "-c", code]
    took = [float(subprocess.run(line, check=True, capture_output=True, text=True).stdout) for _ in range(5)]
    return Part("import normlab beyond numpy", statistics.median(took), 0.1, "s")


def warm_submission(course: Course, name: str) -> Part:
    """One submission on a grader that is warm: from its file to its feedback page."""
    notebooks = course.notebooks(name)
    folder = dict(course.submissions(name))["student000"]

    def grade() -> None:
        submission = read_submission(folder, [name], course.limits)
        _, outcome = next(pool.run(iter([make_job("student000", submission, {}, 0.0)])))
        assert outcome.graded[name].page

    with LocalPool(Setup.of(course, name, notebooks).pack(), 1) as pool:
        grade()
        return Part("a submission, file to page, warm", median(grade, 9), 1.0, "s")


def pool_start(course: Course, name: str) -> Part:
    setup = Setup.of(course, name, course.notebooks(name)).pack()

    def start() -> None:
        with LocalPool(setup, 1) as pool:
            ready.append(time.perf_counter() - began)
            assert pool.slots

    ready: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        start()
    return Part("start-up of the pool", statistics.median(ready), 2.0, "s")


def overhead(cells: dict[str, Any]) -> Part:
    """Everything that one notebook of six trivial tests costs, from its text to its result."""
    with Worker(Assignment("task", cells), cpu=0) as worker:
        worker.grade(json.loads(json.dumps(cells)))
        return Part("a submission of six trivial tests", 1e3 * median(lambda: worker.grade(cells), 40), 20, "ms")


def small_call(cells: dict[str, Any]) -> Part:
    with Worker(Assignment("task", cells), cpu=0) as worker:
        judged = worker.grade(cells)
    printed = next(cell["outputs"][0]["text"] for cell in judged.notebook["cells"] if "perf_counter" in cell["source"])
    return Part("a call of a function that does nothing", 1e6 * float(printed), 60, "µs")


def gradebook(course: Course, name: str) -> Part:
    """Writing the results that are there once more."""
    with closing(Gradebook(course.db_url)) as book:
        results = book.results(name)
        records = [
            Record(each.student, each.notebook, _scores(each.result), frozenset(), None, None, "digest", each.result)
            for each in results
        ]
        cost = median(lambda: book.write(name, records), 9) / len(records)
    return Part(f"a submission in the gradebook, {len(records)} at once", 1e3 * cost, 1, "ms")


def feedback(course: Course, name: str) -> Part:
    notebook = course.notebooks(name)[name]
    cells = json.loads(course.folder("autograded", "student000", name).joinpath(f"{name}.ipynb").read_text())
    with Worker(notebook, cpu=0) as worker:
        judged = worker.grade(cells)

    def page() -> None:
        render(
            notebook, judged, Kept(), title=name, student="student000", notes=[], late_penalty=None,
            sandboxed=True, show_hidden=False,
        )  # fmt: skip

    page()
    return Part("a feedback page", 1e3 * median(page, 15), 30, "ms")


def _scores(result: str) -> dict[str, float | None]:
    return {grade_id: check["score"] for grade_id, check in json.loads(result)["checks"].items()}


def parts(folder: Path, name: str, six_tests: dict[str, Any], calls: dict[str, Any]) -> list[Part]:
    """All rows; ``folder`` is a course that the engine has graded."""
    course = Course.open(folder)
    grade = ["autograder", "grade", name, "--course-dir", str(folder), "--student", "student000", "--force"]
    return [
        pool_start(course, name),
        warm_submission(course, name),
        command("the same by the command, imports and start included", 3.0, *grade),
        command("autograder --help", 0.3, "autograder", "--help"),
        import_normlab(),
        overhead(six_tests),
        small_call(calls),
        gradebook(course, name),
        feedback(course, name),
    ]
