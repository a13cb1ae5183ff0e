"""Trusted side: whether what tests draw is shared with the student's process, by the streams of ``randomness``."""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from autograder.randomness import NUMPY, PYTHON, PythonStream, Stream

SEEDING = {Stream: (np.random, ("seed", "set_state")), PythonStream: (random, ("seed", "setstate"))}


@contextmanager
def apart(seed: int) -> Iterator[None]:
    """Seed both streams; the student's process has others, until the instructor's code seeds them anew."""
    NUMPY.seed(seed % 2**32)
    PYTHON.seed(seed)
    with ExitStack() as stack:

        def put(owner: Any, name: str, value: Any) -> None:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)

        for kind, (module, names) in SEEDING.items():
            digest = hashlib.sha256(f"{kind.__name__} {seed}".encode()).digest()
            state: Any = np.random.RandomState(np.frombuffer(digest, np.uint32)).get_state()
            put(kind, "stand_in", [*state[1:3], 0, 0.0])
            for name in names:
                put(module, name, _sharing(kind, getattr(module, name)))
        yield


@contextmanager
def unmoved() -> Iterator[None]:
    """Leave both streams as they are, however much is drawn or seeded meanwhile."""
    numpy, python = NUMPY.get_state(), PYTHON.getstate()
    shared = [(kind, kind.stand_in, kind.seedings) for kind in SEEDING]
    try:
        yield
    finally:
        NUMPY.set_state(numpy)
        PYTHON.setstate(python)
        for kind, stand_in, seedings in shared:
            kind.stand_in, kind.seedings = stand_in, seedings


def moment() -> list[Any]:
    """The state of both streams, and what stands in for them: for ``again_at``."""
    return [NUMPY.get_state(), PYTHON.getstate(), *(kind.stand_in for kind in SEEDING)]


@contextmanager
def again_at(then: list[Any]) -> Iterator[None]:
    """Both streams as they were at a moment; afterwards as they are now."""
    with unmoved():
        NUMPY.set_state(then[0])
        PYTHON.setstate(then[1])
        for kind, stand_in in zip(SEEDING, then[2:], strict=True):
            kind.stand_in = stand_in
        yield


@contextmanager
def drawn_twice() -> Iterator[None]:
    """What is drawn meanwhile from a stream that is shared, the student's process draws again, unless it was seeded."""
    numpy, python, seedings = NUMPY.get_state(), PYTHON.getstate(), [kind.seedings for kind in SEEDING]
    yield
    again = [kind.stand_in is None and kind.seedings == before for kind, before in zip(SEEDING, seedings, strict=True)]
    if again[0]:
        NUMPY.set_state(numpy)
    if again[1]:
        PYTHON.setstate(python)


def _sharing(kind: type[Stream], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def seeding(*arguments: Any, **keywords: Any) -> Any:
        kind.stand_in = None
        kind.seedings += 1
        return function(*arguments, **keywords)

    return seeding
