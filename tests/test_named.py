"""What goes over of the student's global names: values, but for what is too large."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from msgpack import ExtType

from autograder.limits import Limits
from autograder.objects import Objects
from autograder.protocol import HANDLE, MIRROR

LIMITS = Limits(message_bytes=1 << 20, message_items=20_000)


def sent(values: dict[str, Any]) -> dict[str, Any]:
    objects = Objects(LIMITS, lambda *_: None)
    pairs = objects.named(values)
    assert len(b"".join(map(bytes, objects.codec.encode(pairs)))) < 1 << 20
    return {name: value.code if isinstance(value, ExtType) else value for name, value in pairs}


def test_values_cross_in_the_order_of_their_names() -> None:
    values = {"x": np.ones(3), "a": 1, "text": "b", "pair": (1, 2)}
    assert list(sent(values).items()) == [("x", MIRROR), ("a", 1), ("text", "b"), ("pair", (1, 2))]


LARGE: dict[str, Any] = {
    "array": np.zeros(1 << 17),
    "text": "x" * 310_000,
    "bytes": b"x" * 310_000,
    "set": frozenset(f"{number:01000}" for number in range(310)),
    "number": 10**20_000,
    "tuple": (10**20_000, 1),
    "pair of texts": ("x" * 160_000, "y" * 160_000),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_too_large_stays_and_costs_no_other_name(name: str) -> None:
    assert sent({"large": LARGE[name], "f": 2.5, "x": 1}) == {"large": HANDLE, "f": 2.5, "x": 1}


def test_of_values_that_are_too_large_together_the_largest_stay() -> None:
    texts = {letter: letter * size for letter, size in zip("abc", (100_000, 150_000, 120_000), strict=True)}
    assert sent(texts) == {"a": texts["a"], "b": HANDLE, "c": texts["c"]}
    arrays = {letter: np.zeros(size) for letter, size in zip("abc", (50_000, 70_000, 60_000), strict=True)}
    assert sent(arrays) == {"a": MIRROR, "b": HANDLE, "c": MIRROR}


def test_a_table_crosses() -> None:
    assert isinstance(sent({"table": pd.DataFrame({"a": range(1000)})})["table"], pd.DataFrame)
