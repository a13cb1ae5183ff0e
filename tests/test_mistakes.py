"""Every known mistake fails a check of its own function and no other's; every right answer passes them all."""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from reference.course import ASSIGNMENTS, Course, CourseTextError, Mistake, run

COURSES = [Course(name) for name in ASSIGNMENTS]
NETWORK = next(course for course in COURSES if course.name == "network")
MISTAKES = [(course, mistake) for course in COURSES for mistake in course.mistakes]
RIGHT = [(course, answer) for course in COURSES for answer in course.right_answers]


def failing(course: Course, names: dict[str, Any], function: str = "") -> list[str]:
    """Grade ids of the checks that fail; with ``function``, of those alone that its text can influence."""
    failed = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a warning is no failure in a notebook either
        for check in course.checks.values():
            if any(function in text_of(course, name) for name in check.needs):
                try:
                    check(**{name: names[name] for name in check.needs})
                except Exception:
                    failed.append(check.name)
    return failed


@cache
def text_of(course: Course, name: str) -> str:
    return course.function_text(name)


@pytest.mark.parametrize(("course", "mistake"), MISTAKES, ids=[f"{c.name}-{m.name}" for c, m in MISTAKES])
def test_a_known_mistake_costs_its_own_function_and_no_other(course: Course, mistake: Mistake) -> None:
    failed = failing(course, mistake.apply(course.solution), mistake.function)
    targets = {course.checks[name].target for name in failed}
    assert mistake.function in targets, f"no check of {mistake.function} catches it"
    assert targets - {mistake.function} == set(mistake.also_costs), "also_costs names what else it costs, and why"


@pytest.mark.parametrize(("course", "answer"), RIGHT, ids=[f"{c.name}-{a.name}" for c, a in RIGHT])
def test_a_right_answer_keeps_every_point(course: Course, answer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(course, answer.apply(course.solution)) == []


@pytest.mark.parametrize("course", COURSES, ids=ASSIGNMENTS)
def test_each_mistake_has_its_name_and_its_sentence(course: Course) -> None:
    names = Counter(mistake.name for mistake in course.mistakes)
    sentences = Counter((mistake.function, mistake.explanation) for mistake in course.mistakes)
    assert [name for name, count in names.items() if count > 1] == []
    assert [sentence for sentence, count in sentences.items() if count > 1] == []
    for mistake in course.mistakes:
        assert mistake.explanation.endswith("."), mistake.name
        assert "\n" not in mistake.explanation, mistake.name


def test_there_are_as_many_answers_as_promised() -> None:
    assert len(MISTAKES) >= 120
    assert len(RIGHT) >= 40


def test_an_edit_that_no_longer_fits_is_refused_by_name() -> None:
    course = Course("batchnorm")
    mistake = Mistake("stale", "batchnorm_forward", (("no such line", "pass"),), "It is stale.")
    with pytest.raises(CourseTextError, match="mistake stale: 'no such line' must stand exactly once"):
        mistake.apply(course.solution)


def at_rest(param: dict[str, Any], x: np.ndarray) -> object:
    param.update(running_mean=0 * x[0], running_var=0 * x[0])
    return None


def erased(array: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """The first array; zeros are written into all of them."""
    for each in (array, *others):
        each[...] = 0
    return array


LAZY: dict[str, list[Callable[..., Any]]] = {
    "forward": [
        lambda x, gamma, beta, param: None,
        lambda x, gamma, beta, param: (x, None),
        lambda x, gamma, beta, param: (0 * x, None),
        lambda x, gamma, beta, param: (0 * x + beta, None),
        lambda x, gamma, beta, param: (0 * x + gamma + beta, None),
        lambda x, gamma, beta, param: (gamma * x + beta, None),
        lambda x, gamma, beta, param: (erased(x, gamma, beta), at_rest(param, x)),
        lambda x, gamma, beta, param: (0 * x, erased(gamma, beta), at_rest(param, x))[:2],
        lambda x, gamma, beta, param: (x[:0], None),
    ],
    "backward": [
        lambda dout, cache: None,
        lambda dout, cache: (dout, dout[0], dout[0]),
        lambda dout, cache: (0 * dout, 0 * dout[0], 0 * dout[0]),
        lambda dout, cache: cache,
        lambda dout, cache: (dout, dout.mean(axis=0), dout.mean(axis=0)),
        lambda dout, cache: (erased(dout), dout[0], dout[0]),
        lambda dout, cache: (dout[:0], dout[0, :0], dout[0, :0]),
        lambda dout, cache: (dout[:0], dout[:0], dout[:0]),
    ],
}


@pytest.mark.parametrize("course", [each for each in COURSES if each != NETWORK], ids=lambda course: course.name)
def test_a_constant_or_echoed_answer_earns_nothing(course: Course) -> None:
    reference = run(course.solution)
    for target in {check.target for check in course.checks.values()}:
        own = {name for name, check in course.checks.items() if check.target == target}
        for lazy in LAZY["forward" if target.endswith("forward") else "backward"]:
            earned = own - set(failing(course, reference | {target: lazy}, target))
            assert not earned, f"this answer passes: {inspect.getsource(lazy).strip()}"
    lazy_pair: dict[str, Callable[..., Any]] = {
        "forward": lambda x, gamma, beta, param: (0 * x, None),
        "backward": LAZY["backward"][2],
    }
    names = {name: lazy_pair["backward" if "backward" in name else "forward"] for name in reference}
    assert set(failing(course, names)) == set(course.checks)


def test_a_network_whose_loss_is_constant_earns_its_parameters_alone() -> None:
    course = NETWORK
    reference = run(course.solution)
    base: Any = reference["FullyConnectedNet"]  # a class, but one that comes from a text

    class Constant(base):  # type: ignore[misc]
        def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
            zeros = {name: np.zeros_like(array) for name, array in self.params.items()}
            return np.zeros((len(X), 3)) if y is None else (0.0, zeros)

    class Erasing(Constant):
        def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
            result = super().loss(X, y)
            erased(X, *self.params.values())
            return result

    for network in (Constant, Erasing):
        names = reference | {"FullyConnectedNet": network}
        passed = set(course.checks) - set(failing(course, names))
        earned = {name for name in passed if course.checks[name].target == "FullyConnectedNet"}
        assert earned == {"FullyConnectedNet__parameters", "FullyConnectedNet__weight_scale"}


@pytest.mark.parametrize("kind", ["bn", "ln"])
def test_a_layer_that_erases_its_inputs_earns_nothing(kind: str) -> None:
    course = NETWORK
    reference = run(course.solution)

    def forward(
        x: np.ndarray, w: np.ndarray, b: np.ndarray, gamma: np.ndarray, beta: np.ndarray, param: dict[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        out = 0 * (x @ w)
        at_rest(param, out)
        return out, erased(x, w, b, gamma, beta)

    def backward(dout: np.ndarray, cache: object) -> tuple[np.ndarray, ...]:
        return (erased(dout),) * 5

    for name, lazy in ((f"affine_{kind}_relu_forward", forward), (f"affine_{kind}_relu_backward", backward)):
        passed = set(course.checks) - set(failing(course, reference | {name: lazy}))
        assert {each for each in passed if course.checks[each].target == name} == set()
