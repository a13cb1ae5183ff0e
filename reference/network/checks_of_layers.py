"""Test cells of the four functions that put affine, normalization and ReLU together."""

import numpy as np

from normlab import graph
from normlab.checks import require_close, require_results, require_shape, require_unchanged, require_zero
from normlab.netcheck import require_layer_gradients
from normlab.normcheck import found_right, hold, require_graph
from reference.course import Function, check


@check(points=4)
def affine_bn_relu_forward__training(affine_bn_relu_forward: Function) -> None:
    """Training mode: affine, batch norm, ReLU, in this order; the running statistics move."""
    rng = np.random.default_rng(11)
    for N, D, M in ((7, 4, 5), (5, 5, 5)):
        given = {"x": rng.normal(2.0, 1.0, (N, D)), "w": rng.normal(size=(D, M))}
        given |= {name: rng.normal(size=M) for name in ("b", "gamma", "beta")}
        before = {name: array.copy() for name, array in given.items()}
        param = {"mode": "train", "eps": 0.1, "momentum": 0.7}
        results = affine_bn_relu_forward(*given.values(), param)
        out, _ = require_results("affine_bn_relu_forward", results, ("out", "cache"))

        a = graph.Node(before["x"]) @ before["w"] + before["b"]
        mean = a.mean(axis=0)
        variance = ((a - mean) ** 2).mean(axis=0)
        want = graph.relu((a - mean) / graph.sqrt(variance + 0.1) * before["gamma"] + before["beta"])
        require_close("out", out, want.value, 1e-8)
        for name, array in given.items():
            require_unchanged(name, array, before[name])
        assert "running_mean" in param, "param must hold running_mean after a training step, but it does not"
        require_close('param["running_mean"]', param["running_mean"], 0.3 * mean.value, 1e-8)
        require_close('param["running_var"]', param["running_var"], 0.3 * variance.value, 1e-8)
    found_right("affine_bn_relu_forward")


@check(points=2, hidden=True)
def affine_bn_relu_forward__test_mode(affine_bn_relu_forward: Function) -> None:
    """Test mode: the running statistics are used and stay as they are."""
    rng = np.random.default_rng(14)  # first what the backward pass will be checked at
    there = rng.normal(3.0, 1.0, (6, 6)), rng.normal(size=(6, 6)), *(rng.normal(0.4, 0.6, 6) for _ in range(3))
    hold((lambda *given: affine_bn_relu_forward(*given, {"mode": "train", "eps": 0.02}), there))
    rng = np.random.default_rng(1012)
    for rows, D, M in ((6, 4, 5), (5, 5, 5)):
        x, w = rng.normal(1e4, 1.0, (rows, D)), rng.normal(size=(D, M))
        b, gamma, beta = (rng.normal(size=M) for _ in range(3))
        center, spread = x.mean(axis=0) @ w + rng.normal(size=M), rng.uniform(0.5, 2.0, M)
        memory = {"mode": "test", "eps": 0.1, "momentum": 0.6, "running_mean": center, "running_var": spread}
        slope = gamma / np.sqrt(spread + 0.1)
        expected = np.maximum(0.0, x @ (w * slope) + (b - center) * slope + beta)
        given = w, b, gamma, beta
        out = affine_bn_relu_forward(x.copy(), *(array.copy() for array in given), memory)[0]
        require_close("out in test mode", out, expected, 1e-6)
        one = affine_bn_relu_forward(x[:1].copy(), *(array.copy() for array in given), memory)[0]
        require_close("out for one row in test mode", one, expected[:1], 1e-6)


@check(points=5)
def affine_bn_relu_backward__gradients(affine_bn_relu_forward: Function, affine_bn_relu_backward: Function) -> None:
    """All five gradients, against central differences of your forward pass."""
    rng = np.random.default_rng(13)
    N, D, M = 7, 4, 6
    given = {"x": rng.normal(size=(N, D)), "w": rng.normal(size=(D, M))}
    given |= {name: rng.normal(0.4, 0.6, M) for name in ("b", "gamma", "beta")}
    dout = rng.normal(size=(N, M))
    dout_before = dout.copy()

    def forward():
        return affine_bn_relu_forward(*(array.copy() for array in given.values()), {"mode": "train", "eps": 0.1})

    gradients = affine_bn_relu_backward(dout, forward()[1])
    require_unchanged("dout", dout, dout_before)
    require_layer_gradients("affine_bn_relu_backward", lambda: forward()[0], gradients, given, dout)


@check(points=2, hidden=True)
def affine_bn_relu_backward__square(affine_bn_relu_forward: Function, affine_bn_relu_backward: Function) -> None:
    """Square arrays, where no shape gives a wrong axis away, and a cache that is not the last."""
    rng = np.random.default_rng(14)
    square = {"x": rng.normal(3.0, 1.0, (6, 6)), "w": rng.normal(size=(6, 6))}
    square |= {vector: rng.normal(0.4, 0.6, 6) for vector in ("b", "gamma", "beta")}
    upstream = rng.normal(size=(6, 6))

    def forward(*given):
        return affine_bn_relu_forward(*(array.copy() for array in given), {"mode": "train", "eps": 0.02})

    older = forward(*square.values())[1]
    affine_bn_relu_forward(*(array[::-1] * 2.0 for array in square.values()), {"mode": "train", "eps": 0.5})
    gradients = affine_bn_relu_backward(upstream.copy(), older)
    what = "affine_bn_relu_backward"
    require_layer_gradients(what, lambda: forward(*square.values())[0], gradients, square, upstream)

    def formula(x, w, b, gamma, beta):
        z = x @ w + b
        centered = z - z.mean(axis=0)
        return graph.relu(centered / graph.sqrt((centered**2).mean(axis=0) + 0.02) * gamma + beta)

    names = ("dx", "dw", "db", "dgamma", "dbeta")
    given = tuple(square.values())
    require_graph(formula, forward, affine_bn_relu_backward, given, upstream, ["affine_bn_relu_forward"], names)


@check(points=3)
def affine_ln_relu_forward__values(affine_ln_relu_forward: Function) -> None:
    """Affine, layer norm, ReLU, in this order; each row by itself."""
    rng = np.random.default_rng(21)
    for N, D, M in ((7, 4, 5), (5, 5, 5), (1, 3, 6)):
        given = {"x": rng.normal(2.0, 1.0, (N, D)), "w": rng.normal(size=(D, M))}
        given |= {name: rng.normal(size=M) for name in ("b", "gamma", "beta")}
        before = {name: array.copy() for name, array in given.items()}
        results = affine_ln_relu_forward(*given.values(), {"eps": 0.1})
        out, _ = require_results("affine_ln_relu_forward", results, ("out", "cache"))

        a = graph.Node(before["x"]) @ before["w"] + before["b"]
        centered = a - a.mean(axis=1, keepdims=True)
        variance = (centered**2).mean(axis=1, keepdims=True)
        want = graph.relu(centered / graph.sqrt(variance + 0.1) * before["gamma"] + before["beta"])
        require_close("out", out, want.value, 1e-8)
        for name, array in given.items():
            require_unchanged(name, array, before[name])
    found_right("affine_ln_relu_forward")


@check(points=1, hidden=True)
def affine_ln_relu_forward__statistics(affine_ln_relu_forward: Function) -> None:
    """With gamma 1 and a beta that no ReLU touches, each row of out has beta's mean and variance 1."""
    rng = np.random.default_rng(24)  # first what the backward pass will be checked at
    there = rng.normal(3.0, 1.0, (6, 6)), rng.normal(size=(6, 6)), *(rng.normal(0.4, 0.6, 6) for _ in range(3))
    hold((lambda *given: affine_ln_relu_forward(*given, {"eps": 0.02}), there))
    rng = np.random.default_rng(22)
    x, w, b = rng.normal(1e4, 5.0, (6, 4)), rng.normal(size=(4, 9)), rng.normal(size=9)
    param: dict[str, float] = {}
    out = affine_ln_relu_forward(x, w, b, np.ones(9), np.full(9, 50.0), param)[0]
    require_shape("out", out, (6, 9))
    require_close("the mean of each row of out", np.mean(out, axis=1), np.full(6, 50.0), 1e-8)
    require_close("the variance of each row of out", np.var(out, axis=1), np.ones(6), 1e-4)
    out = affine_ln_relu_forward(x, w, b, np.full(9, 3.0), np.full(9, -50.0), {"eps": 0.1})[0]
    require_zero("out where beta puts everything below 0", out, 0.0)
    assert not param, f"param must stay as it was, got the new keys {sorted(param)}"


@check(points=5)
def affine_ln_relu_backward__gradients(affine_ln_relu_forward: Function, affine_ln_relu_backward: Function) -> None:
    """All five gradients, against central differences of your forward pass."""
    rng = np.random.default_rng(23)
    N, D, M = 6, 4, 9
    given = {"x": rng.normal(size=(N, D)), "w": rng.normal(size=(D, M))}
    given |= {name: rng.normal(0.4, 0.6, M) for name in ("b", "gamma", "beta")}
    dout = rng.normal(size=(N, M))
    dout_before = dout.copy()

    def forward():
        return affine_ln_relu_forward(*(array.copy() for array in given.values()), {"eps": 0.1})

    gradients = affine_ln_relu_backward(dout, forward()[1])
    require_unchanged("dout", dout, dout_before)
    require_layer_gradients("affine_ln_relu_backward", lambda: forward()[0], gradients, given, dout)


@check(points=2, hidden=True)
def affine_ln_relu_backward__square(affine_ln_relu_forward: Function, affine_ln_relu_backward: Function) -> None:
    """Square arrays, where no shape gives a wrong axis away, and a cache that is not the last."""
    rng = np.random.default_rng(24)
    square = {"x": rng.normal(3.0, 1.0, (6, 6)), "w": rng.normal(size=(6, 6))}
    square |= {vector: rng.normal(0.4, 0.6, 6) for vector in ("b", "gamma", "beta")}
    upstream = rng.normal(size=(6, 6))

    def forward(*given):
        return affine_ln_relu_forward(*(array.copy() for array in given), {"eps": 0.02})

    older = forward(*square.values())[1]
    affine_ln_relu_forward(*(array[::-1] * 2.0 for array in square.values()), {"eps": 0.5})
    gradients = affine_ln_relu_backward(upstream.copy(), older)
    what = "affine_ln_relu_backward"
    require_layer_gradients(what, lambda: forward(*square.values())[0], gradients, square, upstream)

    def formula(x, w, b, gamma, beta):
        z = x @ w + b
        centered = z - z.mean(axis=1, keepdims=True)
        return graph.relu(centered / graph.sqrt((centered**2).mean(axis=1, keepdims=True) + 0.02) * gamma + beta)

    names = ("dx", "dw", "db", "dgamma", "dbeta")
    given = tuple(square.values())
    require_graph(formula, forward, affine_ln_relu_backward, given, upstream, ["affine_ln_relu_forward"], names)
