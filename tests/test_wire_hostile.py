"""Whatever bytes come from the student's process, they are a value or a ProtocolError, within the limits."""

from __future__ import annotations

import struct
import tracemalloc
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import wire
from autograder.errors import ProtocolError
from autograder.limits import Limits
from autograder.wire import Codec
from tests.wire_values import PLAIN, SMALL, deep, values


def test_tuples_are_refused_while_they_are_read_and_not_after() -> None:
    """Those that go on and on overflow the stack first."""
    head, *_ = Codec(Limits()).encode([*[()] * 20, deep(tuple, 9)])
    with pytest.raises(ProtocolError, match=r"nested too deeply$"):
        Codec(SMALL).decode(head[8:], [])


def test_a_list_takes_no_memory_before_its_size_is_checked() -> None:
    body = (b"\xdd" + struct.pack(">I", 5000)) * 1000 + bytes(3000)
    codec = Codec(SMALL)
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            codec.decode(body, [])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100_000


@pytest.mark.parametrize(
    ("code", "data"),
    [
        (wire.ARRAY, struct.pack("<BBBQ", 0, 0, 1, 2**62) + b"x" * 8),
        (wire.ARRAY, struct.pack("<BBBQQ", 0, 0, 2, 2**32, 2**32)),
        (wire.ARRAY, struct.pack("<BBBQ", 200, 0, 1, 1) + b"x" * 8),
        (wire.ARRAY, struct.pack("<BBBQ", 11, 0, 1, 1) + b"\x07"),
        (wire.ARRAY, b""),
        (wire.BULK_ARRAY, b"\0\0\0\0" + struct.pack("<BBBQ", 0, 0, 1, 1)),
        (wire.TEXT_ARRAY, b"\x03\x01" + b"|O8" + struct.pack("<Q", 1) + b"x" * 8),
        (wire.TEXT_ARRAY, b"\x05\x01" + b"f4,f4" + struct.pack("<Q", 1) + b"x" * 8),
        (wire.TEXT_ARRAY, b"\x03\x01" + b"<U1" + struct.pack("<Q", 1) + b"\xff" * 4),
        (wire.TEXT_ARRAY, b"\x03\x01" + b"<U0" + struct.pack("<Q", 1)),
        (wire.TEXT_ARRAY, b"\x03\x01" + b"<U1" + struct.pack("<Q", 1) + struct.pack("<I", 0x110000)),
        (wire.TEXT_ARRAY, b"\x03\x01" + b">U1" + struct.pack("<Q", 1) + struct.pack(">I", 0x110000)),
        (wire.TEXT_ARRAY, b"\x03\x01" + b"<U1" + struct.pack("<Q", 1) + b"x" * 5),
        (wire.TEXT_ARRAY, b"\x03\x01" + b"|S1" + struct.pack("<Q", 1) + b"xx"),
        (wire.TEXT_ARRAY, b"\x03\x01" + b"|S2" + struct.pack("<Q", 1) + b"x"),
        (wire.SCALAR, b"\x00" + b"x"),
        (wire.SCALAR, b"\x00" + b"x" * 9),
        (wire.SCALAR, b"\x0b\x02"),
        (wire.SCALAR, b"\x0b\x07"),
        (wire.COMPLEX, b"x"),
        (wire.NUMBER_TYPE, b"\0\0"),
        (wire.DTYPE, b"\0\0"),
        (wire.SLICE, msgpack.packb([1, 2, 3, 4])),
        (wire.TUPLE, msgpack.packb(3)),
        (wire.SET, msgpack.packb([[1]])),
        (wire.BIGINT, b"x" * 5000),
        (wire.TABLE, msgpack.packb(["range", "x"])),
        (wire.TABLE, msgpack.packb(["Series", "n", ["range", None, 0, 2, 1], ["<f8", [1, 2]]])),
        (wire.TABLE, msgpack.packb(["DataFrame", ["range", None, 0, 2, 1], ["range", None, 0, 1, 1], []])),
        (wire.TABLE, msgpack.packb(["Timestamp", {}])),
        (wire.TABLE, msgpack.packb([])),
        (wire.DICTIONARY, msgpack.packb([0, [["a", 1]], None])),
        (wire.DICTIONARY, msgpack.packb([2, "aab", None])),
        (wire.DICTIONARY, msgpack.packb([1, {}, 5])),
        (wire.DICTIONARY, msgpack.packb([3, {}, None])),
        (wire.DICTIONARY, msgpack.packb([0, {}])),
        (wire.DICTIONARY, msgpack.packb([0, {"a": msgpack.Timestamp(1)}, None])),
        (wire.DICTIONARY, msgpack.packb([0, {"a": [0] * 600}, None])),
        (wire.FIRST_FREE, b""),
        (-1, b"\0\0\0\1"),
        (99, b""),
    ],
)
def test_malformed_values_are_protocol_errors(code: int, data: bytes) -> None:
    body = msgpack.packb(msgpack.ExtType(code, data)) if code >= 0 else b"\xd6\xff" + data
    with pytest.raises(ProtocolError):
        Codec(Limits(message_items=500)).decode(body, [])


@pytest.mark.parametrize(
    "body", [b"", b"\xc1", b"\x91", b"\x91" * 10**5, b"\x80\x80", b"\xdd\xff\xff\xff\xff", b"\xc0\xc0"], ids=len
)
def test_malformed_bodies_are_protocol_errors(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        Codec(Limits()).decode(body, [])


def decoded(body: bytes, parts: list[bytearray]) -> None:
    try:
        Codec(SMALL).decode(body, parts)
    except ProtocolError:
        return


@PLAIN
@given(st.binary(max_size=2000), st.lists(st.binary(max_size=50).map(bytearray), max_size=2))
def test_random_bytes_raise_protocol_errors_alone(body: bytes, parts: list[bytearray]) -> None:
    decoded(body, parts)


@PLAIN
@given(values, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_mutated_messages_raise_protocol_errors_alone(value: Any, edits: list[tuple[float, int]]) -> None:
    head, *_ = Codec(Limits()).encode([value, np.arange(3.0)])
    body = bytearray(head[8:])
    for where, byte in edits:
        body[int(where * (len(body) - 1))] = byte
    decoded(bytes(body), [])
