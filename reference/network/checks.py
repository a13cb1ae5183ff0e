"""The network notebook's test cells: each function is one, and its parameters are what the student wrote.

The oracles are the graph of normlab, central differences of the student's own forward passes, exact properties, and the
published figures. None of them is the reference solution.
"""

# ruff: noqa: N802 - a check is named after what it checks
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from normlab.checks import require_close, require_shape, require_unchanged, require_zero

from normlab.gradcheck import numerical_gradient
from normlab.graph import Node, relu, sqrt
from normlab.layers import softmax_loss
from normlab.netcheck import fill_params, live_params, network_shapes, require_gradients
from reference.course import check

Function = Callable[..., Any]


@check(points=4)
def affine_bn_relu_forward__training(affine_bn_relu_forward: Function) -> None:
    """Training mode: affine, batch norm, ReLU, in this order; the running statistics move."""
    rng = np.random.default_rng(11)
    for N, D, M in ((7, 4, 5), (5, 5, 5)):
        given = {"x": rng.normal(2.0, 1.0, (N, D)), "w": rng.normal(size=(D, M))}
        given |= {name: rng.normal(size=M) for name in ("b", "gamma", "beta")}
        before = {name: array.copy() for name, array in given.items()}
        bn_param = {"mode": "train", "eps": 0.1, "momentum": 0.7}
        out, _ = affine_bn_relu_forward(*given.values(), bn_param)

        a = Node(before["x"]) @ before["w"] + before["b"]
        mean = a.mean(axis=0)
        variance = ((a - mean) ** 2).mean(axis=0)
        want = relu((a - mean) / sqrt(variance + 0.1) * before["gamma"] + before["beta"])
        require_close("out", out, want.value, 1e-8)
        for name, array in given.items():
            require_unchanged(name, array, before[name])
        assert "running_mean" in bn_param, "bn_param must hold running_mean after a training step, but it does not"
        require_close('bn_param["running_mean"]', bn_param["running_mean"], 0.3 * mean.value, 1e-8)
        require_close('bn_param["running_var"]', bn_param["running_var"], 0.3 * variance.value, 1e-8)


@check(points=2, hidden=True)
def affine_bn_relu_forward__test_mode(affine_bn_relu_forward: Function) -> None:
    """Test mode: the running statistics are used and stay as they are."""
    rng = np.random.default_rng(12)
    for N, D, M in ((6, 4, 5), (5, 5, 5)):
        x, w = rng.normal(1e4, 1.0, (N, D)), rng.normal(size=(D, M))
        b, gamma, beta = (rng.normal(size=M) for _ in range(3))
        center, spread = x.mean(axis=0) @ w + rng.normal(size=M), rng.uniform(0.5, 2.0, M)
        bn_param = {"mode": "test", "eps": 0.1, "momentum": 0.7, "running_mean": center, "running_var": spread}
        out, _ = affine_bn_relu_forward(x, w, b, gamma, beta, bn_param)
        slope = gamma / np.sqrt(spread + 0.1)
        want = np.maximum(0.0, x @ (w * slope) + (b - center) * slope + beta)
        require_close("out in test mode", out, want, 1e-6)
        one, _ = affine_bn_relu_forward(x[:1], w, b, gamma, beta, bn_param)
        require_close("out for one row in test mode", one, want[:1], 1e-6)


@check(points=5)
def affine_bn_relu_backward__gradients(affine_bn_relu_forward: Function, affine_bn_relu_backward: Function) -> None:
    """All five gradients, against central differences of your forward pass."""
    rng = np.random.default_rng(13)
    N, D, M = 7, 4, 3
    given = {"x": rng.normal(size=(N, D)), "w": rng.normal(size=(D, M))}
    given |= {name: rng.normal(size=M) for name in ("b", "gamma", "beta")}
    dout = rng.normal(size=(N, M))

    def out(_: Any = None) -> Any:
        return affine_bn_relu_forward(*given.values(), {"mode": "train", "eps": 0.1})[0]

    _, cache = affine_bn_relu_forward(*given.values(), {"mode": "train", "eps": 0.1})
    dout_before = dout.copy()
    gradients = affine_bn_relu_backward(dout, cache)
    require_unchanged("dout", dout, dout_before)
    assert len(gradients) == 5, f"affine_bn_relu_backward must return five gradients, got {len(gradients)}"
    for (name, array), got in zip(given.items(), gradients, strict=True):
        require_shape(f"d{name}", got, array.shape)
        want = numerical_gradient(out, array, dout)
        if name == "b":
            require_zero("the influence of b on your forward pass", want, 1e-6)
            require_zero("db", got, 1e-9)
        else:
            assert np.abs(want).max() > 1e-3, f"out of your forward pass must depend on {name}, but it does not"
            require_close(f"d{name}", got, want, 1e-5)


@check(points=2, hidden=True)
def affine_bn_relu_backward__square(affine_bn_relu_forward: Function, affine_bn_relu_backward: Function) -> None:
    """Square arrays, where no shape gives a wrong axis away, and an older cache."""
    rng = np.random.default_rng(14)
    n = 5
    given = {"x": rng.normal(8.0, 1.0, (n, n)), "w": rng.normal(size=(n, n))}
    given |= {name: rng.normal(size=n) for name in ("b", "gamma", "beta")}
    dout = rng.normal(size=(n, n))

    def out(_: Any = None) -> Any:
        return affine_bn_relu_forward(*given.values(), {"mode": "train", "eps": 0.02})[0]

    _, cache = affine_bn_relu_forward(*given.values(), {"mode": "train", "eps": 0.02})
    other = [rng.normal(size=array.shape) for array in given.values()]
    affine_bn_relu_forward(*other, {"mode": "train", "eps": 0.5})
    gradients = affine_bn_relu_backward(dout, cache)
    for (name, array), got in zip(given.items(), gradients, strict=True):
        require_shape(f"d{name}", got, array.shape)
        want = numerical_gradient(out, array, dout)
        if name == "b":
            require_zero("the influence of b on your forward pass", want, 1e-6)
            require_zero("db", got, 1e-9)
        else:
            assert np.abs(want).max() > 1e-3, f"out of your forward pass must depend on {name}, but it does not"
            require_close(f"d{name}", got, want, 1e-5)


@check(points=3)
def affine_ln_relu_forward__values(affine_ln_relu_forward: Function) -> None:
    """Affine, layer norm, ReLU, in this order; each row by itself."""
    rng = np.random.default_rng(21)
    for N, D, M in ((7, 4, 5), (5, 5, 5), (1, 3, 6)):
        given = {"x": rng.normal(2.0, 1.0, (N, D)), "w": rng.normal(size=(D, M))}
        given |= {name: rng.normal(size=M) for name in ("b", "gamma", "beta")}
        before = {name: array.copy() for name, array in given.items()}
        out, _ = affine_ln_relu_forward(*given.values(), {"eps": 0.1})

        a = Node(before["x"]) @ before["w"] + before["b"]
        centered = a - a.mean(axis=1, keepdims=True)
        variance = (centered**2).mean(axis=1, keepdims=True)
        want = relu(centered / sqrt(variance + 0.1) * before["gamma"] + before["beta"])
        require_close("out", out, want.value, 1e-8)
        for name, array in given.items():
            require_unchanged(name, array, before[name])


@check(points=1, hidden=True)
def affine_ln_relu_forward__statistics(affine_ln_relu_forward: Function) -> None:
    """With gamma 1 and a beta that no ReLU touches, each row of out has beta's mean and variance 1."""
    rng = np.random.default_rng(22)
    x, w, b = rng.normal(1e4, 5.0, (6, 4)), rng.normal(size=(4, 9)), rng.normal(size=9)
    ln_param: dict[str, float] = {}
    out, _ = affine_ln_relu_forward(x, w, b, np.ones(9), np.full(9, 50.0), ln_param)
    require_shape("out", out, (6, 9))
    require_close("the mean of each row of out", np.mean(out, axis=1), np.full(6, 50.0), 1e-8)
    require_close("the variance of each row of out", np.var(out, axis=1), np.ones(6), 1e-4)
    out, _ = affine_ln_relu_forward(x, w, b, np.full(9, 3.0), np.full(9, -50.0), {"eps": 0.1})
    require_zero("out where beta puts everything below 0", out, 0.0)
    assert not ln_param, f"ln_param must stay as it was, got the new keys {sorted(ln_param)}"


@check(points=5)
def affine_ln_relu_backward__gradients(affine_ln_relu_forward: Function, affine_ln_relu_backward: Function) -> None:
    """All five gradients, against central differences of your forward pass."""
    rng = np.random.default_rng(23)
    N, D, M = 6, 4, 7
    given = {"x": rng.normal(size=(N, D)), "w": rng.normal(size=(D, M))}
    given |= {name: rng.normal(size=M) for name in ("b", "gamma", "beta")}
    dout = rng.normal(size=(N, M))

    def out(_: Any = None) -> Any:
        return affine_ln_relu_forward(*given.values(), {"eps": 0.1})[0]

    _, cache = affine_ln_relu_forward(*given.values(), {"eps": 0.1})
    dout_before = dout.copy()
    gradients = affine_ln_relu_backward(dout, cache)
    require_unchanged("dout", dout, dout_before)
    assert len(gradients) == 5, f"affine_ln_relu_backward must return five gradients, got {len(gradients)}"
    for (name, array), got in zip(given.items(), gradients, strict=True):
        require_shape(f"d{name}", got, array.shape)
        want = numerical_gradient(out, array, dout)
        assert np.abs(want).max() > 1e-3, f"out of your forward pass must depend on {name}, but it does not"
        if name == "b":
            require_zero("the influence of one constant for all of b on your forward pass", want.sum(), 1e-6)
        require_close(f"d{name}", got, want, 1e-5)


@check(points=2, hidden=True)
def affine_ln_relu_backward__square(affine_ln_relu_forward: Function, affine_ln_relu_backward: Function) -> None:
    """Square arrays, where no shape gives a wrong axis away, and an older cache."""
    rng = np.random.default_rng(24)
    n = 5
    given = {"x": rng.normal(8.0, 1.0, (n, n)), "w": rng.normal(size=(n, n))}
    given |= {name: rng.normal(size=n) for name in ("b", "gamma", "beta")}
    dout = rng.normal(size=(n, n))

    def out(_: Any = None) -> Any:
        return affine_ln_relu_forward(*given.values(), {"eps": 0.02})[0]

    _, cache = affine_ln_relu_forward(*given.values(), {"eps": 0.02})
    other = [rng.normal(size=array.shape) for array in given.values()]
    affine_ln_relu_forward(*other, {"eps": 0.5})
    gradients = affine_ln_relu_backward(dout, cache)
    for (name, array), got in zip(given.items(), gradients, strict=True):
        require_shape(f"d{name}", got, array.shape)
        want = numerical_gradient(out, array, dout)
        assert np.abs(want).max() > 1e-3, f"out of your forward pass must depend on {name}, but it does not"
        if name == "b":
            require_zero("the influence of one constant for all of b on your forward pass", want.sum(), 1e-6)
        require_close(f"d{name}", got, want, 1e-5)


@check(points=4)
def FullyConnectedNet__parameters(FullyConnectedNet: Function) -> None:
    """Names, shapes, dtype and first values of all parameters."""
    for normalization in (None, "batchnorm", "layernorm"):
        for hidden_dims, dtype in (([5], np.float64), ([7, 3, 4], np.float64), ([4, 4], np.float32)):
            shapes = network_shapes((6, *hidden_dims, 3), normalization is not None)
            model = FullyConnectedNet(
                list(hidden_dims), input_dim=6, num_classes=3, normalization=normalization, dtype=dtype
            )
            for name, array in live_params(model, shapes, dtype).items():
                if name.startswith("W"):
                    assert len(np.unique(array)) > array.size // 2, f"{name} must hold random numbers, but it does not"
                else:
                    first = 1.0 if name.startswith("gamma") else 0.0
                    assert np.all(array == first), f"{name} must start at {first:g}, but it does not"
    model = FullyConnectedNet([4], input_dim=6, num_classes=3)
    live_params(model, network_shapes((6, 4, 3), normalized=False), np.float32)


@check(points=3)
def FullyConnectedNet__weight_scale(FullyConnectedNet: Function) -> None:
    """The weights are normal, with the standard deviation that was asked for."""
    np.random.seed(32)
    shapes = network_shapes((40, 60, 50, 30), normalized=False)
    for weight_scale in (1e-3, 0.5):
        model = FullyConnectedNet([60, 50], input_dim=40, num_classes=30, weight_scale=weight_scale, dtype=np.float64)
        params = live_params(model, shapes)
        for name in ("W1", "W2", "W3"):
            scaled = params[name] / weight_scale
            spread, center = float(scaled.std()), float(scaled.mean())
            assert 0.9 < spread < 1.1, f"std({name}) must be about weight_scale, got {spread:.3g} times it"
            assert abs(center) < 0.2, f"the mean of {name} must be about 0, got {center:.3g} times weight_scale"
            tails = float(np.mean(np.abs(scaled) > 2))
            assert 0.02 < tails < 0.09, f"{name} must be normal: 4.6% of it beyond 2 weight_scale, got {tails:.1%}"
        same = np.corrcoef(params["W1"].ravel()[:1500], params["W2"].ravel()[:1500])[0, 1]
        assert abs(same) < 0.2, "W1 and W2 must be drawn independently, but they hold the same numbers"


@check(points=4)
def FullyConnectedNet__scores(FullyConnectedNet: Function) -> None:
    """Without labels, loss returns the scores: one row an example, one column a class, each row by itself."""
    rng = np.random.default_rng(33)
    X, y = rng.normal(size=(6, 5)), rng.integers(4, size=6)
    for normalization in (None, "layernorm"):
        for hidden_dims in ([7], [6, 4, 5]):
            model = FullyConnectedNet(
                list(hidden_dims), input_dim=5, num_classes=4, normalization=normalization, dtype=np.float64
            )
            params = live_params(model, network_shapes((5, *hidden_dims, 4), normalization is not None))
            fill_params(params, rng)
            scores = model.loss(X)
            require_shape("the scores", scores, (6, 4))
            require_close("the loss of your scores", model.loss(X, y)[0], softmax_loss(scores, y)[0], 1e-9)
            require_close("the scores of two rows by themselves", model.loss(X[2:4]), scores[2:4], 1e-8)
            assert np.std(scores, axis=0).max() > 1e-3, "the scores must depend on X, but all rows are equal"
            last = len(hidden_dims) + 1
            params[f"W{last}"][...] = 0.0
            want = np.tile(params[f"b{last}"], (6, 1))
            require_close(f"the scores when W{last} is 0 (b{last} alone, no ReLU)", model.loss(X), want, 1e-12)


@check(points=5)
def FullyConnectedNet__loss(FullyConnectedNet: Function) -> None:
    """The training loss of all three kinds of network, calculated again on the graph."""
    rng = np.random.default_rng(34)
    X, y = rng.normal(size=(6, 5)), rng.integers(4, size=6)
    for normalization, axis in ((None, None), ("batchnorm", 0), ("layernorm", 1)):
        for hidden_dims in ([7], [6, 5], [5, 5, 5]):
            model = FullyConnectedNet(
                list(hidden_dims), input_dim=5, num_classes=4, normalization=normalization, dtype=np.float64
            )
            params = live_params(model, network_shapes((5, *hidden_dims, 4), normalization is not None))
            fill_params(params, rng)
            layer = Node(X)
            for i in range(1, len(hidden_dims) + 1):
                layer = layer @ params[f"W{i}"] + params[f"b{i}"]
                if axis is not None:
                    layer = layer - layer.mean(axis=axis, keepdims=True)
                    layer = layer / sqrt((layer**2).mean(axis=axis, keepdims=True) + 1e-5)
                    layer = layer * params[f"gamma{i}"] + params[f"beta{i}"]
                layer = relu(layer)
            scores = layer @ params[f"W{len(hidden_dims) + 1}"] + params[f"b{len(hidden_dims) + 1}"]
            what = f"the loss with normalization={normalization!r} and hidden layers {hidden_dims}"
            require_close(what, model.loss(X, y)[0], softmax_loss(scores.value, y)[0], 1e-9)


@check(points=3)
def FullyConnectedNet__initial_loss(FullyConnectedNet: Function) -> None:
    """A network that knows nothing has the loss ln(C)."""
    np.random.seed(35)
    rng = np.random.default_rng(35)
    X = rng.normal(size=(20, 12))
    for normalization in (None, "batchnorm", "layernorm"):
        for C in (4, 10):
            y = rng.integers(C, size=20)
            model = FullyConnectedNet(
                [15, 15],
                input_dim=12,
                num_classes=C,
                normalization=normalization,
                weight_scale=1e-4,
                dtype=np.float64,
            )
            loss = float(model.loss(X, y)[0])
            what = f"with {C} classes, tiny weights and normalization={normalization!r}"
            assert abs(loss - np.log(C)) < 5e-3, (
                f"{what} the first loss must be ln({C}) = {np.log(C):.4f}, got {loss:.4f}"
            )
            last_bias = live_params(model, network_shapes((12, 15, 15, C), normalization is not None))["b3"]
            last_bias[1] = 5.0
            want = np.log(np.exp(5.0) + C - 1) - 5.0 * np.mean(y == 1)
            loss = float(model.loss(X, y)[0])
            assert abs(loss - want) < 2e-2, f"{what} and b3[1] = 5 the loss must be {want:.4f}, got {loss:.4f}"


@check(points=4)
def FullyConnectedNet__regularization(FullyConnectedNet: Function) -> None:
    """Every W pays 0.5 reg sum(W^2), in the loss and in its gradient; nothing else pays."""
    rng = np.random.default_rng(36)
    X, y = rng.normal(size=(6, 5)), rng.integers(4, size=6)
    for normalization in (None, "batchnorm", "layernorm"):
        shapes = network_shapes((5, 6, 3, 4), normalization is not None)
        values = {name: rng.normal(1.0, 0.5, shape) for name, shape in shapes.items()}
        results = []
        for reg in (0.0, 3.14):
            model = FullyConnectedNet(
                [6, 3], input_dim=5, num_classes=4, normalization=normalization, reg=reg, dtype=np.float64
            )
            params = live_params(model, shapes)
            for name, array in params.items():
                array[...] = values[name]
            results.append(model.loss(X, y))
        penalty = sum(1.57 * np.sum(values[name] ** 2) for name in ("W1", "W2", "W3"))
        require_close("what reg=3.14 adds to the loss", results[1][0] - results[0][0], penalty, 1e-9)
        for name in shapes:
            added = np.asarray(results[1][1][name]) - np.asarray(results[0][1][name])
            what = f"what reg=3.14 adds to the gradient of {name}"
            if name.startswith("W"):
                require_close(what, added, 3.14 * values[name], 1e-9)
            else:
                require_zero(what, added, 1e-9)


@check(points=4)
def FullyConnectedNet__gradients_plain(FullyConnectedNet: Function) -> None:
    """Every gradient of the network without normalization, against central differences of your loss."""
    rng = np.random.default_rng(37)
    X, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    for reg, hidden_dims in ((0.0, [5]), (3.14, [5, 4]), (0.0, [3, 4, 4])):
        model = FullyConnectedNet(list(hidden_dims), input_dim=4, num_classes=3, reg=reg, dtype=np.float64)
        params = live_params(model, network_shapes((4, *hidden_dims, 3), normalized=False))
        fill_params(params, rng)
        require_gradients(model, params, X, y)


@check(points=5)
def FullyConnectedNet__gradients_batchnorm(FullyConnectedNet: Function) -> None:
    """Every gradient of the network with batch norm, gammas and betas included."""
    rng = np.random.default_rng(38)
    X, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    for reg, hidden_dims in ((0.0, [5]), (3.14, [5, 4])):
        model = FullyConnectedNet(
            list(hidden_dims), input_dim=4, num_classes=3, normalization="batchnorm", reg=reg, dtype=np.float64
        )
        params = live_params(model, network_shapes((4, *hidden_dims, 3), normalized=True))
        fill_params(params, rng)
        require_gradients(model, params, X, y, zero=[f"b{i + 1}" for i in range(len(hidden_dims))])


@check(points=5)
def FullyConnectedNet__gradients_layernorm(FullyConnectedNet: Function) -> None:
    """Every gradient of the network with layer norm, gammas and betas included."""
    rng = np.random.default_rng(39)
    X, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    for reg, hidden_dims in ((0.0, [5]), (3.14, [5, 4])):
        model = FullyConnectedNet(
            list(hidden_dims), input_dim=4, num_classes=3, normalization="layernorm", reg=reg, dtype=np.float64
        )
        params = live_params(model, network_shapes((4, *hidden_dims, 3), normalized=True))
        fill_params(params, rng)
        require_gradients(model, params, X, y)


@check(points=4)
def FullyConnectedNet__gradients_dropout(FullyConnectedNet: Function) -> None:
    """With dropout and a seed each call draws the same masks, and the gradients belong to that loss."""
    rng = np.random.default_rng(40)
    X, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    for normalization in (None, "batchnorm", "layernorm"):
        shapes = network_shapes((4, 6, 5, 3), normalization is not None)
        without = FullyConnectedNet([6, 5], input_dim=4, num_classes=3, normalization=normalization, dtype=np.float64)
        model = FullyConnectedNet(
            [6, 5], input_dim=4, num_classes=3, normalization=normalization, dropout=0.7, dtype=np.float64, seed=9
        )
        params, plain = live_params(model, shapes), live_params(without, shapes)
        fill_params(params, rng)
        for name, array in plain.items():
            array[...] = params[name]
        change = abs(float(model.loss(X, y)[0]) - float(without.loss(X, y)[0]))
        assert change > 1e-6, "dropout=0.7 must change the training loss, but it does not"
        require_gradients(model, params, X, y, zero=("b1", "b2") if normalization == "batchnorm" else ())


@check(points=3)
def FullyConnectedNet__dropout(FullyConnectedNet: Function) -> None:
    """Dropout stands behind each ReLU, keeps with probability p, divides by p, and rests at test time."""
    np.random.seed(41)
    rng = np.random.default_rng(41)
    p, x, y = 0.75, rng.normal(size=(1, 6)), np.array([1])
    model = FullyConnectedNet([200, 150], input_dim=6, num_classes=3, dropout=p, dtype=np.float64)
    params = live_params(model, network_shapes((6, 200, 150, 3), normalized=False))
    fill_params(params, rng)
    loss, grads = model.loss(x, y)
    # For one example dW is the outer product of what entered the layer and db: a division shows what dropout let pass.
    layer = x[0]
    for i in (1, 2):
        dw, db = np.asarray(grads[f"W{i + 1}"]), np.asarray(grads[f"b{i + 1}"])
        require_shape(f"the gradient of b{i + 1}", db, params[f"b{i + 1}"].shape)
        strongest = int(np.argmax(np.abs(db)))
        assert abs(db[strongest]) > 1e-8, f"the gradient of b{i + 1} must not be 0 everywhere"
        passed = dw[:, strongest] / db[strongest]
        active = np.maximum(0.0, layer @ params[f"W{i}"] + params[f"b{i}"]) / p
        kept = passed != 0
        require_close(f"what dropout lets pass in layer {i}", passed[kept], active[kept], 1e-8)
        share = float(kept[active > 0].mean())
        assert 0.55 < share < 0.95, f"dropout=0.75 must keep about 75% of layer {i}, got {share:.0%}"
        layer = passed
    scores = (layer @ params["W3"] + params["b3"])[None, :]
    require_close("the loss of the scores behind dropout", loss, softmax_loss(scores, y)[0], 1e-8)
    assert abs(float(model.loss(x, y)[0]) - float(loss)) > 1e-9, "without a seed each call must draw new masks"
    hidden = np.maximum(0.0, np.maximum(0.0, x @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"])
    require_close("the scores at test time", model.loss(x), hidden @ params["W3"] + params["b3"], 1e-8)


@check(points=3, hidden=True)
def FullyConnectedNet__dropout_after_normalization(FullyConnectedNet: Function) -> None:
    """Dropout behind the ReLU of a normalized layer."""
    np.random.seed(42)
    rng = np.random.default_rng(42)
    N, H, p = 6, 120, 0.6
    X, y = rng.normal(size=(N, 5)), np.arange(N)
    for normalization, axis in (("batchnorm", 0), ("layernorm", 1)):
        model = FullyConnectedNet(
            [H], input_dim=5, num_classes=N + 1, dropout=p, normalization=normalization, dtype=np.float64
        )
        params = live_params(model, network_shapes((5, H, N + 1), normalized=True))
        fill_params(params, rng)
        params["W2"][...] = 0.0  # the scores are b2, so that their gradient is known and the hidden layer follows
        grads = model.loss(X, y)[1]
        dscores = softmax_loss(np.tile(params["b2"], (N, 1)), y)[1]
        require_shape("the gradient of W2", grads["W2"], (H, N + 1))
        passed = (np.asarray(grads["W2"]) @ np.linalg.pinv(dscores)).T
        a = X @ params["W1"] + params["b1"]
        a = (a - a.mean(axis=axis, keepdims=True)) / np.sqrt(a.var(axis=axis, keepdims=True) + 1e-5)
        active = np.maximum(0.0, a * params["gamma1"] + params["beta1"]) / p
        kept = np.abs(passed) > 1e-8
        require_close("what dropout lets pass behind a normalized layer", passed[kept], active[kept], 1e-6)
        share = float(kept[active > 1e-6].mean())
        assert 0.45 < share < 0.75, f"dropout=0.6 must keep about 60% of a normalized layer, got {share:.0%}"
        if normalization == "layernorm":
            params["W2"][...] = rng.normal(size=(H, N + 1))
            want = p * active @ params["W2"] + params["b2"]
            require_close("the scores at test time", model.loss(X), want, 1e-8)


@check(points=4)
def FullyConnectedNet__running_statistics(FullyConnectedNet: Function) -> None:
    """After many training batches test mode agrees with training mode, and needs no batch."""
    rng = np.random.default_rng(43)
    X, y = rng.normal(size=(8, 5)), rng.integers(3, size=8)
    model = FullyConnectedNet([7, 6], input_dim=5, num_classes=3, normalization="batchnorm", dtype=np.float64)
    fill_params(live_params(model, network_shapes((5, 7, 6, 3), normalized=True)), rng)
    training_loss = float(model.loss(X, y)[0])
    early = float(softmax_loss(model.loss(X), y)[0])
    assert abs(early - training_loss) > 1e-3, "after one batch of training, test mode must differ from training mode"
    for _ in range(160):
        model.loss(X, y)
    scores = model.loss(X)
    require_close("the test-mode loss after 161 equal batches", softmax_loss(scores, y)[0], training_loss, 1e-5)
    require_close("the test-mode scores of one row by itself", model.loss(X[:1]), scores[:1], 1e-8)
    require_close("the training loss after a call in test mode", model.loss(X, y)[0], training_loss, 1e-8)


@check(points=4, hidden=True)
def FullyConnectedNet__few_batches(FullyConnectedNet: Function) -> None:
    """The exact test-mode scores after three different batches."""
    rng = np.random.default_rng(44)
    sizes = (5, 6, 4, 3)
    model = FullyConnectedNet([6, 4], input_dim=5, num_classes=3, normalization="batchnorm", dtype=np.float64)
    params = live_params(model, network_shapes(sizes, normalized=True))
    fill_params(params, rng)
    running = {i: (np.zeros(sizes[i]), np.zeros(sizes[i])) for i in (1, 2)}
    X_test = rng.normal(size=(4, 5))
    for N in (6, 9, 5):
        X, y = rng.normal(1.0, 2.0, (N, 5)), rng.integers(3, size=N)
        model.loss(X, y)
        model.loss(X_test)  # a look in between must not move the statistics
        for i in (1, 2):
            a = X @ params[f"W{i}"] + params[f"b{i}"]
            center, spread = a.mean(axis=0), a.var(axis=0)
            running[i] = (0.9 * running[i][0] + 0.1 * center, 0.9 * running[i][1] + 0.1 * spread)
            X = np.maximum(0.0, params[f"gamma{i}"] * (a - center) / np.sqrt(spread + 1e-5) + params[f"beta{i}"])
    layer = X_test
    for i in (1, 2):
        slope = params[f"gamma{i}"] / np.sqrt(running[i][1] + 1e-5)
        layer = np.maximum(
            0.0, (layer @ params[f"W{i}"] + params[f"b{i}"] - running[i][0]) * slope + params[f"beta{i}"]
        )
    want = layer @ params["W3"] + params["b3"]
    require_close("the test-mode scores after three batches", model.loss(X_test), want, 1e-7)


@check(points=5, hidden=True)
def FullyConnectedNet__published_losses(FullyConnectedNet: Function) -> None:
    """The published losses of this network."""
    published = {
        "batchnorm": (2.2611955101340957, 6.996533220108303),
        "layernorm": (2.237831004146712, 7.10213782725159),
        None: (2.3004790897684924, 7.052114776533016),
    }
    for normalization, losses in published.items():
        stream = np.random.RandomState(231)  # the generator that the published program uses
        X, y = stream.randn(2, 15), stream.randint(10, size=2)
        for reg, want in zip((0, 3.14), losses, strict=True):
            model = FullyConnectedNet(
                [20, 30],
                input_dim=15,
                num_classes=10,
                reg=reg,
                weight_scale=5e-2,
                dtype=np.float64,
                normalization=normalization,
            )
            params = live_params(model, network_shapes((15, 20, 30, 10), normalization is not None))
            for name in ("W1", "W2", "W3"):
                params[name][...] = 5e-2 * stream.randn(*params[name].shape)
            what = f"the loss with normalization={normalization!r} and reg={reg}"
            require_close(what, model.loss(X, y)[0], want, 1e-9)


@check(points=2, hidden=True)
def FullyConnectedNet__published_errors(FullyConnectedNet: Function) -> None:
    """The gradients of the published network, within ten times the published errors."""
    stream = np.random.RandomState(231)
    X, y = stream.randn(2, 15), stream.randint(10, size=2)
    # Two rows are next to nothing for batch norm: W1's error is the central differences' own, 1e-4.
    thresholds = {"W1": 2e-3, "W2": 1e-4, "W3": 1e-6} | dict.fromkeys(
        ("b3", "beta1", "beta2", "gamma1", "gamma2"), 1e-6
    )
    for reg in (0, 3.14):
        model = FullyConnectedNet(
            [20, 30], input_dim=15, num_classes=10, reg=reg, dtype=np.float64, normalization="batchnorm"
        )
        params = live_params(model, network_shapes((15, 20, 30, 10), normalized=True))
        for name in ("W1", "W2", "W3"):
            params[name][...] = 5e-2 * stream.randn(*params[name].shape)
        grads = model.loss(X, y)[1]
        for name, threshold in thresholds.items():
            part = (0, slice(8)) if name.startswith("W") else slice(8)
            require_shape(f"the gradient of {name}", grads[name], params[name].shape)
            want = numerical_gradient(lambda _: model.loss(X, y)[0], params[name][part])  # noqa: B023 - called here
            require_close(f"the gradient of {name}, reg={reg}", np.asarray(grads[name])[part], want, threshold)
        for name in ("b1", "b2"):
            require_zero(f"the gradient of {name}", grads[name], 1e-9)


@check(points=2, hidden=True)
def FullyConnectedNet__number_range(FullyConnectedNet: Function) -> None:
    """Scores in the thousands, and the same network in float32."""
    rng = np.random.default_rng(47)
    X, y = rng.normal(size=(5, 4)), np.array([0, 1, 2, 0, 1])
    shapes = network_shapes((4, 6, 3), normalized=True)
    for normalization in ("batchnorm", "layernorm"):
        model = FullyConnectedNet([6], input_dim=4, num_classes=3, normalization=normalization, dtype=np.float64)
        half = FullyConnectedNet(
            [6], input_dim=4, num_classes=3, normalization=normalization, dtype=np.float32, reg=0.1
        )
        params, half_params = live_params(model, shapes), live_params(half, shapes, np.float32)
        fill_params(params, rng)
        for name, array in half_params.items():
            array[...] = params[name]
        penalty = 0.05 * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))
        loss = model.loss(X, y)[0] + penalty
        require_close("the loss in float32", half.loss(X, y)[0], loss, 1e-4)
        live_params(half, shapes, np.float32)  # nothing may have become float64
        params["W2"][...] = 0.0
        params["b2"][...] = [0.0, 2000.0, -500.0]
        require_close("the loss of scores up to 2000", model.loss(X, y)[0], 1300.0, 1e-9)
