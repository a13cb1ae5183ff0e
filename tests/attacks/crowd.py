"""A large class, one in ten hostile, in one run: ``python -m tests.attacks.crowd [--size 10000]``.

The attacks come in turn, all of them again and again. The run ends by itself, no attack gets more than its row allows,
nothing is left behind, and honest submissions have the scores and outputs of a class without hostile ones.
``test_crowd.py`` is the short form.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from autograder.grade import grade
from reference.course import positive
from tests.attacks.cases import Case, all_cases, submit
from tests.attacks.forms import Alone, Graded, Traces, adopt_orphans, faults, graded_batch, honest, use_private_home
from tests.attacks.lesson import ANSWERS, make, work
from tests.course_factory import NAME

ONE_IN = 10
KINDS: tuple[dict[str, Any], ...] = (
    {"target": ANSWERS["target"], "demo": "print('shown:', target(3.0))"},
    {},  # the target is wrong
    {"target": ANSWERS["target"], "last": "def last(x):\n    return x"},
    {"target": ANSWERS["target"], "demo": "print(target(np.arange(3.0)))\n1 / 0"},
)
NEIGHBORS = [f"{place:02d}-honest" for place in (0, 11, 22, 33, 44, 55)]  # whom some attacks look for


def seen(graded: Graded) -> tuple[Any, ...]:
    """What is the same whenever a submission is graded."""
    return dict(graded.scores), graded.outputs(tests=True), graded.record["deaths"], graded.record["flags"]


def hand_in_honest(root: Path, names: Iterable[str]) -> dict[str, int]:
    """Honest submissions of all kinds in turn; the kind of each."""
    kinds = {name: number % len(KINDS) for number, name in enumerate(names)}
    for name, kind in kinds.items():
        submit(root, name, work(**KINDS[kind]))
    return kinds


def crowd(folder: Path, size: int, jobs: int | None = None, every: int = 1) -> list[str]:
    """What went wrong, one sentence each; of the attacks one in ``every`` takes part."""
    alone = make(folder / "alone")
    kinds = hand_in_honest(alone, [f"kind{number}" for number in range(len(KINDS))])
    grade(NAME, alone, jobs=1)
    wanted = {kinds[name]: seen(graded) for name, graded in graded_batch(alone).items()}

    root, home, cases = make(folder / "course"), folder / "home", list(all_cases())[::every]
    home.mkdir()
    for name in NEIGHBORS:
        honest(root, name)
    hostile: dict[str, Case] = {}
    for number in range(0, size, ONE_IN):
        case = cases[number // ONE_IN % len(cases)]
        name = f"{number:05}-{case.student}"
        case.hand_in(root, name)
        hostile[name] = case
    kinds = hand_in_honest(root, [f"{number:05}" for number in range(size) if number % ONE_IN])
    adopt_orphans(True)
    with pytest.MonkeyPatch.context() as patched:
        use_private_home(patched, home)
        Alone(root).slot.kill()  # libraries put caches of their own into a new home
        traces = Traces([home, root / "source"])
        summary = grade(NAME, root, jobs=jobs)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # before all pages are read below
        left = traces.left(60.0)
    adopt_orphans(False)

    graded = graded_batch(root)
    found = [f"left behind: {trace}" for trace in left]
    found += [f"{name}: {fault}" for name, case in hostile.items() for fault in faults(case, graded[name])]
    found += [
        f"{name} is not graded as without hostile ones" for name in kinds if seen(graded[name]) != wanted[kinds[name]]
    ]
    if (summary.graded, summary.failed) != (len(graded), 0) or len(graded) != len(kinds | hostile) + len(NEIGHBORS):
        found.append(f"{summary.graded} graded, {summary.failed} failed, {len(graded)} known")
    print(
        f"{len(kinds)} honest and {len(hostile)} hostile submissions ({len(cases)} attacks in turn) in "
        f"{summary.seconds:.0f} s; the grader's peak memory {memory:.0f} MiB; {len(found)} faults"
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.crowd", description=__doc__)
    parser.add_argument("--size", type=positive, default=10_000)
    parser.add_argument("--jobs", type=positive)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crowd-", ignore_cleanup_errors=True) as folder:
        found = crowd(Path(folder), options.size, options.jobs)
        subprocess.run(["rm", "-rf", folder], check=True)  # deeper than Python's own remover goes
    if found:
        raise SystemExit("\n".join(found[:50]))


if __name__ == "__main__":
    main()
