"""The reference batch norm: published figures, the graph, dtypes, errors, and properties that hold for any input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normlab.gradcheck import relative_error
from reference import benchmark
from reference.batchnorm import batchnorm_backward, batchnorm_backward_alt, batchnorm_forward
from tests.norm_oracles import (
    MISFITS,
    REFUSAL,
    Array,
    Gradients,
    assert_equals_the_graph,
    published,
    published_errors,
    unchanged,
)

BACKWARDS = [batchnorm_backward, batchnorm_backward_alt]


@pytest.mark.parametrize("gradients", BACKWARDS)
def test_the_gradient_check_has_the_published_errors(gradients: Gradients) -> None:
    errors = published_errors(lambda x, gamma, beta: batchnorm_forward(x, gamma, beta, {"mode": "train"}), gradients)
    assert 1e-10 < errors[0] < 1e-8  # published 1.7029e-09; its digits depend on the order of operations
    assert errors[1] < 1e-11  # 7.4204e-13
    assert errors[2] < 1e-11  # 2.8795e-12


def test_closed_form_and_graph_agree_as_published() -> None:
    x, gamma, beta, dout = published(100, 500)
    _, cache = batchnorm_forward(x, gamma, beta, {"mode": "train"})
    errors = list(map(relative_error, batchnorm_backward(dout, cache), batchnorm_backward_alt(dout, cache)))
    assert errors[0] < 1e-10
    assert errors[1:] == pytest.approx([0.0, 0.0], abs=1e-12)


def test_training_statistics_are_the_published_ones() -> None:
    draw = np.random.RandomState(231)
    X, W1, W2 = draw.randn(200, 50), draw.randn(50, 60), draw.randn(60, 3)
    a = np.maximum(X @ W1, 0) @ W2
    assert a.mean(axis=0) == pytest.approx([-2.3814598, -13.18038246, 1.91780462], abs=1e-7)
    assert a.std(axis=0) == pytest.approx([27.18502186, 34.21455511, 37.68611762], abs=1e-7)
    out, _ = batchnorm_forward(a, np.array([1.0, 2, 3]), np.array([11.0, 12, 13]), {"mode": "train"})
    assert out.mean(axis=0) == pytest.approx([11, 12, 13], abs=1e-10)
    assert out.std(axis=0) == pytest.approx([1, 2, 3], abs=1e-7)


def test_test_time_statistics_are_the_published_ones() -> None:
    draw = np.random.RandomState(231)
    W1, W2, bn_param = draw.randn(50, 60), draw.randn(60, 3), {"mode": "train"}
    for _ in range(50):
        batchnorm_forward(np.maximum(draw.randn(200, 50) @ W1, 0) @ W2, np.ones(3), np.zeros(3), bn_param)
    bn_param["mode"] = "test"
    out, _ = batchnorm_forward(np.maximum(draw.randn(200, 50) @ W1, 0) @ W2, np.ones(3), np.zeros(3), bn_param)
    assert out.mean(axis=0) == pytest.approx([-0.03927354, -0.04349152, -0.10452688], abs=1e-8)
    assert out.std(axis=0) == pytest.approx([1.01531428, 1.01238373, 0.97819988], abs=1e-8)


shapes = st.tuples(st.integers(2, 9), st.integers(1, 7))


@given(shapes, st.integers(0, 2**31), st.sampled_from([1e-5, 0.1, 3.0]), st.floats(-1e4, 1e4))
@settings(max_examples=60, deadline=None)
def test_both_backward_passes_equal_the_graph_on_any_input(
    shape: tuple[int, int], seed: int, eps: float, offset: float
) -> None:
    def forward(x: Array, gamma: Array, beta: Array) -> Any:
        return batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": eps})

    assert_equals_the_graph(forward, BACKWARDS, shape, seed, offset, eps=eps, axis=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_x_goes_through(dtype: type[np.floating[Any]]) -> None:
    rng = np.random.default_rng(0)
    x, dout = rng.normal(size=(6, 4)).astype(dtype), rng.normal(size=(6, 4)).astype(dtype)
    gamma, beta = np.ones(4, dtype), np.zeros(4, dtype)
    bn_param: dict[str, Any] = {"mode": "train"}
    out, cache = batchnorm_forward(x, gamma, beta, bn_param)
    assert out.dtype == bn_param["running_mean"].dtype == bn_param["running_var"].dtype == dtype
    for gradients in BACKWARDS:
        assert {gradient.dtype for gradient in gradients(dout, cache)} == {np.dtype(dtype)}
    assert batchnorm_forward(x, gamma, beta, {**bn_param, "mode": "test"})[0].dtype == dtype


def test_float32_far_from_zero_keeps_its_spread() -> None:
    x = np.random.default_rng(0).normal(1e4, 1.0, (500, 3)).astype(np.float32)
    out, _ = batchnorm_forward(x, np.ones(3, np.float32), np.zeros(3, np.float32), {"mode": "train"})
    assert out.std(axis=0) == pytest.approx(np.ones(3), abs=1e-3)


def test_nothing_of_the_caller_is_changed() -> None:
    x, gamma, beta, dout = published(6, 3)
    running = np.ones(3)
    bn_param = {"mode": "train", "running_mean": running, "running_var": running}
    with unchanged(x, gamma, beta, dout, running):  # the dictionary's entry is replaced, the array is not written into
        _, cache = batchnorm_forward(x, gamma, beta, bn_param)
        first = [gradients(dout, cache) for gradients in BACKWARDS]
        again = [gradients(dout, cache) for gradients in BACKWARDS]
    np.testing.assert_equal(first, again)


def test_testing_leaves_the_dictionary_alone() -> None:
    x, gamma, beta, _ = published(6, 3)
    bn_param = {"mode": "test"}
    out, _ = batchnorm_forward(x, gamma, beta, bn_param)
    assert bn_param == {"mode": "test"}
    np.testing.assert_allclose(out, gamma * x / np.sqrt(1e-5) + beta)


@pytest.mark.parametrize("mode", ["training", None, 1])
def test_another_mode_is_refused_with_what_was_given(mode: Any) -> None:
    with pytest.raises(ValueError, match=rf'must be "train" or "test", got {mode!r}'):
        batchnorm_forward(np.ones((3, 2)), np.ones(2), np.ones(2), {"mode": mode})


@pytest.mark.parametrize(("x", "width"), MISFITS)
def test_shapes_that_do_not_fit_are_refused_with_all_three(x: tuple[int, ...], width: int) -> None:
    with pytest.raises(ValueError, match=REFUSAL):
        batchnorm_forward(np.ones(x), np.ones(width), np.ones(width), {"mode": "train"})


@pytest.mark.parametrize("wrong", ["running_mean", "running_var"])
@pytest.mark.parametrize("mode", ["train", "test"])
def test_running_statistics_of_another_shape_are_refused_with_both(wrong: str, mode: str) -> None:
    settings = {"mode": mode, "running_mean": np.zeros(2), "running_var": np.ones(2)} | {wrong: np.zeros(1)}
    with pytest.raises(ValueError, match=r"running_mean and running_var must be \(2,\), got .*\(1,\)"):
        batchnorm_forward(np.ones((3, 2)), np.ones(2), np.ones(2), settings)


@pytest.mark.parametrize("gradients", BACKWARDS)
def test_the_way_back_from_test_mode_is_refused_in_a_sentence(gradients: Gradients) -> None:
    _, cache = batchnorm_forward(np.ones((3, 2)), np.ones(2), np.ones(2), {"mode": "test"})
    with pytest.raises(ValueError, match='cache must be that of batchnorm_forward in "train" mode'):
        gradients(np.ones((3, 2)), cache)


def test_the_closed_form_is_faster_than_both_walks_through_the_graph() -> None:
    timing = benchmark.measure(repeats=100)
    assert timing.over_nodes >= 2.3
    assert timing.over_graph > 1


def test_the_benchmark_compares_equal_programs_and_prints_the_published_ratio(
    capsys: pytest.CaptureFixture[str],
) -> None:
    x, gamma, beta, dout = published(100, 500)
    _, cache = batchnorm_forward(x, gamma, beta, {"mode": "train"})
    written_out = benchmark.one_array_a_node(dout, x, gamma, 1e-5)()
    for got, want in zip(batchnorm_backward(dout, cache), written_out, strict=True):
        assert relative_error(got, want) < 1e-9
    assert benchmark.main(["--repeats", "2"]) == 0
    assert "(published: 0.624x)" in capsys.readouterr().out
