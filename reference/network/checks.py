"""The network notebook's test cells, in the order of the notebook.

The oracles are the graph of normlab, central differences of the student's own forward passes, exact properties, and the
published figures (of Stanford's CS231n, assignment 2). None of them is the reference solution.
"""

# ruff: noqa: F401, I001 - what is imported here is what the course reads, in this order

from reference.network.checks_of_layers import (
    affine_bn_relu_forward__training,
    affine_bn_relu_forward__test_mode,
    affine_bn_relu_backward__gradients,
    affine_bn_relu_backward__square,
    affine_ln_relu_forward__values,
    affine_ln_relu_forward__statistics,
    affine_ln_relu_backward__gradients,
    affine_ln_relu_backward__square,
)
from reference.network.checks_of_values import (
    FullyConnectedNet__parameters,
    FullyConnectedNet__weight_scale,
    FullyConnectedNet__initial_loss,
    FullyConnectedNet__scores,
    FullyConnectedNet__loss,
)
from reference.network.checks_of_gradients import (
    FullyConnectedNet__regularization,
    FullyConnectedNet__gradients_plain,
    FullyConnectedNet__gradients_batchnorm,
    FullyConnectedNet__gradients_layernorm,
    FullyConnectedNet__gradients_dropout,
    FullyConnectedNet__dropout,
    FullyConnectedNet__dropout_after_normalization,
)
from reference.network.checks_of_values import (
    FullyConnectedNet__running_statistics,
    FullyConnectedNet__few_batches,
    FullyConnectedNet__published_losses,
)
from reference.network.checks_of_gradients import FullyConnectedNet__published_errors
from reference.network.checks_of_values import FullyConnectedNet__number_range
