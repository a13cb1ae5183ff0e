"""A failed test names the one known mistake that the student made, and no other.

The engine's own recording is tried in tests/test_validate.py; here the tests run in this process.
"""

from __future__ import annotations

import itertools
import multiprocessing
import textwrap
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.answers import Answer, answered, read_answers
from autograder.assignment import Assignment
from autograder.course import Course
from autograder.diagnosis import Diagnosis
from autograder.errors import WorkerError
from autograder.recording import Recorder, events
from autograder.repair import repair
from autograder.results import CheckResult, Judged
from autograder.runs import Run
from autograder.unit import Setup
from autograder.worker import Worker
from reference.course import ROOT
from tests import course_factory as factory

MEAN = "def mean(x):\n    return x.sum() / x.size"
SPREAD = "def spread(x):\n    return ((x - mean(x)) ** 2).sum() / x.size"
TESTS = {
    "mean__small": "assert abs(mean(np.array([1.0, 2.0, 6.0])) - 3) < 1e-9",
    "mean__one": "assert mean(np.array([5.0])) == 5",
    "spread__small": "assert abs(spread(np.array([1.0, 2.0, 6.0])) - 14 / 3) < 1e-9",
    "spread__random": "noise = np.random.randn(4)\nassert abs(spread(noise) - noise.var()) < 1e-9",
}


def wrong(name: str, source: str, function: str, **also_costs: str) -> Answer:
    return Answer(name, False, source, f"It is {name}.", function, also_costs)


MISTAKES = [
    wrong("half", MEAN.replace("x.size", "2"), "mean", spread="it is built on mean"),
    wrong("constant", "def mean(x):\n    return 4.5", "mean", spread="it is built on mean"),
    wrong("sample", SPREAD.replace("x.size", "(x.size - 1)"), "spread"),
    wrong("root", SPREAD.replace("return ", "return np.sqrt(").replace("x.size", "x.size)"), "spread"),
    wrong("crash", "def spread(x):\n    return x.no_such_thing", "spread"),
    wrong("chance", "def spread(x):\n    return np.random.randn()", "spread"),
]


def cell(source: str, grade_id: str | None = None, points: int = 0) -> dict[str, Any]:
    solution = bool(grade_id) and not points
    marks = {"grade_id": grade_id, "solution": solution, "grade": points > 0, "points": points, "locked": not solution}
    made = {"cell_type": "code", "id": grade_id or f"c{len(source)}", "source": source, "outputs": []}
    return made | {"metadata": {"nbgrader": marks} if grade_id else {}, "execution_count": None}


@pytest.fixture
def assignment() -> Assignment:
    return small_assignment()


def small_assignment() -> Assignment:
    cells = [cell("import numpy as np"), cell(MEAN, "mean"), cell("1 / 0  # a demonstration"), cell(SPREAD, "spread")]
    cells += [cell(source, name, 1) for name, source in TESTS.items()]
    return Assignment("a", {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


class Here:
    """Runs a notebook's cells in this process and records the calls of tests."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, notebook: dict[str, Any], seed: int) -> Judged:
        self.runs += 1
        np.random.seed(seed)
        names: dict[str, Any] = {}
        recorder = Recorder()
        judged = Judged(notebook)

        def recording(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any) -> Any:
                try:
                    value = function(*arguments)
                except Exception as error:
                    recorder.note(f"call {function.__name__} raised", (type(error).__name__, str(error)))
                    raise
                recorder.note(f"call {function.__name__}", value)
                return value

            return call

        for each in notebook["cells"]:
            grade_id = each["metadata"].get("nbgrader", {}).get("grade_id")
            if grade_id not in TESTS:
                exec(each["source"], names)
                continue
            wrapped = {name: recording(names[name]) for name in ("mean", "spread")}
            try:
                exec(each["source"], {"np": np} | wrapped)
            except Exception:
                judged.checks[grade_id] = CheckResult("failed", 1, 0)
            judged.events[grade_id] = events(recorder.take())
        return judged


def run(assignment: Assignment, source: str, seed: int = 5) -> Run:
    notebook, _ = repair(assignment, answered(assignment, Answer("student", True, source)))
    notebook["cells"] = [each for each in notebook["cells"] if "1 / 0" not in each["source"]]
    return Run.of(Here()(notebook, seed))


@pytest.mark.parametrize("mistake", [each for each in MISTAKES if each.name != "chance"], ids=lambda each: each.name)
def test_each_known_mistake_is_named_by_its_own_sentence(assignment: Assignment, mistake: Answer) -> None:
    student = run(assignment, mistake.source)
    found = Diagnosis(assignment, MISTAKES, Here()).explain(student)
    assert found
    assert set(found.values()) == {mistake.explanation}
    seeded = set(student.failed) - {"spread__random"}
    assert set(found) >= {test for test in seeded if test.startswith(mistake.function)}


def test_the_same_mistake_in_other_words_is_named_too(assignment: Assignment) -> None:
    student = run(assignment, "def spread(x):\n    return float(np.var(x, ddof=1))")
    found = Diagnosis(assignment, MISTAKES, Here()).explain(student)
    assert found["spread__small"] == "It is sample."


def test_right_and_unknown_answers_are_not_diagnosed(assignment: Assignment) -> None:
    diagnosis = Diagnosis(assignment, MISTAKES, Here())
    assert diagnosis.explain(run(assignment, "def spread(x):\n    return x.var()")) == {}
    assert diagnosis.explain(run(assignment, "def spread(x):\n    return 8.0")) == {}
    assert diagnosis.explain(run(assignment, "def spread(x):\n    return x.no_other_thing")) == {}


def pair(source: str) -> str:
    """``spread`` with something beside it that a later call may need."""
    return f"{source.replace('return ', 'out = ')}\n    return out, CACHE"


@pytest.mark.parametrize("cache", ["None", "x", "()", "object()"])
def test_what_is_kept_for_later_may_be_anything(cache: str) -> None:
    cells = [cell("import numpy as np"), cell(MEAN, "mean"), cell(pair(SPREAD).replace("CACHE", "object()"), "spread")]
    cells += [cell("assert abs(spread(np.array([1.0, 2.0, 6.0]))[0] - 14 / 3) < 1e-9", "spread__small", 1)]
    small = Assignment("a", {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    sample = wrong("sample", pair(MISTAKES[2].source).replace("CACHE", "object()"), "spread")
    half = wrong("half", pair(SPREAD.replace("x.size", "5")).replace("CACHE", "object()"), "spread")
    found = Diagnosis(small, [sample, half], Here())
    assert found.explain(run(small, pair(MISTAKES[2].source).replace("CACHE", cache))) == {
        "spread__small": "It is sample."
    }


def test_two_mistakes_alike_in_one_test_are_told_apart_by_the_others(assignment: Assignment) -> None:
    # On [1, 2, 6] both halving and 4.5 give 4.5; on [5] they differ.
    student = run(assignment, "def mean(x):\n    return np.float64(4.5)")
    assert Diagnosis(assignment, MISTAKES, Here()).explain(student)["mean__small"] == "It is constant."


def test_two_mistakes_that_are_always_alike_are_not_named(assignment: Assignment) -> None:
    twin = wrong("twin", MISTAKES[2].source, "spread")
    student = run(assignment, MISTAKES[2].source)
    assert Diagnosis(assignment, [*MISTAKES, twin], Here()).explain(student) == {}


def test_what_was_given_back_by_chance_names_nothing(assignment: Assignment) -> None:
    student = run(assignment, "def spread(x):\n    return random.random()\nimport random")
    assert "spread__small" in student.failed
    assert Diagnosis(assignment, MISTAKES, Here()).explain(student) == {}


def test_nothing_is_run_for_a_submission_without_failures(assignment: Assignment) -> None:
    here = Here()
    assert Diagnosis(assignment, MISTAKES, here).explain(Run((), {})) == {}
    assert here.runs == 0


def test_a_mistake_is_run_once_for_many_submissions_and_many_graders(assignment: Assignment, tmp_path: Path) -> None:
    first, second = Here(), Here()
    student = run(assignment, MISTAKES[2].source)
    sentences = Diagnosis(assignment, MISTAKES, first, tmp_path).explain(student)
    assert first.runs > 0
    assert Diagnosis(assignment, MISTAKES, second, tmp_path).explain(student) == sentences
    assert second.runs == 0


def explain_in_a_process(cache: Path, runs: Queue[int]) -> None:
    here, assignment = Here(), small_assignment()
    assert Diagnosis(assignment, MISTAKES, here, cache).explain(run(assignment, MISTAKES[2].source))
    runs.put(here.runs)


def test_graders_that_work_at_the_same_time_share_the_runs(assignment: Assignment, tmp_path: Path) -> None:
    alone = Here()
    Diagnosis(assignment, MISTAKES, alone).explain(run(assignment, MISTAKES[2].source))
    context = multiprocessing.get_context("spawn")
    runs = context.Queue()
    graders = [context.Process(target=explain_in_a_process, args=(tmp_path, runs)) for _ in range(2)]
    for grader in graders:
        grader.start()
    assert runs.get(timeout=120) + runs.get(timeout=120) == alone.runs
    for grader in graders:
        grader.join(60)


def test_the_runs_are_kept_where_no_submission_can_see_them(tmp_path: Path) -> None:
    course = Course.open(factory.make_course(tmp_path))
    setup = Setup.of(course, factory.NAME, course.notebooks(factory.NAME))
    assert any(Path(setup.cache).is_relative_to(folder) for folder in setup.secret)


def test_a_damaged_file_is_made_anew(assignment: Assignment, tmp_path: Path) -> None:
    student = run(assignment, MISTAKES[2].source)
    whole = Here()
    sentences = Diagnosis(assignment, MISTAKES, whole, tmp_path).explain(student)
    for path, text in itertools.product(list(tmp_path.glob("*.json")), ("damaged", '{"failed": 3, "events": []}')):
        path.write_text(text)
        here = Here()
        assert Diagnosis(assignment, MISTAKES, here, tmp_path).explain(student) == sentences
        assert 0 < here.runs < whole.runs


def test_the_sentence_is_put_beside_the_message_and_what_was_recorded_is_dropped(assignment: Assignment) -> None:
    notebook, _ = repair(assignment, answered(assignment, MISTAKES[2]))
    notebook["cells"] = [each for each in notebook["cells"] if "1 / 0" not in each["source"]]
    judged = Here()(notebook, 5)
    Diagnosis(assignment, MISTAKES, Here()).annotate(judged)
    assert judged.checks["spread__small"].diagnosis == "It is sample."
    assert judged.events == {}


def test_a_grader_that_fails_costs_the_diagnosis_alone(assignment: Assignment) -> None:
    def gone(notebook: dict[str, Any], seed: int) -> Judged:
        raise WorkerError("it is gone")

    notebook, _ = repair(assignment, answered(assignment, MISTAKES[2]))
    notebook["cells"] = [each for each in notebook["cells"] if "1 / 0" not in each["source"]]
    judged = Here()(notebook, 5)
    Diagnosis(assignment, MISTAKES, gone).annotate(judged)
    assert judged.checks["spread__small"].diagnosis == ""
    assert "it is gone" in judged.flags[0]


def test_of_mistakes_that_many_checks_cannot_tell_apart_the_right_one_is_named_by_every_check() -> None:
    """Among all known ones of the forward pass, and in other words than theirs."""
    taught = Assignment.from_file(ROOT / "source" / "layernorm" / "layernorm.ipynb")
    known = [each for each in read_answers(Course.open(ROOT), "layernorm") if each.function == "layernorm_forward"]
    right = taught.by_id["layernorm_forward"].source
    answers = {
        "forward_gamma_and_beta_forgotten": ("out = gamma * x_hat + beta", "out = 0 + x_hat"),
        "forward_eps_fixed_at_1e_8": ('eps = ln_param.get("eps", 1e-5)', "eps = 10**-8"),
        "forward_one_pass_variance_below_0": (
            "var = (x_mu**2).",
            "var = -(x.mean(axis=1, keepdims=True)**2) + (x * x).",
        ),
        "forward_one_pass_variance_not_below_0": (
            "std = ",
            "var = (x * x).mean(axis=1, keepdims=True) - x.mean(axis=1, keepdims=True) ** 2\n"
            "    var = np.where(var < 0, 0.0, var)\n    std = ",
        ),
    }
    with Worker(taught) as worker:
        diagnosis = Diagnosis(taught, known, lambda notebook, seed: worker.grade(notebook, seed, "always"))
        for name, (old, new) in answers.items():
            assert right.count(old) == 1
            notebook = answered(taught, Answer("student", True, right.replace(old, new)))
            student = Run.of(worker.grade(repair(taught, notebook)[0], None, "always"))
            assert student.failed
            sentence = next(each.explanation for each in known if each.name == name)
            assert {diagnosis.explain(student).get(test) for test in student.failed} == {sentence}


def test_a_mistake_in_what_is_returned_is_named_before_the_rest_is_written() -> None:
    """Running statistics, which go into an argument, are not there yet, or not the mistake's."""
    taught = Assignment.from_file(ROOT / "source" / "batchnorm" / "batchnorm.ipynb")
    known = [each for each in read_answers(Course.open(ROOT), "batchnorm") if each.function == "batchnorm_forward"]
    with Worker(taught) as worker:
        diagnosis = Diagnosis(taught, known, lambda notebook, seed: worker.grade(notebook, seed, "always"))
        rows, right = "axis=1, keepdims=True", "bn_param['running_mean'] = x.mean(axis=0)"
        for axis, kept, word in (("axis=0, ddof=1", "", "N - 1"), (rows, "", "layer"), (rows, right, "layer")):
            source = f"""
                def batchnorm_forward(x, gamma, beta, bn_param):
                    mean = x.mean({axis.replace(", ddof=1", "")})
                    {kept}
                    return gamma * (x - mean) / np.sqrt(x.var({axis}) + bn_param.get("eps", 1e-5)) + beta, None"""
            notebook = answered(taught, Answer("student", True, textwrap.dedent(source).strip()))
            student = Run.of(worker.grade(repair(taught, notebook)[0], None, "always"))
            assert word in diagnosis.explain(student)["batchnorm_forward__example_by_hand"]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("batchnorm", ["alt_diagonal_jacobian", "alt_gamma_forgotten", "backward_variance_path_missing"]),
        ("layernorm", ["backward_mean_path_missing", "backward_gamma_taken_out_of_the_sums"]),
    ],
)
def test_a_mistake_of_a_backward_pass_is_named_though_its_checks_ask_what_others_found(
    name: str, known: list[str]
) -> None:
    """As in the first grading of a class: what the mistakes show is not known from whole runs."""
    taught = Assignment.from_file(ROOT / "source" / name / f"{name}.ipynb")
    mistakes = [each for each in read_answers(Course.open(ROOT), name) if each.name in known]
    with Worker(taught) as worker:
        diagnosis = Diagnosis(taught, mistakes, lambda notebook, seed: worker.grade(notebook, seed, "always"))
        for mistake in mistakes:
            student = Run.of(worker.grade(repair(taught, answered(taught, mistake))[0], None, "always"))
            own = [test for test in student.failed if diagnosis.owners[test] == mistake.function]
            assert len(own) > 1
            named = diagnosis.explain(student)
            assert {named.get(test) for test in own} == {mistake.explanation}


def test_a_disturbed_run_of_a_known_answer_is_told_and_not_kept(assignment: Assignment, tmp_path: Path) -> None:
    found = Diagnosis(
        assignment, MISTAKES, lambda notebook, seed: Judged({}, outside="it was killed from outside"), tmp_path
    )
    student = Judged({}, checks={"mean__one": CheckResult("failed", 1, 0.0)}, events={"mean__one": []})
    found.annotate(student)
    assert "it was killed from outside" in student.flags[0]
    assert student.outside  # so that it is graded anew
    assert [path.name for path in tmp_path.iterdir()] == ["claims"]


def test_a_mistake_that_is_killed_each_time_is_run_twice_and_kept_as_it_is(assignment: Assignment) -> None:
    here, killed = Here(), []

    def grade(notebook: dict[str, Any], seed: int) -> Judged:
        judged = here(notebook, seed)
        if any(MISTAKES[0].source in each["source"] for each in notebook["cells"]):
            judged.outside = "it was killed from outside"
            killed.append(seed)
        return judged

    found, outside = Diagnosis(assignment, MISTAKES, grade), []
    for _ in range(3):
        student = here(found._notebook_with(MISTAKES[0], list(TESTS)), 5)
        found.annotate(student)
        outside.append(student.outside != "")
    assert outside == [True, False, False]
    assert len(killed) == 2
    assert student.checks["mean__small"].diagnosis == MISTAKES[0].explanation
