"""Trusted side: exceptions of the student's code, raised again here under the names that tests expect."""

from __future__ import annotations

import builtins
from typing import Any

from autograder.errors import ProtocolError
from autograder.protocol import ATOMS

_MAX_MADE = 1000
_MAX_NAMES = 20


class StudentDied(BaseException):
    """The student's process is gone. No Exception, so that a test that expects one is not satisfied by it."""


class CellTimeout(BaseException):
    """The cell ran longer than it may."""


class Raised(Exception):
    """Carries the student's exception past the handlers of an exchange's own."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class StudentError(Exception):
    """An exception of the student's that has no built-in base."""


_BUILTIN = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
_made: dict[tuple[str, ...], type[BaseException]] = {}


def rebuild(payload: Any) -> BaseException:
    """The exception that ``Student`` described. Raises ProtocolError."""
    if type(payload) is not list or [type(part) for part in payload] != [list, list, str, str]:
        raise ProtocolError("a malformed exception")
    names, arguments, text, lines = payload
    made = exception_class(names)
    try:
        error = made(*arguments)
    except Exception:  # UnicodeDecodeError and others insist on arguments of certain types
        error = StudentError(text)
    if isinstance(error, StopIteration | StopAsyncIteration):
        # Within map() or all() of a test it would end the loop, and the test would pass (PEP 479).
        error = RuntimeError(f"the student's code raised {type(error).__name__}")
    error.student_text, error.student_traceback = text, lines  # type: ignore[attr-defined]
    return error


def told(error: BaseException) -> list[Any]:
    """Class and arguments of an error of a test's own function for the student's code that called it.

    Built-in classes alone; nothing of an assertion, which tells what was expected.
    """
    kind = next(each for each in type(error).__mro__ if _BUILTIN.get(each.__name__) is each)
    if kind is AssertionError:
        return [kind.__name__, []]
    if kind is type(error) and all(type(value) in ATOMS for value in error.args):
        return [kind.__name__, list(error.args)]
    text = f"{type(error).__name__}: {error}"
    try:
        kind(text)
    except TypeError:  # UnicodeDecodeError and others insist on more arguments
        kind = RuntimeError
    return [kind.__name__, [text]]


def exception_class(names: list[Any]) -> type[BaseException]:
    """The class whose method resolution order has these names; a leading dot marks a built-in one.

    Classes are made here, one on the other, so that a test can expect a base class of the student's own, and the last
    of them on all built-in ones.
    """
    own: list[str] = []
    bases: tuple[type[BaseException], ...] = ()
    for name in names[:_MAX_NAMES]:
        if type(name) is not str:
            raise ProtocolError("a malformed exception")
        if name.startswith("."):
            found = _BUILTIN.get(name[1:])
            if found is not None and not any(issubclass(base, found) for base in bases):
                bases += (found,)
        elif not bases:
            own.append(identifier(name))
    bases = bases or (StudentError,)
    key = tuple(f".{base.__name__}" for base in bases)
    for name in reversed(own):
        key = (name, *key)
        bases = (_made.get(key) or _make(key, bases),)
    return bases[0]


def _make(key: tuple[str, ...], bases: tuple[type[BaseException], ...]) -> type[BaseException]:
    try:
        made = type(key[0], bases, {"__str__": _text})
    except TypeError:  # no class can have all of these
        made = type(key[0], bases[:1], {"__str__": _text})
    if len(_made) < _MAX_MADE:
        _made[key] = made
    return made


def _text(error: BaseException) -> str:
    """What the student's class says of it; of one that a test made, what the built-in class says."""
    classes: tuple[Any, ...] = type(error).__mro__
    built_in = next(each for each in classes if each.__str__ is not _text)
    return getattr(error, "student_text", "") or str(built_in.__str__(error))


def identifier(name: Any) -> str:
    """A name that a class can have, whatever was sent."""
    return name if type(name) is str and name.isidentifier() and len(name) <= 100 else "object"
