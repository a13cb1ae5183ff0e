"""The judge's end of the conversation: what it asks, and that an answer is checked for its shape before it is used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgpack
import numpy as np
import pytest
from msgpack import ExtType

from autograder.bindings import GONE
from autograder.containers import Container
from autograder.errors import BoundaryError
from autograder.exceptions import CellTimeout, StudentDied
from autograder.protocol import (
    ARGUMENT,
    CALLBACK,
    GENERATOR,
    HANDLE,
    IS_EXCEPTION,
    LIST_KIND,
    LOOKS,
    TUPLE_KIND,
)
from autograder.proxies import Proxy
from autograder.session import ENDED
from tests.conversation import NO_NEWS, Changed, Talk, copied, function, lazy, mirror, thing, value


def test_a_question_is_its_operands_and_the_answer_its_payload(talk: Talk) -> None:
    talking = talk(value([1, "two"]), value({"three": 3}))
    assert talking.session.request("get item", 1, "key") == [1, "two"]
    assert talking.session.call(4, ((1, 2), "x"), {"y": [5]}) == {"three": 3}
    assert talking.asked() == ["get item", None, 1, "key"]
    assert talking.asked() == ["call", None, 4, [(1, 2), "x"], {"y": [5]}, []]
    assert talking.is_silent()


def test_threads_of_a_test_cannot_ask_at_the_same_time_and_are_told_so(talk: Talk) -> None:
    session = talk(value(1)).session
    with ThreadPoolExecutor(1) as other, session._turn:
        asked = other.submit(session.request, "get", 1, "x")
        with pytest.raises(BoundaryError, match="threads of a test"):
            asked.result(10)


KINDS: list[Any] = ["", "a", "call", "call bacl", "callback", "errors", "f", "valuf", "w", 5, None]
OTHERS: list[Any] = [None, (), 5, {}]
NEWS: list[Any] = [
    0, "", (), [], {}, NO_NEWS[:3], NO_NEWS[:4], NO_NEWS[:5], [*NO_NEWS, 1], tuple(NO_NEWS), dict.fromkeys(range(6)),
    *([*NO_NEWS[:place], other, *NO_NEWS[place + 1 :]] for place in (0, 1, 2, 5) for other in OTHERS),
    [[5], [], [], None, False, []], [[[0, [1], 2]], [], [], None, False, []],
    [[["x", [1]]], [], [], None, False, []], [[[0, [1]]], [], [], None, False, []],
    [[], [5], [], None, False, []], [[], [[9, [1]]], [], None, False, []],
    [[], [], [], 5, False, []], [[], [], [], [5], False, []],
]  # fmt: skip
CALLS: list[Any] = [5, [], [0, []], [0, [], {}, 1], [0, [], {}], ["x", [], {}], [None, [], {}]]
PAYLOADS: list[Any] = [
    thing(-1), thing(True), thing("1"), thing(None), thing(1.0), thing(-1, "E", IS_EXCEPTION, [".KeyError"]),
    thing(1, "E", IS_EXCEPTION, [5]), thing(1, "E", "4"), ExtType(HANDLE, msgpack.packb([1, "Thing", 0])),
    lazy(1, 0), lazy(1, 7), lazy(-1, LIST_KIND), mirror(1, [1.0]), mirror(1, 1.0),
    mirror(1, None), mirror(-1, np.ones(1)),
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


MOVED: list[Any] = [*NO_NEWS[:-1], ["calls", 5]]
ASKED = ["next", "get", "set", "get item", "set item", "truth", "operate", "enter", "exit", "text", "repr", "describe"]


@pytest.mark.parametrize("operation", ["call", *ASKED])
def test_names_that_student_code_moved_are_followed_once_after_whatever_made_it_run(operation: str, talk: Talk) -> None:
    raised = ["error", MOVED, [[".KeyError"], [], "", ""]]
    session = talk(value(1), value(1, MOVED), value(1), raised, value(1, [*NO_NEWS[:-1], [1]])).session
    told: list[Any] = []
    session.follow = told.append
    ask = partial(session.call, 1, (), {}) if operation == "call" else partial(session.request, operation, 1)
    for times in (0, 1, 1):
        ask()
        assert told == [["calls"]] * times
    with pytest.raises(KeyError):
        ask()
    assert len(told) == 2
    ask()
    with pytest.raises(StudentDied):
        ask()
    assert len(told) == 2


@pytest.mark.parametrize("operation", [*sorted(LOOKS), "names", "run", "echo", "flush"])
def test_no_names_are_followed_after_a_look_and_what_the_judge_itself_asks(operation: str, talk: Talk) -> None:
    session = talk(value(1, MOVED), value(1, MOVED)).session
    told: list[Any] = []
    session.follow = told.append
    session.request(operation, 1)
    assert told == []
    session.request("next", 1)
    assert told == [["calls"]]


def test_a_function_of_the_tests_finds_the_names_as_the_student_code_that_calls_it_left_them(talk: Talk) -> None:
    session = talk(["call back", MOVED, [0, [], {}]], value(1)).session
    told: list[str] = []
    session.follow = lambda _: told.append("followed")
    session.call(1, (lambda: told.append("called"),), {})
    assert told == ["followed", "called"]


def test_names_that_are_followed_leave_an_assertion_of_a_tests_function_as_it_was(talk: Talk) -> None:
    def expects() -> None:
        raise AssertionError("expected 5")

    raised = ["error", MOVED, [[".AssertionError"], [], "", ""]]
    session = talk(["call back", MOVED, [0, [], {}]], value([]), raised, value([])).session
    session.follow = partial(session.request, "names")
    with pytest.raises(AssertionError, match="expected 5"):
        session.call(1, (expects,), {})


def test_a_moment_lasts_until_student_code_may_have_run(talk: Talk) -> None:
    session = talk(value(2), value("x")).session
    before = session.moment
    session.request("length", 5)
    assert session.moment == before
    session.request("text", 5)
    assert session.moment != before


def test_a_container_shows_the_name_of_its_class_where_it_has_one(talk: Talk) -> None:
    session = talk(value(lazy(5, LIST_KIND, "Stack")), value(lazy(6, LIST_KIND))).session
    named, plain = session.request("get", 1, "a"), session.request("get", 1, "b")
    assert (type(named).__name__, type(plain)) == ("Stack", Container)
    assert issubclass(type(named), Container)


def test_a_value_that_would_be_asked_before_its_message_is_read_ends_the_conversation(talk: Talk) -> None:
    """Else what its question brings would count for the message, too, such as that an array of its own may come."""
    talking = talk(value((mirror(5, np.ones(1)), {lazy(6, TUPLE_KIND): 1})), value([]), value(1))
    with pytest.raises(StudentDied, match="to be asked before its message is read"):
        talking.session.call(1, (), {})


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


def test_a_name_is_plain_text_and_none_whose_words_the_students_process_would_say(talk: Talk) -> None:
    talking = talk(value([[copied(3, "f"), 1], ["g", 2]]))
    names = talking.session.names(["f", "g"])
    assert [(type(name), name) for name in names] == [(str, "g")]


def test_what_a_test_did_to_names_is_told_first_and_what_cannot_go_over_is_left_out(talk: Talk) -> None:
    talking = talk(*[value(None)] * 2, value(3))
    changes = ("gone", GONE), ("refused", object()), ("stand_in", len)
    talking.session.bindings = Changed(*changes)  # type: ignore[assignment]
    assert talking.session.request("text", 1) == 3
    assert talking.asked() == ["unbind", None, "gone"]
    operation, _, name, sent = talking.asked()
    assert (operation, name, function(sent)) == ("bind", "stand_in", [0, "len"])
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
    shown = ([[], [], [place] * place, None, figures, []] for place, figures in enumerate(open_ones))
    talking = talk(*(value(1, news) for news in shown))
    seen = [talking.session.figures_open]
    for _ in open_ones:
        talking.session.request("text", 1)
        seen.append(talking.session.figures_open)
    assert seen == [False, True, False, False, False, True, False]
    assert talking.shown == [[1], [2, 2], [3] * 3, [4] * 4, [5] * 5]
