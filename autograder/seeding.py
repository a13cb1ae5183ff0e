"""Trusted side: whether what tests draw is shared with the student's process, by the streams of ``randomness``."""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
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


def moment() -> list[Any]:
    """All that decides what both streams draw next: for ``again_at``."""
    return [NUMPY.get_state(), PYTHON.getstate(), *((kind.stand_in, kind.seedings) for kind in SEEDING)]


@contextmanager
def again_at(then: list[Any]) -> Iterator[None]:
    """Both streams as they were at a moment; afterwards as they are now."""
    now = moment()
    _return_to(then)
    try:
        yield
    finally:
        _return_to(now)


def unmoved() -> AbstractContextManager[None]:
    """Leave both streams as they are, however much is drawn or seeded meanwhile."""
    return again_at(moment())


@contextmanager
def drawn_twice() -> Iterator[None]:
    """What is drawn meanwhile from a stream that is shared, the student's process draws again, unless it was seeded."""
    numpy, python, *shared = moment()
    yield
    again = [kind.stand_in is None and kind.seedings == n for kind, (_, n) in zip(SEEDING, shared, strict=True)]
    if again[0]:
        NUMPY.set_state(numpy)
    if again[1]:
        PYTHON.setstate(python)


def _return_to(then: list[Any]) -> None:
    numpy, python, *shared = then
    NUMPY.set_state(numpy)
    PYTHON.setstate(python)
    for kind, (stand_in, seedings) in zip(SEEDING, shared, strict=True):
        kind.stand_in, kind.seedings = stand_in, seedings


def _sharing(kind: type[Stream], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def seeding(*arguments: Any, **keywords: Any) -> Any:
        kind.stand_in = None
        kind.seedings += 1
        return function(*arguments, **keywords)

    return seeding
