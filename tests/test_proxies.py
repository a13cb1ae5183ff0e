"""What stands in a test for an object of the student's asks no more and believes no more than it must."""

from __future__ import annotations

import gc
import inspect
import operator
import pickle
import types
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from autograder import proxies
from autograder.errors import BoundaryError
from autograder.protocol import ARITHMETIC, LOOKS
from autograder.proxies import CallableProxy, proxy_type
from autograder.session import Session
from tests.conversation import Lying


def test_an_object_is_asked_for_all_its_items_wherever_the_one_that_is_looked_for_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proxies, "MOST_ASKED", 5)
    given: list[int] = []

    class Counting(Lying):
        def request(self, operation: Any, *_: Any) -> Any:
            if operation == "iterate":
                return things_of(self)
            given.append(len(given))
            return [len(given) <= most, given[-1]]

    def things_of(session: Lying) -> Any:
        return proxy_type("Thing")(cast(Session, session), 1)

    for most, looked_for, found in ((4, 1, True), (4, 9, False), (5, 0, True)):
        given.clear()
        assert (looked_for in things_of(Counting(None))) is found
        assert len(given) == most + 1
    given.clear()
    most = 6
    with pytest.raises(BoundaryError, match="has more than 5 items"):
        _ = 0 in things_of(Counting(None))


@pytest.mark.parametrize("answer", [True, False, 1, [1], None])
def test_an_object_is_true_where_the_answer_is_true_itself_alone(answer: Any) -> None:
    session, (one,) = things(answer, 1)
    assert bool(one) is (answer is True)
    assert session.asked == [("truth", 1)]


def test_the_length_of_an_object_is_asked_otherwise_than_that_of_a_container_since_student_code_tells_it() -> None:
    session, (one,) = things(3, 1)
    assert len(one) == 3
    assert session.asked == [("len", 1)]
    assert "len" not in LOOKS


def things(answer: Any, *handles: int) -> tuple[Lying, Any]:
    session = Lying(answer)
    return session, [proxy_type("Thing")(cast(Session, session), handle) for handle in handles]


def test_what_a_class_of_the_students_answers_is_no_more_than_a_name_a_text_and_a_signature() -> None:
    def described(*answer: Any) -> Any:
        return proxy_type("Thing", CallableProxy)(cast(Session, Lying(list(answer))), 1)

    thing = described("f", "what it does", [["x", 1, False], ["y", 3, True]])
    assert (thing.__name__, thing.__qualname__, thing.__doc__) == ("f", "f", "what it does")
    assert str(inspect.signature(thing)) == "(x, *, y=None)"
    assert described(5, 5, []).__doc__ is None
    assert described(5, 5, []).__name__ == "5"
    for answer in ([], ["f", "", [], 1]):
        assert not hasattr(described(*answer), "__name__")
    for parameters in (None, [1], [["x", 9, False]], [["x y", 1, False]], [["y", 1, True], ["x", 1, False]]):
        assert not hasattr(described("f", "", parameters), "__signature__")


def test_operators_between_two_objects_of_the_students_are_forwarded_under_their_name() -> None:
    session, (one, other) = things(True, 1, 2)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        assert getattr(operator, name)(one, other) is True
        assert session.asked.pop() == ("operate", 1, name, other)
    for name in ARITHMETIC:
        plain = name.strip("_")
        assert getattr(one, f"__{plain}__")(other) is True
        assert session.asked.pop() == ("operate", 1, name, other)
        assert getattr(one, f"__r{plain}__")(other) is True
        assert session.asked.pop() == ("operate", 2, name, one)
        assert getattr(one, f"__i{plain}__")(other) is True
        assert session.asked.pop() == ("operate", 1, f"i{plain}", other)
    assert other in one
    assert session.asked.pop() == ("operate", 1, "contains", other)
    assert not session.asked


@pytest.mark.parametrize("answer", [False, 1, "yes", [True], None, np.False_, np.int64(1)])
def test_a_comparison_and_a_kind_are_true_where_the_answer_is_true_itself_alone(answer: Any) -> None:
    _, (one, other) = things(answer, 1, 2)
    assert [one == other, one != other, one < other] == [False] * 3
    assert not isinstance(other, one)
    assert not isinstance(3, one)
    assert not issubclass(other, one)
    assert not issubclass(int, one)
    assert other not in one


def test_an_object_is_itself_and_is_not_none_whatever_it_says() -> None:
    session, (one,) = things(False, 1)
    assert [one == one, one != one, one == None, one != None] == [True, False, False, True]  # noqa: E711
    assert not session.asked
    _, (one, other) = things(np.True_, 1, 2)
    assert one == other


REFUSALS: dict[str, Callable[[Any], object]] = {
    "turned into an array": np.asarray,
    "handed to NumPy": np.sqrt,
    "pickled": pickle.dumps,
    "subclassed": lambda thing: types.new_class("Sub", (thing,)),
    "compared with a value of the test": lambda thing: thing == 1,
    "reckoned with": lambda thing: 1 + thing,
    "used as a number": float,
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_names_the_class_of_the_object_and_asks_nothing_of_it(what: str) -> None:
    session, (thing,) = things(True, 1)
    with pytest.raises(BoundaryError, match=f"^'Thing' of the student's cannot be {what} in a test: compare plain"):
        REFUSALS[what](thing)
    assert not session.asked


def test_what_jupyter_and_numpy_look_for_is_not_asked_of_the_student() -> None:
    session, (thing,) = things(1, 1)
    for name in ("__array_interface__", "__fspath__", "_repr_html_", "_ipython_display_"):
        assert not hasattr(thing, name)
    assert not session.asked
    assert thing._mine == 1
    assert session.asked == [("get", 1, "_mine")]


NUMPYS: list[Callable[[Any], object]] = [
    np.mean, np.std, np.sum, np.min, np.max, np.prod, np.any, np.argmax, np.cumsum, np.round, np.ravel, np.shape,
    lambda thing: np.clip(thing, 61.7, 61.9), lambda thing: np.dot([61.8], thing), lambda thing: np.take(thing, [0]),
    lambda thing: np.maximum(thing, 61.8), lambda thing: np.ones(2) - thing, lambda thing: np.float64(61.8) == thing,
    lambda thing: np.ma.mean(thing), np.linalg.norm, lambda thing: pd.Series([61.8]) - thing,
]  # fmt: skip


@pytest.mark.parametrize("function", NUMPYS, ids=range(len(NUMPYS)))
def test_a_function_of_numpys_calls_no_method_of_the_students(function: Callable[[Any], object]) -> None:
    """The test that calls it believes that the number is NumPy's, and hands over what it expects."""
    session, (thing,) = things(0.0, 1)
    session.answer = thing
    with pytest.raises(BoundaryError):
        function(thing)
    assert not session.asked


def test_a_method_that_a_test_itself_calls_is_the_students() -> None:
    session, (thing,) = things(5, 1)
    assert thing.mean == 5
    assert session.asked == [("get", 1, "mean")]


def test_a_handle_is_given_back_with_the_number_of_times_that_it_came() -> None:
    session, made = things(1, 7)
    made.clear()
    gc.collect()
    assert session.freed == [[7, 1]]


def test_types_are_made_once_a_name_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_type("Thing") is proxy_type("Thing")
    assert proxy_type("Thing").__name__ == "Thing"
    monkeypatch.setattr(proxies, "_MAX_TYPES", len(proxies._types) + 1)
    assert proxy_type("One_more").__name__ == "One_more"
    assert proxy_type("Too_many") is proxies.Proxy
    assert proxy_type("One_more").__name__ == "One_more"
    del proxies._types["One_more", proxies.Proxy]
    monkeypatch.setattr(proxies, "_MAX_TYPES", 0)
    assert proxy_type("Too_many") is proxies.Proxy
