"""What known answers showed is kept, found again by others, and made by one grader at a time."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from autograder.runs import Run, Runs

SHOWN = Run(["a__one"], {"a__one": [["call a", "float64 () ", 1.0, 1.0]], "a__two": []})


def hold(folder: Path, key: str, held: Event, enough: Event) -> None:
    runs = Runs(folder)
    with runs.claimed(key, wait=True) as mine:
        assert mine
        held.set()
        enough.wait(60)
        runs.add(key, SHOWN, SHOWN.events)


@contextmanager
def other_grader(folder: Path, key: str) -> Iterator[Event]:
    """Another process that has claimed the key, until the event is set; then it has the run."""
    context = multiprocessing.get_context("spawn")
    held, enough = context.Event(), context.Event()
    process = context.Process(target=hold, args=(folder, key, held, enough))
    process.start()
    assert held.wait(60)
    try:
        yield enough
    finally:
        enough.set()
        process.join(60)


def test_tests_add_up_and_others_find_them(tmp_path: Path) -> None:
    first = Runs(tmp_path)
    first.add("key", SHOWN, ["a__one"])
    first.add("key", SHOWN, ["a__two"])
    for runs in (first, Runs(tmp_path)):
        assert runs.get("key") == SHOWN
        assert runs.get("other key").events == {}
    assert Runs(None).get("key").events == {}


def test_a_run_that_another_grader_is_at_is_left_to_it_and_found_when_it_is_through(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    with other_grader(tmp_path, "key") as enough:
        with runs.claimed("key", wait=False) as mine:
            assert not mine
        with runs.claimed("another", wait=False) as mine:
            assert mine
        enough.set()
        with runs.claimed("key", wait=True) as mine:
            assert mine
            assert runs.get("key") == SHOWN


def test_a_claim_ends_with_its_grader(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, never = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path, "key", held, never))
    process.start()
    assert held.wait(60)
    process.kill()
    process.join(60)
    with Runs(tmp_path).claimed("key", wait=False) as mine:
        assert mine


@pytest.mark.parametrize("text", [b"", b"damaged", b'{"failed": [], "events": {}}', b"0\n{}"])
def test_what_is_damaged_is_as_if_it_were_not_there(tmp_path: Path, text: bytes) -> None:
    Runs(tmp_path).add("key", SHOWN, SHOWN.events)
    (path,) = tmp_path.glob("*.json")
    path.write_bytes(text)
    assert Runs(tmp_path).get("key").events == {}
    path.unlink()
    path.mkdir()
    assert Runs(tmp_path).get("key").events == {}


def test_a_place_that_cannot_be_written_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    runs = Runs(tmp_path / "file" / "folder")
    with runs.claimed("key", wait=False) as mine:
        assert mine
    runs.add("key", SHOWN, SHOWN.events)
    assert runs.get("key") == SHOWN
    assert os.listdir(tmp_path) == ["file"]
