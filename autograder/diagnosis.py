"""Names the known mistake behind a failed test.

The course's wrong answers are graded like submissions, once, and what their functions gave back during each test is
kept. A student whose values agree with a wrong answer's, from the first to the one where the test gave up, made that
mistake. Values that depend on random numbers which a test does not seed differ between two runs of the reference, and
are not compared.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import autograder
from autograder.answers import Answer, answered, concerns, own_function, owner
from autograder.assignment import Assignment
from autograder.errors import AutograderError
from autograder.recording import Event, same
from autograder.repair import repair
from autograder.results import Judged

REFERENCE = "the reference"
SEEDS = (1, 2)
FAILED = ("failed", "partial")


@dataclass(frozen=True)
class Run:
    """One notebook's tests, by grade id: which failed, and what the student's code gave back in each."""

    failed: Collection[str]
    events: Mapping[str, Sequence[Event]]

    @classmethod
    def of(cls, judged: Judged) -> Run:
        return cls([name for name, check in judged.checks.items() if check.status in FAILED], judged.events)


Grade = Callable[[dict[str, Any], int], Judged]
"""Grades a repaired notebook and records; the seed is for the random numbers that its tests do not seed."""


class Diagnosis:
    """The known mistakes of one notebook. They are run when a test of their function fails for the first time."""

    def __init__(
        self, assignment: Assignment, answers: Iterable[Answer], grade: Grade, cache: Path | None = None
    ) -> None:
        """``cache``: a folder of the instructor's in which runs are kept; without one they are kept in memory."""
        self.assignment = assignment
        self.owners = {test.grade_id: owner(assignment, test) for test in assignment.tests if test.grade_id}
        self.mistakes = [answer for answer in answers if not answer.right and concerns(assignment, answer)]
        self._notebook = json.dumps(assignment.notebook, sort_keys=True)
        self._grade = grade
        self._cache = cache
        self._runs: dict[tuple[str, int], Run] = {}
        self._chance: dict[str, set[tuple[int, str]]] = {}

    def annotate(self, judged: Judged) -> None:
        """Name the known mistakes behind the failures. The scores are final, and no trouble here changes them."""
        if not judged.events:
            return
        try:
            for test, sentence in self.explain(Run.of(judged)).items():
                judged.checks[test].diagnosis = sentence
        except AutograderError as error:
            judged.flags.append(f"The failures could not be compared with the known mistakes: {error}")
        judged.events = {}

    def explain(self, student: Run) -> dict[str, str]:
        """The sentence of the one known mistake that each failed test shows; tests without one are left out."""
        failed = [test for test in student.failed if test in self.owners]
        suspects = {
            mistake.name: {test for test in tests if self._shows(mistake, test, student)}
            for mistake in self.mistakes
            if (tests := [test for test in failed if self.owners[test] in self._functions(mistake)])
            and self.run(mistake, tests)  # all at once
        }
        found = {}
        for test in failed:
            alike = [mistake for mistake in self.mistakes if test in suspects.get(mistake.name, ())]
            if len(alike) > 1:  # what the other tests of the function saw tells them apart
                alike = [mistake for mistake in alike if self._agrees_elsewhere(mistake, test, student)]
            sentences = {mistake.explanation for mistake in alike}
            if len(sentences) == 1:
                found[test] = sentences.pop()
        return found

    def _functions(self, mistake: Answer) -> set[str]:
        return {own_function(self.assignment, mistake), *mistake.also_costs}

    def _shows(self, mistake: Answer, test: str, student: Run) -> bool:
        """Whether the mistake fails the test, and the student's values are its own and not those of a right answer."""
        wrong = self.run(mistake, [test])
        seen = student.events.get(test, ())
        return (
            test in wrong.failed
            and self._agree(test, wrong.events[test], seen)
            and not self._agree(test, self.run(None, [test]).events[test], seen)
        )

    def _agrees_elsewhere(self, mistake: Answer, test: str, student: Run) -> bool:
        functions = (self.owners[test], own_function(self.assignment, mistake))
        others = [other for other, function in self.owners.items() if function in functions]
        known = self.run(mistake, others)
        return all(self._agree(other, known.events[other], student.events.get(other, ())) for other in others)

    def _agree(self, test: str, known: Sequence[Event], seen: Sequence[Event]) -> bool:
        chance = self._by_chance(test)
        return len(known) == len(seen) and all(
            one[0] == other[0] and (same(one, other) or (place, one[0]) in chance)
            for place, (one, other) in enumerate(zip(known, seen, strict=True))
        )

    def _by_chance(self, test: str) -> set[tuple[int, str]]:
        """Places and labels of the values that depend on random numbers which the test does not seed."""
        if test not in self._chance:
            first, again = (self.run(None, [test], seed).events[test] for seed in SEEDS)
            self._chance[test] = {
                (place, event[0])
                for place, event in enumerate(first)
                if not (place < len(again) and same(event, again[place]))
            }
        return self._chance[test]

    def run(self, answer: Answer | None, tests: Collection[str], seed: int = SEEDS[0]) -> Run:
        """An answer's run (None: the reference's) that holds these tests at least."""
        known = self._known(answer, seed)
        missing = [test for test in tests if test not in known.events]
        if missing:
            notebook, _ = repair(self.assignment, answered(self.assignment, answer, demonstrations=False))
            left_out = self.owners.keys() - self._with_what_they_read(missing)
            notebook["cells"] = [
                cell
                for cell in notebook["cells"]
                if cell["metadata"].get("nbgrader", {}).get("grade_id") not in left_out
            ]
            self.learn(answer, self._grade(notebook, seed), missing, seed)
        return self._known(answer, seed)

    def learn(self, answer: Answer | None, judged: Judged, tests: Iterable[str], seed: int = SEEDS[0]) -> None:
        """Keep what these tests recorded in a run of an answer's notebook."""
        run, known = Run.of(judged), self._known(answer, seed)
        events = {test: list(run.events.get(test, ())) for test in tests}
        kept = Run(sorted({*known.failed, *(set(run.failed) & events.keys())}), {**known.events, **events})
        self._runs[answer.name if answer else REFERENCE, seed] = kept
        self._write(self._key(answer, seed), kept)

    def _known(self, answer: Answer | None, seed: int) -> Run:
        name = answer.name if answer else REFERENCE
        if (name, seed) not in self._runs:
            self._runs[name, seed] = self._read(self._key(answer, seed)) or Run((), {})
        return self._runs[name, seed]

    def _with_what_they_read(self, tests: Iterable[str]) -> set[str]:
        """These tests and those before them that bind names for them."""
        wanted = set(tests)
        loads: frozenset[str] = frozenset()
        for cell in reversed(self.assignment.tests):
            if cell.grade_id and (cell.grade_id in wanted or cell.binds & loads):
                wanted.add(cell.grade_id)
                loads |= cell.loads
        return wanted

    def _key(self, answer: Answer | None, seed: int) -> str:
        parts = [autograder.__version__, np.__version__, str(seed), answer.source if answer else "", self._notebook]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def _read(self, key: str) -> Run | None:
        with suppress(OSError, ValueError, TypeError):  # a damaged file is made anew
            if self._cache:
                return Run(**json.loads((self._cache / f"{key}.json").read_bytes()))
        return None

    def _write(self, key: str, run: Run) -> None:
        if self._cache is None:
            return
        with suppress(OSError):  # a full or read-only disk costs time, not the diagnosis
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._cache, suffix=".part", delete=False) as file:
                json.dump(asdict(run), file)
            os.replace(file.name, self._cache / f"{key}.json")
