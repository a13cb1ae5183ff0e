"""The layernorm notebook's test cells: each function is one, and its parameters are what the student wrote.

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
    require_zero,
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


@check(points=8)
def layernorm_forward__example_by_hand(layernorm_forward: Function) -> None:
    """The row that the text works out by hand, with eps = 5."""
    row = np.array([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])  # mean 5, variance 4: the divisor is 3
    x = np.stack([row, 20 - row, row + 100])
    gamma, beta = np.array([1.0, 3, 6, -3, 2, 5, 3, 6]), np.array([0.0, 1, 2, 3, 4, 5, 6, 7])
    results = require_results("layernorm_forward", layernorm_forward(x, gamma, beta, {"eps": 5.0}), ("out", "cache"))
    out = require_shape("out", results[0], (3, 8), np.float64)
    require_close("the first row of out", out[0], [-1, 0, 0, 4, 4, 5, 8, 15], 1e-10)
    require_close("the second row of out", out[1], [1, 2, 4, 2, 4, 5, 4, -1], 1e-10)
    require_close("the third row of out, the first with 100 added to x,", out[2], out[0], 1e-10)
    found_right("a normalization along 1")


@check(points=7)
def layernorm_forward__mean_and_spread(layernorm_forward: Function) -> None:
    """Where gamma is 2 and beta 3 for all features, each row of out has mean 3 and standard deviation 2."""
    rng = np.random.default_rng(1)
    for N, D, far in ((4, 9, 0.0), (6, 6, 1e9), (11, 5, 0.0)):
        x = rng.normal(size=(N, D)) * rng.uniform(5, 20, (N, 1)) + rng.uniform(-50, 50, (N, 1)) + far
        out, _ = layernorm_forward(x.copy(), np.full(D, 2.0), np.full(D, 3.0), {})
        require_shape(f"out, for x of shape {(N, D)} around {far:g},", out, (N, D), np.float64)
        require_close(
            f"the standard deviation of each row of out, for x of shape {(N, D)} around {far:g},",
            out.std(axis=1),
            np.full(N, 2.0),
            2e-3,
        )
        require_close(f"their mean, for x of shape {(N, D)} around {far:g},", out.mean(axis=1), np.full(N, 3.0), 1e-5)
        slopes = (out[:, 1:] - out[:, :1]) / (x[:, 1:] - x[:, :1])
        require_close("the slope of out over x, within each row,", slopes, np.tile(slopes[:, :1], (1, D - 1)), 1e-4)
        require_close("the sign of that slope", np.sign(slopes[:, 0]), np.ones(N), 0)


@check(points=7)
def layernorm_forward__each_row_by_itself(layernorm_forward: Function) -> None:
    """What becomes of an example does not depend on the rest of its batch, not even on whether there is one."""
    rng = np.random.default_rng(2)
    x, gamma, beta = rng.normal(4.0, 3.0, (6, 6)), rng.normal(size=6), rng.normal(size=6)
    out, _ = layernorm_forward(x.copy(), gamma.copy(), beta.copy(), {"eps": 0.1})
    restored = (out - beta) / gamma
    require_close("the mean of each row of (out - beta) / gamma, plus 1,", 1 + restored.mean(axis=1), np.ones(6), 1e-10)
    spread = np.sqrt(x.var(axis=1) / (x.var(axis=1) + 0.1))
    require_close("the standard deviation of each row of (out - beta) / gamma", restored.std(axis=1), spread, 1e-8)
    for i in range(6):
        alone, _ = layernorm_forward(x[i : i + 1].copy(), gamma.copy(), beta.copy(), {"eps": 0.1})
        require_close(f"row {i} of out, when it comes as a batch of one,", alone, out[i : i + 1], 1e-10)
    testing, _ = layernorm_forward(x.copy(), gamma.copy(), beta.copy(), {"eps": 0.1, "mode": "test"})
    require_close("out, where ln_param has a mode, which layer norm does not know,", testing, out, 1e-10)
    x[1:] = rng.normal(-20.0, 9.0, (5, 6))
    other, _ = layernorm_forward(x, gamma, beta, {"eps": 0.1})
    require_close("row 0 of out, when all other rows of x are replaced,", other[0], out[0], 1e-10)
    found_right("a normalization along 1")


@check(points=5)
def layernorm_forward__defaults(layernorm_forward: Function) -> None:
    """Without an entry eps is 1e-5; an entry of 0 is an entry."""
    x = 1e-3 * np.array([[3.0, 1.0, 3.0, 1.0, 3.0, 1.0], [1.0, 3.0, 3.0, 1.0, 1.0, 3.0]])  # variances 1e-6
    out, _ = layernorm_forward(x.copy(), np.ones(6), np.zeros(6), {})
    require_close("out for rows whose variance is below eps", out, (x - 2e-3) / 11e-6**0.5, 1e-9)
    out, _ = layernorm_forward(x.copy(), np.ones(6), np.zeros(6), {"eps": 0.0})
    require_close("out where eps is 0", out, 1e3 * x - 2, 1e-9)
    out, _ = layernorm_forward(0 * x + 7.0, np.ones(6), np.full(6, 3.0), {})
    require_close("out of rows that do not vary", out, np.full((2, 6), 3.0), 1e-9)
    found_right("layernorm_forward, eps left out")


@check(points=4)
def layernorm_forward__inputs_stay(layernorm_forward: Function) -> None:
    """x, gamma, beta and ln_param are the caller's: they stay as they are."""
    rng = np.random.default_rng(3)
    x, gamma, beta = rng.normal(3.0, 20.0, (7, 4)), np.full(4, 0.5), np.full(4, -2.0)
    given = {"x": x, "gamma": gamma, "beta": beta}
    before = {name: array.copy() for name, array in given.items()}
    for ln_param in ({}, {"eps": 1e-4}):
        keys = sorted(ln_param)
        out, _ = layernorm_forward(x, gamma, beta, ln_param)
        for name, array in given.items():
            require_unchanged(name, array, before[name])
        now = sorted(ln_param)
        assert now == keys, f"ln_param must stay as it is: it had the keys {keys}, now it has {now}"
        require_close("the mean of each row of out", out.mean(axis=1), np.full(7, -2.0), 1e-10)
        require_close("the standard deviation of each row of out", out.std(axis=1), np.full(7, 0.5), 1e-3)


@check(points=8, hidden=True)
def layernorm_forward__against_the_graph(layernorm_forward: Function) -> None:
    """Fresh inputs of several shapes, both precisions, far from 0, with another eps, against the graph."""
    draw = np.random.RandomState(231)  # first what the backward pass will be checked at
    published = 5 * draw.randn(4, 5) + 12, draw.randn(5), draw.randn(5)
    rng = np.random.default_rng(88)
    fresh = rng.normal(size=(6, 9)), rng.normal(size=9), rng.normal(size=9)
    hold(
        (lambda x, g, b: layernorm_forward(x, g, b, {}), published),
        (lambda x, g, b: layernorm_forward(x, g, b, {"eps": 0.1}), fresh),
    )
    rng = np.random.default_rng(20261124)
    for N, D, offset, dtype, threshold in (
        (8, 5, 0.0, np.float64, 1e-9),
        (6, 6, 1e4, np.float64, 1e-6),
        (5, 9, 1.0, np.float32, 1e-4),
        (3, 12, 1e4, np.float32, 2e-2),
        (4, 1, 2.0, np.float64, 1e-9),
        (2, 200, 0.0, np.float64, 1e-9),
    ):
        far = 300.0 * (D == 200) * (np.arange(D) == 0)  # one feature is far from all the others
        x = (rng.normal(size=(N, D)) * rng.uniform(0.5, 3, (N, 1)) + offset + far).astype(dtype)
        g, b = rng.normal(size=D).astype(dtype), rng.normal(size=D).astype(dtype)
        out, _ = layernorm_forward(x.copy(), g.copy(), b.copy(), {"eps": 0.1})
        require_shape("out", out, (N, D), dtype)
        node = Node(x.astype(np.float64))
        middle = node.mean(axis=1, keepdims=True)
        spread = ((node - middle) ** 2).mean(axis=1, keepdims=True)
        wanted = (node - middle) / sqrt(spread + 0.1) * g.astype(np.float64) + b
        require_close("out", out, wanted.value, threshold)
    found_right("layernorm_forward")


@check(points=16)
def layernorm_backward__gradients(layernorm_forward: Function, layernorm_backward: Function) -> None:
    """dx, dgamma and dbeta agree with differences of your own forward pass."""
    rng = np.random.default_rng(4)
    x, dout = rng.normal(12.0, 5.0, (5, 7)), rng.normal(size=(5, 7))
    gamma, beta = rng.normal(size=7), rng.normal(size=7)

    def forward(x, gamma, beta):
        return layernorm_forward(x, gamma, beta, {"eps": 0.1})

    require_backward(forward, layernorm_backward, (x, gamma, beta), dout, along=1)


@check(points=5)
def layernorm_backward__each_row_by_itself(layernorm_forward: Function, layernorm_backward: Function) -> None:
    """An example that the loss does not ask for (its row of dout is 0) gets no gradient; the others keep theirs."""
    rng = np.random.default_rng(6)
    x, dout = rng.normal(-3.0, 2.0, (6, 4)), rng.normal(size=(6, 4))
    gamma, beta = rng.normal(size=4), rng.normal(size=4)

    def forward(x, gamma, beta):
        return layernorm_forward(x, gamma, beta, {"eps": 0.1})

    dout[2:4] = 0
    require_backward(forward, layernorm_backward, (x, gamma, beta), dout, along=1)
    dx, _, _ = layernorm_backward(dout, forward(x, gamma, beta)[1])
    slopes = differences(forward, (x, gamma, beta), dout, along=1)[0]
    if np.max(np.abs(slopes[2:4])) < 1e-6:  # in your forward pass too each example stands for itself
        require_zero("dx of the two examples whose dout is 0", dx[2:4], 1e-12)
    if np.max(np.abs(slopes.sum(axis=1))) < 1e-6:
        require_zero("the sum of each row of dx", dx.sum(axis=1), 1e-10)


@check(points=8)
def layernorm_backward__repeatable(layernorm_forward: Function, layernorm_backward: Function) -> None:
    """A square batch, where no shape gives a wrong axis away; the same call a second time gives the same gradients."""
    rng = np.random.default_rng(5)
    x, dout = rng.normal(size=(6, 6)) * rng.uniform(0.2, 3, (6, 1)), rng.normal(1.0, 1.0, (6, 6))
    gamma, beta = rng.normal(size=6), rng.normal(size=6)

    def forward(x, gamma, beta):
        return layernorm_forward(x, gamma, beta, {"eps": 0.1})

    require_repeatable(forward, layernorm_backward, (x, gamma, beta), dout)
    require_backward(forward, layernorm_backward, (x, gamma, beta), dout, along=1)


@check(points=6, hidden=True)
def layernorm_backward__published_errors(layernorm_forward: Function, layernorm_backward: Function) -> None:
    """The published gradient check: the errors in dx, dgamma and dbeta are of the published order."""
    draw = np.random.RandomState(231)
    x = 5 * draw.randn(4, 5) + 12
    g, b, dout = draw.randn(5), draw.randn(5), draw.randn(4, 5)

    def run(x, g, b):
        return layernorm_forward(x.copy(), g.copy(), b.copy(), {})

    require_attempt(run, (x, g, b), along=1)
    gradients = layernorm_backward(dout.copy(), run(x, g, b)[1])
    slopes = differences(run, (x, g, b), dout, along=1)
    for name, got, want, threshold in zip(
        ("dx", "dgamma", "dbeta"), gradients, slopes, (1e-7, 1e-9, 1e-9), strict=True
    ):
        require_relative_error(name, got, want, threshold)

    def normalized(x, g, b):
        centered = x - x.mean(axis=1, keepdims=True)
        return centered / sqrt((centered**2).mean(axis=1, keepdims=True) + 1e-5) * g + b

    require_graph(
        normalized, run, layernorm_backward, (x, g, b), dout, ["layernorm_forward", "layernorm_forward, eps left out"]
    )


@check(points=4, hidden=True)
def layernorm_backward__precision(layernorm_forward: Function, layernorm_backward: Function) -> None:
    """Fresh inputs far from 0; and float32 in, float32 out."""
    rng = np.random.default_rng(88)
    x, g, b = rng.normal(size=(6, 9)), rng.normal(size=9), rng.normal(size=9)
    dout = rng.normal(size=(6, 9))

    def run(x, g, b):
        return layernorm_forward(x.copy(), g.copy(), b.copy(), {"eps": 0.1})

    require_backward(run, layernorm_backward, (x + 100, g, b), dout, along=1, threshold=1e-5)

    def normalized(x, g, b):
        centered = x - x.mean(axis=1, keepdims=True)
        return centered / sqrt((centered**2).mean(axis=1, keepdims=True) + 0.1) * g + b

    require_graph(normalized, run, layernorm_backward, (x, g, b), dout, ["layernorm_forward"])

    def small(x, g, b):
        return layernorm_forward(x, g, b, {})

    require_backward(small, layernorm_backward, (0.03 * x, g, b), dout, along=1, threshold=1e-4)
    want = layernorm_backward(dout.copy(), run(x, g, b)[1])
    single = [array.astype(np.float32) for array in (x, g, b, dout)]
    got = layernorm_backward(single[3], run(*single[:3])[1])
    require_shape("dx of float32", got[0], dout.shape, np.float32)
    for name, result, wanted in zip(("dx", "dgamma", "dbeta"), got, want, strict=True):
        require_close(f"{name} of float32", result, wanted, 1e-3)
