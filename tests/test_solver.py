"""Training: it learns, it repeats itself, each rule makes the steps of its paper, and errors name the parameter."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from normlab.data import load_digits
from normlab.layers import affine_backward, affine_forward, softmax_loss
from normlab.solver import Solver

Arrays = dict[str, np.ndarray]


class Linear:
    """One affine layer and the softmax loss."""

    def __init__(self, dtype: type = np.float64) -> None:
        rng = np.random.default_rng(0)
        self.params: Arrays = {"W": (0.01 * rng.standard_normal((64, 10))).astype(dtype), "b": np.zeros(10, dtype)}
        self.edit: Callable[[Arrays], Any] = lambda grads: grads

    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
        scores, cache = affine_forward(X, self.params["W"], self.params["b"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        _, dw, db = affine_backward(dscores, cache)
        return loss, self.edit({"W": dw, "b": db})


class Bowl:
    """loss = sum(w^2) / 2 whatever the batch: the gradient is w, so that steps can be written by hand."""

    def __init__(self) -> None:
        self.params: Arrays = {"w": np.array([1.0, -2.0])}

    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
        return np.zeros((len(X), 2)) if y is None else (0.5 * float(np.sum(self.params["w"] ** 2)), dict(self.params))


@pytest.fixture(scope="module")
def digits() -> Arrays:
    return load_digits()


def tiny(num: int = 4) -> Arrays:
    return {
        "X_train": np.zeros((num, 1)),
        "y_train": np.zeros(num, int),
        "X_val": np.zeros((2, 1)),
        "y_val": np.zeros(2, int),
    }


@pytest.mark.parametrize(("rule", "rate"), [("sgd", 0.1), ("momentum", 0.02), ("adam", 0.01)])
def test_every_rule_learns_the_digits(digits: Arrays, rule: str, rate: float) -> None:
    solver = Solver(Linear(), digits, rule, rate, num_epochs=8, progress=False)
    solver.train()
    assert solver.val_acc_history[0] < 0.3
    assert solver.val_acc_history[-1] > 0.85
    assert len(solver.loss_history) == 8 * 10
    assert len(solver.train_acc_history) == len(solver.val_acc_history) == 9


@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam"])
def test_steps_are_those_of_the_formula(rule: str) -> None:
    model = Bowl()
    Solver(model, tiny(3), rule, learning_rate=0.1, num_epochs=1, batch_size=1, progress=False).train()
    w, v, m, s = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2), np.zeros(2)
    for t in (1, 2, 3):
        g = w.copy()
        if rule == "sgd":
            w = w - 0.1 * g
        elif rule == "momentum":
            v = 0.9 * v - 0.1 * g
            w = w + v
        else:
            m, s = 0.9 * m + (1 - 0.9) * g, 0.999 * s + (1 - 0.999) * g * g
            w = w - 0.1 * (m / (1 - 0.9**t)) / ((s / (1 - 0.999**t)) ** 0.5 + 1e-8)
    np.testing.assert_allclose(model.params["w"], w, rtol=1e-12)


def test_the_first_step_of_adam_is_the_learning_rate() -> None:
    model = Bowl()
    Solver(model, tiny(1), "adam", learning_rate=0.1, num_epochs=1, batch_size=1, progress=False).train()
    np.testing.assert_allclose(model.params["w"], [0.9, -1.9], atol=1e-6)


def test_a_run_depends_on_its_seed_alone(digits: Arrays) -> None:
    def run(seed: int, global_seed: int) -> list[float]:
        np.random.seed(global_seed)
        solver = Solver(Linear(), digits, learning_rate=0.1, num_epochs=2, seed=seed, progress=False)
        solver.train()
        return solver.loss_history

    assert run(0, 1) == run(0, 2)
    assert run(0, 1) != run(3, 1)


def test_a_run_leaves_the_global_generator_alone(digits: Arrays) -> None:
    np.random.seed(8)
    expected = np.random.rand()
    np.random.seed(8)
    Solver(Linear(), digits, num_epochs=1, progress=False).train()
    assert np.random.rand() == expected


def test_an_epoch_visits_each_example_once_and_skips_the_rest() -> None:
    data = tiny(7) | {"X_train": np.arange(7.0)[:, None]}
    seen: list[np.ndarray] = []

    class Watched(Bowl):
        def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
            if y is not None:
                seen.append(X.ravel())
            return super().loss(X, y)

    Solver(Watched(), data, num_epochs=3, batch_size=3, progress=False).train()
    assert [len(batch) for batch in seen] == [3] * 6
    epochs = [np.concatenate(seen[i : i + 2]) for i in (0, 2, 4)]
    assert all(len(set(epoch)) == 6 for epoch in epochs)
    assert not np.array_equal(epochs[0], epochs[1])


def test_training_twice_goes_on(digits: Arrays) -> None:
    once = Solver(Linear(), digits, "adam", 0.01, num_epochs=4, progress=False)
    once.train()
    twice = Solver(Linear(), digits, "adam", 0.01, num_epochs=2, progress=False)
    twice.train()
    twice.train()
    assert twice.loss_history == once.loss_history
    assert twice.val_acc_history == once.val_acc_history


def test_parameters_keep_their_dtype(digits: Arrays) -> None:
    for rule in ("sgd", "momentum", "adam"):
        model = Linear(np.float32)
        Solver(model, digits, rule, num_epochs=1, progress=False).train()
        assert {w.dtype for w in model.params.values()} == {np.dtype(np.float32)}


def test_the_bar_goes_to_standard_output(digits: Arrays, capsys: pytest.CaptureFixture[str]) -> None:
    Solver(Linear(), digits, num_epochs=1).train()
    shown = capsys.readouterr()
    assert "10/10" in shown.out
    assert "loss=" in shown.out
    assert shown.err == ""


def test_no_bar_is_no_output(digits: Arrays, capsys: pytest.CaptureFixture[str]) -> None:
    Solver(Linear(), digits, num_epochs=1, progress=False).train()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda g: {"W": g["W"]}, "grads has no 'b'"),
        (lambda g: g | {"W": g["W"].T}, r"gradient of W must have shape \(64, 10\), got \(10, 64\)"),
        (
            lambda g: list(g.values()),
            r"must return \(loss, grads\) with grads a dictionary, got a tuple of float, list",
        ),
    ],
)
def test_a_wrong_gradient_is_named(digits: Arrays, edit: Callable[[Arrays], Any], words: str) -> None:
    model = Linear()
    model.edit = edit
    before = {name: w.copy() for name, w in model.params.items()}
    solver = Solver(model, digits, progress=False)
    with pytest.raises(ValueError, match=words):
        solver.train()
    for name, w in before.items():
        np.testing.assert_array_equal(model.params[name], w)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"update_rule": "rmsprop"}, "one of sgd, momentum, adam, got 'rmsprop'"),
        ({"batch_size": 5}, r"in 1\.\.4 \(the training set\), got 5"),
        ({"batch_size": 0}, r"in 1\.\.4"),
        ({"data": {"X_train": np.zeros((4, 1)), "y_train": np.zeros(4)}}, "missing: X_val, y_val"),
        ({"data": tiny() | {"y_val": np.zeros((4, 1))}}, r"y_val must have shape \(N,\), got \(4, 1\)"),
        ({"data": tiny() | {"y_train": np.zeros(3)}}, "X_train and y_train must have one length, got 4 and 3"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], words: str) -> None:
    right: dict[str, Any] = {"model": Bowl(), "data": tiny(), "batch_size": 2}
    with pytest.raises(ValueError, match=words):
        Solver(**(right | arguments))
