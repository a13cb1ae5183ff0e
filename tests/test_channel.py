"""Frames over a socket: whole however they are cut, refused before they take memory, and never more read than one."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.channel import Channel
from autograder.errors import ProtocolError
from autograder.limits import Limits
from autograder.wire import MAX_PARTS, Codec

SMALL = Limits(message_bytes=1000, message_items=50)
MAX_BODY = 800  # 16 bytes of body for each of the items
FRAMES = [
    (b"", []),
    (b"b", []),
    (b"body", []),
    (b"body", [b"part"]),
    (b"", [b"", b"p"]),
    (b"b" * 27, []),
    (b"b" * 20, [b"x" * 30] * 3),
]


class Stream:
    """A connected socket that gives the bytes in pieces of these sizes, again and again, then ends."""

    def __init__(self, data: bytes, *cuts: int) -> None:
        self.data, self.cuts = data, itertools.cycle(cuts or [1 << 20])

    def recv(self, size: int) -> bytes:
        assert size > 0
        piece, self.data = self.data[: (room := min(size, next(self.cuts)))], self.data[room:]
        return piece

    def recv_into(self, view: memoryview) -> int:
        piece = self.recv(len(view))
        view[: len(piece)] = piece
        return len(piece)


def frame(body: bytes, parts: list[bytes]) -> bytes:
    sizes = struct.pack(f"<{len(parts)}Q", *map(len, parts))
    return struct.pack("<II", len(body), len(parts)) + sizes + body + b"".join(parts)


def over(stream: Stream, limits: Limits = SMALL) -> Channel:
    made: Any = stream
    return Channel(made, Codec(limits))


def received(stream: Stream, limits: Limits = SMALL) -> tuple[bytes, list[bytes]]:
    body, parts = over(stream, limits).receive_frame()
    assert all(isinstance(part, bytearray) for part in parts)  # arrays are made of them, to be written
    return bytes(body), [bytes(part) for part in parts]


@pytest.mark.parametrize(("body", "parts"), FRAMES)
def test_a_frame_arrives_whole_wherever_it_is_cut(body: bytes, parts: list[bytes]) -> None:
    data = frame(body, parts)
    for first in range(1, len(data) + 1):
        for later in (1, 3, 1 << 20):
            stream = Stream(data, first, *[later] * len(data))
            assert received(stream) == (body, parts), (first, later)
            assert stream.data == b""


@pytest.mark.parametrize(("body", "parts"), FRAMES)
@pytest.mark.parametrize("cut", [1, 7, 1 << 20])
def test_a_stream_that_ends_within_a_frame_is_at_its_end(body: bytes, parts: list[bytes], cut: int) -> None:
    data = frame(body, parts)
    for size in range(len(data)):
        with pytest.raises(EOFError):
            over(Stream(data[:size], cut)).receive_frame()


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"b" * 70_000, []),
        (b"", [b"p" * 70_000]),
        (b"b" * 65_528, []),
        (b"b" * 65_529, []),
        (b"b" * 65_500, [b"p" * 99]),
    ],
)
def test_of_a_frame_larger_than_one_read_nothing_of_the_next_is_taken(body: bytes, parts: list[bytes]) -> None:
    data, after = frame(body, parts), frame(b"next", [])
    stream = Stream(data + (after if len(data) > 65_536 else b""))
    large = Limits()
    channel = over(stream, large)
    assert [bytes(channel.receive_frame()[0]), stream.data] == [body, after if len(data) > 65_536 else b""]
    if stream.data:
        assert bytes(channel.receive_frame()[0]) == b"next"


@pytest.mark.parametrize(("body", "parts"), FRAMES)
def test_bytes_after_the_end_of_a_message_are_refused(body: bytes, parts: list[bytes]) -> None:
    for more in (b"!", b"!" * 8):
        with pytest.raises(ProtocolError, match="bytes after the end of a message"):
            over(Stream(frame(body, parts) + more)).receive_frame()


@pytest.mark.parametrize(("body", "parts"), FRAMES)
def test_of_a_frame_whose_head_comes_in_pieces_nothing_of_the_next_is_taken(body: bytes, parts: list[bytes]) -> None:
    for first in range(1, 8 + 8 * len(parts)):
        stream = Stream(frame(body, parts) + b"next", first, 1 << 20)
        assert received(stream) == (body, parts)
        assert stream.data == b"next"


@pytest.mark.parametrize("cut", [1 << 20, 1])
def test_a_body_just_within_the_limit_arrives_and_one_over_does_not(cut: int) -> None:
    assert received(Stream(frame(b"b" * MAX_BODY, []), cut))[0] == b"b" * MAX_BODY
    stream = Stream(frame(b"b" * (MAX_BODY + 1), []), cut)
    with pytest.raises(ProtocolError, match="a message over the limit"):
        over(stream).receive_frame()


@pytest.mark.parametrize("sizes", [[1000], [400, 600]])
def test_parts_just_within_the_limit_arrive_and_one_byte_over_do_not(sizes: list[int]) -> None:
    assert sum(map(len, received(Stream(frame(b"b", [b"p" * size for size in sizes])))[1])) == 1000
    with pytest.raises(ProtocolError, match="a message over the limit"):
        over(Stream(frame(b"b", [b"p" * size for size in (*sizes, 1)]))).receive_frame()


def test_as_many_parts_as_the_limit_arrive_and_one_more_do_not() -> None:
    assert received(Stream(frame(b"b", [b""] * MAX_PARTS)))[1] == [b""] * MAX_PARTS
    with pytest.raises(ProtocolError, match="a message over the limit"):
        over(Stream(frame(b"b", [b""] * (MAX_PARTS + 1)))).receive_frame()


@pytest.mark.parametrize("head", [struct.pack("<II", 2**32 - 1, 0), struct.pack("<II", 0, 2**32 - 1)])
def test_a_huge_announced_size_is_refused_by_the_head_alone(head: bytes) -> None:
    stream = Stream(head + b"x" * 100, 8)
    with pytest.raises(ProtocolError, match="a message over the limit"):
        over(stream).receive_frame()
    assert len(stream.data) == 100


def test_a_small_frame_in_one_piece_is_not_copied() -> None:
    body, parts = over(Stream(frame(b"body", []))).receive_frame()
    assert isinstance(body, memoryview)
    assert parts == []


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300), st.sampled_from([1, 7, 1 << 20]))
def test_a_channel_fed_with_garbage_ends(data: bytes, cut: int) -> None:
    incoming = over(Stream(data, cut), Limits(message_bytes=1 << 16, message_items=500, message_depth=9))
    for _ in range(len(data) + 1):
        try:
            incoming.receive()
        except (ProtocolError, EOFError):
            return
    raise AssertionError("more messages than bytes")


def test_messages_cross_a_real_socket_in_both_directions() -> None:
    message = [1, np.arange(5000.0), np.asfortranarray(np.ones((90, 80))), "x" * 70_000]
    ours, theirs = (Channel(end, Codec(Limits())) for end in socket.socketpair())
    with ours.sock, theirs.sock:
        sender = threading.Thread(target=theirs.send, args=[message])
        sender.start()
        number, line, columns, text = ours.receive()
        sender.join()
        ours.send([number, text])
        assert theirs.receive() == [1, message[3]]
    np.testing.assert_array_equal(line, message[1])
    np.testing.assert_array_equal(columns, message[2])
    assert columns.flags.f_contiguous
