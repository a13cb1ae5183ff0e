"""The digits: what they hold, how they are split."""

import numpy as np
import pytest

from normlab.data import load_digits


def test_the_set_is_the_published_one() -> None:
    digits = load_digits(num_val=0, num_test=0)
    assert digits["X_train"].shape == (1797, 64)
    assert np.bincount(digits["y_train"]).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    pixels = (digits["X_train"] + 1) * 8
    assert (pixels.min(), pixels.max()) == (0, 16)
    assert pixels.sum() == 561718  # the sum of the published file


def test_the_parts_have_the_asked_sizes_and_types() -> None:
    digits = load_digits(num_val=297, num_test=500)
    assert {name: array.shape[0] for name, array in digits.items() if name[0] == "X"} == {
        "X_train": 1000,
        "X_val": 297,
        "X_test": 500,
    }
    assert all(len(digits[f"X_{part}"]) == len(digits[f"y_{part}"]) for part in ("train", "val", "test"))
    assert digits["X_train"].dtype == np.float64
    assert digits["y_train"].dtype == np.int64


def test_the_parts_do_not_overlap() -> None:
    digits, whole = load_digits(), load_digits(0, 0)
    parts = np.concatenate(
        [np.column_stack([digits[f"X_{part}"], digits[f"y_{part}"]]) for part in ("train", "val", "test")]
    )
    np.testing.assert_array_equal(parts, np.column_stack([whole["X_train"], whole["y_train"]]))


def test_a_seed_fixes_the_shuffle() -> None:
    np.testing.assert_array_equal(load_digits(seed=1)["y_test"], load_digits(seed=1)["y_test"])
    assert not np.array_equal(load_digits(seed=1)["y_test"], load_digits(seed=2)["y_test"])


def test_neighbors_resemble_each_other_more_than_strangers() -> None:
    """A nearest-neighbor rule is right on most digits only if images and labels belong together."""
    digits = load_digits()
    distances = ((digits["X_test"][:, None] - digits["X_train"][None]) ** 2).sum(axis=2)
    assert np.mean(digits["y_train"][distances.argmin(axis=1)] == digits["y_test"]) > 0.95


@pytest.mark.parametrize(("num_val", "num_test"), [(1000, 797), (-1, 5), (5, -1)])
def test_an_empty_training_set_is_refused(num_val: int, num_test: int) -> None:
    with pytest.raises(ValueError, match=f"under 1797, got {num_val} \\+ {num_test}"):
        load_digits(num_val, num_test)
