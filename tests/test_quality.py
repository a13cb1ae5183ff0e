"""One command says how good the grader is; whatever it finds wrong makes its exit code 1."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.validate import BLANK, REFERENCE, Result, Validation
from autograder.validation_report import report
from reference import answers as all_answers
from reference import mutants, quality, stability
from reference.mutants import Mutant, Verdict

GOOD = {"mistakes": (5, 5), "right answers": (4, 4), "diagnoses": (5, 5)}
KILLED = Verdict(Mutant("batchnorm", "f", "a", "b", 1, "text"), "f__check", False)
SPARED = Verdict(Mutant("batchnorm", "f", "a", "c", 1, "text"), "", False)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the parts find, to be changed by a test; none of them is run."""
    parts: dict[str, Any] = {"counts": GOOD, "no miss": True, "verdicts": [KILLED], "gap": 50.0, "same": True}
    monkeypatch.setattr(quality, "validated", lambda everything: (parts["counts"], parts["no miss"]))
    monkeypatch.setattr(mutants, "survey", lambda *_: parts["verdicts"])
    monkeypatch.setattr(stability, "survey", lambda *_: [])
    monkeypatch.setattr(stability, "report", lambda _: parts["gap"])
    monkeypatch.setattr(stability, "repeated_scores", lambda *_, **__: parts["same"])
    return parts


def test_a_good_grader_is_summed_up_and_exits_with_0(found: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert quality.main([]) == 0
    assert capsys.readouterr().out.splitlines()[-5:] == [
        "known mistakes caught  5 of 5",
        "right answers passed   4 of 4",
        "diagnoses right        5 of 5",
        "mutants killed         1 of 1, 0 equivalent, 0 survived",
        "smallest gap           a factor of 50, at least 10 is needed",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"counts": GOOD | {"mistakes": (4, 5)}},
        {"counts": GOOD | {"right answers": (3, 4)}},
        {"counts": GOOD | {"diagnoses": (0, 5)}},
        {"counts": {}},
        {"no miss": False},
        {"verdicts": [KILLED, SPARED]},
        {"gap": 9.9},
        {"same": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_thing_that_is_wrong_makes_the_exit_code_1(found: dict[str, Any], change: dict[str, Any]) -> None:
    found |= change
    assert quality.main([]) == 1


def test_the_counts_are_read_from_what_validate_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Validation([], [], [], {}, {REFERENCE: Result(), BLANK: Result()}, {})
    printed = "\n".join(report(nothing)).replace("0 of 0", "2 of 3")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=printed, returncode=1))
    counts, good = quality.validated(everything=False)
    assert counts == {"right answers": (6, 9), "mistakes": (6, 9), "diagnoses": (6, 9)}
    assert not good


def test_the_short_form_takes_every_sixteenth_answer() -> None:
    short, whole = quality.answers("layernorm"), all_answers.answers("layernorm")
    assert short == whole[::16]
    assert {answer["right"] for answer in short} == {True, False}
