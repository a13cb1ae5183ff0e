"""Two recordings agree exactly when the values agree to 1e-9."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from autograder.copied import copied
from autograder.exceptions import StudentDied
from autograder.recording import EVENTS, LABEL, VALUES, VALUES_PER_LABEL, Event, Recorder, events, same

FLOATS = st.floats(-1e6, 1e6)


def recorded(value: object) -> list[Event]:
    recorder = Recorder()
    recorder.note("call f", value)
    return events(recorder.take())


def alike(one: object, other: object) -> bool:
    first, second = recorded(one), recorded(other)
    return len(first) == len(second) and all(map(same, first, second))


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, array_shapes(min_dims=0, max_dims=3, max_side=6), elements=FLOATS))
def test_rounding_does_not_matter_and_a_real_difference_does(array: np.ndarray) -> None:
    assert alike(array, array * (1 + 1e-12))
    size = float(np.abs(array).sum())
    changed = array.copy()
    changed[(-1,) * array.ndim] += 1e-6 * max(size, 1.0)
    assert not alike(array, changed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros(3), np.zeros((3, 1))),
        (np.zeros(3), np.zeros(3, dtype=np.float32)),
        (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
        (np.array([1.0, np.nan]), np.array([np.nan, 1.0])),
        (np.array([np.inf]), np.array([-np.inf])),
        ((1.0, 2.0), [1.0, 2.0]),
        ({"a": 1.0}, {"b": 1.0}),
        ({"a": np.ones(2)}, {"a": np.zeros(2)}),
        (1.0, 1.0 + 1e-6),
        (True, 1),
        (None, 0),
        ("a", "b"),
        (10**400, 10**400 + 1),
        pytest.param(10**5000, 10**5000 + 1, id="digits"),
        pytest.param({10**5000: 1}, {10**5000 + 1: 1}, id="digits of keys"),
        (float("nan"), 0.0),
        (float("inf"), -float("inf")),
        (complex(1e308, 1e308), 1e308j),
        (1j, -1j),
        (object(), None),
    ],
)
def test_different_values_are_told_apart(one: object, other: object) -> None:
    assert alike(one, one)
    assert not alike(one, other)


def test_noise_around_an_exact_zero_is_zero() -> None:
    assert alike(np.array([1e-17, -3e-16]), np.array([2e-16, 0.0]))
    assert not alike(np.array([1e-9]), np.array([2e-9]))


def test_nan_equals_nan_in_one_place() -> None:
    assert alike(np.array([np.nan, 1.0]), np.array([np.nan, 1.0]))


def test_objects_that_stay_with_the_student_are_all_alike() -> None:
    assert alike((np.ones(2), object()), (np.ones(2), [].append))


def test_keys_of_any_size_and_kind_are_recorded_and_asked_nothing() -> None:
    class Silent:
        def __repr__(self) -> str:
            raise ValueError

    assert alike({(10**5000, Silent()): 1}, {(10**5000, object()): 1})
    assert not alike({(10**5000, 1): 1}, {(10**5000, 2): 1})


def test_what_a_test_changes_later_does_not_change_the_record() -> None:
    recorder, array = Recorder(), np.ones(3)
    recorder.note("call f", (array, [array]))
    array[:] = 0
    kept, expected = list(events(recorder.take())), list(recorded((np.ones(3), [np.ones(3)])))
    assert kept
    assert all(same(one, other) for one, other in zip(kept, expected, strict=True))


def test_a_record_is_bounded_and_every_label_gets_its_share() -> None:
    recorder = Recorder()
    for _ in range(10 * VALUES):
        recorder.note("call forward", 1.0)
    recorder.note("call backward", np.zeros((1000, 1000)))
    labels = [label for label, *_ in events(recorder.take())]
    assert labels == ["call forward"] * VALUES_PER_LABEL + ["call backward"]
    assert recorder.take() == []


def test_a_tree_of_dictionaries_fills_no_result() -> None:
    tree: object = 1.0
    for _ in range(4):
        tree = {f"{number} {'k' * 100}": tree for number in range(30)}
    recorder = Recorder()
    recorder.note("call f", tree)
    found = events(recorder.take())
    assert len(found) == EVENTS
    assert all(len(event[0]) <= LABEL for event in found)


def test_a_key_that_lives_on_in_the_students_process_is_not_asked_for_its_text() -> None:
    class Key:
        def __repr__(self) -> str:
            raise AssertionError

    assert alike({Key(): 1.0, "a": 2.0}, {Key(): 1.0, "a": 2.0})
    assert not alike({Key(): 1.0}, {Key(): 2.0})
    assert not alike({(1, 2): 1.0}, {(1, 3): 1.0})


def test_a_huge_number_of_another_class_is_recorded_too() -> None:
    class Huge(int):
        pass

    assert alike(Huge(10**5000), Huge(10**5000))
    assert not alike({Huge(10**5000): 1}, {Huge(10**5001): 1})
    assert alike(Huge(3), 3)
    assert not alike(True, 1)


@pytest.mark.parametrize("content", ["two", b"two", 2, 2.5, 1j])
def test_a_number_or_text_of_a_class_of_the_students_is_recorded_without_asking_there(content: object) -> None:
    def request(*_: object) -> None:
        raise StudentDied("gone")

    value = copied(SimpleNamespace(request=request, freed=[]), 1, content)  # type: ignore[arg-type]
    assert recorded(value) == recorded(content)
    assert recorded({value: 1}) == recorded({content: 1})
    assert recorded([value]) == recorded([content])
