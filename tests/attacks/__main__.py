"""The table of attacks: ``python -m tests.attacks [--nbgrader]``.

The engine's column is measured in one batch. nbgrader's own is measured with ``--nbgrader`` where that is safe, since
there the attacks run in this user's account without any walls.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from autograder.grade import grade
from tests.attacks.cases import ROWS, Case, all_cases
from tests.attacks.lesson import POINTS, make
from tests.attacks.measure import plain_course, points_by_task
from tests.course_factory import NAME

SAFE = {*range(1, 8), 10, *range(34, 41)}  # these change their own kernel or their own notebook, and no more
NOT_RUN = "not run: not safe without walls"
COVERED = {43: "refused when collected", 54: "nothing lost, one grades at a time"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("--nbgrader", action="store_true", help="measure plain nbgrader, too; takes some minutes")
    measure_nbgrader = parser.parse_args().nbgrader
    rows: dict[int, list[Case]] = defaultdict(list)
    for case in all_cases():
        rows[case.row].append(case)
    with tempfile.TemporaryDirectory(prefix="attacks-", ignore_cleanup_errors=True) as folder:
        engine = measure_engine(Path(folder), [case for cases in rows.values() for case in cases])
        safe = [case for row in sorted(SAFE) for case in rows[row]] if measure_nbgrader else []
        template = plain_course(Path(folder) / "plain") if safe else Path(folder)
        plain = {case.student: by_nbgrader(template, case) for case in safe}
        subprocess.run(["rm", "-rf", folder], check=True)  # deeper than Python's own remover goes
    print("| # | attack | nbgrader 0.9.6 | this engine |\n|---|---|---|---|")
    for row, attack in ROWS.items():
        students = [case.student for case in rows[row]]
        theirs = "; ".join(sorted({plain[student] for student in students if student in plain}))
        ours = "; ".join(sorted({engine[student] for student in students})) or COVERED[row]
        print(f"| {row} | {attack} | {theirs or (NOT_RUN if row not in SAFE else '')} | {ours} |")


def measure_engine(folder: Path, cases: list[Case]) -> dict[str, str]:
    root = make(folder / "engine")
    for case in cases:
        case.hand_in(root, case.student)
    grade(NAME, root)
    scores = points_by_task(root)
    return {case.student: told(case, scores.get(case.student, {})) for case in cases}


def by_nbgrader(template: Path, case: Case) -> str:
    """What one submission earns from plain nbgrader, in a course of its own, since some stop the whole batch."""
    root = template.with_name(f"plain-{case.student}")
    shutil.copytree(template, root)
    case.hand_in(root, case.student)
    command = [str(Path(sys.executable).with_name("nbgrader")), "autograde", NAME, "--create"]
    try:
        result = subprocess.run(command, cwd=root, capture_output=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "does not end"
    scores = points_by_task(root).get(case.student)
    if result.returncode or scores is None:
        return "the batch stops"
    return told(case, scores)


def told(case: Case, scores: dict[str, float | None]) -> str:
    full = POINTS["target"]
    target = scores.get("target")
    earned = "no grade" if target is None else f"{target:g} of {full:g}"
    others = {task: scores.get(task) for task in ("first", "last")}
    if case.target == full:
        return f"{earned}, as deserved"
    kept = all(others[task] == POINTS[task] for task in others)
    return earned if kept else f"{earned}, the other tasks lose points"


if __name__ == "__main__":
    main()
