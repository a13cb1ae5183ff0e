"""The layers that the assignments give: affine, ReLU, dropout, softmax loss; forward and backward.

Each forward pass returns what its backward pass needs as ``cache``; each backward pass takes ``dout``, the gradient of
the loss in the layer's output, and returns the gradients in its inputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "affine_backward",
    "affine_forward",
    "dropout_backward",
    "dropout_forward",
    "relu_backward",
    "relu_forward",
    "softmax_loss",
]

Array = NDArray[np.floating[Any]]
AffineCache = tuple[Array, Array]
DropoutCache = tuple[dict[str, Any], NDArray[Any] | None]


def affine_forward(x: Array, w: Array, b: Array) -> tuple[Array, AffineCache]:
    """out = x w + b, for x (N, ...) read as (N, D), w (D, M), b (M,); out (N, M)."""
    out = x.reshape(len(x), -1) @ w + b
    return out, (x, w)


def affine_backward(dout: Array, cache: AffineCache) -> tuple[Array, Array, Array]:
    """dx = dout w^T (in x's shape), dw = x^T dout (D, M), db = sum of dout over the batch (M,)."""
    x, w = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    return dx, dw, dout.sum(axis=0)


def relu_forward(x: Array) -> tuple[Array, Array]:
    """out = max(x, 0), any shape."""
    return np.maximum(x, 0), x


def relu_backward(dout: Array, cache: Array) -> Array:
    """dx = dout where x > 0, else 0."""
    return dout * (cache > 0)


def dropout_forward(x: Array, dropout_param: dict[str, Any]) -> tuple[Array, DropoutCache]:
    """Inverted dropout: in training each element is kept with probability p and divided by p; else out = x.

    ``dropout_param``: ``p``, the probability to keep, 0 < p <= 1; ``mode``, "train" or "test"; optional ``seed``, which
    makes each call draw the same mask (gradient checks need that). Raises ValueError for another mode or p. Srivastava
    et al. 2014, "Dropout", JMLR 15, section 10 (the scaling).
    """
    p, mode = dropout_param["p"], dropout_param["mode"]
    if not 0 < p <= 1:
        raise ValueError(f"p is the probability to keep, 0 < p <= 1, got {p!r}")
    if mode not in ("train", "test"):
        raise ValueError(f'mode must be "train" or "test", got {mode!r}')
    if mode == "test":
        return x, (dropout_param, None)
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask = (np.random.rand(*x.shape) < p) / p
    return (x * mask).astype(x.dtype, copy=False), (dropout_param, mask)


def dropout_backward(dout: Array, cache: DropoutCache) -> Array:
    """dx = dout * mask / p in training, dout at test time."""
    _, mask = cache
    return dout if mask is None else (dout * mask).astype(dout.dtype, copy=False)


def softmax_loss(x: Array, y: NDArray[np.integer[Any]]) -> tuple[float, Array]:
    """Mean cross-entropy of softmax(x) against labels; returns (loss, dx).

    loss = mean over i of -log( exp(x[i, y[i]]) / sum_j exp(x[i, j]) ), for scores x (N, C) and y (N,) in 0..C-1. Each
    row's maximum is subtracted first, which changes no ratio and keeps exp from overflowing.
    """
    if x.ndim != 2 or y.shape != (len(x),):
        raise ValueError(f"scores must be (N, C) and labels (N,), got {x.shape} and {y.shape}")
    shifted = x - x.max(axis=1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    dx = np.exp(log_probability)
    dx[rows, y] -= 1
    return float(-log_probability[rows, y].mean()), dx / len(x)
