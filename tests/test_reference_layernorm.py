"""The reference layer norm: the published figures, the graph, dtypes, errors, independence of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.batchnorm import batchnorm_forward
from reference.layernorm import layernorm_backward, layernorm_forward
from tests.norm_oracles import MISFITS, REFUSAL, Array, assert_equals_the_graph, published, published_errors, unchanged


def test_the_gradient_check_has_the_published_errors() -> None:
    errors = published_errors(lambda x, gamma, beta: layernorm_forward(x, gamma, beta, {}), layernorm_backward)
    assert 1e-10 < errors[0] < 1e-8  # published 1.4336e-09; its digits depend on the order of operations
    assert errors[1] < 1e-10  # 4.5195e-12
    assert errors[2] < 1e-10  # 2.2764e-12


@given(
    st.tuples(st.integers(1, 7), st.integers(2, 9)),
    st.integers(0, 2**31),
    st.sampled_from([1e-5, 0.1, 3.0]),
    st.floats(-1e4, 1e4),
)
@settings(max_examples=60, deadline=None)
def test_the_backward_pass_equals_the_graph_on_any_input(
    shape: tuple[int, int], seed: int, eps: float, offset: float
) -> None:
    def forward(x: Array, gamma: Array, beta: Array) -> Any:
        return layernorm_forward(x, gamma, beta, {"eps": eps})

    assert_equals_the_graph(forward, [layernorm_backward], shape, seed, offset, eps=eps, axis=1)


def test_it_is_batch_norm_of_the_transposed_batch() -> None:
    x, gamma, beta, _ = published(6, 4)
    normal, _ = batchnorm_forward(x.T, np.ones(6), np.zeros(6), {"mode": "train"})
    out, _ = layernorm_forward(x, gamma, beta, {})
    np.testing.assert_allclose(out, gamma * normal.T + beta, rtol=1e-12)


def test_an_example_does_not_see_its_batch() -> None:
    x, gamma, beta, dout = published(6, 4)
    out, cache = layernorm_forward(x, gamma, beta, {})
    dx, _, _ = layernorm_backward(dout, cache)
    for i in range(6):
        alone, cache = layernorm_forward(x[i : i + 1], gamma, beta, {})
        np.testing.assert_array_equal(alone[0], out[i])
        np.testing.assert_array_equal(layernorm_backward(dout[i : i + 1], cache)[0][0], dx[i])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_x_goes_through(dtype: type[np.floating[Any]]) -> None:
    x, gamma, beta, dout = (array.astype(dtype) for array in published(6, 4))
    out, cache = layernorm_forward(x, gamma, beta, {})
    assert out.dtype == dtype
    assert {gradient.dtype for gradient in layernorm_backward(dout, cache)} == {np.dtype(dtype)}


def test_nothing_of_the_caller_is_changed() -> None:
    x, gamma, beta, dout = published(6, 3)
    ln_param = {"eps": 1e-4}
    with unchanged(x, gamma, beta, dout):
        _, cache = layernorm_forward(x, gamma, beta, ln_param)
        np.testing.assert_equal(layernorm_backward(dout, cache), layernorm_backward(dout, cache))
    assert ln_param == {"eps": 1e-4}


@pytest.mark.parametrize(("x", "width"), MISFITS)
def test_shapes_that_do_not_fit_are_refused_with_all_three(x: tuple[int, ...], width: int) -> None:
    with pytest.raises(ValueError, match=REFUSAL):
        layernorm_forward(np.ones(x), np.ones(width), np.ones(width), {})
