"""A wrong forward pass costs its own points alone: the backward pass that belongs to it keeps all of its own.

Each wrong forward pass here is a formula on the graph, and its backward pass is the graph's, so it is right for that
formula. What is no attempt at the task earns nothing even so: it is linear, or normalizes along the other axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from normlab.graph import relu
from reference.course import run
from tests.wrong_forwards import (
    COURSES,
    NORMS,
    WITH_ONE_GAMMA,
    lost,
    no_attempts,
    normalized,
    pair,
    wrong_layers,
    wrong_norms,
)


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
@pytest.mark.parametrize("wrong", wrong_norms(0))
def test_a_backward_pass_that_fits_its_wrong_forward_pass_keeps_all_points(
    name: str, axis: int, function: str, wrong: str
) -> None:
    forward, backward = pair(wrong_norms(axis)[wrong])
    names = {f"{name}_forward": forward, function: backward}
    assert lost(COURSES[name], names, f"{name}_forward") != {}
    assert lost(COURSES[name], names, function) == {}


@pytest.mark.parametrize("wrong", WITH_ONE_GAMMA)
def test_so_does_one_that_is_right_for_one_gamma(wrong: str) -> None:
    forward, backward = pair(WITH_ONE_GAMMA[wrong])
    names = {"layernorm_forward": forward, "layernorm_backward": backward}
    failed = lost(COURSES["layernorm"], names, "layernorm_forward")
    assert failed
    assert "layernorm_forward__mean_and_spread" not in failed
    assert lost(COURSES["layernorm"], names, "layernorm_backward") == {}


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
def test_where_gamma_divides_hidden_checks_of_small_gammas_alone_cannot_tell(
    name: str, axis: int, function: str
) -> None:
    """The one exception: central differences of 1 / gamma are no measure where a published gamma is near 0."""
    forward, backward = pair(normalized(axis, axis, lambda x_hat, gamma, beta: x_hat / gamma + beta))
    failed = lost(COURSES[name], {f"{name}_forward": forward, function: backward}, function)
    assert failed.keys() <= {f"{function}__published_errors", f"{function}__large_batch"}
    assert all("dgamma" in sentence for sentence in failed.values())


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
@pytest.mark.parametrize("wrong", no_attempts(0))
def test_what_is_no_attempt_earns_nothing_with_its_backward_pass(
    name: str, axis: int, function: str, wrong: str
) -> None:
    forward, backward = pair(no_attempts(axis)[wrong])
    failed = lost(COURSES[name], {f"{name}_forward": forward, function: backward}, function)
    checks = {check.name for check in COURSES[name].checks.values() if check.target == function}
    assert failed.keys() == checks
    assert all("must normalize first" in sentence for sentence in failed.values())


@pytest.mark.parametrize(("kind", "axis"), [("bn", 0), ("ln", 1)])
@pytest.mark.parametrize("wrong", wrong_layers(0))
def test_the_way_back_through_a_wrong_layer_keeps_all_points(kind: str, axis: int, wrong: str) -> None:
    course = COURSES["network"]
    functions = [f"affine_{kind}_relu_{way}" for way in ("forward", "backward")]
    names = dict(zip(functions, pair(wrong_layers(axis)[wrong]), strict=True))
    assert lost(course, names, functions[0]) != {}
    assert lost(course, names, functions[1]) == {}


@pytest.mark.parametrize("kind", ["bn", "ln"])
def test_a_layer_without_normalization_is_no_attempt(kind: str) -> None:
    functions = [f"affine_{kind}_relu_{way}" for way in ("forward", "backward")]
    plain = pair(lambda x, w, b, g, be, eps: relu((x @ w + b) * g + be))
    failed = lost(COURSES["network"], dict(zip(functions, plain, strict=True)), functions[1])
    assert len(failed) == 2
    assert all("must normalize" in sentence for sentence in failed.values())


@pytest.mark.parametrize(("kind", "axis", "norm"), [("bn", 0, "batchnorm"), ("ln", 1, "layernorm")])
@pytest.mark.parametrize("wrong", wrong_layers(0))
def test_a_network_of_wrong_layers_keeps_the_points_of_its_gradients(
    kind: str, axis: int, norm: str, wrong: str
) -> None:
    course = COURSES["network"]
    names = run(course.solution)
    names[f"affine_{kind}_relu_forward"], names[f"affine_{kind}_relu_backward"] = pair(wrong_layers(axis)[wrong])
    failed = lost(course, names, "FullyConnectedNet")
    about_gradients = {"FullyConnectedNet__regularization", "FullyConnectedNet__published_errors"}
    if wrong == "normalized twice":  # two rows, normalized twice: what is left of the published gradients is eps alone
        about_gradients.remove("FullyConnectedNet__published_errors")
    about_gradients |= {name for name in course.checks if "__gradients_" in name}
    assert not about_gradients & failed.keys()
    assert f"FullyConnectedNet__gradients_{norm}" in about_gradients


@pytest.mark.parametrize(("name", "axis", "function"), NORMS, ids=[each[2] for each in NORMS])
def test_zeros_are_no_gradients_of_a_stair(name: str, axis: int, function: str) -> None:
    def stair(x: np.ndarray, *_: Any) -> Any:
        return np.full_like(x, np.round(x[0, 0] + 4e-4, 3) ** 2), x

    def zeros(dout: np.ndarray, cache: Any) -> Any:
        return 0 * dout, 0 * dout[0], 0 * dout[0]

    course = COURSES[name]
    failed = lost(course, {f"{name}_forward": stair, function: zeros}, function)
    assert failed.keys() == {check.name for check in course.checks.values() if check.target == function}
