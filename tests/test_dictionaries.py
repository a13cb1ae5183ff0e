"""An OrderedDict, defaultdict or Counter of the student's is that to a test, and is compared here all the same."""

from __future__ import annotations

import collections
import operator
from collections.abc import Callable
from typing import Any, cast

import pytest

from autograder.containers import Container
from autograder.proxies import Proxy, proxy_type
from autograder.session import Session
from tests.conversation import Holding, container

Ordered: Any = collections.OrderedDict
Counts: Any = collections.Counter
ORDERS: list[Callable[..., Any]] = [lambda one, two: (one, two), lambda one, two: (two, one)]


@pytest.mark.parametrize(
    ("held", "name", "other"),
    [
        (Ordered(a=1, b=2), "eq", Ordered(b=2, a=1)),
        (Ordered(a=1, b=2), "eq", Ordered(a=1, b=2)),
        (Ordered(a=1, b=2), "eq", {"b": 2, "a": 1}),
        (Counts(a=2, b=0), "eq", Counts(a=2)),
        (Counts(a=2, b=0), "eq", {"a": 2}),
        (Counts(a=2, b=0), "le", Counts(a=2, c=1)),
        *((Counts(a=2, b=1), name, Counts(a=1, c=61.8)) for name in ("ne", "add", "sub", "and_", "or_")),
        (collections.defaultdict(list, a=[1]), "or_", {"b": [2]}),
    ],
)
def test_a_dictionary_of_the_standard_library_compares_and_reckons_as_its_class_does(
    held: Any, name: str, other: Any
) -> None:
    for order in ORDERS:
        session, held_there = container(held)
        found, plainly = (getattr(operator, name)(*order(each, other)) for each in (held_there, held))
        assert (type(found), found) == (type(plainly), plainly)
        # No question names a key, which may be one that is expected.
        assert {question[0] for question in session.asked} == {"keys", "values"}


def test_what_changes_a_dictionary_of_the_standard_library_in_place_and_what_no_copy_has_is_done_there() -> None:
    groups: Any = collections.defaultdict()
    done = ((Ordered(), "move_to_end"), (Counts(), "subtract"), (groups, "default_factory"), (groups, "copy"))
    for held, name in done:
        session, there = container(held)
        getattr(there, name)
        assert session.asked == [("get", 1, name)]


@pytest.mark.parametrize("compare", [operator.eq, operator.ne, operator.sub, operator.le, operator.or_])
def test_a_counter_of_the_students_is_one_to_a_test_and_no_question_names_what_is_expected(compare: Any) -> None:
    held = Counts(a=2, b=0)
    session, there = container(held)
    assert isinstance(there, Counts)
    assert compare(Counts(a=1, c=61.8), there) == compare(Counts(a=1, c=61.8), held)
    assert (there["a"], there["secret"], there["b"], there.get("secret")) == (2, 0, 0, None)
    mixed = (Proxy(cast(Session, session), 2), 61.8)
    assert (there[mixed], there[()], Counts({mixed: 1}) == there) == (0, 0, False)
    assert {question[0] for question in session.asked} == {"keys", "values"}


def test_a_class_made_from_counter_is_a_dict_to_a_test_since_it_answers_what_is_absent_itself() -> None:
    session = Holding(Counts(a=2))
    there: Any = proxy_type("Tally", Container)(cast(Session, session), 1, Counts)
    assert not isinstance(there, Counts)
    assert isinstance(there, dict)


@pytest.mark.parametrize(
    ("held", "operation", "other", "done"),
    [
        (Counts(a=2, b=1, c=-1), operator.iand, Counts(a=1, c=-5), ("isub", Counts(a=1, b=1, c=4))),
        (Counts(a=2), operator.iand, {"a": 5}, ("isub", Counts())),
        (Counts(a=2), operator.isub, Counts(a=1), ("isub", Counts(a=1))),
        (Counts(a=2), operator.iadd, Counts(a=1), ("iadd", Counts(a=1))),
        (Counts(a=2), operator.ior, Counts(a=1), ("ior", Counts(a=1))),
        ([1], operator.imul, 2, ("imul", 2)),
    ],
)
def test_what_a_container_does_to_itself_is_done_to_the_students_own(
    held: Any, operation: Any, other: Any, done: Any
) -> None:
    session, there = container(held)
    assert operation(there, other) is there
    assert session.asked[-1] == ("operate", 1, *done)


@pytest.mark.parametrize(
    ("held", "operation", "other"),
    [({"a": 1}, operator.iand, {}), ([1], operator.ior, [2]), ([1], operator.isub, [1]), ((1,), operator.iand, ())],
)
def test_what_no_container_of_its_kind_does_is_an_error_of_the_tests(held: Any, operation: Any, other: Any) -> None:
    session, there = container(held)
    with pytest.raises(TypeError, match="unsupported operand"):
        operation(there, other)
    assert "operate" not in {question[0] for question in session.asked}
