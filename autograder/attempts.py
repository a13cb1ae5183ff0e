"""All that a student handed in, where the best submission counts: ``c.Engine.keep = "best"``.

Each is kept as it came, in ``.autograder/attempts/<assignment>/<student>/<digest>/``. When one comes, or a check is
changed, all are graded anew by the same checks, so that the best is the best of today.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course import STATE, Course, parse_timestamp
from autograder.files import writing
from autograder.kept import Kept
from autograder.submission import SECRET, Submission, read_submission
from autograder.unit import Outcome


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

    def of(self, student: str, current: Submission) -> list[Submission]:
        """Everything that is to be graded, the current submission last; where the last counts, that alone."""
        if self.course.engine.keep == "last":
            return [current]
        files = {f"{name}.ipynb": content for name, content in current.notebooks.items()}
        lines = {"timestamp.txt": current.timestamp, SECRET: current.secret}
        files |= {name: line.encode() for name, line in lines.items() if line}
        if current.notebooks:
            self.add(student, files)
        folders = sorted(self._folder(student).glob("[!.]*"))
        read = (read_submission(path, self.names, self.course.limits) for path in folders)
        same = None, "", current.timestamp  # what was kept before its time was known is the current one, too
        earlier = [each for each in read if each.notebooks != current.notebooks or each.timestamp not in same]
        earlier.sort(key=lambda each: str(parse_timestamp(each.timestamp) or ""))
        if not earlier:
            return [current]
        return [_told(each, len(earlier) + 1) for each in (*earlier, current)]

    def count(self, student: str) -> int:
        """How many are kept."""
        return len([*self._folder(student).glob("[!.]*")])

    def _folder(self, student: str) -> Path:
        return self.course.root / STATE / "attempts" / self.assignment / student


def _told(submission: Submission, count: int) -> Submission:
    one = f"the one of {submission.timestamp}" if submission.timestamp else "that one"
    note = f"You handed in {count} times. The best submission counts, and this page shows {one}."
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
