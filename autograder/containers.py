"""Trusted side: tuples, lists and dicts that stay in the student's process until a test looks at them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.errors import BoundaryError
from autograder.protocol import ARITHMETIC, COMPARISONS
from autograder.proxies import Proxy

if TYPE_CHECKING:
    from autograder.session import Session

_get, _set, _ask = object.__getattribute__, object.__setattr__, Proxy._ask


class Container(Proxy):
    """A tuple, list or dict that stays in the student's process until looked at; items are live."""

    __slots__ = ("_kind",)
    _is_plain = True

    def __init__(self, session: Session, handle: int, kind: type) -> None:
        super().__init__(session, handle)
        _set(self, "_kind", kind)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return _get(self, "_kind")  # type: ignore[no-any-return]

    def _value(self) -> Any:
        """All of it by value; of the type that it says it is, or else a student's lie."""
        value = _ask(self, "value")
        if type(value) is not _get(self, "_kind"):
            raise BoundaryError("a container changed its type")
        return value

    def __getattr__(self, name: str) -> Any:
        kind = _get(self, "_kind")
        if name.startswith("_") or not hasattr(kind, name):
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
        if name in _MUTATORS:
            return _ask(self, "get", name)
        if name in _LOOKS:
            return partial(_LOOKS[name], self)
        return getattr(_value(self), name)

    def _pairs(self) -> list[tuple[Any, Any]]:
        return [(key, value) for key, value in _ask(self, "pairs")]

    def __iter__(self) -> Iterator[Any]:
        kind = _get(self, "_kind")
        return iter([key for key, _ in _pairs(self)] if kind is dict else _ask(self, "items"))

    def __contains__(self, item: object) -> bool:
        return item in list(self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(_value(self), dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        return getattr(ufunc, method)(*map(_plain, inputs), **keywords)

    def __iadd__(self, other: Any) -> Any:
        return _changed(self, "extend", other) if _get(self, "_kind") is list else self + other

    def __ior__(self, other: Any) -> Any:
        return _changed(self, "update", other)

    def __bool__(self) -> bool:
        return bool(len(self))

    def __reversed__(self) -> Iterator[Any]:
        return iter(list(self)[::-1])

    def __str__(self) -> str:
        return str(_value(self))

    def __repr__(self) -> str:
        return repr(_value(self))

    def __hash__(self) -> int:
        return hash(_value(self))


_value, _pairs = Container._value, Container._pairs
_MUTATORS = frozenset(
    {"append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "update", "setdefault", "popitem"}
)


def _look_up(self: Container, key: Any, default: Any = None) -> Any:
    return self[key] if key in self else default  # noqa: SIM401 (this is get)


_LOOKS: dict[str, Callable[..., Any]] = {  # of a dictionary; a list has none of these names
    "keys": lambda self: dict.fromkeys(self).keys(),
    "items": lambda self: dict(_pairs(self)).items(),
    "values": lambda self: dict(_pairs(self)).values(),
    "get": _look_up,
}


def _changed(self: Container, method: str, other: Any) -> Container:
    getattr(self, method)(other)
    return self


def _plain(value: object) -> Any:
    return _value(value) if isinstance(value, Container) else value


def _reckoning(name: str, reflected: bool) -> Any:
    reckon = getattr(operator, name)

    def operate(self: Container, other: object) -> Any:
        return reckon(_plain(other), _value(self)) if reflected else reckon(_value(self), _plain(other))

    return operate


for _name in sorted(COMPARISONS | ARITHMETIC):
    setattr(Container, f"__{_name.strip('_')}__", _reckoning(_name, False))
for _name in sorted(ARITHMETIC):
    setattr(Container, f"__r{_name.strip('_')}__", _reckoning(_name, True))
