"""Every limit of the engine, named, with its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from autograder.errors import UsageError
from autograder.wording import nearest

MIB = 1 << 20
MOST = {"int": 1 << 40, "float": 1e6}  # more than any course needs, and no more than msgpack and system calls take
MAX_DEPTH = 100  # of a message: msgpack overflows the stack of the process that reads it at 200


@dataclass(frozen=True)
class Limits:
    """What one submission may use. All are positive; an excess costs the task at hand, never the batch.

    >>> Limits(cell_seconds=5).cell_seconds
    5
    """

    # time
    cell_seconds: float = 30.0  # wall time of one cell, student's or test
    total_seconds: float = 300.0  # wall time of one notebook of a submission
    cpu_seconds: int = 300  # processor time of one student process
    restarts: int = 20  # student processes started anew after a death

    # the student's process
    memory_bytes: int = 1024 * MIB  # address space on top of what the warm server holds
    scratch_bytes: int = 64 * MIB  # working folder, and the size of one file
    scratch_files: int = 4096
    processes: int = 64  # processes and threads
    open_files: int = 64

    # the judge
    judge_memory_bytes: int = 2048 * MIB

    # what crosses between the two
    message_bytes: int = 256 * MIB
    message_items: int = 1_000_000  # values in one message
    message_depth: int = 64  # containers within containers

    # what a notebook keeps
    cell_output_bytes: int = 4 * MIB
    total_output_bytes: int = 32 * MIB
    outputs_per_cell: int = 200
    text_bytes: int = MIB  # one message, traceback, or text of an object

    # a submitted file
    notebook_bytes: int = 32 * MIB
    notebook_cells: int = 2000
    notebook_depth: int = 64

    @property
    def list_values(self) -> int:
        """Of all lists that are sent in one message; the rest is for what surrounds them."""
        return self.message_items * 9 // 10

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            kinds = (int, float) if field.type == "float" else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < float("inf"):
                kind = "number" if field.type == "float" else "whole number"
                raise UsageError(f"The limit {field.name} must be a positive {kind}, not {value!r}.")
            most = MAX_DEPTH if field.name == "message_depth" else MOST[str(field.type)]
            if value > most:
                raise UsageError(f"The limit {field.name} may be {most:,.0f} at most, not {value}.")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Limits:
        """The defaults with ``values`` put over them; an unknown name raises UsageError.

        >>> Limits.from_mapping({"cel_secnds": 5})
        Traceback (most recent call last):
        autograder.errors.UsageError: There is no limit 'cel_secnds'; do you mean cell_seconds...?
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                which = nearest(name, known) or f"; the limits are {', '.join(known)}."
                raise UsageError(f"There is no limit {name!r}{which}")
        return cls(**values)
