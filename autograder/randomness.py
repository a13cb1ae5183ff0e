"""The global random streams of NumPy and of Python's ``random``, kept the same on both sides of the boundary.

The judge sends a stream's state when it has moved. The student's process answers with how many 32-bit words it drew
and where among them the pair of normal numbers came from of which one is kept for the next draw; the judge moves its
own stream on by as many and computes that number itself: student code cannot choose the numbers that a hidden test
draws next, only how many it skips. The generator of both is MT19937 (Matsumoto and Nishimura, 1998), the only one that
``np.random.seed``, ``random.seed`` and the functions of the two modules use.

Who sees a state can draw again what was drawn, and skip to numbers that he likes. So a stream is shared only once the
instructor's code has seeded it, and what it draws can be known anyway; until then each side has a stream of its own.
"""

from __future__ import annotations

import ctypes
import math
import random
from typing import Any, ClassVar

import numpy as np

from autograder.errors import ProtocolError

WORDS = 624  # of state
STATE_BYTES = 4 * WORDS + 4  # the words and the position among them
MAX_BLOCKS = 4000  # of 624 words, searched in the student's process
MAX_WORDS = (MAX_BLOCKS + 1) * WORDS  # in the last block that is found, any position
MAX_FOREIGN = 10_000  # pairs of states that are remembered

# The generators behind the functions of the two modules, which trusted code may have replaced.
NUMPY, PYTHON = np.random.mtrand._rand, vars(random)["_inst"]
State = list[Any]  # key, position, has_gauss, cached_gaussian
Advance = list[Any]  # words drawn; how many of them after the pair of which one is cached, None where none is, or OLD
OLD = -1  # the number that the other side knows is cached still
PAIR = 4  # words that make two normal numbers
_STAND_IN = b"a stand-in"  # is what the other side has
SAME = 1e-13  # of NumPy's logarithm and Python's, which may differ in the last digits


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

    stand_in: ClassVar[State | None] = None  # what the student's process gets while the stream is not shared
    seedings: ClassVar[int] = 0  # by the instructor's code

    def __init__(self, known: bool = True) -> None:
        self._view = _view(np.random.mtrand._rand._bit_generator)
        self._known = b""
        self._left = b""  # the state in which the student's process left it for another
        self._cached: tuple[int, float] = (0, 0.0)
        self._lost = False
        self._foreign: set[int] = set()  # pairs of states of which the second is not the first moved on
        if known:
            self.remember()

    def remember(self) -> None:
        """The other side knows the state as it is now, or what stands in for it."""
        self._known = self._raw() if self.stand_in is None else _STAND_IN
        self._left = b""
        self._cached = self._gauss()

    def _moved(self) -> bool:
        if self._raw() != self._known:
            return True
        # A cached normal number can be used up without the words moving.
        return bool(self._cached[0]) and not self._gauss()[0]

    def _raw(self) -> bytes:
        """Words and position."""
        raw: bytes = self._view.raw
        return raw

    def _gauss(self) -> tuple[int, float]:
        """Whether a normal number is cached, and which."""
        state: Any = np.random.get_state()
        return int(state[3]), float(state[4])

    def _put(self, key: Any, position: int, has_gauss: int, cached: float) -> None:
        NUMPY.set_state(("MT19937", key, position, has_gauss, cached))

    def _kept(self, one: Any, two: Any, lib: Any) -> Any:
        """The number that the polar method keeps of the pair made of two uniform ones; ``lib`` is math or numpy."""
        first, second = 2.0 * one - 1.0, 2.0 * two - 1.0
        radius = first * first + second * second
        return lib.sqrt(-2.0 * lib.log(radius) / radius) * first

    # the judge's side

    def changed(self, within: bool = False) -> State | None:
        """The state to be sent, or None if the other side knows it.

        ``within`` a call of student code: what it seeded there is its own till the end, unless trusted code drew.
        """
        if self.stand_in is not None:
            return None if self._known else self.stand_in
        if not self._moved() or (within and self._raw() == self._left):
            return None
        return [*_known_key(self._raw()), *self._gauss()]

    def advance(self, moved: Any) -> None:
        """Move on by what the student's process drew. Raises ProtocolError."""
        if self.stand_in is not None:
            return
        if moved is False:  # the student's process has another stream now: it is given ours again
            self._known, self._left = b"", self._raw()
            return
        if type(moved) is not list or len(moved) != 2 or type(moved[0]) is not int or not 0 <= moved[0] <= MAX_WORDS:
            raise ProtocolError("a malformed advance of the random stream")
        words, after = moved
        if after is not None and (type(after) is not int or not OLD <= after <= max(words - PAIR, OLD)):
            raise ProtocolError("a malformed advance of the random stream")
        if not self._known:
            raise ProtocolError("an advance of a random stream that was not sent")
        generator = _generator(*_known_key(self._known))
        if after is None or after == OLD:
            cached = self._gauss() if after == OLD else (0, 0.0)
            _skip(generator, words)
        else:
            _skip(generator, words - PAIR - after)
            cached = 1, self._kept_of(generator.random_raw(PAIR))
            _skip(generator, after)
        state = generator.state["state"]
        self._put(state["key"], state["pos"], *cached)
        self.remember()

    def _kept_of(self, words: Any) -> float:
        """The number kept of the pair that these words make; ProtocolError where they make none."""
        try:
            one, _, two = _doubles(words).tolist()
            kept: float = self._kept(one, two, math)
        except (ValueError, ZeroDivisionError):
            raise ProtocolError("a normal number of words that make none") from None
        return kept

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
        after = self._words_after_pair(words)
        self.remember()
        return [words, after]

    def _words_after_pair(self, words: int) -> int | None:
        """How many of the words were drawn after the pair whose number is cached now."""
        found, cached = self._gauss()
        if not found:
            return None
        if (found, cached) == self._cached:
            return OLD
        ones = _doubles(_generator(*_known_key(self._known)).random_raw(words))
        with np.errstate(all="ignore"):
            near = np.flatnonzero(np.isclose(self._kept(ones[:-2], ones[2:], np), cached, rtol=SAME, atol=0.0))
        return words - PAIR - int(near[-1]) if near.size else None

    def _distance(self) -> int | None:
        old_key, old_position = _split(self._known)
        new_key, new_position = _split(self._raw())
        if old_key == new_key:
            return new_position - old_position if new_position >= old_position else None
        # A search in vain is long, and code that seeds in each call (dropout in a gradient check) would need many.
        pair = hash((self._known, new_key))
        if pair in self._foreign:
            return None
        generator = _generator(_known_key(self._known)[0], WORDS)
        view = _view(generator)
        for block in range(MAX_BLOCKS):
            _skip(generator, WORDS)
            if view.raw[: 4 * WORDS] == new_key:
                return WORDS - old_position + block * WORDS + new_position
        if len(self._foreign) < MAX_FOREIGN:
            self._foreign.add(pair)
        return None


class PythonStream(Stream):
    """The stream of Python's ``random``. Its state is costly to read: only tests that import ``random`` share it."""

    stand_in: ClassVar[State | None] = None
    seedings: ClassVar[int] = 0

    def _raw(self) -> bytes:
        words = random.getstate()[1]
        return np.array(words, np.uint32).tobytes()

    def _gauss(self) -> tuple[int, float]:
        cached = random.getstate()[2]
        return int(cached is not None), cached or 0.0

    def _put(self, key: Any, position: int, has_gauss: int, cached: float) -> None:
        PYTHON.setstate((3, (*key.tolist(), position), cached if has_gauss else None))

    def _kept(self, one: Any, two: Any, lib: Any) -> Any:
        """The number that ``random.gauss`` keeps of the pair made of two uniform ones."""
        return lib.sin(2.0 * math.pi * one) * lib.sqrt(-2.0 * lib.log(1.0 - two))


class Streams:
    """The streams that are shared: NumPy's, and where ``python`` Python's; messages hold one entry for each."""

    def __init__(self, known: bool, python: bool) -> None:
        self._all = [Stream(known), PythonStream(known)] if python else [Stream(known)]

    def changed(self, within: bool = False) -> list[State | None] | None:
        """The states of the streams that moved, to be sent; None where none did."""
        states = [stream.changed(within) for stream in self._all]
        return states if any(states) else None

    def remember(self, sent: list[State | None]) -> None:
        """The other side knows these states."""
        for stream, state in zip(self._all, sent, strict=True):
            if state is not None:
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


def _skip(generator: Any, words: int) -> None:
    generator.random_raw(words, output=False)


def _known_key(raw: bytes) -> tuple[Any, int]:
    key, position = _split(raw)
    return np.frombuffer(key, np.uint32), position


def _doubles(words: Any) -> Any:
    """The numbers in [0, 1) that both modules make of each two neighboring words."""
    high, low = words[:-1] >> np.uint64(5), words[1:] >> np.uint64(6)
    return (high * 67108864.0 + low) / 9007199254740992.0


def parts_of(generator: Any) -> list[Any]:
    """What is sent of a random generator that a test passes."""
    legacy = type(generator) is np.random.RandomState
    bits = generator._bit_generator if legacy else generator.bit_generator
    # A RandomState keeps the second of two normal numbers beside its bits.
    return [legacy, type(bits).__name__, generator.get_state(legacy=False) if legacy else bits.state]


def generator_from(legacy: bool, name: str, state: Any) -> Any:
    """A random generator in the state of one that a test passed."""
    bits = getattr(np.random, name)()
    if legacy:
        made = np.random.RandomState(bits)
        made.set_state(state)
        return made
    bits.state = state
    return np.random.Generator(bits)
