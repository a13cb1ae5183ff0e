"""Frames of ``wire`` over a connected stream socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from typing import Any

from autograder.errors import ProtocolError
from autograder.wire import HEAD, MAX_PARTS, Codec


class Channel:
    """Frames over a connected stream socket. EOFError when the other side is gone."""

    def __init__(self, sock: socket.socket, codec: Codec) -> None:
        self.sock = sock
        self.codec = codec

    def send(self, message: Any) -> None:
        """Send one message; TypeError or ValueError, before a byte is sent, where it cannot cross."""
        self.send_encoded(self.codec.encode(message))

    def send_encoded(self, buffers: Iterable[Any]) -> None:
        """Send what ``Codec.encode`` made of a message."""
        for buffer in buffers:
            self.sock.sendall(buffer)

    def receive(self) -> Any:
        """The next message; ProtocolError where it is malformed or over the limits, EOFError where there is none."""
        return self.codec.decode(*self.receive_frame())

    def receive_frame(self) -> tuple[bytes | bytearray, list[bytearray]]:
        """One frame, sizes checked before memory is taken."""
        first = self.sock.recv(65536)
        if not first:
            raise EOFError
        if len(first) >= 8:
            size, count = HEAD.unpack_from(first)
            if count == 0 and size == len(first) - 8 <= self.codec.max_body:
                return memoryview(first)[8:], []  # type: ignore[return-value]
        buffer = bytearray(first)
        self._fill(buffer, 8)
        size, count = HEAD.unpack_from(buffer)
        if size > self.codec.max_body or count > MAX_PARTS:
            raise ProtocolError("a message over the limit")
        start = 8 + 8 * count
        self._fill(buffer, start)
        sizes = struct.unpack_from(f"<{count}Q", buffer, 8)
        if sum(sizes) > self.codec.limits.message_bytes:
            raise ProtocolError("a message over the limit")
        if len(buffer) > start + size + sum(sizes):
            raise ProtocolError("bytes after the end of a message")
        pieces = []
        rest = memoryview(buffer)[start:]
        for length in (size, *sizes):
            piece = bytearray(length)
            have = min(length, len(rest))
            piece[:have] = rest[:have]
            rest = rest[have:]
            self._read_into(memoryview(piece)[have:])
            pieces.append(piece)
        return pieces[0], pieces[1:]

    def _fill(self, buffer: bytearray, size: int) -> None:
        while len(buffer) < size:
            more = self.sock.recv(size - len(buffer))
            if not more:
                raise EOFError
            buffer += more

    def _read_into(self, view: memoryview) -> None:
        while view.nbytes:
            count = self.sock.recv_into(view)
            if not count:
                raise EOFError
            view = view[count:]
