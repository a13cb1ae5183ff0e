"""Layer normalization of a batch x (N, D): Ba, Kiros and Hinton 2016, arXiv:1607.06450, section 3.

mu = mean(x, axis 1)    var = mean((x - mu)^2, axis 1)    x_hat = (x - mu) / sqrt(var + eps)    out = gamma x_hat + beta
"""

import numpy as np


def layernorm_forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, ln_param: dict) -> tuple[np.ndarray, object]:
    """Normalize each row of x, then scale each column by gamma and shift it by beta.

    x          (N, D), float32 or float64; gamma, beta (D,), of the same dtype
    ln_param   dictionary: "eps" (1e-5 if absent); it is read and never written

    There is no mode and nothing that runs: each example has its own statistics, in training and in testing alike.

    Returns out (N, D), of the dtype of x, and cache: whatever the backward pass needs.
    Raises ValueError for shapes that do not fit. x, gamma, beta and ln_param are not changed.
    Source: Ba, Kiros and Hinton 2016, section 3, equation 4; eps as in batch norm.
    """
    eps = ln_param.get("eps", 1e-5)
    if x.ndim != 2 or not np.shape(gamma) == np.shape(beta) == x.shape[1:]:
        raise ValueError(
            f"x must be (N, D) and gamma and beta (D,), got {x.shape}, {np.shape(gamma)} and {np.shape(beta)}"
        )

    # TODO: normalize each row of x with its own mean and variance, then scale and shift each column: that is `out`.
    # Keep in `cache` what your backward pass will need. Change neither x nor ln_param.
    ### BEGIN SOLUTION
    x_mu = x - x.mean(axis=1, keepdims=True)
    var = (x_mu**2).mean(axis=1, keepdims=True)  # (N, 1); two passes, as in batch norm
    std = np.sqrt(var + eps)
    x_hat = x_mu / std
    out = gamma * x_hat + beta
    cache = (x_hat, std, gamma)
    ### END SOLUTION
    return out, cache


def layernorm_backward(dout: np.ndarray, cache: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of layer norm.

    dout       (N, D), the gradient of the loss in out
    cache      what layernorm_forward returned

    dgamma and dbeta collect over the examples, as in batch norm: each feature has one gamma for all examples.
    dx stays within each row, for the statistics of a row depend on that row alone.

    Returns dx (N, D), of the dtype of dout, dgamma (D,) and dbeta (D,): the gradients of the loss. dout and cache are
    not changed.
    Source: the chain rule on equation 4 of Ba, Kiros and Hinton 2016.
    """
    # TODO: compute dbeta, dgamma and dx, through the graph or in closed form. Ask of each sum: over which axis?
    ### BEGIN SOLUTION
    x_hat, std, gamma = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    along = (dx_hat * x_hat).mean(axis=1, keepdims=True)  # the part of dx_hat that only stretches the row
    dx = (dx_hat - dx_hat.mean(axis=1, keepdims=True) - x_hat * along) / std
    ### END SOLUTION
    return dx, dgamma, dbeta
