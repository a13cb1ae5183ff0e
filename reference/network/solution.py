"""The network assignment's reference solution: affine, normalization and ReLU in one step, and a network of any depth.

What a student writes stands between BEGIN SOLUTION and END SOLUTION. The notebook takes the normalizations from its
cell `layers`, where students put their own of the other two assignments.
"""

import numpy as np

from normlab.layers import (
    affine_backward,
    affine_forward,
    dropout_backward,
    dropout_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
)
from reference.batchnorm.solution import (
    batchnorm_backward,
    batchnorm_backward_alt,  # noqa: F401 - for the cell `layers`
    batchnorm_forward,
)
from reference.layernorm.solution import layernorm_backward, layernorm_forward

__all__ = [
    "FullyConnectedNet",
    "affine_bn_relu_backward",
    "affine_bn_relu_forward",
    "affine_ln_relu_backward",
    "affine_ln_relu_forward",
]


def affine_bn_relu_forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, gamma: np.ndarray, beta: np.ndarray, param: dict
) -> tuple[np.ndarray, object]:
    """out = relu(batchnorm(x w + b)): one hidden layer, in the order of Ioffe and Szegedy 2015, section 3.2.

    x (N, D), w (D, M), b, gamma, beta (M,); ``param``: the bn_param of batchnorm_forward, which raises ValueError for
    another mode and replaces the running statistics in training. Returns out (N, M), in x's dtype, and a cache for the
    backward pass, of any kind. The arrays that come in are not changed.
    """
    # TODO: chain affine_forward, batchnorm_forward and relu_forward, and keep what the way back needs.
    ### BEGIN SOLUTION
    a, affine_cache = affine_forward(x, w, b)
    normalized, bn_cache = batchnorm_forward(a, gamma, beta, param)
    out, relu_cache = relu_forward(normalized)
    cache = (affine_cache, bn_cache, relu_cache)
    ### END SOLUTION
    return out, cache


def affine_bn_relu_backward(dout: np.ndarray, cache: object) -> tuple[np.ndarray, ...]:
    """Gradients of the layer: dx (N, D), dw (D, M), db, dgamma, dbeta (M,), for dout (N, M) and the forward cache.

    The chain rule takes the three parts in reverse. In training db is 0 up to rounding: batch norm subtracts the
    column's mean, so a constant added to the column changes nothing. dout is not changed.
    """
    # TODO: chain relu_backward, one of your two batchnorm_backward functions and affine_backward.
    ### BEGIN SOLUTION
    affine_cache, bn_cache, relu_cache = cache
    dnormalized = relu_backward(dout, relu_cache)
    da, dgamma, dbeta = batchnorm_backward(dnormalized, bn_cache)
    dx, dw, db = affine_backward(da, affine_cache)
    ### END SOLUTION
    return dx, dw, db, dgamma, dbeta


def affine_ln_relu_forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, gamma: np.ndarray, beta: np.ndarray, param: dict
) -> tuple[np.ndarray, object]:
    """out = relu(layernorm(x w + b)); Ba, Kiros and Hinton 2016, "Layer Normalization", section 3.

    x (N, D), w (D, M), b, gamma, beta (M,); ``param``: the ln_param of layernorm_forward. Returns out (N, M), in x's
    dtype, and a cache of any kind. Neither the arrays that come in nor ``param`` are changed.
    """
    # TODO: the same with layernorm_forward.
    ### BEGIN SOLUTION
    a, affine_cache = affine_forward(x, w, b)
    normalized, ln_cache = layernorm_forward(a, gamma, beta, param)
    out, relu_cache = relu_forward(normalized)
    cache = (affine_cache, ln_cache, relu_cache)
    ### END SOLUTION
    return out, cache


def affine_ln_relu_backward(dout: np.ndarray, cache: object) -> tuple[np.ndarray, ...]:
    """Gradients of the layer: dx (N, D), dw (D, M), db, dgamma, dbeta (M,), for dout (N, M) and the forward cache.

    Unlike batch norm's, this db is not 0: a bias of its own for each feature changes what a row looks like. dout is not
    changed.
    """
    # TODO: the way back, with layernorm_backward.
    ### BEGIN SOLUTION
    affine_cache, ln_cache, relu_cache = cache
    dnormalized = relu_backward(dout, relu_cache)
    da, dgamma, dbeta = layernorm_backward(dnormalized, ln_cache)
    dx, dw, db = affine_backward(da, affine_cache)
    ### END SOLUTION
    return dx, dw, db, dgamma, dbeta


class FullyConnectedNet:
    """{affine - [batch norm | layer norm] - relu - [dropout]} x (L - 1) - affine - softmax, for L - 1 hidden layers.

    ``params`` maps W1, b1, gamma1, beta1, ..., WL, bL to arrays of ``dtype``: Wi (H_{i-1}, H_i), the rest (H_i,), with
    H_0 = ``input_dim``, H_L = ``num_classes`` and ``hidden_dims`` between. gamma and beta exist with a normalization
    only, and never for the last layer. ``bn_params`` holds one dictionary a hidden layer for its normalization ([]
    without one), ``dropout_param`` the one for dropout ({} without it).
    """

    def __init__(
        self,
        hidden_dims: list[int],
        input_dim: int = 3 * 32 * 32,
        num_classes: int = 10,
        dropout: float = 1,
        normalization: str | None = None,
        reg: float = 0.0,
        weight_scale: float = 1e-2,
        dtype: type = np.float32,
        seed: int | None = None,
    ) -> None:
        """Draw the weights from a normal distribution of standard deviation ``weight_scale``; biases start at 0.

        ``dropout``: the probability to keep, 1 for none. ``seed``: makes dropout draw the same masks in each call, as
        gradient checks need. ``hidden_dims`` is not changed. Raises ValueError for another normalization and for
        dropout outside 0 < p <= 1.
        """
        if normalization not in (None, "batchnorm", "layernorm"):
            raise ValueError(f'normalization must be None, "batchnorm" or "layernorm", got {normalization!r}')
        if not 0 < dropout <= 1:
            raise ValueError(f"dropout is the probability to keep, 0 < dropout <= 1, got {dropout!r}")
        self.normalization = normalization
        self.use_dropout = dropout != 1
        self.reg = reg
        self.num_layers = len(hidden_dims) + 1
        self.dtype = dtype
        self.params: dict[str, np.ndarray] = {}
        self.bn_params: list[dict] = []
        self.dropout_param: dict = {}
        if self.use_dropout:
            self.dropout_param = {"mode": "train", "p": dropout}
            if seed is not None:
                self.dropout_param["seed"] = seed

        # TODO: fill self.params. Draw W1, W2, ..., WL in this order with np.random.randn(rows, columns) and scale
        # them; biases and betas start at 0, gammas at 1. All have the dtype `dtype`.
        # With a normalization, put a dictionary for each hidden layer into self.bn_params: your normalization gets it
        # as bn_param or ln_param, and batch norm keeps the layer's running statistics there.
        ### BEGIN SOLUTION
        sizes = [input_dim, *hidden_dims, num_classes]
        for i in range(1, self.num_layers + 1):
            weights = weight_scale * np.random.randn(sizes[i - 1], sizes[i])
            self.params[f"W{i}"] = weights.astype(dtype)
            self.params[f"b{i}"] = np.zeros(sizes[i], dtype=dtype)
        if normalization is not None:
            for i, width in enumerate(hidden_dims, start=1):
                self.params[f"gamma{i}"] = np.ones(width, dtype=dtype)
                self.params[f"beta{i}"] = np.zeros(width, dtype=dtype)
                self.bn_params.append({})
        ### END SOLUTION

    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> np.ndarray | tuple[float, dict]:
        """Scores (N, C) in test mode when y is None; else (loss, grads) in training mode.

        X (N, D), labels y (N,) in 0..C-1. loss = mean cross-entropy + 0.5 reg sum over i of ||Wi||^2: weights alone pay
        the penalty. ``grads`` has the keys and shapes of ``params``. X, y and ``params`` are not changed.
        """
        X = X.astype(self.dtype)
        mode = "test" if y is None else "train"

        # TODO: tell the normalization and dropout dictionaries the mode, then compute the scores, one hidden layer at
        # a time with your functions above. Keep the caches.
        ### BEGIN SOLUTION
        if self.use_dropout:
            self.dropout_param["mode"] = mode
        if self.normalization == "batchnorm":
            for bn_param in self.bn_params:
                bn_param["mode"] = mode

        hidden = X
        caches = []
        for i in range(1, self.num_layers):
            w, b = self.params[f"W{i}"], self.params[f"b{i}"]
            if self.normalization is None:
                a, affine_cache = affine_forward(hidden, w, b)
                hidden, relu_cache = relu_forward(a)
                cache = (affine_cache, relu_cache)
            else:
                layers = {"batchnorm": affine_bn_relu_forward, "layernorm": affine_ln_relu_forward}
                gamma, beta = self.params[f"gamma{i}"], self.params[f"beta{i}"]
                hidden, cache = layers[self.normalization](hidden, w, b, gamma, beta, self.bn_params[i - 1])
            dropout_cache = None
            if self.use_dropout:
                hidden, dropout_cache = dropout_forward(hidden, self.dropout_param)
            caches.append((cache, dropout_cache))
        last = self.num_layers
        scores, last_cache = affine_forward(hidden, self.params[f"W{last}"], self.params[f"b{last}"])
        ### END SOLUTION

        if y is None:
            return scores

        # TODO: the loss with its penalty, and all gradients, from the last layer back to the first.
        ### BEGIN SOLUTION
        loss, dscores = softmax_loss(scores, y)
        grads = {}
        dhidden, grads[f"W{last}"], grads[f"b{last}"] = affine_backward(dscores, last_cache)
        for i in range(last - 1, 0, -1):
            cache, dropout_cache = caches[i - 1]
            if self.use_dropout:
                dhidden = dropout_backward(dhidden, dropout_cache)
            if self.normalization is None:
                affine_cache, relu_cache = cache
                da = relu_backward(dhidden, relu_cache)
                dhidden, grads[f"W{i}"], grads[f"b{i}"] = affine_backward(da, affine_cache)
            else:
                layers = {"batchnorm": affine_bn_relu_backward, "layernorm": affine_ln_relu_backward}
                gradients = layers[self.normalization](dhidden, cache)
                dhidden, grads[f"W{i}"], grads[f"b{i}"], grads[f"gamma{i}"], grads[f"beta{i}"] = gradients
        for i in range(1, last + 1):
            w = self.params[f"W{i}"]
            loss += 0.5 * self.reg * float(np.sum(w * w))
            grads[f"W{i}"] += self.reg * w
        ### END SOLUTION
        return loss, grads
