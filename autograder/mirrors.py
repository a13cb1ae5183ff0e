"""Trusted side: arrays here that stand for arrays of the student's.

A mirror is the same array on both sides: what a test writes into it is written there, and what student code does to it
comes back. A copy is what goes over of a value that the judge cannot have as it is, an array of a class of the
student's or of numbers that other machines lack, a date of NumPy's: given back unchanged it is that value again.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograder.errors import ProtocolError

Array = np.ndarray[Any, Any]


class Mirrors:
    """Those of one student's process. ``free`` is told each handle that nobody holds any more."""

    def __init__(self, free: Callable[[int], None]) -> None:
        self._free = free
        self._arrays: dict[int, tuple[Array, bytes]] = {}  # handle -> array here, content that both sides know
        self._handles: dict[int, int] = {}  # id of such an array -> handle
        self._copies: dict[int, tuple[int, bytes]] = {}  # id of a copy -> handle, content

    def handle_of(self, array: Array) -> int | None:
        """What is sent in the place of an array; None where its content has to be."""
        if id(array) in self._copies:
            handle, content = self._copies[id(array)]
            return handle if array.tobytes() == content else None
        return self._handles.get(id(array))

    def mirror(self, handle: int, content: Any, arguments: Iterable[Any]) -> Array:
        """The array that stands for one of the student's, brought up to date. Raises ProtocolError."""
        array = self._require_new(content, arguments)
        known = self._arrays.get(handle)
        if known is not None:
            self._free(handle)  # it was held already
            if known[0].shape == array.shape and known[0].dtype == array.dtype:
                self._write(handle, array)
                return known[0]
            del self._handles[id(known[0])]
        self._arrays[handle] = (array, array.tobytes())
        self._handles[id(array)] = handle
        return array

    def copy(self, handle: int, content: Any, arguments: Iterable[Any]) -> Array:
        """The array itself, known again as long as it is held. Raises ProtocolError."""
        array = self._require_new(content, arguments)
        self._copies[id(array)] = (handle, array.tobytes())
        weakref.finalize(array, self._forget, id(array))
        return array

    def news(self) -> list[tuple[int, Array, bytes]]:
        """Handle, array and content of the mirrors that a test changed; those that nobody holds are let go."""
        changed = []
        for handle, (array, snapshot) in list(self._arrays.items()):
            now = array.tobytes()
            if now != snapshot:
                changed.append((handle, array, now))
            elif sys.getrefcount(array) <= 3:  # the table's pair, this name, and the call's argument
                del self._arrays[handle], self._handles[id(array)]
                self._free(handle)
        return changed

    def sent(self, changed: Iterable[tuple[int, Array, bytes]]) -> None:
        """The student's process has these changes."""
        for handle, array, snapshot in changed:
            self._arrays[handle] = (array, snapshot)

    def take(self, changed: Iterable[Any]) -> None:
        """What student code changed, ``[handle, content]`` each. Raises KeyError, TypeError or ValueError."""
        for handle, content in changed:
            self._write(handle, content)

    def _write(self, handle: int, content: Any) -> None:
        array = self._arrays[handle][0]
        writeable = array.flags.writeable  # a test may have frozen it, which is no matter of the student's
        array.flags.writeable = True
        array[...] = content
        array.flags.writeable = writeable
        self._arrays[handle] = (array, array.tobytes())

    def _forget(self, key: int) -> None:
        handle, _ = self._copies.pop(key)
        self._free(handle)

    def _require_new(self, content: Any, arguments: Iterable[Any]) -> Array:
        if type(content) is not np.ndarray:
            raise ProtocolError("a mirror of something else than an array")
        known = id(content) in self._handles or id(content) in self._copies
        if known or any(content is each for each in arguments):
            raise ProtocolError("a mirror of an array of the test's own")  # whose content would be sent as it changes
        return content
