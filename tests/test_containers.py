"""A tuple, list or dict of the student's is one value to a test, and comes over as far as it is looked at."""

from __future__ import annotations

import collections
import copy
import operator
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
from msgpack import ExtType

from autograder import containers
from autograder.containers import Container
from autograder.errors import BoundaryError
from autograder.kinds import made_from
from autograder.limits import Limits
from autograder.objects import Objects
from autograder.protocol import LIST_KIND, TUPLE_KIND
from autograder.proxies import Proxy
from autograder.session import Session
from autograder.student import _length
from tests.conversation import Lying, Talk, container, lazy, value


@pytest.mark.parametrize("answer", [(1,), {1: 1}, 1, None, [1] * 100_001])
def test_a_container_whose_items_are_no_list_of_so_many_is_refused(answer: Any) -> None:
    with pytest.raises(BoundaryError, match="or no container any more"):
        assert Container(cast(Session, Lying(answer)), 1, list) == [1]


def test_a_container_is_the_same_at_each_look_until_student_code_may_have_run() -> None:
    session, items = container([3, 1, 2])
    assert [items[0], items[-2]] == [3, 1]
    session.answer = [1, 5, 2]
    assert [list(items), items == [3, 1, 2], 2 in items, len(items), items[1:]] == [[3, 1, 2], True, True, 3, [1, 2]]
    assert [question[0] for question in session.asked] == ["length", "item", "item", "items"]
    session.moment += 1
    assert [items[1], *items] == [5, 1, 5, 2]


def test_a_dictionary_is_the_same_at_each_look_until_student_code_may_have_run() -> None:
    session, table = container({"a": 1, "b": 2})
    assert [table["a"], table.get("z", 5)] == [1, 5]
    session.answer = {"a": 7, "b": 8}
    assert [table["a"], table.get("a"), table == {"a": 1, "b": 8}, dict(table)] == [1, 1, True, {"a": 1, "b": 8}]
    session.answer = {"z": 1}
    assert [list(table), len(table), "z" in table, list(table.items())] == [["a", "b"], 2, False, [("a", 1), ("b", 8)]]
    session.moment += 1
    assert table == {"z": 1}


@pytest.mark.parametrize("look", ["a", "z"])
@pytest.mark.parametrize("later", [{"b": 2}, {"z": 2}, {"a": 1, "z": 2}])
def test_keys_that_come_or_go_between_two_looks_are_a_lie(look: str, later: dict[str, int]) -> None:
    session, table = container({"a": 1})
    assert (table[look] == 1) is (look == "a")
    session.answer = later
    if (look in later) is not (look == "a"):
        with pytest.raises(BoundaryError, match="changed between two looks"):
            list(table)
    session.moment += 1
    assert list(table) == list(later)


LATER: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (len, list), (list, lambda table: table.values()), (list, lambda table: table["a"]),
]  # fmt: skip


@pytest.mark.parametrize(("first", "then"), LATER)
def test_a_dictionary_of_another_length_at_the_next_look_is_a_lie(first: Any, then: Any) -> None:
    session, table = container({"a": 1})
    first(table)
    session.answer = {}
    with pytest.raises(BoundaryError, match="changed between two looks"):
        then(table)


def test_one_key_of_a_dictionary_is_looked_up_and_the_others_stay_where_they_are() -> None:
    session, table = container(dict.fromkeys(range(200), 0))
    assert [table[7], table[8], len(table)] == [0, 0, 200]
    assert [question[0] for question in session.asked] == ["look up"] * 2 + ["length"]
    session.answer = {"a": 1}
    session.moment += 1
    assert list(table) == [*table.keys()] == ["a"]
    assert session.asked[3:] == [("keys", 1, 0)]


def test_what_a_test_looks_for_in_a_container_stays_with_the_test() -> None:
    """A key that hashes as a number does would learn it, and say that it is equal."""
    for held in ({"a": 1}, [1], (1,)):
        session, there = container(held)
        assert [61.8 in there, (61.8,) in there, next(iter(held)) in there] == [False, False, True]
        if held == {"a": 1}:
            assert [there.get(61.8), there.get(("b", frozenset({61.8})), 5)] == [None, 5]
        assert session.asked == [("keys" if held == {"a": 1} else "items", 1, 0)]


def test_a_key_that_is_an_object_of_the_students_is_asked_for_since_equal_ones_are_the_same_key() -> None:
    class Equal(Lying):
        """All objects are equal there, and each is a key."""

        def request(self, *question: Any) -> Any:
            self.asked.append(question)
            return {"get item": 5, "keys": [(other, 3)], "values": [7]}.get(question[0], True)

    session = cast(Any, Equal(None))
    key, other = Proxy(session, 2), Proxy(session, 3)
    table: Any = Container(session, 1, dict)
    for asked in (key, (key, other), frozenset({key})):
        session.asked.clear()
        assert [asked in table, table.get(asked, 6), table[asked]] == [True, 5, 5]
        contains, get = ("operate", 1, "contains", asked), ("get item", 1, asked)
        assert session.asked == [contains, contains, get, get]
    session.asked.clear()
    keys = table.keys()
    assert [(key, 61.8) in table, (key, 3) in table, (key, 3) in keys, table.get((key, 3))] == [
        False, True, True, 5,
    ]  # fmt: skip
    assert {question[0] for question in session.asked} == {"keys", "operate", "get item"}
    compared = [question[3] for question in session.asked if question[0] == "operate"]
    assert compared == [key] * 4  # and no number of the test's
    assert [len(table), list(table.values()), table[other, 3]] == [1, [7], 7]


def test_a_dictionary_of_more_than_a_hundred_keys_that_hash_alike_is_refused() -> None:
    alike = [n * (2**61 - 1) for n in range(101)]
    assert len(list(Container(cast(Session, Lying(alike[:100])), 1, dict))) == 100
    with pytest.raises(BoundaryError, match=r"^a dictionary cannot be looked at as a whole"):
        list(Container(cast(Session, Lying(alike)), 1, dict))


def test_a_dictionary_of_more_keys_than_are_bounded_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Container(cast(Session, Lying([1, 2])), 1, dict)
    monkeypatch.setattr(containers, "MOST_KEYS", 2)
    assert len(list(table)) == 2
    table = Container(cast(Session, Lying([1, 2])), 1, dict)
    monkeypatch.setattr(containers, "MOST_KEYS", 1)
    with pytest.raises(BoundaryError, match=r"^a container of more than 1 values"):
        list(table)


def test_a_long_list_comes_in_slices_and_one_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slices(Lying):
        def request(self, *question: Any) -> Any:
            self.asked.append(question)
            return list(self.answer[question[2] : question[2] + 100_000])

    session = Slices(range(200_000))
    items: Any = Container(cast(Session, session), 1, list)
    assert items == list(range(200_000))
    assert session.asked == [("items", 1, 0), ("items", 1, 100_000), ("items", 1, 200_000)]
    session.moment, session.answer = 1, range(200_001)
    assert [*items][-1] == 200_000
    for most, moment in ((199_999, 2), (200_000, 3)):
        monkeypatch.setattr(containers, "MOST_ITEMS", most)
        session.moment = moment
        with pytest.raises(BoundaryError, match=f"a container of more than {most:,} values"):
            list(items)


def test_one_item_of_a_list_comes_alone_and_is_the_same_at_the_next_look() -> None:
    session, items = container(list(range(11)))
    assert [items[7], items[-1], items[7 - 11], items[10], items[np.int64(7)]] == [7, 10, 7, 10, 7]
    assert session.asked == [("length", 1), ("item", 1, 7), ("item", 1, 10)]
    session.answer = [0] * 11
    assert [sum(items), items[7], items[8], items[:8][-1]] == [17, 7, 0, 7]
    session.moment, session.answer = 1, list(range(11))
    for place in (11, -12):
        with pytest.raises(IndexError, match=r"^list index out of range$"):
            items[place]
    session.moment = 2
    assert len(items) == 11
    session.answer = [0]
    with pytest.raises(BoundaryError, match="changed between two looks"):
        list(items)


def test_what_a_test_makes_of_a_container_holds_no_array_of_the_students() -> None:
    """What it writes into that would go back there."""
    array = np.zeros(2)
    _, inner = container([array])
    _, outer = container({"in": inner, "array": array})
    assert outer["array"] is array
    made = outer | {}
    made["in"][0][:] = made["array"][:] = 61.8
    assert not array.any()


@pytest.mark.parametrize("other", [(1, 1), (1, 2), (1, 3), (1,), (1, 2, 0)])
def test_a_container_compares_as_what_it_holds_does(other: tuple[int, ...]) -> None:
    held = (1, 2)
    held_there = container(held)[1]
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        compare = getattr(operator, name)
        assert compare(held_there, other) is compare(held, other)
        assert compare(other, held_there) is compare(other, held)


@pytest.mark.parametrize(
    ("held", "name", "other"),
    [([1, 2], "add", [3]), ((1, 2), "iadd", (3,)), ((1, 2), "mul", 3), ({"a": 1, "b": 2}, "or_", {"b": 3, "c": 4})],
)
def test_a_container_is_reckoned_with_as_what_it_holds(held: Any, name: str, other: Any) -> None:
    (_, held_there), reckon = container(held), getattr(operator, name)
    assert reckon(held_there, other) == reckon(held, other)
    assert reckon(other, held_there) == reckon(other, held)
    if type(other) is type(held):
        assert reckon(held_there, held_there) == reckon(held, held)


def test_what_a_test_saw_of_a_container_holds_until_student_code_may_have_run(talk: Talk) -> None:
    call_back = ["call back", None, [0, [], {}]]
    answers = (
        value([1]),
        value(0),
        value([2]),
        call_back,
        value([3]),
        value(0),
        value([4]),
        value(0),
        value(0),
        value([5]),
    )
    talking = talk(value([lazy(5, LIST_KIND)]), *answers)
    (items,) = talking.session.call(3, (), {})
    seen = [[*items], [*items], talking.session.call(3, (), {}), [*items]]
    talking.session.call(3, (lambda: seen.append([*items]),), {})
    assert [*seen, [*items]] == [[1], [1], 0, [2], [3], [4]]
    assert [*items, talking.session.request("get", 1, "x"), talking.session.call(3, (), {}), *items] == [4, 0, 0, 5]


def test_a_key_that_is_there_is_looked_up_and_one_that_is_not_is_not_asked_for_again() -> None:
    session, table = container({"a": 1})
    assert [list(table), table["a"], "z" in table, table.get("z", 5)] == [["a"], 1, False, 5]
    assert [question[0] for question in session.asked] == ["keys", "look up"]


@pytest.mark.parametrize("found", [2, "yes", None, [True]])
def test_a_key_is_there_where_the_answer_is_true_itself_alone(found: Any) -> None:
    table: Any = Container(cast(Session, Lying([found, 1])), 1, dict)
    assert table["a"] == [found, 1]  # of "get item", which an honest process answers with an error


def test_keys_that_come_twice_and_values_of_no_key_are_a_lie() -> None:
    session = Lying(["a", "a"])
    table: Any = Container(cast(Session, session), 1, dict)
    with pytest.raises(BoundaryError, match="changed between two looks"):
        list(table)
    session.answer = ["a"]
    assert list(table) == ["a"]
    for values in ([], [1, 2]):
        session.answer = values
        with pytest.raises(BoundaryError, match="changed between two looks"):
            table.values()


def test_numpy_finds_no_method_of_a_container_that_a_test_finds() -> None:
    session, items = container([3, 1, 2])
    assert np.clip(items, 1, 2).tolist() == [2, 1, 2]
    assert np.mean(items) == 2
    assert not hasattr(items, "__array_interface__")
    assert [question[0] for question in session.asked] == ["items"]
    lying: Any = Container(cast(Session, Lying(5)), 1, list)
    assert lying.total == 5


def test_a_short_tuple_of_plain_values_goes_over_as_it_is_and_what_can_change_as_a_handle() -> None:
    objects = Objects(Limits(), lambda *_: None)
    assert objects.prepare((1, "a", None)) == (1, "a", None)
    for other in ((1, [2]), (1,) * 9, [1, 2], {"a": 1}):
        assert isinstance(objects.prepare(other), ExtType)


def test_a_container_of_a_class_of_the_students_shows_its_name_and_is_written_as_its_class_does(talk: Talk) -> None:
    session = talk(
        value([lazy(5, TUPLE_KIND, "Point"), lazy(6, TUPLE_KIND)]), value("a"), value("b"), value("b"), value([1])
    ).session
    point, other = session.call(3, (), {})
    assert [type(point).__name__, type(other).__name__, isinstance(point, tuple)] == ["Point", "Container", True]
    assert [repr(point), str(point), f"{point}", repr(other)] == ["a", "b", "b", "(1,)"]


def test_a_class_that_adds_an_operation_to_a_container_is_none() -> None:
    class Adds:
        def __sub__(self, other: object) -> object:
            return self

    class Fields(NamedTuple):
        x: int

    class Written(dict[str, int]):
        def __getattr__(self, name: str) -> int:
            return self[name]

        def __repr__(self) -> str:
            return "written"

    copied = type(copy.copy(type("Copied", (tuple,), {})()))  # whose class copy wrote into
    plain = [Fields, collections.namedtuple("Pair", "a b"), Written, type("Row", (list,), {"total": sum}), copied]
    assert list(map(made_from, plain)) == [tuple, tuple, dict, list, tuple]
    for kind in (list, tuple, dict):
        for name in (
            "__sub__",
            "__truediv__",
            "__neg__",
            "__radd__",
            "__enter__",
            "__len__",
            "__bool__",
            "count",
            "get",
        ):
            expected = kind if name in ("count", "get") and not hasattr(kind, name) else None
            assert made_from(type("Made", (kind,), {name: len})) is expected
        assert made_from(type("Made", (kind, Adds), {})) is None
    assert made_from(int) is None


def test_the_length_of_a_container_is_counted_though_its_class_has_another_one_by_now() -> None:
    kinds: list[type[Any]] = [type("Made", (kind,), {}) for kind in (tuple, list, dict, collections.Counter)]
    made = [kind([(1, 2), (3, 4)]) for kind in kinds]
    for kind in kinds:
        kind.__len__ = lambda _: 99
    assert [*map(len, made), *map(_length, made)] == [99] * 4 + [2] * 4


def test_what_a_test_makes_of_a_container_holds_nothing_that_goes_back_to_the_students_process() -> None:
    value = (np.zeros(2), (np.ones(2), 3))
    made = containers._copied(value)
    made[0][:] = made[1][0][:] = 7
    assert [value[0].tolist(), value[1][0].tolist()] == [[0, 0], [1, 1]]
