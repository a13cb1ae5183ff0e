"""The judge's end while student code calls functions that a test passed to it."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from msgpack import ExtType

from autograder.bindings import GONE
from autograder.exceptions import StudentDied
from autograder.protocol import ARGUMENT, CALLBACK, DICT_KIND, IS_CALLABLE, reference
from tests import conversation
from tests.conversation import Changed, Talk, function, lazy, thing, value

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
    assert [function(sent) for sent in talking.asked()[3]] == [[0, "<lambda>"], [1, "fails"]]
    assert talking.asked() == ["return", None, ([1, 2], 3), []]
    assert talking.asked() == ["raise", None, ["KeyError", ["no such"]], []]
    assert talking.is_silent()


def test_a_function_has_one_number_however_often_it_is_passed(talk: Talk) -> None:
    talking = talk(value(1), value(1))
    for _ in range(2):
        talking.session.call(7, (len, abs, len), {"key": abs})
        _, _, _, positional, named, _ = talking.asked()
        names = [[0, "len"], [1, "abs"], [0, "len"], [1, "abs"]]
        assert [function(sent) for sent in (*positional, named["key"])] == names


def test_an_argument_that_comes_back_costs_nothing_of_what_an_answer_may_hold(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "LIMITS", replace(conversation.LIMITS, message_items=2000))
    own, argument = ExtType(ARGUMENT, b"\0"), [0] * 1000
    long = "x" * 1000  # the values of a short message are not counted
    assert talk(value([own, own, long])).session.call(7, (argument,), {}) == [argument, argument, long]


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
    kind, news, (name, (text,)), _ = talking.asked()
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
    assert talking.asked() == ["raise", None, ["AssertionError", []], []]


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


def test_a_function_has_no_name_that_is_no_text_and_a_method_the_same_number_each_time(talk: Talk) -> None:
    talking, named = talk(value(1)), [1]
    half = partial(round, ndigits=1)
    odd = partial(round)
    odd.__name__ = 5  # type: ignore[attr-defined]
    talking.session.call(7, (half, odd, named.append, named.append, [].append), {})
    assert [function(sent) for sent in talking.asked()[3]] == [
        [0, ""], [1, ""], [2, "append"], [2, "append"], [3, "append"],
    ]  # fmt: skip


def changing(change: Any) -> Any:
    """A test's function that does something to its first argument."""

    def function(given: Any, *_: Any) -> None:
        change(given)

    return function


GIVEN: list[tuple[Any, Any, Any]] = [
    ([1], lambda rows: rows.append(2), (1, 2)),
    ([1, 2], lambda rows: rows.pop(), (1,)),
    ([2], lambda rows: rows.__setitem__(0, 1), (1,)),
    ([1.0], lambda rows: rows.__setitem__(0, 1), (1,)),
    ({"a": 1}, lambda table: table.update(b=2), (("a", 1), ("b", 2))),
    ({"a": 1}, lambda table: table.update(a=3), (("a", 3),)),
    ({"a": 1, "b": 2}, lambda table: table.update(a=table.pop("a")), (("b", 2), ("a", 1))),
    ({1}, lambda names: names.discard(1), ()),
    (np.zeros(2), lambda x: x.fill(1.0), [1.0, 1.0]),
    (np.zeros(2).view(np.recarray), lambda x: x.fill(1.0), [1.0, 1.0]),
    (pd.DataFrame({"a": [1]}), lambda table: table.insert(1, "b", 2), {"a": [1], "b": [2]}),
]


@pytest.mark.parametrize(("given", "change", "told"), GIVEN)
def test_what_a_tests_function_did_to_arguments_of_the_call_is_told_with_its_answer(
    given: Any, change: Any, told: Any, talk: Talk
) -> None:
    given = copy.deepcopy(given)
    talking = talk(["call back", None, [0, [ExtType(ARGUMENT, bytes(8))], {}]], value(1))
    talking.session.call(7, (given, changing(change), [3]), {})
    assert talking.session.at_boundary is None
    talking.asked()
    kind, news, result, ((place, content),) = talking.asked()
    shown = content.tolist() if isinstance(content, np.ndarray) else content
    shown = content.to_dict("list") if isinstance(content, pd.DataFrame) else shown
    assert (kind, news, result, place, shown) == ("return", None, None, 0, told)


@pytest.mark.parametrize(("given", "change", "told"), GIVEN)
@pytest.mark.parametrize(
    ("passed", "within"),
    [
        (lambda given: [[given], {}], lambda one: one),
        (lambda given: [[[0, (given,)]], {}], lambda one: one[1][0]),
        (lambda given: [[{"a": given}], {}], lambda one: one["a"]),
        (lambda given: [[], {"given": given}], lambda one: one),
    ],
)
def test_what_a_tests_function_did_to_what_student_code_made_is_a_fault_of_the_test(
    passed: Any, within: Any, given: Any, change: Any, told: Any, talk: Talk
) -> None:
    def function(*values: Any, given: Any = None) -> None:
        change(within(values[0] if values else given))

    given = np.asarray(given) if isinstance(given, np.ndarray) else given
    talking = talk(["call back", None, [0, *passed(given)]], value(1))
    talking.session.call(7, (function,), {})
    assert "return the new value" in str(talking.session.at_boundary)
    talking.asked()
    kind, news, (name, _), changes = talking.asked()
    assert (kind, news, name, changes) == ("raise", None, "TypeError", [])


LEFT: list[Any] = [[1, 2.0, "a", None, float("nan")], {"a": [1]}, {1, 2}, np.ones(2), pd.DataFrame({"a": [1]})]


@pytest.mark.parametrize("left", LEFT, ids=repr)
def test_what_a_tests_function_leaves_as_it_was_is_not_spoken_of(left: Any, talk: Talk) -> None:
    def function(given: Any, same: Any) -> Any:
        if type(given) is list:
            given[1] = float(str(given[1]))
            given.append(3)
            given.pop()
        return given is same

    talking = talk(["call back", None, [0, [ExtType(ARGUMENT, bytes(8)), left], {}]], value(1))
    talking.session.call(7, (copy.deepcopy(left), function), {})
    talking.asked()
    assert talking.asked() == ["return", None, False, []]
    assert talking.session.at_boundary is None


def test_what_a_function_puts_into_an_argument_and_cannot_cross_is_a_fault_of_the_test(talk: Talk) -> None:
    rows: list[Any] = []
    talking = talk(CALLED, value(1))
    talking.session.call(7, (rows, lambda: rows.append(np.ma.array([1.0]))), {})
    assert "a masked array" in str(talking.session.at_boundary)
    talking.asked()
    assert talking.asked()[::3] == ["raise", []]


def test_what_a_function_puts_into_an_argument_is_an_argument_of_the_call_from_then_on(talk: Talk) -> None:
    rows: list[Any] = [0]
    talking = talk(CALLED, value(ExtType(ARGUMENT, (1).to_bytes(8, "little")), [[[1, [5]]], [], [], None, False, []]))
    new = [1]
    assert talking.session.call(7, (rows, lambda: rows.append(new)), {}) is new
    assert rows == [0, [5]]


def test_system_exit_of_a_tests_function_is_told_and_what_ends_the_process_is_not(talk: Talk) -> None:
    def leave() -> None:
        raise SystemExit(3)

    talking = talk(CALLED, value(1))
    talking.session.call(7, (leave,), {})
    talking.asked()
    assert talking.asked() == ["raise", None, ["SystemExit", [3]], []]


def test_what_a_tests_function_returns_is_an_argument_where_it_is_one_and_may_be_what_it_changed(talk: Talk) -> None:
    rows: list[Any] = [0]
    rows.append(rows)
    own = ["call back", None, [0, [ExtType(ARGUMENT, bytes(8))], {}]]
    talking = talk(own, ["call back", None, [1, [[1]], {}]], value(1))
    talking.session.call(7, (rows, lambda same: same, lambda made: (made.append(2), made)[1]), {})
    talking.asked()
    assert talking.asked() == ["return", None, reference(ARGUMENT, 0), []]
    assert talking.asked() == ["return", None, [1, 2], []]
    assert talking.session.at_boundary is None


def test_beside_objects_of_the_students_own_which_are_not_watched_all_else_is(talk: Talk) -> None:
    question = [0, [[1], lazy(6, DICT_KIND, "Config"), thing(5)], {}]
    talking = talk(["call back", None, question], value(1))
    talking.session.call(7, (lambda rows, *_: rows.append(2),), {})
    assert "return the new value" in str(talking.session.at_boundary)
    assert [talking.asked()[0] for _ in range(2)] == ["call", "raise"]
    assert talking.is_silent()


def test_arguments_that_are_no_list_are_no_call(talk: Talk) -> None:
    with pytest.raises(StudentDied, match="a malformed callback"):
        talk(["call back", None, [0, (1,), {}]]).session.call(7, (len,), {})
