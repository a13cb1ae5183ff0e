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
    """(out, cache): out = x w + b, for x (N, ...) read as (N, D), w (D, M), b (M,); out (N, M), cache (x, w).

    Raises ValueError where x has not as many features as w has rows.

    >>> out, cache = affine_forward(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 10.0]]), np.array([5.0, 5.0]))
    >>> out
    array([[ 6., 25.]])
    """
    flat = x.reshape(len(x), -1)
    if flat.shape[1] != len(w):
        raise ValueError(f"x must have as many features as w has rows, got x {x.shape} and w {w.shape}")
    return flat @ w + b, (x, w)


def affine_backward(dout: Array, cache: AffineCache) -> tuple[Array, Array, Array]:
    """dx = dout w^T (in x's shape), dw = x^T dout (D, M), db = sum of dout over the batch (M,).

    >>> out, cache = affine_forward(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.0]))
    >>> dx, dw, db = affine_backward(np.ones_like(out), cache)
    >>> dx, dw, db
    (array([[3., 4.]]), array([[1.],
           [2.]]), array([1.]))
    """
    x, w = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    return dx, dw, dout.sum(axis=0)


def relu_forward(x: Array) -> tuple[Array, Array]:
    """out = max(x, 0), any shape.

    >>> relu_forward(np.array([-1.0, 2.0]))[0]
    array([0., 2.])
    """
    return np.maximum(x, 0), x


def relu_backward(dout: Array, cache: Array) -> Array:
    """dx = dout where x > 0, else 0.

    >>> out, cache = relu_forward(np.array([-1.0, 2.0]))
    >>> relu_backward(np.array([5.0, 5.0]), cache)
    array([0., 5.])
    """
    return np.where(cache > 0, dout, 0.0)


def dropout_forward(x: Array, dropout_param: dict[str, Any]) -> tuple[Array, DropoutCache]:
    """Inverted dropout: in training each element is kept with probability p and divided by p; else out = x.

    ``dropout_param``: ``p``, the probability to keep, 0 < p <= 1; ``mode``, "train" or "test"; optional ``seed``, which
    makes each call draw the same mask (gradient checks need that), by seeding NumPy's global stream. Raises ValueError
    for another mode or p. Srivastava et al. 2014, "Dropout", JMLR 15, section 10 (the scaling).

    >>> out, cache = dropout_forward(np.ones(8), {"p": 0.5, "mode": "train", "seed": 0})
    >>> out
    array([0., 0., 0., 0., 2., 0., 2., 0.])
    >>> dropout_forward(np.ones(3), {"p": 0.5, "mode": "test"})[0]
    array([1., 1., 1.])
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
    """dx = dout * mask in training, where mask is 1 / p for what was kept and 0 elsewhere; dout at test time.

    >>> out, cache = dropout_forward(np.ones(8), {"p": 0.5, "mode": "train", "seed": 0})
    >>> bool((dropout_backward(np.ones(8), cache) == out).all())
    True
    """
    _, mask = cache
    return dout if mask is None else (dout * mask).astype(dout.dtype, copy=False)


def softmax_loss(x: Array, y: NDArray[np.integer[Any]]) -> tuple[float, Array]:
    """Mean cross-entropy of softmax(x) against labels; returns (loss, dx).

    loss = mean over i of ``-log( exp(x[i, y[i]]) / sum_j exp(x[i, j]) )``, for scores x (N, C) and y (N,) in 0..C-1.
    Each row's maximum is subtracted first, which changes no ratio and keeps exp from overflowing. Raises ValueError for
    other shapes, for labels that are no integers and for labels of no class.

    >>> loss, dx = softmax_loss(np.zeros((1, 4)), np.array([2]))
    >>> round(loss, 4), dx
    (1.3863, array([[ 0.25,  0.25, -0.75,  0.25]]))
    """
    if x.ndim != 2 or y.shape != (len(x),):
        raise ValueError(f"scores must be (N, C) and labels (N,), got {x.shape} and {y.shape}")
    if not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"labels must be integers, got {y.dtype}")
    strange = y[(y < 0) | (y >= x.shape[1])]
    if strange.size:
        raise ValueError(
            f"labels must be from 0 to {x.shape[1] - 1} for scores of {x.shape[1]} classes, got {strange[0]}"
        )
    shifted = x - x.max(axis=1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    dx = np.exp(log_probability)
    dx[rows, y] -= 1
    return float(-log_probability[rows, y].mean()), dx / len(x)
