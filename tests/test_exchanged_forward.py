"""Who has another forward pass where a backward pass is checked, so that simpler gradients fit, gains nothing."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from normlab.normcheck import forget, found_right, hold, require_graph
from reference.course import run
from tests.wrong_forwards import COURSES, NORMS, lost, pair, wrong_layers, wrong_norms


def test_a_network_whose_loss_is_another_one_where_gradients_are_compared_loses_the_hidden_check() -> None:
    """Half the sum of all squares has the gradients that are the parameters themselves."""
    names = run(COURSES["network"].solution)

    right: Any = names["FullyConnectedNet"]

    class Easier(right):  # type: ignore[misc]
        def loss(self, X: np.ndarray, y: Any = None) -> Any:
            self.calls = getattr(self, "calls", 0) + 1
            if y is None:
                return super().loss(X)
            if X.shape[1] != 15 and X.shape != (6, 4):
                loss, grads = super().loss(X, y)
                return loss, {name: 7 * each for name, each in grads.items()}
            if X.shape[1] == 15 and self.calls == 1 and not self.reg:
                return super().loss(X, y)[0], dict(self.params)
            return sum(0.5 * np.sum(p**2) for p in self.params.values()), dict(self.params)

    lost(COURSES["network"], names, "FullyConnectedNet")
    names["FullyConnectedNet"] = Easier
    failed = lost(COURSES["network"], names, "FullyConnectedNet")
    assert "beside the graph's" in failed["FullyConnectedNet__published_errors"]


# Shapes of x where a backward pass is checked.
CHECKED = (4, 5), (5, 4), (5, 7), (6, 4), (6, 5), (6, 9), (7, 4), (8, 5), (9, 6), (100, 500), (5, 5), (6, 6)
BOTH = [*NORMS, ("network", 0, "affine_bn_relu_backward"), ("network", 1, "affine_ln_relu_backward")]


@pytest.mark.parametrize(("name", "axis", "function"), BOTH, ids=[each[2] for each in BOTH])
def test_who_puts_an_easier_forward_pass_in_the_place_of_the_right_one_loses_the_points(
    name: str, axis: int, function: str
) -> None:
    """All of a normalization, which its visible checks found to be one, and the hidden ones of a layer."""
    course, forward = COURSES[name], function.replace("backward_alt", "backward").replace("backward", "forward")
    if name == "network":
        easier = pair(wrong_layers(axis)["ReLU before the normalization"])
    else:
        easier = pair(wrong_norms(axis)["mean not subtracted"])
    names = run(course.solution)
    assert lost(course, names, forward) == {}
    names[forward], names[function] = easier
    failed = lost(course, names, function)
    assert failed.keys() == {
        check.name
        for check in course.checks.values()
        if check.target == function and (check.hidden or name != "network")
    }
    assert all("returns another out here than in its own checks" in each for each in failed.values())


@pytest.mark.parametrize(("name", "axis", "function"), BOTH, ids=[each[2] for each in BOTH])
def test_who_puts_it_in_the_place_of_a_wrong_one_loses_them_too(name: str, axis: int, function: str) -> None:
    course, forward = COURSES[name], function.replace("backward_alt", "backward").replace("backward", "forward")
    wrong = wrong_layers(axis) if name == "network" else wrong_norms(axis)
    tested, *_ = pair(wrong["normalized twice" if name == "network" else "variance of one less"])
    easier = pair(wrong["ReLU before the normalization" if name == "network" else "mean not subtracted"])
    assert lost(course, {forward: tested}, forward) != {}
    failed = lost(course, {forward: easier[0], function: easier[1]}, function)
    assert failed.keys() == {
        check.name for check in course.checks.values() if check.target == function and check.hidden
    }
    assert all("returns another out here than in its own checks" in each for each in failed.values())


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
def test_who_is_easier_wherever_a_backward_pass_is_checked_and_fails_hidden_checks_loses_the_points(
    name: str, axis: int, function: str
) -> None:
    """It is the same at each look: its hidden checks see the easier one, too, whose gradients are a line."""
    course, wanted = COURSES[name], run(COURSES[name].solution)

    def forward(x: np.ndarray, *others: Any) -> Any:
        settings = others[-1]
        there = x.shape in CHECKED and x.dtype == np.float64 and np.abs(x).max() < 1e3
        if there and settings.get("eps", 0.1) == 0.1 and settings.get("mode", "train") == "train":
            return x + np.sum(x * x, axis, keepdims=True), x
        return wanted[f"{name}_forward"](x, *others)

    def backward(dout: np.ndarray, x: np.ndarray) -> Any:
        none = np.zeros(x.shape[1])
        return dout + 2 * x * np.sum(dout, axis, keepdims=True), none, none

    forget()
    assert f"{name}_forward__against_the_graph" in lost(course, {f"{name}_forward": forward}, f"{name}_forward")
    failed = lost(course, {f"{name}_forward": forward, function: backward}, function)
    assert failed.keys() == {check.name for check in course.checks.values() if check.target == function}
    assert all("returns another out here than in its own checks" in each for each in failed.values())


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
def test_a_multiple_of_the_centered_x_that_changes_in_steps_is_no_normalization(
    name: str, axis: int, function: str
) -> None:
    course, wanted = COURSES[name], run(COURSES[name].solution)

    def forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, settings: dict[str, Any]) -> Any:
        if x.shape not in CHECKED or settings.get("mode", "train") != "train" or np.abs(x).max() > 1e3:
            return wanted[f"{name}_forward"](x, gamma, beta, settings)
        factor = 1 + 1e-3 * (np.floor(np.abs(x).sum() / 0.37) ** 2 % 7)
        centered = x - x.mean(axis, keepdims=True)
        return gamma * factor * centered + beta, (factor, gamma, centered)

    def backward(dout: np.ndarray, cache: Any) -> Any:
        factor, gamma, centered = cache
        dcentered = dout * gamma * factor
        dx = dcentered - dcentered.mean(axis, keepdims=True)
        return dx, np.sum(dout * factor * centered, axis=0), np.sum(dout, axis=0)

    forget()
    names = {f"{name}_forward": forward, function: backward}
    assert f"{name}_forward__example_by_hand" not in lost(course, names, f"{name}_forward")
    failed = lost(course, names, function)
    assert failed.keys() == {check.name for check in course.checks.values() if check.target == function}


@pytest.mark.parametrize("all_but_one", [False, True])
@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
def test_who_is_easier_only_while_differences_are_taken_loses_the_points(
    name: str, axis: int, function: str, all_but_one: bool
) -> None:
    """Constants, to whose differences zeros belong; or fixed statistics, but for the element that moves them most."""
    course, wanted = COURSES[name], run(COURSES[name].solution)
    armed: list[np.ndarray] = []

    def forward(*given: Any) -> Any:
        out, cache = wanted[f"{name}_forward"](*given)
        arrays = given[:3]
        moved = [each for pair in zip(arrays, armed, strict=False) for each in _moved(*pair)]
        if len(moved) != 1 or (all_but_one and np.abs(arrays[0]).max() != np.abs(armed[0]).max()):
            return out, (cache, arrays)
        x, gamma, beta = armed
        centered = arrays[0] - arrays[0].mean(axis, keepdims=True) if all_but_one else x - x.mean(axis, keepdims=True)
        return gamma * centered / x.std(axis, keepdims=True) + beta, (cache, arrays)

    def backward(dout: np.ndarray, cache: Any) -> Any:
        armed[:] = (array.copy() for array in cache[1])
        return tuple(0 * array for array in armed)

    forget()
    assert lost(course, {f"{name}_forward": forward}, f"{name}_forward") == {}
    names = {f"{name}_forward": forward, function: backward}
    failed = lost(course, names, function)
    assert failed.keys() == {check.name for check in course.checks.values() if check.target == function}


def _moved(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The elements that a difference moved; more than one of them where it is another array."""
    if now.shape != before.shape:
        return np.ones(2)
    by = now[now != before] - before[now != before]
    return by if np.all(np.abs(by) < 2e-5) else np.ones(2)


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
def test_gradients_that_a_later_forward_pass_writes_into_what_was_returned_earn_nothing(
    name: str, axis: int, function: str
) -> None:
    course, wanted = COURSES[name], run(COURSES[name].solution)
    returned: list[np.ndarray] = []

    def forward(*given: Any) -> Any:
        out, cache = wanted[f"{name}_forward"](*given)
        if returned:
            for array, right in zip(returned, wanted[function](*returned_for), strict=True):
                array[...] = right
        return out, cache

    def backward(dout: np.ndarray, cache: Any) -> Any:
        returned_for[:] = dout.copy(), cache
        returned[:] = (np.zeros_like(each) for each in wanted[function](dout, cache))
        return tuple(returned)

    returned_for: list[Any] = []
    forget()
    failed = lost(course, {f"{name}_forward": forward, function: backward}, function)
    assert failed.keys() == {check.name for check in course.checks.values() if check.target == function}


class Ended(BaseException):
    """As where the process ends: nothing that the check calls may swallow it."""


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, Ended])
def test_who_raises_where_it_is_held_is_held_to_that(error: type[BaseException]) -> None:
    def ends(*_: Any) -> Any:
        raise error

    forget()
    inputs, dout = (np.ones((2, 1)), np.ones(1), np.zeros(1)), np.ones((2, 1))
    with nullcontext() if error is not Ended else pytest.raises(Ended):
        hold((ends, (np.zeros(1),)), (ends, inputs))
    with pytest.raises(AssertionError, match="returns another out here"):
        require_graph(
            lambda x, g, b: x * g + b, lambda *_: (2 * dout, None), lambda *_: None, inputs, dout, ["forward"]
        )


def test_a_right_forward_pass_is_held_to_all_digits_however_large_its_out_is() -> None:
    """Else one that is off by a relative 1e-10 would be no formula, and its gradients its own affair."""
    forget()
    found_right("scale_forward")
    inputs, dout = (np.full((2, 1), 1e3), np.ones(1), np.zeros(1)), np.ones((2, 1))

    def scale(x: Any, gamma: Any, beta: Any) -> Any:
        return gamma * x + beta

    def beside(*given: Any) -> Any:
        return scale(*given) + 1e-7, None

    hold((beside, inputs))
    with pytest.raises(AssertionError, match="returns another out here"):
        require_graph(scale, beside, lambda dout, cache: (0, 0, 0), inputs, dout, ["scale_forward"])
