"""What a test draws stays on its side, until the instructor's code has seeded the stream."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from autograder.randomness import NUMPY, PYTHON, WORDS, PythonStream, Stream
from autograder.seeding import again_at, apart, drawn_twice, moment, unmoved

DRAWS: dict[type[Stream], Any] = {Stream: lambda: np.random.rand(), PythonStream: lambda: random.random()}
KINDS = pytest.mark.parametrize("kind", [Stream, PythonStream])


def numpy_words() -> list[int]:
    state: Any = NUMPY.get_state()
    words: list[int] = state[1].tolist()
    return words


STATES: dict[type[Stream], Any] = {Stream: numpy_words, PythonStream: lambda: [*PYTHON.getstate()[1][:-1]]}


@pytest.fixture(autouse=True)
def streams() -> Iterator[None]:
    with unmoved():
        yield


def seed(kind: type[Stream]) -> None:
    (np.random if kind is Stream else random).seed(5)


@KINDS
def test_the_other_side_gets_one_stream_of_its_own_whatever_is_drawn_here(kind: type[Stream]) -> None:
    with apart(1):
        stream = kind(known=False)
        first = stream.changed()
        assert first is not None
        assert first[0].tolist() != STATES[kind]()
        assert first[1:] == [WORDS, 0, 0.0], "a state at its beginning, without a number that is kept"
        stream.remember()
        DRAWS[kind]()
        assert stream.changed() is None
        before = STATES[kind]()
        stream.advance([10**6, None])
        stream.advance(False)
        assert (stream.changed(), STATES[kind]()) == (None, before)
        again = kind(known=False).changed()
    assert again is not None
    assert again[0].tolist() == first[0].tolist(), "a new process begins where the first one began"


@KINDS
def test_a_stream_that_is_seeded_is_shared_from_then_on(kind: type[Stream]) -> None:
    with apart(1):
        stream = kind(known=False)
        stream.remember()
        seed(kind)
        state = stream.changed()
        assert state is not None
        assert state[0].tolist() == STATES[kind]()
        stream.remember()
        DRAWS[kind]()
        assert stream.changed() is not None
        stream.remember()
        with unmoved():
            expected = [DRAWS[kind]() for _ in range(3)][2]
        stream.advance([4, None])  # words, of which a number takes two
        assert DRAWS[kind]() == expected
        other = PythonStream if kind is Stream else Stream
        assert other.stand_in is not None, "the other stream was not seeded"


@KINDS
def test_what_was_put_back_is_shared_as_what_was_seeded(kind: type[Stream]) -> None:
    with apart(1):
        if kind is Stream:
            np.random.set_state(np.random.get_state())
        else:
            random.setstate(random.getstate())
        assert kind.stand_in is None


def test_one_seed_gives_one_pair_of_streams_and_another_seed_another() -> None:
    found = []
    for number in (1, 1, 2):
        with apart(number):
            state = Stream(known=False).changed()
            assert state is not None
            found.append((np.random.rand(), random.random(), state[0].tolist()))
    assert found[0] == found[1]
    assert all(one != two for one, two in zip(found[0], found[2], strict=True))


@pytest.mark.parametrize(("number", "numpys"), [(7, 7), (2**32 - 1, 2**32 - 1), (2**32 + 7, 7)])
def test_a_seed_gives_what_it_gives_without_a_grader(number: int, numpys: int) -> None:
    with apart(number):
        assert np.random.rand() == np.random.RandomState(numpys).rand()
        assert random.random() == random.Random(number).random()


def test_afterwards_the_modules_are_as_they_were() -> None:
    before = np.random.seed, np.random.set_state, random.seed, random.setstate
    with apart(1):
        assert np.random.seed is not before[0]
    assert (np.random.seed, np.random.set_state, random.seed, random.setstate) == before
    assert (Stream.stand_in, PythonStream.stand_in) == (None, None)


def test_what_is_done_over_again_leaves_the_streams_where_they_are_and_as_secret_as_they_are() -> None:
    with apart(1):
        before = STATES[Stream](), STATES[PythonStream]()
        with unmoved():
            np.random.seed(3)
            random.seed(3)
            assert Stream.stand_in is None
        assert (STATES[Stream](), STATES[PythonStream]()) == before
        assert Stream.stand_in is not None
        assert PythonStream.stand_in is not None


@KINDS
def test_what_a_given_cell_draws_from_a_shared_stream_is_drawn_once_more(kind: type[Stream]) -> None:
    (other,) = {*DRAWS} - {kind}
    with apart(1):
        with drawn_twice():
            alone = DRAWS[kind]()
        assert DRAWS[kind]() != alone
        seed(kind)
        first, second = DRAWS[kind](), DRAWS[kind]()
        with drawn_twice():
            shared, alone = DRAWS[kind](), DRAWS[other]()
        assert DRAWS[kind]() == shared
        assert DRAWS[other]() != alone
        with drawn_twice():
            seed(kind)
            assert DRAWS[kind]() == first
        assert DRAWS[kind]() == second, "it was seeded there, and the student's process follows"


@KINDS
def test_what_is_drawn_and_whether_it_is_shared_come_again_with_their_moment(kind: type[Stream]) -> None:
    with apart(1):
        then, stand_in = moment(), kind.stand_in
        first = DRAWS[kind]()
        seed(kind)
        second = DRAWS[kind]()
        seed(kind)
        with again_at(then):
            assert kind.stand_in is stand_in is not None
            assert DRAWS[kind]() == first
        assert kind.stand_in is None
        assert DRAWS[kind]() == second


@KINDS
def test_a_replay_that_seeds_in_a_given_cell_does_not_count_for_the_cell(kind: type[Stream]) -> None:
    with apart(1):
        seed(kind)
        then = moment()
        with drawn_twice():
            first = DRAWS[kind]()
            with again_at(then):
                seed(kind)
        assert DRAWS[kind]() == first


@KINDS
def test_a_stream_that_is_seeded_as_the_judges_was_is_told_all_the_same(kind: type[Stream]) -> None:
    with apart(5):
        stream = kind(known=False)
        stream.remember()
        assert stream.changed() is None
        seed(kind)
        told = stream.changed()
        assert told is not None
        assert told[0].tolist() == STATES[kind]()
        stream.remember()
        assert stream.changed() is None


@KINDS
def test_what_student_code_seeded_is_its_own_till_its_call_ends_unless_the_test_draws(kind: type[Stream]) -> None:
    seed(kind)
    left = moment()
    assert kind(known=False).changed(within=True) is not None
    stream = kind(known=True)
    stream.advance(False)
    assert stream.changed(within=True) is None
    assert stream.changed() is not None
    for number in range(6):
        (np.random if kind is Stream else random).seed(number)
        assert (stream.changed(within=True) is None) is (number == 5)
    DRAWS[kind]()
    stream.remember()
    with again_at(left):
        assert stream.changed(within=True) is not None, "what was told since is not what was left"
