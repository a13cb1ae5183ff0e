"""The 1,797 handwritten digits of the UCI repository, bundled: nothing is downloaded.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
https://doi.org/10.24432/C50P49, CC BY 4.0; the set's test part. Changed: stored as one compressed array file.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["load_digits"]


def load_digits(num_val: int = 297, num_test: int = 500, seed: int = 0) -> dict[str, NDArray[Any]]:
    """The digits, shuffled by ``seed`` and split: X_train, y_train, X_val, y_val, X_test, y_test.

    X: (N, 64) float64, 8 x 8 images row by row, the pixels 0..16 shifted and scaled to -1..1. y: (N,) int64, 0..9.
    Raises ValueError when a part is negative and when the two leave no training data.

    >>> digits = load_digits(num_val=200, num_test=97)
    >>> digits["X_train"].shape, digits["y_val"][:5].tolist()
    ((1500, 64), [0, 4, 4, 8, 4])
    """
    with files("normlab").joinpath("digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
        pixels, labels = stored["pixels"], stored["labels"]
    num_train = len(labels) - num_val - num_test
    if min(num_val, num_test) < 0 or num_train <= 0:
        raise ValueError(
            f"num_val and num_test must be 0 or more and together under {len(labels)}, got {num_val} + {num_test}"
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    X, y = pixels[order] / 8.0 - 1.0, labels[order].astype(np.int64)
    parts = np.split(np.arange(len(labels)), [num_train, num_train + num_val])
    return {
        f"{array}_{part}": values[rows]
        for part, rows in zip(("train", "val", "test"), parts, strict=True)
        for array, values in (("X", X), ("y", y))
    }
