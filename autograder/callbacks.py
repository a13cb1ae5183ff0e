"""Trusted side: functions that tests pass to student code, by number, and what they do when it calls them."""

from __future__ import annotations

from collections.abc import Iterator
from types import BuiltinMethodType, MethodType
from typing import Any

import numpy as np
from msgpack import ExtType

from autograder import tables
from autograder.arguments import Arguments
from autograder.errors import BoundaryError, ProtocolError
from autograder.exceptions import told
from autograder.protocol import ATOMS, CALLBACK
from autograder.proxies import Proxy
from autograder.snapshots import snapshot
from autograder.wire import Codec, extension


class Callbacks:
    """Those of one student's process; each has one number, however often it is passed."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._functions: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def __getitem__(self, number: int) -> Any:
        return self._functions[number]

    def sent(self, function: Any) -> ExtType:
        """What is sent for a function: its number and its name."""
        # ``thing.method`` is another object each time, and equal.
        key = function if isinstance(function, MethodType | BuiltinMethodType) else id(function)
        number = self._numbers.setdefault(key, len(self._functions))
        if number == len(self._functions):
            self._functions.append(function)
        name = getattr(function, "__name__", None)
        return extension(CALLBACK, self._codec.pack([number, name if type(name) is str else ""]))

    def reply(self, question: Any, outer: Arguments) -> tuple[list[Any], BaseException | None]:
        """``[kind, news to come, result, changes]``: what a function says to student code that called it.

        ``outer``: the arguments of the call within which it did, of which those that the function changed are sent
        anew. With it, what the function raised, of which student code is told little. Raises ProtocolError.
        """
        try:
            number, arguments, keywords = question
            function = self._functions[number]
            if type(arguments) is not list or any(type(name) is not str for name in keywords):
                raise TypeError
            given = [*arguments, *keywords.values()]
        except (TypeError, ValueError, IndexError, AttributeError):
            raise ProtocolError("a malformed callback") from None
        theirs = [(value, snapshot(value)) for value in outer.mutable]
        known = {id(value) for value in outer.mutable}
        made = [(value, snapshot(value)) for value in _mutable(given) if id(value) not in known]
        try:
            result = function(*arguments, **keywords)
            returned = {id(value) for value in _mutable([result])} if made else ()
            if not all(id(pair[0]) in returned or _is_as_before(*pair) for pair in made):
                raise BoundaryError(
                    "a function of a test changed what student code made and passed to it, which student code would "
                    "not see: return the new value"
                )
            kind, raised = "return", None
        except (Exception, SystemExit) as error:  # the second of student code that the function called
            kind, result, raised = "raise", told(error), error
        try:
            changed = [place for place, pair in enumerate(theirs) if not _is_as_before(*pair)]
            changes = [[place, outer.content(place)] for place in changed]
            return [kind, None, result if raised else outer.copy().outgoing(result), changes], raised
        except BoundaryError as error:
            return ["raise", None, told(error), []], error


def _mutable(values: list[Any]) -> Iterator[Any]:
    """What can be changed of values, themselves and all that is in them, but for what stands for the student's own."""
    seen: set[int] = set()
    todo = [each for each in values if type(each) not in ATOMS]
    while todo:
        item = todo.pop()
        if id(item) in seen or isinstance(item, Proxy):
            continue
        seen.add(id(item))
        if isinstance(item, dict | list | set | np.ndarray) or tables.is_table(item):
            yield item
        if isinstance(item, dict | list | tuple):
            todo += [each for each in (item.values() if isinstance(item, dict) else item) if type(each) not in ATOMS]


def _is_as_before(value: Any, before: Any) -> bool:
    """Not of what it holds, which is watched, too."""
    if tables.is_table(value):
        return bool(value.equals(before))
    now = snapshot(value)
    if isinstance(now, bytes | set):
        return bool(now == before)
    same_values = not isinstance(now, dict) or all(map(_is_same, now.values(), before.values()))
    return len(now) == len(before) and all(map(_is_same, now, before)) and same_values


def _is_same(one: Any, other: Any) -> bool:
    return one is other or (type(one) in ATOMS and type(one) is type(other) and one == other)
