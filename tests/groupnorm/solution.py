"""Group normalization of a batch x (N, D): Wu and He 2018, arXiv:1803.08494, section 3.1.

Each row is cut into groups of D / groups neighboring features, and each group has its own mean and variance.
"""

import numpy as np


def groupnorm_forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, gn_param: dict) -> tuple[np.ndarray, object]:
    """Normalize each group of neighboring features of each row of x, then scale and shift each column.

    x          (N, D), float64; gamma, beta (D,)
    gn_param   dictionary: "groups", a divisor of D (required); "eps" (1e-5 if absent)

    Returns out (N, D) and cache: whatever the backward pass needs.
    Raises ValueError where groups does not divide D. Nothing that comes in is changed.
    Source: Wu and He 2018, equation 7.
    """
    (N, D), groups, eps = x.shape, gn_param["groups"], gn_param.get("eps", 1e-5)
    if D % groups:
        raise ValueError(f"groups must divide the number of features {D}, got {groups}")

    # TODO: normalize each group of each row with its own mean and variance, then scale and shift each column.
    ### BEGIN SOLUTION
    parts = x.reshape(N, groups, D // groups)
    centered = parts - parts.mean(axis=2, keepdims=True)
    std = np.sqrt((centered**2).mean(axis=2, keepdims=True) + eps)
    x_hat = (centered / std).reshape(N, D)
    out = gamma * x_hat + beta
    cache = (x_hat, std, gamma)
    ### END SOLUTION
    return out, cache


def groupnorm_backward(dout: np.ndarray, cache: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of group norm.

    dout       (N, D), the gradient of the loss in out
    cache      what groupnorm_forward returned

    Returns dx (N, D), dgamma (D,), dbeta (D,); dout and cache are not changed.
    Source: the chain rule on equation 7 of Wu and He 2018.
    """
    # TODO: compute dbeta, dgamma and dx. Who shares a mean with whom?
    ### BEGIN SOLUTION
    x_hat, std, gamma = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    normal = x_hat.reshape(len(dout), std.shape[1], -1)
    dx_hat = (dout * gamma).reshape(normal.shape)
    along = (dx_hat * normal).mean(axis=2, keepdims=True)
    dx = ((dx_hat - dx_hat.mean(axis=2, keepdims=True) - normal * along) / std).reshape(dout.shape)
    ### END SOLUTION
    return dx, dgamma, dbeta
