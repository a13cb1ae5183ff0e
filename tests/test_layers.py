"""The given layers: values by hand or by another formula, gradients by finite differences and by the graph."""

from typing import Any

import numpy as np
import pytest

from normlab.gradcheck import numerical_gradient, relative_error
from normlab.graph import Node, exp, log, vjp
from normlab.layers import (
    affine_backward,
    affine_forward,
    dropout_backward,
    dropout_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
)

RNG = np.random.default_rng(5)


def test_affine_reads_images_as_rows() -> None:
    x, w, b = RNG.standard_normal((6, 2, 3)), RNG.standard_normal((6, 4)), RNG.standard_normal(4)
    out, _ = affine_forward(x, w, b)
    np.testing.assert_allclose(out, [[np.dot(image.ravel(), w[:, j]) + b[j] for j in range(4)] for image in x])


def test_affine_gradients_agree_with_finite_differences() -> None:
    x, w, b = RNG.standard_normal((6, 2, 3)), RNG.standard_normal((6, 4)), RNG.standard_normal(4)
    dout = RNG.standard_normal((6, 4))
    _, cache = affine_forward(x, w, b)
    for array, gradient in zip((x, w, b), affine_backward(dout, cache), strict=True):
        numeric = numerical_gradient(lambda _: affine_forward(x, w, b)[0], array, dout)
        assert relative_error(gradient, numeric) < 1e-7


def test_relu_passes_the_gradient_where_the_input_is_positive() -> None:
    x = np.array([[-1.0, 0.0], [2.0, 3.0]])
    out, cache = relu_forward(x)
    assert out.tolist() == [[0.0, 0.0], [2.0, 3.0]]
    assert relu_backward(np.full((2, 2), 7.0), cache).tolist() == [[0.0, 0.0], [7.0, 7.0]]


def test_dropout_keeps_the_mean_and_the_chosen_share() -> None:
    x = np.full((500, 400), 10.0)
    out, _ = dropout_forward(x, {"p": 0.7, "mode": "train", "seed": 1})
    assert set(np.unique(out)) == {0.0, 10.0 / 0.7}
    assert np.mean(out > 0) == pytest.approx(0.7, abs=0.01)
    assert out.mean() == pytest.approx(10.0, abs=0.1)


def test_dropout_with_a_seed_draws_one_mask() -> None:
    x, param = RNG.standard_normal((5, 4)), {"p": 0.5, "mode": "train", "seed": 3}
    out, cache = dropout_forward(x, param)
    np.testing.assert_array_equal(out, dropout_forward(x, param)[0])
    dout = RNG.standard_normal((5, 4))
    numeric = numerical_gradient(lambda a: dropout_forward(a, param)[0], x, dout)
    np.testing.assert_allclose(dropout_backward(dout, cache), numeric, atol=1e-9)


def test_dropout_does_nothing_at_test_time() -> None:
    x = RNG.standard_normal((5, 4))
    out, cache = dropout_forward(x, {"p": 0.5, "mode": "test"})
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(dropout_backward(x, cache), x)


@pytest.mark.parametrize("param", [{"p": 0, "mode": "train"}, {"p": 1.5, "mode": "train"}, {"p": 0.5, "mode": "eval"}])
def test_dropout_refuses_what_it_does_not_know(param: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"p is the probability to keep|\"train\" or \"test\", got 'eval'"):
        dropout_forward(np.ones(3), param)


@pytest.mark.parametrize("label", [-1, 3, 10])
def test_a_label_of_no_class_is_refused_in_a_sentence(label: int) -> None:
    with pytest.raises(ValueError, match=f"labels must be from 0 to 2 for scores of 3 classes, got {label}"):
        softmax_loss(np.zeros((2, 3)), np.array([0, label]))


def test_the_softmax_loss_agrees_with_the_graph() -> None:
    scores, labels = RNG.standard_normal((6, 4)), np.array([0, 3, 1, 1, 2, 0])
    loss, dx = softmax_loss(scores, labels)

    def on_the_graph(x: Node) -> Node:
        chosen = x[np.arange(6), labels]
        return (log(exp(x).sum(axis=1)) - chosen).mean()

    assert loss == pytest.approx(float(on_the_graph(Node(scores)).value), rel=1e-14)
    np.testing.assert_allclose(dx, vjp(on_the_graph, scores)[0], rtol=1e-12, atol=1e-16)


def test_equal_scores_lose_the_logarithm_of_the_number_of_classes() -> None:
    assert softmax_loss(np.full((3, 10), 5.0), np.array([1, 2, 3]))[0] == pytest.approx(np.log(10))


def test_large_scores_do_not_overflow() -> None:
    loss, dx = softmax_loss(np.array([[1e4, 0.0], [0.0, 1e4]]), np.array([0, 0]))
    assert loss == pytest.approx(5e3)
    assert np.isfinite(dx).all()


@pytest.mark.parametrize("labels", [np.zeros(4, int), np.zeros((5, 1), int)])
def test_labels_of_another_shape_are_named(labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"scores must be \(N, C\) and labels \(N,\), got \(5, 3\) and"):
        softmax_loss(np.zeros((5, 3)), labels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_layer_keeps_the_dtype(dtype: type[np.floating[Any]]) -> None:
    x, w, b = np.ones((5, 3), dtype), np.ones((3, 4), dtype), np.ones(4, dtype)
    out, cache = affine_forward(x, w, b)
    active, mask = relu_forward(out)
    dropped, dropout_cache = dropout_forward(active, {"p": 0.5, "mode": "train", "seed": 0})
    _, dout = softmax_loss(dropped, np.zeros(5, int))
    back = relu_backward(dropout_backward(dout, dropout_cache), mask)
    arrays = (out, active, dropped, dout, back, *affine_backward(back, cache))
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("labels", [np.array([False, True]), np.array([0.0, 1.0])])
def test_labels_that_are_no_integers_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=f"labels must be integers, got {labels.dtype}"):
        softmax_loss(np.zeros((2, 2)), labels)
