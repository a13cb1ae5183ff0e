"""Names the known mistake behind a failed test.

The course's wrong answers are graded like submissions, once, and what their functions gave back during each test is
kept. A student whose values agree with a wrong answer's, from the first to the one where the test gave up, made that
mistake. Where no answer agrees as a whole, what was written into arguments does not count: who begins with what is
returned is told as well. What stays in the student's process, such as a cache, is not seen: anything may stand in its
place, None too. Values that depend on random numbers which a test does not seed differ between two runs of the
reference, and are not compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import autograder
from autograder.answers import Answer, answered, concerns, own_function
from autograder.assignment import Assignment
from autograder.errors import AutograderError
from autograder.recording import CHANGED, UNSEEN, Event, same
from autograder.repair import repair
from autograder.results import Judged
from autograder.runs import Run, Runs

SEEDS = (1, 2)

Grade = Callable[[dict[str, Any], int], Judged]
"""Grades a repaired notebook and records; the seed is for the random numbers that its tests do not seed."""

Known = tuple[Answer | None, int]
"""A known answer, None for the reference, and the seed of its run."""


class Disturbed(AutograderError):
    """Something outside came between in the run of a known answer; the next one may go through."""


class Diagnosis:
    """The known mistakes of one notebook. They are run when a test of their function fails for the first time."""

    def __init__(
        self,
        assignment: Assignment,
        answers: Iterable[Answer],
        grade: Grade,
        cache: Path | None = None,
        at_work: Callable[[bool], None] = lambda yes: None,
    ) -> None:
        """``cache``: a folder of the instructor's, shared by all who grade; without one runs are kept in memory.

        ``at_work``: called before and after each run of a known answer.
        """
        self.assignment = assignment
        self.owners = {test.grade_id: assignment.owner(test) for test in assignment.tests if test.grade_id}
        self.mistakes = [answer for answer in answers if not answer.right and concerns(assignment, answer)]
        self._notebook = hashlib.sha256(json.dumps(assignment.notebook, sort_keys=True).encode()).hexdigest()
        self._grade = grade
        self._at_work = at_work
        self._runs = Runs(cache)
        self._disturbed: list[Known] = []
        self._chance: dict[tuple[str, bool], set[tuple[int, str]]] = {}

    def annotate(self, judged: Judged) -> None:
        """Name the known mistakes behind the failures. The scores are final, and no trouble here changes them."""
        if not judged.events:
            return
        try:
            for test, sentence in self.explain(Run.of(judged)).items():
                judged.checks[test].diagnosis = sentence
        except Exception as error:
            judged.flags.append(f"The failures could not be compared with the known mistakes: {error}")
            if isinstance(error, Disturbed):
                judged.outside = judged.outside or str(error)
        judged.events = {}

    def explain(self, student: Run) -> dict[str, str]:
        """The sentence of the one known mistake that each failed test shows; tests without one are left out."""
        failed = [test for test in student.failed if test in self.owners]
        concerned = [mistake for mistake in self.mistakes if any(self._may_fail(mistake, test) for test in failed)]
        if not concerned:
            return {}
        self._run_all([(None, seed) for seed in SEEDS] + [(mistake, SEEDS[0]) for mistake in concerned])
        found = {}
        for test in failed:
            # What is not yet written into arguments must not hide what was returned.
            alike = self._alike(concerned, test, student, True) or self._alike(concerned, test, student, False)
            sentences = {mistake.explanation for mistake in alike}
            if len(sentences) == 1:
                found[test] = sentences.pop()
        return found

    def _alike(self, mistakes: Iterable[Answer], test: str, student: Run, changes: bool) -> list[Answer]:
        """The mistakes whose values are the student's; ``changes``: also those written into arguments."""
        alike = [mistake for mistake in mistakes if self._shows(mistake, test, student, changes)]
        if len(alike) > 1:  # what the other tests of the function saw tells them apart
            alike = [mistake for mistake in alike if self._agrees_elsewhere(mistake, test, student, changes)]
        return alike

    def _may_fail(self, mistake: Answer, test: str) -> bool:
        """Whether a test is about the mistake's function, or about another that the mistake is known to cost."""
        places = {own_function(self.assignment, mistake), *mistake.also_costs}
        return test in places or self.owners[test] in places

    def _shows(self, mistake: Answer, test: str, student: Run, changes: bool) -> bool:
        """Whether the mistake fails the test, and the student's values are its own and not those of a right answer."""
        if not self._may_fail(mistake, test):
            return False
        wrong, seen = self.run((mistake, SEEDS[0]), [test]), student.events.get(test, ())
        return (
            test in wrong.failed
            and self._agree(test, wrong.events[test], seen, changes)
            and not self._agree(test, self.run((None, SEEDS[0]), [test]).events[test], seen, changes)
        )

    def _agrees_elsewhere(self, mistake: Answer, test: str, student: Run, changes: bool) -> bool:
        functions = (self.owners[test], own_function(self.assignment, mistake))
        others = [other for other, function in self.owners.items() if function in functions]
        known = self.run((mistake, SEEDS[0]), others)
        return all(self._agree(other, known.events[other], student.events.get(other, ()), changes) for other in others)

    def _agree(self, test: str, known: Sequence[Event], seen: Sequence[Event], changes: bool) -> bool:
        chance = self._by_chance(test, changes)
        known, seen = _compared(known, changes), _compared(seen, changes)
        return len(known) == len(seen) and all(
            one[0] == other[0] and (one[1] == UNSEEN or same(one, other) or (place, one[0]) in chance)
            for place, (one, other) in enumerate(zip(known, seen, strict=True))
        )

    def _by_chance(self, test: str, changes: bool) -> set[tuple[int, str]]:
        """Places and labels of the values that depend on random numbers which the test does not seed."""
        if (test, changes) not in self._chance:
            first, again = (_compared(self.run((None, seed), [test]).events[test], changes) for seed in SEEDS)
            self._chance[test, changes] = {
                (place, event[0])
                for place, event in enumerate(first)
                if not (place < len(again) and same(event, again[place]))
            }
        return self._chance[test, changes]

    def _run_all(self, wanted: Iterable[Known]) -> None:
        """Each with all tests that it may fail, once, whatever the number of graders: they share the work."""
        others = [known for known in wanted if not self._try(known, self._tests(known[0]), wait=False)]
        for known in others:
            self._try(known, self._tests(known[0]), wait=True)

    def _tests(self, answer: Answer | None) -> list[str]:
        return [test for test in self.owners if answer is None or self._may_fail(answer, test)]

    def run(self, known: Known, tests: Collection[str]) -> Run:
        """A run that holds these tests at least."""
        self._try(known, tests, wait=True)
        return self._runs.get(self._key(known))

    def _try(self, known: Known, tests: Collection[str], wait: bool) -> bool:
        """Have these tests run, by another grader perhaps; False where that one is at it still."""
        key = self._key(known)
        if not _missing(tests, self._runs.get(key)):
            return True
        self._at_work(True)
        try:
            with self._runs.claimed(key, wait) as mine:
                if mine and (missing := _missing(tests, self._runs.get(key))):
                    self._at_work(True)  # the time that another grader took was not this run's
                    self.learn(known, self._grade(self._notebook_with(known[0], missing), known[1]), missing)
            return mine
        finally:
            self._at_work(False)

    def learn(self, known: Known, judged: Judged, tests: Collection[str]) -> None:
        """Keep what these tests recorded in a run of an answer's notebook; raises Disturbed.

        The run of a mistake that is disturbed once more is kept as it is, though for this grader alone: else each
        submission that fails would wait for it.
        """
        if judged.outside and known not in self._disturbed:
            name = known[0].name if known[0] else "the reference"
            self._disturbed += [known] if known[0] else []
            raise Disturbed(f"the run of {name} was disturbed ({judged.outside}); run the command again")
        self._runs.add(self._key(known), Run.of(judged), tests, share=not judged.outside)

    def _notebook_with(self, answer: Answer | None, tests: Collection[str]) -> dict[str, Any]:
        """The notebook of an answer without the tests that these do not need."""
        notebook, _ = repair(self.assignment, answered(self.assignment, answer, demonstrations=False))
        left_out = self.owners.keys() - self._with_what_they_need(tests)
        notebook["cells"] = [
            cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") not in left_out
        ]
        return notebook

    def _with_what_they_need(self, tests: Iterable[str]) -> set[str]:
        """These tests and those before them that they need.

        That is those that bind names for them, and those of the functions that they use: a test may ask what the tests
        of a function found (``normlab.normcheck.found_right``), and calls it more often if it was right.
        """
        wanted = set(tests)
        loads: frozenset[str] = frozenset()
        for cell in reversed(self.assignment.tests):
            if cell.grade_id and (cell.grade_id in wanted or {*cell.binds, self.owners[cell.grade_id]} & loads):
                wanted.add(cell.grade_id)
                loads |= cell.loads
        return wanted

    def _key(self, known: Known) -> str:
        answer, seed = known
        source = answer.source if answer else ""
        return "\0".join([autograder.__version__, np.__version__, str(seed), source, self._notebook])


def _compared(events: Sequence[Event], changes: bool) -> Sequence[Event]:
    return events if changes else [event for event in events if not event[0].startswith(CHANGED)]


def _missing(tests: Iterable[str], run: Run) -> list[str]:
    return [test for test in tests if test not in run.events]
