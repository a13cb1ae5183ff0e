"""The network assignment: published figures, checks that tell wrong from right, and a notebook that adds up."""

from __future__ import annotations

from collections import Counter
from typing import Any

import nbformat
import numpy as np
import pytest

from normlab import graph
from normlab.data import load_digits
from normlab.gradcheck import numerical_gradient, relative_error
from normlab.netcheck import live_params, network_shapes, random_network, require_network_gradients
from normlab.solver import Solver
from reference.course import ROOT, Check, Course, run
from reference.network import FullyConnectedNet, affine_bn_relu_backward, affine_bn_relu_forward

COURSE = Course("network")
CHECKS = COURSE.checks
PUBLISHED = {
    ("batchnorm", 0): 2.2611955101340957,
    ("batchnorm", 3.14): 6.996533220108303,
    ("layernorm", 0): 2.237831004146712,
    ("layernorm", 3.14): 7.10213782725159,
    (None, 0): 2.3004790897684924,
    (None, 3.14): 7.052114776533016,
}
ERRORS = {
    0: {"W1": 1.10e-04, "W2": 2.85e-06, "W3": 4.05e-10, "b3": 1.01e-10}
    | {"beta1": 7.33e-09, "beta2": 1.89e-09, "gamma1": 6.96e-09, "gamma2": 1.96e-09},
    3.14: {"W1": 1.98e-06, "W2": 2.28e-06, "W3": 1.11e-08, "b3": 1.73e-10}
    | {"beta1": 6.65e-09, "beta2": 3.48e-09, "gamma1": 8.80e-09, "gamma2": 5.28e-09},
}


def published_networks(
    normalization: str | None, network: Any = FullyConnectedNet
) -> dict[float, tuple[Any, Any, Any]]:
    """The published program's two networks and their batch, by reg: one seed, the draws in its order."""
    np.random.seed(231)
    X, y = np.random.randn(2, 15), np.random.randint(10, size=(2,))
    options: dict[str, Any] = {"weight_scale": 5e-2, "dtype": np.float64, "normalization": normalization}
    return {reg: (network([20, 30], input_dim=15, num_classes=10, reg=reg, **options), X, y) for reg in (0, 3.14)}


def failures(names: dict[str, Any], checks: dict[str, Check] = CHECKS) -> dict[str, Exception]:
    """What each check says about these functions, where it says anything."""
    found: dict[str, Exception] = {}
    for check in checks.values():
        try:
            check(**{name: names[name] for name in check.needs})
        except Exception as error:
            found[check.name] = error
    return found


def with_layers(**layers: str) -> dict[str, Any]:
    """The reference's functions over wrong normalizations: functions of the cell `layers` by name, as text."""
    namespace: dict[str, Any] = {"__name__": "answer"}
    exec(compile(COURSE.solution, "<answer>", "exec"), namespace)
    for text in layers.values():
        exec(compile(text, "<layers>", "exec"), namespace)
    return namespace


@pytest.mark.parametrize("normalization", [None, "batchnorm", "layernorm"])
def test_the_losses_are_the_published_ones(normalization: str | None) -> None:
    for reg, (model, X, y) in published_networks(normalization).items():
        assert model.loss(X, y)[0] == pytest.approx(PUBLISHED[normalization, reg], rel=1e-12)


def test_the_gradient_errors_have_the_published_order() -> None:
    for reg, (model, X, y) in published_networks("batchnorm").items():
        grads = model.loss(X, y)[1]
        for name, published in ERRORS[reg].items():
            part = slice(4 if name == "W2" else None)  # 120 of its 600 elements are enough

            def loss(_: Any, m: Any = model, batch: tuple[Any, Any] = (X, y)) -> Any:
                return m.loss(*batch)[0]

            want = numerical_gradient(loss, model.params[name][part])
            assert relative_error(want, grads[name][part]) < 3 * published, name
        for name in ("b1", "b2"):
            assert np.abs(grads[name]).max() < 1e-12


def test_the_reference_passes_every_check_and_asks_for_a_hundred_points() -> None:
    names = with_layers()
    assert failures(names) == {}
    cells = nbformat.read(ROOT / "source" / "network" / "network.ipynb", as_version=4).cells
    assert sum(cell["metadata"].get("nbgrader", {}).get("points", 0) for cell in cells) == 100
    predictions = 3 * 2
    assert sum(check.points for check in CHECKS.values() if check.hidden) + predictions <= 30


def test_the_texts_tell_how_many_points_need_a_normalization() -> None:
    def lost(*functions: str) -> set[str]:
        missing = [f"def {name}(*_):\n    raise NotImplementedError" for name in functions]
        return set(failures(run("\n\n".join([COURSE.solution, *missing]))))

    batch = lost("batchnorm_forward", "batchnorm_backward", "batchnorm_backward_alt")
    layer = lost("layernorm_forward", "layernorm_backward")
    points = Counter[tuple[bool, bool, bool]]()
    for name, check in CHECKS.items():
        points[check.target == "FullyConnectedNet", name in batch, name in layer] += int(check.points)
    bare, of_batch, of_layer, of_both = (
        points[True, *needs] for needs in ((False, False), (True, False), (False, True), (True, True))
    )
    net = bare + of_batch + of_layer + of_both
    pages = COURSE.folder / "assignment.md", ROOT / "chapters" / "instructors.md"
    assignment, chapter = (" ".join(page.read_text(encoding="utf-8").split()) for page in pages)
    needed = f"only {bare} need neither; {of_batch} need batch norm, {of_layer} layer norm, and {of_both} both"
    assert f"of the {net} points of part 3 {needed}" in assignment
    assert points[False, False, False] == 0
    layers = sum(points.values()) - net
    gone = f"all {layers} points of the layers and {net - bare} of the {net} points of the network are lost"
    assert f"{gone}; the other {bare} need none of it" in chapter


def test_explanations_are_single_sentences_and_unlike() -> None:
    explanations = [mistake.explanation for mistake in COURSE.mistakes]
    assert all(text.endswith(".") and text.count(". ") == 0 for text in explanations)
    for function in {mistake.function for mistake in COURSE.mistakes}:
        own = [mistake.explanation for mistake in COURSE.mistakes if mistake.function == function]
        assert len(set(own)) == len(own)


@pytest.mark.parametrize("kind", ["blank", "None", "zeros", "ones", "echo"])
def test_an_empty_answer_passes_no_check(kind: str) -> None:
    def answer(*arguments: Any, **_: Any) -> Any:
        if kind == "blank":
            raise NotImplementedError
        first = arguments[0]
        filled = {"None": None, "zeros": np.zeros_like(first), "ones": np.ones_like(first), "echo": first}[kind]
        return filled if kind == "None" else (filled, arguments)

    class Network:
        def __init__(self, hidden_dims: list[int], input_dim: int, num_classes: int, **_: Any) -> None:
            if kind == "blank":
                raise NotImplementedError
            shapes = network_shapes((input_dim, *hidden_dims, num_classes), normalized=False)
            fill = np.ones if kind == "ones" else np.zeros
            self.params = {name: fill(shape) for name, shape in shapes.items()}
            self.classes = num_classes

        def loss(self, X: Any, y: Any = None) -> Any:
            if kind == "None":
                return None
            scores = np.zeros((len(X), self.classes)) if kind != "echo" else X
            return scores if y is None else (float(np.log(self.classes)), self.params)

    names = dict.fromkeys([need for check in CHECKS.values() for need in check.needs], answer)
    assert set(failures(names | {"FullyConnectedNet": Network})) == set(CHECKS)


WRONG_LOSSES = {  # of the batch norm network with a known mistake, where reg is 0 and 3.14
    "normalization_without_effect": (2.3004790897684924, 7.052114776533016),
    "relu_on_the_scores": (2.2861785657847262, 7.003236268442882),
    "last_weights_not_penalized": (2.261196, 5.88483),
    "penalty_without_half": (2.261196, 11.747),
    "gammas_penalized": (2.261196, 85.4965),
}


@pytest.mark.parametrize("name", WRONG_LOSSES)
def test_a_known_mistake_has_the_losses_by_which_it_is_recognized(name: str) -> None:
    mistake = next(mistake for mistake in COURSE.mistakes if mistake.name == name)
    network = mistake.apply(COURSE.solution)["FullyConnectedNet"]
    losses = [model.loss(X, y)[0] for model, X, y in published_networks("batchnorm", network).values()]
    assert losses == pytest.approx(WRONG_LOSSES[name], rel=1e-5)


WRONG_LAYERS: dict[str, tuple[list[tuple[str, str]], tuple[float, float]]] = {  # edits, and losses as above
    "eps outside the root": ([("np.sqrt(var + eps)", "(np.sqrt(var) + eps)")], (2.163143, 6.992502)),
    "no eps": ([("np.sqrt(var + eps)", "np.sqrt(var)")], (2.16307, 6.99246)),
    "another eps": ([('bn_param.get("eps", 1e-5)', 'bn_param.get("eps", 1e-8)')], (2.16307, 6.99246)),
    "whole array": ([("x.mean(axis=0)", "x.mean()"), ("(x_mu**2).mean(axis=0)", "x_mu.var()")], (2.242057, 7.041019)),
}


@pytest.mark.parametrize("wrong", WRONG_LAYERS)
def test_the_published_losses_give_a_wrong_batch_norm_away(wrong: str) -> None:
    edits, expected = WRONG_LAYERS[wrong]
    text = COURSE.function_text("batchnorm_forward")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    names = with_layers(batchnorm=text)
    assert "FullyConnectedNet__published_losses" in failures(names)
    models = published_networks("batchnorm", names["FullyConnectedNet"]).values()
    assert [model.loss(X, y)[0] for model, X, y in models] == pytest.approx(expected, rel=1e-5)


def test_a_wrong_layer_norm_costs_a_network_with_batch_norm_nothing() -> None:
    text = "def layernorm_forward(x, gamma, beta, ln_param):\n    raise NotImplementedError\n"
    failed = set(failures(with_layers(layernorm=text)))
    assert "FullyConnectedNet__gradients_plain" not in failed
    assert "FullyConnectedNet__gradients_batchnorm" not in failed
    assert "FullyConnectedNet__running_statistics" not in failed
    assert not any(name.startswith("affine_bn") for name in failed)
    assert "FullyConnectedNet__gradients_layernorm" in failed


def test_the_layer_agrees_with_the_graph() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(6, 4)), rng.normal(size=(4, 3))
    b, gamma, beta, dout = rng.normal(size=3), rng.normal(size=3), rng.normal(size=3), rng.normal(size=(6, 3))

    def layer(x: Any, w: Any, b: Any, gamma: Any, beta: Any) -> graph.Node:
        centered = x @ w + b
        centered = centered - centered.mean(axis=0)
        return graph.relu(centered / graph.sqrt((centered**2).mean(axis=0) + 1e-5) * gamma + beta)

    out, cache = affine_bn_relu_forward(x, w, b, gamma, beta, {"mode": "train"})
    np.testing.assert_allclose(out, layer(*map(graph.Node, (x, w, b, gamma, beta))).value, atol=1e-12)
    for got, want in zip(
        affine_bn_relu_backward(dout, cache), graph.vjp(layer, x, w, b, gamma, beta, dout=dout), strict=True
    ):
        np.testing.assert_allclose(got, want, atol=1e-12)


def test_unknown_options_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="normalization must be None"):
        FullyConnectedNet([3], normalization="groupnorm")
    with pytest.raises(ValueError, match="probability to keep"):
        FullyConnectedNet([3], dropout=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_leaves_the_dtype_that_was_asked_for(dtype: type) -> None:
    model = FullyConnectedNet([5, 4], input_dim=6, num_classes=3, normalization="batchnorm", dtype=dtype, dropout=0.5)
    X, y = np.random.default_rng(0).normal(size=(7, 6)), np.arange(7) % 3
    grads = model.loss(X, y)[1]
    assert {grad.dtype for grad in grads.values()} == {np.dtype(dtype)}
    scores = model.loss(X)
    assert isinstance(scores, np.ndarray)
    assert scores.dtype == dtype


def test_batch_norm_learns_where_a_deep_plain_network_does_not() -> None:
    digits = load_digits()
    accuracy: dict[str | None, float] = {}
    for normalization in (None, "batchnorm"):
        np.random.seed(0)
        model = FullyConnectedNet([20] * 6, input_dim=64, normalization=normalization, weight_scale=0.05)
        data = {name: values[:400] for name, values in digits.items()}
        solver = Solver(model, data, "adam", learning_rate=1e-2, num_epochs=8, batch_size=50, progress=False)
        solver.train()
        accuracy[normalization] = solver.val_acc_history[-1]
    assert accuracy[None] < 0.5 < 0.7 < accuracy["batchnorm"]


def test_a_gradient_that_is_missing_or_misshapen_is_named() -> None:
    rng = np.random.default_rng(0)
    model, params = random_network(FullyConnectedNet, (4, 3, 2), rng, "layernorm")
    X, y = rng.normal(size=(5, 4)), rng.integers(2, size=5)
    honest = model.loss

    def without_gamma(X: Any, y: Any) -> Any:
        loss, grads = honest(X, y)
        return loss, {name: grad for name, grad in grads.items() if name != "gamma1"}

    def two_dimensional(X: Any, y: Any) -> Any:
        loss, grads = honest(X, y)
        return loss, grads | {"beta1": grads["beta1"][None]}

    for loss, sentence in ((without_gamma, "grads must hold the gradient of gamma1"), (two_dimensional, "shape")):
        model.loss = loss
        with pytest.raises(AssertionError, match=sentence):
            require_network_gradients(model, params, X, y)


def test_parameters_that_are_no_dictionary_of_arrays_are_named() -> None:
    class Odd:
        params: Any = None

    odd, shapes = Odd(), network_shapes((2, 3), normalized=False)
    with pytest.raises(AssertionError, match="must be a dictionary of arrays, got NoneType"):
        live_params(odd, shapes)
    odd.params = {"W1": np.zeros((2, 3))}
    with pytest.raises(AssertionError, match="lacks b1"):
        live_params(odd, shapes)
    odd.params = {"W1": np.zeros((2, 3)), "b1": [0, 0, 0]}
    with pytest.raises(AssertionError, match="must be a numpy array, got list"):
        live_params(odd, shapes)
    odd.params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "gamma1": np.ones(3)}
    with pytest.raises(AssertionError, match="holds gamma1, which this network does not have"):
        live_params(odd, shapes)
