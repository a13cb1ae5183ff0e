"""The words for how many, how late, which, for checks, settings, signals, and names chosen or mistyped."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

PLACES = 3  # that are named for one reason
AT_FAULT = "is at fault itself"
FAULT = re.compile(rf"(?:The given cell <[^<>]*>|\S+) {AT_FAULT}")  # not what a student wrote further on
WAITING = ("written answer waits", "written answers wait")


def as_setting(message: str) -> str:
    """What traitlets says of a value, in the words of the configuration.

    >>> as_setting("The 'keep' trait of an Engine instance expected any of ['last', 'best'], not the str 'bst'.")
    "c.Engine.keep must be any of ['last', 'best'], not the str 'bst'."
    """
    told = re.sub(r"^(?:The value of t|T)he '(\w+)' trait of an? (\w+) instance", r"c.\2.\1", message)
    return told.replace(" expected ", " must be ", 1).replace(" should ", " must ", 1)


def readable(grade_id: str) -> str:
    """``batchnorm_forward__running_statistics`` -> "batchnorm_forward: running statistics"."""
    name, _, rest = grade_id.partition("__")
    return f"{name}: {rest.replace('_', ' ')}" if name and rest else grade_id


def counted(number: float, one: str, many: str = "") -> str:
    """A number and the words after it, for one and for many, which by default end in an s more.

    >>> counted(1, "score"), counted(2.5, "point"), counted(0, "answer waits", "answers wait")
    ('1 score', '2.5 points', '0 answers wait')
    """
    text = f"{round(number, 2):g}"
    return f"{text} {one if text == '1' else many or one + 's'}"


def duration(hours: float) -> str:
    """So many hours, in the largest unit of which there is one at least.

    >>> duration(0.0001), duration(0.08), duration(0.9999), duration(23.7), duration(60.0)
    ('1 minute', '5 minutes', '1 hour', '23.7 hours', '2.5 days')
    """
    minutes = max(1, round(60 * hours))
    for unit, length in (("day", 1440), ("hour", 60)):
        if minutes >= length:
            return counted(round(minutes / length, 1), unit)
    return counted(minutes, "minute")


def lateness(penalty: float | None, left: float) -> str:
    """What was taken off for lateness, of a submission that is left with so many points; "" where it is nothing.

    >>> lateness(4.5, 3.0), lateness(9.0, 0.0), lateness(None, 9.0)
    ('4.5 points are taken off because it was late.', 'It came so late that all of its 9 points are taken off.', '')
    """
    if not penalty:
        return ""
    if not left:
        return f"It came so late that all of its {counted(penalty, 'point')} are taken off."
    return f"{counted(penalty, 'point is', 'points are')} taken off because it was late."


def signal_name(number: int) -> str:
    """By which a process was ended; those of real time have no names.

    >>> signal_name(9), signal_name(40)
    ('SIGKILL', 'signal 40')
    """
    return next((each.name for each in signal.Signals if each == number), f"signal {number}")


def listed(places: Sequence[str]) -> str:
    """The first three, and how many more there are.

    >>> listed(["one", "two"]), listed(["one", "two", "three", "four"])
    ('one, two', 'one, two, three and 1 more')
    """
    more = f" and {len(places) - PLACES} more" if len(places) > PLACES else ""
    return ", ".join(places[:PLACES]) + more


def gathered(people: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """(student, sentence) in their order; a fault of the course's own, which many share, is told once.

    >>> gathered([("ann", "late"), *((f"s{n}", f"f__small {AT_FAULT}") for n in range(5)), ("bob", "late")])
    [('ann', 'late'), ('s0, s1, s2 and 2 more', 'f__small is at fault itself'), ('bob', 'late')]
    """
    whose: dict[str, list[str]] = {}
    for student, sentence in people:
        whose.setdefault(sentence, []).append(student)
    faults = {sentence: listed(students) for sentence, students in whose.items() if FAULT.match(sentence)}
    return list(dict.fromkeys((faults.get(sentence, student), sentence) for student, sentence in people))


def labels(checks: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What (notebook, grade id) is called: the grade id, and where notebooks share it, that of which notebook.

    >>> list(labels([("one", "f__values"), ("two", "f__values"), ("two", "g__values")]).values())
    ['one: f__values', 'two: f__values', 'g__values']
    """
    known = dict.fromkeys(checks)
    count = Counter(grade_id for _, grade_id in known)
    return {each: ": ".join(each) if count[each[1]] > 1 else each[1] for each in known}


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that asks for the known names most like ``name``; "" where none is like it.

    >>> nearest("anan", ["anna", "bob"]), nearest("zoe", ["anna", "bob"])
    ('; do you mean anna?', '')
    """
    close = get_close_matches(name, sorted(known))
    return f"; do you mean {' or '.join(close)}?" if close else ""


def cut(text: str, length: int) -> str:
    """The text, in at most so many characters.

    >>> cut("batchnorm", 9), cut("batchnorm_forward", 9)
    ('batchnorm', 'batchnor…')
    """
    return text if len(text) <= length else f"{text[: length - 1]}…"


def shown(name: str) -> str:
    """A name that somebody else chose, harmless to print: at most 120 printable characters.

    >>> shown("key" + chr(27) + "[31m")
    'key?[31m'
    """
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else "?" for char in text)[:120]
