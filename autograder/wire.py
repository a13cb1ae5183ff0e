"""Plain typed data between the judge and the student's process: msgpack with hard limits.

Nothing is ever unpickled. By value cross None, bool, int, float, complex, str, bytes, tuple, list, dict, set,
frozenset, slice, Ellipsis, NumPy scalars, types of numbers (float, np.float32, dtypes), arrays of numbers, text, dates
and times, and what ``tables`` adds. What an endpoint adds (handles, callbacks) it adds through two hooks. Decoding
hostile bytes raises ProtocolError and nothing else.

A frame is ``<II`` (size of the body, number of bulk parts), ``<Q`` the size of each part, the body, the parts.
Arrays over ``BULK`` bytes travel as parts, without being copied together.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
from msgpack import ExtType

from autograder import tables
from autograder.errors import ProtocolError
from autograder.limits import Limits

BULK = 16384
BODY_PER_ITEM = 16  # bytes of body allowed for each item of the limit
MAX_PARTS = 4096
MAX_MAP = 100_000  # keys of one dictionary or set: bounds what colliding hashes can cost

TUPLE, SET, FROZENSET, COMPLEX, BIGINT, ARRAY, BULK_ARRAY, SCALAR, SLICE, ELLIPSIS, TEXT_ARRAY = range(1, 12)
NUMBER_TYPE, DTYPE, TABLE = 12, 13, 14
FIRST_FREE = 16  # codes of the endpoints' own types start here

_DTYPES = [np.dtype(s) for s in ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", "c16", "c8")]
_DTYPE_CODE = {dtype: code for code, dtype in enumerate(_DTYPES)}
_SCALARS = {dtype.type: code for code, dtype in enumerate(_DTYPES)}
_NUMBER_TYPES = [bool, int, float, complex, *(dtype.type for dtype in _DTYPES)]
_NUMBER_TYPE_CODE = {kind: code for code, kind in enumerate(_NUMBER_TYPES)}
_TEXT_DTYPE = re.compile(r"[<>|=][USMm]\d{1,9}(\[\d{0,9}[A-Za-zμ]{1,2}\])?")
_ARRAY_HEADS = [struct.Struct(f"<BBB{n}Q") for n in range(9)]
_SHAPES = [struct.Struct(f"<{n}Q") for n in range(9)]
_HEAD = struct.Struct("<II")
_FORTRAN = 1
_CONTAINERS = frozenset({list, dict, tuple, set, frozenset})
_BIGINT_BYTES = 4096

Refuse = Callable[[Any], ExtType]
Restore = Callable[[int, bytes], Any]


def extension(code: int, data: bytes) -> ExtType:
    """An ExtType without the checks that msgpack makes in Python: half of the cost of a small array."""
    made: ExtType = tuple.__new__(ExtType, (code, data))
    return made


def _refuse_value(value: Any) -> ExtType:
    raise TypeError(f"a {type(value).__name__} cannot be sent by value")


def _refuse_code(code: int, data: bytes) -> Any:
    raise ProtocolError(f"unknown type code {code}")


class Codec:
    """Encodes and decodes messages; ``encode_other`` and ``decode_other`` are the endpoint's hooks."""

    def __init__(
        self, limits: Limits, encode_other: Refuse = _refuse_value, decode_other: Restore = _refuse_code
    ) -> None:
        self.limits = limits
        self.max_body = min(limits.message_bytes, BODY_PER_ITEM * limits.message_items)
        self._encode_other = encode_other
        self._decode_other = decode_other
        self._packers: list[msgpack.Packer] = []
        self._depth = 0
        self._parts: list[Any] = []  # of the message that is read
        self._bulk: list[Any] = []  # of the message that is written; ``pack`` may add to it before ``encode``

    # encoding

    def encode(self, message: Any) -> list[Any]:
        """Buffers to be sent one after the other. Raises TypeError or ValueError for what cannot cross."""
        self._depth = 0
        try:
            body = self.pack(message)
            parts = self._bulk
        except RecursionError:
            raise ValueError("the value is nested too deeply") from None
        finally:
            self._bulk = []
        sizes = [part.nbytes for part in parts]
        if len(body) > self.max_body or sum(sizes) > self.limits.message_bytes or len(sizes) > MAX_PARTS:
            total = len(body) + sum(sizes)
            raise ValueError(f"the value is too large to cross between the processes ({total} bytes)")
        head = _HEAD.pack(len(body), len(sizes)) + b"".join(size.to_bytes(8, "little") for size in sizes)
        return [head + body, *parts]

    def pack(self, value: Any) -> bytes:
        """A value within a message, for the content of an endpoint's own type."""
        if self._depth == len(self._packers):
            self._packers.append(
                msgpack.Packer(default=self._extend, strict_types=True, unicode_errors="surrogatepass", buf_size=4096)
            )
        packer = self._packers[self._depth]
        self._depth += 1
        if self._depth > self.limits.message_depth:
            raise ValueError("the value is nested too deeply")
        try:
            packed: bytes = packer.pack(value)
        finally:
            self._depth -= 1
        return packed

    def _extend(self, value: Any) -> ExtType:
        kind = type(value)
        if kind is np.ndarray:
            return self._array(value)
        if kind is tuple:
            return extension(TUPLE, self.pack(list(value)))
        if kind in _SCALARS:
            return ExtType(SCALAR, bytes((_SCALARS[kind],)) + value.tobytes())
        if kind is set or kind is frozenset:
            return ExtType(SET if kind is set else FROZENSET, self.pack(list(value)))
        if kind is complex:
            return ExtType(COMPLEX, struct.pack("<dd", value.real, value.imag))
        if kind is int:
            size = value.bit_length() // 8 + 1
            if size > _BIGINT_BYTES:
                raise ValueError(f"an integer of {size} bytes is too large to cross between the processes")
            return ExtType(BIGINT, value.to_bytes(size, "little", signed=True))
        if kind is slice:
            return ExtType(SLICE, self.pack([value.start, value.stop, value.step]))
        if value is Ellipsis:
            return ExtType(ELLIPSIS, b"")
        if kind is type and value in _NUMBER_TYPE_CODE:
            return ExtType(NUMBER_TYPE, bytes((_NUMBER_TYPE_CODE[value],)))
        if isinstance(value, np.dtype) and value in _DTYPE_CODE:
            return ExtType(DTYPE, bytes((_DTYPE_CODE[value],)))
        table = tables.to_plain(value)
        return self._encode_other(value) if table is None else extension(TABLE, self.pack(table))

    def _array(self, array: np.ndarray[Any, Any]) -> ExtType:
        code = _DTYPE_CODE.get(array.dtype)
        ndim = array.ndim
        if ndim > 8:
            return self._encode_other(array)
        if code is None:
            return self._text_array(array)
        flags = array.flags
        order = _FORTRAN if flags.f_contiguous and not flags.c_contiguous else 0
        head = _ARRAY_HEADS[ndim].pack(code, order, ndim, *array.shape)
        if array.nbytes <= BULK:
            return extension(ARRAY, head + array.tobytes("F" if order else "C"))
        flat = array.T if order else np.ascontiguousarray(array)
        self._bulk.append(flat.reshape(-1).view(np.uint8).data)
        return ExtType(BULK_ARRAY, (len(self._bulk) - 1).to_bytes(4, "little") + head)

    def _text_array(self, array: np.ndarray[Any, Any]) -> ExtType:
        name = array.dtype.str
        if not _TEXT_DTYPE.fullmatch(name) or array.dtype.kind not in "USMm":
            return self._encode_other(array)
        code = name.encode()
        shape = _SHAPES[array.ndim].pack(*array.shape)
        return ExtType(TEXT_ARRAY, bytes((len(code), array.ndim)) + code + shape + array.tobytes())

    # decoding

    def decode(self, body: bytes | bytearray, parts: list[bytearray]) -> Any:
        """The message in a frame's body and parts. Raises ProtocolError alone, whatever the bytes are."""
        self._depth = 0
        self._parts = list(parts)
        try:
            value = self.unpack(body)
            if len(body) > self.limits.message_depth or b"\xff" in bytes(body):  # a shorter one cannot be too deep
                self._verify(value)
        except ProtocolError:
            raise
        except Exception as error:  # whatever hostile bytes made msgpack, NumPy or an endpoint's hook do
            raise ProtocolError(f"malformed message ({type(error).__name__})") from None
        return value

    def unpack(self, body: bytes | bytearray) -> Any:
        """The counterpart of ``pack``; the caller verifies."""
        return msgpack.unpackb(
            body,
            ext_hook=self._restore,
            strict_map_key=False,
            unicode_errors="surrogatepass",
            max_array_len=self.limits.message_items,
            max_map_len=MAX_MAP,
        )

    def _restore(self, code: int, data: bytes) -> Any:
        if code == ARRAY:
            return self._read_array(data, 0, None)
        if code == TUPLE:
            return tuple(self.inner_list(data))
        if code == SCALAR:
            dtype = _DTYPES[data[0]]
            if len(data) != 1 + dtype.itemsize:
                raise ProtocolError("a scalar of the wrong size")
            return np.frombuffer(data, dtype, 1, 1)[0]
        if code == BULK_ARRAY:
            part = self._parts[int.from_bytes(data[:4], "little")]
            if part is None:
                raise ProtocolError("a part was used twice")
            self._parts[int.from_bytes(data[:4], "little")] = None
            return self._read_array(data, 4, part)
        if code in (SET, FROZENSET):
            values = self.inner_list(data)
            if len(values) > MAX_MAP:
                raise ProtocolError("a set with too many values")
            return set(values) if code == SET else frozenset(values)
        if code == COMPLEX:
            return complex(*struct.unpack("<dd", data))
        if code == BIGINT:
            if len(data) > _BIGINT_BYTES:
                raise ProtocolError("an integer that is too large")
            return int.from_bytes(data, "little", signed=True)
        if code == SLICE:
            return slice(*self.inner_list(data))
        if code == ELLIPSIS:
            return ...
        if code == NUMBER_TYPE:
            return _NUMBER_TYPES[data[0]]
        if code == DTYPE:
            return _DTYPES[data[0]]
        if code == TEXT_ARRAY:
            return self._read_text_array(data)
        if code == TABLE:
            return tables.from_plain(self.inner_list(data))
        return self._decode_other(code, data)

    def inner_list(self, data: bytes) -> list[Any]:
        self._depth += 1
        if self._depth > self.limits.message_depth:
            raise ProtocolError("the message is nested too deeply")
        values = self.unpack(data)
        self._depth -= 1
        if type(values) is not list:
            raise ProtocolError("a container without a list")
        return values

    @staticmethod
    def _read_array(data: bytes, start: int, part: bytearray | None) -> np.ndarray[Any, Any]:
        dtype, order, ndim = _DTYPES[data[start]], data[start + 1], data[start + 2]
        shape = _SHAPES[ndim].unpack_from(data, start + 3)
        end = start + 3 + 8 * ndim
        size = dtype.itemsize
        for length in shape:
            size *= length
        content = bytearray(memoryview(data)[end:]) if part is None else part
        if size != len(content) or (part is not None and len(data) != end):
            raise ProtocolError("an array whose bytes do not match its shape")
        if dtype.kind == "b" and size and max(content) > 1:
            raise ProtocolError("a truth value that is neither true nor false")
        return np.ndarray(shape, dtype, content, order="F" if order == _FORTRAN else "C")

    @staticmethod
    def _read_text_array(data: bytes) -> np.ndarray[Any, Any]:
        size, ndim = data[0], data[1]
        name = data[2 : 2 + size].decode()
        if not _TEXT_DTYPE.fullmatch(name):
            raise ProtocolError("an array of an unknown type")
        dtype = np.dtype(name)
        shape = _SHAPES[ndim].unpack_from(data, 2 + size)
        content = bytearray(memoryview(data)[2 + size + 8 * ndim :])
        expected = dtype.itemsize
        for length in shape:
            expected *= length
        if dtype.kind not in "USMm" or expected != len(content) or not dtype.itemsize:
            raise ProtocolError("an array whose bytes do not match its shape")
        array: np.ndarray[Any, Any] = np.ndarray(shape, dtype, content)
        if dtype.kind == "U" and array.size:
            points = np.frombuffer(content, dtype.str[0] + "u4")
            if points.max(initial=0) > 0x10FFFF:
                raise ProtocolError("text with an impossible character")
        return array

    def _verify(self, value: Any) -> None:
        """Check depth and number of items, and that no type of msgpack's own came in."""
        limits = self.limits
        count = 0
        todo = [(value, 1)]
        while todo:
            item, depth = todo.pop()
            kind = type(item)
            if kind is msgpack.Timestamp:
                raise ProtocolError("a timestamp")
            if kind not in _CONTAINERS:
                continue
            count += len(item)
            if depth > limits.message_depth or count > limits.message_items:
                raise ProtocolError("the message is nested too deeply or holds too many values")
            for children in (item, item.values()) if kind is dict else (item,):
                kinds = set(map(type, children))
                if msgpack.Timestamp in kinds:
                    raise ProtocolError("a timestamp")
                if kinds & _CONTAINERS:
                    todo += [(child, depth + 1) for child in children if type(child) in _CONTAINERS]


class Channel:
    """Frames over a connected stream socket. EOFError when the other side is gone."""

    def __init__(self, sock: socket.socket, codec: Codec) -> None:
        self.sock = sock
        self.codec = codec

    def send(self, message: Any) -> None:
        for buffer in self.codec.encode(message):
            self.sock.sendall(buffer)

    def receive(self) -> Any:
        return self.codec.decode(*self.receive_frame())

    def receive_frame(self) -> tuple[bytes | bytearray, list[bytearray]]:
        """One frame, sizes checked before memory is taken."""
        first = self.sock.recv(65536)
        if not first:
            raise EOFError
        if len(first) >= 8:
            size, count = _HEAD.unpack_from(first)
            if count == 0 and size == len(first) - 8 <= self.codec.max_body:
                return memoryview(first)[8:], []  # type: ignore[return-value]
        buffer = bytearray(first)
        self._fill(buffer, 8)
        size, count = _HEAD.unpack_from(buffer)
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
