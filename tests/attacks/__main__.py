"""The table of attacks: ``python -m tests.attacks [--nbgrader] [--summary]``.

The engine's column is measured in one batch. With ``--nbgrader`` the same cases run against nbgrader as it comes, each
in a course of its own; a case that would harm this machine without walls is named and not run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from autograder.grade import grade
from tests.attacks.cases import GROUPS, ROWS, Case, all_cases
from tests.attacks.forms import graded_batch, honest
from tests.attacks.lesson import make
from tests.attacks.measure import Outcome, outcome
from tests.attacks.plain_nbgrader import PlainNbgrader
from tests.course_factory import NAME

Columns = Mapping[str, Mapping[str, Outcome]]  # what graded, and what came of each student's case
COVERED = {43: "refused when collected", 54: "nothing lost, one grades at a time"}  # by tests of their own


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("--nbgrader", action="store_true", help="measure plain nbgrader, too; about ten minutes")
    parser.add_argument("--summary", action="store_true", help="print one line for each kind of attack")
    options = parser.parse_args()
    cases = list(all_cases())
    with tempfile.TemporaryDirectory(prefix="attacks-", ignore_cleanup_errors=True) as folder:
        ours = by_engine(Path(folder), cases)
        columns = {"nbgrader 0.9.6": by_nbgrader(Path(folder) / "plain", cases)} if options.nbgrader else {}
        columns["this engine"] = ours
        subprocess.run(["rm", "-rf", folder], check=True)  # deeper than Python's own remover goes
    print("\n".join((summary if options.summary else table)(cases, columns)))


def by_engine(folder: Path, cases: Iterable[Case]) -> dict[str, Outcome]:
    """All cases in one batch, with honest work that some of them reach for."""
    root = make(folder / "engine")
    for student in ("00-honest", "11-honest", "22-honest"):
        honest(root, student)
    for case in cases:
        case.hand_in(root, case.student)
    grade(NAME, root)
    graded = graded_batch(root)
    return {
        case.student: outcome(case, graded[case.student].scores, graded[case.student].outputs(tests=True))
        for case in cases
    }


def by_nbgrader(folder: Path, cases: Iterable[Case]) -> dict[str, Outcome]:
    folder.mkdir()
    nbgrader = PlainNbgrader(folder)
    found = {}
    for case in cases:
        found[case.student] = nbgrader.measure(case)
        print(f"{case.row}: {case.name}: {told(found[case.student])}", file=sys.stderr)
    return found


def told(result: Outcome) -> str:
    return f"{result.kind}: {result.detail}" if result.detail else result.kind


def table(cases: Iterable[Case], columns: Columns) -> Iterable[str]:
    """One line for each case."""
    yield line("#", "attack", "case", *columns)
    yield line(*["---"] * (3 + len(columns)))
    by_row: dict[int, list[Case]] = defaultdict(list)
    for case in cases:
        by_row[case.row].append(case)
    for row, attack in ROWS.items():
        for case in by_row[row]:
            yield line(row, attack, case.name, *(told(found[case.student]) for found in columns.values()))
        if row in COVERED:
            yield line(row, attack, "", *[""] * (len(columns) - 1), COVERED[row])


def summary(cases: Iterable[Case], columns: Columns) -> Iterable[str]:
    """One line for each kind of attack, with how many cases came to what."""
    known = list(cases)
    yield line("attack", "cases", *columns)
    yield line(*["---"] * (2 + len(columns)))
    for kind, rows in GROUPS.items():
        students = [case.student for case in known if case.row in rows]
        yield line(kind, len(students), *(counted(students, found) for found in columns.values()))


def line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def counted(students: Iterable[str], found: Mapping[str, Outcome]) -> str:
    kinds = Counter(found[student].kind for student in students)
    return ", ".join(f"{kind} {number}" for kind, number in kinds.most_common())


if __name__ == "__main__":
    main()
