"""Batch normalization of a batch x (N, D): Ioffe and Szegedy 2015, arXiv:1502.03167, algorithms 1 and 2.

mu = mean(x, axis 0)    var = mean((x - mu)^2, axis 0)    x_hat = (x - mu) / sqrt(var + eps)    out = gamma x_hat + beta
"""

import numpy as np


def batchnorm_forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: dict) -> tuple[np.ndarray, object]:
    """Normalize each column of x, then scale by gamma and shift by beta.

    x          (N, D), float32 or float64; gamma, beta (D,), of the same dtype
    bn_param   dictionary: "mode", "train" or "test"; "eps" (1e-5 if absent); "momentum" (0.9 if absent);
               "running_mean" and "running_var", (D,), zeros if absent

    In training the statistics are those of the batch, and the dictionary gets new running statistics, in new arrays:
        running = momentum * running + (1 - momentum) * batch        (mean, and variance with 1/N)
    In testing the running statistics take the batch's place, and the dictionary stays as it is.

    Returns out (N, D), of the dtype of x, and cache: whatever the backward pass needs.
    Raises ValueError for another mode, and for shapes that do not fit. x, gamma and beta are not changed.
    Source: Ioffe and Szegedy 2015, algorithm 1 (training) and algorithm 2, steps 9-11 (testing).
    """
    mode = bn_param.get("mode")
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    if mode not in ("train", "test"):
        raise ValueError(f'bn_param["mode"] must be "train" or "test", got {mode!r}')
    if x.ndim != 2 or not np.shape(gamma) == np.shape(beta) == x.shape[1:]:
        raise ValueError(
            f"x must be (N, D) and gamma and beta (D,), got {x.shape}, {np.shape(gamma)} and {np.shape(beta)}"
        )
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
    if not np.shape(running_mean) == np.shape(running_var) == x.shape[1:]:
        shapes = f"{np.shape(running_mean)} and {np.shape(running_var)}"
        raise ValueError(f"running_mean and running_var must be {x.shape[1:]}, got {shapes}")

    if mode == "train":
        # TODO: normalize each column of x with the mean and the variance of this batch, then scale and shift:
        # that is `out`. Keep in `cache` what your backward pass will need. Put the new running mean and the new
        # running variance into bn_param["running_mean"] and bn_param["running_var"]; do not change x.
        ### BEGIN SOLUTION
        mu = x.mean(axis=0)
        x_mu = x - mu
        var = (x_mu**2).mean(axis=0)  # two passes: mean(x^2) - mu^2 loses every digit where mu is large
        std = np.sqrt(var + eps)
        x_hat = x_mu / std
        out = gamma * x_hat + beta
        cache = (x_mu, std, x_hat, gamma)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mu
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        ### END SOLUTION
    else:
        # TODO: normalize each column of x with running_mean and running_var in place of the batch's statistics,
        # then scale and shift: that is `out`. Nothing is trained here, so `cache` may be None.
        ### BEGIN SOLUTION
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        out = gamma * x_hat + beta
        cache = None
        ### END SOLUTION
    return out, cache


def batchnorm_backward(dout: np.ndarray, cache: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of batch norm in training, by walking the computation graph from out back to x.

    dout       (N, D), the gradient of the loss in out
    cache      what batchnorm_forward returned in "train" mode

    For each node, from the last to the first:  d node = sum over the nodes that use it of (d user) * (d user / d node).

    Returns dx (N, D), of the dtype of dout, dgamma (D,) and dbeta (D,): the gradients of the loss. dout and cache are
    not changed.
    Raises ValueError where cache is None, as test mode leaves it.
    Source: the chain rule; the gradients are those of Ioffe and Szegedy 2015, section 3.
    """
    if cache is None:
        raise ValueError(
            'cache must be that of batchnorm_forward in "train" mode; in "test" mode there is none, got None'
        )
    # TODO: go back through the graph node by node: beta, gamma, x_hat, the standard deviation, the variance, the
    # centered x, the mean, x. A node that is used twice receives the sum of two gradients.
    ### BEGIN SOLUTION
    x_mu, std, x_hat, gamma = cache
    N = len(dout)
    dbeta = dout.sum(axis=0)  # out = gamma x_hat + beta
    dgamma = np.einsum("ij,ij->j", dout, x_hat)  # a sum of products, without an array for the products
    dx_hat = dout * gamma
    dstd = -np.einsum("ij,ij->j", dx_hat, x_hat) / std  # x_hat = x_mu / std
    dvar = dstd / (2 * std)  # std = sqrt(var + eps)
    dx_mu = dx_hat  # nobody needs dx_hat any more: dx_mu and dx are made in its place
    dx_mu /= std  # x_mu goes into x_hat,
    dx_mu += x_mu * (2 / N * dvar)  # and into var = mean(x_mu^2)
    dmu = -dx_mu.sum(axis=0)  # x_mu = x - mu
    dx = dx_mu  # x goes into x_mu,
    dx += dmu / N  # and into mu = mean(x)
    ### END SOLUTION
    return dx, dgamma, dbeta


def batchnorm_backward_alt(dout: np.ndarray, cache: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of batch norm in training, in closed form: the same results as batchnorm_backward, in fewer steps.

    dout       (N, D), the gradient of the loss in out
    cache      what batchnorm_forward returned in "train" mode

    You derive it on paper: substitute the steps of batchnorm_backward into each other and simplify until no gradient of
    an intermediate node is left. What remains needs neither x nor its mean.

    Returns dx (N, D), of the dtype of dout, dgamma (D,) and dbeta (D,): the gradients of the loss. dout and cache are
    not changed.
    Raises ValueError where cache is None, as test mode leaves it.
    Source: Ioffe and Szegedy 2015, section 3, simplified.
    """
    if cache is None:
        raise ValueError(
            'cache must be that of batchnorm_forward in "train" mode; in "test" mode there is none, got None'
        )
    # TODO: write the closed form that you derived. One statement for dx will do; then see which temporary arrays of
    # size (N, D) can be avoided.
    ### BEGIN SOLUTION
    _, std, x_hat, gamma = cache
    N = len(dout)
    dbeta = dout.sum(axis=0)
    dgamma = np.einsum("ij,ij->j", dout, x_hat)
    dx = x_hat * (dgamma / -N)  # one new array of size (N, D); all that follows is done in place
    dx += dout
    dx -= dbeta / N
    dx *= gamma / std
    ### END SOLUTION
    return dx, dgamma, dbeta
