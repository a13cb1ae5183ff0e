"""Trusted side: what stands in a test for an object that lives in the student's process.

Calls, attributes, items and truth are forwarded. Comparison and arithmetic with a trusted operand never are: a lying
``__eq__`` would win, and the expected value would travel to the student. For the same reason NumPy and pandas, whose
functions call methods of what they are given, find none but its truth.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from autograder import protocol
from autograder.copied import Copied
from autograder.errors import BoundaryError

if TYPE_CHECKING:
    from autograder.session import Session

_ADVICE = (
    "compare plain values instead (numbers, text, arrays, or lists, tuples and dictionaries of these): "
    "what was returned is an object of the student's own"
)
_MAX_TYPES = 1000
MOST_ASKED = 10_000  # items of an object that a test looks through for one
_LIBRARIES = frozenset({"numpy", "pandas"})
_NO_VALUE = getattr(np, "_NoValue", None)  # what np.vectorize compares a function with
_get, _set = object.__getattribute__, object.__setattr__


class Proxy:
    """One object of the student's. Two proxies of one object are the same proxy."""

    __slots__ = ("__weakref__", "_handle", "_session", "_times")
    _is_plain = False  # a container, which is compared by value, here

    def __init__(self, session: Session, handle: int) -> None:
        _set(self, "_session", session)
        _set(self, "_handle", handle)
        _set(self, "_times", 1)  # how often the handle came over

    def _ask(self, operation: str, *operands: Any) -> Any:
        return _get(self, "_session").request(operation, _get(self, "_handle"), *operands)

    def __getattr__(self, name: str) -> Any:
        if name in ("__name__", "__qualname__"):
            return _ask_description(self)[0]
        if name == "__signature__":
            return _signature(_ask_description(self)[2])
        if name.startswith(("__", "_repr_", "_ipython_")) or asked_by_a_library():
            raise AttributeError(name)
        return _ask(self, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        _ask(self, "set", name, value)

    def __delattr__(self, name: str) -> None:
        _ask(self, "delete", name)

    def __getitem__(self, key: Any) -> Any:
        return _ask(self, "get item", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _ask(self, "set item", key, value)

    def __delitem__(self, key: Any) -> None:
        _ask(self, "delete item", key)

    def __len__(self) -> int:
        return int(_ask(self, "len"))

    def __iter__(self) -> Iterator[Any]:
        iterator = _ask(self, "iterate")
        while True:
            more, value = _ask(iterator, "next")
            if not more:
                return
            yield value

    def __next__(self) -> Any:
        more, value = _ask(self, "next")
        if not more:
            raise StopIteration
        return value

    def __contains__(self, item: object) -> bool:
        """Whether one of its items is that, compared here: a method of its class would learn what a test expects.

        All are asked for, since the class would learn as much from where the test stops.
        """
        if isinstance(item, Proxy) and not type(item)._is_plain:
            return _ask(self, "operate", "contains", item) is True
        values = iter(self)
        try:
            first = list(islice(values, 1))
        except TypeError:
            _refuse(self, "asked whether it holds a value of the test")
        items = [*first, *islice(values, MOST_ASKED)]
        if len(items) > MOST_ASKED:
            raise BoundaryError(
                f"{type(self).__name__!r} of the student's has more than {MOST_ASKED:,} items to look through"
            )
        return item in items

    def __enter__(self) -> Any:
        return _ask(self, "enter")

    def __exit__(self, *_: object) -> None:
        """Runs the student's ``__exit__``; it cannot silence what a test raised."""
        _ask(self, "exit")

    def __instancecheck__(self, value: object) -> bool:
        if isinstance(value, Copied):
            return value._session.request("is instance", value._handle, self) is True
        return isinstance(value, Proxy) and _ask(value, "is instance", self) is True

    def __subclasscheck__(self, value: object) -> bool:
        return isinstance(value, Proxy) and _ask(value, "is subclass", self) is True

    def __copy__(self) -> Any:
        return _ask(self, "copy")

    def __deepcopy__(self, memo: Any) -> Any:
        return _ask(self, "deepcopy")

    def __str__(self) -> str:
        return str(_ask(self, "text"))

    def __repr__(self) -> str:
        return str(_ask(self, "repr"))

    def __eq__(self, other: object) -> bool:
        return other is self or (other is not None and other is not _NO_VALUE and _compare(self, "eq", other))

    def __ne__(self, other: object) -> bool:
        return other is not self and (other is None or other is _NO_VALUE or _compare(self, "ne", other))

    def __lt__(self, other: object) -> bool:
        return _compare(self, "lt", other)

    def __le__(self, other: object) -> bool:
        return _compare(self, "le", other)

    def __gt__(self, other: object) -> bool:
        return _compare(self, "gt", other)

    def __ge__(self, other: object) -> bool:
        return _compare(self, "ge", other)

    __hash__ = object.__hash__

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        _refuse(self, "turned into an array")

    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        _refuse(self, "handed to NumPy")

    def __bool__(self) -> bool:
        return _ask(self, "truth") is True

    def __reduce_ex__(self, _: Any) -> NoReturn:
        _refuse(self, "pickled")

    def __mro_entries__(self, _: Any) -> NoReturn:
        _refuse(self, "subclassed")

    def __del__(self) -> None:
        session = _get(self, "_session")
        session.freed.append([_get(self, "_handle"), _get(self, "_times")])

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return _ask_description(self)[1]


_ask = Proxy._ask


def asked_by_a_library() -> bool:
    """Whether it asks, and no test: ``np.clip(thing, low, high)`` would call ``thing.clip(low, high)``."""
    frame: FrameType | None = sys._getframe(1)
    while frame and (name := str(frame.f_globals.get("__name__")).partition(".")[0]) == "autograder":
        frame = frame.f_back
    return bool(frame) and name in _LIBRARIES


def _shown(proxy: Proxy) -> str:
    """The name of its class; of a plain container, list and not Container."""
    kind = type(proxy)
    return kind.__name__ if kind.__module__ != "autograder.containers" else proxy.__class__.__name__


def _refuse(proxy: Proxy, what: str) -> NoReturn:
    error = BoundaryError(f"{_shown(proxy)!r} of the student's cannot be {what} in a test: {_ADVICE}")
    if not asked_by_a_library():  # which may try one thing after the other
        _get(proxy, "_session").at_boundary = error
    raise error


def _compare(proxy: Proxy, name: str, other: object) -> bool:
    if isinstance(other, Proxy) and not type(other)._is_plain:
        answer = _ask(proxy, "operate", name, other)
        return answer is True or (type(answer) is np.bool_ and bool(answer))
    _refuse(proxy, "compared with a value of the test")


def _arithmetic(name: str, reflected: bool = False) -> Any:
    def operate(self: Proxy, other: object) -> Any:
        if isinstance(other, Proxy) and not type(other)._is_plain:
            return _ask(other, "operate", name, self) if reflected else _ask(self, "operate", name, other)
        _refuse(self, "reckoned with")

    return operate


for _name in sorted(protocol.ARITHMETIC):
    _plain_name = _name.strip("_")
    setattr(Proxy, f"__{_plain_name}__", _arithmetic(_name))
    setattr(Proxy, f"__r{_plain_name}__", _arithmetic(_name, reflected=True))
    setattr(Proxy, f"__i{_plain_name}__", _arithmetic(f"i{_plain_name}"))
for _dunder in ("__float__", "__int__", "__index__", "__complex__", "__abs__", "__neg__", "__pos__", "__round__"):
    setattr(Proxy, _dunder, lambda self, *_: _refuse(self, "used as a number"))


def _ask_description(proxy: Proxy) -> tuple[str, str | None, Any]:
    answer = _ask(proxy, "describe")
    if type(answer) is not list or len(answer) != 3:
        raise AttributeError("__name__")
    label, document, parameters = answer
    return str(label), document if type(document) is str else None, parameters


def _signature(parameters: Any) -> inspect.Signature:
    """A signature with the names and kinds of the student's; default values stay there and show as None."""
    empty = inspect.Parameter.empty
    try:
        return inspect.Signature(
            [
                inspect.Parameter(name, inspect._ParameterKind(kind), default=None if has_default else empty)
                for name, kind, has_default in parameters
            ]
        )
    except (TypeError, ValueError):
        raise AttributeError("__signature__") from None


class CallableProxy(Proxy):
    """A function, method or class of the student's, or an object that can be called as these."""

    __slots__ = ()

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return _get(self, "_session").call(_get(self, "_handle"), arguments, keywords)


_types: dict[tuple[str, type[Any]], type[Any]] = {}


def proxy_type(name: str, base: type[Any] = Proxy) -> type[Any]:
    """A subclass of Proxy or Container that shows the student's class name, and nothing else of it."""
    found = _types.get((name, base))
    if found is None:
        if len(_types) >= _MAX_TYPES:
            return base
        found = _types[name, base] = type(name, (base,), {"__slots__": (), "__doc__": Proxy.__dict__["__doc__"]})
    return found


def is_another(value: object, before: object) -> bool:
    """Whether both stand for objects of one student process, and not for the same."""
    if value is before or not (issubclass(type(value), Proxy) and issubclass(type(before), Proxy)):
        return False
    return _get(value, "_session") is _get(before, "_session")
