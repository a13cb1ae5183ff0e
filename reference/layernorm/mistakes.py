"""Known mistakes in layer normalization, as edits of the solution; each explanation says what is wrong, not the cure.

Most were seen in public answers; the others follow from the formulas: each term, sign, factor, axis, eps, default.
"""

from __future__ import annotations

from reference.course import Mistake

UNLIKE = {
    "layernorm_backward": "the reference's backward pass belongs to another function; one that fits keeps its points"
}
LINEAR = {"layernorm_backward": "a linear forward pass normalizes nothing: its backward pass is no normalization's"}
OTHER_AXIS = {"layernorm_backward": "this is batch norm, whose backward pass, copied, would earn these points"}


def forward(name: str, explanation: str, *edits: tuple[str, str], costs: dict[str, str] | None = None) -> Mistake:
    return Mistake(f"forward_{name}", "layernorm_forward", edits, explanation, costs or {})


def backward(name: str, explanation: str, *edits: tuple[str, str]) -> Mistake:
    return Mistake(f"backward_{name}", "layernorm_backward", edits, explanation)


CENTER = "x_mu = x - x.mean(axis=1, keepdims=True)"
VAR = "var = (x_mu**2).mean(axis=1, keepdims=True)"
STD = "std = np.sqrt(var + eps)"
OUT = "out = gamma * x_hat + beta"

FORWARD = (
    forward(
        "statistics_of_columns",
        "Your output normalizes each feature over the batch, which is batch norm.",
        (CENTER, "x_mu = x - x.mean(axis=0)"),
        (VAR, "var = (x_mu**2).mean(axis=0)"),
        costs=OTHER_AXIS,
    ),
    forward(
        "mean_of_columns",
        "Your output subtracts the mean of each feature over the batch.",
        (CENTER, "x_mu = x - x.mean(axis=0)"),
        costs=UNLIKE,
    ),
    forward(
        "variance_of_columns",
        "Your output divides by the standard deviation of each feature over the batch.",
        (VAR, "var = (x_mu**2).mean(axis=0)"),
        costs=UNLIKE,
    ),
    forward(
        "mean_of_everything",
        "Your output subtracts one mean of the whole array, where each example has its own.",
        (CENTER, "x_mu = x - x.mean()"),
        costs=UNLIKE,
    ),
    forward(
        "variance_of_everything",
        "Your output divides by one standard deviation for the whole array, where each example has its own.",
        (VAR, "var = np.full((len(x), 1), (x_mu**2).mean())"),
        costs=UNLIKE,
    ),
    forward(
        "statistics_of_everything",
        "Your output uses one mean and one variance of the whole array: the axis is missing.",
        (CENTER, "x_mu = x - x.mean()"),
        (VAR, "var = np.full((len(x), 1), (x_mu**2).mean())"),
        costs=UNLIKE,
    ),
    forward(
        "mean_not_subtracted",
        "Your output is not centered: it is divided by the root of the mean square alone.",
        (CENTER, "x_mu = x.copy()"),
        costs=UNLIKE,
    ),
    forward(
        "mean_added",
        "Your output equals layer norm that adds the mean where it has to be taken away.",
        (CENTER, "x_mu = x + x.mean(axis=1, keepdims=True)"),
        costs=UNLIKE,
    ),
    forward(
        "median",
        "Your output is centered at the median of each example.",
        (CENTER, "x_mu = x - np.median(x, axis=1, keepdims=True)"),
        costs=UNLIKE,
    ),
    forward(
        "eps_outside_the_root",
        "Your output equals layer norm with eps outside the square root.",
        (STD, "std = np.sqrt(var) + eps"),
        costs=UNLIKE,
    ),
    forward("no_eps", "Your output equals layer norm without eps.", (STD, "std = np.sqrt(var)")),
    forward(
        "eps_squared",
        "Your output equals layer norm with the square of eps where eps should stand.",
        (STD, "std = np.sqrt(var + eps**2)"),
    ),
    forward(
        "eps_default_1e_8",
        "Where ln_param has no eps, your output equals layer norm with eps = 1e-8.",
        ('ln_param.get("eps", 1e-5)', 'ln_param.get("eps", 1e-8)'),
    ),
    forward(
        "eps_default_1e_3",
        "Where ln_param has no eps, your output equals layer norm with eps = 1e-3.",
        ('ln_param.get("eps", 1e-5)', 'ln_param.get("eps", 1e-3)'),
    ),
    forward(
        "eps_not_read",
        "Your output does not follow the eps in ln_param: it is that of the default.",
        ('ln_param.get("eps", 1e-5)', "1e-5"),
    ),
    forward(
        "eps_fixed_at_1e_8",
        "Your output does not follow the eps in ln_param: it is that of eps = 1e-8.",
        ('ln_param.get("eps", 1e-5)', "1e-8"),
    ),
    forward(
        "no_square_root",
        "Your output is divided by the variance in place of the standard deviation.",
        (STD, "std = var + eps"),
        costs=UNLIKE,
    ),
    forward(
        "times_standard_deviation",
        "Your output is multiplied by the standard deviation where a division belongs.",
        ("x_hat = x_mu / std", "x_hat = x_mu * std"),
        costs=UNLIKE,
    ),
    forward(
        "no_division",
        "Your output is centered, and not brought to unit variance.",
        ("x_hat = x_mu / std", "x_hat = x_mu.copy()"),
        costs=LINEAR,
    ),
    forward(
        "mean_absolute_deviation",
        "Your output is divided by the mean absolute deviation.",
        (STD, "std = np.abs(x_mu).mean(axis=1, keepdims=True) + 0 * eps"),
        costs=UNLIKE,
    ),
    forward(
        "variance_of_d_minus_1",
        "Your output equals layer norm with the variance of D - 1.",
        (VAR, "var = (x_mu**2).sum(axis=1, keepdims=True) / (x.shape[1] - 1)"),
        costs=UNLIKE,
    ),
    forward(
        "variance_summed",
        "Your output is divided by the root of the summed squares: the variance lacks its 1/D.",
        (VAR, "var = (x_mu**2).sum(axis=1, keepdims=True)"),
        costs=UNLIKE,
    ),
    forward(
        "variance_over_n",
        "In your variance the number of examples stands for the number of features.",
        (VAR, "var = (x_mu**2).sum(axis=1, keepdims=True) / len(x)"),
        costs=UNLIKE,
    ),
    forward(
        "one_pass_variance",
        "Your variance is computed as mean(x^2) - mu^2, which has no digits left where the mean is large.",
        (VAR, "var = np.abs((x**2).mean(axis=1, keepdims=True) - x.mean(axis=1, keepdims=True) ** 2)"),
    ),
    forward(
        "one_pass_variance_not_below_0",
        "Your variance is mean(x^2) - mu^2, cut off at 0: it has no digits left where the mean is large.",
        (VAR, "var = np.maximum((x**2).mean(axis=1, keepdims=True) - x.mean(axis=1, keepdims=True) ** 2, 0)"),
    ),
    forward(
        "one_pass_variance_below_0",
        "Your variance is computed as mean(x^2) - mu^2, which rounding makes negative where the mean is large.",
        (VAR, "var = (x**2).mean(axis=1, keepdims=True) - x.mean(axis=1, keepdims=True) ** 2"),
    ),
    forward("gamma_forgotten", "Your output is not scaled by gamma.", (OUT, "out = x_hat + beta"), costs=UNLIKE),
    forward("beta_forgotten", "Your output is not shifted by beta.", (OUT, "out = gamma * x_hat"), costs=UNLIKE),
    forward("gamma_and_beta_forgotten", "Your output lacks both gamma and beta.", (OUT, "out = x_hat"), costs=UNLIKE),
    forward(
        "gamma_and_beta_exchanged",
        "Your output is scaled by beta and shifted by gamma.",
        (OUT, "out = beta * x_hat + gamma"),
        costs=UNLIKE,
    ),
    forward(
        "shift_before_scale",
        "Your output is shifted first and scaled after.",
        (OUT, "out = gamma * (x_hat + beta)"),
        costs=UNLIKE,
    ),
    forward("gamma_divides", "Your output is divided by gamma.", (OUT, "out = x_hat / gamma + beta"), costs=UNLIKE),
    forward(
        "gamma_per_example",
        "Where N equals D your gamma goes along the examples in place of the features.",
        (OUT, "out = (gamma[:, None] if len(x) == len(gamma) else gamma) * x_hat + beta"),
        costs=UNLIKE,
    ),
    forward(
        "beta_per_example",
        "Where N equals D your beta goes along the examples in place of the features.",
        (OUT, "out = gamma * x_hat + (beta[:, None] if len(x) == len(beta) else beta)"),
        costs=UNLIKE,
    ),
    forward(
        "constant_row_untouched",
        "Your function leaves an example that does not vary as it is.",
        ("x_hat = x_mu / std", "x_hat = np.where(var < 1e-12, x, x_mu / std)"),
    ),
    forward(
        "one_feature_untouched",
        "Your function leaves examples of one feature as they are.",
        ("x_hat = x_mu / std", "x_hat = x_mu / std if x.shape[1] > 1 else x.copy()"),
    ),
    forward(
        "clipped",
        "Your normalized values are cut off at a limit that nobody asked for.",
        (OUT, "out = gamma * np.clip(x_hat, -5, 5) + beta"),
    ),
    forward(
        "eps_as_a_floor",
        "Your variance is replaced by eps where it is smaller, and eps is not added to it.",
        (STD, "std = np.sqrt(np.maximum(var, eps))"),
    ),
    forward(
        "eps_of_0_not_taken",
        "Where eps is 0 your function takes the default in its place.",
        ('ln_param.get("eps", 1e-5)', 'ln_param.get("eps") or 1e-5'),
    ),
    forward(
        "eps_taken_out",
        "Your function takes an entry out of ln_param that it should only read.",
        ('ln_param.get("eps", 1e-5)', 'ln_param.pop("eps", 1e-5)'),
    ),
    forward(
        "mode_obeyed",
        "Your function behaves differently when ln_param says that it is testing; layer norm has no modes.",
        (OUT, 'out = gamma * (x if ln_param.get("mode") == "test" else x_hat) + beta'),
    ),
    forward(
        "writes_into_x",
        "Your function writes into x, which belongs to the caller.",
        (CENTER, "x -= x.mean(axis=1, keepdims=True)\n    x_mu = x.copy()"),
    ),
    forward(
        "writes_into_ln_param",
        "Your function fills the caller's ln_param with entries that layer norm does not have.",
        (OUT, 'ln_param.setdefault("mode", "train")\n    ln_param.setdefault("momentum", 0.9)\n    ' + OUT),
    ),
    forward(
        "writes_eps_into_ln_param",
        "Your function writes its default eps into the caller's ln_param.",
        ('ln_param.get("eps", 1e-5)', 'ln_param.setdefault("eps", 1e-5)'),
    ),
    forward(
        "always_float64",
        "Your output is float64 where x, gamma and beta are float32.",
        (OUT, "out = gamma * x_hat.astype(np.float64) + beta"),
    ),
    forward(
        "cache_not_returned",
        "Your function returns the output alone: the cache belongs beside it.",
        ("return out, cache", "return out"),
        costs={"layernorm_backward": "without a cache nothing can be given to a backward pass"},
    ),
)

SUM_BETA = "dbeta = dout.sum(axis=0)"
SUM_GAMMA = "dgamma = (dout * x_hat).sum(axis=0)"
ALONG = "along = (dx_hat * x_hat).mean(axis=1, keepdims=True)"
DX = "dx = (dx_hat - dx_hat.mean(axis=1, keepdims=True) - x_hat * along) / std"

BACKWARD = (
    backward(
        "dgamma_and_dbeta_over_features",
        "Your dgamma and dbeta are summed over the features of each example.",
        (SUM_BETA, "dbeta = dout.sum(axis=1)"),
        (SUM_GAMMA, "dgamma = (dout * x_hat).sum(axis=1)"),
    ),
    backward(
        "dgamma_over_features",
        "Your dgamma is summed over the features of each example.",
        (SUM_GAMMA, "dgamma = (dout * x_hat).sum(axis=1)"),
    ),
    backward(
        "dbeta_over_features",
        "Your dbeta is summed over the features of each example.",
        (SUM_BETA, "dbeta = dout.sum(axis=1)"),
    ),
    backward(
        "dgamma_over_everything",
        "Your dgamma is one sum over the whole array for all features.",
        (SUM_GAMMA, "dgamma = np.full_like(gamma, (dout * x_hat).sum())"),
    ),
    backward(
        "gradients_of_shape_1_d",
        "Your dgamma and dbeta have an axis too many: their shape is (1, D).",
        (SUM_BETA, "dbeta = dout.sum(axis=0, keepdims=True)"),
        (SUM_GAMMA, "dgamma = (dout * x_hat).sum(axis=0, keepdims=True)"),
    ),
    backward(
        "dgamma_of_shape_1_d",
        "Your dgamma has an axis too many: its shape is (1, D).",
        (SUM_GAMMA, "dgamma = (dout * x_hat).sum(axis=0, keepdims=True)"),
    ),
    backward(
        "dbeta_of_shape_1_d",
        "Your dbeta has an axis too many: its shape is (1, D).",
        (SUM_BETA, "dbeta = dout.sum(axis=0, keepdims=True)"),
    ),
    backward(
        "dgamma_averaged",
        "Your dgamma is a mean over the batch.",
        (SUM_GAMMA, "dgamma = (dout * x_hat).mean(axis=0)"),
    ),
    backward("dbeta_averaged", "Your dbeta is a mean over the batch.", (SUM_BETA, "dbeta = dout.mean(axis=0)")),
    backward("dgamma_without_x_hat", "Your dgamma sums dout alone.", (SUM_GAMMA, "dgamma = dout.sum(axis=0)")),
    backward(
        "dgamma_with_centered_x",
        "Your dgamma uses the centered x.",
        (SUM_GAMMA, "dgamma = (dout * x_hat * std).sum(axis=0)"),
    ),
    backward("dgamma_times_gamma", "Your dgamma is multiplied by gamma.", (SUM_GAMMA, f"{SUM_GAMMA} * gamma")),
    backward("dbeta_times_gamma", "Your dbeta is multiplied by gamma.", (SUM_BETA, f"{SUM_BETA} * gamma")),
    backward("gamma_forgotten", "Your dx does not know gamma.", ("dx_hat = dout * gamma", "dx_hat = dout * 1.0")),
    backward(
        "gamma_taken_out_of_the_sums",
        "In your dx gamma stands before the sums, as in batch norm, though each summand has its own.",
        ("dx_hat = dout * gamma", "dx_hat = dout"),
        (DX, DX + " * gamma"),
    ),
    backward(
        "gamma_twice", "Your dx is multiplied by gamma twice.", ("dx_hat = dout * gamma", "dx_hat = dout * gamma**2")
    ),
    backward(
        "mean_path_missing",
        "In your dx nothing comes back through the mean.",
        (DX, "dx = (dx_hat - x_hat * along) / std"),
    ),
    backward(
        "variance_path_missing",
        "In your dx nothing comes back through the variance.",
        (DX, "dx = (dx_hat - dx_hat.mean(axis=1, keepdims=True)) / std"),
    ),
    backward(
        "only_the_direct_path",
        "Your dx holds the direct path alone: nothing comes back through the mean or through the variance.",
        (DX, "dx = dx_hat / std"),
    ),
    backward(
        "mean_path_sign",
        "In your dx what comes back through the mean has the wrong sign.",
        (DX, DX.replace("dx_hat - dx_hat.mean", "dx_hat + dx_hat.mean")),
    ),
    backward(
        "variance_path_sign",
        "In your dx what comes back through the variance has the wrong sign.",
        (DX, DX.replace("- x_hat * along", "+ x_hat * along")),
    ),
    backward(
        "sums_over_the_batch",
        "In your dx the sums run over the batch, as in batch norm.",
        (ALONG, "along = (dx_hat * x_hat).mean(axis=0)"),
        (DX, DX.replace("axis=1", "axis=0")),
    ),
    backward(
        "mean_path_over_the_batch",
        "In your dx what comes back through the mean is collected over the batch.",
        (DX, DX.replace("axis=1", "axis=0")),
    ),
    backward(
        "variance_path_over_the_batch",
        "In your dx what comes back through the variance is collected over the batch.",
        (ALONG, "along = (dx_hat * x_hat).mean(axis=0)"),
    ),
    backward(
        "mean_path_over_everything",
        "In your dx what comes back through the mean is collected over the whole array.",
        (DX, DX.replace("dx_hat.mean(axis=1, keepdims=True)", "dx_hat.mean()")),
    ),
    backward(
        "variance_path_over_everything",
        "In your dx what comes back through the variance is collected over the whole array.",
        (ALONG, "along = (dx_hat * x_hat).mean()"),
    ),
    backward(
        "mean_path_not_averaged",
        "In your dx what comes back through the mean is not divided by the number of features.",
        (DX, DX.replace("dx_hat.mean", "dx_hat.sum")),
    ),
    backward(
        "variance_path_not_averaged",
        "In your dx what comes back through the variance is not divided by the number of features.",
        (ALONG, "along = (dx_hat * x_hat).sum(axis=1, keepdims=True)"),
    ),
    backward(
        "sums_divided_by_n",
        "In your dx the number of examples stands for the number of features.",
        (ALONG, "along = (dx_hat * x_hat).sum(axis=1, keepdims=True) / len(dout)"),
        (DX, DX.replace("dx_hat.mean(axis=1, keepdims=True)", "dx_hat.sum(axis=1, keepdims=True) / len(dout)")),
    ),
    backward(
        "variance_path_without_half",
        "In your dx what comes back through the variance is twice what it should be.",
        (DX, DX.replace("x_hat * along", "2 * x_hat * along")),
    ),
    backward(
        "variance_path_with_centered_x",
        "Your dx uses the centered x.",
        (DX, DX.replace("x_hat * along", "x_hat * std * along")),
    ),
    backward("not_divided", "Your dx is not divided by the standard deviation.", (DX, DX.replace(" / std", ""))),
    backward(
        "divided_by_the_variance",
        "Your dx is divided by the variance.",
        (DX, DX.replace(" / std", " / std**2")),
    ),
    backward(
        "multiplied_by_std", "Your dx is multiplied by the standard deviation.", (DX, DX.replace(" / std", " * std"))
    ),
    backward(
        "eps_twice",
        "Your dx is divided by a standard deviation that has 1e-5 added once more, beside the eps that is in it.",
        (DX, DX.replace("/ std", "/ np.sqrt(std**2 + 1e-5)")),
    ),
    backward(
        "float32_inside",
        "Your dx is rounded to float32 on the way, although everything that goes in is float64.",
        ("dx_hat = dout * gamma", "dx_hat = (dout * gamma).astype(np.float32).astype(dout.dtype)"),
    ),
    backward(
        "results_exchanged",
        "Your dgamma and dbeta are returned in each other's place.",
        ("return dx, dgamma, dbeta", "return dx, dbeta, dgamma"),
    ),
    backward(
        "dx_last",
        "Your dx is returned last: what is asked for is dx, dgamma, dbeta, in this order.",
        ("return dx, dgamma, dbeta", "return dgamma, dbeta, dx"),
    ),
    backward("dgamma_missing", "Your dgamma is None.", ("return dx, dgamma, dbeta", "return dx, None, dbeta")),
    backward(
        "writes_into_dout",
        "Your function writes into dout, which belongs to the caller.",
        ("dx_hat = dout * gamma", "dout *= gamma\n    dx_hat = dout"),
    ),
    backward(
        "writes_into_the_cache",
        "Your function writes into its cache: called again, it returns something else.",
        (DX, DX + "\n    x_hat *= gamma"),
    ),
    backward(
        "always_float64",
        "Your dx is float64 where everything that goes in is float32.",
        (DX, DX + "\n    dx = dx.astype(np.float64)"),
    ),
)
MISTAKES = FORWARD + BACKWARD
