"""The judge's end of the conversation: what it asks, and that an answer is checked for its shape before it is used."""

from __future__ import annotations

import copy
import gc
import socket
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pytest
from msgpack import ExtType

from autograder.bindings import GONE
from autograder.channel import Channel
from autograder.errors import BoundaryError
from autograder.exceptions import CellTimeout, StudentDied
from autograder.limits import Limits
from autograder.protocol import ARGUMENT, CALLBACK, DICT_KIND, GENERATOR, HANDLE, IS_EXCEPTION, LAZY, LIST_KIND, MIRROR
from autograder.proxies import Proxy
from autograder.recording import Recorder
from autograder.session import ENDED, Session
from autograder.wire import Codec

LIMITS = Limits(message_bytes=1 << 20)
NO_NEWS: list[Any] = [[], [], [], None, False]


def thing(handle: Any, name: Any = "Thing", flags: Any = 0, names: Any = ()) -> ExtType:
    return ExtType(HANDLE, msgpack.packb([handle, name, flags, list(names)]))


def lazy(handle: int, kind: int) -> ExtType:
    return ExtType(LAZY, msgpack.packb([handle, kind]))


def mirror(handle: Any, content: Any) -> ExtType:
    return ExtType(MIRROR, Codec(LIMITS).pack([handle, content]))


class Changed:
    """Stands for the names of a test that changed once."""

    def __init__(self, *changes: tuple[str, Any]) -> None:
        self._changes = list(changes)

    def changes(self) -> Any:
        changes, self._changes = self._changes, []
        return changes


def value(payload: Any, news: Any = None) -> Any:
    return ["value", news, payload]


def number(sent: Any, code: int) -> int:
    assert (sent.code, len(sent.data)) == (code, 8)
    return int.from_bytes(sent.data, "little")


class Conversation:
    """A session, and a student's process that says what it was told to say, in order, and is gone then."""

    def __init__(
        self, *answers: Any, recorder: Recorder | None = None, python: bool = False, fresh: bool = False
    ) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # one message, one packet
        self.ours.settimeout(5)
        self.shown: list[Any] = []
        self.session = Session(self.ours, LIMITS, self.shown.append, recorder, python)
        if not fresh:  # the process knows the states of the random streams
            self.session._streams.remember()
        self.student = Channel(self.theirs, Codec(LIMITS, decode_other=ExtType))
        for answer in answers:
            self.student.send(answer)
        self.theirs.shutdown(socket.SHUT_WR)

    def asked(self) -> Any:
        """The next of the messages that were sent."""
        self.theirs.setblocking(False)
        return self.student.receive()

    def is_silent(self) -> bool:
        try:
            self.asked()
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def talk() -> Any:
    """Makes conversations, and closes their connections."""
    made: list[Conversation] = []

    def make(*answers: Any, **options: Any) -> Conversation:
        made.append(Conversation(*answers, **options))
        return made[-1]

    yield make
    for each in made:
        each.ours.close()
        each.theirs.close()


Talk = Callable[..., Conversation]


def test_a_question_is_its_operands_and_the_answer_its_payload(talk: Talk) -> None:
    talking = talk(value([1, "two"]), value({"three": 3}))
    assert talking.session.request("get item", 1, "key") == [1, "two"]
    assert talking.session.call(4, ((1, 2), "x"), {"y": [5]}) == {"three": 3}
    assert talking.asked() == ["get item", None, 1, "key"]
    assert talking.asked() == ["call", None, 4, [(1, 2), "x"], {"y": [5]}]
    assert talking.is_silent()


KINDS: list[Any] = ["", "a", "call", "call bacl", "callback", "errors", "f", "valuf", "w", 5, None]
OTHERS: list[Any] = [None, (), 5, {}]
NEWS: list[Any] = [
    0, "", (), [], {}, NO_NEWS[:3], NO_NEWS[:4], [*NO_NEWS, 1], tuple(NO_NEWS), dict.fromkeys(range(5)),
    *([*NO_NEWS[:place], other, *NO_NEWS[place + 1 :]] for place in range(3) for other in OTHERS),
    [[5], [], [], None, False], [[[0, [1], 2]], [], [], None, False], [[["x", [1]]], [], [], None, False],
    [[[0, [1]]], [], [], None, False], [[], [5], [], None, False], [[], [[9, [1]]], [], None, False],
    [[], [], [], 5, False], [[], [], [], [5], False],
]  # fmt: skip
CALLS: list[Any] = [5, [], [0, []], [0, [], {}, 1], [0, [], {}], ["x", [], {}], [None, [], {}]]
PAYLOADS: list[Any] = [
    thing(-1), thing(True), thing("1"), thing(None), thing(1.0), thing(-1, "E", IS_EXCEPTION, [".KeyError"]),
    thing(1, "E", IS_EXCEPTION, [5]), thing(1, "E", "4"), ExtType(HANDLE, msgpack.packb([1, "Thing", 0])),
    lazy(1, 0), lazy(1, 4), lazy(-1, LIST_KIND), mirror(1, [1.0]), mirror(1, None), mirror(-1, np.ones(1)),
    ExtType(ARGUMENT, b"\0"), ExtType(CALLBACK, b"\0"),
    *(ExtType(code, made.data) for code in (0, HANDLE - 1, GENERATOR, GENERATOR + 1, 127)
      for made in (thing(1), lazy(1, LIST_KIND), mirror(1, np.ones(1)))),
]  # fmt: skip
MALFORMED: list[Any] = [
    5, None, "value", [], ["value"], ["value", None], ["value", None, 1, 2], ("value", None, 1),
    {"value": 1, "news": 2, "payload": 3}, ["error", None, 5], ["error", None, [[], [], ""]],
    *([kind, None, 1] for kind in KINDS),
    *(value(1, news) for news in NEWS),
    *(["call back", None, call] for call in CALLS),
    *map(value, PAYLOADS),
]  # fmt: skip


@pytest.mark.parametrize("answer", MALFORMED)
def test_an_answer_of_another_shape_ends_the_conversation_for_good(answer: Any, talk: Talk) -> None:
    talking = talk(answer, value(1))
    with pytest.raises(StudentDied, match=r"^the student's process sent what it may not: ") as first:
        talking.session.request("text", 1)
    assert talking.session.dead == str(first.value)
    talking.asked()
    with pytest.raises(StudentDied) as second:
        talking.session.request("text", 1)
    assert str(second.value) == str(first.value)
    assert talking.is_silent()


BAD_CALLS: list[Any] = [[0, (1,), {}], [0, {1: 2}, {}], [0, [], {1: 2}], [0, [], {b"x": 2}], [0, [], 5]]


@pytest.mark.parametrize(
    "answer", [*(["call back", None, call] for call in BAD_CALLS), *([kind, None, [0, [], {}]] for kind in KINDS)]
)
def test_a_malformed_call_of_a_function_of_the_tests_is_not_made(answer: Any, talk: Talk) -> None:
    called: list[Any] = []
    talking = talk(answer, value(1))
    with pytest.raises(StudentDied, match="what it may not"):
        talking.session.call(1, (lambda *a, **k: called.append((a, k)),), {})
    assert called == []


def test_a_cell_is_run_and_a_new_process_is_told_the_states_of_the_random_streams(talk: Talk) -> None:
    talking = talk(value(True), value(True), fresh=True)
    talking.session.run("n = 1", 3)
    talking.session.run("n = 2", 4)
    operation, (freed, mirrors, state), source, place = talking.asked()
    assert (operation, freed, mirrors, len(state), source, place) == ("run", [], [], 1, "n = 1", 3)
    assert talking.asked() == ["run", None, "n = 2", 4]


def test_a_process_that_is_gone_has_ended(talk: Talk) -> None:
    talking = talk()
    with pytest.raises(StudentDied, match=ENDED):
        talking.session.request("text", 1)
    assert talking.session.dead == ENDED
    talking.session.die("something else")
    assert talking.session.dead == ENDED


def test_what_cannot_go_over_is_refused_before_a_byte_is_sent_and_what_was_to_be_freed_is_freed_later(
    talk: Talk,
) -> None:
    talking = talk(value(1))
    talking.session.freed = [[3, 1]]
    for unsendable in (object(), object, "x" * (1 << 21), 1 << 10**5):
        with pytest.raises(BoundaryError):
            talking.session.request("set", 1, "name", unsendable)
    assert talking.is_silent()
    assert talking.session.request("text", 1) == 1
    assert talking.asked() == ["text", [[[3, 1]], [], None], 1]
    assert talking.session.freed == []


def test_a_function_of_the_test_is_called_and_its_answer_sent(talk: Talk) -> None:
    def fails() -> None:
        raise KeyError("no such")

    talking = talk(
        ["call back", None, [0, [[1, 2]], {"y": 3}]],
        ["call back", None, [1, [], {}]],
        value(ExtType(CALLBACK, b"\1")),
    )
    assert talking.session.call(7, (lambda x, y: (x, y), fails), {}) is fails
    assert [number(sent, CALLBACK) for sent in talking.asked()[3]] == [0, 1]
    assert talking.asked() == ["return", None, ([1, 2], 3)]
    assert talking.asked() == ["raise", None, "KeyError: 'no such'"]
    assert talking.is_silent()


def test_a_function_has_one_number_however_often_it_is_passed(talk: Talk) -> None:
    talking = talk(value(1), value(1))
    for _ in range(2):
        talking.session.call(7, (len, abs, len), {"key": abs})
        _, _, _, positional, named = talking.asked()
        assert [number(sent, CALLBACK) for sent in (*positional, named["key"])] == [0, 1, 0, 1]


def test_what_student_code_gives_a_function_of_the_tests_is_not_an_argument_of_the_outer_call_afterwards(
    talk: Talk,
) -> None:
    talking = talk(
        ["call back", None, [0, [thing(5)], {}]],
        value(ExtType(ARGUMENT, b"\0")),  # of the inner call
        value(ExtType(ARGUMENT, b"\0")),  # of the outer one
    )
    inner, outer = [1], [2]
    found: list[Any] = []
    assert talking.session.call(7, (outer, lambda student: found.append(student(inner))), {}) is outer
    assert found[0] is inner


def test_a_name_that_a_function_of_the_tests_changed_is_told_before_student_code_goes_on(talk: Talk) -> None:
    talking = talk(["call back", None, [0, [], {}]], value(None), value(1))

    session = talking.session
    session.call(7, (lambda: setattr(session, "bindings", Changed(("squares", GONE))),), {})
    assert [talking.asked()[0], talking.asked()[::2], talking.asked()[0]] == ["call", ["unbind", "squares"], "return"]


class Stop(BaseException):
    pass


@pytest.mark.parametrize(("error", "reason"), [(CellTimeout, "timed out"), (Stop, "grading it failed (Stop)")])
def test_a_conversation_that_is_left_in_the_middle_of_a_word_is_over(
    error: type[BaseException], reason: str, talk: Talk
) -> None:
    def stop() -> None:
        raise error

    talking = talk(["call back", None, [0, [], {}]], value(1))
    with pytest.raises(error):
        talking.session.call(7, (stop,), {})
    assert talking.session.dead == reason


def test_an_error_of_the_students_is_raised_and_the_conversation_goes_on(talk: Talk) -> None:
    talking = talk(["error", None, [["Own", ".KeyError"], ["k"], "", "line 3"]], value(1))
    with pytest.raises(KeyError, match="k") as raised:
        talking.session.request("text", 1)
    assert type(raised.value).__name__ == "Own"
    assert raised.value.__context__ is None
    assert talking.session.dead is None
    assert talking.session.request("text", 1) == 1


# names


def test_of_names_those_are_taken_that_were_wanted_and_have_a_value(talk: Talk) -> None:
    answers = [[["a", 1], ["b", 2, 3], ["c"], ("d", 4), ["other", 5], 6, "ab", ["e", thing(7)]], (["a", 1],), None]
    talking = talk(*map(value, answers))
    found = talking.session.names(["a", "b", "c", "d", "e"])
    assert found.keys() == {"a", "e"}
    assert found["a"] == 1
    assert isinstance(found["e"], Proxy)
    assert [talking.session.names(["a"]) for _ in answers[1:]] == [{}, {}]
    assert talking.asked() == ["names", None, ["a", "b", "c", "d", "e"]]


def test_what_a_test_did_to_names_is_told_first_and_what_cannot_go_over_is_left_out(talk: Talk) -> None:
    talking = talk(*[value(None)] * 2, value(3))
    changes = ("gone", GONE), ("refused", object()), ("stand_in", len)
    talking.session.bindings = Changed(*changes)  # type: ignore[assignment]
    assert talking.session.request("text", 1) == 3
    assert talking.asked() == ["unbind", None, "gone"]
    operation, _, name, function = talking.asked()
    assert (operation, name, number(function, CALLBACK)) == ("bind", "stand_in", 0)
    assert talking.asked() == ["text", None, 1]


def test_names_are_not_told_to_a_process_that_is_gone(talk: Talk) -> None:
    talking = talk()
    talking.session.bindings = Changed(("gone", GONE))  # type: ignore[assignment]
    talking.session.die("gone")
    talking.session.tell_bindings()
    assert talking.is_silent()


# the end of an action


@pytest.fixture
def word(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr("autograder.session.os.urandom", lambda size: b"w" * size)
    return b"w" * 8


def test_a_process_that_echoes_the_word_has_said_what_it_was_asked(word: bytes, talk: Talk) -> None:
    talking = talk(value(word))
    talking.session.settle()
    assert talking.session.dead is None
    assert talking.asked() == ["echo", None, word]


@pytest.mark.parametrize(
    "answer",
    [
        *map(value, (b"w" * 7, b"w" * 9, b"v" * 8, b"x" * 8, b"", "w" * 8, None, True, [b"w" * 8], frozenset([b"w"]))),
        ["error", None, [[".ValueError"], [], "", ""]],
        ["error", None, [[".SystemExit"], [], "", ""]],
    ],
)
def test_a_process_that_said_more_than_it_was_asked_is_ended(answer: Any, word: bytes, talk: Talk) -> None:
    talking = talk(answer)
    with pytest.raises(StudentDied, match="the student's process answered what it was not asked"):
        talking.session.settle()
    assert talking.session.dead == "the student's process answered what it was not asked"
    talking.session.settle()


def test_a_process_that_ends_while_it_is_asked_for_the_word_has_ended(talk: Talk) -> None:
    with pytest.raises(StudentDied, match=ENDED):
        talk().session.settle()


# news


def test_what_was_shown_and_whether_figures_are_open_is_told_with_any_answer(talk: Talk) -> None:
    open_ones = (True, 1, "yes", None, True, False)
    talking = talk(*(value(1, [[], [], [place] * place, None, figures]) for place, figures in enumerate(open_ones)))
    seen = [talking.session.figures_open]
    for _ in open_ones:
        talking.session.request("text", 1)
        seen.append(talking.session.figures_open)
    assert seen == [False, True, False, False, False, True, False]
    assert talking.shown == [[1], [2, 2], [3] * 3, [4] * 4, [5] * 5]


def test_a_change_of_an_argument_is_written_into_it_also_where_the_call_failed(talk: Talk) -> None:
    array, items = np.zeros(2), [1]
    changes = [[0, np.ones(2)], [1, [7, 8]]]
    talking = talk(["error", [changes, [], [], None, False], [[".KeyError"], [], "", ""]])
    with pytest.raises(KeyError):
        talking.session.call(1, (array,), {"items": items})
    assert array.tolist() == [1, 1]
    assert items == [7, 8]


@pytest.mark.parametrize("python", [False, True])
def test_random_streams_go_over_when_they_moved_and_are_moved_on_by_what_was_drawn(python: bool, talk: Talk) -> None:
    unmoved = [None] * python
    talking = talk(
        value(1),
        value(1, [[], [], [], [[2, 0, 0.0], *unmoved], False]),
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
    word, (freed, mirrors, state), _ = talking.asked()
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
    _, (freed, mirrors, state), _, (first,), named = talking.asked()
    assert (freed, mirrors[0][0], mirrors[0][1].tolist(), len(mirrors), state) == ([], 5, [1, 1.5], 1, None)
    assert number(first, HANDLE) == number(named["again"], HANDLE) == 5
    assert talking.asked() == ["text", None, 1]
    assert talking.asked()[1][1][0][1].tolist() == [0.5, 1.5]


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
    assert not session._mirrors
    assert not session._handle_of_mirror


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
    _, _, (_, _, _, (sent, plain), _) = talking.asked(), talking.asked(), talking.asked()
    assert number(sent, HANDLE) == 5
    assert plain.tolist() == [0, 0]


def test_what_student_code_wrote_into_an_array_is_there_and_is_not_sent_back(talk: Talk) -> None:
    talking = talk(value(mirror(5, np.zeros(2))), value(1, [[], [[5, np.ones(2)]], [], None, False]), value(1))
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
    answers = thing(6, "type", 7, ["Own", ".KeyError", ".Exception"]), 1, thing(8, "type", 3 + 8)
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
    assert str(state) == str(bits.state)


# the recording


def test_answers_are_recorded_under_the_question_and_the_name_by_which_a_test_got_what_it_asks(talk: Talk) -> None:
    recorder = Recorder()
    failed = ["error", None, [[".ValueError"], ["bad"], "", ""]]
    talking = talk(
        value([["net", thing(4)], ["n", 3]]), value(thing(5)), value(thing(6)), value(2.5), failed, value(1),
        value(True), value(7), value(1, [[[0, [5]]], [], [], None, False]), recorder=recorder,
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
