"""Test cells of the network's parameters, scores, losses and running statistics."""

# ruff: noqa: N802 - a check is named after what it checks

import numpy as np

from normlab import graph
from normlab.checks import require_close, require_ratio, require_shape, require_within
from normlab.layers import softmax_loss
from normlab.netcheck import live_params, network_shapes, random_network
from normlab.normcheck import found_right
from reference.course import Function, check


@check(points=4)
def FullyConnectedNet__parameters(FullyConnectedNet: Function) -> None:
    """Names, shapes, dtype and first values of all parameters."""
    np.random.seed(31)
    for normalization in (None, "batchnorm", "layernorm"):
        for hidden_dims, dtype in (([5], np.float64), ([7, 3, 4], np.float64), ([4, 4], np.float32)):
            options = {"normalization": normalization, "dtype": dtype}
            given = list(hidden_dims)
            model = FullyConnectedNet(given, input_dim=6, num_classes=3, **options)
            assert given == hidden_dims, f"hidden_dims belongs to the caller: it was {hidden_dims} and is now {given}"
            shapes = network_shapes((6, *hidden_dims, 3), normalization is not None)
            for name, array in live_params(model, shapes, dtype).items():
                if name.startswith("W"):
                    assert len(np.unique(array)) > array.size // 2, f"{name} must hold random numbers, but it does not"
                else:
                    first = 1.0 if name.startswith("gamma") else 0.0
                    off = np.max(np.abs(array - first))
                    require_within(off, 0.0, f"{name} must start at {first:g}, but it does not")
    weights = live_params(FullyConnectedNet([16]), network_shapes((3072, 16, 10), normalized=False), np.float32)
    require_ratio("std(W1), where weight_scale is left out,", np.std(weights["W1"]), 1e-2, 1.2)


@check(points=3)
def FullyConnectedNet__weight_scale(FullyConnectedNet: Function) -> None:
    """The weights are normal, with the standard deviation that was asked for."""
    np.random.seed(32)
    shapes = network_shapes((200, 250, 220, 240), normalized=False)  # 50,000 numbers and more are always about alike
    for weight_scale in (1e-3, 0.5):
        options = {"weight_scale": weight_scale, "dtype": np.float64}
        model = FullyConnectedNet([250, 220], input_dim=200, num_classes=240, **options)
        weights = {name: array for name, array in live_params(model, shapes).items() if name.startswith("W")}
        for name, array in weights.items():
            require_ratio(f"std({name})", np.std(array), weight_scale, 1.25)
            require_ratio(f"the share of {name} below 0", np.mean(array < 0), 0.5, 1.25)
            beyond = np.mean(np.abs(array) > 2 * weight_scale)
            require_ratio(f"the share of {name} beyond 2 weight_scale, if it is normal,", beyond, 0.0455, 3)
        numbers = np.concatenate([np.ravel(array) / weight_scale for array in weights.values()]).round(9)
        repeated = 1 - len(np.unique(numbers)) / numbers.size
        require_within(repeated, 0.03, "W1, W2 and W3 must be drawn independently, but they share numbers")


@check(points=4)
def FullyConnectedNet__scores(FullyConnectedNet: Function) -> None:
    """Without labels, loss returns the scores: one row an example, one column a class, each row by itself."""
    rng = np.random.default_rng(33)
    X, y = rng.normal(size=(6, 5)), rng.integers(4, size=6)
    for normalization in (None, "layernorm"):
        for hidden_dims in ((12,), (11, 9, 10)):
            model, params = random_network(FullyConnectedNet, (5, *hidden_dims, 4), rng, normalization)
            scores = model.loss(X.copy())
            require_shape("the array of scores", scores, (6, 4))
            require_close(
                "the loss of your scores", model.loss(X.copy(), y.copy())[0], softmax_loss(scores, y)[0], 1e-9
            )
            require_close("the array of scores of two rows by themselves", model.loss(X[2:4].copy()), scores[2:4], 1e-8)
            assert np.std(scores, axis=0).max() > 1e-3, "the scores must depend on X, but all rows are equal"
            last = len(hidden_dims) + 1
            model.params[f"W{last}"] = np.zeros_like(params[f"W{last}"])  # as a solver does: another array
            want = np.tile(params[f"b{last}"], (6, 1))
            require_close(
                f"the array of scores when W{last} is 0 (b{last} alone, no ReLU)", model.loss(X.copy()), want, 1e-12
            )


@check(points=5)
def FullyConnectedNet__loss(FullyConnectedNet: Function) -> None:
    """The training loss of all three kinds of network, calculated again on the graph."""
    rng = np.random.default_rng(34)
    X, y = rng.normal(size=(6, 5)), rng.integers(4, size=6)
    for normalization, axis in ((None, None), ("batchnorm", 0), ("layernorm", 1)):
        for hidden_dims in ((7,), (6, 5), (5, 5, 5), (4,) * 10):
            model, params = random_network(FullyConnectedNet, (5, *hidden_dims, 4), rng, normalization)
            last = len(hidden_dims) + 1
            layer = graph.Node(X)
            for i in range(1, last):
                layer = layer @ params[f"W{i}"] + params[f"b{i}"]
                if axis is not None:
                    layer = layer - layer.mean(axis=axis, keepdims=True)
                    layer = layer / graph.sqrt((layer**2).mean(axis=axis, keepdims=True) + 1e-5)
                    layer = layer * params[f"gamma{i}"] + params[f"beta{i}"]
                layer = graph.relu(layer)
            scores = layer @ params[f"W{last}"] + params[f"b{last}"]
            what = f"the loss with normalization={normalization!r} and hidden layers {hidden_dims}"
            require_close(what, model.loss(X.copy(), y.copy())[0], softmax_loss(scores.value, y)[0], 1e-9)
            zeros = np.zeros_like(y)
            require_close(
                f"{what}, all labels 0",
                model.loss(X.copy(), zeros.copy())[0],
                softmax_loss(scores.value, zeros)[0],
                1e-9,
            )
    model, X = FullyConnectedNet([16]), rng.normal(size=(6, 3072))
    scores, loss = model.loss(X.copy()), model.loss(X.copy(), y.copy())[0]
    require_close("the loss, all options left out,", loss, softmax_loss(scores, y)[0], 1e-5)
    found_right("FullyConnectedNet")


@check(points=3)
def FullyConnectedNet__initial_loss(FullyConnectedNet: Function) -> None:
    """A network that knows nothing has the loss ln(C)."""
    np.random.seed(35)
    rng = np.random.default_rng(35)
    X = rng.normal(size=(20, 12))
    for normalization in (None, "batchnorm", "layernorm"):
        for C in (4, 10):
            y = rng.integers(C, size=20)
            options = {"normalization": normalization, "weight_scale": 1e-4, "dtype": np.float64}
            model = FullyConnectedNet([15, 15], input_dim=12, num_classes=C, **options)
            loss, chance = float(model.loss(X.copy(), y.copy())[0]), np.log(C)
            what = f"with {C} classes, tiny weights and normalization={normalization!r}"
            sentence = f"{what} the first loss must be ln({C}) = {chance:.4f}, got {loss:.4f}"
            require_within(abs(loss - chance), 5e-3, sentence)
            b3 = live_params(model, network_shapes((12, 15, 15, C), normalization is not None))["b3"]
            b3[1] = 5.0
            loss, want = float(model.loss(X.copy(), y.copy())[0]), np.log(np.exp(5.0) + C - 1) - 5.0 * np.mean(y == 1)
            require_within(abs(loss - want), 2e-2, f"{what} and b3[1] = 5 the loss must be {want:.4f}, got {loss:.4f}")


@check(points=4)
def FullyConnectedNet__running_statistics(FullyConnectedNet: Function) -> None:
    """After many training batches test mode agrees with training mode, and needs no batch."""
    rng = np.random.default_rng(43)
    X, y = rng.normal(size=(8, 5)), rng.integers(3, size=8)
    kind = "".join(("batch", "norm"))  # made here: to compare it by `is` may fail
    model, _ = random_network(FullyConnectedNet, (5, 6, 6, 6, 3), rng, kind)
    training_loss = float(model.loss(X.copy(), y.copy())[0])
    early = float(softmax_loss(model.loss(X.copy()), y)[0])
    assert abs(early - training_loss) > 1e-3, "after one batch of training, test mode must differ from training mode"
    for _ in range(100):
        model.loss(X.copy(), y.copy())
    scores = model.loss(X.copy())
    require_close("the test-mode loss after 101 equal batches", softmax_loss(scores, y)[0], training_loss, 1e-3)
    require_close("the array of test-mode scores of one row by itself", model.loss(X[:1].copy()), scores[:1], 1e-8)
    require_close("the training loss after a call in test mode", model.loss(X.copy(), y.copy())[0], training_loss, 1e-8)


@check(points=4, hidden=True)
def FullyConnectedNet__few_batches(FullyConnectedNet: Function) -> None:
    """The exact test-mode scores after three different batches."""
    rng = np.random.default_rng(44)
    sizes = (5, 4, 4, 4, 3)
    model, params = random_network(FullyConnectedNet, sizes, rng, "batchnorm")
    p = {name: array.copy() for name, array in params.items()}  # as they are now, whatever becomes of the network's
    memory = {i: (np.zeros(sizes[i]), np.zeros(sizes[i])) for i in (1, 2, 3)}
    unseen = rng.normal(size=(4, 5))
    for N in (6, 9, 5):
        batch, labels = rng.normal(1.0, 2.0, (N, 5)), rng.integers(3, size=N)
        model.loss(batch.copy(), labels)
        model.loss(unseen.copy())  # a look in between must not move the statistics
        for i, (center, spread) in memory.items():
            a = batch @ p[f"W{i}"] + p[f"b{i}"]
            m, v = a.mean(axis=0), a.var(axis=0)
            memory[i] = (0.9 * center + 0.1 * m, 0.9 * spread + 0.1 * v)
            batch = np.maximum(0.0, p[f"gamma{i}"] * (a - m) / np.sqrt(v + 1e-5) + p[f"beta{i}"])
    signal = unseen
    for i, (center, spread) in memory.items():
        shifted = signal @ p[f"W{i}"] + p[f"b{i}"] - center
        signal = np.maximum(0.0, p[f"gamma{i}"] * shifted / np.sqrt(spread + 1e-5) + p[f"beta{i}"])
    expected = signal @ p["W4"] + p["b4"]
    require_close("the array of test-mode scores after three batches", model.loss(unseen.copy()), expected, 1e-7)


@check(points=5, hidden=True)
def FullyConnectedNet__published_losses(FullyConnectedNet: Function) -> None:
    """The published losses of this network."""
    published = {
        "batchnorm": (2.2611955101340957, 6.996533220108303),
        "layernorm": (2.237831004146712, 7.10213782725159),
        None: (2.3004790897684924, 7.052114776533016),
    }
    for kind, losses in published.items():
        stream = np.random.RandomState(231)  # the generator that the published program uses
        X, y = stream.randn(2, 15), stream.randint(10, size=2)
        for reg, expected in zip((0, 3.14), losses, strict=True):
            settings = {"normalization": kind, "reg": reg, "weight_scale": 5e-2, "dtype": np.float64}
            model = FullyConnectedNet([20, 30], input_dim=15, num_classes=10, **settings)
            weights = live_params(model, network_shapes((15, 20, 30, 10), kind is not None))
            for name in (f"W{i}" for i in (1, 2, 3)):
                weights[name][...] = 5e-2 * stream.randn(*weights[name].shape)
            require_close(
                f"the loss, normalization={kind!r}, reg={reg}", model.loss(X.copy(), y.copy())[0], expected, 1e-9
            )
    found_right("FullyConnectedNet, published losses")


@check(points=2, hidden=True)
def FullyConnectedNet__number_range(FullyConnectedNet: Function) -> None:
    """Scores in the thousands, and the same network in float32."""
    rng = np.random.default_rng(47)
    X, y = rng.normal(size=(5, 4)), np.array([0, 1, 2, 0, 1])
    for kind in ("batchnorm", "layernorm"):
        model, exact = random_network(FullyConnectedNet, (4, 6, 3), rng, kind)
        single, rounded = random_network(FullyConnectedNet, (4, 6, 3), rng, kind, np.float32, reg=0.1)
        for name, array in rounded.items():
            array[...] = exact[name]
        penalty = 0.05 * (np.sum(exact["W1"] ** 2) + np.sum(exact["W2"] ** 2))
        require_close(
            "the loss in float32", single.loss(X.copy(), y.copy())[0], model.loss(X.copy(), y.copy())[0] + penalty, 1e-4
        )
        live_params(single, network_shapes((4, 6, 3), normalized=True), np.float32)  # nothing may have become float64
        exact["W2"][...] = 0.0
        exact["b2"][...] = [0.0, 2000.0, -500.0]
        require_close("the loss of scores up to 2000", model.loss(X.copy(), y.copy())[0], 1300.0, 1e-9)
