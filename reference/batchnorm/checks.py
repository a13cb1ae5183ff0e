"""The batchnorm notebook's test cells: each function is one, and its parameters are what the student wrote.

Three oracles, none of them the reference: numbers worked out by hand, the graph of normlab, and central differences of
the student's own forward pass. A cache is the student's own and is never looked into. A check that reads its inputs
after a call gives copies: what is written into them would else change what is expected.
What is called published is from the notebooks of Stanford's CS231n, assignment 2.
"""

from __future__ import annotations

import numpy as np

from normlab.checks import (
    require_close,
    require_relative_error,
    require_results,
    require_shape,
    require_unchanged,
)
from normlab.graph import Node, sqrt
from normlab.normcheck import (
    differences,
    found_right,
    hold,
    require_attempt,
    require_backward,
    require_graph,
    require_repeatable,
)
from reference.course import Function, check

# The column of the text: mean 5, variance 4. With eps = 5 the divisor is sqrt(4 + 5) = 3.


@check(points=5)
def batchnorm_forward__example_by_hand(batchnorm_forward: Function) -> None:
    """The example that the text works out by hand, with eps = 5."""
    column = np.array([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])
    x = np.stack([column, 20 - column], axis=1)
    gamma, beta = np.array([3.0, 6.0]), np.array([10.0, -1.0])
    got = batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": 5.0})
    out, _ = require_results("batchnorm_forward", got, ("out", "cache"))
    require_shape("out", out, (8, 2), np.float64)
    require_close("the first column of out", out[:, 0], [7, 9, 9, 9, 10, 10, 12, 14], 1e-10)
    require_close("the second column of out", out[:, 1], [5, 1, 1, 1, -1, -1, -5, -9], 1e-10)
    found_right("a normalization along 0")


@check(points=5)
def batchnorm_forward__mean_and_spread(batchnorm_forward: Function) -> None:
    """In training, if x varies much, each column of out has mean beta and standard deviation |gamma|."""
    rng = np.random.default_rng(1)
    for N, D, far in ((9, 4, 0.0), (6, 6, 1e9), (5, 11, 0.0)):
        x = rng.normal(size=(N, D)) * rng.uniform(5, 20, D) + rng.uniform(-50, 50, D) + far
        gamma, beta = rng.normal(size=D), rng.normal(size=D)
        out, _ = batchnorm_forward(x.copy(), gamma.copy(), beta.copy(), {"mode": "train"})
        require_shape(f"out, for x of shape {(N, D)} around {far:g},", out, (N, D), np.float64)
        require_close(
            f"the standard deviation of each column of out, for x of shape {(N, D)} around {far:g},",
            np.std(out, axis=0),
            abs(gamma),
            2e-3,
        )
        require_close(f"their mean, for x of shape {(N, D)} around {far:g},", np.mean(out, axis=0), beta, 1e-5)
        slopes = (out[1:] - out[0]) / (x[1:] - x[0])
        require_close("the slope of out over x, within each column,", slopes, np.tile(slopes[:1], (N - 1, 1)), 1e-4)
        require_close("the sign of that slope", np.sign(slopes[0]), np.sign(gamma), 0)
    found_right("a normalization along 0")


@check(points=6)
def batchnorm_forward__running_statistics(batchnorm_forward: Function) -> None:
    """Two batches move the running statistics: momentum keeps that share of the old ones."""
    column = np.array([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])
    x = np.stack([column, 2 * column, -column], axis=1)  # means 5, 10, -5; variances 4, 16, 4
    gamma, beta, bn_param = np.array([1.5, -2.0, 0.5]), np.array([3.0, 0.0, 1.0]), {"mode": "train", "momentum": 0.7}
    out, _ = batchnorm_forward(x.copy(), gamma.copy(), beta.copy(), bn_param)
    require_close("the mean of each column of out", np.mean(out, axis=0), beta, 1e-10)
    for name, wanted in {"running_mean": [1.5, 3.0, -1.5], "running_var": [1.2, 4.8, 1.2]}.items():
        assert name in bn_param, f'bn_param["{name}"] must be there after a batch in training, and it is not'
        require_close(f"{name} after one batch, with momentum 0.7,", bn_param[name], wanted, 1e-10)
    old = bn_param["running_mean"], bn_param["running_var"]
    before = [np.array(each) for each in old]
    batchnorm_forward(x + 10.0, gamma, beta, bn_param)  # means 15, 20, 5; the same variances
    require_close("running_mean after a second batch", bn_param["running_mean"], [5.55, 8.1, 0.45], 1e-10)
    require_close("running_var after a second batch", bn_param["running_var"], [2.04, 8.16, 2.04], 1e-10)
    require_unchanged("the array that was running_mean before", old[0], before[0])
    require_unchanged("the array that was running_var before", old[1], before[1])
    others = {"mode": "train", "momentum": 0.7}
    assert others.items() <= bn_param.items(), f"bn_param must keep its other entries, now it has {sorted(bn_param)}"
    bn_param["momentum"] = 0.0
    batchnorm_forward(x, gamma, beta, bn_param)
    require_close("running_mean, where momentum is 0,", bn_param["running_mean"], [5, 10, -5], 1e-10)
    require_close("running_var, where momentum is 0,", bn_param["running_var"], [4, 16, 4], 1e-10)


@check(points=6)
def batchnorm_forward__test_mode(batchnorm_forward: Function) -> None:
    """In testing the running statistics are used, whatever the batch is, and stay as they are."""
    mean, var = np.array([1.0, -2.0]), np.array([4.0, 11.0])
    gamma, beta = np.array([3.0, 8.0]), np.array([0.5, -1.0])
    x = np.array([[4.0, 2.0], [1.0, -2.0], [-5.0, 10.0], [7.0, -6.0], [10.0, 0.0]])
    wanted = np.array([[3.5, 7.0], [0.5, -1.0], [-5.5, 23.0], [6.5, -9.0], [9.5, 3.0]])  # eps = 5: divisors 3 and 4
    bn_param = {"mode": "test", "eps": 5.0, "running_mean": mean.copy(), "running_var": var.copy()}
    out, _ = require_results(
        "batchnorm_forward", batchnorm_forward(x.copy(), gamma.copy(), beta.copy(), bn_param), ("out", "cache")
    )
    require_shape("out in test mode", out, (5, 2), np.float64)
    require_close("out in test mode", out, wanted, 1e-10)
    alone, _ = batchnorm_forward(x[3:4].copy(), gamma.copy(), beta.copy(), bn_param)
    require_close("out in test mode for a batch of one", alone, wanted[3:4], 1e-10)
    require_unchanged("running_mean, in test mode,", bn_param["running_mean"], mean)
    require_unchanged("running_var, in test mode,", bn_param["running_var"], var)
    keys = ["eps", "mode", "running_mean", "running_var"]
    assert sorted(bn_param) == keys, f"bn_param must keep its entries in test mode: {keys}, now {sorted(bn_param)}"
    single = x.astype(np.float32), gamma.astype(np.float32), beta.astype(np.float32)
    settings = {"mode": "test", "running_mean": mean.astype(np.float32), "running_var": var.astype(np.float32)}
    what = "out in test mode, with x, gamma, beta and running statistics of float32,"
    require_shape(what, batchnorm_forward(*single, settings)[0], (5, 2), np.float32)
    fresh = {"mode": "test", "eps": 4.0}  # nothing kept so far: mean 0, variance 0
    out, _ = batchnorm_forward(x.copy(), gamma.copy(), beta.copy(), fresh)
    require_close("out in test mode before any training", out, x * gamma / 2 + beta, 1e-10)
    assert sorted(fresh) == ["eps", "mode"], f"test mode must not write into bn_param: it now holds {sorted(fresh)}"


@check(points=4)
def batchnorm_forward__defaults(batchnorm_forward: Function) -> None:
    """Without an entry eps is 1e-5 and momentum 0.9; an entry of 0 is an entry; another mode is a ValueError."""
    x = 1e-3 * np.array([[3.0, 1.0], [1.0, 3.0], [3.0, 3.0], [1.0, 1.0], [3.0, 1.0], [1.0, 3.0]])  # variances 1e-6
    ones, bn_param = np.ones(2), {"mode": "train"}
    out, _ = batchnorm_forward(x.copy(), ones.copy(), 0 * ones, bn_param)
    wanted = (x - 2e-3) / 11e-6**0.5
    require_close("out for columns whose variance is below eps", out, wanted, 1e-9)
    for name in ("running_mean", "running_var"):
        assert name in bn_param, f'bn_param["{name}"] must be there after a batch in training, and it is not'
    require_close("running_mean after one batch, momentum left out,", bn_param["running_mean"], 2e-4 * ones, 1e-9)
    require_close("running_var after one batch, momentum left out,", bn_param["running_var"], 1e-7 * ones, 1e-9)
    at_rest = {"mode": "test", "running_mean": 2e-3 * ones, "running_var": 1e-6 * ones}
    results = batchnorm_forward(x.copy(), ones.copy(), 0 * ones, at_rest)
    out, _ = require_results("batchnorm_forward in test mode", results, ("out", "cache"))
    require_close("out in test mode for columns whose variance is below eps", out, wanted, 1e-9)
    out, _ = batchnorm_forward(x.copy(), ones.copy(), 0 * ones, {"mode": "train", "eps": 0.0})
    require_close("out where eps is 0", out, 1e3 * x - 2, 1e-9)
    out, _ = batchnorm_forward(0 * x + 7.0, ones.copy(), 3 * ones, {"mode": "train"})
    require_close("out of columns that do not vary", out, np.full((6, 2), 3.0), 1e-9)
    for mode in ("training", None):
        try:
            batchnorm_forward(x.copy(), ones.copy(), 0 * ones, {"mode": mode})
        except ValueError:
            continue
        raise AssertionError(f"mode {mode!r} must raise a ValueError, and nothing was raised")
    found_right("batchnorm_forward, eps left out")


@check(points=3)
def batchnorm_forward__inputs_stay(batchnorm_forward: Function) -> None:
    """x, gamma and beta are the caller's: they stay as they are, in both modes."""
    rng = np.random.default_rng(2)
    x, gamma, beta = rng.normal(3.0, 20.0, (7, 4)), rng.normal(size=4), rng.normal(size=4)
    given = {"x": x, "gamma": gamma, "beta": beta}
    before = {name: array.copy() for name, array in given.items()}
    bn_param = {"mode": "train"}
    for mode in ("train", "test"):
        bn_param["mode"] = mode
        out, _ = batchnorm_forward(x, gamma, beta, bn_param)
        for name, array in given.items():
            require_unchanged(f"{name}, in {mode} mode,", array, before[name])
        if mode == "train":
            require_close("the mean of each column of out", np.mean(out, axis=0), beta, 1e-10)
            require_close("the standard deviation of each column of out", np.std(out, axis=0), abs(gamma), 1e-3)
    found_right("a normalization along 0")


@check(points=4, hidden=True)
def batchnorm_forward__published_statistics(batchnorm_forward: Function) -> None:
    """A two-layer network's activations get the published means and spreads, in training and in testing."""
    draw = np.random.RandomState(231)
    X, W1, W2 = draw.randn(200, 50), draw.randn(50, 60), draw.randn(60, 3)
    g, b = np.array([1.0, 2.0, 3.0]), np.array([11.0, 12.0, 13.0])
    activations = np.maximum(X @ W1, 0) @ W2
    out, _ = batchnorm_forward(activations, g.copy(), b.copy(), {"mode": "train"})
    require_close("the published mean of each column in training", np.mean(out, axis=0), b, 1e-10)
    require_close("the published spread of each column in training", np.std(out, axis=0), g, 1e-5)
    draw = np.random.RandomState(231)
    W1, W2, settings = draw.randn(50, 60), draw.randn(60, 3), {"mode": "train"}
    for _ in range(50):
        batchnorm_forward(np.maximum(draw.randn(200, 50) @ W1, 0) @ W2, np.ones(3), np.zeros(3), settings)
    settings["mode"] = "test"
    out, _ = batchnorm_forward(np.maximum(draw.randn(200, 50) @ W1, 0) @ W2, np.ones(3), np.zeros(3), settings)
    require_close(
        "the mean of each column at test time", np.mean(out, axis=0), [-0.03927354, -0.04349152, -0.10452688], 5e-5
    )
    require_close(
        "the spread of each column at test time", np.std(out, axis=0), [1.01531428, 1.01238373, 0.97819988], 5e-5
    )


@check(points=5, hidden=True)
def batchnorm_forward__against_the_graph(batchnorm_forward: Function) -> None:
    """Fresh inputs of several shapes, both precisions, far from 0, with another eps, against the graph."""
    held = []  # first what the backward passes will be checked at
    for N, D in ((4, 5), (100, 500)):
        draw = np.random.RandomState(231)
        there = 5 * draw.randn(N, D) + 12, draw.randn(D), draw.randn(D)
        held.append((lambda x, g, b: batchnorm_forward(x, g, b, {"mode": "train"}), there))
    for seed, N, D in ((88, 9, 6), (99, 8, 5)):
        fresh = np.random.default_rng(seed)
        there = fresh.normal(size=(N, D)), fresh.normal(size=D), fresh.normal(size=D)
        held.append((lambda x, g, b: batchnorm_forward(x, g, b, {"mode": "train", "eps": 0.1}), there))
    hold(*held)
    rng = np.random.default_rng(20261123)
    for N, D, offset, dtype, threshold in (
        (8, 5, 0.0, np.float64, 1e-9),
        (6, 6, 1e4, np.float64, 1e-6),
        (5, 9, 1.0, np.float32, 1e-4),
        (12, 3, 1e4, np.float32, 2e-2),
        (1, 4, 2.0, np.float64, 1e-9),
        (200, 2, 0.0, np.float64, 1e-9),
    ):
        far = 300.0 * (N == 200) * (np.arange(N) == 0)[:, None]  # one example is far from all the others
        x = (rng.normal(size=(N, D)) * rng.uniform(0.5, 3, D) + offset + far).astype(dtype)
        g, b = rng.normal(size=D).astype(dtype), rng.normal(size=D).astype(dtype)
        settings = {"mode": "train", "eps": 0.1, "momentum": 0.7}
        out, _ = batchnorm_forward(x.copy(), g.copy(), b.copy(), settings)
        require_shape("out", out, (N, D), dtype)
        node = Node(x.astype(np.float64))
        middle = node.mean(axis=0)
        spread = ((node - middle) ** 2).mean(axis=0)
        wanted = (node - middle) / sqrt(spread + 0.1) * g.astype(np.float64) + b
        require_close("out", out, wanted.value, threshold)
        require_close("running_mean", settings["running_mean"], 0.3 * middle.value, max(threshold, 1e-6))
        require_close("running_var", settings["running_var"], 0.3 * spread.value, max(threshold, 1e-6))
        out, _ = batchnorm_forward(x.copy(), g.copy(), b.copy(), settings | {"mode": "test"})
        require_shape("out in test mode", out, (N, D), dtype)
    found_right("batchnorm_forward")


@check(points=3, hidden=True)
def batchnorm_forward__after_training(batchnorm_forward: Function) -> None:
    """Fresh inputs: after several batches, test mode uses what the batches left, with its own eps, gamma and beta."""
    rng = np.random.default_rng(77)
    g, b, settings = rng.normal(size=6), rng.normal(size=6), {"mode": "train", "eps": 0.1, "momentum": 0.4}
    middle, spread = np.zeros(6), np.zeros(6)
    for _ in range(4):
        x = rng.normal(rng.normal(size=6), rng.uniform(0.5, 2, 6), (6, 6))
        batchnorm_forward(x.copy(), g.copy(), b.copy(), settings)
        middle, spread = 0.4 * middle + 0.6 * np.mean(x, axis=0), 0.4 * spread + 0.6 * np.var(x, axis=0)
    settings["mode"] = "test"
    slope = g / np.sqrt(0.1 + spread)
    for rows in (1, 6, 9):
        x = rng.normal(size=(rows, 6))
        out, _ = batchnorm_forward(x.copy(), g.copy(), b.copy(), settings)
        require_close("out in test mode", out, x * slope + (b - middle * slope), 1e-9)
    require_close("running_mean after testing", settings["running_mean"], middle, 1e-9)


@check(points=10)
def batchnorm_backward__gradients(batchnorm_forward: Function, batchnorm_backward: Function) -> None:
    """dx, dgamma and dbeta agree with differences of your own forward pass."""
    rng = np.random.default_rng(3)
    x, dout = rng.normal(12.0, 5.0, (7, 4)), rng.normal(size=(7, 4))
    gamma, beta = rng.normal(size=4), rng.normal(size=4)

    def forward(x, gamma, beta):
        return batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": 0.1})

    require_backward(forward, batchnorm_backward, (x, gamma, beta), dout, along=0)


@check(points=4)
def batchnorm_backward__constant_dout(batchnorm_forward: Function, batchnorm_backward: Function) -> None:
    """Where dout is the same in all rows, no x can change the loss: dx and dgamma are 0, dbeta is N times dout."""
    rng = np.random.default_rng(5)
    x, row = rng.normal(-3.0, 2.0, (6, 4)), np.array([1.0, -2.0, 3.0, 0.5])
    gamma, beta = rng.uniform(0.5, 2, 4), rng.normal(size=4)

    def forward(x, gamma, beta):
        return batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": 0.1})

    require_backward(forward, batchnorm_backward, (x, gamma, beta), np.tile(row, (6, 1)), along=0)


@check(points=5)
def batchnorm_backward__repeatable(batchnorm_forward: Function, batchnorm_backward: Function) -> None:
    """A square batch, where no shape gives a wrong axis away; the same call a second time gives the same gradients."""
    rng = np.random.default_rng(4)
    x, dout = rng.normal(size=(5, 5)) * rng.uniform(0.2, 3, 5), rng.normal(1.0, 1.0, (5, 5))
    gamma, beta = rng.normal(size=5), rng.normal(size=5)

    def forward(x, gamma, beta):
        return batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": 0.1})

    require_repeatable(forward, batchnorm_backward, (x, gamma, beta), dout)
    require_backward(forward, batchnorm_backward, (x, gamma, beta), dout, along=0)


@check(points=4, hidden=True)
def batchnorm_backward__published_errors(batchnorm_forward: Function, batchnorm_backward: Function) -> None:
    """The published gradient check: the errors in dx, dgamma and dbeta are of the published order."""
    draw = np.random.RandomState(231)
    x = 5 * draw.randn(4, 5) + 12
    g, b, dout = draw.randn(5), draw.randn(5), draw.randn(4, 5)

    def run(x, g, b):
        return batchnorm_forward(x.copy(), g.copy(), b.copy(), {"mode": "train"})

    require_attempt(run, (x, g, b), along=0)
    gradients = batchnorm_backward(dout.copy(), run(x, g, b)[1])
    slopes = differences(run, (x, g, b), dout, along=0)
    for name, got, want, threshold in zip(
        ("dx", "dgamma", "dbeta"), gradients, slopes, (1e-7, 1e-9, 1e-9), strict=True
    ):
        require_relative_error(name, got, want, threshold)

    def normalized(x, g, b):
        centered = x - x.mean(axis=0)
        return centered / sqrt((centered**2).mean(axis=0) + 1e-5) * g + b

    require_graph(
        normalized, run, batchnorm_backward, (x, g, b), dout, ["batchnorm_forward", "batchnorm_forward, eps left out"]
    )


@check(points=3, hidden=True)
def batchnorm_backward__precision(batchnorm_forward: Function, batchnorm_backward: Function) -> None:
    """Fresh inputs far from 0; and float32 in, float32 out."""
    rng = np.random.default_rng(88)
    x, g, b = rng.normal(size=(9, 6)), rng.normal(size=6), rng.normal(size=6)
    dout = rng.normal(size=(9, 6))

    def run(x, g, b):
        return batchnorm_forward(x.copy(), g.copy(), b.copy(), {"mode": "train", "eps": 0.1})

    require_backward(run, batchnorm_backward, (x + 100, g, b), dout, along=0, threshold=1e-5)

    def normalized(x, g, b):
        centered = x - x.mean(axis=0)
        return centered / sqrt((centered**2).mean(axis=0) + 0.1) * g + b

    require_graph(normalized, run, batchnorm_backward, (x, g, b), dout, ["batchnorm_forward"])

    def small(x, g, b):
        return batchnorm_forward(x, g, b, {"mode": "train"})

    require_backward(small, batchnorm_backward, (0.03 * x, g, b), dout, along=0, threshold=1e-4)
    want = batchnorm_backward(dout.copy(), run(x, g, b)[1])
    single = [array.astype(np.float32) for array in (x, g, b, dout)]
    got = batchnorm_backward(single[3], run(*single[:3])[1])
    require_shape("dx of float32", got[0], dout.shape, np.float32)
    for name, result, wanted in zip(("dx", "dgamma", "dbeta"), got, want, strict=True):
        require_close(f"{name} of float32", result, wanted, 1e-3)


@check(points=9)
def batchnorm_backward_alt__gradients(batchnorm_forward: Function, batchnorm_backward_alt: Function) -> None:
    """dx, dgamma and dbeta agree with differences of your own forward pass."""
    rng = np.random.default_rng(7)
    x, dout = rng.normal(-4.0, 3.0, (6, 5)), rng.normal(size=(6, 5))
    gamma, beta = rng.normal(size=5), rng.normal(size=5)

    def forward(x, gamma, beta):
        return batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": 0.1})

    require_backward(forward, batchnorm_backward_alt, (x, gamma, beta), dout, along=0)


@check(points=4)
def batchnorm_backward_alt__repeatable(batchnorm_forward: Function, batchnorm_backward_alt: Function) -> None:
    """A square batch, where no shape gives a wrong axis away; the same call a second time gives the same gradients."""
    rng = np.random.default_rng(8)
    x, dout = rng.normal(size=(6, 6)) * rng.uniform(0.2, 3, 6), rng.normal(1.0, 1.0, (6, 6))
    gamma, beta = rng.normal(size=6), rng.normal(size=6)

    def forward(x, gamma, beta):
        return batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": 0.1})

    require_repeatable(forward, batchnorm_backward_alt, (x, gamma, beta), dout)
    require_backward(forward, batchnorm_backward_alt, (x, gamma, beta), dout, along=0)


@check(points=2, hidden=True)
def batchnorm_backward_alt__published_errors(batchnorm_forward: Function, batchnorm_backward_alt: Function) -> None:
    """The published gradient check: the errors in dx, dgamma and dbeta are of the published order."""
    draw = np.random.RandomState(231)
    x = 5 * draw.randn(4, 5) + 12
    g, b, dout = draw.randn(5), draw.randn(5), draw.randn(4, 5)

    def run(x, g, b):
        return batchnorm_forward(x.copy(), g.copy(), b.copy(), {"mode": "train"})

    require_attempt(run, (x, g, b), along=0)
    gradients = batchnorm_backward_alt(dout.copy(), run(x, g, b)[1])
    slopes = differences(run, (x, g, b), dout, along=0)
    for name, got, want, threshold in zip(
        ("dx", "dgamma", "dbeta"), gradients, slopes, (1e-7, 1e-9, 1e-9), strict=True
    ):
        require_relative_error(name, got, want, threshold)

    def normalized(x, g, b):
        centered = x - x.mean(axis=0)
        return centered / sqrt((centered**2).mean(axis=0) + 1e-5) * g + b

    require_graph(
        normalized,
        run,
        batchnorm_backward_alt,
        (x, g, b),
        dout,
        ["batchnorm_forward", "batchnorm_forward, eps left out"],
    )


@check(points=2, hidden=True)
def batchnorm_backward_alt__large_batch(batchnorm_forward: Function, batchnorm_backward_alt: Function) -> None:
    """The published arrays of 100 x 500: the slopes of your forward pass, and the graph's gradients if it is right."""
    draw = np.random.RandomState(231)
    x = 5 * draw.randn(100, 500) + 12
    g, b, dout = draw.randn(500), draw.randn(500), draw.randn(100, 500)

    def run(x, g, b):
        return batchnorm_forward(x.copy(), g.copy(), b.copy(), {"mode": "train"})

    require_attempt(run, (x, g, b), along=0)
    gradients = batchnorm_backward_alt(dout.copy(), run(x, g, b)[1])
    gradients = require_results("batchnorm_backward_alt", gradients, ("dx", "dgamma", "dbeta"))
    for name, got, array in zip(("dx", "dgamma", "dbeta"), gradients, (x, g, b), strict=True):
        require_shape(name, got, array.shape)
        slopes, wanted = [], []
        for _ in range(3):
            step = draw.randn(*array.shape)
            above, _ = run(*(each + 1e-5 * step if each is array else each for each in (x, g, b)))
            below, _ = run(*(each - 1e-5 * step if each is array else each for each in (x, g, b)))
            slopes.append(np.sum(step * got))
            wanted.append(np.sum(dout * (above - below)) / 2e-5)
        require_close(f"the change along {name}", slopes, wanted, 1e-6)

    def normalized(x, g, b):
        centered = x - x.mean(axis=0)
        return centered / sqrt((centered**2).mean(axis=0) + 1e-5) * g + b

    require_graph(
        normalized,
        run,
        batchnorm_backward_alt,
        (x, g, b),
        dout,
        ["batchnorm_forward", "batchnorm_forward, eps left out"],
    )


@check(points=1, hidden=True)
def batchnorm_backward_alt__precision(batchnorm_forward: Function, batchnorm_backward_alt: Function) -> None:
    """Fresh inputs far from 0; and float32 in, float32 out."""
    rng = np.random.default_rng(99)
    x, g, b = rng.normal(size=(8, 5)), rng.normal(size=5), rng.normal(size=5)
    dout = rng.normal(size=(8, 5))

    def run(x, g, b):
        return batchnorm_forward(x.copy(), g.copy(), b.copy(), {"mode": "train", "eps": 0.1})

    require_backward(run, batchnorm_backward_alt, (x + 100, g, b), dout, along=0, threshold=1e-5)

    def normalized(x, g, b):
        centered = x - x.mean(axis=0)
        return centered / sqrt((centered**2).mean(axis=0) + 0.1) * g + b

    require_graph(normalized, run, batchnorm_backward_alt, (x, g, b), dout, ["batchnorm_forward"])

    def small(x, g, b):
        return batchnorm_forward(x, g, b, {"mode": "train"})

    require_backward(small, batchnorm_backward_alt, (0.03 * x, g, b), dout, along=0, threshold=1e-4)
    want = batchnorm_backward_alt(dout.copy(), run(x, g, b)[1])
    single = [array.astype(np.float32) for array in (x, g, b, dout)]
    got = batchnorm_backward_alt(single[3], run(*single[:3])[1])
    require_shape("dx of float32", got[0], dout.shape, np.float32)
    for name, result, wanted in zip(("dx", "dgamma", "dbeta"), got, want, strict=True):
        require_close(f"{name} of float32", result, wanted, 1e-3)
