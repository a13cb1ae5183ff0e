"""The same unit of work on a Dask cluster: ``autograder grade --scheduler tcp://…`` (extra ``dask``).

A Dask worker needs this package and a sandbox; sources and submissions come with the task. Run workers with one
thread each (``dask worker --nthreads 1``), since a worker grades one submission at a time.
"""

from __future__ import annotations

import itertools
import logging
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from autograder.bounds import cores
from autograder.errors import UsageError, WorkerError
from autograder.pool import Warm
from autograder.unit import Job, Outcome

CONNECT_SECONDS = 30.0  # Dask's own default: a scheduler may be busy
WORKER_SECONDS = 300.0  # until the first worker comes: a cluster's queue may have them wait
# What Dask and its event loop log of a lost connection, with tracebacks; we say it in one sentence.
LOGGERS = ("distributed", "distributed.client", "tornado.application", "asyncio")
MARK = "\0autograder-core-"  # an abstract socket: a name that one process of a machine can have, and no file
ADDRESS = re.compile(
    r"(?:(?:tcp|tls|ws|wss)://)?(?:[^\s/:\[\]]+|\[[^\s\[\]]+\]):\d{1,5}/?"
)  # for other ones Dask raises late
AHEAD = 2  # tasks in flight for each thread: enough to keep it busy, few enough to hold in memory

_lock = threading.Lock()
_own: tuple[int, socket.socket] | None = None  # the core that is ours, and what marks it until this process ends


def require_address(scheduler: str) -> None:
    """Raises UsageError where this is no address of a Dask scheduler."""
    if not ADDRESS.fullmatch(scheduler):
        raise UsageError(f"{scheduler!r} is no address of a Dask scheduler; it is like tcp://head-node:8786.")


def grade_job(setup: bytes, job: bytes) -> bytes:
    """What a Dask worker runs; the grading process beside it stays warm from one call to the next."""
    with _lock:
        return _warm.grade(setup, Job.unpack(job)).pack()


def _own_core() -> int | None:
    """A core that no other Dask worker of this machine keeps to; None where all are taken."""
    global _own
    if _own is not None:
        return _own[0]
    for core in cores() if sys.platform == "linux" else []:
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"{MARK}{core}")
        except OSError:
            mark.close()
            continue
        _own = core, mark
        return core
    return None


_warm = Warm(_own_core)


class DaskPool:
    """Context manager; ``run`` grades jobs as they come, like LocalPool."""

    def __init__(self, setup: bytes, scheduler: str) -> None:
        self.setup = setup
        self.scheduler = scheduler
        self.started: dict[tuple[str, int], float] = {}  # student and attempt

    def __enter__(self) -> DaskPool:
        try:
            from distributed import Client
        except ImportError:
            raise UsageError(
                "--scheduler needs Dask: `pip install '.[autograder,dask]'` in a copy of the project's repository."
            ) from None

        class Interruptible(Client):  # type: ignore[misc]
            def __del__(self) -> None: ...  # Dask's closes: 20 s at the end of a process that Ctrl-C stopped

        for name in LOGGERS:  # after the import, which sets levels of its own
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self.client = Interruptible(self.scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkerError(f"No Dask scheduler answers at {self.scheduler}: {error}") from None
        try:
            self.client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except OSError as error:  # a timeout is one
            self.client.close()
            raise WorkerError(
                f"No worker came to the Dask scheduler at {self.scheduler} within {WORKER_SECONDS:g} s "
                f"({type(error).__name__}); start some with `dask worker {self.scheduler} --nthreads 1`."
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def busy(self) -> tuple[str, float]:
        """The student whose submission was handed out first and is not back, and since how many seconds."""
        one, since = min(list(self.started.items()), key=lambda item: item[1], default=(("", 0), time.monotonic()))
        return one[0], time.monotonic() - since

    def run(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Each job with its outcome, in the order in which they end; raises WorkerError if the scheduler is gone."""
        from distributed import as_completed

        doing: dict[str, Job] = {}
        with self._connected():
            setup = self.client.scatter(self.setup, broadcast=True, hash=True)
            done = as_completed([], loop=self.client.loop)
        while True:
            with self._connected():
                room = AHEAD * max(1, sum(self.client.nthreads().values())) - len(doing)
            given = [*itertools.islice(jobs, max(0, room))]
            with self._connected():
                for job in given:
                    self.started[job.student, job.attempt] = time.monotonic()
                    future = self.client.submit(grade_job, setup, job.pack(), pure=False)
                    doing[future.key] = job
                    done.add(future)
                if not doing:
                    return
                future = next(done)
                job = doing.pop(future.key)
                del self.started[job.student, job.attempt]
                outcome = _outcome(future)
                future.release()
            yield job, outcome

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WorkerError(
                f"The Dask scheduler at {self.scheduler} is gone ({error}); run the command again."
            ) from None


def _outcome(future: Any) -> Outcome:
    try:
        return Outcome.unpack(future.result())
    except Exception as error:  # whatever ended the worker, Dask tells here
        return Outcome(error=f"the cluster gave it up: {error}")
