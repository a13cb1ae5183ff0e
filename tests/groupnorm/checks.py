"""The groupnorm notebook's test cells. Their oracles: numbers worked out by hand, the graph, central differences."""

from __future__ import annotations

import numpy as np

from normlab.checks import require_close, require_results, require_shape
from normlab.graph import Node, sqrt
from normlab.normcheck import require_backward
from reference.course import Function, check


@check(points=15)
def groupnorm_forward__example_by_hand(groupnorm_forward: Function) -> None:
    """The row that the text works out by hand, in two groups, with eps = 3."""
    x, gamma, beta = np.array([[1.0, 3, 10, 12]]), np.array([2.0, 4, 6, 8]), np.array([0.0, 1, 2, 3])
    got = groupnorm_forward(x, gamma, beta, {"groups": 2, "eps": 3.0})
    results = require_results("groupnorm_forward", got, ("out", "cache"))
    require_close("out", require_shape("out", results[0], (1, 4), np.float64), [[-1, 3, -1, 7]], 1e-10)


@check(points=15)
def groupnorm_forward__groups_do_not_meet(groupnorm_forward: Function) -> None:
    """What becomes of a group does not depend on the rest of its row."""
    rng = np.random.default_rng(1)
    x, gamma, beta = rng.normal(3.0, 2.0, (5, 6)), rng.normal(size=6), rng.normal(size=6)
    out, _ = groupnorm_forward(x.copy(), gamma, beta, {"groups": 2})
    restored = (require_shape("out", out, (5, 6)) - beta) / gamma
    require_close("1 plus the mean of the first group of each row,", 1 + restored[:, :3].mean(axis=1), np.ones(5), 1e-9)
    require_close("the spread of the first group of each row", restored[:, :3].std(axis=1), np.ones(5), 1e-2)
    x[:, 3:] = rng.normal(-20.0, 9.0, (5, 3))
    other, _ = groupnorm_forward(x, gamma, beta, {"groups": 2})
    require_close("the first group, when the second one is replaced,", other[:, :3], out[:, :3], 1e-10)


@check(points=15, hidden=True)
def groupnorm_forward__against_the_graph(groupnorm_forward: Function) -> None:
    """Fresh inputs in one group, in some, and in groups of two, against the graph."""
    rng = np.random.default_rng(20261125)
    for groups in (1, 3, 6):
        x, gamma, beta = rng.normal(1.0, 3.0, (4, 12)), rng.normal(size=12), rng.normal(size=12)
        out, _ = groupnorm_forward(x.copy(), gamma, beta, {"groups": groups, "eps": 0.1})
        for part in np.split(np.arange(12), groups):
            node = Node(x[:, part])
            centered = node - node.mean(axis=1, keepdims=True)
            wanted = centered / sqrt((centered**2).mean(axis=1, keepdims=True) + 0.1) * gamma[part] + beta[part]
            require_close("a group of out", np.asarray(out)[:, part], wanted.value, 1e-9)


@check(points=30)
def groupnorm_backward__gradients(groupnorm_forward: Function, groupnorm_backward: Function) -> None:
    """dx, dgamma and dbeta agree with differences of your own forward pass, for two groups of three."""
    rng = np.random.default_rng(2)
    x, dout = rng.normal(4.0, 2.0, (5, 6)), rng.normal(size=(5, 6))

    def forward(x, gamma, beta):
        return groupnorm_forward(x, gamma, beta, {"groups": 2, "eps": 0.1})

    require_backward(forward, groupnorm_backward, (x, rng.normal(size=6), rng.normal(size=6)), dout, along=1)


@check(points=10, hidden=True)
def groupnorm_backward__square_batch(groupnorm_forward: Function, groupnorm_backward: Function) -> None:
    """As many examples as features, so that no shape gives a wrong axis away."""
    rng = np.random.default_rng(3)
    x, dout = rng.normal(size=(8, 8)) * rng.uniform(0.5, 3, (8, 1)), rng.normal(1.0, 1.0, (8, 8))

    def forward(x, gamma, beta):
        return groupnorm_forward(x, gamma, beta, {"groups": 2, "eps": 0.1})

    require_backward(forward, groupnorm_backward, (x, rng.normal(size=8), rng.normal(size=8)), dout, along=1)
