"""The notebooks' experiments, run with the reference: each is quick, and shows what its prediction is keyed to."""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from reference.course import ASSIGNMENTS, ROOT

SECONDS = 5.0
MARGIN = 0.1  # of accuracy: 30 of the 297 validation digits


@dataclass
class Ran:
    """A notebook's given and solution cells, run: their names, what experiments took, and the curves that they drew."""

    names: dict[str, Any]
    seconds: dict[str, float] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    curves: dict[str, dict[str, list[float]]] = field(default_factory=dict)


@cache
def ran(name: str, seed: int = 0) -> Ran:
    """All cells but the tests, once; with another seed in the place of 0, where experiments set it."""
    found = Ran({"__name__": "notebook"})
    cells = json.loads((ROOT / "source" / name / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    mpl.use("Agg")
    for cell in cells:
        text = "".join(cell["source"]).replace("np.random.seed(0)", f"np.random.seed({seed})")
        if cell["cell_type"] != "code" or cell["metadata"].get("nbgrader", {}).get("grade"):
            continue
        printed = io.StringIO()
        start = time.process_time()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, f"<{cell['id']}>", "exec"), found.names)
        for experiment in re.findall(r"^(show_\w+)\(\)$", text, re.MULTILINE):
            found.seconds[experiment] = time.process_time() - start
            found.printed[experiment] = printed.getvalue()
        if "def show_accuracies" in text:
            draw = found.names["show_accuracies"]

            def drawn(title: str, xlabel: str, values: Any, curves: Any, log: bool = False, draw: Any = draw) -> None:
                found.curves[title] = {label: [float(each) for each in curve] for label, curve in curves.items()}
                draw(title, xlabel, values, curves, log)

            found.names["show_accuracies"] = drawn
    found.names["plt"].close("all")
    return found


def keyed(name: str) -> dict[str, str]:
    """The answer to each prediction of an assignment."""
    text = (ROOT / "reference" / name / "assignment.md").read_text(encoding="utf-8")
    return dict(re.findall(r"\{prediction\} (prediction__\w+)\n(?:.*\n)*?:answer: (\w)", text))


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_every_experiment_takes_less_than_five_seconds(name: str) -> None:
    found = ran(name)
    assert len(found.seconds) >= 3
    assert {experiment: took for experiment, took in found.seconds.items() if took > SECONDS} == {}


def test_each_prediction_is_asked_about_below() -> None:
    names = {
        "batchnorm": {"prediction__batch_of_one": "b", "prediction__warming_up": "c", "prediction__ten_times": "a"},
        "layernorm": {
            "prediction__batch_of_one": "a",
            "prediction__brighter": "c",
            "prediction__bias_in_front": "b",
            "prediction__company": "c",
        },
        "network": {"prediction__depth": "b", "prediction__weight_scale": "a", "prediction__batch_size": "b"},
    }
    assert {name: keyed(name) for name in ASSIGNMENTS} == names


def test_a_batch_of_one_becomes_beta() -> None:
    """batchnorm: prediction__batch_of_one, b."""
    forward = ran("batchnorm").names["batchnorm_forward"]
    beta = np.array([5.0, 6.0])
    out, _ = forward(np.array([[3.0, -400.0]]), np.array([2.0, 3.0]), beta, {"mode": "train"})
    np.testing.assert_array_equal(out, [beta])


def test_the_running_mean_is_warm_after_44_batches() -> None:
    """batchnorm: prediction__warming_up, c; the other choices are 10 and 20."""
    forward, settings = ran("batchnorm").names["batchnorm_forward"], {"mode": "train", "momentum": 0.9}
    count = 0
    while count == 0 or settings["running_mean"][0] < 0.99:  # type: ignore[index]
        forward(np.array([[0.0], [2.0]]), np.ones(1), np.zeros(1), settings)
        count += 1
    assert count == 44


def test_ten_times_x_makes_a_tenth_of_dx() -> None:
    """batchnorm: prediction__ten_times, a."""
    names, rng = ran("batchnorm").names, np.random.default_rng(0)
    x, dout = rng.normal(size=(8, 3)), rng.normal(size=(8, 3))
    for backward in (names["batchnorm_backward"], names["batchnorm_backward_alt"]):
        caches = [
            names["batchnorm_forward"](factor * x, np.ones(3), np.zeros(3), {"mode": "train", "eps": 1e-12})[1]
            for factor in (1, 10)
        ]
        small, large = (backward(dout, cache)[0] for cache in caches)
        np.testing.assert_allclose(10 * large, small, rtol=1e-8)


def test_a_row_by_itself_and_a_brighter_one_come_out_the_same() -> None:
    """layernorm: prediction__batch_of_one, a, and prediction__brighter, c."""
    forward, rng = ran("layernorm").names["layernorm_forward"], np.random.default_rng(0)
    x, gamma, beta = rng.normal(size=(4, 6)), rng.normal(size=6), rng.normal(size=6)
    out, _ = forward(x, gamma, beta, {"eps": 1e-14})
    np.testing.assert_allclose(forward(x[:1], gamma, beta, {"eps": 1e-14})[0], out[:1], rtol=1e-12)
    np.testing.assert_allclose(forward(10 * x + 100, gamma, beta, {"eps": 1e-14})[0], out, rtol=1e-10)


def test_a_bias_in_front_of_layer_norm_has_gradients_whose_sum_alone_is_0() -> None:
    """layernorm: prediction__bias_in_front, b; read from what the experiment prints."""
    printed = ran("layernorm").printed["show_bias"]
    inside, total = re.findall(r"\[(.*?)\].*sum: (\S+)", printed)[0]
    assert min(abs(float(each)) for each in inside.split()) > 0.01
    assert abs(float(total)) < 1e-12


def test_company_changes_batch_norm_as_one_over_the_root_and_layer_norm_never() -> None:
    """layernorm: prediction__company, c; measured as the experiment measures."""
    forward, rng = ran("layernorm").names["layernorm_forward"], np.random.default_rng(0)
    example, spreads = rng.normal(size=20), {}
    for size in (16, 64):
        batches = rng.normal(size=(400, size, 20))
        batches[:, 0] = example
        ones, zeros = np.ones(size), np.zeros(size)
        by_batch = [forward(batch.T, ones, zeros, {})[0][:, 0] for batch in batches]
        by_layer = [forward(batch, np.ones(20), np.zeros(20), {})[0][0] for batch in batches]
        spreads[size] = np.std(by_batch, axis=0).mean(), np.std(by_layer, axis=0).max()
    assert spreads[16][0] / spreads[64][0] == pytest.approx(2.0, abs=0.3)
    assert spreads[16][1] < 1e-12
    assert spreads[64][1] < 1e-12


@pytest.mark.parametrize("seed", [0, 1])
def test_depth_stops_the_plain_network_and_not_the_one_with_batch_norm(seed: int) -> None:
    """network: prediction__depth, b; and what the text says about layer norm."""
    curves = ran("network", seed).curves["Depth"]
    assert curves["none"][-1] < 0.5 - MARGIN
    assert curves["batch norm"][-1] > 0.5 + MARGIN
    assert min(curve[0] for curve in curves.values()) > 0.5 + MARGIN
    assert curves["layer norm"][-1] < 0.1 + MARGIN / 2


@pytest.mark.parametrize("seed", [0, 1])
def test_a_plain_network_learns_at_few_scales_and_batch_norm_at_all(seed: int) -> None:
    """network: prediction__weight_scale, a: fewer than half, and all 20."""
    curves = ran("network", seed).curves["Scale of the starting weights"]
    assert len(curves["none"]) == 20
    assert sum(accuracy > 0.4 - MARGIN / 2 for accuracy in curves["none"]) < 10
    assert min(curves["batch norm"]) > 0.4 + MARGIN / 2


@pytest.mark.parametrize("seed", [0, 1])
def test_a_batch_of_two_hurts_batch_norm_alone(seed: int) -> None:
    """network: prediction__batch_size, b."""
    curves = ran("network", seed).curves["Size of the batch"]
    worse = {label: curve[-1] - curve[0] for label, curve in curves.items()}
    assert worse["batch norm"] > 0.2 + MARGIN
    assert max(worse["none"], worse["layer norm"]) < 0.2


def test_layer_norm_leaves_what_examples_have_in_common() -> None:
    """What the network notebook says below the first experiment: examples become parallel, and not with batch norm."""
    names = ran("network").names
    likeness = {}
    for kind, layer in (("batchnorm", "affine_bn_relu_forward"), ("layernorm", "affine_ln_relu_forward")):
        np.random.seed(0)
        model = names["FullyConnectedNet"]([16] * 6, input_dim=64, normalization=kind, weight_scale=0.05)
        hidden, found = names["few_digits"]["X_train"], []
        for i in range(1, 7):
            given = (model.params[f"{name}{i}"] for name in ("W", "b", "gamma", "beta"))
            hidden, _ = names[layer](hidden, *given, {"mode": "train"})
            directions = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
            found.append(float(np.mean(directions @ directions.T)))
        likeness[kind] = found
    assert likeness["layernorm"][-1] > 0.8 > likeness["layernorm"][0] + 0.05
    assert max(likeness["batchnorm"]) < 0.5


@pytest.mark.skipif(platform.machine() != "x86_64", reason="OpenBLAS knows these kernels on x86-64 alone")
@pytest.mark.parametrize("kernel", ["NEHALEM", "HASWELL"])
def test_other_processors_show_the_same(kernel: str) -> None:
    """Sums differ in their last digits between processors, and what is trained with them in its first."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not processors", __file__]
    env = os.environ | {"OPENBLAS_CORETYPE": kernel}
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
