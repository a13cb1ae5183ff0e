"""Mistakes in FullyConnectedNet's layers, modes and running statistics."""

from reference.course import Mistake

__all__ = ["NETWORK"]

REMEMBER = "self.bn_params.append({})"
MODE = 'bn_param["mode"] = mode'
INPUT = "hidden = X\n"
PLAIN = "            if self.normalization is None:\n                a, affine_cache"
PLAIN_BACK = "            if self.normalization is None:\n                affine_cache, relu_cache"
PLAIN_RELU = "hidden, relu_cache = relu_forward(a)"
FORWARD = '{"batchnorm": affine_bn_relu_forward, "layernorm": affine_ln_relu_forward}'
BACKWARD = '{"batchnorm": affine_bn_relu_backward, "layernorm": affine_ln_relu_backward}'
CALL = "hidden, cache = layers[self.normalization](hidden, w, b, gamma, beta, self.bn_params[i - 1])"
SCORES = 'scores, last_cache = affine_forward(hidden, self.params[f"W{last}"], self.params[f"b{last}"])'
SOFTMAX = "loss, dscores = softmax_loss(scores, y)"


def _wrong(name: str, explanation: str, *edits: tuple[str, str]) -> Mistake:
    return Mistake(name, "FullyConnectedNet", edits, explanation)


LAYERS = (
    _wrong(
        "normalization_without_effect",
        "Your network runs its layers without normalization, whatever was asked for.",
        (PLAIN, PLAIN.replace("self.normalization is None", "True")),
        (PLAIN_BACK, PLAIN_BACK.replace("self.normalization is None", "True")),
    ),
    _wrong(
        "layer_norm_without_effect",
        "Your network runs its layers without normalization when layer norm is asked for.",
        (PLAIN, PLAIN.replace("self.normalization is None", 'self.normalization != "batchnorm"')),
        (PLAIN_BACK, PLAIN_BACK.replace("self.normalization is None", 'self.normalization != "batchnorm"')),
    ),
    _wrong(
        "layer_norm_without_its_way_back",
        "With layer norm your backward pass takes the branch of a network without normalization.",
        (PLAIN_BACK, PLAIN_BACK.replace("self.normalization is None", 'self.normalization != "batchnorm"')),
        ("affine_cache, relu_cache = cache\n", "affine_cache, *_, relu_cache = cache\n"),
    ),
    _wrong(
        "layer_norm_is_batch_norm",
        "With layer norm your network normalizes over the batch.",
        (FORWARD, FORWARD.replace("affine_ln", "affine_bn")),
        (BACKWARD, BACKWARD.replace("affine_ln", "affine_bn")),
        ('if self.normalization == "batchnorm":', "if True:"),
    ),
    _wrong(
        "batch_norm_is_layer_norm",
        "With batch norm your network normalizes each example by itself.",
        (FORWARD, FORWARD.replace("affine_bn", "affine_ln")),
        (BACKWARD, BACKWARD.replace("affine_bn", "affine_ln")),
    ),
    _wrong(
        "plain_branch_after_batch_norm",
        "With batch norm your network runs the branch without normalization as well, as an `else` that belongs to the "
        "last `if` alone does.",
        (
            f"                {CALL}\n",
            f"                {CALL}\n"
            '                if self.normalization == "batchnorm":\n'
            "                    hidden = relu_forward(affine_forward(hidden, w, b)[0])[0]\n",
        ),
    ),
    _wrong(
        "first_layer_alone_normalized",
        "Only your first hidden layer is normalized.",
        (PLAIN, PLAIN.replace("self.normalization is None", "self.normalization is None or i > 1")),
        (PLAIN_BACK, PLAIN_BACK.replace("self.normalization is None", "self.normalization is None or i > 1")),
    ),
    _wrong(
        "one_gamma_for_all_layers",
        "All your hidden layers use the first one's gamma and beta.",
        (
            'self.params[f"gamma{i}"], self.params[f"beta{i}"]\n                hidden',
            'self.params["gamma1"], self.params["beta1"]\n                hidden',
        ),
    ),
    _wrong(
        "gamma_and_beta_exchanged_in_the_network",
        "Your network hands beta where gamma belongs.",
        (CALL, CALL.replace("gamma, beta", "beta, gamma")),
    ),
    _wrong(
        "one_hidden_layer_too_few",
        "One of your hidden layers is never computed.",
        ("        for i in range(1, self.num_layers):\n", "        for i in range(1, self.num_layers - 1):\n"),
    ),
    _wrong(
        "plain_layers_without_relu",
        "Without a normalization your hidden layers have no ReLU.",
        (PLAIN_RELU, "hidden, relu_cache = a, np.ones_like(a)"),
    ),
    _wrong(
        "plain_layers_without_bias",
        "Without a normalization your hidden layers have no bias.",
        ("a, affine_cache = affine_forward(hidden, w, b)", "a, affine_cache = affine_forward(hidden, w, 0 * b)"),
    ),
    _wrong(
        "plain_way_back_without_relu",
        "Without a normalization your way back skips the ReLU.",
        ("da = relu_backward(dhidden, relu_cache)", "da = dhidden"),
    ),
    _wrong(
        "relu_on_the_scores",
        "Your scores pass through a ReLU, which cuts off all negative ones.",
        (SCORES, f"{SCORES}\n        raw, scores = scores, np.maximum(scores, 0)"),
        (SOFTMAX, f"{SOFTMAX}\n        dscores = dscores * (raw > 0)"),
    ),
    _wrong(
        "scores_normalized",
        "Your scores are normalized too.",
        (SCORES, f"{SCORES}\n        scores = (scores - scores.mean(axis=0)) / np.sqrt(scores.var(axis=0) + 1e-5)"),
    ),
    _wrong(
        "scores_without_bias",
        "The last layer's bias has no influence on your scores.",
        (SCORES, SCORES.replace('self.params[f"b{last}"]', '0 * self.params[f"b{last}"]')),
    ),
    _wrong(
        "probabilities_for_scores",
        "In test mode your network returns probabilities; the raw scores were asked for.",
        (
            "return scores\n",
            "exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))\n"
            "            return exponentials / exponentials.sum(axis=1, keepdims=True)\n",
        ),
    ),
    _wrong(
        "labels_for_scores",
        "In test mode your network returns labels; the scores were asked for.",
        ("return scores\n", "return scores.argmax(axis=1)\n"),
    ),
    _wrong(
        "input_centered",
        "Your network changes its input before the first layer.",
        (INPUT, "hidden = X - X.mean(axis=0)\n"),
    ),
    _wrong(
        "labels_of_0_taken_for_none",
        "Where all labels are 0, your network behaves as if it had been given none.",
        ("if y is None:\n", "if y is None or not np.any(y):\n"),
    ),
    _wrong(
        "float32_inside",
        "Your network rounds its input to float32, whatever dtype was asked for.",
        ("X = X.astype(self.dtype)", "X = X.astype(np.float32)"),
    ),
    _wrong(
        "parameters_decay_in_loss",
        "Computing the loss changes your parameters.",
        (
            "        for i in range(1, last + 1):\n            w",
            '        for i in range(1, last + 1):\n            self.params[f"W{i}"] *= 1 - 1e-3 * self.reg\n'
            "            w",
        ),
    ),
)

STATE = (
    _wrong(
        "new_dictionary_at_each_call",
        "Each call of your loss starts with new dictionaries, so that the running statistics are lost.",
        (CALL, CALL.replace("self.bn_params[i - 1]", '{"mode": mode}')),
    ),
    _wrong(
        "one_dictionary_for_all_layers",
        "All your layers share one dictionary of running statistics.",
        (CALL, CALL.replace("self.bn_params[i - 1]", "self.bn_params[0]")),
    ),
    _wrong(
        "never_in_test_mode",
        "Your network stays in training mode when it is asked for scores.",
        ('mode = "test" if y is None else "train"', 'mode = "train"'),
    ),
    _wrong(
        "batch_norm_never_in_test_mode",
        "Your batch norm stays in training mode when the network is asked for scores.",
        (MODE, 'bn_param["mode"] = "train"'),
    ),
    _wrong(
        "batch_norm_always_in_test_mode",
        "Your batch norm is in test mode while the network is trained.",
        (MODE, 'bn_param["mode"] = "test"'),
    ),
    _wrong(
        "modes_exchanged",
        "Your network is in test mode when it has labels, and in training mode when it has none.",
        ('"test" if y is None else "train"', '"train" if y is None else "test"'),
    ),
    _wrong(
        "first_layer_alone_in_test_mode",
        "Only one of your batch norms learns which mode the network is in.",
        (
            "for bn_param in self.bn_params:\n                " + MODE,
            'for bn_param in self.bn_params:\n                bn_param["mode"] = "train"\n'
            '            self.bn_params[0]["mode"] = mode',
        ),
    ),
    _wrong(
        "another_eps",
        "Your losses equal those of a network whose normalization has another eps than the default.",
        (REMEMBER, 'self.bn_params.append({"eps": 1e-8})'),
    ),
    _wrong(
        "another_momentum",
        "Your running statistics forget at another rate than the default momentum's.",
        (REMEMBER, 'self.bn_params.append({"momentum": 0.1})'),
    ),
    _wrong(
        "statistics_move_at_test_time",
        "Asking your network for scores changes its running statistics.",
        (
            CALL,
            f'{CALL}\n                if mode == "test" and "running_mean" in self.bn_params[i - 1]:\n'
            '                    self.bn_params[i - 1]["running_mean"] = 0.9 * self.bn_params[i - 1]["running_mean"]',
        ),
    ),
)

NETWORK = (*LAYERS, *STATE)
