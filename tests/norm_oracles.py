"""What the tests of batch norm and of layer norm share: the published arrays, and the graph as the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from normlab.gradcheck import numerical_gradient, relative_error
from normlab.graph import Node, backward, sqrt

Array = np.ndarray[Any, Any]
Forward = Callable[[Array, Array, Array], tuple[Array, Any]]
Gradients = Callable[[Array, Any], tuple[Array, Array, Array]]
MISFITS = [((3, 2), 3), ((3,), 3), ((2, 3, 4), 4)]  # shape of x, width of gamma and beta
REFUSAL = r"must be \(N, D\) and gamma and beta \(D,\), got \("


def published(N: int, D: int) -> tuple[Array, Array, Array, Array]:
    """x, gamma, beta, dout of the published gradient checks."""
    draw = np.random.RandomState(231)
    x = 5 * draw.randn(N, D) + 12
    return x, draw.randn(D), draw.randn(D), draw.randn(N, D)


def published_errors(forward: Forward, gradients: Gradients) -> list[float]:
    """Relative errors of dx, dgamma and dbeta on the published arrays of 4 x 5."""
    *inputs, dout = published(4, 5)
    x, gamma, beta = inputs
    _, cache = forward(x, gamma, beta)
    numerical = [numerical_gradient(lambda _: forward(x, gamma, beta)[0], array, dout) for array in inputs]
    return list(map(relative_error, numerical, gradients(dout, cache)))


def assert_equals_the_graph(
    forward: Forward,
    backwards: Sequence[Gradients],
    shape: tuple[int, int],
    seed: int,
    offset: float,
    *,
    eps: float,
    axis: int,
) -> None:
    """``forward`` normalizes along ``axis`` with ``eps``, and all ``backwards`` are its gradients."""
    rng = np.random.default_rng(seed)
    x, dout = rng.normal(offset, 2.0, shape), rng.normal(size=shape)
    gamma, beta = rng.normal(size=shape[1]), rng.normal(size=shape[1])
    nodes = [Node(array) for array in (x, gamma, beta)]
    centered = nodes[0] - nodes[0].mean(axis=axis, keepdims=True)
    output = centered / sqrt((centered**2).mean(axis=axis, keepdims=True) + eps) * nodes[1] + nodes[2]
    backward(output, dout)
    out, cache = forward(x, gamma, beta)
    np.testing.assert_allclose(out, output.value, rtol=1e-7, atol=1e-7)
    # two examples have x_hat = +-1: there dx is all cancellation, so its absolute size is what can be compared
    size = max(1.0, float(np.abs(gamma).max())) / eps**0.5
    for gradients in backwards:
        for got, node in zip(gradients(dout, cache), nodes, strict=True):
            assert got.shape == node.shape
            assert node.grad is not None
            np.testing.assert_allclose(got, node.grad, rtol=1e-6, atol=1e-6 * size)


@contextmanager
def unchanged(*arrays: Array) -> Iterator[None]:
    """The block leaves these arrays as they are."""
    before = [array.copy() for array in arrays]
    yield
    for now, then in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(now, then)
