"""Untrusted side: the table of objects that the judge holds handles of, and what of them goes over by value."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
from msgpack import ExtType

from autograder import protocol, tables
from autograder.arrays import MAX_AXES, SCALAR_CODE, native
from autograder.kinds import made_from, reckons_as
from autograder.limits import Limits
from autograder.protocol import ARGUMENT, ATOMS, CALLBACK, COPY, GENERATOR, HANDLE, LAZY, MIRROR, as_plain, reference
from autograder.randomness import generator_from
from autograder.wire import MAX_MAP, Codec, dictionary, extension

EVERYTHING = 1000  # levels of containers by value
# Items of a tuple of plain ones, which is sent as it is: a list may hold a hundred thousand edges of a graph, and NumPy
# takes for an index what is a tuple and nothing else.
SHORT = 8
MOST_PLACES = 1 << 16  # bytes
_PLAIN = ATOMS | {type(...), *SCALAR_CODE}

_LONG: dict[type, type] = {np.longdouble: np.float64, np.clongdouble: np.complex128}  # which other machines lack

_MUTABLE = frozenset({np.ndarray, list, dict, set})  # what a call can change in place, beside tables


class TrustedFunction:
    """A function of the judge's that a test handed to student code."""

    def __init__(self, number: int, name: str, call: Callable[..., Any]) -> None:
        self.trusted_number = number
        self._call = call
        if name:
            self.__name__ = name

    def __deepcopy__(self, memo: Any) -> TrustedFunction:
        return self

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._call(self.trusted_number, arguments, keywords)


class _Marker:
    """Stands for a decoded reference until the message has been walked through."""

    __slots__ = ("held",)

    def __init__(self, held: Any) -> None:
        self.held = held


class _ArgumentMarker(_Marker):
    __slots__ = ()


class Objects:
    """Handles, mirrored arrays, and the arguments of the call that is running."""

    def __init__(self, limits: Limits, call_back: Callable[..., Any]) -> None:
        # Made before any code of the student's runs: what is imported by now the judge has imported, too.
        self.codec = Codec(limits, self._encode_other, self._decode_other, pandas="pandas" in sys.modules)
        self._call_back = call_back
        self._objects: dict[int, Any] = {}
        self._handles: dict[int, int] = {}  # id of an object -> its handle; the table keeps the object alive
        self._sent: dict[int, int] = {}  # how often a handle went over and was not given back
        self._results: set[int] = set()  # handles of tuples and lists that calls gave back, of classes of the student's
        self._last = 0
        self._functions: dict[int, TrustedFunction] = {}
        self._mirrors: dict[int, tuple[np.ndarray[Any, Any], bytes]] = {}
        self.arguments: dict[int, int] = {}  # id of a mutable argument -> its place among them

    def __getitem__(self, handle: int) -> Any:
        return self._objects[handle]

    def register(self, value: Any) -> int:
        """The object's handle, the same each time; counted, so that it is kept until all were given back."""
        handle = self._handles.get(id(value))
        if handle is None:
            self._last = handle = self._last + 1
            self._objects[handle] = value
            self._handles[id(value)] = handle
        self._sent[handle] = self._sent.get(handle, 0) + 1
        return handle

    def free(self, freed: list[list[int]]) -> None:
        """The judge gave back ``[handle, times]``."""
        for handle, count in freed:
            left = self._sent.get(handle, 0) - count
            if left > 0:
                self._sent[handle] = left
            elif handle in self._objects:
                del self._sent[handle]
                self._results.discard(handle)
                del self._handles[id(self._objects.pop(handle))]
                self._mirrors.pop(handle, None)

    # arrays that the judge holds a copy of

    def write_mirrors(self, changed: list[list[Any]]) -> None:
        """Write what a test wrote into arrays of the student's."""
        for handle, content in changed:
            array = self._mirrors[handle][0]
            array[...] = content
            self._mirrors[handle] = (array, array.tobytes())

    def changed_mirrors(self) -> list[list[Any]]:
        """[handle, array] of each mirrored array that changed since it was sent."""
        changed = []
        for handle, (array, snapshot) in list(self._mirrors.items()):
            now = array.tobytes()
            if now != snapshot:
                changed.append([handle, native(array)])
                self._mirrors[handle] = (array, now)
        return changed

    # from the judge

    def _decode_other(self, code: int, data: bytes) -> Any:
        if code == GENERATOR:
            return _Marker(generator_from(*self.codec.inner_list(data)))
        if code == CALLBACK:
            number, name = self.codec.inner_list(data)
            return _Marker(self._functions.setdefault(number, TrustedFunction(number, name, self._call_back)))
        number = int.from_bytes(data, "little")
        return _Marker(self._objects[number]) if code == HANDLE else _ArgumentMarker(number)

    def restore(self, value: Any, received: list[Any]) -> Any:
        """Put objects in place of their markers; note arrays, lists, dicts and sets in ``received`` as they are met."""
        kind = type(value)
        if kind in ATOMS:
            return value
        if kind is _ArgumentMarker:
            return received[value.held]
        if kind is _Marker:
            return value.held
        if kind is tuple:
            return tuple([self.restore(item, received) for item in value])
        if kind is slice:
            return slice(*(self.restore(item, received) for item in (value.start, value.stop, value.step)))
        if kind is frozenset:
            return frozenset([self.restore(item, received) for item in value])
        if kind in _MUTABLE or tables.is_table(value):
            received.append(value)
        if kind is set:
            members = [self.restore(item, received) for item in value]
            value.clear()
            value.update(members)
        elif kind is list:
            value[:] = [self.restore(item, received) for item in value]
        elif kind is dict:
            for key, item in value.items():
                value[key] = self.restore(item, received)
            if not ATOMS.issuperset(map(type, value)):
                pairs = [(self.restore(key, received), item) for key, item in value.items()]
                value.clear()
                value.update(pairs)
        return value

    # to the judge

    def prepare(self, value: Any, levels: int = 0, live: bool = True) -> Any:
        """What is sent for ``value``: ``levels`` of plain containers by value, others and what lies deeper as handles.

        ``live``: an array goes over with its handle, so that changes made by the judge come back.
        """
        kind: Any = type(value)
        if kind in ATOMS:
            return value
        if self.arguments and (kind in _MUTABLE or tables.is_table(value)):
            place = self.arguments.get(id(value))
            if place is not None:
                return reference(ARGUMENT, place)
        if kind is np.ndarray:
            return self._prepare_array(value, live)
        if kind is tuple and len(value) <= SHORT:
            if all(map(_is_plain, value)):
                return tuple([self.prepare(item, 0, live) for item in value])
            if all(map(_are_places, value)):
                return tuple([self._prepare_array(item, True) if live else self._copy(item, item) for item in value])
        container = made_from(kind)
        if container is not None and (levels == 0 or kind is not container):
            name = "" if kind is container else str(kind.__name__)[:100]
            described = [self.register(value), protocol.KIND_OF_TYPE[container], name]
            return extension(LAZY, msgpack.packb(described, unicode_errors="surrogatepass"))
        if container is not None:
            self.codec.require_small(value)
        if container is not None and issubclass(container, dict):
            content = {
                key if type(key) is str else self.prepare_key(key): self.prepare(item, levels - 1, live)
                for key, item in value.items()
            }
            return content if kind is dict else dictionary(kind, content, getattr(value, "default_factory", None))
        if container is not None:
            items = [self.prepare(item, levels - 1, live) for item in value]
            return tuple(items) if container is tuple else items
        if issubclass(kind, np.ndarray):
            return self._prepare_array(value, live)
        if kind is set or kind is frozenset:
            if len(value) > MAX_MAP:
                return self._encode_other(value)
            return kind([self.prepare_key(item) for item in value])
        if kind is TrustedFunction:
            return reference(CALLBACK, value.trusted_number)
        if issubclass(kind, np.generic):
            return self._prepare_scalar(value)
        if not self.codec.pandas and tables.is_table(value):
            return self._prepare_array(value, False)
        plain = as_plain(value)
        if plain is None or not reckons_as(kind, type(plain)):  # type: ignore[arg-type]
            return value  # the codec knows it or asks _encode_other
        return self._copy(value, plain)

    def prepare_result(self, value: Any) -> Any:
        """What is sent for what a call gave back: its content alone, also of what a test then takes out of it."""
        sent = self.prepare(value, 1, False)
        if isinstance(value, tuple | list) and type(sent) is ExtType and sent.code == LAZY:
            self._results.add(self._handles[id(value)])
        return sent

    def prepare_part(self, handle: int, part: Any) -> Any:
        """What is sent for an item or attribute of an object."""
        return self.prepare(part, live=handle not in self._results)

    def named(self, values: dict[str, Any]) -> list[list[Any]]:
        """``[name, what is sent for its value]`` each; what is too large, alone or with the others, stays here."""
        shares = {name: _share(value, self.codec) for name, value in values.items()}
        sent, room = {}, 0.9
        for name in sorted(values, key=lambda name: shares[name]):
            room -= shares[name]
            try:
                sent[name] = self.prepare(values[name]) if room > 0 else self._encode_other(values[name])
                if type(values[name]) in (int, tuple):
                    self.codec.check(sent[name])
            except ValueError:
                sent[name] = self._encode_other(values[name])
        return [[name, sent[name]] for name in values]

    def prepare_key(self, value: Any) -> Any:
        """What is sent for a key of a dictionary or a member of a set: over there, too, it must be one."""
        if type(value) in ATOMS:
            return value
        if isinstance(value, tuple):
            return tuple([self.prepare_key(item) for item in tuple.__iter__(value)])
        if isinstance(value, frozenset):
            return frozenset([self.prepare_key(item) for item in frozenset.__iter__(value)])
        if isinstance(value, np.ndarray | np.datetime64 | np.timedelta64):  # which would be an array
            return value
        plain = as_plain(value)
        if plain is not None and type(value).__hash__ is type(plain).__hash__:
            return self._copy(value, plain)
        return self.prepare(value, EVERYTHING, False)

    def _copy(self, value: Any, content: Any) -> ExtType:
        """What the judge can have of ``value``, and its handle, by which ``value`` itself comes back."""
        return extension(COPY, self.codec.pack([self.register(value), content]))

    def _prepare_array(self, value: Any, live: bool) -> Any:
        """A plain array, also for one of a class of the student's: nothing else of that class goes over."""
        array = np.asarray(value)
        if array.dtype.type in _LONG:
            array, live = array.astype(_LONG[array.dtype.type]), False
        if array.dtype.kind not in "biufcUSMm" or array.ndim > MAX_AXES:
            return value
        sent = native(array)
        if not live:
            return sent if sent is value else self._copy(value, sent)
        handle = self.register(value)
        self._mirrors[handle] = (array, array.tobytes())
        return extension(MIRROR, self.codec.pack([handle, sent]))

    def _prepare_scalar(self, value: np.generic[Any]) -> Any:
        if value.dtype.kind in "US":
            return value.item()
        if value.dtype.kind in "Mm":
            return self._copy(value, np.asarray(value))
        return _LONG[type(value)](value) if type(value) in _LONG else value

    def _encode_other(self, value: Any) -> ExtType:
        """The codec's hook: an object that stays here."""
        kind = type(value)
        flags = callable(value) * protocol.IS_CALLABLE
        names: list[str] = []
        if isinstance(value, type) and issubclass(value, BaseException):
            flags |= protocol.IS_EXCEPTION
            names = exception_names(value)
        described = [self.register(value), str(kind.__name__)[:100], flags, names]
        return extension(HANDLE, msgpack.packb(described, unicode_errors="surrogatepass"))


def is_copy(sent: Any) -> bool:
    """Whether what was sent of a value may no longer be what that is, though it is the same object."""
    kind = type(sent)
    return sent.code == COPY if kind is ExtType else kind in (set, bytearray) or tables.is_table(sent)


def _share(value: Any, codec: Codec) -> float:
    """About what part of the largest message it takes where it crosses by value."""
    if isinstance(value, np.ndarray):
        return value.nbytes / codec.limits.message_bytes
    by_value = type(value) in (set, frozenset) or (type(value) is tuple and len(value) <= SHORT)
    held = value if by_value else [value] if isinstance(value, str | bytes | int) else []
    return sum(map(sys.getsizeof, held)) / codec.max_body


def _is_plain(item: Any) -> bool:
    """Whether it is a number, a text, or what stands in an index: a slice of such, or an ellipsis."""
    if type(item) is slice:
        return {type(item.start), type(item.stop), type(item.step)} <= _PLAIN
    return type(item) in _PLAIN


def _are_places(item: Any) -> bool:
    """Whether it is an array of places or of truth values, of a size to be sent unasked: np.where gives such."""
    return type(item) is np.ndarray and item.dtype in (np.intp, np.bool_) and item.nbytes <= MOST_PLACES


def exception_names(cls: type) -> list[str]:
    """Names along the method resolution order, built-in ones marked by a leading dot."""
    return [("." if base.__module__ == "builtins" else "") + str(base.__name__)[:100] for base in type.mro(cls)[:20]]
