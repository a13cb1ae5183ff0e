"""The network assignment: sandwiches of affine, normalization and ReLU, and a fully connected network of any depth."""

from reference.network.solution import (
    FullyConnectedNet,
    affine_bn_relu_backward,
    affine_bn_relu_forward,
    affine_ln_relu_backward,
    affine_ln_relu_forward,
)

__all__ = [
    "FullyConnectedNet",
    "affine_bn_relu_backward",
    "affine_bn_relu_forward",
    "affine_ln_relu_backward",
    "affine_ln_relu_forward",
]
