"""Test cells of the network's gradients, its penalty and its dropout."""

# ruff: noqa: N802, B023 - a check is named after what it checks; what a loop defines is called in the same round

import numpy as np

from normlab import graph
from normlab.checks import (
    require_close,
    require_ratio,
    require_shape,
    require_slope,
    require_within,
    require_zero,
)
from normlab.gradcheck import numerical_gradient
from normlab.layers import softmax_loss
from normlab.netcheck import random_network, require_network_gradients
from normlab.normcheck import RIGHT
from reference.course import Function, check


@check(points=4)
def FullyConnectedNet__regularization(FullyConnectedNet: Function) -> None:
    """Every W pays 0.5 reg sum(W^2), in the loss and in its gradient; nothing else pays."""
    rng = np.random.default_rng(36)
    X, y = rng.normal(size=(6, 5)), rng.integers(4, size=6)
    deep = (3,) * 10
    for normalization, hidden in ((None, (6,)), ("batchnorm", (6, 3)), ("layernorm", (6, 3, 5)), ("batchnorm", deep)):
        sizes = (5, *hidden, 4)
        free, values = random_network(FullyConnectedNet, sizes, rng, normalization)
        taxed, params = random_network(FullyConnectedNet, sizes, rng, normalization, reg=3.14)
        for name, array in params.items():
            array[...] = values[name]
        values = {name: array.copy() for name, array in values.items()}  # a loss may write into its parameters
        loss, grads = free.loss(X.copy(), y.copy())
        taxed_loss, taxed_grads = taxed.loss(X.copy(), y.copy())
        penalty = sum(1.57 * np.sum(values[name] ** 2) for name in values if name.startswith("W"))
        require_close("what reg=3.14 adds to the loss", taxed_loss - loss, penalty, 1e-9)
        for name, array in values.items():
            added = np.asarray(taxed_grads[name]) - np.asarray(grads[name])
            if name.startswith("W"):
                require_close(f"what reg=3.14 adds to the gradient of {name}", added, 3.14 * array, 1e-8)
            else:
                require_zero(f"what reg=3.14 adds to the gradient of {name}", added, 1e-9)


@check(points=4)
def FullyConnectedNet__gradients_plain(FullyConnectedNet: Function) -> None:
    """Every gradient of the network without normalization, against central differences of your loss."""
    rng = np.random.default_rng(37)
    X, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    for reg, sizes in ((0.0, (4, 9, 3)), (3.14, (4, 9, 7, 3)), (0.0, (4, 9, 8, 7, 3))):
        model, params = random_network(FullyConnectedNet, sizes, rng, reg=reg)
        require_network_gradients(model, params, X, y)


@check(points=5)
def FullyConnectedNet__gradients_batchnorm(FullyConnectedNet: Function) -> None:
    """Every gradient of the network with batch norm, gammas and betas included."""
    rng = np.random.default_rng(38)
    X, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    for reg, sizes in ((0.0, (4, 9, 3)), (3.14, (4, 9, 7, 3))):
        model, params = random_network(FullyConnectedNet, sizes, rng, "batchnorm", reg=reg)
        require_network_gradients(model, params, X, y)


@check(points=5)
def FullyConnectedNet__gradients_layernorm(FullyConnectedNet: Function) -> None:
    """Every gradient of the network with layer norm, gammas and betas included."""
    rng = np.random.default_rng(39)
    X, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    for reg, sizes in ((0.0, (4, 9, 3)), (3.14, (4, 9, 7, 3))):
        model, params = random_network(FullyConnectedNet, sizes, rng, "layernorm", reg=reg)
        require_network_gradients(model, params, X, y)


@check(points=4)
def FullyConnectedNet__gradients_dropout(FullyConnectedNet: Function) -> None:
    """With dropout and a seed each call draws the same masks, and the gradients belong to that loss."""
    rng = np.random.default_rng(40)
    X, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    for normalization, keep, seed in ((None, 0.7, 9), ("batchnorm", 0.7, 9), ("layernorm", 0.5, 0)):
        sizes = (4, 12, 9, 3)
        model, params = random_network(FullyConnectedNet, sizes, rng, normalization, dropout=keep, seed=seed)
        without, values = random_network(FullyConnectedNet, sizes, rng, normalization)
        for name, array in values.items():
            array[...] = params[name]
        change = abs(float(model.loss(X.copy(), y.copy())[0]) - float(without.loss(X.copy(), y.copy())[0]))
        assert change > 1e-6, f"dropout={keep} must change the training loss, but it does not"
        require_network_gradients(model, params, X, y)


@check(points=3)
def FullyConnectedNet__dropout(FullyConnectedNet: Function) -> None:
    """Dropout stands after each ReLU, keeps with probability p, divides by p, and rests at test time."""
    np.random.seed(41)
    rng = np.random.default_rng(41)
    x, y = rng.normal(size=(1, 6)), np.array([1])
    model, params = random_network(FullyConnectedNet, (6, 200, 150, 3), rng, dropout=0.75)
    loss, grads = model.loss(x.copy(), y.copy())
    # For one example dW is the outer product of what entered the layer and db: a division shows what dropout let pass.
    layer = x[0]
    for i in (1, 2):
        dw, db = np.asarray(grads[f"W{i + 1}"]), np.asarray(grads[f"b{i + 1}"])
        require_shape(f"the gradient of b{i + 1}", db, params[f"b{i + 1}"].shape)
        strongest = int(np.argmax(np.abs(db)))
        assert abs(db[strongest]) > 1e-8, f"the gradient of b{i + 1} must not be 0 everywhere"
        passed = dw[:, strongest] / db[strongest]
        active = np.maximum(0.0, layer @ params[f"W{i}"] + params[f"b{i}"])
        kept = passed != 0
        require_close(f"what dropout lets pass in layer {i}", passed[kept], active[kept] / 0.75, 1e-8)
        share = float(kept[active > 0].mean())
        assert 0 < share < 1, f"dropout=0.75 must keep some of layer {i} and drop some, got {share:.0%}"
        layer = passed
    scores = (layer @ params["W3"] + params["b3"])[None, :]
    require_close("the loss of the scores after dropout", loss, softmax_loss(scores, y)[0], 1e-8)
    assert abs(float(model.loss(x.copy(), y.copy())[0]) - float(loss)) > 1e-9, (
        "without a seed each call must draw new masks"
    )
    hidden = np.maximum(0.0, np.maximum(0.0, x @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"])
    require_close("the array of scores at test time", model.loss(x.copy()), hidden @ params["W3"] + params["b3"], 1e-8)


@check(points=3, hidden=True)
def FullyConnectedNet__dropout_after_normalization(FullyConnectedNet: Function) -> None:
    """Dropout after the ReLU of each kind of layer, drawn for each element by itself."""
    np.random.seed(42)
    rng = np.random.default_rng(42)
    N, H = 100, 1200
    X, y = rng.normal(size=(N, 5)), np.arange(N)
    for kind, axis, keep in (("batchnorm", 0, 0.6), ("layernorm", 1, 0.6), (None, 0, 0.5)):
        model, p = random_network(FullyConnectedNet, (5, H, N + 1), rng, kind, dropout=keep)
        p["W2"][...] = 0.0  # the scores are b2, so that their gradient is known and the hidden layer follows
        dW2 = model.loss(X.copy(), y.copy())[1]["W2"]
        require_shape("the gradient of W2", dW2, (H, N + 1))
        dscores = softmax_loss(np.tile(p["b2"], (N, 1)), y)[1]
        seen = (np.asarray(dW2) @ np.linalg.pinv(dscores)).T
        a = X @ p["W1"] + p["b1"]
        if kind:
            a = (a - a.mean(axis=axis, keepdims=True)) / np.sqrt(a.var(axis=axis, keepdims=True) + 1e-5)
            a = a * p["gamma1"] + p["beta1"]
        firing = np.maximum(0.0, a)
        survived = np.abs(seen) > 1e-8
        require_close("what dropout lets pass", seen[survived], firing[survived] / keep, 1e-6)
        fires = firing > 1e-6
        require_ratio(f"the share of a layer that dropout={keep} keeps", survived[fires].mean(), keep, 1.2)
        for each, along in (("unit", 0), ("example", 1)):
            times = fires.sum(axis=along)
            kept = (survived & fires).sum(axis=along)[times > 30] / times[times > 30]
            alike = np.mean((kept == 0) | (kept == 1))
            require_within(alike, 0.05, f"dropout must draw for each element, not once for all elements of one {each}")
        p["W2"][...] = rng.normal(size=(H, N + 1))
        at_rest = model.loss(X.copy())
        require_close(
            "the array of scores of one row by itself, no dropout in it,", model.loss(X[:1].copy()), at_rest[:1], 1e-8
        )
        if kind != "batchnorm":
            require_close("the array of scores, no dropout in it,", at_rest, firing @ p["W2"] + p["b2"], 1e-8)


@check(points=2, hidden=True)
def FullyConnectedNet__published_errors(FullyConnectedNet: Function) -> None:
    """The gradients of the published network, within ten times the published errors; of a right loss, the graph's."""
    stream = np.random.RandomState(231)
    X, y = stream.randn(2, 15), stream.randint(10, size=2)
    # Two rows are next to nothing for batch norm: W1's error is the central differences' own, 1e-4.
    thresholds = {"W1": 2e-3, "W2": 1e-4} | dict.fromkeys(("W3", "b3", "gamma1", "gamma2", "beta1", "beta2"), 1e-6)
    thresholds |= {"b1": 1e-4, "b2": 1e-4}  # both are 0, for batch norm undoes what they add
    for reg in (0, 3.14):
        model, p = random_network(FullyConnectedNet, (15, 20, 30, 10), np.random.default_rng(0), "batchnorm", reg=reg)
        for name, array in p.items():
            fresh = 5e-2 * stream.randn(*array.shape) if name.startswith("W") else float(name.startswith("gamma"))
            array[...] = fresh
        grads = model.loss(X.copy(), y.copy())[1]
        got = {name: np.array(require_shape(f"the gradient of {name}", grads[name], p[name].shape)) for name in p}
        moved = False
        for name, threshold in thresholds.items():
            some = (0, slice(2)) if name.startswith("W") else slice(2)
            slopes = numerical_gradient(lambda _: model.loss(X.copy(), y.copy())[0], p[name][some])
            moved = moved or bool(np.any(slopes))
            require_slope(f"the gradient of {name}, reg={reg}", got[name][some], slopes, threshold)
        assert moved, "the loss must depend on the parameters, but it does not"
    promises = "FullyConnectedNet", "FullyConnectedNet, published losses"
    if not RIGHT.issuperset(promises):  # another loss has other gradients
        return
    rng = np.random.default_rng(46)
    for kind, axis, reg in ((None, 0, 0.5), ("batchnorm", 0, 3.14), ("layernorm", 1, 0.0)):
        model, p = random_network(FullyConnectedNet, (5, 7, 6, 4), rng, kind, reg=reg)
        signal, chosen = rng.normal(size=(9, 5)), np.eye(4)[rng.integers(4, size=9)]
        values = {name: array.copy() for name, array in p.items()}

        def loss(*nodes: graph.Node) -> graph.Node:
            node, a = dict(zip(values, nodes, strict=True)), graph.Node(signal)
            penalty = graph.Node(0.0)
            for i in (1, 2, 3):
                a = a @ node[f"W{i}"] + node[f"b{i}"]
                penalty = 0.5 * reg * (node[f"W{i}"] ** 2).sum() + penalty
                if kind and i < 3:
                    a = a - a.mean(axis=axis, keepdims=True)
                    a = a / graph.sqrt((a**2).mean(axis=axis, keepdims=True) + 1e-5)
                    a = a * node[f"gamma{i}"] + node[f"beta{i}"]
                a = graph.relu(a) if i < 3 else a
            return (graph.log(graph.exp(a).sum(axis=1)) - (a * chosen).sum(axis=1)).mean() + penalty

        value, grads = model.loss(signal.copy(), chosen.argmax(axis=1))
        require_close("the loss beside the graph's", value, loss(*map(graph.Node, values.values())).value, 1e-9)
        for name, want in zip(values, graph.vjp(loss, *values.values()), strict=True):
            require_slope(f"the gradient of {name} beside the graph's", grads[name], want, 1e-8)
