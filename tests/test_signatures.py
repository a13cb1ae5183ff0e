"""What students write has the parameters, in this order and with these defaults, that courses and programs rely on."""

import inspect
from typing import Any

import numpy as np
import pytest

import reference.batchnorm
import reference.layernorm
import reference.network

NORM = {"x": ..., "gamma": ..., "beta": ...}
LAYER = dict.fromkeys(("x", "w", "b", "gamma", "beta", "param"), ...)
BACKWARD = {"dout": ..., "cache": ...}
NETWORK = {
    "hidden_dims": ...,
    "input_dim": 3 * 32 * 32,
    "num_classes": 10,
    "dropout": 1,
    "normalization": None,
    "reg": 0.0,
    "weight_scale": 1e-2,
    "dtype": np.float32,
    "seed": None,
}
SIGNATURES: dict[Any, dict[str, Any]] = {
    reference.batchnorm.batchnorm_forward: {**NORM, "bn_param": ...},
    reference.batchnorm.batchnorm_backward: BACKWARD,
    reference.batchnorm.batchnorm_backward_alt: BACKWARD,
    reference.layernorm.layernorm_forward: {**NORM, "ln_param": ...},
    reference.layernorm.layernorm_backward: BACKWARD,
    reference.network.affine_bn_relu_forward: LAYER,
    reference.network.affine_bn_relu_backward: BACKWARD,
    reference.network.affine_ln_relu_forward: LAYER,
    reference.network.affine_ln_relu_backward: BACKWARD,
    reference.network.FullyConnectedNet: NETWORK,
    reference.network.FullyConnectedNet.loss: {"self": ..., "X": ..., "y": None},
}


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__qualname__)
def test_a_function_takes_what_is_promised(function: Any) -> None:
    empty = inspect.Parameter.empty
    found = {
        name: ... if parameter.default is empty else parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
    }
    assert list(found.items()) == list(SIGNATURES[function].items())
