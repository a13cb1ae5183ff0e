"""The serializer between judge and student: what crosses unchanged, and that hostile bytes do nothing else."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given

from autograder import channel, wire
from autograder.channel import Channel
from autograder.errors import ProtocolError, UsageError
from autograder.limits import Limits
from autograder.wire import Codec
from tests.wire_values import PLAIN, SMALL, crossed, deep, same, values


@PLAIN
@given(values)
def test_plain_values_cross_unchanged(value: Any) -> None:
    assert same(crossed(value), value)


@pytest.mark.parametrize("shape", [(200, 300), (0, 5), (1, 1)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_keep_their_memory_order_and_can_be_written(shape: tuple[int, ...], order: str) -> None:
    array = np.asarray(np.arange(float(np.prod(shape))).reshape(shape), order=order)  # type: ignore[call-overload]
    got = crossed(array)
    assert same(got, array)
    assert got.flags.writeable
    assert got.flags.f_contiguous == array.flags.f_contiguous


def test_an_array_whose_numbers_lie_apart_is_sent_row_by_row() -> None:
    got = crossed(np.arange(24.0).reshape(4, 6)[:, ::2].T)
    assert got.tolist() == np.arange(24.0).reshape(4, 6)[:, ::2].T.tolist()
    assert got.flags.c_contiguous


@pytest.mark.parametrize("name", ["?", *"bhilBHILefdFD", "<U2", ">U2", "S2", "<M8[D]", ">m8[s]"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_arrays_of_zeros_cross_unchanged_whatever_their_type(name: str, count: int) -> None:
    assert same(crossed(np.zeros(count, name)), np.zeros(count, name))


@pytest.mark.parametrize("name", ["<U2", ">U2"])
def test_text_crosses_in_both_orders_of_bytes(name: str) -> None:
    assert same(crossed(np.array(["ab", "\U0010ffff"], name)), np.array(["ab", "\U0010ffff"], name))


@pytest.mark.parametrize("name", ["<M8[D]", "<m8[s]"])
def test_dates_before_1970_and_negative_times_cross_unchanged(name: str) -> None:
    assert same(crossed(np.array([-1], name)), np.array([-1], name))


def test_lone_surrogates_cross() -> None:
    assert crossed("a\ud800") == "a\ud800"


@pytest.mark.parametrize("value", [object(), len, np.array([object()]), np.zeros(2, "f4,f8"), 1 << 40000], ids=type)
def test_what_cannot_cross_is_refused_before_it_is_sent(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Codec(Limits()).encode([value])


def refused(buffers: list[Any], limits: Limits) -> bool:
    """Whether who receives them with these limits refuses them."""
    ours, theirs = socket.socketpair()

    def send() -> None:
        with suppress(OSError):  # who refuses a message does not read on
            for part in buffers:
                theirs.sendall(part)

    sender = threading.Thread(target=send)
    with theirs:
        with ours:
            sender.start()
            try:
                Channel(ours, Codec(limits)).receive()
                found = False
            except ProtocolError:
                found = True
        sender.join()  # before its descriptor is closed, and its number is given to the next pair of sockets
    return found


@pytest.mark.parametrize(
    "value",
    [b"x" * (1 << 17), np.zeros(1 << 14), [None] * 600, {i: i for i in range(600)}, deep(list, 20), deep(tuple, 20)],
    ids=["bytes", "array", "list", "dict", "depth of lists", "depth of tuples"],
)
def test_limits_of_size_count_and_depth_hold_on_both_sides(value: Any) -> None:
    buffers = Codec(Limits()).encode(value)
    assert refused(buffers, SMALL)
    assert not refused(buffers, Limits())


EXACT: dict[str, tuple[Any, Any]] = {  # what just crosses with SMALL and the bounds of the test, and what does not
    "bytes of the body": (b"x" * 7997, b"x" * 7998),
    "bytes of the parts": (np.zeros(1 << 16, "u1"), np.zeros((1 << 16) + 1, "u1")),
    "parts": ([np.zeros(17000, "u1")] * 3, [np.zeros(17000, "u1")] * 4),
    "items of one list": ([None] * 500, [None] * 501),
    "items of all lists": ([[None] * 249, [None] * 249], [[None] * 249, [None] * 250]),
    "items of dictionaries": ({n: [None] * 98 for n in range(5)}, {n: [None] * 100 for n in range(5)}),
    "depth of lists": (deep(list, 8), deep(list, 9)),
    "depth of values of a dictionary": ({1: deep(list, 7)}, {1: deep(list, 8)}),
    "depth of tuples": (deep(tuple, 8), deep(tuple, 9)),
    "keys": (dict.fromkeys(range(40)), dict.fromkeys(range(41))),
    "values of a set": (set(range(40)), set(range(41))),
    "keys that hash alike": (
        {n * (2**61 - 1): 0 for n in range(4)},
        {n * (2**61 - 1): 0 for n in range(5)},
    ),
    "values that hash alike": ({n * (2**61 - 1) for n in range(4)}, {n * (2**61 - 1) for n in range(5)}),
    "an integer": ((1 << 319) - 1, 1 << 319),
    "a negative integer": (-(1 << 319) + 1, -(1 << 320)),
}  # fmt: skip


@pytest.mark.parametrize("case", EXACT)
def test_what_just_keeps_within_a_limit_crosses_and_what_is_one_over_does_not(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits, does_not = EXACT[case]
    buffers = Codec(Limits()).encode(does_not)
    monkeypatch.setattr(wire, "MAX_PARTS", 3)
    monkeypatch.setattr(channel, "MAX_PARTS", 3)
    monkeypatch.setattr(wire, "MAX_MAP", 40)
    monkeypatch.setattr(wire, "MAX_ALIKE", 4)
    monkeypatch.setattr(wire, "_BIGINT_BYTES", 40)
    assert same(crossed(fits, SMALL), fits)
    assert not refused(Codec(SMALL).encode(fits), SMALL)
    assert refused(buffers, SMALL)


@pytest.mark.parametrize("case", ["bytes of the body", "bytes of the parts", "parts", "an integer", "depth of tuples"])
def test_what_is_one_over_a_limit_is_refused_before_it_is_sent(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_PARTS", 3)
    monkeypatch.setattr(wire, "_BIGINT_BYTES", 40)
    with pytest.raises(ValueError, match=r"too (large|deeply)"):
        Codec(SMALL).encode(EXACT[case][1])


@pytest.mark.parametrize("content", [1.5, "x\U0010ffff"])
def test_an_array_crosses_with_32_axes_and_does_not_with_33(content: Any) -> None:
    assert same(crossed(np.full((1,) * 32, content)), np.full((1,) * 32, content))
    with pytest.raises(TypeError):
        Codec(Limits()).encode(np.full((1,) * 33, content))


def test_a_part_is_used_once_and_by_an_array_of_its_size() -> None:
    def read(*numbers: int, size: int = 16, tail: bytes = b"") -> Any:
        head = struct.pack("<BBBQ", 0, 0, 1, 2) + tail
        arrays = [msgpack.ExtType(wire.BULK_ARRAY, struct.pack("<I", number) + head) for number in numbers]
        return Codec(Limits()).decode(msgpack.packb(arrays), [bytearray(size), bytearray(16)])

    assert [array.tolist() for array in read(0, 1)] == [[0, 0]] * 2
    for wrong in ({"size": 15}, {"size": 24}, {"tail": b"x"}):
        with pytest.raises(ProtocolError):
            read(0, **wrong)
    for numbers in ((0, 0), (2,)):
        with pytest.raises(ProtocolError):
            read(*numbers)


def test_a_refusal_tells_how_large_the_value_is() -> None:
    with pytest.raises(ValueError, match=r"\(1000\d\d bytes\)"):
        Codec(SMALL).encode([b"x" * 50000, np.zeros(50000, "u1")])


@pytest.mark.parametrize(
    ("just", "over"),
    [([0] * 450, [0] * 451), ((0,) * 450, (0,) * 451), (dict.fromkeys(range(7)), dict.fromkeys(range(8)))],
)
def test_what_the_other_side_would_take_for_an_attack_is_too_large(just: Any, over: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(wire, "MAX_MAP", 7)
    codec = Codec(SMALL)
    codec.require_small(just)
    codec.require_small(type(just)())
    with pytest.raises(ValueError, match=rf"{type(over).__name__} of \d+ values is too large: {len(just)} can cross"):
        codec.require_small(over)


def test_a_value_is_checked_without_a_trace_in_the_message_that_is_being_made() -> None:
    codec = Codec(SMALL)
    codec.pack(np.zeros(wire.BULK // 8 + 1))
    codec.check([1, 2])
    with pytest.raises(ValueError, match="too large"):
        codec.check(np.zeros(wire.BULK))
    _, *parts = codec.encode([])
    assert [each.nbytes for each in parts] == [wire.BULK + 8]


def test_fractions_and_decimals_cross() -> None:
    assert crossed([Fraction(1, 3), Decimal("0.1")]) == [Fraction(1, 3), Decimal("0.1")]


def test_an_array_is_a_part_of_its_own_when_it_is_larger_than_bulk() -> None:
    sizes = (1, wire.BULK, wire.BULK + 1)
    assert [len(Codec(Limits()).encode(np.zeros(size, "u1"))) for size in sizes] == [1, 1, 2]


def test_what_lies_side_by_side_is_not_nested() -> None:
    assert same(crossed([()] * 100, SMALL), [()] * 100)


def test_a_message_leaves_nothing_to_the_next_whether_it_crossed_or_not() -> None:
    codec = Codec(SMALL)
    array = np.zeros(wire.BULK + 1, "u1")
    fits, does_not = EXACT["depth of tuples"]
    too_deep = Codec(Limits()).encode(does_not)[0][8:]
    for _ in range(2):
        assert len(codec.encode(array)) == 2
        with pytest.raises(TypeError):
            codec.encode([array, object()])
        with pytest.raises(ValueError, match="too deeply"):
            codec.encode(does_not)
        with pytest.raises(ProtocolError):
            codec.decode(too_deep, [])
        assert same(codec.decode(codec.encode(fits)[0][8:], []), fits)


def test_what_no_codec_knows_goes_through_the_hooks_of_the_endpoint() -> None:
    codec = Codec(
        Limits(),
        lambda value: wire.extension(wire.FIRST_FREE, type(value).__name__.encode()),
        lambda code, data: (code, data),
    )
    assert codec.decode(codec.encode([object()])[0][8:], []) == [(wire.FIRST_FREE, b"object")]


def test_no_course_allows_a_depth_at_which_msgpack_overflows_the_stack() -> None:
    assert same(crossed(deep(tuple, 99), Limits(message_depth=100)), deep(tuple, 99))
    with pytest.raises(UsageError, match="message_depth may be 100 at most, not 101"):
        Limits(message_depth=101)
