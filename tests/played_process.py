"""Student processes that are played in the process of the test, and notebooks judged with them."""

from __future__ import annotations

import copy
import linecache
import sys
from collections.abc import Callable
from typing import Any

import pytest

from autograder.assignment import Assignment
from autograder.exceptions import CellTimeout, StudentDied
from autograder.judge import Judge
from autograder.limits import Limits
from autograder.recording import Recorder
from autograder.results import Judged
from tests import course_factory as factory

Cells = list[dict[str, Any]]


class Process:
    """Plays a student's process: its cells run here, and an error of theirs is one of the process itself."""

    def __init__(self, generation: int) -> None:
        self.values: dict[str, Any] = {"process": self, "generation": generation}
        self.ran: list[tuple[str, int]] = []
        self.asked: list[str] = []
        self.fetched = 0
        self.told: list[bool] = []
        self.dead: str | None = None
        self.figures_open = False
        self.bindings: Any = None
        self.recorder: Recorder | None = None

    def run(self, source: str, number: int) -> None:
        self.ran.append((source, number))
        exec(source, self.values)

    def names(self, wanted: list[str]) -> dict[str, Any]:
        self.fetched += 1
        assert wanted == sorted(wanted)
        return {name: self.values[name] for name in wanted if name in self.values}

    def tell_bindings(self) -> None:
        self.told.append(self.bindings is not None)

    def request(self, operation: str) -> None:
        self.asked.append(operation)

    def die(self, reason: str) -> None:
        self.dead = self.dead or reason


class Life:
    """Plays the processes of one notebook, one after the other; a new one runs the steps first."""

    cpu_seconds = 100.0
    outside = "from outside"

    def __init__(self, *arguments: Any) -> None:
        self.server, self.limits, self.emit, self.recorder, self.python_random = arguments
        self.steps: list[Callable[[Any], Any]] = []
        self.deaths: list[str] = []
        self.processes = [Process(1)]
        self.ended = False
        self.shares: list[float] = []

    def guarded(self, action: Callable[[Any], Any], share: float = 1.0) -> str | None:
        self.shares.append(share)
        if self.processes[-1].dead:
            self.processes.append(Process(len(self.processes) + 1))
            for step in list(self.steps):
                try:
                    step(self.processes[-1])
                except (StudentDied, CellTimeout):
                    self.steps.remove(step)
        process = self.processes[-1]
        process.values["emit"] = self.emit
        try:
            action(process)
        except (StudentDied, CellTimeout) as death:
            process.die(str(death))
        if process.dead:
            self.deaths.append(process.dead)
        return process.dead

    def end(self) -> None:
        self.ended = True


def notebook(cells: Cells) -> factory.Notebook:
    return {"cells": copy.deepcopy(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def a_judge(source: Cells, submitted: Cells | None = None, **options: Any) -> Judge:
    limits = options.pop("limits", Limits())
    submission = notebook(source if submitted is None else submitted)
    return Judge(Assignment("n", notebook(source)), submission, limits, "server", **options)  # type: ignore[arg-type]


def life_of(judge: Judge) -> Life:
    assert isinstance(judge.life, Life)
    return judge.life


def judged(source: Cells, submitted: Cells | None = None, **options: Any) -> Judged:
    return a_judge(source, submitted, **options).run(0)


def given(name: str, source: str, **marks: Any) -> dict[str, Any]:
    return factory.cell("code", name, source, **marks)


def answer(source: str, name: str = "answer") -> dict[str, Any]:
    return factory.cell("code", name, source, solution=True)


def check(name: str, source: str, points: float = 2) -> dict[str, Any]:
    return factory.cell("code", name, source, grade=True, locked=True, points=points)


def verdicts(judged: Judged) -> dict[str, tuple[str, float | None, float, str]]:
    return {name: (each.status, each.score, each.points, each.message) for name, each in judged.checks.items()}


def shown(judged: Judged, place: int) -> list[tuple[str, Any]]:
    """(kind, what it says) of each output of one cell."""
    items = judged.notebook["cells"][place]["outputs"]
    return [(each["output_type"], each.get("text") or each.get("ename") or each["data"]) for each in items]


def play(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges have processes that are played, for the length of a test."""
    monkeypatch.setattr("autograder.judge.Life", Life)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(linecache, "cache", dict(linecache.cache))
