"""Answers to the layernorm notebook that are right and look unlike the reference: none may lose a point."""

from __future__ import annotations

from reference.course import RightAnswer

THROUGH_BATCH_NORM = RightAnswer(
    "batch_norm_of_the_transposed",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, momentum = bn_param["mode"], bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    mean, var = x.mean(axis=0), x.var(axis=0)
    for name, value in (("running_mean", mean), ("running_var", var)):
        bn_param[name] = momentum * bn_param.get(name, 0 * value) + (1 - momentum) * value
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta, (x_hat, gamma, np.sqrt(var + eps))


def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    N = len(dout)
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    return gamma / std / N * (N * dout - dbeta - x_hat * dgamma), dgamma, dbeta


def layernorm_forward(x, gamma, beta, ln_param):
    ones, zeros = np.ones(len(x), dtype=x.dtype), np.zeros(len(x), dtype=x.dtype)
    x_hat, cache = batchnorm_forward(x.T, ones, zeros, {"mode": "train", **ln_param})
    return gamma * x_hat.T + beta, (cache, x_hat.T, gamma)


def layernorm_backward(dout, cache):
    bn_cache, x_hat, gamma = cache
    dx, _, _ = batchnorm_backward((dout * gamma).T, bn_cache)
    return dx.T, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
""",
)
LOOPS = RightAnswer(
    "loops_over_every_element",
    """
def layernorm_forward(x, gamma, beta, ln_param):
    N, D = x.shape
    eps = ln_param.get("eps", 1e-5)
    out, normal, roots = np.zeros_like(x), np.zeros_like(x), []
    for i in range(N):
        mean = sum(float(value) for value in x[i]) / D
        root = (sum((float(value) - mean) ** 2 for value in x[i]) / D + eps) ** 0.5
        roots.append(root)
        for j in range(D):
            normal[i, j] = (float(x[i, j]) - mean) / root
            out[i, j] = gamma[j] * normal[i, j] + beta[j]
    return out, [normal, roots, gamma]


def layernorm_backward(dout, cache):
    normal, roots, gamma = cache
    N, D = dout.shape
    dx, dgamma, dbeta = np.zeros_like(dout), np.zeros_like(gamma), np.zeros_like(gamma)
    for i in range(N):
        for j in range(D):
            dbeta[j] += dout[i, j]
            dgamma[j] += dout[i, j] * normal[i, j]
            total = 0.0
            for k in range(D):
                jacobian = (float(j == k) - 1 / D - normal[i, j] * normal[i, k] / D) / roots[i]
                total += dout[i, k] * gamma[k] * jacobian
            dx[i, j] = total
    return dx, dgamma, dbeta
""",
)
EINSUM = RightAnswer(
    "einsum_and_a_dictionary",
    """
def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param["eps"] if "eps" in ln_param else 1e-5
    D = x.shape[1]
    centered = x - np.einsum("ij->i", x)[:, None] / D
    power = np.einsum("ij,ij->i", centered, centered) / D + eps
    return np.einsum("ij,i,j->ij", centered, power**-0.5, gamma) + beta, {"c": centered, "p": power, "g": gamma}


def layernorm_backward(dout, cache):
    centered, power, gamma = (cache[key] for key in "cpg")
    D = dout.shape[1]
    g = dout * gamma
    along = np.einsum("ij,ij->i", g, centered) / power / D
    dx = (g - g.sum(axis=1, keepdims=True) / D - centered * along[:, None]) * (power**-0.5)[:, None]
    return dx, np.einsum("ij,ij,i->j", dout, centered, power**-0.5), np.einsum("ij->j", dout)
""",
)
CLOSURE = RightAnswer(
    "cache_is_a_function",
    """
def layernorm_forward(x, gamma, beta, ln_param):
    x_mu = x - x.mean(axis=1)[:, np.newaxis]
    std = np.sqrt((x_mu * x_mu).mean(axis=1) + ln_param.get("eps", 1e-5))[:, np.newaxis]
    x_hat = x_mu / std
    return x_hat * gamma + beta, lambda dout: ((dout * gamma), x_hat, std)


def layernorm_backward(dout, cache):
    g, x_hat, std = cache(dout)
    g = g - g.mean(axis=-1, keepdims=True) - x_hat * np.mean(g * x_hat, axis=-1, keepdims=True)
    return g / std, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)
""",
)
INPUTS_CACHE = RightAnswer(
    "cache_is_a_list_of_the_inputs",
    """
def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    out = gamma * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + eps) + beta
    return out, [x.copy(), gamma.copy(), dict(ln_param)]


def layernorm_backward(dout, cache):
    x, gamma, ln_param = cache
    D = x.shape[1]
    mean, var = x.mean(1, keepdims=True), x.var(1, keepdims=True) + ln_param.get("eps", 1e-5)
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * (x - mean), axis=1, keepdims=True) * -0.5 * var**-1.5
    dmean = -np.sum(dx_hat, axis=1, keepdims=True) / np.sqrt(var) - dvar * 2 * np.sum(x - mean) / D
    dx = dx_hat / np.sqrt(var) + dvar * 2 * (x - mean) / D + dmean / D
    return dx, np.sum(dout * (x - mean) / np.sqrt(var), axis=0), np.sum(dout, axis=0)
""",
)
OBJECT_CACHE = RightAnswer(
    "a_class_with_subclasses",
    '''
class Layer:
    """Any normalization that scales and shifts features."""

    def __init__(self, gamma, beta):
        self.gamma, self.beta = gamma, beta

    def forward(self, x):
        self.normal = self.normalize(x)
        return self.gamma * self.normal + self.beta

    def backward(self, dout):
        return self.normalize_backward(dout * self.gamma), (dout * self.normal).sum(axis=0), dout.sum(axis=0)


class LayerNorm(Layer):
    eps = 1e-5

    def normalize(self, x):
        centered = x - x.mean(axis=1, keepdims=True)
        self.root = np.sqrt((centered**2).mean(axis=1, keepdims=True) + self.eps)
        return centered / self.root

    def normalize_backward(self, g):
        along = (g * self.normal).mean(axis=1, keepdims=True)
        return (g - g.mean(axis=1, keepdims=True) - along * self.normal) / self.root


def layernorm_forward(x, gamma, beta, ln_param):
    layer = LayerNorm(gamma, beta)
    layer.eps = ln_param.get("eps", layer.eps)
    return layer.forward(x), layer


def layernorm_backward(dout, cache):
    return cache.backward(dout)
''',
)
NODE_BY_NODE = RightAnswer(
    "one_array_a_node",
    """
def layernorm_forward(x, gamma, beta, ln_param):
    D = x.shape[1]
    mu = (np.sum(x, axis=1) / D).reshape(-1, 1)
    xmu = x - mu
    var = np.sum(xmu**2, axis=1, keepdims=True) / D
    sqrtvar = np.sqrt(var + ln_param.get("eps", 1e-5))
    ivar = 1 / sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    return gammax + beta, (xhat, gamma, xmu, ivar, sqrtvar)


def layernorm_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar = cache
    N, D = dout.shape
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=1, keepdims=True)
    dsqrtvar = -divar / sqrtvar**2
    dvar = 0.5 * dsqrtvar / sqrtvar
    dsq = np.ones((N, D), dtype=dout.dtype) * dvar / D
    dxmu = dxhat * ivar + 2 * xmu * dsq
    dmu = -np.sum(dxmu, axis=1, keepdims=True)
    dx = dxmu + np.ones((N, D), dtype=dout.dtype) * dmu / D
    return dx, np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)
""",
)
ROW_BY_ROW = RightAnswer(
    "row_by_row_with_a_helper",
    """
def normalize(row, eps):
    centered = row - row.mean()
    return centered / np.sqrt(centered @ centered / len(row) + eps)


def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    rows = np.array([normalize(row, eps) for row in x])
    return rows * gamma + beta, (x, rows, gamma, eps)


def layernorm_backward(dout, cache):
    x, rows, gamma, eps = cache
    gradients = []
    for row, g, raw in zip(rows, dout * gamma, x):
        g = g - g.mean() - row * (g @ row) / len(row)
        gradients.append(g / np.sqrt(raw.var() + eps))
    return np.array(gradients), sum(d * r for d, r in zip(dout, rows)), sum(d for d in dout)
""",
)
ALONG_AXIS = RightAnswer(
    "apply_along_axis",
    """
def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)

    def normalize(row):
        return (row - np.mean(row)) / np.sqrt(np.var(row) + eps)

    x_hat = np.apply_along_axis(normalize, 1, x)
    return np.add(np.multiply(x_hat, gamma), beta), (x_hat, np.sqrt(x.var(axis=1) + eps), gamma)


def layernorm_backward(dout, cache):
    x_hat, std, gamma = cache
    D = len(gamma)
    g = (dout * gamma).T
    dx = 1 / D / std * (D * g - g.sum(axis=0) - x_hat.T * (g * x_hat.T).sum(axis=0))
    return dx.T, np.add.reduce(dout * x_hat), np.add.reduce(dout)
""",
)
DOUBLE_INSIDE = RightAnswer(
    "float64_inside_and_the_dtype_of_x_outside",
    """
def layernorm_forward(x, gamma, beta, ln_param):
    wide = x.astype(np.float64)
    centered = wide - wide.mean(axis=1, keepdims=True)
    std = np.sqrt((centered**2).mean(axis=1, keepdims=True) + ln_param.get("eps", 1e-5))
    return (gamma * (centered / std) + beta).astype(x.dtype), (centered / std, std, gamma)


def layernorm_backward(dout, cache):
    x_hat, std, gamma = cache
    g = dout.astype(np.float64) * gamma
    dx = (g - g.mean(axis=1, keepdims=True) - x_hat * (g * x_hat).mean(axis=1, keepdims=True)) / std
    return dx.astype(dout.dtype), (dout * x_hat).sum(axis=0), dout.sum(axis=0, dtype=np.float64)
""",
)
CENTERING = RightAnswer(
    "a_centering_matrix",
    """
def layernorm_forward(x, gamma, beta, ln_param):
    D = x.shape[1]
    centering = np.eye(D, dtype=x.dtype) - np.full((D, D), 1 / D, dtype=x.dtype)
    centered = (x - x[:, :1]) @ centering  # from the first feature, so that no digits are lost far from 0
    std = np.sqrt(np.linalg.norm(centered, axis=1) ** 2 / D + ln_param.get("eps", 1e-5))
    return centered / std[:, None] @ np.diag(gamma) + beta, (centered, std, gamma, centering)


def layernorm_backward(dout, cache):
    centered, std, gamma, centering = cache
    g = dout @ np.diag(gamma)
    unit = centered / std[:, None]
    dx = np.stack([
        (centering - np.outer(unit[i], unit[i]) / len(gamma)) @ g[i] / std[i] for i in range(len(g))
    ])
    return dx, np.diagonal(dout.T @ unit).copy(), np.ones(len(dout), dtype=dout.dtype) @ dout
""",
)
NOISY = RightAnswer(
    "decorators_prints_and_seeds",
    """
import sys
import warnings
from functools import lru_cache, wraps

np.random.seed(7)
my_noise = np.random.rand(3)


@lru_cache(maxsize=None)
def default_eps():
    return 1e-5


def noisy(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        print("now in", function.__name__)
        print("on stderr too", file=sys.stderr)
        warnings.warn("a warning costs nothing", stacklevel=2)
        np.random.seed(1)
        return function(*args, **kwargs)

    return wrapper


@noisy
def layernorm_forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, ln_param: dict = {}):  # noqa: B006
    x_mu = x - x.sum(axis=1, keepdims=True) / x.shape[1]
    v = np.square(x_mu).sum(axis=1, keepdims=True) / x.shape[1]
    inverse = 1 / np.sqrt(v + ln_param.get("eps", default_eps()))
    return gamma * x_mu * inverse + beta, (x_mu, inverse, gamma)


@noisy
def layernorm_backward(dout: np.ndarray, cache: tuple):
    x_mu, inverse, gamma = cache
    D = dout.shape[1]
    g = gamma * dout * inverse
    dx = g - g.sum(axis=1, keepdims=True) / D - x_mu * inverse**2 * (g * x_mu).sum(axis=1, keepdims=True) / D
    return [dx, np.sum(dout * x_mu * inverse, axis=0), np.sum(dout, axis=0)]
""",
)
RIGHT_ANSWERS = (
    THROUGH_BATCH_NORM,
    LOOPS,
    EINSUM,
    CLOSURE,
    INPUTS_CACHE,
    OBJECT_CACHE,
    NODE_BY_NODE,
    ROW_BY_ROW,
    ALONG_AXIS,
    DOUBLE_INSIDE,
    CENTERING,
    NOISY,
)
