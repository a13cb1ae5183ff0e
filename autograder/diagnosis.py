"""Names the known mistake behind a failed test.

The course's wrong answers are graded like submissions, once, and what their functions gave back during each test is
kept. A student whose values agree with a wrong answer's, from the first to the one where the test gave up, made that
mistake. What a wrong answer gives back by chance (unseeded random numbers) is found by running it twice.
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
        self._grade = grade
        self._cache = cache
        self._runs: dict[str, tuple[Run, Run]] = {}

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
        found = {test: self._sentence(test, student) for test in student.failed if test in self.owners}
        return {test: sentence for test, sentence in found.items() if sentence}

    def _sentence(self, test: str, student: Run) -> str:
        function = self.owners[test]
        suspects = [
            mistake
            for mistake in self.mistakes
            if function in (self._function(mistake), *mistake.also_costs) and self._shows(mistake, test, student)
        ]
        if len(suspects) > 1:  # alike in this test: what the other tests of the function saw tells them apart
            suspects = [
                mistake
                for mistake in suspects
                if all(
                    self._agrees(mistake, other, student)
                    for other, name in self.owners.items()
                    if name in (function, self._function(mistake))
                )
            ]
        sentences = {mistake.explanation for mistake in suspects}
        return sentences.pop() if len(sentences) == 1 else ""

    def _function(self, mistake: Answer) -> str:
        return own_function(self.assignment, mistake)

    def _shows(self, mistake: Answer, test: str, student: Run) -> bool:
        """Whether the mistake fails the test, and the student's values are its own and not those of a right answer."""
        if test not in self.runs(mistake)[0].failed or not self._agrees(mistake, test, student):
            return False
        wrong, right = self.runs(mistake), self.runs(None)
        return any(
            steady and (place >= len(right[0].events[test]) or not same(event, right[0].events[test][place]))
            for place, (event, steady) in enumerate(zip(wrong[0].events[test], _steady(wrong, test), strict=True))
        )

    def _agrees(self, mistake: Answer, test: str, student: Run) -> bool:
        runs = self.runs(mistake)
        known, seen = runs[0].events[test], student.events.get(test, ())
        return len(known) == len(seen) and all(
            same(a, b) if steady else a[0] == b[0]
            for a, b, steady in zip(known, seen, _steady(runs, test), strict=True)
        )

    def runs(self, answer: Answer | None) -> tuple[Run, Run]:
        """The tests of one answer (None: the reference) under two seeds."""
        name = answer.name if answer else REFERENCE
        if name not in self._runs:
            notebook, tests = self._notebook(answer)
            key = self._key(notebook)
            found = self._read(key)
            if found is None:
                first, second = (Run.of(self._grade(notebook, seed)) for seed in SEEDS)
                found = _complete(first, tests), _complete(second, tests)
                self._write(key, found)
            self._runs[name] = found
        return self._runs[name]

    def _notebook(self, answer: Answer | None) -> tuple[dict[str, Any], list[str]]:
        """What is graded for an answer: no demonstrations, and only the tests that it concerns; their grade ids."""
        cells = self.assignment.cells
        functions = {self._function(answer), *answer.also_costs} if answer else set(self.owners.values())
        tests = [test for test, function in self.owners.items() if function in functions]
        wanted = self.assignment.trusted | {
            cell.index for cell in cells if cell.kind in ("student", "manual") or cell.grade_id in tests
        }
        loads = set().union(*(cells[index].loads for index in wanted))
        given = [cell for cell in reversed(cells) if cell.kind == "given"]
        for cell in given:
            if cell.imports or cell.binds & loads:
                wanted |= {cell.index}
                loads |= cell.loads
        notebook, _ = repair(self.assignment, answered(self.assignment, answer))
        notebook["cells"] = [cell for cell in notebook["cells"] if cell["metadata"]["autograder"]["cell"] in wanted]
        return notebook, tests

    def _key(self, notebook: Mapping[str, Any]) -> str:
        parts = [autograder.__version__, np.__version__, json.dumps(notebook, sort_keys=True)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def _read(self, key: str) -> tuple[Run, Run] | None:
        with suppress(OSError, ValueError, TypeError):  # a damaged file is made anew
            if self._cache:
                first, second = json.loads((self._cache / f"{key}.json").read_bytes())
                return Run(**first), Run(**second)
        return None

    def _write(self, key: str, runs: tuple[Run, Run]) -> None:
        if self._cache is None:
            return
        with suppress(OSError):  # a full or read-only disk costs time, not the diagnosis
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._cache, suffix=".part", delete=False) as file:
                json.dump([asdict(run) for run in runs], file)
            os.replace(file.name, self._cache / f"{key}.json")


def _complete(run: Run, tests: Iterable[str]) -> Run:
    """The run with plain data alone, and an entry for each test."""
    return Run(sorted(run.failed), {test: list(run.events.get(test, ())) for test in tests})


def _steady(runs: tuple[Run, Run], test: str) -> list[bool]:
    """For each event of the first run, whether the second run has it too."""
    first, second = runs[0].events[test], runs[1].events[test]
    return [place < len(second) and same(event, second[place]) for place, event in enumerate(first)]
