"""NumPy arrays and scalars as bytes, for ``wire``: numbers, text, dates and times; never objects.

An array is a head (type, order, number of axes, shape) and its bytes. Memory order is kept, since a sum over
another order differs in its last bits.
"""

from __future__ import annotations

import math
import re
import struct
from typing import Any

import numpy as np

from autograder.errors import ProtocolError

Array = np.ndarray[Any, Any]

MAX_AXES = 32  # as many as one of NumPy 1 has

DTYPES = [np.dtype(s) for s in ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", "c16", "c8")]
DTYPE_CODE = {dtype: code for code, dtype in enumerate(DTYPES)}
# Where two of C's types have one size, NumPy has a class for each.
SCALAR_CODE = {kind: DTYPE_CODE[np.dtype(kind)] for kind in (np.longlong, np.ulonglong)} | {
    dtype.type: code for code, dtype in enumerate(DTYPES)
}
NUMBER_TYPES = [bool, int, float, complex, *(dtype.type for dtype in DTYPES)]
NUMBER_TYPE_CODE = {kind: code for code, kind in enumerate(NUMBER_TYPES)}

_TEXT_DTYPE = re.compile(r"[<>|=][USMm]\d{1,9}(\[\d{0,9}[A-Za-zμ]{1,2}\])?")
_HEADS = [struct.Struct(f"<BBB{n}Q") for n in range(MAX_AXES + 1)]
_SHAPES = [struct.Struct(f"<{n}Q") for n in range(MAX_AXES + 1)]


def head_of(array: Array) -> bytes | None:
    """The head of an array of numbers; None for any other."""
    code = DTYPE_CODE.get(array.dtype)
    if code is None or array.ndim > MAX_AXES:
        return None
    return _HEADS[array.ndim].pack(code, is_fortran(array), array.ndim, *array.shape)


def native(array: Array) -> Array:
    """The array itself, or its numbers in the byte order of this machine."""
    if array.dtype.isnative or array.dtype.kind in "USMm":
        return array
    return array.astype(array.dtype.newbyteorder("="))


def is_fortran(array: Array) -> bool:
    """Whether the memory runs down the columns, and only so: of one row or column both orders are the same."""
    return array.flags.fnc


def flat(array: Array) -> memoryview:
    """The bytes of an array in its order, not copied where they lie together."""
    whole = array.T if is_fortran(array) else np.ascontiguousarray(array)
    return whole.ravel().view(np.uint8).data


def read(data: bytes, part: bytearray | None = None) -> Array:
    """The array whose head ``data`` begins with; its bytes follow, or are ``part``."""
    dtype, fortran, ndim = DTYPES[data[0]], data[1], data[2]
    shape = _SHAPES[ndim].unpack_from(data, 3)
    rest = bytearray(memoryview(data)[3 + 8 * ndim :])
    content = rest if part is None else part
    if _size(dtype, shape) != len(content) or (part is not None and rest):
        raise ProtocolError("an array whose bytes do not match its shape")
    if dtype.kind == "b":
        _check_truth(content)
    return np.ndarray(shape, dtype, content, order="F" if fortran else "C")


def text_bytes(array: Array) -> bytes | None:
    """An array of text, dates or times as bytes; None for any other."""
    name = array.dtype.str
    if not _TEXT_DTYPE.fullmatch(name) or array.ndim > MAX_AXES:
        return None
    code = name.encode()
    head: bytes = bytes((len(code), array.ndim)) + code + _SHAPES[array.ndim].pack(*array.shape)
    return head + array.tobytes()


def read_text(data: bytes) -> Array:
    """An array of text, dates or times from its bytes; ProtocolError where they are none."""
    size, ndim = data[0], data[1]
    name = data[2 : 2 + size].decode()
    if not _TEXT_DTYPE.fullmatch(name):
        raise ProtocolError("an array of an unknown type")
    dtype = np.dtype(name)
    shape = _SHAPES[ndim].unpack_from(data, 2 + size)
    content = bytearray(memoryview(data)[2 + size + 8 * ndim :])
    if not dtype.itemsize or _size(dtype, shape) != len(content):
        raise ProtocolError("an array whose bytes do not match its shape")
    if dtype.kind == "U" and (np.frombuffer(content, dtype.str[0] + "u4") > 0x10FFFF).any():
        raise ProtocolError("text with an impossible character")
    return np.ndarray(shape, dtype, content)


def scalar_bytes(value: np.generic[Any]) -> bytes:
    """The code of its type, then its bytes."""
    return bytes((SCALAR_CODE[type(value)],)) + value.tobytes()


def read_scalar(data: bytes) -> Any:
    """A NumPy scalar from its bytes; ProtocolError where they are none."""
    dtype = DTYPES[data[0]]
    if len(data) != 1 + dtype.itemsize:
        raise ProtocolError("a scalar of the wrong size")
    if dtype.kind == "b":
        _check_truth(data[1:])
    return np.ndarray((), dtype, data, 1)[()]


def _size(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    return math.prod(shape, start=dtype.itemsize)


def _check_truth(content: bytes | bytearray) -> None:
    """NumPy takes other bytes for true here and for false there."""
    if content.strip(b"\0\1"):
        raise ProtocolError("a truth value that is neither true nor false")
