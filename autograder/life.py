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

from autograder import journal
from autograder.exceptions import CellTimeout, StudentDied
from autograder.forkserver import Ended, ForkServer
from autograder.limits import Limits
from autograder.recording import Recorder
from autograder.seeding import unmoved
from autograder.session import ENDED, Session
from autograder.wording import signal_name

REPEAT = 1.0  # seconds after which a timeout that was swallowed is raised again

Step = Callable[[Session], Any]


class Life:
    """The student's process of one notebook, whichever it is by now."""

    def __init__(
        self,
        server: ForkServer,
        limits: Limits,
        emit: Callable[[Any], None],
        recorder: Recorder | None = None,
        python_random: bool = False,
    ) -> None:
        self.session: Session | None = None
        self.deaths: list[str] = []  # why a process ended, one a death
        self.outside = ""  # a death that may be no doing of the student's
        self.cpu_seconds = 0.0  # of the processes that ended
        self.steps: list[Step] = []  # what a fresh process does first
        self._server = server
        self._limits = limits
        self._emit = emit
        self._recorder = recorder
        self._python_random = python_random
        self._journal: int  # where the process notes what it showed
        self._deadline = time.monotonic() + limits.total_seconds
        self._replaying: bool
        self._armed = False
        signal.signal(signal.SIGALRM, self._ring)

    def guarded(self, action: Step, share: float = 1.0) -> str | None:
        """Run ``action`` within this share of a cell's time; None, or why the student's process had to be ended.

        What ``action`` itself raises is raised on, unless the process died.
        """
        while self.session is None:
            if len(self.deaths) > self._limits.restarts:
                return f"the student's process ended too often; the last time: {self.deaths[-1]}"
            self._journal = journal.make(self._limits)
            connection, before = self._server.spawn(self._journal)
            self.cpu_seconds += before.cpu_seconds
            self.session = Session(connection, self._limits, self._receive, self._recorder, self._python_random)
            self._replay()
            if self.session is None and time.monotonic() >= self._deadline:
                return self.deaths[-1]
        return self._within_time(action, share)

    def end(self, patiently: bool = False) -> Ended:
        """End the process, if there is one; what it used and how it ended."""
        if self.session is None:
            return Ended()
        ended = self._server.kill(patiently)
        self.cpu_seconds += ended.cpu_seconds
        self.session = None
        os.close(self._journal)
        return ended

    def _explain(self, ended: Ended) -> str:
        """How a process ended that was not told to."""
        if ended.alive:
            return "the student's code closed the connection through which it is called"
        code = os.waitstatus_to_exitcode(ended.status)
        if code >= 0:
            return f"{ENDED} itself (exit code {code})"
        if code != -signal.SIGKILL:
            return f"{ENDED} by a crash ({signal_name(-code)})"
        if ended.cpu_seconds > self._limits.cpu_seconds - 1:
            return f"{ENDED}: it used more than {self._limits.cpu_seconds} s of processor time"
        # The first process of a namespace is deaf to a SIGKILL of its own.
        self.outside = f"{ENDED}: it was killed from outside, as by a machine that runs out of memory"
        return self.outside

    def _replay(self) -> None:
        self._replaying = True
        with unmoved():
            for step in list(self.steps):
                if self._within_time(step) is not None:
                    self.steps.remove(step)  # it ended the process this time: the next one goes without it
                    break
        self._replaying = False

    def _receive(self, outputs: Any) -> None:
        if not self._replaying:
            self._emit(outputs)

    def _within_time(self, action: Step, share: float = 1.0) -> str | None:
        left = self._deadline - time.monotonic()
        if left < self._limits.total_seconds / 100:
            return f"the notebook ran longer than {self._limits.total_seconds:g} s"
        limit, half = self._limits.cell_seconds * share, left / 2  # no cell takes all that is left from those after it
        assert self.session is not None
        reason: str | None = None
        try:
            with self._alarm(min(limit, half)):
                action(self.session)
                self.session.settle()
        except StudentDied as death:
            reason = str(death)
        except CellTimeout:
            why = f" ({share:.0%} of the usual, since what it uses ran out of time before)" if share < 1 else ""
            reason = f"the cell ran longer than {limit:g} s{why}"
            if half < limit:
                reason = f"the cell ran longer than {half:.1f} s, half of the time that the notebook had left"
            self.session.die(reason)
        finally:
            if self.session.dead:
                reason = reason or self.session.dead
                self._receive(journal.read(self._journal, self._limits))
                ended = self.end(patiently=reason == ENDED)
                reason = self._explain(ended) if reason == ENDED else reason
                self.deaths.append(reason)
        return reason

    @contextmanager
    def _alarm(self, seconds: float) -> Iterator[None]:
        self._armed = True
        signal.signal(signal.SIGALRM, self._ring)  # an earlier test may have put a handler of its own there
        signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
        try:
            yield
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, *_: Any) -> None:
        if self._armed:
            raise CellTimeout
