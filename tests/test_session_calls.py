"""The judge's end while student code calls functions that a test passed to it."""

from __future__ import annotations

from typing import Any

import pytest
from msgpack import ExtType

from autograder.bindings import GONE
from autograder.protocol import ARGUMENT, CALLBACK, IS_CALLABLE
from tests.conversation import Changed, Talk, number, thing, value

CALLED = ["call back", None, [0, [], {}]]


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
    assert talking.asked() == ["raise", None, ["KeyError", ["no such"]]]
    assert talking.is_silent()


def test_a_function_has_one_number_however_often_it_is_passed(talk: Talk) -> None:
    talking = talk(value(1), value(1))
    for _ in range(2):
        talking.session.call(7, (len, abs, len), {"key": abs})
        _, _, _, positional, named, _ = talking.asked()
        assert [number(sent, CALLBACK) for sent in (*positional, named["key"])] == [0, 1, 0, 1]


def test_what_student_code_gives_a_function_of_the_tests_is_not_an_argument_of_the_outer_call_afterwards(
    talk: Talk,
) -> None:
    talking = talk(
        ["call back", None, [0, [thing(5, flags=IS_CALLABLE)], {}]],
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


@pytest.mark.parametrize(("flags", "can_be_called"), [(0, False), (IS_CALLABLE, True), (8 * IS_CALLABLE, False)])
def test_what_comes_can_be_called_where_its_flags_say_so(flags: int, can_be_called: bool, talk: Talk) -> None:
    assert callable(talk(value(thing(5, flags=flags))).session.request("get", 1, "name")) is can_be_called


def test_what_a_tests_function_returns_and_cannot_cross_is_an_error_to_who_called_it(talk: Talk) -> None:
    talking = talk(CALLED, value(1))
    assert talking.session.call(7, (lambda: object(),), {}) == 1
    talking.asked()
    kind, news, (name, (text,)) = talking.asked()
    assert (kind, news, name) == ("raise", None, "TypeError")
    assert text.startswith("BoundaryError: a object cannot be passed")


def asserting(text: str = "expected 5") -> None:
    raise AssertionError(text)


def error(name: str, *arguments: Any) -> Any:
    return ["error", None, [["." + name], [*arguments], "", ""]]


def test_an_assertion_of_a_tests_function_comes_back_as_it_was_and_its_words_do_not_go_over(talk: Talk) -> None:
    talking = talk(CALLED, error("AssertionError"))
    with pytest.raises(AssertionError, match="expected 5"):
        talking.session.call(7, (asserting,), {})
    talking.asked()
    assert talking.asked() == ["raise", None, ["AssertionError", []]]


def key_error() -> None:
    raise KeyError("another")


@pytest.mark.parametrize(
    ("function", "raised"),
    [
        (asserting, error("AssertionError", "mine")),
        (asserting, error("ValueError")),
        (key_error, error("AssertionError")),
    ],
)
def test_another_error_of_the_students_is_not_taken_for_the_assertion(function: Any, raised: Any, talk: Talk) -> None:
    (name,), arguments, _, _ = raised[2]
    with pytest.raises((AssertionError, ValueError)) as caught:
        talk(CALLED, raised).session.call(7, (function,), {})
    assert ("." + type(caught.value).__name__, [*caught.value.args]) == (name, arguments)


def test_an_assertion_that_student_code_caught_is_not_raised_by_the_next_call(talk: Talk) -> None:
    talking = talk(CALLED, value(1), error("AssertionError"))
    assert talking.session.call(7, (asserting,), {}) == 1
    with pytest.raises(AssertionError) as caught:
        talking.session.call(7, (), {})
    assert caught.value.args == ()
