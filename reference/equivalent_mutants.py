"""Mutants that no check can kill because they are right: each by its name, with the reason.

``python -m reference.mutants`` prints the names of those that survive. A name that no mutant has, and one that a check
kills, are errors there.
"""

EQUIVALENT: dict[str, dict[str, str]] = {
    "batchnorm": {
        'batchnorm_backward: dgamma = np.einsum("ij,ij->j", dout, x_hat) -> '
        'dgamma = np.einsum("ij,ij->j", x_hat, dout)': "a product of two numbers is the same in either order",
        'batchnorm_backward: dstd = -np.einsum("ij,ij->j", dx_hat, x_hat) / std -> '
        'dstd = -np.einsum("ij,ij->j", x_hat, dx_hat) / std': "a product of two numbers is the same in either order",
        'batchnorm_backward_alt: dgamma = np.einsum("ij,ij->j", dout, x_hat) -> '
        'dgamma = np.einsum("ij,ij->j", x_hat, dout)': "a product of two numbers is the same in either order",
    },
    "network": {
        "FullyConnectedNet: hidden, cache = layers[self.normalization](hidden, w, b, gamma, beta, "
        "self.bn_params[i - 1]) -> hidden, cache = layers[self.normalization](hidden, w, b, gamma, beta, "
        "self.bn_params[i - 2])": "each layer still has a dictionary of its own: the list is used in a rotated order",
    },
}
