"""What a cell showed so far, in memory that both processes see: the judge reads it where the process dies."""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
from contextlib import suppress
from typing import Any

import msgpack

from autograder.limits import Limits

CUT = "\n[output cut here: over the limit]\n"
_USED = struct.Struct("<Q")
_RESERVE = 100  # for the mark that something was cut


def size_of(limits: Limits) -> int:
    """Bytes of a journal."""
    return _USED.size + limits.cell_output_bytes + _RESERVE


def make(limits: Limits) -> int:
    """A descriptor of an empty journal."""
    if hasattr(os, "memfd_create"):
        made = os.memfd_create("journal")
    else:
        with tempfile.TemporaryFile() as file:
            made = os.dup(file.fileno())
    os.ftruncate(made, size_of(limits))
    return made


class Journal:
    """The student's end. Once mapped the descriptor is closed, so that nobody there can change the size."""

    def __init__(self, descriptor: int, limits: Limits) -> None:
        self._memory = mmap.mmap(descriptor, size_of(limits))
        self._end = 0
        self._full = False
        self.clear()

    def note(self, output: Any) -> None:
        """Keep a stream's ``[name, text]`` or another output; what comes after the first without room is left out."""
        data = msgpack.packb(output, unicode_errors="replace")
        if self._full:
            return
        if self._end + len(data) > len(self._memory) - _RESERVE:
            self._full = True
            data = msgpack.packb(["stderr", CUT])
        end = self._end + len(data)
        self._memory[self._end : end] = data
        self._set_end(end)

    def clear(self) -> None:
        """Forget what was shown: another cell begins."""
        self._full = False
        if self._end != _USED.size:
            self._set_end(_USED.size)

    def _set_end(self, end: int) -> None:
        self._end = end
        _USED.pack_into(self._memory, 0, end)


def read(descriptor: int, limits: Limits) -> list[Any]:
    """The outputs in a journal, for ``outputs.add_checked``. Hostile bytes give fewer of them, and nothing worse."""
    content = os.pread(descriptor, size_of(limits), 0)
    used = min(_USED.unpack_from(content)[0], len(content))
    unpacker = msgpack.Unpacker(max_buffer_size=len(content), strict_map_key=True)
    unpacker.feed(memoryview(content)[_USED.size : max(used, _USED.size)])
    found: list[Any] = []
    with suppress(Exception):
        for item in unpacker:
            stream = type(item) is list and len(item) == 2
            found.append({"output_type": "stream", "name": item[0], "text": item[1]} if stream else item)
    return found
