"""A student's global name that their functions change is in a test what it is there; what a test binds is its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autograder.assignment import Assignment
from autograder.limits import Limits
from autograder.objects import Objects, is_copy
from autograder.worker import Worker
from tests.course_factory import Notebook, cell, failed, of_cells

SOLUTION = """calls, log, best, size, RATE, twice, local = 0, [], None, 3, 2, 0, [5]
def bump(x):
    global calls, size, twice
    calls, size, twice = calls + 1, 3, twice + 1
    log.append(x)
    bump.last = x
    local = [0]
    local[0] = x
    if x < 0:
        raise ValueError("negative")
    return RATE * x
def renew():
    global log, best
    log, best = [], 0.5
def forget():
    global best
    del best
def count():
    global calls
    while True:
        calls += 1
        yield calls
seen = alias = set()
def see(x):
    seen.add(x)
    return len(alias)"""
TESTS = {
    "counted": "bump(3)\nassert calls == 1, calls",
    "counted_in_the_next_cell": "assert calls == 1, calls",
    "counted_in_a_function": "def check():\n    bump(1)\n    bump(2)\n    assert calls == 3\ncheck()",
    "counted_though_it_raises": "try:\n    bump(-1)\nexcept ValueError:\n    assert calls == 4 == len(log), log",
    "renewed": "renew()\nassert log == [] and best == 0.5, best",
    "renewed_in_the_next_cell": "assert log == [] and best == 0.5",
    "deleted": "forget()\ntry:\n    best\nexcept NameError:\n    pass\nelse:\n    raise AssertionError(best)",
    "counted_by_a_generator": "got = next(iter(count()))",
    "counted_behind_it": "assert calls == 5",
    "one_set_under_two_names": "assert [see(1), see(2)] == [1, 2] and seen == {1, 2}",
    "own": "size = 3\nbump(1)\nassert size == 3",
    "own_in_a_function": "def check():\n    global twice\n    twice = 0\n    bump(1)\n    assert twice == 0\ncheck()",
    "constant": "assert bump(2) == 2 * RATE and local == [5]",
}
# Everything that they may change, they change, so that a test would expect what it gets.
LIAR = SOLUTION.replace(
    "calls, size, twice = calls + 1, 3, twice + 1", "global RATE\n    calls = size = twice = RATE = 7"
)
LIAR = LIAR.replace("return RATE * x", "return 14")


def notebook(answer: str) -> Notebook:
    return of_cells({"answer": answer}, TESTS)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(Assignment("state", notebook(SOLUTION)), Limits(cell_seconds=10, total_seconds=60)) as started:
        yield started


def test_what_a_call_changed_is_seen_at_once_and_in_later_cells(worker: Worker) -> None:
    assert failed(worker.grade(notebook(SOLUTION))) == {}


def test_it_is_seen_where_a_student_binds_anew_what_the_solution_changes(worker: Worker) -> None:
    anew = SOLUTION.replace("log.append(x)", "globals().update(log=[*log, x])")
    assert failed(worker.grade(notebook(anew))) == {}


def test_what_a_test_binds_and_what_the_solution_leaves_alone_no_call_changes(worker: Worker) -> None:
    lied = failed(worker.grade(notebook(LIAR)))
    assert "constant" in lied
    assert not {"own", "own_in_a_function"} & lied.keys()


CLOCK = """ticks = 0
def tick():
    global ticks
    ticks += 1
    return ticks
class Clock:
    now = property(lambda self: tick())
    __len__ = __next__ = __enter__ = lambda self: tick()
    def __bool__(self): return tick() > 0
    __getitem__ = __add__ = lambda self, other: tick()
    def __str__(self): return f"{tick()}"
    def __exit__(self, *_): tick()
    def __setattr__(self, name, value): tick()
clock, calm = Clock(), [5]
def until(last):
    while ticks < last: yield tick()
def ring(bell): return tick(), bell()"""
LOOKED = {
    "looked": """
for look in (
    tick, lambda: clock.now, lambda: clock[0], lambda: clock + clock, lambda: len(clock),
    lambda: bool(clock), lambda: next(clock), lambda: str(clock), lambda: setattr(clock, "x", 1),
):
    before = ticks
    look()
    assert ticks == before + 1""",
    "entered": "before = ticks\nwith clock:\n    assert ticks == before + 1\nassert ticks == before + 2",
    "looped": "assert [ticks for _ in until(ticks + 3)] == [ticks - 2, ticks - 1, ticks]",
    "listed": "last = ticks + 3\nassert len(list(until(last))) == 3 and ticks == last",
    "rung": "before = ticks\nassert ring(lambda: ticks) == (before + 1, before + 1)",
}


def test_it_is_seen_whatever_made_the_students_code_run() -> None:
    with Worker(Assignment("clock", of_cells({"answer": CLOCK}, LOOKED))) as started:
        assert failed(started.grade(of_cells({"answer": CLOCK}, LOOKED))) == {}


GROWING = """visited, calls = set(), 0
def explore(neighbours):
    global calls
    todo = [0]
    while todo:
        calls += 1
        visited.add(todo[-1])
        todo += neighbours(todo.pop())
def walk(last):
    for n in range(last):
        visited.add(-n)
        yield n
def stumble(neighbours):
    visited.add("here")
    neighbours()"""
COUNTED = {
    "explored": """
met = []
explore(lambda n: met.append((visited, calls)) or ([n + 1] if n < 9 else []))
assert len({id(each) for each, _ in met}) == 1 and [count for _, count in met] == [*range(1, 11)]
assert visited == {*range(10)}""",
    "iterated": """
met = [visited for _ in walk(10)]
assert len({*map(id, met)}) == 1 and visited >= {*range(-9, 10)}""",
    "raised": 'try:\n    stumble(lambda: 1 / 0)\nexcept ZeroDivisionError:\n    assert "here" in visited',
}


def test_a_set_that_grows_goes_over_once_where_a_call_or_a_loop_ends_and_not_at_each_step_of_it() -> None:
    with Worker(Assignment("growing", of_cells({"answer": GROWING}, COUNTED))) as started:
        assert failed(started.grade(of_cells({"answer": GROWING}, COUNTED))) == {}


def test_what_is_sent_as_a_copy_may_have_changed_while_its_name_stands_for_the_same_object() -> None:
    objects = Objects(Limits(), lambda *_: None)
    fixed: list[Any] = [None, True, 3, "a", 2j, np.float32(1), (1, "a"), [1], {"a": 1}, np.zeros(2), len, object()]
    copies: list[Any] = [{1}, pd.DataFrame({"a": [1]}), bytearray(b"a"), np.zeros(2, np.longdouble)]
    assert [is_copy(objects.prepare(value)) for value in fixed] == [False] * len(fixed)
    assert [is_copy(objects.prepare(value)) for value in copies] == [True] * len(copies)


def test_what_follows_calls_is_what_the_solution_changes_tests_read_and_none_binds() -> None:
    assert Assignment("state", notebook(SOLUTION)).state == {"calls", "log", "best", "seen"}
    bound = ("import json as calls", "def check():\n    global log\n    import log", "for best in (): pass")
    cells = [cell("code", f"n{n}", text, grade=True, locked=True, points=1) for n, text in enumerate(bound)]
    own = notebook(SOLUTION)
    assert Assignment("state", {**own, "cells": own["cells"] + cells}).state == {"seen"}
