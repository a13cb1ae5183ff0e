"""What a student's code gave back during one test, as short plain data by which two runs can be compared.

No value is kept: an array becomes its dtype, its shape and two weighted sums of its elements. Arrays that agree to 1e-9
agree in these, and others do not but for a chance of nil.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.copied import Copied
from autograder.protocol import as_plain

TOLERANCE = 1e-9  # relative
ZERO = 1e-12  # what is smaller is the rounding of an exact zero
VALUES_PER_LABEL = 40  # a numerical gradient calls one function hundreds of times: the first calls tell enough
VALUES = 400  # of one test
DEPTH = 4
MEMBERS = 40  # of one container
ELEMENTS = 50_000  # of one array
EVENTS = 20_000  # of one test: a forged tree of dictionaries would fill the result with millions
LABEL = 200  # characters

CHANGED = "changed "  # begins the label of what was written into an argument
UNSEEN = "an object"  # the text of an event whose value is not known here
OBJECT = object()  # stands for what lives on in the student's process
PLAIN = (type(None), bool, int, float, complex, str, bytes, np.bool_, np.number)

Event = list[Any]
"""[label, text], or [label, text, number, ..., size]: equal texts, and numbers equal relative to the larger size."""


class Recorder:
    """What came from the student's process, in order. Copies are cheap; they are looked at only if a test failed."""

    def __init__(self) -> None:
        self._values: list[tuple[str, Any]] = []
        self._seen: Counter[str] = Counter()

    def note(self, label: str, value: object) -> None:
        """Keep a value; ``label`` says what was asked, "call f" for instance."""
        self._seen[label] += 1
        if self._seen[label] <= VALUES_PER_LABEL and len(self._values) < VALUES:
            self._values.append((label, _copy(value, DEPTH)))

    def noted(self, label: str, ask: Callable[[], Any]) -> Any:
        """What ``ask()`` gives back, or raises; both are noted."""
        try:
            value = ask()
        except Exception as error:
            self.note(f"{label} raised", (type(error).__name__, str(error)))
            raise
        self.note(label, value)
        return value

    def take(self) -> list[tuple[str, Any]]:
        """The values so far, for :func:`events`; the next test starts with none."""
        values, self._values = self._values, []
        self._seen.clear()
        return values


def events(values: Iterable[tuple[str, Any]]) -> list[Event]:
    """Recorded values as plain data without the values."""
    return list(islice((event for label, value in values for event in _events(label, value)), EVENTS))


def same(one: Event, other: Event) -> bool:
    """Whether two events stand for one question and for values that agree to TOLERANCE."""
    if one[:2] != other[:2] or len(one) != len(other):
        return False
    size = max(*one[2:], *other[2:], ZERO) if len(one) > 2 else 0.0
    # Weights reach 1.5, so the sums of arrays that agree differ by at most 1.5 TOLERANCE.
    return size <= ZERO or all(abs(a - b) <= 2 * TOLERANCE * size for a, b in zip(one[2:], other[2:], strict=True))


def _copy(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is np.ndarray:
        return value.ravel()[:ELEMENTS].copy() if value.size > ELEMENTS else value.copy()
    if kind in (tuple, list) and depth:
        return kind(_copy(member, depth - 1) for member in value[:MEMBERS])
    if issubclass(kind, dict) and depth:
        return {_label(key): _copy(value[key], depth - 1) for key in islice(value, MEMBERS)}
    if not isinstance(value, PLAIN):
        return OBJECT
    # One of a class of the student's would be asked there for its text, when nobody waits any more.
    return as_plain(value) if isinstance(value, Copied) else value


def _label(key: object) -> str:
    if type(key) is tuple:
        return f"({', '.join(map(_label, key))})"
    return _text(_copy(key, 0)) if isinstance(key, PLAIN) else UNSEEN


def _text(value: object) -> str:
    # Decimal digits of a huge number would take for ever, and Python refuses them.
    return hex(value) if isinstance(value, int) and value.bit_length() > 1000 else repr(value)


def _events(label: str, value: Any) -> Iterator[Event]:
    if isinstance(value, tuple | list):
        yield [label, f"{type(value).__name__} of {len(value)}"]
        for position, member in enumerate(value):
            yield from _events(f"{label} {position}", member)
    elif isinstance(value, dict):
        yield [label, f"dict of {', '.join(sorted(value))}"]
        for key in sorted(value):
            yield from _events(f"{label} {key}"[:LABEL], value[key])
    elif isinstance(value, np.ndarray | np.number) and value.dtype.kind in "biufc":
        yield [label, *_numbers(np.asarray(value))]
    elif isinstance(value, float | complex) or (
        isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 1000
    ):
        yield [label, *_numbers(np.asarray(value, dtype=complex if isinstance(value, complex) else float))]
    elif isinstance(value, PLAIN):
        yield [label, _digest(_text(value).encode("utf-8", "surrogatepass"))]
    else:
        yield [label, UNSEEN]


def _numbers(array: NDArray[Any]) -> list[Any]:
    flat = array.ravel().astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    finite = np.isfinite(flat)
    odd = "" if finite.all() else _digest(str(flat[~finite]).encode() + finite.tobytes())
    parts = np.where(finite, flat, 0).view(np.float64)
    with np.errstate(all="ignore"):
        numbers = [float(np.dot(weights, parts)) for weights in _weights(parts.size)]
        numbers.append(float(np.abs(parts).sum()))
    text = f"{array.dtype} {array.shape} {odd}"
    return [text, *numbers] if all(map(math.isfinite, numbers)) else [f"{text} beyond all bounds"]


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()


@lru_cache(maxsize=256)
def _weights(size: int) -> NDArray[np.float64]:
    stream = np.random.Generator(np.random.PCG64(20_150_210))
    weights: NDArray[np.float64] = stream.uniform(0.5, 1.5, (2, size)) * stream.choice((-1.0, 1.0), (2, size))
    return weights
