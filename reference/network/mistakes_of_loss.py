"""Mistakes in FullyConnectedNet.loss: the loss itself, its penalty, and the way back through the layers."""

from reference.course import Mistake

__all__ = ["LOSS"]

SOFTMAX = "loss, dscores = softmax_loss(scores, y)"
LAST = 'dhidden, grads[f"W{last}"], grads[f"b{last}"] = affine_backward(dscores, last_cache)'
BACK = "for i in range(last - 1, 0, -1):"
FROM_CACHE = "cache, dropout_cache = caches[i - 1]"
SPREAD = 'dhidden, grads[f"W{i}"], grads[f"b{i}"], grads[f"gamma{i}"], grads[f"beta{i}"] = gradients'
PLAIN = 'dhidden, grads[f"W{i}"], grads[f"b{i}"] = affine_backward(da, affine_cache)'
PENALIZED = "        for i in range(1, last + 1):\n"
PENALTY = "loss += 0.5 * self.reg * float(np.sum(w * w))"
DECAY = 'grads[f"W{i}"] += self.reg * w'
RETURN = "return loss, grads"


def _wrong(name: str, explanation: str, *edits: tuple[str, str]) -> Mistake:
    return Mistake(name, "FullyConnectedNet", edits, explanation)


def _penalized_too(kind: str) -> tuple[tuple[str, str], ...]:
    more = (
        f'\n        for name in self.params:\n            if name.startswith("{kind}"):\n'
        f"                loss += 0.5 * self.reg * float(np.sum(self.params[name] ** 2))\n"
        f"                grads[name] = grads[name] + self.reg * self.params[name]"
    )
    return ((DECAY, DECAY + more),)


PENALTIES = (
    _wrong(
        "penalty_without_half",
        "Your penalty is twice as large as it should be, in the loss and in the gradient.",
        (PENALTY, PENALTY.replace("0.5 * ", "")),
        (DECAY, DECAY.replace("self.reg", "2 * self.reg")),
    ),
    _wrong(
        "penalty_without_half_in_the_loss",
        "Your loss pays twice the penalty that your gradient belongs to.",
        (PENALTY, PENALTY.replace("0.5 * ", "")),
    ),
    _wrong(
        "penalty_with_half_in_the_gradient",
        "Your gradient pays half of the penalty's derivative.",
        (DECAY, DECAY.replace("self.reg", "0.5 * self.reg")),
    ),
    _wrong(
        "last_weights_not_penalized",
        "One of your weight matrices pays no penalty: the last.",
        (PENALIZED, PENALIZED.replace("last + 1", "last")),
    ),
    _wrong(
        "first_weights_not_penalized",
        "One of your weight matrices pays no penalty: the first.",
        (PENALIZED, PENALIZED.replace("(1, last", "(2, last")),
    ),
    _wrong(
        "last_weights_alone_penalized",
        "Only your last weight matrix pays the penalty.",
        (PENALIZED, PENALIZED.replace("(1, last", "(last, last")),
    ),
    _wrong(
        "first_four_weights_alone_penalized",
        "Only your first four weight matrices pay the penalty.",
        (PENALIZED, PENALIZED.replace("last + 1", "min(last, 4) + 1")),
    ),
    _wrong(
        "weights_with_one_digit_alone_penalized",
        "Your penalty passes over weight matrices from the tenth on.",
        (PENALIZED, PENALIZED.replace("last + 1", "min(last, 9) + 1")),
    ),
    _wrong(
        "last_digit_taken_for_the_layer",
        "Your penalty reads the last digit of a weight matrix's name as its number.",
        (
            'w = self.params[f"W{i}"]\n            ' + PENALTY,
            'w = self.params[f"W{i % 10 or 1}"]\n            ' + PENALTY,
        ),
        (DECAY, 'grads[f"W{i}"] += self.reg * self.params[f"W{i}"]'),
    ),
    _wrong(
        "penalty_divided_by_the_layers",
        "Your penalty depends on the number of layers.",
        (PENALTY, PENALTY.replace("0.5 *", "1 / (last - 1) *")),
        (DECAY, DECAY.replace("self.reg", "2 / (last - 1) * self.reg")),
    ),
    _wrong("gammas_penalized", "Your gammas pay a penalty too; weights alone should.", *_penalized_too("gamma")),
    _wrong("betas_penalized", "Your betas pay a penalty too; weights alone should.", *_penalized_too("beta")),
    _wrong(
        "biases_penalized",
        "Your biases pay a penalty too; weights alone should.",
        *_penalized_too("b{i}".replace("{i}", "") + '") and not name.startswith("beta'),
    ),
    _wrong(
        "penalty_missing_in_the_loss",
        "Your loss does not pay the penalty that your gradient belongs to.",
        (PENALTY, "pass"),
    ),
    _wrong(
        "penalty_missing_in_the_gradient",
        "Your gradient does not know of the penalty that your loss pays.",
        (DECAY, "pass"),
    ),
    _wrong("penalty_missing", "Your network pays no penalty, whatever reg is.", (PENALTY, "pass"), (DECAY, "pass")),
    _wrong(
        "penalty_of_absolute_values",
        "Your penalty sums absolute values; it should sum squares.",
        (PENALTY, PENALTY.replace("w * w", "abs(w)")),
        (DECAY, DECAY.replace("* w", "* 0.5 * np.sign(w)")),
    ),
    _wrong(
        "penalty_not_squared",
        "Your penalty is the length of each weight matrix, and not its square.",
        (PENALTY, PENALTY.replace("float(np.sum(w * w))", "float(np.sqrt(np.sum(w * w)))")),
        (DECAY, DECAY + " * 0.5 / np.sqrt(np.sum(w * w))"),
    ),
    _wrong(
        "penalty_averaged",
        "Your penalty is divided by the number of examples.",
        (PENALTY, PENALTY + " / len(X)"),
        (DECAY, DECAY + " / len(X)"),
    ),
    _wrong(
        "penalty_subtracted",
        "Your penalty rewards large weights.",
        (PENALTY, PENALTY.replace("+=", "-=")),
        (DECAY, DECAY.replace("+=", "-=")),
    ),
    _wrong(
        "gradient_is_the_penalty_alone",
        "Your penalty's gradient replaces that of the data.",
        (DECAY, DECAY.replace("+=", "=")),
    ),
    _wrong(
        "penalty_with_reg_squared",
        "Your penalty depends on reg in another way than it should.",
        (PENALTY, PENALTY.replace("self.reg", "self.reg**2")),
        (DECAY, DECAY.replace("self.reg", "self.reg**2")),
    ),
)

CROSS_ENTROPY = (
    _wrong(
        "loss_summed",
        "Your loss is the sum over the batch; it should be the mean.",
        (SOFTMAX, f"{SOFTMAX}\n        loss, dscores = loss * len(y), dscores * len(y)"),
    ),
    _wrong(
        "gradient_summed",
        "Your gradients are those of a sum over the batch, while your loss is a mean.",
        (SOFTMAX, f"{SOFTMAX}\n        dscores = dscores * len(y)"),
    ),
    _wrong("gradient_sign", "Your gradients point the other way.", (SOFTMAX, f"{SOFTMAX}\n        dscores = -dscores")),
    _wrong(
        "loss_overflows",
        "Your softmax overflows on large scores.",
        (
            SOFTMAX,
            "exponentials = np.exp(scores)\n"
            "        dscores = exponentials / exponentials.sum(axis=1, keepdims=True)\n"
            "        rows = np.arange(len(y))\n        loss = -np.log(dscores[rows, y]).mean()\n"
            "        dscores[rows, y] -= 1\n        dscores /= len(y)",
        ),
    ),
    _wrong(
        "loss_of_squares",
        "Your loss is a mean of squares; it should be the softmax loss.",
        (
            SOFTMAX,
            "target = np.eye(scores.shape[1])[y]\n"
            "        loss = 0.5 * float(np.mean(np.sum((scores - target) ** 2, axis=1)))\n"
            "        dscores = (scores - target) / len(y)",
        ),
    ),
    _wrong(
        "loss_with_logarithm_base_2",
        "Your loss counts in bits; the natural logarithm was asked for.",
        (SOFTMAX, f"{SOFTMAX}\n        loss, dscores = loss / np.log(2), dscores / np.log(2)"),
    ),
)

WAY_BACK = (
    _wrong(
        "gammas_and_betas_without_gradient",
        "Your grads lack gammas and betas, so that no solver can train them.",
        (SPREAD, 'dhidden, grads[f"W{i}"], grads[f"b{i}"], *_ = gradients'),
    ),
    _wrong(
        "gamma_and_beta_gradients_exchanged",
        "The gradients of gamma and beta stand in each other's place.",
        (SPREAD, SPREAD.replace('grads[f"gamma{i}"], grads[f"beta{i}"]', 'grads[f"beta{i}"], grads[f"gamma{i}"]')),
    ),
    _wrong(
        "biases_without_gradient",
        "Your grads lack the biases of hidden layers.",
        (SPREAD, SPREAD.replace('grads[f"b{i}"]', "_")),
        (PLAIN, PLAIN.replace('grads[f"b{i}"]', "_")),
    ),
    _wrong(
        "first_layer_without_gradient",
        "Your way back ends one layer too early.",
        (BACK, BACK.replace(", 0, -1", ", 1, -1")),
        (PENALIZED, PENALIZED.replace("(1, last", "(2, last")),
    ),
    _wrong(
        "caches_in_reverse",
        "Your way back takes the layers' caches in the wrong order.",
        (FROM_CACHE, FROM_CACHE.replace("caches[i - 1]", "caches[-i]")),
    ),
    _wrong(
        "gradient_not_handed_down",
        "Each of your layers receives the gradient of the last one on the way back.",
        (SPREAD, SPREAD.replace("dhidden", "_", 1)),
        (PLAIN, PLAIN.replace("dhidden", "_", 1)),
    ),
    _wrong(
        "last_gradient_without_bias",
        "The last bias's gradient is not what the scores' gradients add up to.",
        (LAST, f'{LAST}\n        grads[f"b{{last}}"] = 0 * grads[f"b{{last}}"]'),
    ),
    _wrong(
        "last_weights_gradient_averaged",
        "The last weights' gradient is divided by the number of examples once too often.",
        (LAST, f'{LAST}\n        grads[f"W{{last}}"] = grads[f"W{{last}}"] / len(y)'),
    ),
    _wrong(
        "row_vectors_in_grads",
        "Some gradients have a dimension too many: each must have the shape of its parameter.",
        (RETURN, "return loss, {name: np.atleast_2d(gradient) for name, gradient in grads.items()}"),
    ),
    _wrong(
        "gradients_pile_up",
        "Your gradients are added to those of earlier calls.",
        (
            RETURN,
            "before = getattr(self, 'sums', {})\n"
            "        self.sums = {name: grads[name] + before.get(name, 0) for name in grads}\n"
            "        return loss, self.sums",
        ),
    ),
    _wrong(
        "gradients_clipped",
        "Your gradients are cut off at a limit that nobody asked for.",
        (RETURN, "return loss, {name: np.clip(gradient, -0.1, 0.1) for name, gradient in grads.items()}"),
    ),
    _wrong("loss_alone_returned", "Your loss returns no gradients.", (RETURN, "return loss")),
)

LOSS = (*PENALTIES, *CROSS_ENTROPY, *WAY_BACK)
