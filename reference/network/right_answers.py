"""Right answers to the network notebook that look unlike the reference: each of them must get every point.

Two plain networks, written as students write them, are varied in one respect after another; the layers follow.
"""

from __future__ import annotations

from reference.course import RightAnswer
from reference.network.right_classes import LAYER_OBJECTS, MIXED
from reference.network.right_networks import BRANCHES, MASKS, RECURSIVE

__all__ = ["RIGHT_ANSWERS"]


def _varied(name: str, *edits: tuple[str, str], network: str = BRANCHES) -> RightAnswer:
    """A variant of a network; each old text must stand in it."""
    for old, new in edits:
        if old not in network:
            raise ValueError(f"right answer {name}: {old!r} does not stand in its network")
        network = network.replace(old, new)
    return RightAnswer(name, network)


NETWORKS = (
    _varied("branches_for_each_kind"),
    _varied("layers_as_objects", network=LAYER_OBJECTS),
    _varied("masks_of_its_own", network=MASKS),
    _varied("recursion", network=RECURSIVE),
    _varied("mixed_in_classes", network=MIXED),
    _varied("normal_with_size", ("scale * np.random.randn(m, n)", "np.random.normal(0.0, scale, size=(m, n))")),
    _varied("own_generator", ("scale * np.random.randn(m, n)", "np.random.default_rng().normal(0, scale, (m, n))")),
    _varied("seeded_once_in_the_constructor", ("        dims = [", "        np.random.seed(3)\n        dims = [")),
    _varied(
        "last_weights_drawn_first",
        ("in enumerate(zip(dims, dims[1:])):", "in reversed(list(enumerate(zip(dims, dims[1:])))):"),
    ),
    _varied("statistics_in_rotated_order", ("self.bn_params[k - 1]", "self.bn_params[-k]")),
    _varied(
        "statistics_by_name",
        (
            'self.bn_params = [{"mode": "train"} for _ in hidden_dims]',
            'self.bn_params = {f"layer {k}": {"mode": "train"} for k in range(1, len(dims) - 1)}',
        ),
        ("for bn_param in self.bn_params:", "for bn_param in self.bn_params.values():"),
        ("self.bn_params[k - 1]", 'self.bn_params[f"layer {k}"]'),
    ),
    _varied(
        "mode_beside_the_statistics",
        ("self.bn_params[k - 1])", 'self.bn_params[k - 1] if self.normalization == "batchnorm" else {"eps": 1e-5})'),
    ),
    _varied(
        "own_loss",
        (
            "loss, dscores = softmax_loss(scores, y)",
            "shifted = scores - np.max(scores, axis=1, keepdims=True)\n"
            "        share = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)\n"
            "        picked = np.eye(scores.shape[1])[y]\n"
            "        loss = np.mean(np.log(np.exp(shifted).sum(axis=1)) - (shifted * picked).sum(axis=1))\n"
            "        dscores = (share - picked) / X.shape[0]",
        ),
    ),
    _varied("penalty_by_dot_product", ("np.sum(p[name] ** 2)", "np.vdot(p[name], p[name])")),
    _varied("penalty_by_norm", ("np.sum(p[name] ** 2)", "np.linalg.norm(p[name]) ** 2")),
    _varied("penalty_by_einsum", ("np.sum(p[name] ** 2)", 'np.einsum("ij,ij->", p[name], p[name])')),
    _varied("gradients_in_sorted_order", ("return loss, grads", "return loss, dict(sorted(grads.items()))")),
    _varied(
        "ordered_dictionaries",
        ("class FullyConnectedNet", "from collections import OrderedDict\n\n\nclass FullyConnectedNet"),
        ("self.params = {}", "self.params = OrderedDict()"),
        ("grads = {}", "grads = OrderedDict()"),
    ),
    _varied("loss_as_a_numpy_number", ("return loss, grads", "return np.float64(loss), grads")),
    _varied("loss_as_an_array", ("return loss, grads", "return np.array(loss), grads")),
    _varied("results_as_a_list", ("return loss, grads", "return [loss, grads]")),
    _varied("flattened_input", ("out = X.astype(self.dtype)", "out = np.reshape(X, (len(X), -1)).astype(self.dtype)")),
    _varied(
        "prints_and_warns",
        (
            "        dims = [",
            "        import warnings\n\n        print(hidden_dims)\n        warnings.warn('fresh')\n        dims = [",
        ),
    ),
    _varied(
        "params_as_a_property",
        ("self.params = {}", "self._parameters = {}"),
        ("    def loss", "    @property\n    def params(self):\n        return self._parameters\n\n    def loss"),
    ),
    _varied(
        "options_as_keywords",
        (
            "input_dim=3 * 32 * 32, num_classes=10, dropout=1, normalization=None, reg=0.0,\n"
            "                 weight_scale=1e-2, dtype=np.float32, seed=None):",
            "*, input_dim=3072, **options):",
        ),
        (
            "        dims = [",
            "        defaults = dict(num_classes=10, dropout=1, normalization=None, reg=0.0, weight_scale=1e-2)\n"
            "        options = {**defaults, 'dtype': np.float32, 'seed': None, **options}\n"
            "        num_classes, dropout, normalization, reg, scale, dtype, seed = options.values()\n"
            "        dims = [",
        ),
        ("scale = weight_scale", "pass"),
    ),
)

DICT_CACHE = """
import numpy as np
from normlab.layers import affine_backward, affine_forward


def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
    cache = {}
    a, cache["affine"] = affine_forward(x, w, b)
    n, cache["norm"] = batchnorm_forward(a, gamma, beta, bn_param)
    cache["open"] = n > 0
    return n * cache["open"], cache


def affine_bn_relu_backward(dout, cache):
    dn = np.where(cache["open"], dout, 0.0)
    da, dgamma, dbeta = batchnorm_backward_alt(dn, cache["norm"])
    return affine_backward(da, cache["affine"]) + (dgamma, dbeta)


def affine_ln_relu_forward(x, w, b, gamma, beta, ln_param):
    cache = {}
    a, cache["affine"] = affine_forward(x, w, b)
    n, cache["norm"] = layernorm_forward(a, gamma, beta, ln_param)
    cache["open"] = n > 0
    return n * cache["open"], cache


def affine_ln_relu_backward(dout, cache):
    dn = np.where(cache["open"], dout, 0.0)
    da, dgamma, dbeta = layernorm_backward(dn, cache["norm"])
    return list(affine_backward(da, cache["affine"])) + [dgamma, dbeta]
"""

CLOSURES = '''
def chain(x, w, b, gamma, beta, normalize, normalize_back, settings):
    """One helper for both kinds: returns the output and a function that walks back."""
    a, c1 = affine_forward(x, w, b)
    n, c2 = normalize(a, gamma, beta, settings)
    out, c3 = relu_forward(n)

    def back(dout):
        da, dgamma, dbeta = normalize_back(relu_backward(dout, c3), c2)
        return (*affine_backward(da, c1), dgamma, dbeta)

    return out, back


def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
    return chain(x, w, b, gamma, beta, batchnorm_forward, batchnorm_backward, bn_param)


def affine_bn_relu_backward(dout, cache):
    return cache(dout)


def affine_ln_relu_forward(x, w, b, gamma, beta, ln_param):
    return chain(x, w, b, gamma, beta, layernorm_forward, layernorm_backward, ln_param)


def affine_ln_relu_backward(dout, cache):
    return cache(dout)
'''

OBJECTS = """
class Memory:
    __slots__ = ("parts",)

    def __init__(self, *parts):
        self.parts = parts


def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
    (a, c1) = affine_forward(x, w, b)
    (n, c2) = batchnorm_forward(a, gamma, beta, bn_param)
    (out, c3) = relu_forward(n)
    return out, Memory(c1, c2, c3)


def affine_bn_relu_backward(dout, cache):
    c1, c2, c3 = cache.parts
    da, dgamma, dbeta = batchnorm_backward(relu_backward(dout, c3), c2)
    dx, dw, db = affine_backward(da, c1)
    return dx, dw, np.zeros_like(db), dgamma, dbeta
"""

BY_HAND = """
def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    rows, units = len(x), len(b)
    a = np.zeros((rows, units), dtype=x.dtype)
    for j in range(units):
        a[:, j] = (x * w[:, j]).sum(axis=1) + b[j]
    if bn_param["mode"] == "train":
        mean, var = np.mean(a, axis=0), np.var(a, axis=0)
        for key, value in (("running_mean", mean), ("running_var", var)):
            bn_param[key] = momentum * bn_param.get(key, 0 * mean) + (1 - momentum) * value
    else:
        mean, var = (bn_param.get(key, np.zeros(units, dtype=a.dtype)) for key in ("running_mean", "running_var"))
    hat = (a - mean) / np.sqrt(var + eps)
    out = np.maximum(gamma * hat + beta, 0)
    return out, (x, w, hat, var + eps, gamma, out)


def affine_bn_relu_backward(dout, cache):
    x, w, hat, spread, gamma, out = cache
    dn = dout * (out > 0)
    dgamma, dbeta = np.einsum("ij,ij->j", dn, hat), np.einsum("ij->j", dn)
    n = x.shape[0]
    da = (gamma / np.sqrt(spread) / n) * (n * dn - dbeta - hat * dgamma)
    return np.einsum("ij,kj->ik", da, w), np.einsum("ik,ij->kj", x, da), np.ones(n) @ da, dgamma, dbeta
"""

TRANSPOSED = '''
def affine_ln_relu_forward(x, w, b, gamma, beta, ln_param):
    """Layer norm is batch norm of the transposed matrix, without gamma and beta."""
    a, first = affine_forward(x, w, b)
    plain = np.ones(len(a), dtype=a.dtype), np.zeros(len(a), dtype=a.dtype)
    hat, second = batchnorm_forward(a.T, *plain, {"mode": "train", **ln_param})
    out = gamma * hat.T + beta
    return np.where(out > 0, out, 0), (first, second, gamma, hat.T, out > 0)


def affine_ln_relu_backward(dout, cache):
    first, second, gamma, hat, mask = cache
    dout = dout * mask
    dhat = (dout * gamma).T
    da = batchnorm_backward(dhat, second)[0].T
    dx, dw, db = affine_backward(da, first)
    return dx, dw, db, (dout * hat).sum(0), dout.sum(0)
'''

DECORATED = '''
import functools


def counted(function):
    """How often is it called?"""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


@counted
def affine_ln_relu_forward(x: np.ndarray, w: np.ndarray, b, gamma, beta, ln_param=None) -> "tuple":
    a, first = affine_forward(x, w, b)
    a, second = layernorm_forward(a, gamma, beta, ln_param or {})
    a, third = relu_forward(a)
    return a, [first, second, third]


@counted
def affine_ln_relu_backward(dout, cache):
    first, second, third = cache
    gradient = relu_backward(dout, third)
    gradient, *rest = layernorm_backward(gradient, second)
    return *affine_backward(gradient, first), *rest
'''

LAYERS = tuple(
    RightAnswer(name, text.strip("\n") + "\n")
    for name, text in {
        "layers_with_dictionaries": DICT_CACHE,
        "layers_with_closures": CLOSURES,
        "layers_with_objects": OBJECTS,
        "batch_norm_layer_by_hand": BY_HAND,
        "layer_norm_layer_by_transposing": TRANSPOSED,
        "decorated_layers": DECORATED,
    }.items()
)

RIGHT_ANSWERS = (*NETWORKS, *LAYERS)
