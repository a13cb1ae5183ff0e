"""Mistakes in FullyConnectedNet's parameters: their names, shapes, scale and first values."""

from reference.course import Mistake

__all__ = ["PARAMETERS"]

DRAW = "weights = weight_scale * np.random.randn(sizes[i - 1], sizes[i])"
CAST = 'self.params[f"W{i}"] = weights.astype(dtype)'
BIAS = 'self.params[f"b{i}"] = np.zeros(sizes[i], dtype=dtype)'
NORMALIZED = "for i, width in enumerate(hidden_dims, start=1):"
GAMMA = 'self.params[f"gamma{i}"] = np.ones(width, dtype=dtype)'
BETA = 'self.params[f"beta{i}"] = np.zeros(width, dtype=dtype)'


def _wrong(name: str, explanation: str, *edits: tuple[str, str]) -> Mistake:
    return Mistake(name, "FullyConnectedNet", edits, explanation)


PARAMETERS = (
    _wrong(
        "weight_scale_ignored",
        "Your weights do not depend on weight_scale.",
        (DRAW, DRAW.replace("weight_scale * ", "")),
    ),
    _wrong(
        "weight_scale_always_0_01",
        "Your weights have one fixed scale, whatever was asked for.",
        (DRAW, DRAW.replace("weight_scale", "1e-2")),
    ),
    _wrong(
        "weight_scale_as_a_variance",
        "Your weight_scale is used as a variance; it is a standard deviation.",
        (DRAW, DRAW.replace("weight_scale", "np.sqrt(weight_scale)")),
    ),
    _wrong(
        "weights_scaled_by_fan_in",
        "Your weights are scaled by the number of inputs too, which was not asked for.",
        (DRAW, DRAW + " / np.sqrt(sizes[i - 1])"),
    ),
    _wrong(
        "weights_uniform",
        "Your weights are drawn uniformly, and not from a normal distribution.",
        (DRAW, "weights = weight_scale * np.random.uniform(-np.sqrt(3), np.sqrt(3), (sizes[i - 1], sizes[i]))"),
    ),
    _wrong(
        "weights_zero",
        "All your weights are 0, so that all units of a layer stay equal for ever.",
        (DRAW, "weights = np.zeros((sizes[i - 1], sizes[i]))"),
    ),
    _wrong(
        "weights_constant",
        "All weights of a layer are equal, so that its units stay equal for ever.",
        (DRAW, "weights = np.full((sizes[i - 1], sizes[i]), weight_scale)"),
    ),
    _wrong(
        "weights_positive",
        "Your weights have no negative values.",
        (DRAW, DRAW.replace("np.random.randn(sizes[i - 1], sizes[i])", "abs(np.random.randn(sizes[i - 1], sizes[i]))")),
    ),
    _wrong(
        "weights_transposed",
        "Your weight matrices are transposed: their rows are the layer's outputs.",
        (DRAW, DRAW.replace("sizes[i - 1], sizes[i]", "sizes[i], sizes[i - 1]")),
    ),
    _wrong(
        "weights_equal_in_each_layer",
        "Each layer starts from the same random numbers.",
        (DRAW, f"np.random.seed(0)\n            {DRAW}"),
    ),
    _wrong(
        "last_layer_not_scaled",
        "The last layer's weights do not follow weight_scale.",
        (
            CAST,
            f"{CAST}\n            if i == self.num_layers:\n"
            f'                self.params[f"W{{i}}"] /= dtype(weight_scale)',
        ),
    ),
    _wrong(
        "biases_random",
        "Your biases do not start where they should.",
        (
            BIAS,
            BIAS.replace("np.zeros(sizes[i], dtype=dtype)", "(weight_scale * np.random.randn(sizes[i])).astype(dtype)"),
        ),
    ),
    _wrong("biases_one", "Your biases start at another constant.", (BIAS, BIAS.replace("zeros", "ones"))),
    _wrong(
        "biases_as_rows", "Your biases have a dimension too many.", (BIAS, BIAS.replace("sizes[i]", "(1, sizes[i])"))
    ),
    _wrong(
        "biases_missing",
        "Your hidden layers have no biases.",
        (
            BIAS,
            "bias = np.zeros(sizes[i], dtype=dtype)\n            if i == self.num_layers:\n"
            '                self.params[f"b{i}"] = bias',
        ),
    ),
    _wrong(
        "dtype_ignored",
        "Your parameters do not have the dtype that was asked for.",
        (CAST, CAST.replace(".astype(dtype)", "")),
    ),
    _wrong(
        "gammas_zero",
        "Your gammas start at a value with which no input gets through.",
        (GAMMA, GAMMA.replace("ones", "zeros")),
    ),
    _wrong(
        "gammas_random",
        "Your gammas do not start where they should: normalized values should pass unscaled at first.",
        (
            GAMMA,
            GAMMA.replace("np.ones(width, dtype=dtype)", "(1 + weight_scale * np.random.randn(width)).astype(dtype)"),
        ),
    ),
    _wrong(
        "betas_one",
        "Your betas do not start where they should: normalized values should pass unshifted at first.",
        (BETA, BETA.replace("zeros", "ones")),
    ),
    _wrong(
        "gammas_outside_params",
        "Your gammas and betas are not in params, so that no solver can train them.",
        (GAMMA, "self.scales = getattr(self, 'scales', {}) | {f\"gamma{i}\": np.ones(width, dtype=dtype)}"),
        (BETA, 'self.scales |= {f"beta{i}": np.zeros(width, dtype=dtype)}'),
        (
            'gamma, beta = self.params[f"gamma{i}"], self.params[f"beta{i}"]',
            'gamma, beta = self.scales[f"gamma{i}"], self.scales[f"beta{i}"]',
        ),
    ),
    _wrong(
        "gammas_for_the_scores",
        "Your params hold a gamma and a beta for the last layer, which has none.",
        (NORMALIZED, NORMALIZED.replace("hidden_dims", "sizes[1:]")),
    ),
    _wrong(
        "gammas_without_a_normalization",
        "Your params hold gammas and betas although no normalization was asked for.",
        ("if normalization is not None:", "if True:"),
    ),
    _wrong(
        "gammas_for_batch_norm_alone",
        "With layer norm your params lack gammas and betas.",
        ("if normalization is not None:", 'if normalization == "batchnorm":'),
    ),
    _wrong(
        "gammas_of_the_input_size",
        "Your gammas and betas have the size of the layer's input; they scale its output.",
        (NORMALIZED, NORMALIZED.replace("hidden_dims", "sizes[:-2]")),
    ),
    _wrong(
        "names_from_zero",
        "Your layers are counted from 0; the names start with W1 and b1.",
        (CAST, CAST.replace("{i}", "{i - 1}")),
        (BIAS, BIAS.replace("{i}", "{i - 1}")),
    ),
    _wrong(
        "default_input_dim",
        "Where input_dim is left out, your network takes another one.",
        ("input_dim: int = 3 * 32 * 32", "input_dim: int = 784"),
    ),
    _wrong(
        "default_num_classes",
        "Where num_classes is left out, your network takes another number.",
        ("num_classes: int = 10", "num_classes: int = 100"),
    ),
    _wrong(
        "default_weight_scale",
        "Where weight_scale is left out, your network takes another one.",
        ("weight_scale: float = 1e-2", "weight_scale: float = 1e-1"),
    ),
    _wrong(
        "default_dtype",
        "Where dtype is left out, your parameters have another one.",
        ("dtype: type = np.float32", "dtype: type = np.float64"),
    ),
    _wrong(
        "default_reg",
        "Where reg is left out, your network pays a penalty.",
        ("reg: float = 0.0", "reg: float = 0.1"),
    ),
    _wrong(
        "hidden_dims_extended",
        "Your network writes into the caller's list hidden_dims.",
        (
            "sizes = [input_dim, *hidden_dims, num_classes]",
            "hidden_dims += [num_classes]\n        sizes = [input_dim, *hidden_dims]",
        ),
        (NORMALIZED, NORMALIZED.replace("hidden_dims", "hidden_dims[:-1]")),
    ),
    _wrong(
        "arrays_of_its_own",
        "Your network computes with the arrays that it began with, and not with those that are in params now.",
        ("    def loss(self, X", "        self.own = dict(self.params)\n\n    def loss(self, X"),
        ('w, b = self.params[f"W{i}"], self.params[f"b{i}"]', 'w, b = self.own[f"W{i}"], self.own[f"b{i}"]'),
        (
            'self.params[f"gamma{i}"], self.params[f"beta{i}"]\n                hidden',
            'self.own[f"gamma{i}"], self.own[f"beta{i}"]\n                hidden',
        ),
        (
            'affine_forward(hidden, self.params[f"W{last}"], self.params[f"b{last}"])',
            'affine_forward(hidden, self.own[f"W{last}"], self.own[f"b{last}"])',
        ),
        ('w = self.params[f"W{i}"]\n            loss', 'w = self.own[f"W{i}"]\n            loss'),
    ),
)
