"""Bounds of our own work on what students wrote: the time that one step may take, memory, the cores that are ours."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

REPEAT = 0.5  # seconds after which a ring that somebody swallowed is raised again


class _Ring(BaseException):
    """No Exception, so that libraries let it pass."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError where the block takes longer; a call into C goes on to its end. In main threads alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True

    def ring(_: int, frame: FrameType | None) -> None:
        # Not on the way out of the block, where nobody would take it for what it is.
        if armed and frame is not None and frame.f_code.co_filename not in (__file__, contextlib.__file__):
            raise _Ring

    before = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
    try:
        yield
    except _Ring:
        raise TimeoutError(f"it takes longer than {seconds:g} s") from None
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)  # somebody else's, who started it before


def cores() -> list[int]:
    """The numbers of the cores that this process may use; a job on a cluster has fewer than the machine."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def mapped() -> int:
    """Bytes of address space that this process holds; OSError where /proc cannot be read."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def limit_memory(more: int, for_good: bool) -> None:
    """Bound this process's memory, over what it holds already; a process that it starts may lift it unless for good."""
    with contextlib.suppress(OSError, ValueError):
        held = mapped()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        bound = held + more if hard == resource.RLIM_INFINITY else min(held + more, hard)
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound if for_good else hard))


def lift_memory_limit() -> None:
    """Undo what the process that started this one set for itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
