"""Answers to the batchnorm notebook that are right and look unlike the reference: none may lose a point."""

from __future__ import annotations

from reference.course import RightAnswer

LOOPS = RightAnswer(
    "loops_over_every_element",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    N, D = x.shape
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    old_mean = bn_param.get("running_mean", np.zeros(D, x.dtype))
    old_var = bn_param.get("running_var", np.zeros(D, x.dtype))
    if bn_param.get("mode") == "test":
        out = np.empty_like(x)
        for i in range(N):
            for j in range(D):
                out[i, j] = gamma[j] * (x[i, j] - old_mean[j]) / (old_var[j] + eps) ** 0.5 + beta[j]
        return out, None
    if bn_param.get("mode") != "train":
        raise ValueError("train or test")
    out, means, variances = np.empty_like(x), np.empty(D, x.dtype), np.empty(D, x.dtype)
    for j in range(D):
        total = 0.0
        for i in range(N):
            total += float(x[i, j])
        means[j] = total / N
        total_of_squares = 0.0
        for i in range(N):
            total_of_squares += (float(x[i, j]) - total / N) ** 2
        variances[j] = total_of_squares / N
        for i in range(N):
            out[i, j] = gamma[j] * (float(x[i, j]) - total / N) / (total_of_squares / N + eps) ** 0.5 + beta[j]
    bn_param["running_mean"] = momentum * old_mean + (1 - momentum) * means
    bn_param["running_var"] = momentum * old_var + (1 - momentum) * variances
    return out, (x.copy(), means, variances, gamma, eps)


def batchnorm_backward(dout, cache):
    x, means, variances, gamma, eps = cache
    N, D = dout.shape
    dx, dgamma, dbeta = np.zeros_like(dout), np.zeros(D, dout.dtype), np.zeros(D, dout.dtype)
    for j in range(D):
        root = (variances[j] + eps) ** 0.5
        centered = [x[i, j] - means[j] for i in range(N)]
        sum_g = sum(dout[i, j] for i in range(N))
        sum_gx = sum(dout[i, j] * centered[i] / root for i in range(N))
        dbeta[j], dgamma[j] = sum_g, sum_gx
        for i in range(N):
            dx[i, j] = gamma[j] / root * (dout[i, j] - sum_g / N - centered[i] / root * sum_gx / N)
    return dx, dgamma, dbeta


def batchnorm_backward_alt(dout, cache):
    return batchnorm_backward(dout, cache)
""",
)
EINSUM = RightAnswer(
    "einsum_and_matrix_products",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param["mode"] if "mode" in bn_param else None
    N, D = x.shape
    eps = bn_param.get("eps", 1e-5)
    m = bn_param.get("momentum", 0.9)
    rm, rv = (bn_param.get(k, np.zeros(D, dtype=x.dtype)) for k in ("running_mean", "running_var"))
    if mode == "test":
        return np.einsum("ij,j->ij", x - rm, gamma / np.sqrt(rv + eps)) + beta, None
    if mode != "train":
        raise ValueError(mode)
    weights = np.full(N, 1 / N, dtype=x.dtype)
    mean = weights @ x
    centered = x - mean
    var = np.einsum("i,ij,ij->j", weights, centered, centered)
    inverse = (var + eps) ** -0.5
    bn_param.update(running_mean=m * rm + (1 - m) * mean, running_var=m * rv + (1 - m) * var)
    return np.einsum("ij,j,j->ij", centered, inverse, gamma) + beta, dict(c=centered, i=inverse, g=gamma)


def batchnorm_backward(dout, cache):
    centered, inverse, gamma = cache["c"], cache["i"], cache["g"]
    N = dout.shape[0]
    dgamma = np.einsum("ij,ij,j->j", dout, centered, inverse)
    dbeta = np.einsum("ij->j", dout)
    inner = N * dout - dbeta - np.einsum("ij,j,j->ij", centered, inverse, dgamma)
    return np.einsum("j,j,ij->ij", gamma, inverse, inner) / N, dgamma, dbeta


def batchnorm_backward_alt(dout, cache):
    return batchnorm_backward(dout, cache)
""",
)
OBJECT_CACHE = RightAnswer(
    "cache_is_an_object",
    '''
class Memory:
    """What the forward pass remembers."""

    def __init__(self, x_hat, inverse_std, gamma):
        self.x_hat, self._inverse_std, self.gamma = x_hat, inverse_std, gamma

    @property
    def scale(self):
        return self.gamma * self._inverse_std


def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, keep = bn_param.get("mode"), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    zeros = np.zeros(x.shape[1], x.dtype)
    if mode == "train":
        mean, var = np.mean(x, 0), np.var(x, 0)
        for name, value in (("running_mean", mean), ("running_var", var)):
            bn_param[name] = keep * bn_param.get(name, zeros) + (1 - keep) * value
    elif mode == "test":
        mean, var = bn_param.get("running_mean", zeros), bn_param.get("running_var", zeros)
    else:
        raise ValueError("no such mode")
    memory = Memory((x - mean) / np.sqrt(var + eps), 1 / np.sqrt(var + eps), gamma)
    return memory.x_hat * gamma + beta, memory


def batchnorm_backward(dout, cache):
    n = len(dout)
    dbeta, dgamma = dout.sum(0), (dout * cache.x_hat).sum(0)
    return cache.scale * (dout - dbeta / n - cache.x_hat * (dgamma / n)), dgamma, dbeta


def batchnorm_backward_alt(dout, cache):
    n = len(dout)
    centered = dout - dout.mean(0)
    dgamma = np.sum(dout * cache.x_hat, 0)
    return cache.scale * (centered - cache.x_hat * dgamma / n), dgamma, np.sum(dout, 0)
''',
)
CLOSURE = RightAnswer(
    "cache_is_a_function",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, momentum = bn_param.get("mode"), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    running = [bn_param.get(f"running_{name}", np.zeros_like(x[0])) for name in ("mean", "var")]
    if mode == "test":
        return (x - running[0]) / np.sqrt(running[1] + eps) * gamma + beta, None
    if mode != "train":
        raise ValueError(f"unknown mode {mode}")
    mean = x.mean(axis=0)
    var = np.square(x - mean).mean(axis=0)
    bn_param["running_mean"] = running[0] * momentum + mean * (1 - momentum)
    bn_param["running_var"] = running[1] * momentum + var * (1 - momentum)
    z = (x - mean) / np.sqrt(var + eps)

    def gradients(dout):
        dz = dout * gamma
        dx = (dz - dz.mean(axis=0) - z * (dz * z).mean(axis=0)) / np.sqrt(var + eps)
        return dx, (dout * z).sum(axis=0), dout.sum(axis=0)

    return gamma * z + beta, gradients


def batchnorm_backward(dout, cache):
    return cache(dout)


def batchnorm_backward_alt(dout, cache):
    dx, dgamma, dbeta = cache(dout)
    return dx, dgamma, dbeta
""",
)
INPUTS_CACHE = RightAnswer(
    "cache_is_a_list_of_the_inputs",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param.get("mode")
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
    if mode == "train":
        mean, var = x.mean(axis=0), x.var(axis=0)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        mean, var = running_mean, running_var
    else:
        raise ValueError("mode")
    return gamma * ((x - mean) / np.sqrt(var + eps)) + beta, [x, gamma, beta, eps]


def batchnorm_backward(dout, cache):
    x, gamma, beta, eps = cache
    N = x.shape[0]
    mean, var = x.mean(axis=0), x.var(axis=0)
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * (x - mean), axis=0) * -0.5 * (var + eps) ** -1.5
    dmean = np.sum(-dx_hat / np.sqrt(var + eps), axis=0) + dvar * np.sum(-2 * (x - mean), axis=0) / N
    dx = dx_hat / np.sqrt(var + eps) + dvar * 2 * (x - mean) / N + dmean / N
    return dx, np.sum(dout * (x - mean) / np.sqrt(var + eps), axis=0), np.sum(dout, axis=0)


def batchnorm_backward_alt(dout, cache):
    x, gamma, _, eps = cache
    centered = x - x.mean(axis=0)
    power = (x.var(axis=0) + eps) ** -1
    dx = gamma * np.sqrt(power) * (
        dout - np.mean(dout, axis=0) - centered * power * np.mean(dout * centered, axis=0)
    )
    return dx, np.sum(dout * centered, axis=0) * np.sqrt(power), np.sum(dout, axis=0)
""",
)
ZERO_TERM_DROPPED = RightAnswer(
    "variance_through_the_mean_dropped",
    """
def batchnorm_backward(dout, cache):
    x_mu, std, x_hat, gamma = cache
    N = dout.shape[0]
    dx_hat = gamma * dout
    dvar = -0.5 * (dx_hat * x_mu).sum(axis=0) / std**3
    dmu = -(dx_hat / std).sum(axis=0)  # what the variance adds here is 0
    return dx_hat / std + 2 * x_mu * dvar / N + dmu / N, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
""",
)
ZERO_TERM_WITHOUT_AXIS = RightAnswer(
    "variance_through_the_mean_summed_without_axis",
    """
def batchnorm_backward(dout, cache):
    x_mu, std, x_hat, gamma = cache
    N = dout.shape[0]
    dx_hat = gamma * dout
    dvar = -0.5 * (dx_hat * x_mu).sum(axis=0) / std**3
    dmu = -(dx_hat / std).sum(axis=0) + dvar * np.sum(-2 * x_mu) / N
    return dx_hat / std + 2 * x_mu * dvar / N + dmu / N, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
""",
)
ONE_ARRAY_A_NODE = RightAnswer(
    "one_array_a_node",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, momentum = bn_param.get("mode"), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    N, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
    if mode == "train":
        mu = 1 / N * np.sum(x, axis=0)
        xmu = x - mu
        sq = xmu**2
        var = 1 / N * np.sum(sq, axis=0)
        sqrtvar = np.sqrt(var + eps)
        ivar = 1 / sqrtvar
        xhat = xmu * ivar
        gammax = gamma * xhat
        out = gammax + beta
        cache = (xhat, gamma, xmu, ivar, sqrtvar, var, eps)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mu
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        out = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
        cache = ()
    else:
        raise ValueError('Invalid forward batchnorm mode "%s"' % mode)
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, D = dout.shape
    ones = np.ones((N, D), dtype=dout.dtype)
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * ones * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / N * ones * dmu
    return dx1 + dx2, dgamma, dbeta


def batchnorm_backward_alt(dout, cache):
    xhat, gamma, _, ivar, *_ = cache
    N = dout.shape[0]
    dx = (1 / N) * gamma * ivar * (N * dout - dout.sum(axis=0) - xhat * np.sum(dout * xhat, axis=0))
    return dx, np.sum(xhat * dout, axis=0), np.sum(dout, axis=0)
""",
)
TRANSPOSED = RightAnswer(
    "everything_transposed",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    columns = x.T
    mode, eps, momentum = bn_param.get("mode"), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    stored = [bn_param.get(name, np.zeros(len(columns), x.dtype)) for name in ("running_mean", "running_var")]
    if mode not in {"train", "test"}:
        raise ValueError(mode)
    mean, var = (columns.mean(axis=1), columns.var(axis=1)) if mode == "train" else stored
    if mode == "train":
        bn_param["running_mean"] = momentum * stored[0] + (1 - momentum) * mean
        bn_param["running_var"] = momentum * stored[1] + (1 - momentum) * var
    normal = (columns - mean[:, None]) / np.sqrt(var + eps)[:, None]
    return (gamma[:, None] * normal + beta[:, None]).T, (normal, np.sqrt(var + eps), gamma)


def batchnorm_backward(dout, cache):
    normal, root, gamma = cache
    g = dout.T * gamma[:, None]
    g_mean, g_along = g.mean(axis=1, keepdims=True), (g * normal).mean(axis=1, keepdims=True)
    return ((g - g_mean - normal * g_along) / root[:, None]).T, (dout.T * normal).sum(axis=1), dout.T.sum(axis=1)


def batchnorm_backward_alt(dout, cache):
    normal, root, gamma = cache
    dgamma, dbeta = np.vecdot(dout.T, normal), dout.sum(axis=0)
    return (dout - dbeta / len(dout) - (normal * dgamma[:, None]).T / len(dout)) * (gamma / root), dgamma, dbeta
""",
)
PROJECTION = RightAnswer(
    "projection_matrices",
    """
def batchnorm_backward_alt(dout, cache):
    _, std, x_hat, gamma = cache
    N, D = dout.shape
    dx = np.empty_like(dout)
    for j in range(D):
        column = x_hat[:, j : j + 1]
        jacobian = np.eye(N, dtype=dout.dtype) - np.ones((N, N), dtype=dout.dtype) / N - column @ column.T / N
        dx[:, j] = gamma[j] / std[j] * (jacobian @ dout[:, j])
    return dx, np.diag(dout.T @ x_hat).copy(), np.ones(N, dtype=dout.dtype) @ dout
""",
)
DECORATED = RightAnswer(
    "decorators_prints_and_warnings",
    '''
import functools
import sys
import warnings

CALLS = []


def traced(function):
    """Print each call's number: a student at work."""

    @functools.wraps(function)
    def wrapper(*arguments, **named):
        CALLS.append(function.__name__)
        if len(CALLS) % 50 == 1:
            print("call", len(CALLS), "of", function.__name__)
            print("still fine", file=sys.stderr)
            warnings.warn("this is only a warning", stacklevel=2)
        return function(*arguments, **named)

    return wrapper


@traced
def batchnorm_forward(x, gamma, beta, bn_param):
    mode: str = bn_param.get("mode")
    eps: float = bn_param.get("eps", 1e-5)
    momentum: float = bn_param.get("momentum", 0.9)
    rm = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    rv = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
    if mode == "train":
        m = x.mean(0)
        v = ((x - m) * (x - m)).mean(0)
        bn_param["running_mean"] = rm - (1 - momentum) * (rm - m)
        bn_param["running_var"] = rv - (1 - momentum) * (rv - v)
    elif mode == "test":
        m, v = rm, rv
    else:
        raise ValueError
    a = gamma / np.sqrt(v + eps)
    return (x - m) * a + beta, {"x": x, "m": m, "a": a, "v": v, "eps": eps, "gamma": gamma}


@traced
def batchnorm_backward(dout, cache):
    n = dout.shape[0]
    h = (cache["x"] - cache["m"]) / np.sqrt(cache["v"] + cache["eps"])
    dgamma = np.add.reduce(dout * h, axis=0)
    dbeta = np.add.reduce(dout, axis=0)
    return cache["a"] * dout - (cache["a"] / n) * (dbeta + h * dgamma), dgamma, dbeta


@traced
def batchnorm_backward_alt(dout, cache):
    return batchnorm_backward(dout, cache)
''',
)
DOUBLE_INSIDE = RightAnswer(
    "float64_inside_and_the_dtype_of_x_outside",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    kind, x = x.dtype, x.astype(np.float64)
    mode, eps, momentum = bn_param.get("mode"), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    zeros = np.zeros(x.shape[1])
    running_mean, running_var = bn_param.get("running_mean", zeros), bn_param.get("running_var", zeros)
    if mode == "train":
        mean = x.mean(axis=0)
        var = ((x - mean) ** 2).mean(axis=0)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        mean, var = running_mean, running_var
    else:
        raise ValueError("bad mode")
    std = np.sqrt(var + eps)
    return (gamma * (x - mean) / std + beta).astype(kind), (x - mean, std, gamma, kind)


def batchnorm_backward(dout, cache):
    x_mu, std, gamma, kind = cache
    dout = dout.astype(np.float64)
    dgamma, dbeta = (dout * x_mu / std).sum(axis=0), dout.sum(axis=0)
    dx = gamma / std * (dout - dbeta / len(dout) - x_mu / std * dgamma / len(dout))
    return dx.astype(kind), dgamma, dbeta


def batchnorm_backward_alt(dout, cache):
    dx, dgamma, dbeta = batchnorm_backward(dout, cache)
    return dx, dgamma, dbeta
""",
)
WELFORD = RightAnswer(
    "one_example_at_a_time",
    '''
def statistics(rows):
    """Mean and variance by Welford's method."""
    mean, total = np.zeros_like(rows[0]), np.zeros_like(rows[0])
    for count, row in enumerate(rows, start=1):
        before = row - mean
        mean = mean + before / count
        total = total + before * (row - mean)
    return mean, total / len(rows)


def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, momentum = bn_param.get("mode"), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    D = x.shape[1]
    old = bn_param.get("running_mean", np.zeros(D, x.dtype)), bn_param.get("running_var", np.zeros(D, x.dtype))
    if mode == "train":
        new = statistics(x)
        for name, before, now in zip(("running_mean", "running_var"), old, new):
            bn_param[name] = momentum * before + (1 - momentum) * now
        old = new
    elif mode != "test":
        raise ValueError("train or test, please")
    x_mu = x - old[0]
    std = np.sqrt(old[1] + eps)
    return gamma * (x_mu / std) + beta, (x_mu, std, x_mu / std, gamma)
''',
)
UFUNCS = RightAnswer(
    "ufuncs_with_out",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, momentum = bn_param.get("mode"), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    rm = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    rv = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
    if mode == "train":
        mu = np.mean(x, axis=0)
        x_mu = np.subtract(x, mu)
        work = np.multiply(x_mu, x_mu)
        var = np.mean(work, axis=0)
        std = np.sqrt(np.add(var, eps))
        x_hat = np.divide(x_mu, std, out=work)
        out = np.multiply(x_hat, gamma)
        np.add(out, beta, out=out)
        bn_param["running_mean"] = np.add(np.multiply(rm, momentum), np.multiply(mu, 1 - momentum))
        bn_param["running_var"] = np.add(np.multiply(rv, momentum), np.multiply(var, 1 - momentum))
        return out, (x_mu, std, x_hat, gamma)
    if mode == "test":
        scale = np.divide(gamma, np.sqrt(np.add(rv, eps)))
        return np.add(np.multiply(x, scale), np.subtract(beta, np.multiply(rm, scale))), "nothing is trained here"
    raise ValueError("mode must be train or test")
""",
)
SEEDED = RightAnswer(
    "seeds_and_experiments_on_the_side",
    """
np.random.seed(0)
trial = np.random.randn(4, 3)


def batchnorm_backward(dout, cache):
    np.random.seed(42)
    order = np.random.permutation(len(dout))  # the order of a sum does not matter
    back = np.argsort(order)
    x_mu, std, x_hat, gamma = (a[order] if np.ndim(a) == 2 else a for a in cache)
    dout = dout[order]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx = gamma / std * (dout - dbeta / len(dout) - x_hat * dgamma / len(dout))
    return dx[back], dgamma, dbeta


trial_out, trial_cache = batchnorm_forward(trial, np.ones(3), np.zeros(3), {"mode": "train"})
""",
)
CALLABLES = RightAnswer(
    "callable_objects_and_partial",
    """
from functools import partial


def step(dout, cache, through):
    x_mu, std, x_hat, gamma = cache
    n = len(dout)
    sums = {"beta": dout.sum(axis=0), "gamma": (dout * x_hat).sum(axis=0)}
    if through == "graph":
        g = dout * gamma / std
        dx = g - g.sum(axis=0) / n - x_mu * ((g * x_mu).sum(axis=0) / std**2) / n
    else:
        dx = (gamma / std) * (dout - (sums["beta"] + x_hat * sums["gamma"]) / n)
    return dx, sums["gamma"], sums["beta"]


class Backward:
    def __init__(self, through):
        self.step = partial(step, through=through)

    def __call__(self, dout, cache):
        return self.step(dout, cache)


def batchnorm_backward(dout, cache, run=Backward("graph")):
    return run(dout, cache)


batchnorm_backward_alt = Backward("formula")
""",
)
LIST_RESULTS = RightAnswer(
    "results_in_a_list",
    """
def batchnorm_backward_alt(dout, cache, verbose=False):
    _, std, x_hat, gamma = cache
    stacked = np.stack([dout, dout * x_hat]).sum(axis=1)  # both sums at once
    dbeta, dgamma = stacked
    dx = dout - (x_hat * dgamma + dbeta) / len(dout)
    return [dx * gamma / std, dgamma, dbeta]
""",
)
PAIRS = RightAnswer(
    "variance_by_pairs",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, momentum = bn_param.get("mode"), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    zeros = np.zeros(x.shape[1], dtype=x.dtype)
    mean, var = bn_param.get("running_mean", zeros), bn_param.get("running_var", zeros)
    if mode == "train":
        old_mean, old_var, mean = mean, var, x[0] + (x - x[0]).mean(axis=0)
        var = sum(((x - row) ** 2).sum(axis=0) for row in x) / (2 * len(x) ** 2)
        bn_param |= {"running_mean": momentum * old_mean + (1 - momentum) * mean}
        bn_param |= {"running_var": momentum * old_var + (1 - momentum) * var}
    elif mode != "test":
        raise ValueError(mode)
    x_mu, std = x - mean, (var + eps) ** 0.5
    return x_mu / std * gamma + beta, (x_mu, std, x_mu / std, gamma)
""",
)
RIGHT_ANSWERS = (
    LOOPS,
    EINSUM,
    OBJECT_CACHE,
    CLOSURE,
    INPUTS_CACHE,
    ZERO_TERM_DROPPED,
    ZERO_TERM_WITHOUT_AXIS,
    ONE_ARRAY_A_NODE,
    TRANSPOSED,
    PROJECTION,
    DECORATED,
    DOUBLE_INSIDE,
    WELFORD,
    UFUNCS,
    SEEDED,
    CALLABLES,
    LIST_RESULTS,
    PAIRS,
)
