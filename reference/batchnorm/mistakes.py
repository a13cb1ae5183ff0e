"""Known mistakes in batch normalization, as edits of the solution; each explanation says what is wrong, not the cure.

Most were seen in public answers; the others follow from the formulas: each term, sign, axis, eps, branch, default.
"""

from __future__ import annotations

from reference.course import Mistake

UNLIKE = "the reference's backward pass belongs to another function; one that fits keeps its points"
LINEAR = "a linear forward pass normalizes nothing: its backward pass is no normalization's"
OTHER_AXIS = "this is layer norm, whose backward pass, copied, would earn these points"
BACKWARDS = ("batchnorm_backward", "batchnorm_backward_alt")
BOTH = dict.fromkeys(BACKWARDS, UNLIKE)


def forward(name: str, explanation: str, *edits: tuple[str, str], costs: dict[str, str] | None = None) -> Mistake:
    return Mistake(f"forward_{name}", "batchnorm_forward", edits, explanation, costs or {})


def graph(name: str, explanation: str, *edits: tuple[str, str]) -> Mistake:
    return Mistake(f"backward_{name}", "batchnorm_backward", edits, explanation)


def closed(name: str, explanation: str, *edits: tuple[str, str]) -> Mistake:
    return Mistake(f"alt_{name}", "batchnorm_backward_alt", edits, explanation)


MEAN = "mu = x.mean(axis=0)"
VAR = "var = (x_mu**2).mean(axis=0)"
STD = "std = np.sqrt(var + eps)"
OUT = "out = gamma * x_hat + beta\n        cache = (x_mu"
TESTING = "x_hat = (x - running_mean) / np.sqrt(running_var + eps)"
TESTING_OUT = "out = gamma * x_hat + beta\n        cache = None"
KEEP_MEAN = 'bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mu'
KEEP_VAR = 'bn_param["running_var"] = momentum * running_var + (1 - momentum) * var'

FORWARD = (
    forward(
        "eps_outside_the_root",
        "Your output equals batch norm with eps outside the square root.",
        (STD, "std = np.sqrt(var) + eps"),
        (TESTING, "x_hat = (x - running_mean) / (np.sqrt(running_var) + eps)"),
        costs=BOTH,
    ),
    forward(
        "eps_outside_the_root_in_training",
        "Your output equals batch norm with eps outside the square root in training, though not in testing.",
        (STD, "std = np.sqrt(var) + eps"),
        costs=BOTH,
    ),
    forward(
        "eps_outside_the_root_in_testing",
        "Your output in test mode equals batch norm with eps outside the square root.",
        (TESTING, "x_hat = (x - running_mean) / (np.sqrt(running_var) + eps)"),
    ),
    forward(
        "no_eps",
        "Your output equals batch norm without any eps.",
        (STD, "std = np.sqrt(var)"),
        (TESTING, "x_hat = (x - running_mean) / np.sqrt(running_var)"),
    ),
    forward(
        "no_eps_in_training", "Your output in training equals batch norm without eps.", (STD, "std = np.sqrt(var)")
    ),
    forward(
        "no_eps_in_testing",
        "Your output in test mode equals batch norm without eps.",
        (TESTING, "x_hat = (x - running_mean) / np.sqrt(running_var)"),
    ),
    forward(
        "eps_default_1e_8",
        "Where bn_param has no eps, your output equals batch norm with eps = 1e-8.",
        ('bn_param.get("eps", 1e-5)', 'bn_param.get("eps", 1e-8)'),
    ),
    forward(
        "eps_default_1e_3",
        "Where bn_param has no eps, your output equals batch norm with eps = 1e-3.",
        ('bn_param.get("eps", 1e-5)', 'bn_param.get("eps", 1e-3)'),
    ),
    forward(
        "eps_not_read",
        "Your output does not follow the eps in bn_param: it is that of the default.",
        ('bn_param.get("eps", 1e-5)', "1e-5"),
    ),
    forward(
        "eps_fixed_at_1e_8",
        "Your output does not follow the eps in bn_param: it is that of eps = 1e-8.",
        ('bn_param.get("eps", 1e-5)', "1e-8"),
    ),
    forward(
        "eps_squared",
        "Your output equals batch norm with the square of eps where eps should stand.",
        (STD, "std = np.sqrt(var + eps**2)"),
        (TESTING, "x_hat = (x - running_mean) / np.sqrt(running_var + eps**2)"),
    ),
    forward(
        "mean_of_everything",
        "Your output subtracts one mean of the whole array, where each feature has its own.",
        (MEAN, "mu = np.full(x.shape[1], x.mean())"),
        costs=BOTH,
    ),
    forward(
        "mean_of_everything_beside_the_variance",
        "Your output subtracts one mean of the whole array, where each feature has its own; the variance is right.",
        (MEAN, "mu = np.full(x.shape[1], x.mean())"),
        (VAR, "var = x.var(axis=0)"),
        costs=BOTH,
    ),
    forward(
        "variance_of_everything",
        "Your output divides by one standard deviation for the whole array, where each feature has its own.",
        (VAR, "var = np.full(x.shape[1], (x_mu**2).mean())"),
        costs=BOTH,
    ),
    forward(
        "statistics_of_everything",
        "Your output uses one mean and one variance of the whole array: the axis is missing.",
        (MEAN, "mu = np.full(x.shape[1], x.mean())"),
        (VAR, "var = np.full(x.shape[1], (x_mu**2).mean())"),
        costs=BOTH,
    ),
    forward(
        "statistics_of_rows",
        "Your output normalizes each example over its features, which is layer norm.",
        (MEAN, "mu = x.mean(axis=1, keepdims=True)"),
        (VAR, "var = (x_mu**2).mean(axis=1, keepdims=True)"),
        costs=dict.fromkeys(BACKWARDS, OTHER_AXIS),
    ),
    forward(
        "mean_of_rows",
        "Your output subtracts from each example the mean over its features.",
        (MEAN, "mu = x.mean(axis=1, keepdims=True)"),
        costs=BOTH,
    ),
    forward(
        "mean_not_subtracted",
        "Your output is not centered: it is divided by the root of the mean square alone.",
        ("x_mu = x - mu", "x_mu = x - 0 * mu"),
        costs=BOTH,
    ),
    forward(
        "mean_added",
        "Your output equals batch norm that adds the mean where it has to be taken away.",
        ("x_mu = x - mu", "x_mu = x + mu"),
        costs=BOTH,
    ),
    forward(
        "median",
        "Your output is centered at the median of each feature.",
        (MEAN, "mu = np.median(x, axis=0)"),
        costs=BOTH,
    ),
    forward(
        "no_square_root",
        "Your output is divided by the variance in place of the standard deviation.",
        (STD, "std = var + eps"),
        costs=BOTH,
    ),
    forward(
        "times_standard_deviation",
        "Your output is multiplied by the standard deviation where a division belongs.",
        ("x_hat = x_mu / std", "x_hat = x_mu * std"),
        costs=BOTH,
    ),
    forward(
        "no_division",
        "Your output is centered, and not brought to unit variance.",
        ("x_hat = x_mu / std", "x_hat = x_mu * np.ones_like(std)"),
        costs=dict.fromkeys(BACKWARDS, LINEAR),
    ),
    forward(
        "mean_absolute_deviation",
        "Your output is divided by the mean absolute deviation.",
        (STD, "std = np.abs(x_mu).mean(axis=0) + 0 * eps"),
        costs=BOTH,
    ),
    forward(
        "variance_of_n_minus_1",
        "Your output equals batch norm with the variance of N - 1.",
        (VAR, "var = (x_mu**2).sum(axis=0) / (len(x) - 1)"),
        costs=BOTH,
    ),
    forward(
        "variance_summed",
        "Your output is divided by the root of the summed squares: the variance lacks its 1/N.",
        (VAR, "var = (x_mu**2).sum(axis=0)"),
        costs=BOTH,
    ),
    forward(
        "one_pass_variance",
        "Your variance is computed as mean(x^2) - mu^2, which has no digits left where the mean is large.",
        (VAR, "var = np.abs((x**2).mean(axis=0) - mu**2)"),
    ),
    forward(
        "one_pass_variance_not_below_0",
        "Your variance is mean(x^2) - mu^2, cut off at 0: it has no digits left where the mean is large.",
        (VAR, "var = np.maximum((x**2).mean(axis=0) - mu**2, 0)"),
    ),
    forward(
        "one_pass_variance_below_0",
        "Your variance is computed as mean(x^2) - mu^2, which rounding makes negative where the mean is large.",
        (VAR, "var = (x**2).mean(axis=0) - mu**2"),
    ),
    forward(
        "gamma_forgotten",
        "Your output in training is shifted by beta, and not scaled by gamma.",
        (OUT, OUT.replace("gamma * ", "")),
        costs=BOTH,
    ),
    forward(
        "beta_forgotten",
        "Your output in training is scaled by gamma, and not shifted by beta.",
        (OUT, OUT.replace(" + beta", "")),
        costs=BOTH,
    ),
    forward(
        "gamma_and_beta_forgotten",
        "Your output in training lacks both gamma and beta.",
        (OUT, OUT.replace("gamma * x_hat + beta", "x_hat")),
        costs=BOTH,
    ),
    forward(
        "gamma_and_beta_exchanged",
        "Your output in training is scaled by beta and shifted by gamma.",
        (OUT, OUT.replace("gamma * x_hat + beta", "beta * x_hat + gamma")),
        costs=BOTH,
    ),
    forward(
        "shift_before_scale",
        "Your output in training is shifted first and scaled after.",
        (OUT, OUT.replace("gamma * x_hat + beta", "gamma * (x_hat + beta)")),
        costs=BOTH,
    ),
    forward(
        "gamma_divides",
        "Your output in training is divided by gamma.",
        (OUT, OUT.replace("gamma * x_hat + beta", "x_hat / gamma + beta")),
        costs=BOTH,
    ),
    forward(
        "constant_column_untouched",
        "Your function leaves a column that does not vary as it is.",
        ("x_hat = x_mu / std", "x_hat = np.where(var < 1e-12, x, x_mu / std)"),
    ),
    forward(
        "clipped",
        "Your normalized values are cut off at a limit that nobody asked for.",
        (OUT, OUT.replace("* x_hat", "* np.clip(x_hat, -5, 5)")),
    ),
    forward(
        "eps_as_a_floor",
        "Your variance is replaced by eps where it is smaller, and eps is not added to it.",
        (STD, "std = np.sqrt(np.maximum(var, eps))"),
        costs={"batchnorm_backward_alt": UNLIKE},
    ),
    forward(
        "eps_of_0_not_taken",
        "Where eps is 0 your function takes the default in its place.",
        ('bn_param.get("eps", 1e-5)', 'bn_param.get("eps") or 1e-5'),
    ),
    forward(
        "batch_of_one_as_in_testing",
        "A batch of one example is treated as in test mode, although the mode is training.",
        ('if mode == "train":', 'if mode == "train" and len(x) > 1:'),
    ),
    forward(
        "settings_taken_out",
        "Your function takes entries out of bn_param that it should only read.",
        ('bn_param.get("eps", 1e-5)', 'bn_param.pop("eps", 1e-5)'),
        ('bn_param.get("momentum", 0.9)', 'bn_param.pop("momentum", 0.9)'),
    ),
    forward(
        "writes_into_x",
        "Your function writes into x, which belongs to the caller.",
        ("x_mu = x - mu", "x -= mu\n        x_mu = x.copy()"),
    ),
    forward(
        "always_float64",
        "Your output is float64 where x, gamma and beta are float32.",
        (OUT, OUT.replace("* x_hat", "* x_hat.astype(np.float64)")),
    ),
    forward(
        "cache_not_returned",
        "Your function returns the output alone: the cache belongs beside it.",
        ("return out, cache", "return out"),
        costs=dict.fromkeys(BACKWARDS, "without a cache nothing can be given to a backward pass"),
    ),
)
RUNNING = (
    forward(
        "momentum_default_0_99",
        "Where bn_param has no momentum, your running statistics follow another default.",
        ('bn_param.get("momentum", 0.9)', 'bn_param.get("momentum", 0.99)'),
    ),
    forward(
        "momentum_not_read",
        "Your running statistics do not follow the momentum in bn_param: they move with the default.",
        ('bn_param.get("momentum", 0.9)', "0.9"),
    ),
    forward(
        "momentum_exchanged",
        "In your running statistics momentum weighs the new batch, where it should weigh the past.",
        (
            KEEP_MEAN,
            KEEP_MEAN.replace("momentum * running_mean + (1 - momentum)", "(1 - momentum) * running_mean + momentum"),
        ),
        (
            KEEP_VAR,
            KEEP_VAR.replace("momentum * running_var + (1 - momentum)", "(1 - momentum) * running_var + momentum"),
        ),
    ),
    forward(
        "momentum_exchanged_in_the_variance",
        "In your running variance momentum weighs the new batch, where it should weigh the past.",
        (
            KEEP_VAR,
            KEEP_VAR.replace("momentum * running_var + (1 - momentum)", "(1 - momentum) * running_var + momentum"),
        ),
    ),
    forward(
        "last_batch_kept",
        "Your running statistics are those of the last batch alone.",
        (KEEP_MEAN, 'bn_param["running_mean"] = mu'),
        (KEEP_VAR, 'bn_param["running_var"] = var'),
    ),
    forward(
        "past_not_faded",
        "Your running statistics add a share of each batch and never forget any of the past.",
        (KEEP_MEAN, KEEP_MEAN.replace("momentum * running_mean", "running_mean")),
        (KEEP_VAR, KEEP_VAR.replace("momentum * running_var", "running_var")),
    ),
    forward(
        "batch_not_weighed",
        "Your running statistics add the whole of each batch to the faded past.",
        (KEEP_MEAN, KEEP_MEAN.replace("(1 - momentum) * mu", "mu")),
        (KEEP_VAR, KEEP_VAR.replace("(1 - momentum) * var", "var")),
    ),
    forward("running_mean_not_kept", "Your running mean never moves.", (KEEP_MEAN, "pass")),
    forward("running_var_not_kept", "Your running variance never moves.", (KEEP_VAR, "pass")),
    forward(
        "running_unbiased_variance",
        "Your running variance takes in the variance of N - 1.",
        (KEEP_VAR, KEEP_VAR.replace("* var", "* var * len(x) / (len(x) - 1)")),
    ),
    forward(
        "running_standard_deviation",
        "Your running variance takes in standard deviations.",
        (KEEP_VAR, KEEP_VAR.replace("* var", "* np.sqrt(var)")),
    ),
    forward(
        "running_var_with_eps",
        "Your running variance takes in eps as well.",
        (KEEP_VAR, KEEP_VAR.replace("* var", "* (var + eps)")),
    ),
    forward(
        "running_mean_of_the_output",
        "Your running mean takes in the mean of the output.",
        (KEEP_MEAN, KEEP_MEAN.replace("* mu", "* out.mean(axis=0)")),
    ),
    forward(
        "running_var_takes_the_mean",
        "Your running variance takes in means.",
        (KEEP_VAR, KEEP_VAR.replace("* var", "* mu")),
    ),
    forward(
        "momentum_of_0_not_taken",
        "Where momentum is 0 your function takes the default in its place.",
        ('bn_param.get("momentum", 0.9)', 'bn_param.get("momentum") or 0.9'),
    ),
    forward(
        "running_statistics_written_over",
        "Your function writes new running statistics into the caller's old arrays.",
        (
            KEEP_MEAN,
            "running_mean *= momentum\n        running_mean += (1 - momentum) * mu\n"
            '        bn_param["running_mean"] = running_mean',
        ),
        (
            KEEP_VAR,
            "running_var *= momentum\n        running_var += (1 - momentum) * var\n"
            '        bn_param["running_var"] = running_var',
        ),
    ),
    forward(
        "first_batch_taken_whole",
        "Your running statistics start as those of the first batch, unweighted.",
        (KEEP_MEAN, KEEP_MEAN + ' if "running_mean" in bn_param else mu'),
        (KEEP_VAR, KEEP_VAR + ' if "running_var" in bn_param else var'),
    ),
    forward(
        "running_var_starts_at_one",
        "Where bn_param has no running variance yet, yours starts at 1 in place of 0.",
        ('bn_param.get("running_var", np.zeros(', 'bn_param.get("running_var", np.ones('),
    ),
)
TEST_MODE = (
    forward(
        "testing_with_the_batch",
        "Your output in test mode uses the statistics of the batch.",
        (TESTING, "x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)"),
    ),
    forward(
        "testing_with_the_batchs_mean",
        "Your output in test mode subtracts the mean of the batch.",
        (TESTING, "x_hat = (x - x.mean(axis=0)) / np.sqrt(running_var + eps)"),
    ),
    forward(
        "testing_with_the_batchs_variance",
        "Your output in test mode divides by the standard deviation of the batch.",
        (TESTING, "x_hat = (x - running_mean) / np.sqrt(x.var(axis=0) + eps)"),
    ),
    forward(
        "testing_without_root",
        "Your output in test mode is divided by the variance in place of the standard deviation.",
        (TESTING, "x_hat = (x - running_mean) / (running_var + eps)"),
    ),
    forward(
        "testing_without_division",
        "Your output in test mode is centered, and not divided by anything.",
        (TESTING, "x_hat = x - running_mean"),
    ),
    forward(
        "testing_without_mean",
        "Your output in test mode is divided, and not centered.",
        (TESTING, "x_hat = x / np.sqrt(running_var + eps)"),
    ),
    forward(
        "testing_adds_the_mean",
        "Your output in test mode adds the running mean where it has to be taken away.",
        (TESTING, "x_hat = (x + running_mean) / np.sqrt(running_var + eps)"),
    ),
    forward(
        "testing_without_gamma",
        "Your output in test mode is not scaled by gamma.",
        (TESTING_OUT, TESTING_OUT.replace("gamma * ", "")),
    ),
    forward(
        "testing_without_beta",
        "Your output in test mode is not shifted by beta.",
        (TESTING_OUT, TESTING_OUT.replace(" + beta", "")),
    ),
    forward(
        "testing_without_gamma_and_beta",
        "Your output in test mode lacks both gamma and beta.",
        (TESTING_OUT, TESTING_OUT.replace("gamma * x_hat + beta", "x_hat")),
    ),
    forward(
        "testing_moves_the_statistics",
        "Your running statistics move in test mode too.",
        (
            TESTING_OUT,
            'bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * x.mean(axis=0)\n'
            '        bn_param["running_var"] = momentum * running_var + (1 - momentum) * x.var(axis=0)\n        '
            + TESTING_OUT,
        ),
    ),
    forward(
        "testing_in_float64",
        "Your output in test mode is float64 where x, gamma and beta are float32.",
        (TESTING, TESTING.replace("- running_mean)", "- running_mean.astype(np.float64))")),
    ),
    forward(
        "testing_with_the_variance_of_n_minus_1",
        "Your output in test mode rescales the running variance by N / (N - 1).",
        (TESTING, TESTING.replace("running_var +", "running_var * len(x) / max(len(x) - 1, 1) +")),
    ),
    forward(
        "testing_before_training_with_the_batch",
        "Where nothing was kept yet, your output in test mode uses the statistics of the batch.",
        (
            TESTING,
            'if "running_mean" not in bn_param:\n'
            "            running_mean, running_var = x.mean(axis=0), x.var(axis=0)\n        " + TESTING,
        ),
    ),
    forward(
        "testing_adds_entries",
        "Your function writes into bn_param in test mode.",
        (TESTING, 'bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var\n        ' + TESTING),
    ),
    forward(
        "any_mode_is_testing",
        "Your function takes any unknown mode for test mode, where a ValueError is asked for.",
        ('if mode not in ("train", "test"):', "if False:"),
    ),
)
SUM_GAMMA = 'dgamma = np.einsum("ij,ij->j", dout, x_hat)'
SUM_STD = 'dstd = -np.einsum("ij,ij->j", dx_hat, x_hat) / std'
SECOND_USE = "dx_mu += x_mu * (2 / N * dvar)"
THROUGH_MEAN = "dx += dmu / N"
BACKWARD = (
    graph(
        "variance_path_missing",
        "In your dx nothing comes back through the variance.",
        (SECOND_USE, "pass"),
    ),
    graph("mean_path_missing", "In your dx nothing comes back through the mean.", (THROUGH_MEAN, "pass")),
    graph(
        "only_the_direct_path",
        "Your dx holds the direct path alone: nothing comes back through the mean or through the variance.",
        (SECOND_USE, "pass"),
        (THROUGH_MEAN, "pass"),
    ),
    graph(
        "eps_not_in_the_derivative",
        "In your dx the derivative of the standard deviation has lost eps.",
        ("dvar = dstd / (2 * std)", "dvar = dstd / (2 * np.sqrt((x_mu**2).mean(axis=0)))"),
    ),
    graph(
        "dgamma_without_eps",
        "Your dgamma uses an x_hat that was computed again without eps.",
        (SUM_GAMMA, "dgamma = (dout * x_mu / np.sqrt((x_mu**2).mean(axis=0))).sum(axis=0)"),
    ),
    graph("gamma_forgotten", "Your dx does not know gamma.", ("dx_hat = dout * gamma", "dx_hat = dout * 1.0")),
    graph(
        "divided_by_gamma",
        "In your dx gamma divides where it should multiply.",
        ("dx_hat = dout * gamma", "dx_hat = dout / gamma"),
    ),
    graph(
        "gamma_twice",
        "Your dx is multiplied by gamma twice.",
        (THROUGH_MEAN, f"{THROUGH_MEAN}\n    dx *= gamma"),
    ),
    graph(
        "dgamma_without_x_hat",
        "Your dgamma sums dout alone.",
        (SUM_GAMMA, "dgamma = dout.sum(axis=0)"),
    ),
    graph(
        "dgamma_with_centered_x",
        "Your dgamma uses the centered x.",
        (SUM_GAMMA, "dgamma = (dout * x_mu).sum(axis=0)"),
    ),
    graph(
        "dgamma_times_gamma",
        "Your dgamma is multiplied by gamma.",
        (SUM_GAMMA, f"{SUM_GAMMA} * gamma"),
    ),
    graph(
        "dbeta_times_gamma",
        "Your dbeta is multiplied by gamma.",
        ("dbeta = dout.sum(axis=0)", "dbeta = gamma * dout.sum(axis=0)"),
    ),
    graph(
        "dgamma_over_features",
        "Your dgamma is summed over the features.",
        (SUM_GAMMA, "dgamma = (dout * x_hat).sum(axis=1)"),
    ),
    graph(
        "dbeta_over_features",
        "Your dbeta is summed over the features.",
        ("dbeta = dout.sum(axis=0)", "dbeta = dout.sum(axis=1)"),
    ),
    graph(
        "dgamma_averaged",
        "Your dgamma is a mean over the batch.",
        (SUM_GAMMA, "dgamma = (dout * x_hat).mean(axis=0)"),
    ),
    graph(
        "dbeta_averaged",
        "Your dbeta is a mean over the batch.",
        ("dbeta = dout.sum(axis=0)", "dbeta = dout.mean(axis=0)"),
    ),
    graph(
        "dbeta_one_number",
        "Your dbeta is one number: it is summed over the features, too.",
        ("dbeta = dout.sum(axis=0)", "dbeta = dout.sum()"),
    ),
    graph(
        "dbeta_not_summed",
        "Your dbeta is as large as dout: nothing is summed over the batch.",
        ("dbeta = dout.sum(axis=0)", "dbeta = dout"),
    ),
    graph(
        "dgamma_of_shape_1_d",
        "Your dgamma has an axis too many: its shape is (1, D).",
        (SUM_GAMMA, "dgamma = (dout * x_hat).sum(axis=0, keepdims=True)"),
    ),
    graph(
        "dbeta_of_shape_1_d",
        "Your dbeta has an axis too many: its shape is (1, D).",
        ("dbeta = dout.sum(axis=0)", "dbeta = dout.sum(axis=0, keepdims=True)"),
    ),
    graph(
        "variance_path_sign",
        "In your dx what comes back through the variance has the wrong sign.",
        ("dstd = -np", "dstd = np"),
    ),
    graph(
        "mean_path_sign",
        "In your dx what comes back through the mean has the wrong sign.",
        ("dmu = -dx_mu", "dmu = dx_mu"),
    ),
    graph(
        "square_without_2",
        "In your dx the derivative of the square lacks its factor.",
        ("(2 / N * dvar)", "(1 / N * dvar)"),
    ),
    graph(
        "root_without_half",
        "In your dx the derivative of the square root lacks its factor.",
        ("dvar = dstd / (2 * std)", "dvar = dstd / std"),
    ),
    graph(
        "root_times_std",
        "In your dx the derivative of the square root multiplies by the standard deviation.",
        ("dvar = dstd / (2 * std)", "dvar = dstd * std / 2"),
    ),
    graph(
        "variance_path_not_averaged",
        "In your dx what comes back through the variance is not divided by the number of examples.",
        ("(2 / N * dvar)", "(2 * dvar)"),
    ),
    graph(
        "mean_path_not_averaged",
        "In your dx what comes back through the mean is not divided by the number of examples.",
        (THROUGH_MEAN, "dx += dmu"),
    ),
    graph(
        "n_is_the_number_of_features",
        "In your dx the number of features stands for the number of examples.",
        ("N = len(dout)", "N = dout.shape[1]"),
    ),
    graph(
        "quotient_without_square",
        "In your dx the derivative of the division has one power of the standard deviation too few.",
        (SUM_STD, SUM_STD.replace(" / std", "")),
    ),
    graph(
        "direct_path_not_divided",
        "In your dx the direct path is not divided by the standard deviation.",
        ("dx_mu /= std", "pass"),
    ),
    graph(
        "variance_path_with_x_hat",
        "In your dx the path through the variance uses the normalized x.",
        (SECOND_USE, SECOND_USE.replace("+= x_mu", "+= x_hat")),
    ),
    graph(
        "mean_path_over_everything",
        "In your dx the path through the mean is summed over the whole array.",
        ("dmu = -dx_mu.sum(axis=0)", "dmu = -dx_mu.sum()"),
    ),
    graph(
        "variance_path_over_everything",
        "In your dx the path through the variance is summed over the whole array.",
        (SUM_STD, "dstd = -(dx_hat * x_hat).sum() / std"),
    ),
    graph(
        "eps_twice",
        "In your dx the derivative of the standard deviation has 1e-5 added once more, beside the eps that is in it.",
        ("dvar = dstd / (2 * std)", "dvar = dstd / (2 * np.sqrt(std**2 + 1e-5))"),
    ),
    graph(
        "float32_inside",
        "Your gradients are rounded to float32 on the way, although everything that goes in is float64.",
        ("N = len(dout)", "N = len(dout)\n    dout = dout.astype(np.float32).astype(dout.dtype)"),
    ),
    graph(
        "results_exchanged",
        "Your dgamma and dbeta are returned in each other's place.",
        ("return dx, dgamma, dbeta", "return dx, dbeta, dgamma"),
    ),
    graph(
        "dx_last",
        "Your dx is returned last: what is asked for is dx, dgamma, dbeta, in this order.",
        ("return dx, dgamma, dbeta", "return dgamma, dbeta, dx"),
    ),
    graph(
        "writes_into_dout",
        "Your function writes into dout, which belongs to the caller.",
        ("dx_hat = dout * gamma", "dout *= gamma\n    dx_hat = dout"),
    ),
    graph(
        "writes_into_the_cache",
        "Your function writes into its cache: called again, it returns something else.",
        (THROUGH_MEAN, f"x_hat *= gamma\n    {THROUGH_MEAN}"),
    ),
    graph(
        "always_float64",
        "Your dx is float64 where everything that goes in is float32.",
        (THROUGH_MEAN, "dx = (dx + dmu / N).astype(np.float64)"),
    ),
)
CLOSED_FORM = (
    closed(
        "diagonal_jacobian",
        "Your dx holds the direct path alone, as if mean and variance did not depend on x.",
        ("dx = x_hat * (dgamma / -N)", "dx = 0 * x_hat"),
        ("dx -= dbeta / N", "dx -= 0"),
    ),
    closed(
        "diagonal_jacobian_without_gamma",
        "Your dx holds the direct path alone, and gamma is forgotten too.",
        ("dx = x_hat * (dgamma / -N)", "dx = 0 * x_hat"),
        ("dx -= dbeta / N", "dx -= 0"),
        ("dx *= gamma / std", "dx /= std"),
    ),
    closed(
        "diagonal_part_only",
        "Your dx is the diagonal of the Jacobian times dout, without gamma: no element moves its neighbors.",
        ("dx = x_hat * (dgamma / -N)", "dx = x_hat**2 * dout / -N"),
        ("dx -= dbeta / N", "dx -= dout / N"),
        ("dx *= gamma / std", "dx /= std"),
    ),
    closed(
        "never_written",
        "This part is not written yet.",
        ("N = len(dout)", 'raise NotImplementedError("write this part")'),
    ),
    closed("gamma_forgotten", "Your dx does not know gamma.", ("dx *= gamma / std", "dx /= std")),
    closed("gamma_twice", "Your dx is multiplied by gamma twice.", ("dx *= gamma / std", "dx *= gamma**2 / std")),
    closed(
        "gamma_on_dout_alone",
        "In your dx gamma multiplies dout alone, and not the sums.",
        ("dx += dout", "dx += dout * gamma"),
        ("dx *= gamma / std", "dx /= std"),
    ),
    closed("sum_of_dout_missing", "In your dx nothing comes back through the mean.", ("dx -= dbeta / N", "dx -= 0")),
    closed(
        "sum_with_x_hat_missing",
        "In your dx nothing comes back through the variance.",
        ("dx = x_hat * (dgamma / -N)", "dx = 0 * x_hat"),
    ),
    closed(
        "sum_of_dout_sign",
        "In your dx the sum of dout has the wrong sign.",
        ("dx -= dbeta / N", "dx += dbeta / N"),
    ),
    closed(
        "sum_with_x_hat_sign",
        "In your dx the term along x_hat has the wrong sign.",
        ("dx = x_hat * (dgamma / -N)", "dx = x_hat * (dgamma / N)"),
    ),
    closed(
        "sum_of_dout_not_averaged",
        "In your dx the sum of dout is not divided by the number of examples.",
        ("dx -= dbeta / N", "dx -= dbeta"),
    ),
    closed(
        "sum_with_x_hat_not_averaged",
        "In your dx the term along x_hat is not divided by the number of examples.",
        ("dx = x_hat * (dgamma / -N)", "dx = -x_hat * dgamma"),
    ),
    closed(
        "sums_exchanged",
        "In your dx the two sums over the batch stand in each other's place.",
        ("dx = x_hat * (dgamma / -N)", "dx = x_hat * (dbeta / -N)"),
        ("dx -= dbeta / N", "dx -= dgamma / N"),
    ),
    closed(
        "dout_not_times_n",
        "In your dx dout itself is divided by the number of examples, too.",
        ("dx *= gamma / std", "dx *= gamma / std / N"),
        ("dx = x_hat * (dgamma / -N)", "dx = -x_hat * dgamma"),
        ("dx -= dbeta / N", "dx -= dbeta"),
    ),
    closed(
        "n_times_too_large",
        "Your dx is larger than it should be by the number of examples.",
        ("dx *= gamma / std", "dx *= N * gamma / std"),
    ),
    closed(
        "n_is_the_number_of_features",
        "In your dx the number of features stands for the number of examples.",
        ("N = len(dout)", "N = dout.shape[1]"),
    ),
    closed(
        "sums_of_n_minus_1",
        "In your dx the sums over the batch are divided by N - 1.",
        ("N = len(dout)", "N = len(dout) - 1"),
    ),
    closed(
        "centered_x",
        "Your dx uses the centered x.",
        ("_, std, x_hat, gamma = cache", "x_mu, std, x_hat, gamma = cache"),
        ("dx = x_hat * (dgamma / -N)", "dx = x_mu * (dgamma / -N)"),
    ),
    closed(
        "divided_by_the_variance",
        "Your dx is divided by the variance.",
        ("dx *= gamma / std", "dx *= gamma / std**2"),
    ),
    closed("not_divided", "Your dx is not divided by the standard deviation.", ("dx *= gamma / std", "dx *= gamma")),
    closed(
        "multiplied_by_std",
        "Your dx is multiplied by the standard deviation.",
        ("dx *= gamma / std", "dx *= gamma * std"),
    ),
    closed(
        "without_eps",
        "Your dx is divided by a standard deviation without eps.",
        ("_, std, x_hat, gamma = cache", "x_mu, std, x_hat, gamma = cache"),
        ("dx *= gamma / std", "dx *= gamma / np.sqrt((x_mu**2).mean(axis=0))"),
    ),
    closed(
        "eps_twice",
        "Your dx is divided by a standard deviation that has 1e-5 added once more, beside the eps that is in it.",
        ("dx *= gamma / std", "dx *= gamma / np.sqrt(std**2 + 1e-5)"),
    ),
    closed(
        "size_of_gamma",
        "Your dx is scaled by the size of gamma, whatever its sign.",
        ("dx *= gamma / std", "dx *= np.abs(gamma) / std"),
    ),
    closed(
        "float32_inside",
        "Your gradients are rounded to float32 on the way, although everything that goes in is float64.",
        ("N = len(dout)", "N = len(dout)\n    dout = dout.astype(np.float32).astype(dout.dtype)"),
    ),
    closed(
        "float32_x_hat",
        "Your closed form rounds x_hat to float32, although everything that goes in is float64.",
        ("N = len(dout)", "N = len(dout)\n    x_hat = x_hat.astype(np.float32).astype(dout.dtype)"),
    ),
    closed(
        "sum_of_dout_over_everything",
        "In your dx the sum of dout runs over the whole array.",
        ("dx -= dbeta / N", "dx -= dbeta.sum() / N"),
    ),
    closed(
        "sum_with_x_hat_over_everything",
        "In your dx the sum of dout times x_hat runs over the whole array.",
        ("dx = x_hat * (dgamma / -N)", "dx = x_hat * (dgamma.sum() / -N)"),
    ),
    closed(
        "dbeta_over_features",
        "Your dbeta is summed over the features, and dx is right.",
        ("return dx, dgamma, dbeta", "return dx, dgamma, dout.sum(axis=1)"),
    ),
    closed(
        "dgamma_over_features",
        "Your dgamma is summed over the features, and dx is right.",
        ("return dx, dgamma, dbeta", "return dx, (dout * x_hat).sum(axis=1), dbeta"),
    ),
    closed(
        "dgamma_missing",
        "Your dgamma is None.",
        ("return dx, dgamma, dbeta", "return dx, None, dbeta"),
    ),
    closed(
        "gradients_of_shape_1_d",
        "Your dgamma and dbeta have an axis too many: their shape is (1, D).",
        ("return dx, dgamma, dbeta", "return dx, dgamma[None], dbeta[None]"),
    ),
    closed(
        "results_exchanged",
        "Your dgamma and dbeta are returned in each other's place.",
        ("return dx, dgamma, dbeta", "return dx, dbeta, dgamma"),
    ),
    closed(
        "dx_last",
        "Your dx is returned last: what is asked for is dx, dgamma, dbeta, in this order.",
        ("return dx, dgamma, dbeta", "return dgamma, dbeta, dx"),
    ),
    closed(
        "writes_into_the_cache",
        "Your function writes into its cache: called again, it returns something else.",
        ("dx = x_hat * (dgamma / -N)", "dx = x_hat\n    dx *= dgamma / -N"),
    ),
    closed(
        "writes_into_dout",
        "Your function writes into dout, which belongs to the caller.",
        ("dx += dout", "dout += dx\n    dx = dout"),
    ),
    closed(
        "always_float64",
        "Your dx is float64 where everything that goes in is float32.",
        ("dx = x_hat * (dgamma / -N)", "dx = x_hat.astype(np.float64) * (dgamma / -N)"),
    ),
)
MISTAKES = FORWARD + RUNNING + TEST_MODE + BACKWARD + CLOSED_FORM
