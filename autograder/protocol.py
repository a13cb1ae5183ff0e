"""What the judge and the student's process say to each other; both sides import it, so it holds no secret.

The judge asks ``[operation, news, *operands]``; the answer is ``[kind, news, payload]``. News is None or a list:
from the judge ``[freed handles, changed mirrors, random states]``, from the student's process ``[changed
arguments, changed mirrors, outputs, random advances, figures open, names moved]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgpack import ExtType

from autograder.errors import ProtocolError
from autograder.wire import DICTIONARIES, FIRST_FREE, extension

# Types of the endpoints' own.
HANDLE, LAZY, ARGUMENT, CALLBACK, MIRROR, COPY, GENERATOR = range(FIRST_FREE, FIRST_FREE + 7)

# Kinds of answer.
VALUE, ERROR, CALL_BACK = "value", "error", "call back"

# What a handle stands for.
IS_CALLABLE, IS_EXCEPTION = 1, 2

# Containers that stay in the student's process until looked at; a class is the first of these that it is made from.
TUPLE_KIND, LIST_KIND, DICT_KIND, *_DICTIONARY_KINDS = range(1, 4 + len(DICTIONARIES))
KIND_OF_TYPE: dict[type, int] = {
    **dict(zip(DICTIONARIES, _DICTIONARY_KINDS, strict=True)), tuple: TUPLE_KIND, list: LIST_KIND, dict: DICT_KIND,
}  # fmt: skip
TYPE_OF_KIND: dict[int, type] = {kind: container for container, kind in KIND_OF_TYPE.items()}

SLICE = 100_000  # items of a list that one answer holds

# Operations on containers, which run no student code: a key that holds an object of the student's is not looked up, but
# asked for as an item. A "look up" of a number or text may meet such a key there, and what that changes is seen at the
# next call.
LOOKS = frozenset({"items", "item", "keys", "values", "look up", "length"})

# Those that give what an object holds.
PARTS = frozenset({"get", "get item", "item", "items"})

COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
ARITHMETIC = frozenset({"add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor"})

ATOMS = frozenset({type(None), bool, int, float, str, bytes, complex})

_NUMBER_BYTES = 8
_TO_PLAIN: dict[type, Callable[[Any], Any]] = {
    float: float.__float__,
    int: int.__int__,
    str: str.__str__,
    bytes: bytes.__bytes__,
    complex: complex.__complex__,
}


def reference(code: int, number: int) -> ExtType:
    """What is sent for a handle, an argument or a callback: its number."""
    return extension(code, number.to_bytes(_NUMBER_BYTES, "little"))


def checked_handle(handle: Any) -> int:
    """A handle that came. Raises ProtocolError."""
    if type(handle) is not int or handle < 0:
        raise ProtocolError("a malformed handle")
    return handle


def as_plain(value: Any) -> Any:
    """The number or text that an object of a class made from one is, whatever that class says; None of any other."""
    for kind, convert in _TO_PLAIN.items():
        if issubclass(type(value), kind):
            return convert(value)
    return None
