"""The random streams are the same on both sides; what student code says of them moves them on and chooses nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import ProtocolError
from autograder.randomness import MAX_BLOCKS, MAX_WORDS, OLD, PAIR, WORDS, PythonStream, Stream, Streams, generator_from

FAR = WORDS * 3 + 17


class NumPys:
    """What a test asks of NumPy's global stream."""

    kind = Stream
    seed, words = staticmethod(np.random.seed), staticmethod(lambda count: count and np.random.bytes(4 * count))
    normal, get, put = np.random.standard_normal, staticmethod(np.random.get_state), staticmethod(np.random.set_state)


class Pythons:
    """The same of Python's ``random``."""

    kind = PythonStream
    seed, words = staticmethod(random.seed), staticmethod(lambda count: count and random.getrandbits(32 * count))
    normal, get, put = (
        staticmethod(lambda: random.gauss(0, 1)),
        staticmethod(random.getstate),
        staticmethod(random.setstate),
    )


BOTH = pytest.mark.parametrize("ours", [NumPys, Pythons])


@pytest.fixture(autouse=True)
def streams_as_they_were() -> Iterator[None]:
    numpys, pythons = np.random.get_state(), random.getstate()
    yield
    np.random.set_state(numpys)
    random.setstate(pythons)


class Sides:
    """The judge and the student's process, of which each has the process's stream in turn."""

    def __init__(self, ours: Any, seed: int = 5) -> None:
        self.ours = ours
        self.judge, self.student = ours.kind(known=False), ours.kind(known=False)
        ours.seed(seed)
        self.hand_over()

    def hand_over(self) -> Any:
        """The judge's state goes over if it changed; the student's process has its own until then."""
        sent = self.judge.changed()
        if sent is not None:
            self.judge.remember()
        self.at_judge = self.ours.get()
        if sent is not None:
            self.ours.seed(99)
            self.student.follow(sent)
        return sent

    def hand_back(self) -> Any:
        """What was drawn goes back, and the judge moves on by it."""
        moved, self.at_student = self.student.moved_by(), self.ours.get()
        self.ours.put(self.at_judge)
        if moved is not None:
            self.judge.advance(moved)
        return moved


def same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@BOTH
@settings(max_examples=60, deadline=None)
@given(draws=st.lists(st.integers(0, 2 * WORDS + 3) | st.just("normal"), max_size=6), before=st.integers(0, WORDS + 1))
def test_the_judges_stream_is_moved_on_to_where_the_students_is(ours: Any, draws: list[Any], before: int) -> None:
    sides = Sides(ours)
    ours.words(before)
    sides.hand_over()
    for draw in draws:
        ours.normal() if draw == "normal" else ours.words(draw)
    sides.hand_back()
    assert same(ours.get(), sides.at_student)
    assert sides.judge.changed() is None


@BOTH
def test_a_stream_that_did_not_move_is_not_spoken_of(ours: Any) -> None:
    sides = Sides(ours)
    assert sides.hand_over() is None
    assert sides.hand_back() is None
    ours.words(1)
    assert sides.hand_over() is not None
    ours.words(2)
    assert sides.hand_back()[0] == 2
    assert sides.hand_over() is None


@BOTH
def test_a_cached_normal_number_that_is_used_up_is_a_move_without_words(ours: Any) -> None:
    sides = Sides(ours)
    ours.normal()
    assert sides.hand_over()[2] == 1
    ours.normal()
    assert sides.hand_back() == [0, None]
    assert same(ours.get(), sides.at_student)
    assert sides.hand_over() is None
    ours.normal()
    sides.hand_over()
    ours.normal()
    sides.ours.put(sides.at_judge)
    ours.normal()  # the judge's own, this time
    assert sides.hand_over()[2] == 0


@BOTH
@pytest.mark.parametrize(
    "moved",
    [
        None, True, (1, None), [1], [8, None, None], [1.0, None], [True, None], [-1, None], [MAX_WORDS + 1, None],
        [8, 0.0], [8, False], [8, "0"], [8, OLD - 1], [8, 8 - PAIR + 1], [0, 0], [PAIR - 1, 0],
    ],
)  # fmt: skip
def test_a_malformed_advance_is_refused_and_moves_nothing(ours: Any, moved: Any) -> None:
    sides = Sides(ours)
    before = ours.get()
    with pytest.raises(ProtocolError, match="a malformed advance of the random stream"):
        sides.judge.advance(moved)
    assert same(ours.get(), before)


@BOTH
def test_the_longest_advance_that_the_search_finds_is_taken(ours: Any) -> None:
    sides = Sides(ours)
    sides.judge._put(ours.kind(known=False).changed()[0], 0, 0, 0.0)
    sides.hand_over()
    for _ in range(MAX_BLOCKS + 1):
        ours.words(WORDS)
    assert sides.hand_back() == [MAX_WORDS, None]
    assert same(ours.get(), sides.at_student)


@BOTH
def test_an_advance_of_a_stream_that_was_not_sent_is_refused(ours: Any) -> None:
    with pytest.raises(ProtocolError, match="was not sent"):
        ours.kind(known=False).advance([1, None])


def test_words_that_make_no_normal_number_are_refused() -> None:
    sides = Sides(NumPys)
    refused = 0
    for after in range(40):
        NumPys.put(sides.at_judge)
        try:
            sides.judge.advance([PAIR + after, after])
        except ProtocolError:
            refused += 1
        sides.judge.remember()
    assert 0 < refused < 40, "the polar method takes about four pairs in five"


@BOTH
@pytest.mark.parametrize("words", [0, 1, FAR])
def test_the_number_that_was_cached_before_is_the_judges_own(ours: Any, words: int) -> None:
    sides = Sides(ours)
    sides.judge.advance([words, OLD])
    moved = ours.get()
    ours.seed(5)
    ours.words(words)
    assert same(ours.get(), moved), "none was cached before"
    ours.normal()
    sides.hand_over()
    ours.words(words)
    after = ours.get()
    ours.put(sides.at_judge)
    sides.judge.advance([words, OLD])
    assert same(ours.get(), after)


@BOTH
@pytest.mark.parametrize("words", [0, 1, 700, 2_000_000])
def test_words_drawn_after_a_pair_of_normal_numbers_keep_the_one_that_is_cached(ours: Any, words: int) -> None:
    sides = Sides(ours)
    ours.words(3)
    ours.normal()
    ours.words(words)
    assert sides.hand_back()[1] == words
    assert same(ours.get(), sides.at_student)


@BOTH
def test_words_drawn_beside_a_cached_number_leave_it_and_two_more_normal_numbers_replace_it(ours: Any) -> None:
    sides = Sides(ours)
    ours.normal()
    sides.hand_over()
    ours.words(9)
    assert sides.hand_back() == [9, OLD]
    assert same(ours.get(), sides.at_student)
    sides.hand_over()
    for _ in range(2):
        ours.normal()
    assert sides.hand_back()[1] == 0
    assert same(ours.get(), sides.at_student)


def test_a_state_at_the_start_of_its_words_is_moved_on_as_any_other() -> None:
    state: Any = np.random.get_state()
    np.random.set_state((*state[:2], 0, 0, 0.0))
    student = Stream()
    np.random.bytes(4 * FAR)
    assert student.moved_by() == [FAR, None]


def test_a_cached_number_that_came_from_elsewhere_is_dropped() -> None:
    sides = Sides(NumPys)
    np.random.bytes(40)
    state: Any = np.random.get_state()
    np.random.set_state((*state[:3], 1, 0.25))
    assert sides.hand_back() == [10, None]


@BOTH
def test_a_stream_that_was_seeded_anew_is_given_the_judges_again(ours: Any) -> None:
    sides = Sides(ours)
    before = ours.get()
    ours.seed(77)
    assert sides.hand_back() is False
    assert same(ours.get(), before)
    ours.put(sides.at_student)
    assert sides.student.moved_by() is None, "it is told once"
    ours.put(before)
    assert sides.hand_over() is not None
    assert same(ours.get(), before)
    ours.words(3)
    assert sides.hand_back()[0] == 3


@BOTH
def test_a_stream_that_was_put_back_is_another(ours: Any) -> None:
    ours.seed(5)
    start = ours.get()
    ours.words(5)
    student = ours.kind()
    ours.put(start)
    assert student.moved_by() is False


def test_a_pair_of_states_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.randomness.MAX_BLOCKS", 3)
    monkeypatch.setattr("autograder.randomness.MAX_FOREIGN", 1)
    sides = Sides(NumPys)
    known: Any = np.random.get_state()
    for seed in (1, 2):
        sides.student.follow([*known[1:3], 0, 0.0])
        np.random.seed(seed)
        assert sides.student.moved_by() is False
    assert len(sides.student._foreign) == 1
    monkeypatch.setattr("autograder.randomness._generator", None)
    sides.student.follow([*known[1:3], 0, 0.0])
    np.random.seed(1)
    assert sides.student.moved_by() is False, "remembered, not searched"


@pytest.mark.parametrize("blocks", [2, 3])
def test_the_search_ends(blocks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.randomness.MAX_BLOCKS", 2)
    np.random.seed(5)
    student = Stream()
    np.random.bytes(4 * WORDS * blocks)
    moved = student.moved_by()
    assert moved == ([2 * WORDS, None] if blocks == 2 else False)


# both streams together


def test_one_message_holds_an_entry_for_each_stream() -> None:
    np.random.seed(1)
    random.seed(1)
    judge = Streams(known=True, python=True)
    assert judge.changed() is None
    random.random()
    numpys, pythons = judge.changed() or [None, None]
    assert numpys is None
    assert pythons is not None
    assert pythons[1] == random.getstate()[1][-1]
    judge.remember([numpys, pythons])
    assert judge.changed() is None
    assert judge.moved_by() is None
    np.random.rand()
    assert judge.moved_by() == [[2, None], None]


def test_a_process_follows_pythons_stream_once_it_is_told_of_it() -> None:
    random.seed(3)
    student = Streams(known=True, python=False)
    sent = PythonStream(known=False).changed()
    states = random.getstate()
    random.seed(99)
    student.follow([None, sent])
    assert random.getstate() == states
    random.random()
    assert student.moved_by() == [None, [2, None]]
    student.follow([None, None])
    assert student.moved_by() is None


@pytest.mark.parametrize("moves", [None, (), {}, [], [None, None], [None] * 3, [[1, None], None]])
def test_an_advance_has_an_entry_for_each_stream(moves: Any) -> None:
    judge = Streams(known=True, python=False)
    before = np.random.get_state()
    with pytest.raises(ProtocolError, match="a malformed advance of the random streams"):
        judge.advance(moves)
    assert same(np.random.get_state(), before)


def test_each_stream_is_moved_on_by_its_own_entry() -> None:
    np.random.seed(1)
    random.seed(1)
    judge = Streams(known=True, python=True)
    expected = np.random.RandomState(1).rand(2)[1], [random.random(), random.random()][1]
    random.seed(1)
    judge.advance([[2, None], [2, None]])
    assert (np.random.rand(), random.random()) == expected
    sent = judge.changed()
    assert sent is not None
    judge.remember([sent[0], None])
    judge.advance([None, None])
    left = judge.changed()
    assert [state is None for state in left or []] == [True, False], "what was not sent is not known"


@pytest.mark.parametrize("make", [np.random.RandomState, lambda seed: np.random.Generator(np.random.SFC64(seed))])
def test_a_generator_is_made_again_in_its_state(make: Any) -> None:
    ours = make(3)
    bits = getattr(ours, "bit_generator", None) or ours._bit_generator
    theirs = generator_from(type(ours) is np.random.RandomState, type(bits).__name__, bits.state)
    assert type(theirs) is type(ours)
    assert np.array_equal(theirs.normal(size=5), ours.normal(size=5))
