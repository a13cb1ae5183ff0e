"""Untrusted side: which objects of classes made from tuples, lists, dicts, numbers or texts can go over as these."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from autograder import protocol

# What a number, a text or a container does; how it is made, told and copied is another matter.
_BESIDE = (
    "__class__ __delattr__ __dir__ __doc__ __format__ __getattribute__ __getnewargs__ __getstate__ __init__ __new__ "
    "__reduce__ __reduce_ex__ __repr__ __setattr__ __sizeof__ __str__"
)
_KINDS = (int, float, complex, str, bytes, list)
_MORE = {"__call__", "__array__", "__array_ufunc__", "__matmul__", "__next__"}
_OPERATIONS = {name for kind in _KINDS for name in dir(kind) if name.startswith("__")} - {*_BESIDE.split()} | _MORE

# What a class made from a container may define beside: Python writes some of it into each class or named tuple, and
# ``copy`` into what it copied.
_OF_A_CLASS = (
    "__getattr__ __missing__ __module__ __qualname__ __slots__ __dict__ __weakref__ __annotations__ "
    "__orig_bases__ __parameters__ __init_subclass__ __class_getitem__ __abstractmethods__ __match_args__ __replace__ "
    "__static_attributes__ __firstlineno__ __slotnames__"
)

# What only writes is done in the student's process in any case.
_WRITES = "append clear extend insert pop popitem remove reverse setdefault sort update __setitem__ __delitem__"


@lru_cache(1000)
def made_from(kind: Any) -> Any:
    """Which plain container a class (a named tuple's, say) is, where it has the operations of that; or None."""
    plain: Any = next((each for each in protocol.KIND_OF_TYPE if issubclass(kind, each)), None)
    if plain is None:
        return None
    added = {name for base in kind.__mro__ if base not in (plain, object) for name in vars(base)}
    added -= {*_BESIDE.split(), *_OF_A_CLASS.split(), *_WRITES.split()}
    names = {name for name in added if name.startswith("__") or hasattr(plain, name)}
    return plain if all(_defined(kind, name) is _defined(plain, name) for name in names) else None


@lru_cache(1000)
def reckons_as(kind: type, plain: type) -> bool:
    """Whether a class made from a kind of numbers or texts adds no operation of its own: then it can go over as one."""
    return all(_defined(kind, name) is _defined(plain, name) for name in _OPERATIONS)


def _defined(kind: type, name: str) -> Any:
    """As an operation finds it: what the class of the class has does not count."""
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
