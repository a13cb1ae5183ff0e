"""The network notebook's test cells, in the order of the notebook.

The oracles are the graph of normlab, central differences of the student's own forward passes, exact properties, and the
published figures. None of them is the reference solution.
"""

from reference.network.checks_of_gradients import (
    FullyConnectedNet__dropout,
    FullyConnectedNet__dropout_after_normalization,
    FullyConnectedNet__gradients_batchnorm,
    FullyConnectedNet__gradients_dropout,
    FullyConnectedNet__gradients_layernorm,
    FullyConnectedNet__gradients_plain,
    FullyConnectedNet__published_errors,
    FullyConnectedNet__regularization,
)
from reference.network.checks_of_layers import (
    affine_bn_relu_backward__gradients,
    affine_bn_relu_backward__square,
    affine_bn_relu_forward__test_mode,
    affine_bn_relu_forward__training,
    affine_ln_relu_backward__gradients,
    affine_ln_relu_backward__square,
    affine_ln_relu_forward__statistics,
    affine_ln_relu_forward__values,
)
from reference.network.checks_of_values import (
    FullyConnectedNet__few_batches,
    FullyConnectedNet__initial_loss,
    FullyConnectedNet__loss,
    FullyConnectedNet__number_range,
    FullyConnectedNet__parameters,
    FullyConnectedNet__published_losses,
    FullyConnectedNet__running_statistics,
    FullyConnectedNet__scores,
    FullyConnectedNet__weight_scale,
)

__all__ = [
    "FullyConnectedNet__dropout",
    "FullyConnectedNet__dropout_after_normalization",
    "FullyConnectedNet__few_batches",
    "FullyConnectedNet__gradients_batchnorm",
    "FullyConnectedNet__gradients_dropout",
    "FullyConnectedNet__gradients_layernorm",
    "FullyConnectedNet__gradients_plain",
    "FullyConnectedNet__initial_loss",
    "FullyConnectedNet__loss",
    "FullyConnectedNet__number_range",
    "FullyConnectedNet__parameters",
    "FullyConnectedNet__published_errors",
    "FullyConnectedNet__published_losses",
    "FullyConnectedNet__regularization",
    "FullyConnectedNet__running_statistics",
    "FullyConnectedNet__scores",
    "FullyConnectedNet__weight_scale",
    "affine_bn_relu_backward__gradients",
    "affine_bn_relu_backward__square",
    "affine_bn_relu_forward__test_mode",
    "affine_bn_relu_forward__training",
    "affine_ln_relu_backward__gradients",
    "affine_ln_relu_backward__square",
    "affine_ln_relu_forward__statistics",
    "affine_ln_relu_forward__values",
]
