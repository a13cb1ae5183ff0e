"""The reference layer norm: the published figures, the graph, dtypes, errors, independence of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normlab.gradcheck import numerical_gradient, relative_error
from normlab.graph import Node, backward, sqrt
from reference.batchnorm import batchnorm_forward
from reference.layernorm import layernorm_backward, layernorm_forward


def published(N: int, D: int) -> tuple[np.ndarray, ...]:
    draw = np.random.RandomState(231)
    x = 5 * draw.randn(N, D) + 12
    return x, draw.randn(D), draw.randn(D), draw.randn(N, D)


def test_the_gradient_check_has_the_published_errors() -> None:
    x, gamma, beta, dout = published(4, 5)

    def out(_: Any) -> np.ndarray:
        return layernorm_forward(x, gamma, beta, {})[0]

    _, cache = layernorm_forward(x, gamma, beta, {})
    errors = [
        relative_error(numerical_gradient(out, array, dout), gradient)
        for array, gradient in zip((x, gamma, beta), layernorm_backward(dout, cache), strict=True)
    ]
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
    rng = np.random.default_rng(seed)
    x, dout = rng.normal(offset, 2.0, shape), rng.normal(size=shape)
    gamma, beta = rng.normal(size=shape[1]), rng.normal(size=shape[1])
    nodes = [Node(array) for array in (x, gamma, beta)]
    centered = nodes[0] - nodes[0].mean(axis=1, keepdims=True)
    output = centered / sqrt((centered**2).mean(axis=1, keepdims=True) + eps) * nodes[1] + nodes[2]
    backward(output, dout)
    out, cache = layernorm_forward(x, gamma, beta, {"eps": eps})
    np.testing.assert_allclose(out, output.value, rtol=1e-7, atol=1e-7)
    for got, node in zip(layernorm_backward(dout, cache), nodes, strict=True):
        assert got.shape == node.shape
        np.testing.assert_allclose(got, node.grad, rtol=1e-6, atol=1e-6 * max(1.0, np.abs(gamma).max()) / eps**0.5)


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
def test_the_dtype_of_x_goes_through(dtype: type) -> None:
    x, gamma, beta, dout = (array.astype(dtype) for array in published(6, 4))
    out, cache = layernorm_forward(x, gamma, beta, {})
    assert out.dtype == dtype
    assert {gradient.dtype for gradient in layernorm_backward(dout, cache)} == {np.dtype(dtype)}


def test_nothing_of_the_caller_is_changed() -> None:
    given, ln_param = published(6, 3), {"eps": 1e-4}
    before = [array.copy() for array in given]
    _, cache = layernorm_forward(*given[:3], ln_param)
    np.testing.assert_equal(layernorm_backward(given[3], cache), layernorm_backward(given[3], cache))
    for now, then in zip(given, before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert ln_param == {"eps": 1e-4}


@pytest.mark.parametrize(("x", "width"), [((3, 2), 3), ((3,), 3), ((2, 3, 4), 4)])
def test_shapes_that_do_not_fit_are_refused_with_all_three(x: tuple[int, ...], width: int) -> None:
    with pytest.raises(ValueError, match=r"must be \(N, D\) and gamma and beta \(D,\), got \("):
        layernorm_forward(np.ones(x), np.ones(width), np.ones(width), {})
