"""How fast is the engine beside plain nbgrader? `python scripts/benchmark_grading.py [--submissions N]`

Five notebooks are graded in one run: `batchnorm` of this course, and four small ones (light asserts, gradient checks,
a figure, pandas and scipy). Each is graded by plain nbgrader, by the engine, and, as the floor, executed cell by cell
in one warm process with no isolation at all. All run on one core; start-up is excluded by the difference between N
submissions and one. The scores of nbgrader and engine must be equal, cell by cell, or the run fails. Then come the
parts of the engine, each beside its target; exit code 1 where one is missed. It takes five to ten minutes on two cores
with nothing else to do.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
from benchmark_parts import CALL_COST, parts

from reference.course import Course, positive
from reference.sample_class import filled, solutions

ROOT = Path(__file__).resolve().parent.parent
IMPORTS = "import numpy as np"
GRADIENT = """def f(x, w):
    ### BEGIN SOLUTION
    return np.tanh(x @ w)
    ### END SOLUTION


def df(dout, x, w):
    ### BEGIN SOLUTION
    return x.T @ (dout * (1 - np.tanh(x @ w) ** 2))
    ### END SOLUTION"""
GRADIENT_CHECK = """rng = np.random.default_rng(0)
x, w, dout = rng.normal(size=(6, 5)), rng.normal(size=(5, 4)), rng.normal(size=(6, 4))
numeric = np.zeros_like(w)
for i in np.ndindex(w.shape):
    for sign in (1, -1):
        shifted = w.copy()
        shifted[i] += sign * 1e-5
        numeric[i] += sign * np.sum(dout * f(x, shifted)) / 2e-5
assert np.abs(numeric - df(dout, x, w)).max() < 1e-6"""
LIGHT = """def mean(values):
    ### BEGIN SOLUTION
    return sum(values) / len(values)
    ### END SOLUTION"""
LIGHT_CHECK = "assert mean([1, 2, 3]) == 2\nassert mean([4]) == 4"
FIGURE = """import matplotlib.pyplot as plt
plt.plot([mean([k, 1]) for k in range(50)], label="means")
plt.legend()
plt.show()"""
FRAME = """def scores_by_group(groups, values):
    ### BEGIN SOLUTION
    frame = pd.DataFrame({"group": groups, "value": values})
    means = frame.groupby("group")["value"].mean()
    return dict(zip(means.index.tolist(), stats.zscore(means.to_numpy()).tolist()))
    ### END SOLUTION"""
FRAME_CHECK = """found = scores_by_group(["a", "b", "a"], [1.0, 6.0, 3.0])
assert set(found) == {"a", "b"}
assert abs(found["a"] + 1) < 1e-12 and abs(found["b"] - 1) < 1e-12"""
SMALL = {
    "light asserts": [(IMPORTS, 0), (LIGHT, None), (LIGHT_CHECK, 2)],
    "gradient checks": [(IMPORTS, 0), (GRADIENT, None), *[(GRADIENT_CHECK, 2)] * 3],
    "a figure": [(IMPORTS, 0), (LIGHT, None), (LIGHT_CHECK, 2), (FIGURE, 0)],
    "pandas and scipy": [("import pandas as pd\nfrom scipy import stats", 0), (FRAME, None), (FRAME_CHECK, 2)],
}
SIX_TESTS = [(IMPORTS, 0), (LIGHT, None), *[(LIGHT_CHECK, 2)] * 6]
CALLS = [("def nothing():\n    return None", None), (CALL_COST, 2)]
PR_SET_CHILD_SUBREAPER = 36
GEOMETRIC_MEAN, LEAST = 18, 8  # times faster than nbgrader, over the small notebooks
PLAIN = "c = get_config()\nc.CourseDirectory.course_id = 'speed'\nc.ExecutePreprocessor.timeout = 60\n"
FLOOR = """
import json, resource, sys, time
import matplotlib
matplotlib.use("module://matplotlib_inline.backend_inline")
import matplotlib.pyplot, numpy, pandas, scipy.stats
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
InteractiveShell.enable_gui = lambda self, gui=None: None
shell = InteractiveShell.instance()
shell.run_line_magic("matplotlib", "inline")
cells = [c for c in json.load(open(sys.argv[1]))["cells"] if c["cell_type"] == "code"]
def execute():
    for cell in cells:
        with capture_output():
            shell.run_cell("".join(cell["source"]))
            shell.events.trigger("post_execute")
execute()
start, cpu = time.perf_counter(), time.process_time()
for _ in range(int(sys.argv[2])):
    execute()
print((time.perf_counter() - start) / int(sys.argv[2]), (time.process_time() - cpu) / int(sys.argv[2]))
"""


@dataclass(frozen=True)
class Cost:
    """Seconds for one submission."""

    wall: float
    cpu: float


def small_notebook(cells: list[tuple[str, int | None]]) -> nbformat.NotebookNode:
    """An instructor's notebook: None marks a solution cell, points a test cell, 0 a given one."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, (source, points) in enumerate(cells):
        cell = nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        if points != 0:
            marks = {"grade_id": f"cell-{number}", "schema_version": 3, "task": False, "solution": points is None}
            marks |= {"grade": bool(points), "locked": bool(points)} | ({"points": points} if points else {})
            cell.metadata["nbgrader"] = marks
        notebook.cells.append(cell)
    return notebook


def make_course(folder: Path, title: str, count: int) -> str:
    """A course folder with ``count`` submissions, every third one blank or wrong; returns the assignment's name."""
    (folder / "submitted").mkdir(parents=True)
    name = title if title == "batchnorm" else "task"
    source = folder / "source" / name
    if title == "batchnorm":
        shutil.copytree(ROOT / "source" / name, source)
        release = nbformat.read(ROOT / "release" / name / f"{name}.ipynb", as_version=4)
        right = solutions(name)
        course = Course(name)
        wrong = [{**right, m.function: m.source(course.solution)} for m in course.mistakes[: count // 3 + 1]]
        notebooks = [filled(release, wrong[k // 3 % len(wrong)] if k % 3 == 2 else right) for k in range(count)]
    else:
        source.mkdir(parents=True)
        instructor = small_notebook(SMALL[title])
        nbformat.write(instructor, source / f"{name}.ipynb")
        notebooks = [instructor] * count
    for k, notebook in enumerate(notebooks):
        target = folder / "submitted" / f"student{k:03}" / name
        target.mkdir(parents=True)
        nbformat.write(notebook, target / f"{name}.ipynb")
    return name


def run(command: list[str], folder: Path) -> Cost:
    """Wall and CPU seconds of a command with all its children, on one core; a failure ends the benchmark."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {0})
    )
    wall = time.perf_counter() - start
    with suppress(ChildProcessError):  # students' processes whose parents ended before they were waited for
        while True:
            os.waitpid(-1, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def cost_of_one(command: list[str], first: list[str], folder: Path, count: int, runs: int = 1) -> tuple[Cost, Cost]:
    """(cost of one submission, start-up): the difference between ``count`` submissions and one of them.

    With more ``runs`` the least of each: start-up varies by more than a cheap submission costs.
    """
    one, rest = (
        Cost(min(each.wall for each in costs), min(each.cpu for each in costs))
        for costs in ([run(each, folder) for _ in range(runs)] for each in ([*command, *first], command))
    )
    each = Cost((rest.wall - one.wall) / (count - 1), (rest.cpu - one.cpu) / (count - 1))
    return each, Cost(one.wall - each.wall, one.cpu - each.cpu)


def scores(folder: Path) -> dict[tuple[str, str], float]:
    """Automatic score of each test cell of each student."""
    query = """select student_id, base_cell.name, auto_score from grade
        join base_cell on grade.cell_id = base_cell.id
        join submitted_notebook on grade.notebook_id = submitted_notebook.id
        join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id"""
    with closing(sqlite3.connect(folder / "gradebook.db")) as gradebook:
        return {(student, cell): score or 0.0 for student, cell, score in gradebook.execute(query)}


def measure(title: str, count: int, folder: Path) -> tuple[Cost, Cost, Cost, Cost, Cost]:
    """nbgrader, engine, floor, and the two start-ups, for one kind of notebook."""
    plain, engine = folder / "plain", folder / "engine"
    name = make_course(plain, title, count)
    make_course(engine, title, count)
    for root in (plain, engine):
        (root / "nbgrader_config.py").write_text(PLAIN)
    run(["nbgrader", "generate_assignment", name, "--force"], plain)
    nbgrader = ["nbgrader", "autograde", name, "--force"]
    plain_cost, plain_start = cost_of_one(nbgrader, ["--student=student000"], plain, count)
    autograder = ["autograder", "grade", name, "--jobs", "1", "--force"]
    first = ["--student", "student000"]
    run([*autograder, *first], engine)  # makes the gradebook, as generate_assignment has for nbgrader
    engine_cost, engine_start = cost_of_one(autograder, first, engine, count, runs=3)
    if scores(plain) != scores(engine):
        raise SystemExit(f"{title}: nbgrader and engine disagree on a score")
    notebook = plain / "autograded" / "student000" / name / f"{name}.ipynb"  # with the hidden tests
    floor = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FLOOR, str(notebook), "10"],
        capture_output=True, text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, {0}),
    )  # fmt: skip
    return plain_cost, engine_cost, Cost(*map(float, floor.stdout.split()[-2:])), plain_start, engine_start


def print_parts(folder: Path, count: int, starts: list[tuple[Cost, Cost]]) -> bool:
    """The parts beside their targets, for ``batchnorm`` in a folder of ``measure``; true where all are met."""
    page, _ = cost_of_one(
        ["nbgrader", "generate_feedback", "batchnorm", "--force"], ["--student=student000"], folder / "plain", count
    )
    rows = parts(folder / "engine", "batchnorm", small_notebook(SIX_TESTS), small_notebook(CALLS))
    nbgrader = {"start-up of the pool": min(plain.wall for plain, _ in starts), "a feedback page": 1e3 * page.wall}
    print(f"\n{'':52}{'engine':>12}{'target':>10}{'nbgrader':>12}")
    for row in rows:
        beside = f"{nbgrader[row.name]:.3g} {row.unit}" if row.name in nbgrader else ""
        met = "met" if row.cost <= row.target else "NOT MET"
        print(f"{row.name:52}{row.cost:9.3g} {row.unit:2}{row.target:7g} {row.unit:2}{beside:>12}  {met}")
    return all(row.cost <= row.target for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--submissions", type=positive, default=40, help="of batchnorm; the small ones get a quarter")
    count = parser.parse_args().submissions
    if count < 2:
        parser.error("a cost is counted between two submissions: --submissions needs 2 at least")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # so that the CPU seconds of all descendants are counted
    ratios, all_starts = [], []
    print("seconds a submission (wall / CPU), start-up excluded, one core")
    print(
        f"{'':18}{'nbgrader':>16}{'engine':>16}{'floor':>16}{'ratio':>8}{'by CPU':>8}{'of floor':>10}{'start-up':>14}"
    )
    for title in (*SMALL, "batchnorm"):
        with tempfile.TemporaryDirectory() as folder:
            n = count if title == "batchnorm" else max(4, count // 4)
            plain, engine, floor, plain_start, engine_start = measure(title, n, Path(folder))
            ratio = plain.wall / engine.wall
            costs = "".join(f"{cost.wall:9.3f} /{cost.cpu:5.2f}" for cost in (plain, engine, floor))
            starts = f"{plain_start.wall:6.1f} /{engine_start.wall:5.1f}"
            compared = f"{ratio:7.1f}x{plain.cpu / engine.cpu:7.1f}x{engine.wall / floor.wall:9.1f}x"
            print(f"{title:18}{costs}{compared}{starts:>14}", flush=True)
            all_starts.append((plain_start, engine_start))
            if title != "batchnorm":
                ratios.append(ratio)
                continue
            mean = statistics.geometric_mean(ratios)
            target = f"target {GEOMETRIC_MEAN}x, on none under {LEAST}x"
            print(f"geometric mean over the four small notebooks: {mean:.1f}x ({target})")
            print("all scores of nbgrader and engine are equal", flush=True)
            met = print_parts(Path(folder), n, all_starts)
    if not met or mean < GEOMETRIC_MEAN or min(ratios) < LEAST:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
