"""The global random streams of NumPy and of Python's ``random``, kept the same on both sides of the boundary.

The judge sends a stream's state when it has moved. The student's process answers with how many 32-bit words it drew,
and the judge moves its own stream on by as many: student code cannot choose the numbers that a hidden test
draws next, only how many it skips. The generator of both is MT19937 (Matsumoto and Nishimura, 1998), the only one that
``np.random.seed``, ``random.seed`` and the functions of the two modules use.
"""

from __future__ import annotations

import ctypes
import math
import random
from typing import Any

import numpy as np

from autograder.errors import ProtocolError

WORDS = 624  # of state
STATE_BYTES = 4 * WORDS + 4  # the words and the position among them
MAX_BLOCKS = 4000  # of 624 words, searched in the student's process
MAX_WORDS = MAX_BLOCKS * WORDS
MAX_FOREIGN = 10_000  # pairs of states that are remembered

State = list[Any]  # key, position, has_gauss, cached_gaussian
Advance = list[Any]  # words, has_gauss, cached_gaussian


def _view(generator: Any) -> Any:
    """The generator's state in memory: comparing it costs a hundredth of ``np.random.get_state``."""
    return (ctypes.c_char * STATE_BYTES).from_address(generator.ctypes.state_address)


def _split(raw: bytes) -> tuple[bytes, int]:
    return raw[: 4 * WORDS], int.from_bytes(raw[4 * WORDS :], "little")


def _generator(key: Any, position: int) -> Any:
    generator = np.random.MT19937()
    generator.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": position}}
    return generator


class Stream:
    """NumPy's global stream in this process, and the state that the other side knows of."""

    def __init__(self, known: bool = True) -> None:
        self._view = _view(np.random.mtrand._rand._bit_generator)
        self._known = b""
        self._has_gauss = False
        self._lost = False
        self._foreign: set[int] = set()  # pairs of states of which the second is not the first moved on
        if known:
            self.remember()

    def remember(self) -> None:
        """The other side knows the state as it is now."""
        self._known = self._raw()
        self._has_gauss = bool(self._gauss()[0])

    def _moved(self) -> bool:
        if self._raw() != self._known:
            return True
        # A cached normal number can be used up without the words moving.
        return self._has_gauss and not self._gauss()[0]

    def _raw(self) -> bytes:
        """Words and position."""
        raw: bytes = self._view.raw
        return raw

    def _gauss(self) -> tuple[int, float]:
        """Whether a normal number is cached, and which."""
        state: Any = np.random.get_state()
        return int(state[3]), float(state[4])

    def _put(self, key: Any, position: int, has_gauss: int, cached: float) -> None:
        np.random.set_state(("MT19937", key, position, has_gauss, cached))

    def _cached_after(self, words: Any) -> float:
        """What the polar method keeps after a pair of normal numbers drawn from these four words."""
        first, second = 2.0 * _double(words[:2]) - 1.0, 2.0 * _double(words[2:]) - 1.0
        radius = first * first + second * second
        return math.sqrt(-2.0 * math.log(radius) / radius) * first if 0 < radius < 1 else math.nan

    # the judge's side

    def changed(self) -> State | None:
        """The state to be sent, or None if the other side knows it."""
        if not self._moved():
            return None
        return [*_known_key(self._raw()), *self._gauss()]

    def advance(self, moved: Any) -> None:
        """Move on by what the student's process drew. Raises ProtocolError."""
        if moved is False:  # the student's process has another stream now: it is given ours again
            self._known = b""
            return
        if (
            type(moved) is not list
            or [type(value) for value in moved] != [int, int, float]
            or not 0 <= moved[0] <= MAX_WORDS
        ):
            raise ProtocolError("a malformed advance of the random stream")
        words, has_gauss, cached = moved
        if len(self._known) != STATE_BYTES:
            raise ProtocolError("an advance of a random stream that was not sent")
        generator = _generator(*_known_key(self._known))
        tail = min(words, 4)
        generator.random_raw(words - tail, output=False)
        last = generator.random_raw(tail)
        if words and has_gauss and (tail < 4 or cached != self._cached_after(last)):
            has_gauss, cached = 0, 0.0
        elif not words:  # nothing drawn: the cached number was used up, or is the one we know
            has_gauss, cached = (1, self._gauss()[1]) if has_gauss and self._has_gauss else (0, 0.0)
        state = generator.state["state"]
        self._put(state["key"], state["pos"], int(bool(has_gauss)), float(cached))
        self.remember()

    # the student's side

    def follow(self, state: State) -> None:
        """Go on from the other side's state."""
        self._put(*state)
        self._lost = False
        self.remember()

    def moved_by(self) -> Advance | bool | None:
        """How far the stream moved since the last ``remember``; None if it did not, False if it is another now."""
        if self._lost or not self._moved():
            return None
        words = self._distance()
        if words is None:
            self._lost = True
            return False
        self.remember()
        return [words, *self._gauss()]

    def _distance(self) -> int | None:
        old_key, old_position = _split(self._known)
        new_key, new_position = _split(self._raw())
        if old_key == new_key:
            return new_position - old_position if new_position >= old_position else None
        # A search in vain is long, and code that seeds in each call (dropout in a gradient check) would need many.
        pair = hash((self._known, new_key))
        if pair in self._foreign:
            return None
        generator = _generator(*_known_key(self._known))
        view = _view(generator)
        generator.random_raw(WORDS - old_position, output=False)
        for block in range(MAX_BLOCKS):
            generator.random_raw(WORDS, output=False)
            if view.raw[: 4 * WORDS] == new_key:
                return WORDS - old_position + block * WORDS + new_position
        if len(self._foreign) < MAX_FOREIGN:
            self._foreign.add(pair)
        return None


class PythonStream(Stream):
    """The stream of Python's ``random``. Its state is costly to read: only tests that import ``random`` share it."""

    def _raw(self) -> bytes:
        words = random.getstate()[1]
        return np.array(words, np.uint32).tobytes()

    def _gauss(self) -> tuple[int, float]:
        cached = random.getstate()[2]
        return int(cached is not None), cached or 0.0

    def _put(self, key: Any, position: int, has_gauss: int, cached: float) -> None:
        random.setstate((3, (*key.tolist(), position), cached if has_gauss else None))

    def _cached_after(self, words: Any) -> float:
        """What ``random.gauss`` keeps after the first of a pair of normal numbers drawn from these four words."""
        return math.sin(2.0 * math.pi * _double(words[:2])) * math.sqrt(-2.0 * math.log(1.0 - _double(words[2:])))


class Streams:
    """The streams that are shared: NumPy's, and where ``python`` Python's; messages hold one entry for each."""

    def __init__(self, known: bool, python: bool) -> None:
        self._all = [Stream(known), PythonStream(known)] if python else [Stream(known)]

    def changed(self) -> list[State | None] | None:
        """The states of the streams that moved, to be sent; None where none did."""
        states = [stream.changed() for stream in self._all]
        return states if any(states) else None

    def remember(self) -> None:
        """The other side knows the states as they are."""
        for stream in self._all:
            stream.remember()

    def advance(self, moves: Any) -> None:
        """Raises ProtocolError."""
        if type(moves) is not list or len(moves) != len(self._all):
            raise ProtocolError("a malformed advance of the random streams")
        for stream, moved in zip(self._all, moves, strict=True):
            if moved is not None:
                stream.advance(moved)

    def follow(self, states: list[State | None]) -> None:
        """Go on from the other side's states, of those that it sent."""
        if len(states) > len(self._all):
            self._all.append(PythonStream())
        for stream, state in zip(self._all, states, strict=True):
            if state is not None:
                stream.follow(state)

    def moved_by(self) -> list[Advance | bool | None] | None:
        """By how much each moved, in its shortest form; None where none did."""
        moves = [stream.moved_by() for stream in self._all]
        return None if moves == [None] * len(moves) else moves


def _known_key(raw: bytes) -> tuple[Any, int]:
    key, position = _split(raw)
    return np.frombuffer(key, np.uint32), position


def _double(words: Any) -> float:
    """The number in [0, 1) that both modules make of two words."""
    value: float = ((int(words[0]) >> 5) * 67108864 + (int(words[1]) >> 6)) / 9007199254740992
    return value
