"""An OrderedDict, defaultdict or Counter of the student's is that to a test, and is compared here all the same."""

from __future__ import annotations

import collections
import operator
from collections.abc import Callable
from typing import Any

import pytest

from tests.conversation import container

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
    for held, name in ((Ordered(), "move_to_end"), (Counts(), "subtract"), (groups, "default_factory")):
        session, there = container(held)
        getattr(there, name)
        assert session.asked == [("get", 1, name)]
