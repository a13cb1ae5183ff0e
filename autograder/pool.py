"""Worker processes on this machine, one a core; one that dies is replaced and its submission tried once more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from socket import socketpair
from types import TracebackType

from autograder.bounds import cores, limit_memory
from autograder.errors import AutograderError, WorkerError
from autograder.grader import LEARNED, LEARNS, Grader
from autograder.places import PACKAGE, program
from autograder.sandbox import die_with_parent
from autograder.unit import Job, Outcome, Setup
from autograder.wording import signal_name

ATTEMPTS = 2
START_SECONDS = 180.0  # more than the worker itself waits, whose sentence says more
END_SECONDS = 2.0  # to end in order, then on a signal; then it is killed
LEARNING = "running the known mistakes, once"  # ..., for 12 s
PROGRAM = program("pool", "serve(int(sys.argv[1]), int(sys.argv[3]) if sys.argv[3] else None)")
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Slot:
    """One worker process and what it is at."""

    def __init__(self, setup: bytes, cpu: int | None) -> None:
        ours, theirs = socketpair()
        core = "" if cpu is None else str(cpu)
        # -P: the folder in which the grader was started may be a student's.
        command = [sys.executable, "-P", "-c", PROGRAM, str(theirs.fileno()), str(PACKAGE.parent), core]
        with theirs:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=os.environ | THREADS,
                start_new_session=True,  # Ctrl-C is the grader's to handle
            )
        self.connection = Connection(ours.detach())
        self.setup = setup
        self.seconds = Setup.unpack(setup).seconds
        self.cpu = cpu
        self.job: Job | None = None
        self.since = 0.0
        self.learning = 0.0  # since when it runs a known answer, for this submission and all that follow
        self.taught = 0.0  # since when it runs them, one after the other
        self.ready = self.lost = False
        self._send(setup)

    def _send(self, message: bytes) -> None:
        with suppress(OSError):  # a worker that is dead is noticed when its answer is awaited
            self.connection.send_bytes(message)

    def give(self, job: Job) -> None:
        """Hand the job to the worker, and note since when it has it."""
        self.job, self.since, self.learning, self.taught = job, time.monotonic(), 0.0, 0.0
        self._send(job.pack())

    def await_ready(self) -> None:
        """Return when the worker has its processes; raises what kept it from starting them, and it is gone then."""
        try:
            self._await_ready()
        except BaseException:
            self.kill()
            raise
        self.ready = True

    def _await_ready(self) -> None:
        try:
            ready = Outcome.unpack(self.connection.recv_bytes()) if self.connection.poll(START_SECONDS) else None
        except (EOFError, OSError):
            ready = None
        if ready is None:
            raise WorkerError(f"A grading process did not start ({_exit(self.process)}).")
        if ready.error:
            error = AutograderError(ready.error)
            error.exit_code = ready.exit_code
            raise error

    def answer(self) -> Outcome | None:
        """The outcome of the job; an error where the process died or took too long; None while it is at work."""
        try:
            while self.connection.poll():
                message = self.connection.recv_bytes()
                if message not in (LEARNS, LEARNED):
                    return Outcome.unpack(message)
                self._take_time(message == LEARNS)
            if time.monotonic() - (self.learning or self.since) < self.seconds:
                return None
            what = "a known mistake that it is compared with" if self.learning else "it"
            lost = Outcome(error=f"{what} had no answer within {self.seconds:.0f} s and was ended", again=False)
        except (EOFError, OSError):
            lost = Outcome(error=f"the process that grades it died ({_exit(self.process)}), perhaps for want of memory")
        self.lost = True
        return lost

    def _take_time(self, learns: bool) -> None:
        """The time of a known answer's run is not the submission's."""
        now = time.monotonic()
        self.since += now - self.learning if self.learning else 0.0
        self.learning = now if learns else 0.0
        self.taught = self.taught or now

    def grade(self, job: Job) -> Outcome:
        """The outcome of one job, waited for."""
        try:
            self.give(job)
            while (outcome := self.answer()) is None:
                wait([self.connection], timeout=1.0)
        except BaseException:
            self.lost = True  # what it answers later would be taken for the next job's
            raise
        self.job = None
        return outcome

    def hang_up(self) -> None:
        """Tell the process to end; an idle one notices by itself, and each clears its scratch folder away."""
        self.connection.close()
        if self.job is not None or self.lost or not self.ready:
            self.process.terminate()

    def kill(self) -> None:
        """Have it end, in order if it can, and return when it is gone."""
        self.hang_up()
        for insist in (self.process.terminate, self.process.kill):
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(END_SECONDS)
                return
            insist()
        self.process.wait()


def started(slot: Slot) -> Slot:
    """The slot once it is ready; where its process is killed while it starts, another in its place."""
    try:
        slot.await_ready()
    except WorkerError:
        slot = Slot(slot.setup, slot.cpu)
        slot.await_ready()
    return slot


class Warm:
    """One worker process, kept from one submission to the next; one that dies is replaced, and its submission retried.

    ``core`` is asked for the core that a new process keeps to.
    """

    def __init__(self, core: Callable[[], int | None] = lambda: None) -> None:
        self.slot: Slot | None = None
        self.core = core

    def grade(self, setup: bytes, job: Job) -> Outcome:
        """The outcome of one job under this setup; raises what kept a process from starting."""
        for _ in range(ATTEMPTS):
            if self.slot is None or self.slot.lost or self.slot.setup != setup:
                self.end()
                self.slot = started(Slot(setup, self.core()))
            outcome = self.slot.grade(job)
            if not (outcome.error and outcome.again):
                break
        return outcome

    def end(self) -> None:
        """End the process, if there is one."""
        if self.slot is not None:
            self.slot.kill()
            self.slot = None


def _exit(process: subprocess.Popen[bytes]) -> str:
    with suppress(subprocess.TimeoutExpired):
        code = process.wait(timeout=1)
        return signal_name(-code) if code < 0 else f"exit code {code}"
    return "it still runs"


class LocalPool:
    """Context manager; ``run`` grades jobs as they come."""

    def __init__(self, setup: bytes, size: int) -> None:
        self.setup = setup
        numbers = cores()
        first = os.getpid() % len(numbers)  # else all who grade one at a time would take the same core
        numbers = numbers[first:] + numbers[:first]
        self.cpus = [numbers[number % len(numbers)] if size <= len(numbers) else None for number in range(size)]
        self.slots: list[Slot] = []

    def __enter__(self) -> LocalPool:
        try:
            for cpu in self.cpus:
                self.slots.append(Slot(self.setup, cpu))
            for number, slot in enumerate(self.slots):
                self.slots[number] = started(slot)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for slot in self.slots:  # all at the same time
            slot.hang_up()
        for slot in self.slots:
            slot.kill()

    def busy(self) -> tuple[str, float]:
        """What takes longest now, a student's submission or the known mistakes, and since how many seconds."""
        at_work = [
            (slot.taught, LEARNING) if slot.learning else (slot.since, job.student)
            for slot in list(self.slots)
            if (job := slot.job)
        ]
        since, student = min(at_work, default=(time.monotonic(), ""))
        return student, time.monotonic() - since

    def run(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Each job with its outcome, in the order in which they end; jobs are taken only as workers are free."""
        again: list[Job] = []
        failures: dict[tuple[str, int], int] = {}
        while True:
            for slot in self.slots:
                if slot.job is None:
                    job = again.pop() if again else next(jobs, None)
                    if job is not None:
                        slot.give(job)
            at_work = [slot for slot in self.slots if slot.job]
            if not at_work:
                return
            wait([slot.connection for slot in at_work], timeout=1.0)
            for slot in at_work:
                job, outcome = slot.job, slot.answer()
                if job is None or outcome is None:
                    continue
                slot.job = None
                if slot.lost:
                    slot.kill()
                    self.slots[self.slots.index(slot)] = started(Slot(self.setup, slot.cpu))
                if outcome.error:
                    one = job.student, job.attempt
                    failures[one] = failures.get(one, 0) + 1
                    if outcome.again and failures[one] < ATTEMPTS:
                        again.append(job)
                        continue
                yield job, outcome


def serve(descriptor: int, cpu: int | None) -> None:
    """The worker process: a setup, then one job after another until the grader hangs up."""
    signal.signal(signal.SIGTERM, _end)
    die_with_parent(signal.SIGTERM)  # nothing may outlive the grader
    connection = Connection(descriptor)
    with suppress(EOFError, ConnectionError), Grader(_received(connection), cpu, connection.send_bytes) as grader:
        try:
            grader.warm()
        except AutograderError as error:
            connection.send_bytes(Outcome(error=str(error), exit_code=error.exit_code).pack())
            return
        limit_memory(grader.limits.judge_memory_bytes, for_good=False)
        try:
            connection.send_bytes(Outcome().pack())
            while True:
                connection.send_bytes(grader.grade_packed(_received(connection)))
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # nothing keeps it from clearing up


def _received(connection: Connection) -> bytes:
    """A message; EOFError where the grader ended, in the middle of one too."""
    try:
        return connection.recv_bytes()
    except OSError:
        raise EOFError from None


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)
