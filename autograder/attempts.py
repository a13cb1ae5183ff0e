"""All that a student handed in, where the best submission counts: ``c.Engine.keep = "best"``.

Each is kept as it came, in ``.autograder/attempts/<assignment>/<student>/<digest>/``. When one comes, or a check is
changed, all are graded anew by the same checks, so that the best is the best of today. Of many, the latest are: each
may use a submission's time up. A number bounds them and no time, so that a busy machine gives the same scores.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course import STATE, Course
from autograder.files import writing
from autograder.kept import Kept
from autograder.submission import SECRET, Submission, read_submission
from autograder.times import parse_timestamp
from autograder.unit import Outcome

LATEST = 20  # submissions of one student that are graded


@dataclass(frozen=True)
class Attempts:
    """Of one assignment, whose notebooks have these names."""

    course: Course
    assignment: str
    names: Sequence[str]

    def add(self, student: str, files: Mapping[str, bytes]) -> None:
        """Keep one submission, notebooks and timestamp.txt by name."""
        folder = self._folder(student)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".") as part:
                new = Path(part, "new")
                new.mkdir()
                for name, content in files.items():
                    (new / name).write_bytes(content)
                read = read_submission(new, self.names, self.course.limits)
                digest = hashlib.sha256(f"{read.digest} {read.timestamp}".encode()).hexdigest()
                if not (folder / digest).exists():
                    os.rename(new, folder / digest)

    def of(self, student: str, current: Submission) -> tuple[list[Submission], bool]:
        """The latest, which are to be graded, the current submission last, and whether the student handed in more.

        Where the last counts, that alone.
        """
        if self.course.engine.keep == "last":
            return [current], False
        files = {f"{name}.ipynb": content for name, content in current.notebooks.items()}
        lines = {"timestamp.txt": current.timestamp, SECRET: current.secret}
        files |= {name: line.encode() for name, line in lines.items() if line}
        if current.notebooks:
            self.add(student, files)
        folders = sorted(self._folder(student).glob("[!.]*"), key=_came, reverse=True)
        read = (read_submission(path, self.names, self.course.limits) for path in folders)
        same = None, "", current.timestamp  # what was kept before its time was known is the current one, too
        others = (each for each in read if each.notebooks != current.notebooks or each.timestamp not in same)
        earlier = [*itertools.islice(others, LATEST)]
        if not earlier:
            return [current], False
        count, more = f"{len(earlier) + 1} times. The best submission counts", len(earlier) == LATEST
        if more:
            count = f"more than {LATEST} times. The latest {LATEST} are graded, the best of them counts"
        return [_told(each, count) for each in (*reversed(earlier[: LATEST - 1]), current)], more

    def count(self, student: str) -> int:
        """How many are kept."""
        return len([*self._folder(student).glob("[!.]*")])

    def _folder(self, student: str) -> Path:
        return self.course.root / STATE / "attempts" / self.assignment / student


def _came(folder: Path) -> tuple[str, int]:
    """When a submission that is kept was handed in, before all others if nobody knows; then when it was kept."""
    stamp = folder / "timestamp.txt"
    when = parse_timestamp(stamp.read_text("utf-8", "replace").strip()) if stamp.exists() else None
    return str(when or ""), folder.stat().st_mtime_ns


def _told(submission: Submission, count: str) -> Submission:
    one = f"the one of {submission.timestamp}" if submission.timestamp else "that one"
    note = f"You handed in {count}, and this page shows {one}."
    return replace(submission, findings=[*submission.findings, note])


def best(outcomes: Sequence[Outcome], kept: Mapping[str, Kept]) -> int:
    """Number of the outcome with most points, of equals the last; what people entered and lateness count."""
    return max(range(len(outcomes)), key=lambda number: (round(points(outcomes[number], kept), 6), number))


def points(outcome: Outcome, kept: Mapping[str, Kept]) -> float:
    """What a submission is worth: what people entered and lateness included."""
    total = 0.0
    for name, graded in outcome.graded.items():
        total += kept.get(name, Kept()).total(graded.scores) - (graded.late_penalty or 0.0)
    return total
