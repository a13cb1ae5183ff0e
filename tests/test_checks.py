"""The sentences of the checks: silent when content, one sentence about what is wrong otherwise, whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from normlab.checks import (
    require_close,
    require_ratio,
    require_results,
    require_shape,
    require_unchanged,
    require_zero,
)
from normlab.netcheck import require_layer_gradients
from normlab.normcheck import (
    differences,
    first_wrong_node,
    forget,
    require_attempt,
    require_backward,
    require_graph,
    require_repeatable,
)

RNG = np.random.default_rng(0)
X, DOUT = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
GAMMA, BETA = RNG.normal(size=3), RNG.normal(size=3)
INPUTS = (X, GAMMA, BETA)
ODD = [None, "text", b"bytes", {}, object(), [[1, 2], [3]], np.array(["a"]), np.array([None]), np.array([1j]), len]


@pytest.fixture(autouse=True)
def another_notebook() -> None:
    forget()


def sentence(check: Callable[[], Any]) -> str:
    with pytest.raises(AssertionError) as caught:
        check()
    text = str(caught.value)
    assert text
    assert "\n" not in text
    return text


def test_equal_arrays_pass_in_silence() -> None:
    require_close("out", X, X, 0)
    require_close("a number", 3, 3.0, 0)
    require_close("a list of nothing", np.zeros((0, 3)), np.zeros((0, 3)), 0)
    require_unchanged("x", X.copy(), X)
    require_zero("db", np.full(3, 1e-12), 1e-9)
    require_zero("nothing", np.zeros(0), 0.0)
    assert "got values up to 1.3e+02" in sentence(lambda: require_zero("db", np.full(3, -128, np.int8), 1e-9))
    assert require_shape("out", X, (5, 3), np.float64) is not None


def test_a_difference_is_told_by_size_place_and_threshold() -> None:
    got = X.copy()
    got[3, 1] += 100
    text = sentence(lambda: require_close("out", got, X, 1e-8))
    assert text.startswith("out is not what it should be: relative error ")
    assert "at most 1e-08 is allowed" in text
    assert "at [3, 1]" in text


@pytest.mark.parametrize(
    ("got", "told"),
    [
        (14.3, "got about 14.3, expected about 14"),
        (14 + 1e-9, "got about 14.000000001, expected about 14"),
        (np.nextafter(14.0, 15), "got about 14.000000000000002, expected about 14"),
    ],
)
def test_two_numbers_are_told_with_the_digits_that_tell_them_apart(got: float, told: str) -> None:
    assert told in sentence(lambda: require_close("out", [1.0, got], [1.0, 14.0], 0))


def test_one_element_near_zero_does_not_decide() -> None:
    want = np.array([1.0, 1e-12])
    require_close("out", np.array([1.0, 2e-12]), want, 1e-9)


def test_a_relative_error_just_above_the_threshold_fails_and_just_below_passes() -> None:
    want = np.array([-2.0, 4.0])
    require_close("out", want + np.array([0.0, 3.9e-6]), want, 1e-6)
    sentence(lambda: require_close("out", want + np.array([0.0, 4.1e-6]), want, 1e-6))


def test_where_zeros_are_wanted_nothing_but_zero_is_close() -> None:
    require_close("out", np.zeros(2), np.zeros(2), 1e-6)
    assert "relative error inf" in sentence(lambda: require_close("out", np.full(2, 1e-30), np.zeros(2), 1e-6))


@pytest.mark.parametrize("got", ODD, ids=lambda got: type(got).__name__)
def test_whatever_comes_there_is_a_sentence(got: Any) -> None:
    for check in (
        lambda: require_close("out", got, X, 1e-8),
        lambda: require_shape("out", got, (5, 3)),
        lambda: require_zero("out", got, 1e-8),
        lambda: require_unchanged("x", got, X),
    ):
        assert sentence(check).split()[0] in {"out", "x"}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_no_numbers(bad: float) -> None:
    got = X.copy()
    got[0, 0] = bad
    for check in (
        lambda: require_close("dx", got, X, 1e9),
        lambda: require_zero("dx", got, 1e9),
        lambda: require_shape("dx", got, (5, 3)),
    ):
        assert sentence(check) == "dx holds nan or infinity; expected finite numbers"


def test_shapes_and_dtypes_are_told_as_expected_and_got() -> None:
    assert sentence(lambda: require_shape("dbeta", BETA[None], (3,))) == "dbeta must have shape (3,), got (1, 3)"
    assert sentence(lambda: require_close("out", X.T, X, 1)) == "out must have shape (5, 3), got (3, 5)"
    text = sentence(lambda: require_shape("out", X, (5, 3), np.float32))
    assert text == "out must have dtype float32 here, got float64"
    assert sentence(lambda: require_shape("out", X.tolist(), (5, 3))) == "out must be a numpy array, got a list of 5"


def test_what_stands_for_a_list_is_called_a_list() -> None:
    class Standing(list[float]):
        __class__ = list  # type: ignore[assignment]

    assert sentence(lambda: require_shape("dx", Standing([1.0]), (1,))) == "dx must be a numpy array, got a list of 1"


def test_a_changed_input_is_named() -> None:
    text = sentence(lambda: require_unchanged("gamma", GAMMA + 1, GAMMA))
    assert text == "gamma was changed by the call; work on a new array instead of writing into it"


@pytest.mark.parametrize(("got", "kind"), [(None, "None"), ((1, 2), "a tuple of 2"), (7, "an object of type int")])
def test_the_number_of_results_is_told_with_their_names(got: Any, kind: str) -> None:
    text = sentence(lambda: require_results("layernorm_backward", got, ("dx", "dgamma", "dbeta")))
    assert text == f"layernorm_backward must return 3 results (dx, dgamma, dbeta), got {kind}"


def attempt(x: Any, gamma: Any, beta: Any) -> tuple[Any, Any]:
    """A normalization that nobody asked for: by the root of the mean fourth power."""
    centered = x - x.mean(axis=0)
    return gamma * centered / (np.mean(centered**4, axis=0) + 0.1) ** 0.25 + beta, (x, gamma)


def attempt_backward(dout: Any, cache: Any) -> tuple[Any, Any, Any]:
    x, gamma = cache
    c = x - x.mean(axis=0)
    fourth = np.mean(c**4, axis=0) + 0.1
    g = dout * gamma
    dc = g * fourth**-0.25 - c**3 / len(x) * fourth**-1.25 * (g * c).sum(axis=0)
    return dc - dc.mean(axis=0), (dout * c * fourth**-0.25).sum(axis=0), dout.sum(axis=0)


def test_a_backward_pass_is_judged_by_the_students_own_forward_pass() -> None:
    require_backward(attempt, attempt_backward, INPUTS, DOUT, along=0)
    text = sentence(
        lambda: require_backward(attempt, lambda dout, c: attempt_backward(1.001 * dout, c), INPUTS, DOUT, along=0)
    )
    assert text.startswith("dbeta (against differences of your forward pass) is not what it should be")


@pytest.mark.parametrize(("wrong", "first"), [((0, 1, 2), "dbeta"), ((0, 1), "dgamma"), ((0,), "dx")])
def test_the_first_wrong_gradient_on_the_way_back_is_named(wrong: tuple[int, ...], first: str) -> None:
    def backward(dout: Any, cache: Any) -> Any:
        return [(1 + 0.5 * (i in wrong)) * each for i, each in enumerate(attempt_backward(dout, cache))]

    assert sentence(lambda: require_backward(attempt, backward, INPUTS, DOUT, along=0)).startswith(first)


def test_where_the_forward_pass_does_not_move_the_gradient_must_be_0() -> None:
    def without_beta(x: Any, gamma: Any, beta: Any) -> Any:
        return attempt(x, gamma, 0 * beta)

    def exact(dout: Any, cache: Any) -> Any:
        return *attempt_backward(dout, cache)[:2], np.zeros(3)

    require_backward(without_beta, exact, INPUTS, DOUT, along=0)
    text = sentence(lambda: require_backward(without_beta, attempt_backward, INPUTS, DOUT, along=0))
    assert text.startswith("dbeta (against differences of your forward pass) must be 0 up to rounding")


def test_a_large_array_with_one_mean_for_everything_is_an_attempt() -> None:
    def of_everything(x: Any, gamma: Any, beta: Any) -> Any:
        return gamma * (x - x.mean()) / x.std() + beta, None

    x = np.random.default_rng(1).normal(100.0, 1.0, (100, 500))
    require_attempt(of_everything, (x, np.ones(500), np.zeros(500)), along=0)

    def linear(x: Any, gamma: Any, beta: Any) -> Any:
        return gamma * (x - x.mean()) + beta, None

    for far in (0.0, 1e4):
        inputs = x + far, np.ones(500), np.zeros(500)
        assert "may not be a linear function of x" in sentence(partial(require_attempt, linear, inputs, along=0))


def test_rounding_to_float32_is_seen_beside_the_graph_and_another_formula_is_left_alone() -> None:
    def formula(x: Any, gamma: Any, beta: Any) -> Any:
        centered = x - x.mean(axis=0)
        return gamma * centered / ((centered**4).mean(axis=0) + 0.1) ** 0.25 + beta

    def rounded(dout: Any, cache: Any) -> Any:
        return [each.astype(np.float32).astype(np.float64) for each in attempt_backward(dout, cache)]

    require_graph(formula, attempt, attempt_backward, INPUTS, DOUT, ["attempt"])
    assert "beside the graph's" in sentence(lambda: require_graph(formula, attempt, rounded, INPUTS, DOUT, ["attempt"]))
    require_graph(lambda x, gamma, beta: formula(x, gamma, beta) + x, attempt, rounded, INPUTS, DOUT, ["attempt"])


def test_random_quantities_may_be_off_by_a_factor_in_either_direction() -> None:
    for got in (0.81, 1.0, 1.24):
        require_ratio("the spread", got, 1.0, 1.25)
    for got in (0.0, 0.79, 1.26, -1.0):
        sentence(partial(require_ratio, "the spread", got, 1.0, 1.25))


def test_a_forward_pass_that_writes_into_x_does_not_spoil_the_backward_check() -> None:
    def writing(x: Any, gamma: Any, beta: Any) -> tuple[Any, Any]:
        result = attempt(x.copy(), gamma, beta)
        x -= 5
        return result

    require_backward(writing, attempt_backward, INPUTS, DOUT, along=0)


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda x, gamma, beta: (np.ones_like(x), None), "must influence the others"),
        (lambda x, gamma, beta: (gamma * x**3 + beta, None), "must influence the others"),
        (lambda x, gamma, beta: (gamma * (x - x.mean(axis=0)) + beta, None), "may not be a linear function of x"),
        (lambda x, gamma, beta: (attempt(x.T, 1.0, 0.0)[0].T * gamma + beta, None), "must influence the others"),
    ],
    ids=["constant", "each by itself", "linear", "the other axis"],
)
def test_what_is_no_attempt_to_normalize_is_no_ground_for_gradients(forward: Any, words: str) -> None:
    assert words in sentence(lambda: require_attempt(forward, INPUTS, along=0))


def test_differences_are_those_of_the_three_inputs() -> None:
    _, cache = attempt(*INPUTS)
    for slope, gradient in zip(differences(attempt, INPUTS, DOUT), attempt_backward(DOUT, cache), strict=True):
        np.testing.assert_allclose(slope, gradient, rtol=1e-6, atol=1e-9)


def test_a_backward_pass_that_writes_into_dout_or_its_cache_is_found() -> None:
    def writes_into_dout(dout: Any, cache: Any) -> Any:
        dout *= 2
        return attempt_backward(dout, cache)

    def writes_into_cache(dout: Any, cache: Any) -> Any:
        cache[1][:] *= 2
        return attempt_backward(dout, cache)

    require_repeatable(attempt, attempt_backward, INPUTS, DOUT.copy())
    assert sentence(lambda: require_repeatable(attempt, writes_into_dout, INPUTS, DOUT.copy())).startswith("dout was")
    text = sentence(lambda: require_repeatable(attempt, writes_into_cache, INPUTS, DOUT.copy()))
    assert text.startswith("dx, when the backward pass is called again, is not what it should be")


def test_a_forward_pass_without_a_result_is_told_what_it_must_return() -> None:
    words = "the forward pass must return 2 results (out, cache), got None"
    assert sentence(lambda: require_repeatable(lambda *given: None, attempt_backward, INPUTS, DOUT)) == words
    arrays = {"x": INPUTS[0].copy()}
    for out, what in ((None, "hold real numbers, got None"), (np.full(DOUT.shape, np.nan), "holds nan or infinity")):
        text = sentence(
            partial(require_layer_gradients, "backward", partial(lambda got: got, out), (DOUT,), arrays, DOUT)
        )
        assert text.startswith("the output of your forward pass")
        assert what in text


def test_a_cache_outside_the_cache_is_found() -> None:
    last: list[Any] = []

    def remembers(x: Any, gamma: Any, beta: Any) -> tuple[Any, Any]:
        out, cache = attempt(x, gamma, beta)
        last[:] = cache
        return out, None

    require_backward(attempt, attempt_backward, INPUTS, DOUT, along=0)
    text = sentence(lambda: require_repeatable(remembers, lambda dout, _: attempt_backward(dout, last), INPUTS, DOUT))
    assert text.startswith("dx, when the backward pass is called again, is not what it should be")


def test_the_workbench_stops_at_the_first_wrong_node() -> None:
    def gradients(dout: Any, x: Any, gamma: Any, beta: Any, eps: float) -> dict[str, Any]:
        return {"beta": dout.sum(axis=0), "gamma": dout.sum(axis=0)}

    assert first_wrong_node(lambda *given: {}) == "No gradient yet: begin with that of beta."
    assert first_wrong_node(lambda *given: {"gamma": 0}) == "Not yet: the gradient of beta is missing."
    assert first_wrong_node(gradients).startswith("Not yet: gamma is the first wrong gradient on the way back")
    assert "dictionary" in sentence(lambda: first_wrong_node(lambda *given: None))


def test_the_workbench_knows_all_nodes_of_batch_norm() -> None:
    def gradients(dout: Any, x: Any, gamma: Any, beta: Any, eps: float) -> dict[str, Any]:
        N, x_mu = len(x), x - x.mean(axis=0)
        std = np.sqrt((x_mu**2).mean(axis=0) + eps)
        grads = {"beta": dout.sum(axis=0), "gamma": (dout * x_mu / std).sum(axis=0), "x_hat": dout * gamma}
        grads["std"] = -(grads["x_hat"] * x_mu).sum(axis=0) / std**2
        grads["var"] = grads["std"] / 2 / std
        grads["x_mu"] = grads["x_hat"] / std + 2 / N * x_mu * grads["var"]
        grads["mu"] = -grads["x_mu"].sum(axis=0)
        return grads | {"x": grads["x_mu"] + grads["mu"] / N}

    assert first_wrong_node(gradients) == "All 8 gradients are right."
