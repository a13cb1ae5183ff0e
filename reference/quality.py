"""How good is the grader? `python -m reference.quality [--long]` measures it and prints one summary.

Known mistakes caught, mutants killed, right answers passed, diagnoses right, smallest gap, and whether a class gets the
same scores each time. The short form takes samples, always the same: every sixteenth answer; 60 mutants an assignment;
for the gap the reference under four seeds and every fourth of the other answers under one; a third of the class, twice.
``--long`` takes all of them, under 200 seeds and 50 times. Exit code 1 on any miss.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reference import answers as all_answers
from reference import mutants, stability
from reference.course import ASSIGNMENTS, ROOT, positive

EVERY = 16
SAMPLE = 60  # mutants of an assignment
COUNTS = re.compile(r"^(right answers|mistakes|diagnoses) +(\d+) of (\d+)", re.MULTILINE)


def answers(assignment: str) -> list[dict[str, Any]]:
    """The short form's answers, for ``c.Answers.module``: every sixteenth."""
    return all_answers.answers(assignment)[::EVERY]


def validated(everything: bool) -> tuple[dict[str, tuple[int, int]], bool]:
    """What `autograder validate` counts over all assignments, and whether it found no miss."""
    good, reached, total = True, Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "source", Path(folder, "source"))
        settings = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
        module = "reference.answers" if everything else "reference.quality"
        Path(folder, "nbgrader_config.py").write_text(f'{settings}\nc.Answers.module = "{module}"\n', encoding="utf-8")
        for name in ASSIGNMENTS:
            command = [sys.executable, "-m", "autograder", "validate", name, "--course-dir", folder]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
            print(f"{name}\n{done.stdout}")
            good = good and done.returncode == 0
            for what, some, all_of_them in COUNTS.findall(done.stdout):
                reached[what] += int(some)
                total[what] += int(all_of_them)
    return {what: (reached[what], total[what]) for what in total}, good


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reference.quality", description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="all answers, all mutants, 200 seeds: hours")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args(arguments)
    counts, good = validated(options.long)
    verdicts = mutants.survey(ASSIGNMENTS, None if options.long else SAMPLE, options.jobs)
    good = mutants.report(verdicts, everything=options.long) and good
    seeds = stability.LONG_SEEDS if options.long else stability.SEEDS
    chosen = stability.trials(ASSIGNMENTS, seeds, options.long)
    gap = stability.report(stability.survey(chosen, options.jobs))
    good = (stability.repeated_scores(50) if options.long else stability.repeated_scores(2, one_in=3)) and good
    spared = [verdict for verdict in verdicts if not verdict.killer]
    equivalent = sum(verdict.equivalent for verdict in spared)
    print()
    for what, label in (
        ("mistakes", "known mistakes caught"),
        ("right answers", "right answers passed"),
        ("diagnoses", "diagnoses right"),
    ):
        reached, total = counts.get(what, (0, 0))
        print(f"{label:22} {reached} of {total}")
        good = good and reached == total > 0
    print(f"{'mutants killed':22} {len(verdicts) - len(spared)} of {len(verdicts) - equivalent}", end="")
    print(f", {equivalent} equivalent, {len(spared) - equivalent} survived")
    print(f"{'smallest gap':22} a factor of {gap:.0f}, at least {stability.MARGIN:g} is needed")
    return 0 if good and gap >= stability.MARGIN else 1


if __name__ == "__main__":
    sys.exit(main())
