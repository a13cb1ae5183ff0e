"""Do the thresholds stand far from both sides? ``python -m reference.stability [ASSIGNMENT ...] [--seeds N] [--long]``

Every comparison of a check meets its threshold in ``normlab.checks.require_within``; here the error is divided by the
threshold. Over random seeds, the largest quotient of a right answer must stay below 1/10 in each check, and each wrong
answer must reach 10 in some check of its own function (a wrong shape, an exception and the like count as infinite). A
check that a right answer passes without one comparison is not measured, which is an error. Every fourth seed runs
with two BLAS threads, the others with one.

The short form measures the reference under each of 4 seeds and every fourth of the other answers under one of them;
``--long`` runs all under 200, which takes hours: ``--part K/N`` runs one N-th of it, and all N parts are the whole.
``--repeat N`` also grades one class N times with `autograder`, two at a time, and compares the scores.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from normlab.checks import require_within
from reference.course import Course, chosen_assignments, positive, run
from reference.sample_class import NEVER_ENDS

HERE = sys.modules[__name__]
MARGIN = 10.0
SEEDS, LONG_SEEDS = 4, 200
EVERY = 4  # of the answers other than the reference, in the short form
REFERENCE = "the reference"
SCORES = """
SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade
JOIN base_cell ON base_cell.id = grade.cell_id
JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Trial:
    """One answer under one seed."""

    assignment: str
    answer: str
    right: bool
    seed: int


@dataclass(frozen=True)
class Measured:
    """The largest quotient of error and threshold in each check that could be affected, by grade id.

    A check that compared nothing has nan.
    """

    trial: Trial
    quotients: dict[str, float]


class _Gauge:
    """Stands for the one comparison: it notes the quotient and lets the check go on."""

    def __init__(self) -> None:
        self.largest = math.nan

    def within(self, error: float, threshold: float, sentence: str) -> None:
        exact = math.inf if error else 0.0  # a threshold of 0 asks for equal numbers
        quotient = float(error) / float(threshold) if threshold else exact
        self.largest = max(
            0.0 if math.isnan(self.largest) else self.largest, math.inf if math.isnan(quotient) else quotient
        )


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let the generators that checks make for themselves start elsewhere; seed 0 changes nothing.

    Published figures keep their seed, 231, and their generators.
    """
    make, legacy = np.random.default_rng, np.random.seed

    def other_generator(start: Any = None) -> np.random.Generator:
        return make(start if start is None else [start, seed])

    def other_legacy(start: Any = None) -> None:
        legacy(start if start in (None, 231) else start + 1000 * seed)

    if seed:
        np.random.default_rng = other_generator  # type: ignore[assignment]
        np.random.seed = other_legacy  # type: ignore[assignment]
    try:
        yield
    finally:
        np.random.default_rng, np.random.seed = make, legacy


@contextlib.contextmanager
def gauged() -> Iterator[_Gauge]:
    """Put a gauge in the place of the comparison, in all modules that use it."""
    gauge = _Gauge()
    replaced = []
    for module in list(sys.modules.values()):
        ours = getattr(module, "__name__", "").partition(".")[0] in ("normlab", "reference") and module is not HERE
        if ours and getattr(module, "require_within", None) is require_within:
            replaced.append(module)
            setattr(module, "require_within", gauge.within)  # noqa: B010 - of a module that mypy does not know
    try:
        yield gauge
    finally:
        for module in replaced:
            setattr(module, "require_within", require_within)  # noqa: B010


@cache
def _course(name: str) -> Course:
    return Course(name)


def _source(course: Course, answer: str) -> tuple[dict[str, Any], str]:
    """The names of an answer, and the function that a wrong one concerns."""
    for mistake in course.mistakes:
        if mistake.name == answer:
            return mistake.apply(course.solution), mistake.function
    for right in course.right_answers:
        if right.name == answer:
            return right.apply(course.solution), ""
    return run(course.solution), ""


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def measure(trial: Trial) -> Measured:
    """Run the checks on one answer; a wrong one on those of its own function."""
    course = _course(trial.assignment)
    checks = course.checks.values()  # loaded before their sentences are replaced
    quotients = {}
    with gauged() as gauge, warnings.catch_warnings(), np.errstate(all="ignore"), _silence():
        warnings.simplefilter("ignore")
        names, function = _source(course, trial.answer)
        for check in checks:
            if function and check.target != function:
                continue
            gauge.largest = math.nan
            try:
                with seeded(trial.seed):
                    check(**{name: names[name] for name in check.needs})
            except Exception:
                gauge.largest = math.inf
            quotients[check.name] = gauge.largest
    return Measured(trial, quotients)


def trials(names: Iterable[str], seeds: int, every: bool) -> list[Trial]:
    """The reference under each seed; each other answer under each, too (``every``), or some of them under one."""
    found = []
    for name in names:
        course = _course(name)
        found += [Trial(name, REFERENCE, True, seed) for seed in range(seeds)]
        others = [(answer.name, True) for answer in course.right_answers]
        others += [(mistake.name, False) for mistake in course.mistakes]
        for number, (answer, right) in enumerate(others if every else others[::EVERY]):
            chosen = range(seeds) if every else [number % seeds]
            found += [Trial(name, answer, right, seed) for seed in chosen]
    return found


def survey(chosen: Sequence[Trial], jobs: int) -> list[Measured]:
    """Measure all trials: every fourth seed with two BLAS threads, the others with one."""
    found: list[Measured] = []
    kept = os.environ.get("OPENBLAS_NUM_THREADS")
    for threads in (1, 2):
        os.environ["OPENBLAS_NUM_THREADS"] = str(threads)  # read when a new process loads NumPy
        own = [trial for trial in chosen if (trial.seed % 4 == 3) == (threads == 2)]
        with multiprocessing.get_context("spawn").Pool(max(1, jobs // threads)) as pool:
            found += pool.map(measure, own, chunksize=4)
    os.environ.pop("OPENBLAS_NUM_THREADS") if kept is None else os.environ.update(OPENBLAS_NUM_THREADS=kept)
    return found


def report(found: Sequence[Measured], write: Callable[[str], None] = print) -> float:
    """Print both sides of each check, then what is too near; returns the smallest margin on either side."""
    right: dict[str, float] = defaultdict(float)
    wrong: dict[str, float] = defaultdict(lambda: math.inf)
    margins: dict[str, float] = {}
    unmeasured: set[str] = set()
    for measured in found:
        trial = measured.trial
        if not trial.right:
            reached = [quotient for quotient in measured.quotients.values() if not math.isnan(quotient)]
            margins[f"{trial.assignment}: {trial.answer}, seed {trial.seed}"] = max(reached, default=0.0)
        elif math.inf in measured.quotients.values():
            failed = [check for check, quotient in measured.quotients.items() if quotient == math.inf]
            write(f"  {trial.answer}, which is right, fails {', '.join(failed)}, seed {trial.seed}")
        for check, quotient in measured.quotients.items():
            if math.isnan(quotient):
                unmeasured |= {check} if trial.right else set()
            elif trial.right:
                right[check] = max(right[check], quotient)
            elif quotient > 1:
                wrong[check] = min(wrong[check], quotient)
    write("error / threshold: the largest of a right answer, the smallest of a wrong one that fails")
    for check, largest in right.items():
        write(f"  {check:48} {largest:9.1e} {wrong[check]:9.1e}")
        if largest:
            margins[f"{check}: right answers"] = 1 / largest
    for check in sorted(unmeasured):
        write(f"  not measured: {check} passes a right answer without a comparison by require_within")
        margins[check] = 0.0
    for name, margin in margins.items():
        if margin < MARGIN and name not in unmeasured:
            write(f"  too near: {name}: a factor of {margin:.1f}, at least {MARGIN:g} is needed")
    smallest = min(margins.values(), default=math.inf)
    write(f"{len(found)} trials, smallest gap: a factor of {smallest:.0f}")
    return smallest


def repeated_scores(times: int, one_in: int = 1) -> bool:
    """Whether `autograder grade` gives one class, or one in so many of it, the same scores each time."""
    seen = set()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "class"
        subprocess.run(
            [sys.executable, "-m", "reference.sample_class", str(place), "batchnorm"], check=True, capture_output=True
        )
        for number, student in enumerate(sorted((place / "submitted").iterdir())):
            if number % one_in or student.name == NEVER_ENDS:  # waiting for that one would take most of the time
                shutil.rmtree(student)
        with open(place / "nbgrader_config.py", "a", encoding="utf-8") as settings:
            settings.write('c.Answers.module = ""\n')  # scores alone: nobody needs to know why
        command = [sys.executable, "-m", "autograder", "grade", "batchnorm", "--course-dir", str(place), "--jobs", "2"]
        for _ in range(times):
            subprocess.run([*command, "--force"], check=True, capture_output=True)
            with contextlib.closing(sqlite3.connect(place / "gradebook.db")) as gradebook:
                seen.add(tuple(gradebook.execute(SCORES)))
    (scores, *others) = seen
    print(f"{times} runs of one class, {len(scores)} scores each: {'they differ' if others else 'all the same'}")
    return not others


def part(text: str) -> tuple[int, int]:
    """ "2/8" as (2, 8)."""
    number, _, total = text.partition("/")
    if not (number.isdigit() and total.isdigit() and 1 <= int(number) <= int(total)):
        raise argparse.ArgumentTypeError(f"a part is K/N with K from 1 to N, such as 2/8, not {text!r}")
    return int(number), int(total)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reference.stability", description=__doc__.splitlines()[0])
    parser.add_argument("assignment", nargs="*", metavar="ASSIGNMENT", help="all of them by default")
    parser.add_argument("--seeds", type=positive, metavar="N", help=f"{SEEDS}, or {LONG_SEEDS} in the long form")
    parser.add_argument("--long", action="store_true", help="every answer under every seed; 50 repeated runs")
    parser.add_argument("--part", type=part, default=(1, 1), metavar="K/N", help="the K-th of N equal parts")
    parser.add_argument("--repeat", type=positive, metavar="N", help="0, or 50 in the long form's first part")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args(arguments)
    names = chosen_assignments(parser, options.assignment)
    number, total = options.part
    chosen = trials(names, options.seeds or (LONG_SEEDS if options.long else SEEDS), options.long)
    good = report(survey(chosen[number - 1 :: total], options.jobs)) >= MARGIN
    times = options.repeat if options.repeat is not None else 50 * (options.long and number == 1)
    return 0 if (not times or repeated_scores(times)) and good else 1


if __name__ == "__main__":
    sys.exit(main())
