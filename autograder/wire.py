"""Plain typed data between the judge and the student's process: msgpack with hard limits.

Nothing is ever unpickled. By value cross None, bool, int, float, complex, str, bytes (a bytearray, too), tuple, list,
dict (an OrderedDict, defaultdict or Counter as that), set, frozenset, slice, Ellipsis, NumPy scalars, types of numbers
(float, np.float32, dtypes), arrays of numbers, text, dates and times, and what ``tables`` adds. What an endpoint adds
(handles, callbacks) it adds through two hooks. Decoding hostile bytes raises ProtocolError and nothing else.

A frame is ``<II`` (size of the body, number of bulk parts), ``<Q`` the size of each part, the body, the parts.
Arrays over ``BULK`` bytes travel as parts, without being copied together.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
from msgpack import ExtType

from autograder import arrays, tables
from autograder.errors import ProtocolError
from autograder.limits import Limits

BULK = 16384
BODY_PER_ITEM = 16  # bytes of body allowed for each item of the limit
MAX_PARTS = 1 << 16
MAX_MAP = 100_000  # keys of one dictionary or set: bounds what colliding hashes can cost
MAX_ALIKE = 100  # keys or values that have one hash: each is compared with each

TUPLE, SET, FROZENSET, COMPLEX, BIGINT, ARRAY, BULK_ARRAY, SCALAR, SLICE, ELLIPSIS, TEXT_ARRAY = range(1, 12)
NUMBER_TYPE, DTYPE, TABLE, DICTIONARY = 12, 13, 14, 15
FIRST_FREE = 16  # codes of the endpoints' own types start here

HEAD = struct.Struct("<II")
DICTIONARIES: tuple[type, ...] = (OrderedDict, defaultdict, Counter)  # that compare or reckon in their own way
_CONTAINERS = frozenset({list, dict, tuple, set, frozenset, *DICTIONARIES})
_PART = struct.Struct("<I")  # the number of a part
_COMPLEX = struct.Struct("<dd")
_BIGINT_BYTES = 4096
_BUFFER = 4096  # bytes a packer starts with; it takes more as it needs them

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


def _bigint(data: bytes) -> int:
    if len(data) > _BIGINT_BYTES:
        raise ProtocolError("an integer that is too large")
    return int.from_bytes(data, "little", signed=True)


def hashable(values: list[Any], most: int, alike: int) -> list[Any]:
    """Values that may become a set or the keys of a dictionary: so many, so many of one hash. Raises ProtocolError."""
    if len(values) > most:
        raise ProtocolError(f"more than {most:,} keys of a dictionary or values of a set")
    if values and max(Counter(map(hash, values)).values()) > alike:  # minutes, in one call
        raise ProtocolError("keys of a dictionary or values of a set that hash alike")
    return values


def dictionary(kind: Any, content: dict[Any, Any], factory: Any = None) -> Any:
    """A dictionary of this kind."""
    return defaultdict(factory, content) if kind is defaultdict else kind(content)


def _mapping(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    if len(pairs) > MAX_ALIKE:
        hashable([key for key, _ in pairs], MAX_MAP, MAX_ALIKE)
    return dict(pairs)


class Codec:
    """Encodes and decodes messages; ``encode_other`` and ``decode_other`` are the endpoint's hooks.

    ``pandas``: whether the other side can build what is of pandas.
    """

    def __init__(
        self,
        limits: Limits,
        encode_other: Refuse = _refuse_value,
        decode_other: Restore = _refuse_code,
        pandas: bool = True,
    ) -> None:
        self.limits = limits
        self.pandas = pandas
        self.max_body = min(limits.message_bytes, BODY_PER_ITEM * limits.message_items)
        self._encode_other = encode_other
        self._decode_other = decode_other
        self._new_packers = (  # one for each level, made when a message first needs it
            msgpack.Packer(default=self._extend, strict_types=True, unicode_errors="surrogatepass", buf_size=_BUFFER)
            for _ in range(limits.message_depth + 1)
        )
        self._packers: list[msgpack.Packer] = []  # those made and not at work
        self._readers: dict[int, Callable[[bytes], Any]] = {
            ARRAY: arrays.read,
            BULK_ARRAY: self._bulk_array,
            TEXT_ARRAY: arrays.read_text,
            SCALAR: arrays.read_scalar,
            NUMBER_TYPE: lambda data: arrays.NUMBER_TYPES[ord(data)],
            DTYPE: lambda data: arrays.DTYPES[ord(data)],
            COMPLEX: lambda data: complex(*_COMPLEX.unpack(data)),
            BIGINT: _bigint,
            ELLIPSIS: lambda data: ...,
            TUPLE: lambda data: tuple(self.inner_list(data)),
            SET: lambda data: set(hashable(self.inner_list(data), MAX_MAP, MAX_ALIKE)),
            FROZENSET: lambda data: frozenset(hashable(self.inner_list(data), MAX_MAP, MAX_ALIKE)),
            SLICE: lambda data: slice(*self.inner_list(data)),
            DICTIONARY: self._dictionary,
            TABLE: lambda data: tables.from_plain(self.inner_list(data)),
        }
        self._hook = self._restore  # bound here: to bind it for each message costs a tenth of reading a small one
        self._levels = limits.message_depth  # that containers may yet open in the message that is read
        self.own: set[int] = set()  # ids of what a hook gave to the message that is read, and the sender did not make
        self._parts: list[Any] = []  # of the message that is read
        self._bulk: list[Any] = []  # of the message that is written; ``pack`` may add to it before ``encode``

    # encoding

    def encode(self, message: Any) -> list[Any]:
        """Buffers to be sent one after the other. Raises TypeError or ValueError for what cannot cross."""
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
        head = HEAD.pack(len(body), len(sizes)) + b"".join(size.to_bytes(8, "little") for size in sizes)
        return [head + body, *parts]

    def check(self, value: Any) -> None:
        """Raise what ``encode`` would; the message that is being made stays as it is."""
        parts, self._bulk = self._bulk, []
        try:
            self.encode(value)
        finally:
            self._bulk = parts

    def require_small(self, value: Any) -> None:
        """Raise ValueError for a list, tuple or dictionary that the other side would take for an attack."""
        most = MAX_MAP if isinstance(value, dict) else self.limits.list_values
        if len(value) > most:
            raise ValueError(f"a {type(value).__name__} of {len(value):,} values is too large: {most:,} can cross")

    def pack(self, value: Any) -> bytes:
        """A value within a message, for the content of an endpoint's own type."""
        packer = self._packers.pop() if self._packers else next(self._new_packers, None)
        if packer is None:
            raise ValueError("the value is nested too deeply")
        try:
            packed: bytes = packer.pack(value)
        finally:
            self._packers.append(packer)
        return packed

    def _extend(self, value: Any) -> ExtType:
        kind = type(value)
        if kind is np.ndarray:
            return self._array(value)
        if kind is tuple:
            return extension(TUPLE, self.pack(list(value)))
        if kind in arrays.SCALAR_CODE:
            return extension(SCALAR, arrays.scalar_bytes(value))
        if kind is set or kind is frozenset:
            return ExtType(SET if kind is set else FROZENSET, self.pack(list(value)))
        if kind is complex:
            return ExtType(COMPLEX, _COMPLEX.pack(value.real, value.imag))
        if kind is int:
            size = value.bit_length() // 8 + 1
            if size > _BIGINT_BYTES:
                raise ValueError(f"an integer of {size} bytes is too large to cross between the processes")
            return ExtType(BIGINT, value.to_bytes(size, "little", signed=True))
        if kind is slice:
            return ExtType(SLICE, self.pack([value.start, value.stop, value.step]))
        if value is Ellipsis:
            return ExtType(ELLIPSIS, b"")
        if kind is type and value in arrays.NUMBER_TYPE_CODE:
            return ExtType(NUMBER_TYPE, bytes((arrays.NUMBER_TYPE_CODE[value],)))
        if isinstance(value, np.dtype) and value in arrays.DTYPE_CODE:
            return ExtType(DTYPE, bytes((arrays.DTYPE_CODE[value],)))
        if kind in DICTIONARIES:
            factory = value.default_factory if kind is defaultdict else None
            return extension(DICTIONARY, self.pack([DICTIONARIES.index(kind), dict(value), factory]))
        table = tables.to_plain(value, self.pandas)
        return self._encode_other(value) if table is None else extension(TABLE, self.pack(table))

    def _array(self, array: arrays.Array) -> ExtType:
        head = arrays.head_of(array)
        if head is None:
            text = arrays.text_bytes(array)
            return self._encode_other(array) if text is None else extension(TEXT_ARRAY, text)
        if array.nbytes <= BULK:
            return extension(ARRAY, head + array.tobytes("F" if arrays.is_fortran(array) else "C"))
        number = len(self._bulk)
        self._bulk.append(arrays.flat(array))
        return extension(BULK_ARRAY, _PART.pack(number) + head)

    # decoding

    def decode(self, body: bytes | bytearray, parts: list[bytearray]) -> Any:
        """The message in a frame's body and parts. Raises ProtocolError alone, whatever the bytes are."""
        self._parts = list(parts)
        self.own.clear()
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
            ext_hook=self._hook,
            object_pairs_hook=_mapping,
            strict_map_key=False,
            unicode_errors="surrogatepass",
            max_array_len=self.limits.message_items,
            max_map_len=MAX_MAP,
        )

    def _restore(self, code: int, data: bytes) -> Any:
        read = self._readers.get(code)
        return self._decode_other(code, data) if read is None else read(data)

    def inner_list(self, data: bytes) -> list[Any]:
        """The list inside an extension, one level deeper; ProtocolError where it is none or too deep."""
        if not self._levels:
            raise ProtocolError("the message is nested too deeply")
        self._levels -= 1
        try:
            values = self.unpack(data)
        finally:
            self._levels += 1
        if type(values) is not list:
            raise ProtocolError("a container without a list")
        return values

    def _dictionary(self, data: bytes) -> Any:
        number, content, factory = self.inner_list(data)
        if type(content) is not dict:
            raise ProtocolError("a dictionary without keys")
        return dictionary(DICTIONARIES[number], content, factory)

    def _bulk_array(self, data: bytes) -> arrays.Array:
        (number,) = _PART.unpack_from(data)
        part, self._parts[number] = self._parts[number], None
        if part is None:
            raise ProtocolError("a part was used twice")
        return arrays.read(data[_PART.size :], part)

    def _verify(self, value: Any) -> None:
        """Check depth and number of items, and that no type of msgpack's own came in."""
        if type(value) is msgpack.Timestamp:
            raise ProtocolError("a timestamp")
        limits = self.limits
        count = 0
        todo = [(value, 1)] if type(value) in _CONTAINERS and id(value) not in self.own else []
        while todo:
            item, depth = todo.pop()
            count += len(item)
            if depth > limits.message_depth or count > limits.message_items:
                raise ProtocolError("the message is nested too deeply or holds too many values")
            for children in (item, item.values()) if isinstance(item, dict) else (item,):
                kinds = set(map(type, children))
                if msgpack.Timestamp in kinds:
                    raise ProtocolError("a timestamp")
                if not kinds.isdisjoint(_CONTAINERS):
                    found = [child for child in children if type(child) in _CONTAINERS and id(child) not in self.own]
                    todo += [(child, depth + 1) for child in found]
