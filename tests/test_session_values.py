"""What goes over and comes back in a conversation: arrays, objects, random streams; each the same thing as before."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pytest

from autograder.errors import BoundaryError
from autograder.exceptions import StudentDied
from autograder.protocol import ARGUMENT, DICT_KIND, GENERATOR, HANDLE, LIST_KIND, TUPLE_KIND, reference
from autograder.proxies import Proxy
from autograder.recording import Recorder
from autograder.wire import Codec
from tests.conversation import LIMITS, Talk, copied, lazy, mirror, number, thing, value


def test_a_change_of_an_argument_is_written_into_it_also_where_the_call_failed(talk: Talk) -> None:
    array, items = np.zeros(2), [1]
    changes = [[0, np.ones(2)], [1, [7, 8]]]
    talking = talk(["error", [changes, [], [], None, False, []], [[".KeyError"], [], "", ""]])
    with pytest.raises(KeyError):
        talking.session.call(1, (array,), {"items": items})
    assert array.tolist() == [1, 1]
    assert items == [7, 8]


@pytest.mark.parametrize("python", [False, True])
def test_random_streams_go_over_when_they_moved_and_are_moved_on_by_what_was_drawn(python: bool, talk: Talk) -> None:
    unmoved = [None] * python
    talking = talk(
        value(1),
        value(1, [[], [], [], [[2, None], *unmoved], False, []]),
        ["call back", None, [0, [], {}]],
        value(1),
        value(1),
        python=python,
    )
    session = talking.session
    np.random.seed(5)
    expected: Any = np.random.RandomState(5)
    session.request("text", 1)
    _, (freed, mirrors, state), _ = talking.asked()
    assert (freed, mirrors, len(state)) == ([], [], 1 + python)
    assert np.array_equal(state[0][0], expected.get_state()[1])
    session.request("text", 1)
    assert talking.asked()[1] is None
    expected.rand(1)
    assert np.random.rand() == expected.rand()
    session.call(7, (lambda: np.random.rand() * 0,), {})
    assert talking.asked()[1][2]
    word, (freed, mirrors, state), *_ = talking.asked()
    assert (word, freed, mirrors) == ("return", [], [])
    expected.rand(1)
    assert np.array_equal(state[0][0], expected.get_state()[1])
    assert state[0][1] == expected.get_state()[2]
    session.request("text", 1)
    assert talking.asked()[1] is None


# arrays of the student's


def test_an_array_of_the_students_goes_over_by_its_handle_and_with_what_a_test_wrote_into_it(talk: Talk) -> None:
    talking = talk(value(mirror(5, np.ones(2))), *[value(1)] * 5)
    session = talking.session
    array = session.request("get", 1, "w")
    session.request("set item", 2, 0, array)
    array[1] = 1.5
    session.call(3, (array,), {"again": array})
    session.request("text", 1)
    array[0] = 0.5
    session.request("text", 1)
    talking.asked()
    operation, news, _, _, sent = talking.asked()
    assert (operation, news, number(sent, HANDLE)) == ("set item", None, 5)
    _, (freed, mirrors, state), _, (first,), named, _ = talking.asked()
    assert (freed, mirrors[0][0], mirrors[0][1].tolist(), len(mirrors), state) == ([], 5, [1, 1.5], 1, None)
    assert number(first, HANDLE) == number(named["again"], HANDLE) == 5
    assert talking.asked() == ["text", None, 1]
    assert talking.asked()[1][1][0][1].tolist() == [0.5, 1.5]


def test_a_copy_that_is_given_back_is_the_students_array_again_unless_a_test_changed_it(talk: Talk) -> None:
    talking = talk(value([copied(5, np.zeros(2)), copied(6, np.ones(2))]), *[value(1)] * 5)
    session = talking.session
    one, other = session.call(3, (), {})
    session.call(4, (one, other), {})
    other[0] = 1.5
    session.call(4, (other, one.copy()), {})
    other[0] = 0.0
    session.call(4, (other,), {})
    talking.asked()
    _, news, _, sent, *_ = talking.asked()
    assert (news, [number(each, HANDLE) for each in sent]) == (None, [5, 6])
    assert [each.tolist() for each in talking.asked()[3]] == [[1.5, 1], [0, 0]]
    assert [each.tolist() for each in talking.asked()[3]] == [[0, 1]]
    del one
    session.request("text", 1)
    assert talking.asked()[1] == [[[5, 1]], [], None]
    other[0] = 1.0
    session.call(4, (other,), {})
    assert number(talking.asked()[3][0], HANDLE) == 6


def test_a_number_of_a_class_of_the_students_is_a_plain_one_that_is_known_again(talk: Talk) -> None:
    talking = talk(*map(value, [copied(5, 2.5), "2.5 K", 1, "K", "2.5 K", True, thing(7, "type", 1), True]))
    loss = talking.session.call(3, (), {})
    assert (loss, repr(loss), loss + 1, isinstance(loss, float)) == (2.5, "2.5 K", 3.5, True)
    talking.session.call(4, (loss,), {"again": [loss, loss + 0]})
    assert (loss.unit, str(loss), loss.known) == ("K", "2.5 K", True)
    assert not any(hasattr(loss, name) for name in ("__array__", "_private"))
    assert isinstance(loss, talking.session.request("get", 1, "Loss"))
    again = copy.deepcopy(loss)
    assert (type(again), again) == (float, 2.5)
    talking.asked()
    assert talking.asked() == ["repr", None, 5]
    _, _, _, (sent,), named, _ = talking.asked()
    assert [number(each, HANDLE) for each in (sent, named["again"][0])] == [5, 5]
    assert named["again"][1] == 2.5
    assert [talking.asked()[:4] for _ in range(3)] == [
        ["get", None, 5, "unit"],
        ["text", None, 5],
        ["get", None, 5, "known"],
    ]
    del loss
    assert [5, 1] in talking.session.freed


def test_numpy_hands_nothing_of_a_tests_to_a_method_of_a_students_number(talk: Talk) -> None:
    talking = talk(value(copied(5, 2**70)), *[value(thing(7, "fmod", 1))] * 3)
    number_of_theirs = talking.session.call(3, (), {})
    with pytest.raises((TypeError, AttributeError)):
        np.fmod(number_of_theirs, 61.8)
    assert not hasattr(number_of_theirs, "clip")
    talking.asked()
    assert [talking.asked()[::3] for _ in range(2)] == [["get", "fmod"], ["get", "clip"]]


def test_a_number_of_a_process_that_has_ended_is_a_plain_one(talk: Talk) -> None:
    loss = talk(value(copied(5, 2.5))).session.call(3, (), {})
    talking = talk(value(1))
    talking.session.call(3, (loss,), {})
    (sent,) = talking.asked()[3]
    assert (type(sent), sent) == (float, 2.5)


@pytest.mark.parametrize("content", [None, True, [], (1,), {}, np.float64(1), thing(1), copied(6, 1.5)])
def test_a_copy_is_an_array_a_number_or_a_text(content: Any, talk: Talk) -> None:
    session = talk(value(copied(5, content))).session
    with pytest.raises(StudentDied, match="a copy of what is no array, number or text"):
        session.call(3, (), {})


@pytest.mark.parametrize("made", [mirror, copied])
@pytest.mark.parametrize(
    "content",
    [reference(ARGUMENT, 0), mirror(5, np.ones(2)), copied(7, np.ones(2))],
    ids=["argument", "mirror", "copy"],
)
def test_an_array_that_a_test_holds_is_nobodys_mirror(made: Callable[..., Any], content: Any, talk: Talk) -> None:
    """What a test writes into it later, such as the values that it expects, would be sent to the student's process."""
    talking = talk(value(mirror(5, np.zeros(2))), value(made(6, content)))
    held = talking.session.request("get", 1, "w")
    with pytest.raises(StudentDied, match="a mirror of an array of the test's own"):
        talking.session.call(3, (np.zeros(2),), {})
    assert held.shape == (2,)


@pytest.mark.parametrize(
    "answer",
    [value(mirror(6, np.ones(2))), ["call back", None, [0, [mirror(6, np.ones(2))], {}]]],
    ids=["a result", "an argument of a test's function"],
)
def test_what_a_test_does_to_a_result_stays_with_the_test(answer: Any, talk: Talk) -> None:
    """A test that subtracts what it expects from a result would else send the difference to the student's process."""
    session = talk(answer).session
    with pytest.raises(StudentDied, match="an array of its own where only the content is asked for"):
        session.call(3, (lambda x: x,), {})


@pytest.mark.parametrize("kind", [TUPLE_KIND, LIST_KIND])
@pytest.mark.parametrize(
    ("answers", "look"),
    [
        ([1, mirror(6, np.ones(2))], lambda held: held[0]),
        ([[mirror(6, np.ones(2))]], list),
        ([mirror(6, np.ones(2))], lambda held: held.first),
    ],
    ids=["an item", "all", "an attribute"],
)
def test_nor_does_what_it_does_to_what_stands_in_a_result_of_a_class_of_the_students(
    kind: int, answers: list[Any], look: Callable[[Any], Any], talk: Talk
) -> None:
    result = talk(value(lazy(3, kind, "Pair")), *map(value, answers)).session.call(3, (), {})
    with pytest.raises(StudentDied, match="an array of its own where only the content is asked for"):
        look(result)


def test_a_test_s_function_gets_no_array_of_the_students_own_whatever_is_asked(talk: Talk) -> None:
    session = talk(["call back", None, [0, [mirror(6, np.ones(2))], {}]]).session
    with pytest.raises(StudentDied, match="an array of its own where only the content is asked for"):
        session.request("get", 1, "w")


def test_a_result_after_an_array_of_the_students_own_is_one(talk: Talk) -> None:
    session = talk(value(mirror(6, np.ones(2))), value(2.0)).session
    assert session.request("get", 1, "w").tolist() == [1, 1]
    assert session.call(3, (), {}) == 2.0


def test_an_array_of_the_students_that_no_test_holds_is_given_back(talk: Talk) -> None:
    talking = talk(value(mirror(5, np.zeros(2))), *[value(1)] * 3)
    session = talking.session
    array = session.request("get", 1, "w")
    session.request("text", 1)
    held = [array]
    del array
    session.request("text", 1)
    held.clear()
    session.request("text", 1)
    assert [talking.asked()[1] for _ in range(4)] == [None, None, None, [[[5, 1]], [], None]]
    assert not session._mirrors._arrays
    assert not session._mirrors._handles


def test_an_array_that_comes_again_is_the_same_array_brought_up_to_date(talk: Talk) -> None:
    talking = talk(value(mirror(5, np.zeros(2))), value(mirror(5, np.ones(2))), value(1), value(1))
    array = talking.session.request("get", 1, "w")
    assert talking.session.request("get", 1, "w") is array
    assert array.tolist() == [1, 1]
    talking.session.request("set", 1, "w", array)
    assert [talking.asked()[1] for _ in range(3)] == [None, None, [[[5, 1]], [], None]]


@pytest.mark.parametrize(
    "other", [np.ones(3), np.ones(1), np.ones((2, 1)), np.ones(2, np.float32), np.ones(2, np.complex128)]
)
def test_an_array_that_comes_again_in_another_shape_or_type_is_another_array(other: Any, talk: Talk) -> None:
    talking = talk(value(mirror(5, np.zeros(2))), value(mirror(5, other)), value(1))
    array = talking.session.request("get", 1, "w")
    newer = talking.session.request("get", 1, "w")
    assert (newer.shape, newer.dtype, array.tolist()) == (other.shape, other.dtype, [0, 0])
    talking.session.call(3, (newer, array), {})
    _, _, (_, _, _, (sent, plain), *_) = talking.asked(), talking.asked(), talking.asked()
    assert number(sent, HANDLE) == 5
    assert plain.tolist() == [0, 0]


def test_what_student_code_wrote_into_an_array_is_there_and_is_not_sent_back(talk: Talk) -> None:
    talking = talk(value(mirror(5, np.zeros(2))), value(1, [[], [[5, np.ones(2)]], [], None, False, []]), value(1))
    array = talking.session.request("get", 1, "w")
    talking.session.request("text", 1)
    assert array.tolist() == [1, 1]
    talking.session.request("text", 1)
    assert [talking.asked()[1] for _ in range(3)] == [None] * 3


# objects of the student's


def test_an_object_that_comes_thrice_is_one_object_and_is_given_back_thrice(talk: Talk) -> None:
    answers = thing(0), thing(0), thing(0), thing(8, "Net"), lazy(9, DICT_KIND), thing(9)
    talking = talk(*map(value, answers))
    one, same, still, net, items, again = (talking.session.request("text", 1) for _ in answers)
    assert one is same
    assert one is still
    assert [type(one).__name__, type(net).__name__, isinstance(items, dict)] == ["Thing", "Net", True]
    assert again is items
    del one, same, still, items, again
    gc.collect()
    assert sorted(talking.session.freed) == [[0, 3], [9, 2]]


def test_a_class_of_errors_of_the_students_can_be_expected_and_is_passed_as_itself(talk: Talk) -> None:
    answers = thing(6, "type", 3, ["Own", ".KeyError", ".Exception"]), 1, thing(8, "type", 1 + 8)
    talking = talk(*map(value, answers), value(1))
    own = talking.session.request("get", 1, "Own")
    assert (own.__name__, issubclass(own, KeyError)) == ("Own", True)
    talking.session.call(1, (own,), {})
    plain_class = talking.session.request("get", 1, "Plain")
    assert isinstance(plain_class, Proxy)
    talking.session.call(1, (plain_class,), {})
    sent = [talking.asked()[3] for _ in range(4)]
    assert (number(sent[1][0], HANDLE), number(sent[3][0], HANDLE)) == (6, 8)


def test_an_object_of_a_process_that_has_ended_is_refused(talk: Talk) -> None:
    other = talk(value(thing(1))).session.request("get", 1, "x")
    with pytest.raises(BoundaryError, match="of a student's process that has ended"):
        talk(value(1)).session.call(1, (other,), {})


def test_a_class_of_the_tests_is_refused_by_its_name(talk: Talk) -> None:
    class Own:
        pass

    for refused, name in ((Own, "type"), (Own(), "Own"), (KeyError, "type")):
        with pytest.raises(BoundaryError, match=f"^a {name} cannot be passed to student code: pass numbers"):
            talk(value(1)).session.call(1, (refused,), {})


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_a_random_generator_goes_over_as_its_kind_and_state(make: Callable[[int], Any], talk: Talk) -> None:
    talking = talk(value(1))
    generator = make(3)
    talking.session.call(1, (generator,), {})
    (sent,) = talking.asked()[3]
    legacy, name, state = msgpack.unpackb(sent.data, ext_hook=Codec(LIMITS)._restore)
    bits = generator.bit_generator if make is np.random.default_rng else generator._bit_generator
    assert sent.code == GENERATOR
    assert (legacy, name) == (make is np.random.RandomState, type(bits).__name__)
    assert str(state) == str(bits.state if name == "PCG64" else generator.get_state(legacy=False))
    assert legacy is False or {"has_gauss", "gauss"} < state.keys()


# the recording


def test_answers_are_recorded_under_the_question_and_the_name_by_which_a_test_got_what_it_asks(talk: Talk) -> None:
    recorder = Recorder()
    failed = ["error", None, [[".ValueError"], ["bad"], "", ""]]
    talking = talk(
        value([["net", thing(4, flags=1)], ["n", 3]]), value(thing(5, flags=1)), value(thing(6)), value(2.5), failed,
        value(1), value(True), value(7), value(1, [[[0, [5]]], [], [], None, False, []]), recorder=recorder,
    )  # fmt: skip
    session = talking.session
    net = session.names(["net", "n"])["net"]
    forward = net.forward
    copy.copy(forward)
    assert forward(3) == 2.5
    with pytest.raises(ValueError, match="bad"):
        net(1)
    session.request("set item", 4, "k" * 99, [1])
    assert str(net) == "True"
    session.call(99, (), {})
    session.call(99, ([1],), {})
    assert [label for label, _ in recorder.take()] == [
        "get 'forward'", "copy ", "call 'forward'", "call 'net' raised", f"set item '{'k' * 79}",
        "call ''", "changed 0", "call ''",
    ]  # fmt: skip
