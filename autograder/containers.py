"""Trusted side: tuples, lists and dicts that stay in the student's process until a test looks at them."""

from __future__ import annotations

import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, KeysView
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.errors import BoundaryError, ProtocolError
from autograder.protocol import ARITHMETIC, ATOMS, COMPARISONS, SLICE
from autograder.proxies import Proxy, asked_by_a_library
from autograder.wire import DICTIONARIES, MAX_ALIKE, dictionary, hashable

if TYPE_CHECKING:
    from autograder.session import Session

MOST_ITEMS = 10_000_000  # of a list that a test looks at
MOST_KEYS = 1_000_000  # of a dictionary
_ABSENT = object()
_get, _set, _ask = object.__getattribute__, object.__setattr__, Proxy._ask


class _Seen:
    """What a container said at one moment: until student code runs again, all looks are answered from it."""

    __slots__ = ("items", "keys", "known", "length", "moment", "whole")

    def __init__(self, moment: int) -> None:
        self.moment = moment
        self.known: dict[Any, Any] = {}  # by key of a dictionary, or by place: the value, or _ABSENT
        self.items: Any = None  # of a tuple or list
        self.keys: dict[Any, None] | None = None
        self.length: int | None = None
        self.whole = False  # all values are known


class Container(Proxy):
    """A tuple, list or dict that stays in the student's process until looked at; arrays within are live.

    It could be another one at each look, were it not for ``_Seen``: a test that looks whether it is sorted, and then
    whether it holds the right values, has to see the same.
    """

    __slots__ = ("_kind", "_seen")
    _is_plain = True

    def __init__(self, session: Session, handle: int, kind: type) -> None:
        super().__init__(session, handle)
        _set(self, "_kind", kind)
        _set(self, "_seen", _Seen(session.moment))

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """A class of the student's that is made from Counter shows as a dict.

        A Counter of the test's asks a Counter for the count of each thing that is expected; such a class has its own
        answer for what is absent.
        """
        kind = _get(self, "_kind")
        return dict if kind is Counter and type(self) is not Container else kind

    def _is_counter(self) -> bool:
        """One of no class of the student's."""
        return type(self) is Container and _get(self, "_kind") is Counter

    def _is_dict(self) -> bool:
        return issubclass(_get(self, "_kind"), dict)

    def _now(self) -> _Seen:
        seen, moment = _get(self, "_seen"), _get(self, "_session").moment
        if seen.moment != moment:
            seen = _Seen(moment)
            _set(self, "_seen", seen)
        return seen  # type: ignore[no-any-return]

    def _slices(self, operation: str, most: int) -> list[Any]:
        """What one operation answers in slices, all of it."""
        values: list[Any] = []
        while len(values) % SLICE == 0:
            more = _ask(self, operation, len(values))
            if type(more) is not list or len(more) > SLICE or len(values) + len(more) > most:
                raise BoundaryError(f"a container of more than {most:,} values, or no container any more")
            values += more
            if not more:
                break
        return values

    def _items(self) -> Any:
        """All of a tuple or list."""
        seen = _now(self)
        if seen.items is None:
            items = _slices(self, "items", MOST_ITEMS)
            _require_same(seen.length in (None, len(items)))
            for place, item in seen.known.items():
                items[place] = item
            seen.items, seen.length = _get(self, "_kind")(items), len(items)
        return seen.items

    def _item(self, index: Any) -> Any:
        """One of a tuple or list, without the others: these may be arrays that are too large to come at once."""
        seen = _now(self)
        if type(index) is slice or seen.items is not None:
            return _items(self)[index]
        try:
            place = range(len(self))[index]
        except IndexError:
            raise IndexError(f"{_get(self, '_kind').__name__} index out of range") from None
        if place not in seen.known:
            seen.known[place] = _ask(self, "item", place)
        return seen.known[place]

    def _find(self, key: Any) -> Any:
        """A dictionary's value, or _ABSENT."""
        seen = _now(self)
        if seen.keys is not None and key not in seen.keys:
            return _ABSENT
        if key not in seen.known:
            found, value = _ask(self, "look up", key)
            _require_same(found is True or seen.keys is None)
            seen.known[key] = value if found is True else _ABSENT
        return seen.known[key]

    def _keys(self) -> dict[Any, None]:
        seen = _now(self)
        if seen.keys is None:
            answer = _slices(self, "keys", MOST_KEYS)
            try:
                keys = dict.fromkeys(hashable(answer, MOST_KEYS, MAX_ALIKE))
            except ProtocolError as problem:
                raise BoundaryError(f"a dictionary cannot be looked at as a whole: {problem}") from None
            _require_same(all((key in keys) is (value is not _ABSENT) for key, value in seen.known.items()))
            _require_same(len(keys) == len(answer) and seen.length in (None, len(keys)))
            seen.keys, seen.length = keys, len(keys)
        return seen.keys

    def _held_as(self, key: Any) -> Any:
        """A dictionary's key that is equal to this one, or _ABSENT. A value of the test's is compared here."""
        theirs = _theirs(key)
        if True not in theirs:
            return key if key in _keys(self) else _ABSENT
        if False not in theirs:  # which objects of the student's are equal, and hash alike, their class says
            return key if _ask(self, "operate", "contains", key) is True else _ABSENT
        alike = (each for each in _keys(self) if isinstance(each, tuple | frozenset) and each == key)
        return next(alike, _ABSENT)

    def _pairs(self) -> dict[Any, Any]:
        seen, keys = _now(self), _keys(self)
        if not seen.whole:
            values = _slices(self, "values", MOST_KEYS)
            _require_same(len(values) == len(keys))
            seen.known = dict(zip(keys, values, strict=True)) | seen.known
            seen.whole = True
        return {key: seen.known[key] for key in keys}

    def _value(self) -> Any:
        """All of it, and of what it holds, as a plain one of its own."""
        if _is_dict(self):
            return dictionary(_get(self, "_kind"), {key: _copied(value) for key, value in _pairs(self).items()})
        return _get(self, "_kind")(map(_copied, _items(self)))

    def _text(self, operation: str) -> str:
        """As its class writes it, where it has one; so do those within."""
        if type(self) is not Container or _get(self, "_kind") in DICTIONARIES:
            return str(_ask(self, operation))
        return repr(_pairs(self) if _is_dict(self) else _items(self))

    def __getattr__(self, name: str) -> Any:
        kind = _get(self, "_kind")
        if not hasattr(kind, name):
            if name.startswith("__") or asked_by_a_library():
                raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
            return _ask(self, "get", name)
        if name in _THERE or (name == "copy" and kind is defaultdict):  # which keeps what its default is
            return _ask(self, "get", name)
        if name in _LOOKS:
            return partial(_LOOKS[name], self)
        return getattr(_value(self), name)

    def __getitem__(self, key: Any) -> Any:
        if not _is_dict(self):
            return _item(self, key)
        theirs = _theirs(key)
        if _is_counter(self) and theirs != {True}:  # looked for here: a Counter of the test's asks for what it expects
            if not _now(self).whole:
                _pairs(self)
            return _now(self).known.get(_held_as(self, key), 0)
        value = _now(self).known.get(key, _ABSENT) if True in theirs else _find(self, key)
        return _ask(self, "get item", key) if value is _ABSENT else value  # an error, or what a default makes

    def __len__(self) -> int:
        seen = _now(self)
        if seen.length is None:
            seen.length = int(_ask(self, "length"))
        return seen.length

    def __iter__(self) -> Iterator[Any]:
        return iter(_keys(self) if _is_dict(self) else _items(self))

    def __contains__(self, item: object) -> bool:
        """Looked for here: it could be what a test expects."""
        return _held_as(self, item) is not _ABSENT if _is_dict(self) else item in _items(self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(_value(self), dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        return getattr(ufunc, method)(*map(_plain, inputs), **keywords)

    def __iand__(self, other: Any) -> Any:
        """What a Counter has too much is taken away: one that is passed is a dict there, which lacks the zeros."""
        if _get(self, "_kind") is not Counter:
            return self & other
        return _changed(self, "isub", _value(self) - Counter(_plain(other)))

    def __pos__(self) -> Any:
        return +_value(self)

    def __neg__(self) -> Any:
        return -_value(self)

    def __bool__(self) -> bool:
        return bool(len(self))

    def __reversed__(self) -> Iterator[Any]:
        return iter(list(self)[::-1])

    def __str__(self) -> str:
        return _text(self, "text")

    def __repr__(self) -> str:
        return _text(self, "repr")

    def __hash__(self) -> int:
        return hash(_value(self))


_is_dict, _is_counter, _now, _slices = Container._is_dict, Container._is_counter, Container._now, Container._slices
_items, _item = Container._items, Container._item
_find, _keys, _held_as = Container._find, Container._keys, Container._held_as
_pairs, _value, _text = Container._pairs, Container._value, Container._text
# What changes the student's own, and what no copy has.
_THERE = frozenset(
    {"append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "update", "setdefault", "popitem"}
    | {"move_to_end", "subtract", "default_factory"}
)


def _get_of(self: Container, key: Any, default: Any = None) -> Any:
    held = _held_as(self, key)
    return default if held is _ABSENT else self[held]


def _keys_of(self: Container) -> Any:
    """Not a dictionary's own ones where an equal key has to be asked for."""
    keys = _keys(self)
    return keys.keys() if ATOMS.issuperset(map(type, keys)) else KeysView(self)


def _theirs(key: Any) -> set[bool]:
    """Of a key, or of all that a tuple or frozenset holds: whether it is an object of the student's."""
    if isinstance(key, tuple | frozenset):
        return set().union(*map(_theirs, key))
    return {isinstance(key, Proxy) and not type(key)._is_plain}


_LOOKS: dict[str, Callable[..., Any]] = {  # of a dictionary; a list has none of these names
    "keys": _keys_of,
    "items": lambda self: _pairs(self).items(),
    "values": lambda self: _pairs(self).values(),
    "get": _get_of,
}


def _changed(self: Container, operation: str, other: Any) -> Container:
    _ask(self, "operate", operation, other)
    return self


def _require_same(same: bool) -> None:
    if not same:
        raise BoundaryError("a container of the student's changed between two looks, though no student code ran")


def _copied(value: Any) -> Any:
    """A value within a container, without what would go back to the student's process."""
    if type(value) is tuple:
        return tuple(map(_copied, value))
    return value.copy() if type(value) is np.ndarray else _plain(value)


def _plain(value: object) -> Any:
    return _value(value) if isinstance(value, Container) else value


def _reckoning(name: str, reflected: bool) -> Any:
    reckon = getattr(operator, name)

    def operate(self: Container, other: object) -> Any:
        return reckon(_plain(other), _value(self)) if reflected else reckon(_value(self), _plain(other))

    return operate


def _in_place(name: str) -> Any:
    """What a container of this kind does to itself is done there; a tuple becomes another one here."""
    reckon, operation = _reckoning(name, False), f"i{name.strip('_')}"

    def operate(self: Container, other: object) -> Any:
        there = hasattr(_get(self, "_kind"), f"__{operation}__")
        return _changed(self, operation, other) if there else reckon(self, other)

    return operate


for _name in sorted(COMPARISONS | ARITHMETIC):
    setattr(Container, f"__{_name.strip('_')}__", _reckoning(_name, False))
for _name in sorted(ARITHMETIC):
    setattr(Container, f"__r{_name.strip('_')}__", _reckoning(_name, True))
    if f"__i{_name.strip('_')}__" not in vars(Container):
        setattr(Container, f"__i{_name.strip('_')}__", _in_place(_name))
