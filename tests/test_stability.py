"""How far thresholds stand from both sides is measured on the checks themselves, and a gap that shrinks is told."""

from __future__ import annotations

import argparse
import math
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nbgrader.api import Gradebook

from normlab import checks, netcheck
from reference import assemble, benchmark, mutants, quality, stability
from reference.course import ASSIGNMENTS, Course
from reference.stability import (
    MARGIN,
    REFERENCE,
    SCORES,
    Measured,
    Trial,
    gauged,
    measure,
    part,
    report,
    seeded,
    survey,
    trials,
)

RIGHT = Trial("layernorm", REFERENCE, True, 0)
WRONG = Trial("layernorm", "some mistake", False, 3)


def told(*found: Measured) -> tuple[float, str]:
    lines: list[str] = []
    return report(found, lines.append), "\n".join(lines)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_right_answer_stays_ten_times_below_each_threshold(seed: int) -> None:
    quotients = measure(Trial("layernorm", REFERENCE, True, seed)).quotients
    assert quotients.keys() == Course("layernorm").checks.keys()
    assert 0 < max(quotients.values()) < 1 / MARGIN


def test_a_wrong_answer_is_measured_on_the_checks_of_its_own_function() -> None:
    course = Course("layernorm")
    mistake = next(mistake for mistake in course.mistakes if mistake.name == "forward_eps_default_1e_8")
    quotients = measure(Trial("layernorm", mistake.name, False, 0)).quotients
    assert {name.partition("__")[0] for name in quotients} == {"layernorm_forward"}
    assert MARGIN < quotients["layernorm_forward__defaults"] < math.inf
    assert quotients["layernorm_forward__example_by_hand"] < 1  # it says its eps


def test_the_comparison_is_the_checks_own_again_after_a_measurement() -> None:
    before = checks.require_within, vars(netcheck)["require_within"]
    measure(RIGHT)
    assert (checks.require_within, vars(netcheck)["require_within"]) == before
    with pytest.raises(AssertionError):
        checks.require_close("out", 1.0, 2.0, 1e-9)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_every_check_is_measured(name: str) -> None:
    quotients = measure(Trial(name, REFERENCE, True, 0)).quotients
    assert quotients.keys() == Course(name).checks.keys()
    assert [check for check, quotient in quotients.items() if not quotient < 1 / MARGIN] == []


def test_a_check_that_compares_nothing_is_an_error() -> None:
    gap, text = told(Measured(RIGHT, {"f__one": 0.0, "f__two": math.nan}), Measured(WRONG, {"f__one": 1e3}))
    assert gap == 0
    assert "not measured: f__two passes a right answer without a comparison" in text
    assert "f__one" not in text.split("not measured")[1]


def test_a_wrong_answer_that_is_compared_nowhere_leaves_no_gap() -> None:
    assert told(Measured(RIGHT, {"f__one": 0.0}), Measured(WRONG, {"f__one": math.nan}))[0] == 0


def test_equal_numbers_asked_for_are_measured_as_equal_or_not() -> None:
    with gauged() as gauge:
        checks.require_zero("out", np.zeros(2), 0.0)
        assert gauge.largest == 0
        checks.require_zero("out", np.full(2, 1e-300), 0.0)
        assert gauge.largest == math.inf


COMMANDS = (assemble.main, mutants.main, stability.main)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__module__)
def test_an_unknown_assignment_is_refused_in_a_sentence(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command(["layernorm", "nope"])
    assert ended.value.code == 2
    assert f"there is no assignment 'nope'; there are {', '.join(ASSIGNMENTS)}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (stability.main, "--seeds"),
        (stability.main, "--jobs"),
        (mutants.main, "--sample"),
        (benchmark.main, "--repeats"),
        (quality.main, "--jobs"),
    ],
)
def test_a_number_that_counts_nothing_is_refused(command: Any, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("0", "-3", "many"):
        with pytest.raises(SystemExit) as ended:
            command([option + "=" + wrong])
        assert ended.value.code == 2
        assert f"a whole number from 1 is needed, not {wrong!r}" in capsys.readouterr().err


def test_a_gap_that_shrinks_is_told_by_check_and_answer() -> None:
    gap, text = told(Measured(RIGHT, {"f__one": 0.02}), Measured(WRONG, {"f__one": 1e3, "f__two": 0.0}))
    assert gap == 50
    assert "too near" not in text
    gap, text = told(Measured(RIGHT, {"f__one": 0.25}), Measured(WRONG, {"f__one": 1e3}))
    assert gap == 4 < MARGIN
    assert "too near: f__one: right answers: a factor of 4.0" in text
    gap, text = told(Measured(RIGHT, {"f__one": 0.02}), Measured(WRONG, {"f__one": 3.0, "f__two": 0.5}))
    assert gap == 3 < MARGIN
    assert "too near: layernorm: some mistake, seed 3: a factor of 3.0" in text


def test_a_right_answer_that_fails_leaves_no_gap() -> None:
    gap, text = told(Measured(RIGHT, {"f__one": math.inf}))
    assert gap == 0
    assert "the reference, which is right, fails f__one, seed 0" in text


def test_a_check_is_shown_with_the_largest_right_and_the_smallest_wrong_quotient() -> None:
    rights = [Measured(RIGHT, {"f__one": quotient}) for quotient in (1e-4, 1e-3)]
    wrongs = [Measured(WRONG, {"f__one": quotient}) for quotient in (1e5, 1e4, 0.5)]
    assert "f__one 1.0e-03 1.0e+04" in " ".join(told(*rights, *wrongs)[1].split())


def test_the_short_form_has_the_reference_under_every_seed_and_a_fourth_of_the_other_answers_under_one() -> None:
    short, long = trials(ASSIGNMENTS, 4, every=False), trials(ASSIGNMENTS, 4, every=True)
    others = [len(Course(name).right_answers) + len(Course(name).mistakes) for name in ASSIGNMENTS]
    assert len(short) == len(set(short)) == 4 * len(ASSIGNMENTS) + sum((many + 3) // 4 for many in others)
    assert len(long) == len(set(long)) == 4 * (len(ASSIGNMENTS) + sum(others))
    references = [trial for trial in short if trial.answer == REFERENCE]
    assert {(trial.assignment, trial.seed) for trial in references} == set(product(ASSIGNMENTS, range(4)))
    for kind in (True, False):
        own = {trial.seed for trial in short if trial.right is kind and trial.answer != REFERENCE}
        assert own == set(range(4))


def test_the_parts_make_the_whole() -> None:
    assert part("2/8") == (2, 8)
    for wrong in ("0/8", "9/8", "3", "a/b", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="a part is K/N"):
            part(wrong)


def test_a_seed_moves_the_checks_generators_and_leaves_published_ones_alone() -> None:
    def drawn(seed: int, start: int) -> tuple[float, float]:
        with seeded(seed):
            np.random.seed(start)
            return np.random.default_rng(start).normal(), np.random.rand()

    assert drawn(0, 5) == drawn(0, 5)
    assert all(one != other for one, other in zip(drawn(0, 5), drawn(1, 5), strict=True))
    assert drawn(0, 231)[1] == drawn(7, 231)[1]


def test_a_survey_measures_with_one_blas_thread_and_with_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    found = survey([RIGHT, Trial("layernorm", REFERENCE, True, 1)], jobs=1)
    assert [each.trial.seed for each in found] == [0, 1]
    assert told(*found)[0] > MARGIN
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own
def test_scores_are_compared_check_by_check(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    with Gradebook(f"sqlite:///{path}") as gradebook:
        gradebook.add_assignment("a", duedate=datetime(2026, 3, 2, tzinfo=UTC))
        gradebook.add_notebook("n", "a")
        for name in ("f__two", "f__one"):
            gradebook.add_grade_cell(name, "n", "a", max_score=2, cell_type="code")
        gradebook.add_student("ann")
        gradebook.add_submission("a", "ann")
        gradebook.find_grade("f__one", "n", "a", "ann").auto_score = 1.5
        gradebook.db.commit()
    with closing(sqlite3.connect(path)) as connection:
        assert list(connection.execute(SCORES)) == [("ann", "f__one", 1.5), ("ann", "f__two", None)]
