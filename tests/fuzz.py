"""A fuzzer for all that reads hostile bytes: ``python -m tests.fuzz --minutes 10``.

Hypothesis draws examples: valid ones that are then damaged, and structures that are odd but well formed. An example
fails that raises anything but the reader's own refusal, that takes more processor time than it may, or that breaks what
the reader promises; a run fails whose memory grows. ``tests/test_fuzz.py`` is the short form.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import signal
import socket
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import hypothesis
import msgpack
import psutil
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.archive import open_source
from autograder.errors import BoundaryError, ProtocolError, UsageError
from autograder.exceptions import StudentDied
from autograder.intake import Refused, SubmittedCell, parse
from autograder.limits import Limits
from autograder.outputs import Outputs, add_checked
from autograder.repair import repair
from autograder.sanitize import Page
from autograder.session import Session
from autograder.wire import Codec
from tests.attacks.after_the_judge import SUBMISSIONS, finish
from tests.attacks.in_files import MARKUP
from tests.attacks.lesson import CHECKS, assignment, work

CPU_SECONDS = 5.0  # of one example
GROWTH = 64 << 20  # bytes, after the first round, in which libraries fill their caches
ROUND = 200  # examples of one target in a lap through all of them
LAPS = 5  # the least memory after so many
LIMITS = Limits(message_bytes=1 << 20, message_items=5000, message_depth=16, notebook_bytes=1 << 20, notebook_cells=60)
SOURCE = assignment()
WORK = json.dumps(work())

Target = Callable[[Any], None]


class Hang(BaseException):
    """An example took too long."""


@contextmanager
def bounded() -> Iterator[None]:
    """Raise Hang where the block takes more processor time than an example may; the machine's load does not count."""

    def ring(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


# examples

NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.sampled_from([0, 1, -1, 2**31, 10**9]) | st.floats()
TEXT = st.text(max_size=12) | st.sampled_from(["Fraction", "Decimal", "range", "1e99", "DataFrame", "value", "error"])
ATOMS = st.none() | st.booleans() | NUMBERS | TEXT | st.binary(max_size=24)


def _packed(value: Any) -> bytes:
    try:
        packed: bytes = msgpack.packb(value, unicode_errors="surrogatepass")
    except (OverflowError, ValueError):  # a number that msgpack has no form for
        packed = b"\xc0"
    return packed


def _inner(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(children, max_size=5)
    packed = lists.map(_packed)
    heads = st.builds(
        lambda code, order, shape, rest: struct.pack(f"<BBB{len(shape)}Q", code, order, len(shape), *shape) + rest,
        st.integers(0, 15),
        st.integers(0, 2),
        st.lists(st.integers(0, 4) | st.sampled_from([2**32, 2**63]), max_size=4),
        st.binary(max_size=64),
    )
    extension = st.builds(msgpack.ExtType, st.integers(0, 24), packed | heads | st.binary(max_size=16))
    return lists | extension | st.dictionaries(st.integers() | TEXT, children, max_size=4)


VALUES = st.recursive(ATOMS, _inner, max_leaves=12)
BODIES = VALUES.map(_packed)


@st.composite
def damaged(draw: st.DrawFn, originals: st.SearchStrategy[bytes]) -> bytes:
    """Bytes with some taken out, doubled or changed."""
    data = draw(originals)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(0, 8))
        put = draw(st.binary(max_size=4) | st.just(data[place : place + length] * 2))
        data = data[:place] + put + data[place + length :]
    return data


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=6,
)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a tree of JSON."""
    todo = [node]
    while todo:
        container = todo.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            yield container, key
            if isinstance(container[key], dict | list):
                todo.append(container[key])


@st.composite
def notebooks(draw: st.DrawFn) -> bytes:
    """A submission in which some values are others, are gone, or stand elsewhere."""
    notebook = json.loads(WORK)
    for _ in range(draw(st.integers(0, 4))):
        places = list(_places(notebook))
        container, key = places[draw(st.integers(0, len(places) - 1))]
        action = draw(st.sampled_from(["replace", "remove", "swap"]))
        if action == "replace":
            container[key] = draw(JSON)
        elif action == "remove":
            del container[key]
        elif isinstance(container, list):
            other = draw(st.integers(0, len(container) - 1))
            container[key], container[other] = container[other], container[key]
        if not notebook:
            break
    return json.dumps(notebook).encode("utf-8", "surrogatepass")


CELL = st.builds(
    SubmittedCell,
    st.sampled_from(["code", "markdown", "raw"]),
    st.sampled_from([cell.source for cell in SOURCE.cells] + [cell.release for cell in SOURCE.cells])
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30).map(
        lambda text: f"def target{text}"
    ),
    st.none() | st.sampled_from([cell.grade_id for cell in SOURCE.cells]) | st.just("other"),
    st.none() | st.sampled_from([cell["id"] for cell in SOURCE.notebook["cells"]]) | st.just("other"),
)


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """A zip with odd names."""
    file = io.BytesIO()
    names = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=12) | st.sampled_from(
        ["../a", "/a", "a/b.ipynb", "A/b.ipynb", "a\\b", "c:x", "a/" * 20]
    )
    with zipfile.ZipFile(file, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))) as archive:
        for name in draw(st.lists(names, max_size=4, unique=True)):
            with suppress(UnicodeEncodeError):
                archive.writestr(name, draw(st.binary(max_size=40)))
    return file.getvalue()


# targets


def read_message(body: bytes) -> None:
    """Whatever is read can be written again, or is refused."""
    with suppress(ProtocolError):
        Codec(LIMITS).decode(body, [])


def hold_conversation(answers: list[bytes]) -> None:
    """The judge asks, and is answered by frames: it gets a value, a student's error, or the conversation has ended."""
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    outputs = Outputs(LIMITS)
    session = Session(ours, LIMITS, lambda items: add_checked(outputs, items))
    with ours, theirs:
        for body in answers:
            theirs.sendall(struct.pack("<II", len(body), 0) + body)
        theirs.shutdown(socket.SHUT_WR)
        for question in (("names", ["target"]), ("get", 1, "shape"), ("echo", b"12345678")):
            try:
                session.request(*question)
            except (StudentDied, BoundaryError):
                break
            except BaseException as error:
                if isinstance(error, Hang) or not (session.dead or hasattr(error, "student_traceback")):
                    raise
    json.dumps(outputs.take()).encode()


def read_notebook(data: bytes) -> None:
    """Cells that can be repaired, or a sentence for the student."""
    try:
        cells = parse(data, LIMITS)
    except Refused as refused:
        str(refused).encode()
    else:
        put_right(cells)


def put_right(cells: list[SubmittedCell]) -> None:
    """Each of the instructor's cells stands there once, in its order; tests are the instructor's."""
    notebook, findings = repair(SOURCE, cells)
    indices = [cell["metadata"]["autograder"]["cell"] for cell in notebook["cells"]]
    assert [index for index in indices if index is not None] == list(range(len(SOURCE.cells)))
    sources = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell["source"] for cell in notebook["cells"]}
    assert all(sources[name] == SOURCE.by_id[name].source for name in CHECKS)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    json.dumps([notebook, findings]).encode()


def read_archive(data: bytes) -> None:
    """Every file is read or refused; no name leads out."""
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        file.write(data)
        file.flush()
        try:
            source = open_source(Path(file.name))
        except UsageError:
            return
        try:
            for each in source.files:
                assert not each.path.startswith("/")
                assert ".." not in each.path.split("/")
                with suppress(Refused):
                    source.read(each, 1 << 20)
        finally:
            source.close()


def show_markup(text: str) -> None:
    """Nothing of it runs."""
    page = Page()
    outputs = [{"output_type": "display_data", "data": {kind: text}} for kind in ("text/html", "text/markdown")]
    outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    html = "".join([page.render_markdown(text, {}), *page.render_outputs(outputs)]).lower()
    assert "<script" not in html
    assert "<iframe" not in html


TARGETS: dict[str, tuple[st.SearchStrategy[Any], Target]] = {
    "messages": (damaged(BODIES) | st.binary(max_size=80), read_message),
    "conversations": (
        st.lists(
            damaged(
                st.tuples(st.sampled_from(["value", "error", "call back"]), VALUES, VALUES).map(
                    lambda parts: _packed(list(parts))
                )
            ),
            min_size=1,
            max_size=4,
        ),
        hold_conversation,
    ),
    "notebooks": (damaged(notebooks()) | notebooks() | st.binary(max_size=80), read_notebook),
    "cells": (st.lists(CELL, max_size=25), put_right),
    "submissions": (SUBMISSIONS, finish),
    "archives": (damaged(archives()), read_archive),
    "markup": (
        st.lists(st.sampled_from(MARKUP) | st.text(max_size=10) | st.sampled_from("<>&'\"/=[]()`*\n"), max_size=12).map(
            "".join
        ),
        show_markup,
    ),
}


def run(name: str, examples: int, seed: int | None = None) -> None:
    """Draw examples for one target; without a seed always the same ones. Raises what the worst of them raised."""
    strategy, target = TARGETS[name]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=seed is None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(strategy)
    def check(example: Any) -> None:
        with bounded():
            target(example)

    (check if seed is None else hypothesis.seed(seed)(check))()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first round; each round takes the next")
    options = parser.parse_args()
    process, end, examples, laps = psutil.Process(), time.monotonic() + 60 * options.minutes, 0, []
    for seed in itertools.count(options.seed):
        for name in TARGETS:
            run(name, ROUND, seed)
        examples += ROUND * len(TARGETS)
        laps.append(process.memory_info().rss)
        print(f"{examples} examples, {examples / time.process_time():.0f} a second, {laps[-1] >> 20} MiB", flush=True)
        # One lap's figure swings by 100 MiB, as the heap happens to lie; what leaks lifts the least of several.
        first, last = min(laps[:LAPS]), min(laps[-LAPS:])
        if last > first + GROWTH:
            sys.exit(f"Memory grew from {first >> 20} to {last >> 20} MiB.")
        if time.monotonic() > end:
            break
    print(
        f"{examples} examples of {len(TARGETS)} targets, none failed; {first >> 20} MiB at first, {last >> 20} at last"
    )


if __name__ == "__main__":
    main()
