"""Trusted side: what a test passes to student code, and how changes made to it come back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
from msgpack import ExtType

from autograder import tables
from autograder.arrays import native
from autograder.copied import Copied
from autograder.errors import BoundaryError
from autograder.limits import Limits
from autograder.protocol import ARGUMENT, ATOMS, HANDLE, as_plain, reference
from autograder.wire import MAX_MAP


class Arguments:
    """The values of one request; arrays, lists, dicts, sets and tables are numbered as they are met.

    The student's process numbers them alike, so that an answer can say "your third argument": results keep their
    identity, and what is passed twice arrives as one. ``handle_of``: the handle of what is the student's, for which an
    array, number or text here stands, or None.
    """

    def __init__(self, limits: Limits, handle_of: Callable[[Any], int | None] = lambda _: None) -> None:
        self.mutable: list[Any] = []
        self._places: dict[int, int] = {}  # id -> place; the arguments outlive this object
        self._handle_of = handle_of
        self._limits = limits
        self._values = 0

    def outgoing(self, value: Any) -> Any:
        """What is sent for an argument."""
        kind = type(value)
        if kind in ATOMS:
            return value
        if isinstance(value, np.ma.MaskedArray):
            raise BoundaryError("a masked array cannot be passed to student code, only its data and its mask can")
        if isinstance(value, np.ndarray):
            handle = self._handle_of(value)
            if handle is not None:
                return reference(HANDLE, handle)
            return self._numbered(value) or native(np.asarray(value))
        if issubclass(kind, dict | list | set):
            known = self._numbered(value)
            if known is not None:
                return known
        if issubclass(kind, dict | list | tuple | set | frozenset):
            self._count(value)
        if issubclass(kind, dict):
            return {self.outgoing(key): self.outgoing(item) for key, item in value.items()}
        if issubclass(kind, list):
            return self._items(value)
        if issubclass(kind, tuple):
            return tuple(self._items(value))
        if issubclass(kind, set):
            return set(self._items(value))
        if kind is frozenset:
            return frozenset(self._items(value))
        if issubclass(kind, bytearray | memoryview):
            raise BoundaryError(
                f"a {'memoryview' if kind is memoryview else 'bytearray'} cannot be passed to student code: "
                "pass bytes, an array, or a list of numbers"
            )
        if tables.is_table(value):
            return self._numbered(value) or value
        if issubclass(kind, np.generic) and not issubclass(kind, str | bytes):
            return value
        if issubclass(kind, Copied) and (handle := self._handle_of(value)) is not None:
            return reference(HANDLE, handle)
        plain = as_plain(value)
        return value if plain is None else plain

    def _count(self, value: Collection[Any]) -> None:
        """Raise BoundaryError for what the other side would take for an attack."""
        self._values += len(value)
        most = self._limits.list_values if isinstance(value, list | tuple) else MAX_MAP
        if len(value) > most or self._values > self._limits.list_values:
            raise BoundaryError(
                f"a {type(value).__name__} of {len(value):,} values cannot be passed to student code, at the most "
                f"{most:,} in one call can: pass an array"
            )

    def _items(self, values: Iterable[Any]) -> list[Any]:
        return list(values) if ATOMS.issuperset(map(type, values)) else [self.outgoing(item) for item in values]

    def _numbered(self, value: Any) -> ExtType | None:
        """None for what was not met before and has a number now; else a reference to it."""
        place = self._places.get(id(value))
        if place is not None:
            return reference(ARGUMENT, place)
        self._places[id(value)] = len(self.mutable)
        self.mutable.append(value)
        return None

    def copy(self) -> Arguments:
        """Those that know what these know; what they meet beyond it, they number for themselves."""
        known = Arguments(self._limits, self._handle_of)
        known.mutable, known._places = [*self.mutable], dict(self._places)
        return known

    def content(self, place: int) -> Any:
        """What is sent of a list, dictionary or set in the place of what it was; an array or table goes whole."""
        value = self.mutable[place]
        if isinstance(value, dict):
            return tuple([(self.outgoing(key), self.outgoing(item)) for key, item in value.items()])
        if isinstance(value, np.ndarray):
            return native(np.asarray(value))
        return tuple(self._items(value)) if isinstance(value, list | set) else value

    def frozen(self) -> list[int]:
        """The places of arrays that nobody may write into."""
        return [n for n, each in enumerate(self.mutable) if isinstance(each, np.ndarray) and not each.flags.writeable]

    def change(self, place: int, change: Any) -> Any:
        """Change an argument in place as the student's code did; the argument."""
        argument = self.mutable[place]
        if isinstance(argument, np.ndarray):
            if type(change) is np.ndarray and change.shape == argument.shape and argument.flags.writeable:
                argument[...] = change
        elif isinstance(argument, list):
            argument[:] = change
        elif isinstance(argument, set):
            if type(change) is set:
                argument ^= argument ^ change
        elif tables.is_table(argument):
            tables.write_back(argument, change)
        else:
            new, gone = change
            for key in gone:
                argument.pop(key, None)
            for key, item in new:
                argument[key] = item
        return argument
