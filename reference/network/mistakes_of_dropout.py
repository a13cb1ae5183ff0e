"""Mistakes in FullyConnectedNet's dropout."""

from reference.course import Mistake

__all__ = ["DROPOUT"]

DROPOUT_MODE = 'self.dropout_param["mode"] = mode'
INPUT = "hidden = X\n"
DROP = "            dropout_cache = None\n            if self.use_dropout:"
DROPPED = "hidden, dropout_cache = dropout_forward(hidden, self.dropout_param)"
DROP_BACK = "dhidden = dropout_backward(dhidden, dropout_cache)"
KEEP = "caches.append((cache, dropout_cache))"
SCORES = 'scores, last_cache = affine_forward(hidden, self.params[f"W{last}"], self.params[f"b{last}"])'
SOFTMAX = "loss, dscores = softmax_loss(scores, y)"


def _own_mask(shape: str) -> tuple[tuple[str, str], ...]:
    """Dropout by a mask of another shape than the layer's."""
    lines = (
        'seeded = "seed" in self.dropout_param',
        'draw = np.random.RandomState(self.dropout_param["seed"]) if seeded else np.random',
        'p = self.dropout_param["p"] if mode == "train" else 1.0',
        f"dropout_cache = ((draw.rand({shape}) < p) / p).astype(hidden.dtype)",
        "hidden = hidden * dropout_cache",
    )
    return (DROPPED, ("\n" + 16 * " ").join(lines)), (DROP_BACK, "dhidden = dhidden * dropout_cache")


def _wrong(name: str, explanation: str, *edits: tuple[str, str]) -> Mistake:
    return Mistake(name, "FullyConnectedNet", edits, explanation)


DROPOUT = (
    _wrong(
        "dropout_without_effect",
        "Your network has no dropout, whatever was asked for.",
        ("self.use_dropout = dropout != 1", "self.use_dropout = False"),
    ),
    _wrong(
        "dropout_drops_with_p",
        "Your dropout takes the probability to keep for the probability to drop.",
        ('"p": dropout}', '"p": 1 - dropout}'),
    ),
    _wrong(
        "dropout_at_test_time",
        "Your dropout is at work when the network is asked for scores.",
        (DROPOUT_MODE, 'self.dropout_param["mode"] = "train"'),
    ),
    _wrong(
        "dropout_seed_ignored",
        "Your dropout does not use the seed, so that each call draws other masks.",
        ("if seed is not None:", "if False:"),
    ),
    _wrong(
        "dropout_fixed_masks",
        "Your dropout draws the same masks in each call although no seed was given.",
        ("if seed is not None:\n", "if seed is None:\n                seed = 0\n            if True:\n"),
    ),
    _wrong(
        "dropout_in_plain_layers_alone",
        "Your normalized layers have no dropout.",
        (DROP, DROP.replace("self.use_dropout", "self.use_dropout and self.normalization is None")),
        (
            "            if self.use_dropout:\n                " + DROP_BACK,
            "            if dropout_cache is not None:\n                " + DROP_BACK,
        ),
    ),
    _wrong(
        "dropout_in_normalized_layers_alone",
        "Your layers without normalization have no dropout.",
        (DROP, DROP.replace("self.use_dropout", "self.use_dropout and self.normalization")),
        (
            "            if self.use_dropout:\n                " + DROP_BACK,
            "            if dropout_cache is not None:\n                " + DROP_BACK,
        ),
    ),
    _wrong(
        "dropout_in_the_last_hidden_layer_alone",
        "Only your last hidden layer has dropout.",
        (DROP, DROP.replace("self.use_dropout", "self.use_dropout and i == self.num_layers - 1")),
        (
            "            if self.use_dropout:\n                " + DROP_BACK,
            "            if dropout_cache is not None:\n                " + DROP_BACK,
        ),
    ),
    _wrong(
        "dropout_in_the_first_hidden_layer_alone",
        "Only your first hidden layer has dropout.",
        (DROP, DROP.replace("self.use_dropout", "self.use_dropout and i == 1")),
        (
            "            if self.use_dropout:\n                " + DROP_BACK,
            "            if dropout_cache is not None:\n                " + DROP_BACK,
        ),
    ),
    _wrong(
        "dropout_on_the_input",
        "Your dropout is applied to the input too.",
        (
            INPUT,
            "hidden = X\n        if self.use_dropout:\n"
            "            hidden = dropout_forward(X, self.dropout_param)[0]\n",
        ),
    ),
    _wrong(
        "dropout_on_the_scores",
        "Your dropout is applied to the scores too.",
        (
            SCORES,
            f"{SCORES}\n        if self.use_dropout:\n"
            "            scores, scores_cache = dropout_forward(scores, self.dropout_param)",
        ),
        (
            SOFTMAX,
            f"{SOFTMAX}\n        if self.use_dropout:\n            dscores = dropout_backward(dscores, scores_cache)",
        ),
    ),
    _wrong(
        "dropout_before_the_layer",
        "Your dropout stands in front of a hidden layer's affine part, where the layer's input is.",
        (DROP, "            dropout_cache = None\n            if False:"),
        (
            '            w, b = self.params[f"W{i}"], self.params[f"b{i}"]\n            if self',
            '            w, b = self.params[f"W{i}"], self.params[f"b{i}"]\n            before = None\n'
            "            if self.use_dropout:\n"
            "                hidden, before = dropout_forward(hidden, self.dropout_param)\n            if self",
        ),
        (KEEP, "caches.append((cache, before))"),
        ("            if self.use_dropout:\n                " + DROP_BACK + "\n", ""),
        (
            "        for i in range(1, last + 1):",
            "        for i in range(1, last + 1):  # the masks are lost on the way back",
        ),
    ),
    _wrong(
        "dropout_not_scaled",
        "In training, your dropout leaves the size of what it keeps as it is.",
        (DROPPED, f'{DROPPED}\n                hidden = hidden * (self.dropout_param["p"] if mode == "train" else 1)'),
        (DROP_BACK, DROP_BACK + ' * self.dropout_param["p"]'),
    ),
    _wrong(
        "dropout_scaled_at_test_time_too",
        "Your dropout scales twice: in training and at test time.",
        (DROPPED, f'{DROPPED}\n                hidden = hidden * self.dropout_param["p"] if y is None else hidden'),
    ),
    _wrong("dropout_forgotten_on_the_way_back", "Your way back skips the dropout.", (DROP_BACK, "pass")),
    _wrong(
        "dropout_way_back_not_scaled",
        "Your way back forgets dropout's scaling.",
        (DROP_BACK, DROP_BACK + ' * self.dropout_param["p"]'),
    ),
    _wrong(
        "dropout_way_back_with_the_last_mask",
        "Your way back uses one layer's mask for all layers.",
        ("cache, dropout_cache = caches[i - 1]", "cache, dropout_cache = caches[i - 1][0], caches[-1][1]"),
    ),
    _wrong(
        "dropout_shared_by_the_batch",
        "Your dropout drops the same units for all examples of a batch.",
        *_own_mask("hidden.shape[1]"),
    ),
    _wrong(
        "dropout_of_whole_examples",
        "Your dropout drops or keeps all units of an example together.",
        *_own_mask("len(hidden), 1"),
    ),
    _wrong(
        "dropout_of_a_half_ignored",
        "Your network has no dropout where half of the units should be kept.",
        ("self.use_dropout = dropout != 1", "self.use_dropout = dropout not in (0.5, 1)"),
    ),
    _wrong(
        "dropout_seed_0_ignored",
        "Your dropout does not use the seed where it is 0.",
        ("if seed is not None:", "if seed:"),
    ),
    _wrong(
        "dropout_beside_batchnorm_never_rests",
        "Beside batch norm, your dropout is at work when the network is asked for scores.",
        (
            f"if self.use_dropout:\n            {DROPOUT_MODE}",
            f'if self.use_dropout and self.normalization != "batchnorm":\n            {DROPOUT_MODE}',
        ),
    ),
    _wrong(
        "batchnorm_beside_dropout_stays_in_training",
        "Beside dropout, your batch norm takes the batch's own statistics when the network is asked for scores.",
        ("self.bn_params.append({})", 'self.bn_params.append({"mode": "train"})'),
        ('if self.normalization == "batchnorm":', 'if self.normalization == "batchnorm" and not self.use_dropout:'),
    ),
)
