"""Mistakes in the four functions that put affine, normalization and ReLU together."""

from collections.abc import Iterator

from reference.course import Mistake

__all__ = ["LAYERS"]

BUILDS_ON = "the network computes its hidden layers with this function"
OTHER_FUNCTION = "the reference's backward pass belongs to another function; one that fits keeps its points"
NOTHING_NORMALIZED = "a layer without normalization has no backward pass but those that are given"


def _forward(kind: str, norm: str) -> Iterator[Mistake]:
    """``kind`` is "bn" or "ln"; ``norm`` the normalization's name in a sentence."""
    function = f"affine_{kind}_relu_forward"
    network = {"FullyConnectedNet": BUILDS_ON}
    both = network | {f"affine_{kind}_relu_backward": OTHER_FUNCTION}
    affine = "a, affine_cache = affine_forward(x, w, b)"
    call = f"{'batch' if kind == 'bn' else 'layer'}norm_forward"
    normalize = f"normalized, {kind}_cache = {call}(a, gamma, beta, param)"
    relu = "out, relu_cache = relu_forward(normalized)"

    def made(name: str, explanation: str, costs: dict[str, str], *edits: tuple[str, str]) -> Mistake:
        return Mistake(f"{kind}_layer_{name}", function, edits, explanation, costs)

    yield made(
        "without_relu", "Negative values pass through your layer.", both, (relu, "out = relu_cache = normalized")
    )
    yield made(
        "relu_before_normalization",
        f"Your layer applies its three parts in another order: the ReLU comes before {norm}.",
        both,
        (normalize, f"a, relu_cache = relu_forward(a)\n    {normalize}"),
        (relu, "out = normalized"),
    )
    yield made(
        "gamma_and_beta_exchanged",
        "Your layer scales by the parameter that should shift, and shifts by the one that should scale.",
        both,
        ("gamma, beta, param)\n", "beta, gamma, param)\n"),
    )
    yield made(
        "gamma_forgotten",
        "One of the layer's five parameters has no influence on your output: gamma.",
        both,
        ("_forward(a, gamma,", "_forward(a, 1 + 0 * gamma,"),
    )
    yield made(
        "beta_forgotten",
        "One of the layer's five parameters has no influence on your output: beta.",
        both,
        (f"beta, param)\n    {relu}", f"0 * beta, param)\n    {relu}"),
    )
    yield made(
        "leaky_relu",
        "Your nonlinearity lets a small part of each negative value through.",
        both,
        (relu, f"{relu}\n    out = out + 0.01 * np.minimum(normalized, 0)"),
    )
    yield made(
        "without_normalization_call",
        f"Your output is that of a layer without {norm}.",
        network | {f"affine_{kind}_relu_backward": NOTHING_NORMALIZED},
        (normalize, f"normalized, {kind}_cache = gamma * a + beta, None"),
    )
    yield made(
        "normalized_again",
        f"Your layer applies {norm} twice.",
        both,
        (
            relu,
            f"normalized = {call}(normalized, gamma, beta, dict(param))[0]\n    {relu}",
        ),
    )
    yield made(
        "x_overwritten",
        "Your layer writes into the x that it was given.",
        both if kind == "ln" else network,
        (affine, f"x -= x.mean(axis=0)\n    {affine}"),
    )
    if kind == "bn":
        yield made(
            "bias_forgotten",
            "Your layer ignores its bias b: in training its output is the same, and its running mean is not.",
            network,
            (affine, affine.replace(", b)", ", 0 * b)")),
        )
        yield made(
            "parameters_copied",
            "Your layer gives batch norm a copy of param, so that the caller's dictionary learns nothing.",
            network,
            (f"beta, param)\n    {relu}", f"beta, dict(param))\n    {relu}"),
        )
        yield made(
            "always_training",
            "Your layer normalizes with the batch's own statistics in test mode too.",
            network,
            (normalize, f'param["mode"] = "train"\n    {normalize}'),
        )
        yield made(
            "eps_and_momentum_dropped",
            "Your layer hands on the mode alone and drops the other settings of param.",
            {},
            (
                normalize,
                "settings, given = param, param\n"
                f'    param = {{key: given[key] for key in given if key not in ("eps", "momentum")}}\n'
                f"    {normalize}\n    settings |= param",
            ),
        )
        yield made(
            "rows_in_place_of_columns",
            "Your layer normalizes each example by itself, as another normalization does.",
            both,
            (
                normalize,
                "normalized, bn_cache = layernorm_forward(a, gamma, beta, param)",
            ),
        )
    else:
        yield made(
            "bias_forgotten", "Your layer ignores its bias b.", both, (affine, affine.replace(", b)", ", 0 * b)"))
        )
        yield made(
            "eps_dropped",
            "Your layer hands on no settings: the eps that it was given has no effect.",
            {},
            (f"beta, param)\n    {relu}", f"beta, {{}})\n    {relu}"),
        )
        yield made(
            "settings_filled",
            "Your layer writes keys into param that layer norm does not have.",
            {},
            (affine, f'{affine}\n    param["mode"] = "train"'),
        )
        yield made(
            "columns_in_place_of_rows",
            "Your layer normalizes over the batch, as another normalization does.",
            both,
            (
                normalize,
                'normalized, ln_cache = batchnorm_forward(a, gamma, beta, {"mode": "train", **param})',
            ),
        )


def _backward(kind: str, norm: str) -> Iterator[Mistake]:
    function, network = f"affine_{kind}_relu_backward", {"FullyConnectedNet": BUILDS_ON}
    relu = "dnormalized = relu_backward(dout, relu_cache)"
    normalize = f"da, dgamma, dbeta = {'batch' if kind == 'bn' else 'layer'}norm_backward(dnormalized, {kind}_cache)"
    affine = "dx, dw, db = affine_backward(da, affine_cache)"

    def made(name: str, explanation: str, *edits: tuple[str, str], costs: dict[str, str] = network) -> Mistake:
        return Mistake(f"{kind}_layer_backward_{name}", function, edits, explanation, costs)

    yield made("without_relu", "Your way back skips the ReLU.", (relu, "dnormalized = dout"))
    yield made(
        "relu_inverted",
        "Your way back lets the gradient pass where the ReLU was closed.",
        (relu, "dnormalized = dout * (relu_cache < 0)"),
    )
    yield made(
        "relu_of_the_affine_output",
        "Your way back looks at x w, without bias and normalization, to tell which ReLUs were open.",
        (relu, "dnormalized = relu_backward(dout, affine_cache[0] @ affine_cache[1])"),
    )
    yield made(
        "relu_by_the_gradient",
        "Your way back tells by the sign of the gradient which ReLUs were open.",
        (relu, "dnormalized = np.maximum(dout, 0)"),
    )
    yield made(
        "normalization_skipped",
        f"Your way back goes around {norm}: its gradient in x is missing.",
        (affine, affine.replace("(da,", "(dnormalized,")),
    )
    yield made(
        "gamma_and_beta_exchanged",
        "dgamma and dbeta stand in each other's place.",
        ("da, dgamma, dbeta", "da, dbeta, dgamma"),
    )
    yield made(
        "bias_and_gamma_exchanged",
        "Two of your five gradients stand in each other's place: db and dgamma.",
        ("return dx, dw, db, dgamma", "return dx, dw, dgamma, db"),
    )
    yield made(
        "bias_before_normalization",
        f"Your db is summed before {norm} had its say.",
        (affine, f"{affine}\n    db = dnormalized.sum(axis=0)"),
    )
    yield made(
        "row_vectors",
        "Your dgamma and dbeta have a dimension too many: they must have the shape of gamma and beta.",
        (normalize, f"{normalize}\n    dgamma, dbeta = dgamma[None], dbeta[None]"),
    )
    yield made(
        "averaged_over_the_batch",
        "Your dw, db, dgamma and dbeta are divided by the number of examples once too often.",
        (affine, f"{affine}\n    dw, db, dgamma, dbeta = (d / len(dout) for d in (dw, db, dgamma, dbeta))"),
    )
    yield made("negative_dx", "Your dx has the wrong sign.", (affine, f"{affine}\n    dx = -dx"))
    yield made(
        "dbeta_without_relu",
        "Your dbeta ignores that ReLUs were closed.",
        (affine, f"{affine}\n    dbeta = dout.sum(axis=0)"),
    )
    yield made(
        "dgamma_without_relu",
        "Your dgamma is not multiplied by what gamma multiplies in the forward pass.",
        (affine, f"{affine}\n    dgamma = dbeta.copy()"),
    )
    yield made(
        "dout_overwritten",
        "Your way back writes into the dout that it was given.",
        (relu, "dout[relu_cache <= 0] = 0\n    dnormalized = dout"),
        costs={},
    )
    yield made(
        "gamma_twice",
        "Your dgamma is twice as large as it should be.",
        (affine, f"{affine}\n    dgamma = dgamma * 2"),
    )


LAYERS = (
    *_forward("bn", "batch norm"),
    *_backward("bn", "batch norm"),
    *_forward("ln", "layer norm"),
    *_backward("ln", "layer norm"),
)
