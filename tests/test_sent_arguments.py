"""What a test passes to student code: what is sent of it, and how changes that student code made come back."""

from __future__ import annotations

import collections
import enum
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from autograder.arguments import Arguments
from autograder.copied import copied
from autograder.errors import BoundaryError
from autograder.limits import Limits
from autograder.protocol import ARGUMENT, HANDLE, reference
from autograder.session import Session
from autograder.wire import MAX_MAP


class Level(enum.IntEnum):
    LOW = 1


class Rate(float):
    pass


class Config(dict[str, Any]):
    pass


Pair = collections.namedtuple("Pair", "one two")


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        *((atom, atom) for atom in (None, True, 3, 0.5, "text", b"bytes", 2j, np.float32(1.5), slice(1), ...)),
        (Level.LOW, 1),
        (Rate(0.1), 0.1),
        (np.str_("text"), "text"),
        (np.bytes_(b"bytes"), b"bytes"),
        ([1, [2.0, "a"], Level.LOW], [1, [2.0, "a"], 1]),
        ((1, (Rate(2.0),)), (1, (2.0,))),
        (Pair(1, Rate(2.0)), (1, 2.0)),
        ({1, Rate(2.5)}, {1, 2.5}),
        (type("Names", (set,), {})({1}), {1}),
        (frozenset({Rate(2.5)}), frozenset({2.5})),
        ({"a": [Level.LOW], Level.LOW: 2}, {"a": [1], 1: 2}),
        (Config(a=Rate(2.0)), {"a": 2.0}),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
    ],
    ids=repr,
)
def test_values_are_sent_as_the_plain_ones_that_they_are(value: Any, sent: Any) -> None:
    assert kinds(Arguments(Limits()).outgoing(value)) == kinds(sent)


def kinds(value: Any) -> Any:
    """The value with the types of all that is in it."""
    inner = [*value.items()] if isinstance(value, dict) else value
    return type(value), [*map(kinds, inner)] if isinstance(value, list | tuple | dict | set | frozenset) else value


def test_what_can_be_changed_is_numbered_as_it_is_met_and_sent_once() -> None:
    arguments, x, frame = Arguments(Limits()), np.zeros(2), pd.DataFrame({"a": [1]})
    members, row = {1}, [x]
    held = {"row": row, "members": members}
    sent = arguments.outgoing([x, held, frame])
    assert sent[0] is x
    assert sent[1] == {"row": [reference(ARGUMENT, 1)], "members": {1}}
    assert sent[2] is frame
    for place, value in ((1, x), (2, held), (3, row), (4, members), (5, frame)):
        assert arguments.mutable[place] is value
        assert arguments.outgoing(value) == reference(ARGUMENT, place)
    assert len(arguments.mutable) == 6
    assert arguments.outgoing((1, frozenset({2}))) == (1, frozenset({2}))
    assert len(arguments.mutable) == 6, "what cannot be changed has no number"


class Matrix(np.ndarray[Any, Any]):
    pass


def test_an_array_of_a_class_of_the_tests_is_sent_as_an_array_and_changed_in_place() -> None:
    arguments, x = Arguments(Limits()), np.zeros(2).view(Matrix)
    assert type(arguments.outgoing(x)) is np.ndarray
    arguments.change(0, np.ones(2))
    assert x.tolist() == [1.0, 1.0]


def test_an_array_in_another_order_of_bytes_is_sent_in_that_of_the_machine_and_changed_in_place() -> None:
    arguments = Arguments(Limits())
    for place, x in enumerate((np.array([1, 258], ">i4"), np.array([1, 258], "<i4"), np.array([0.5], ">f8"))):
        for sent in (arguments.outgoing(x), arguments.content(place)):
            assert (sent.dtype.isnative, sent.dtype.name, sent.tolist()) == (True, x.dtype.name, x.tolist())
        arguments.change(place, doubled := 2 * sent)
        assert x.tolist() == doubled.tolist()
        assert arguments.outgoing(x) == reference(ARGUMENT, place)


def test_a_bytearray_is_refused_since_what_is_done_to_it_would_not_be_seen() -> None:
    for value in (bytearray(b"ab"), [bytearray()], {"a": type("Buffer", (bytearray,), {})()}):
        with pytest.raises(BoundaryError, match=r"^a bytearray cannot be passed .* pass bytes, an array, or a list"):
            Arguments(Limits()).outgoing(value)


def test_a_memoryview_is_refused_alike_since_what_arrived_could_not_be_written_into() -> None:
    for value in (memoryview(bytearray(b"ab")), [memoryview(b"ab")]):
        with pytest.raises(BoundaryError, match=r"^a memoryview cannot be passed .* pass bytes, an array, or a list"):
            Arguments(Limits()).outgoing(value)


def test_what_stands_for_the_students_own_goes_back_as_that() -> None:
    mine, theirs = np.zeros(2), np.ones(2)
    arguments = Arguments(Limits(), lambda value: 7 if value is theirs else None)
    assert arguments.outgoing(mine) is mine
    assert arguments.outgoing([theirs]) == [reference(HANDLE, 7)]
    assert [each is theirs for each in arguments.mutable] == [False, False]


@pytest.mark.parametrize(("handle", "sent"), [(7, reference(HANDLE, 7)), (0, reference(HANDLE, 0)), (None, 2.5)])
def test_a_number_of_a_class_of_the_students_goes_back_as_theirs_while_its_process_lives(
    handle: int | None, sent: Any
) -> None:
    number = copied(cast(Session, SimpleNamespace(freed=[])), 7, 2.5)
    assert Arguments(Limits(), lambda value: handle if value is number else 9).outgoing(number) == sent


def test_a_list_of_atoms_is_sent_as_a_copy_whatever_its_class() -> None:
    given = Row([1, 2])
    sent = Arguments(Limits()).outgoing(given)
    assert type(sent) is list
    assert sent == [1, 2]


class Row(list[int]):
    pass


@pytest.mark.parametrize("kind", [set, frozenset, dict.fromkeys])
def test_more_keys_than_cross_are_refused(kind: Any) -> None:
    assert len(Arguments(Limits()).outgoing(kind(range(MAX_MAP)))) == MAX_MAP
    with pytest.raises(BoundaryError, match=rf"of {MAX_MAP + 1:,} values cannot .* most {MAX_MAP:,} in one call"):
        Arguments(Limits()).outgoing(kind(range(MAX_MAP + 1)))


def test_places_of_arrays_that_nobody_may_write_into_are_told() -> None:
    arguments, frozen = Arguments(Limits()), np.zeros(2)
    frozen.flags.writeable = False
    arguments.outgoing([np.zeros(2), frozen])
    assert arguments.frozen() == [2]
    arguments.change(2, np.ones(2))
    assert not frozen.any()


def test_a_list_and_a_dictionary_are_changed_in_place() -> None:
    arguments, rows, settings = Arguments(Limits()), [1, 2], {"a": 1, "b": 2, "c": 3}
    arguments.outgoing([rows, settings])
    assert arguments.change(1, [3]) is rows
    assert rows == [3]
    assert arguments.change(2, ([["d", 4], ["b", 5]], ["a", "none such"])) is settings
    assert settings == {"b": 5, "c": 3, "d": 4}


def test_a_table_is_changed_in_place_to_one_of_its_kind() -> None:
    arguments, frame = Arguments(Limits()), pd.DataFrame({"a": [1]})
    arguments.outgoing(frame)
    assert arguments.change(0, pd.DataFrame({"b": [2, 3]})) is frame
    assert frame.to_dict("list") == {"b": [2, 3]}
    arguments.change(0, [1])
    assert frame.to_dict("list") == {"b": [2, 3]}


def test_a_change_of_another_shape_or_kind_is_not_written_into_an_array() -> None:
    arguments, x = Arguments(Limits()), np.zeros((2, 3))
    arguments.outgoing(x)
    for change in (np.ones((3, 2)), np.ones((2, 3, 1)), np.ones((1, 3)), np.ones(3), 5, [1], None):
        assert arguments.change(0, change) is x
        assert not x.any()
    arguments.change(0, np.ones((2, 3)))
    assert x.all()


def test_all_lists_of_a_request_are_fewer_values_than_a_message_holds() -> None:
    limits = Limits(message_items=100)
    assert Arguments(limits).outgoing([[0] * 44, [0] * 44]) == [[0] * 44, [0] * 44]
    for value in ([[0] * 44, [0] * 45], [0] * 91):
        with pytest.raises(BoundaryError, match=r"at the most 90 in one call can"):
            Arguments(limits).outgoing(value)


def test_a_set_takes_a_set_alone_and_keeps_the_members_that_stay() -> None:
    arguments, stays = Arguments(Limits()), ("stays",)
    members: set[Any] = {stays, 1}
    arguments.outgoing(members)
    for change in ([2], "ab", {1: 2}, frozenset({2}), None):
        assert arguments.change(0, change) is members
        assert members == {stays, 1}
    arguments.change(0, {("stays",), 2})
    assert members == {stays, 2}
    assert any(member is stays for member in members)
