"""How a sentence says how many, a name that a student chose, and the right names nearest to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def count(number: float, noun: str) -> str:
    """A number of things, with the noun's plural by an s.

    >>> count(1, "score"), count(2.5, "point"), count(0, "day")
    ('1 score', '2.5 points', '0 days')
    """
    shown = f"{round(number, 2):g}"
    return f"{shown} {noun}{'' if shown == '1' else 's'}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that asks for the known names most like ``name``; "" where none is like it.

    >>> nearest("anan", ["anna", "bob"]), nearest("zoe", ["anna", "bob"])
    ('; do you mean anna?', '')
    """
    close = get_close_matches(name, sorted(known))
    return f"; do you mean {' or '.join(close)}?" if close else ""


def shown(name: str) -> str:
    """A name that somebody else chose, harmless to print: at most 120 printable characters.

    >>> shown("key" + chr(27) + "[31m")
    'key?[31m'
    """
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else "?" for char in text)[:120]
