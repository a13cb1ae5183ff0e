"""Trusted side: one student process after the other, each action within its time, deaths survived.

After a death a fresh process runs the earlier steps again, the one that ended it left out.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograder import journal
from autograder.exceptions import CellTimeout, StudentDied
from autograder.forkserver import ForkServer
from autograder.limits import Limits
from autograder.recording import Recorder
from autograder.session import Session

REPEAT = 1.0  # seconds after which a timeout that was swallowed is raised again

Step = Callable[[Session], Any]


class Life:
    """The student's process of one notebook, whichever it is by now."""

    def __init__(
        self, server: ForkServer, limits: Limits, emit: Callable[[Any], None], recorder: Recorder | None = None
    ) -> None:
        self.session: Session | None = None
        self.deaths: list[str] = []  # why a process ended, one a death
        self.cpu_seconds = 0.0  # of the processes that ended
        self.steps: list[Step] = []  # what a fresh process does first
        self._server = server
        self._limits = limits
        self._emit = emit
        self._recorder = recorder
        self._journal = -1  # where the process notes what it showed
        self._deadline = time.monotonic() + limits.total_seconds
        self._replaying = False
        self._armed = False
        signal.signal(signal.SIGALRM, self._ring)

    def guarded(self, action: Step) -> str | None:
        """Run ``action`` within the time of one cell; None, or why the student's process had to be ended.

        What ``action`` itself raises is raised on, unless the process died.
        """
        while self.session is None:
            if len(self.deaths) > self._limits.restarts:
                return f"the student's process ended too often; the last time: {self.deaths[-1]}"
            self._journal = journal.make(self._limits)
            connection, used = self._server.spawn(self._journal)
            self.cpu_seconds += used
            self.session = Session(connection, self._limits, self._receive, self._recorder)
            self._replay()
            if self.session is None and time.monotonic() >= self._deadline:
                return self.deaths[-1]
        return self._within_time(action)

    def end(self) -> None:
        if self.session is not None:
            self.cpu_seconds += self._server.kill()
            self.session = None
            os.close(self._journal)

    def _replay(self) -> None:
        state = np.random.get_state()
        self._replaying = True
        for step in list(self.steps):
            if self._within_time(step) is not None:
                self.steps.remove(step)  # it ended the process this time: the next one goes without it
                break
        self._replaying = False
        np.random.set_state(state)

    def _receive(self, outputs: Any) -> None:
        if not self._replaying:
            self._emit(outputs)

    def _within_time(self, action: Step) -> str | None:
        limit = self._limits.cell_seconds
        left = self._deadline - time.monotonic()
        if left <= 0:
            return f"the notebook ran longer than {self._limits.total_seconds:g} s"
        assert self.session is not None
        reason: str | None = None
        try:
            with self._alarm(min(limit, left)):
                action(self.session)
                self.session.settle()
        except StudentDied as death:
            reason = str(death)
        except CellTimeout:
            whole = left <= limit
            seconds = self._limits.total_seconds if whole else limit
            reason = f"the {'notebook' if whole else 'cell'} ran longer than {seconds:g} s"
            self.session.die(reason)
        finally:
            if self.session.dead:
                reason = reason or self.session.dead
                self.deaths.append(reason)
                self._receive(journal.read(self._journal, self._limits))
                self.end()
        return reason

    @contextmanager
    def _alarm(self, seconds: float) -> Iterator[None]:
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
        try:
            yield
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, *_: Any) -> None:
        if self._armed:
            raise CellTimeout
