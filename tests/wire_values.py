"""Values that cross between judge and student, drawn at random, and limits that they soon reach."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.limits import Limits
from autograder.wire import DICTIONARIES, Codec, dictionary

SMALL = Limits(message_bytes=1 << 16, message_items=500, message_depth=9)
PLAIN = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


def crossed(value: Any, limits: Limits | None = None) -> Any:
    codec = Codec(limits or Limits())
    head, *parts = codec.encode(value)
    size, count = struct.unpack_from("<II", head)
    return codec.decode(head[8 + 8 * count :][:size], [bytearray(part) for part in parts])


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b if isinstance(a, frozenset | int) else repr(a) == repr(b)


atoms = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(), st.binary(),
    st.just(...), st.builds(slice, st.none() | st.integers()), st.sets(st.integers()).map(frozenset),
    st.sampled_from([np.float32(1.5), np.int8(3), np.True_, np.False_, np.complex64(2j)]),
    st.sampled_from([float, np.int8, np.dtype("f4")]),
)  # fmt: skip
arrays = hnp.arrays(
    st.sampled_from(["f8", "f4", "f2", "i8", "u1", "?", "c16", "U3", "S2", "M8[D]", "m8[s]"]),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=4),
)
values = st.recursive(
    atoms | arrays,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.builds(
            dictionary, st.sampled_from([dict, *DICTIONARIES]), st.dictionaries(st.text() | st.integers(), inner)
        )
    ),
    max_leaves=20,
)


def deep(kind: type, levels: int) -> Any:
    value = kind()
    for _ in range(levels):
        value = kind((value,))
    return value
