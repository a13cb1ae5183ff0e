"""Known mistakes in group normalization, as edits of the solution; each sentence says what is wrong, not the cure."""

from __future__ import annotations

from reference.course import Mistake

DX = "dx_hat - dx_hat.mean(axis=2, keepdims=True) - normal * along"

MISTAKES = (
    Mistake(
        "forward_no_groups",
        "groupnorm_forward",
        (("parts = x.reshape(N, groups, D // groups)", "parts = x.reshape(N, 1, D)"),),
        "Your output normalizes each row as a whole: its groups are not told apart.",
    ),
    Mistake(
        "forward_eps_outside_the_root",
        "groupnorm_forward",
        (("mean(axis=2, keepdims=True) + eps)", "mean(axis=2, keepdims=True)) + eps"),),
        "Your output equals group norm with eps outside the square root.",
        {"groupnorm_backward": "the reference's backward pass is not the derivative of this forward pass"},
    ),
    Mistake(
        "backward_mean_path_missing",
        "groupnorm_backward",
        ((DX, "dx_hat - normal * along"),),
        "In your dx nothing comes back through the mean.",
    ),
    Mistake(
        "backward_dgamma_over_features",
        "groupnorm_backward",
        (("dgamma = (dout * x_hat).sum(axis=0)", "dgamma = (dout * x_hat).sum(axis=1)"),),
        "Your dgamma is summed over the features of each example.",
    ),
)
