"""The warm server inside the sandbox: it forks one student process for each submission.

It is itself forked from a process that has imported NumPy, IPython and the assignment's modules and that has read
nothing of the course. The judge asks for a child with ``SPAWN`` and passes a socket; the child before it is killed
first, so that there is never more than one. ``KILL`` ends it, ``AWAIT`` lets it end by itself first. Each is answered
with how the child ended.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from autograder import sandbox
from autograder.beside import write_files
from autograder.errors import WorkerError
from autograder.journal import Journal
from autograder.limits import Limits
from autograder.shell import Shell
from autograder.student import Student

SPAWN, KILL, AWAIT, READY = b"s", b"k", b"a", b"r"
_TAG = 8  # random bytes that tie an answer to its request, whoever asked before and died
_ENDED = struct.Struct("<di?")
END_SECONDS = 2.0  # that a child may take to be gone which has closed its connection
CONNECTION = 3  # the descriptor of the socket to the judge, in the child

# A first figure, traceback and matrix product, so that their code paths are warm in every child.
WARM_UP = """
import numpy as np
a = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
(a @ a.T).mean(0), a.var(axis=1, keepdims=True), np.maximum(0, a).sum(), np.allclose(a, a), f"{a[0, :3]}"
"""
WARM_UP_FIGURE = """
import matplotlib.pyplot as plt
plt.figure(figsize=(6, 4))
plt.plot([1, 2], [2, 3], "--", label="a $x^2$")
plt.legend(), plt.title("t"), plt.xlabel("x"), plt.grid(True)
plt.show()
"""


class Ended(NamedTuple):
    """A child that is gone."""

    cpu_seconds: float = 0.0
    status: int = 0  # as os.waitpid tells it
    alive: bool = False  # until we killed it


@dataclass(frozen=True)
class Walls:
    """What the sandbox is built from, gathered by the trusted process."""

    isolated: bool
    limits: Limits
    visible: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    pivot_root: int = 0
    uid: int = 0  # whom root becomes; without isolation 0 leaves it as it is
    program: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)  # put into each working folder
    cpu: int | None = None  # the core that judge and student share


def run(control: socket.socket, walls: Walls) -> None:
    """Enter the sandbox and serve until the other end of ``control`` is closed. Does not return."""
    try:
        sandbox.remember_address_space()
        if walls.isolated:
            sandbox.enter(walls.visible, walls.hidden, walls.pivot_root, walls.uid)
            server = os.fork()  # the first process of the new pid namespace
            if server:
                control.close()
                os.waitpid(server, 0)
                os._exit(0)
        folder = sandbox.SCRATCH if walls.isolated else tempfile.mkdtemp(prefix="autograder-")
        if not walls.isolated:
            os.chmod(folder, 0o711)  # a student's folder in it may be another user's
        _own_environment(folder)
        student = _warm_student(walls.limits)
        control.sendall(READY)
    except OSError as error:
        with suppress(OSError):
            control.sendall(str(error).encode())
        os._exit(1)
    _Server(control, walls, student, folder).serve()


def _own_environment(folder: str) -> None:
    sys.path.append("")  # last: a file beside the notebook never stands for an installed module
    tempfile.tempdir = folder  # a warm import may have asked before, when this was another folder
    os.environ.clear()
    os.environ.update(
        HOME=folder,
        TMPDIR=folder,
        IPYTHONDIR=f"{folder}/.ipython",
        MPLCONFIGDIR=f"{folder}/.matplotlib",
        MPLBACKEND="module://matplotlib_inline.backend_inline",
        PATH="/usr/bin:/bin",
        LANG="C.UTF-8",
        USER="student",
        LOGNAME="student",
        OPENBLAS_NUM_THREADS="1",
        OMP_NUM_THREADS="1",
    )


def _warm_student(limits: Limits) -> Student:
    """What a child goes on with: the more is done here, the fewer pages each child must copy."""
    shell = Shell(limits)
    kept = sys.stdout, sys.stderr
    shell.capture()
    shell.run(WARM_UP, 1)
    if "matplotlib" in sys.modules:
        shell.run(WARM_UP_FIGURE, 1)
    shell.run("1 / 0", 1)
    shell.outputs.take()
    shell.ip.reset(new_session=True)
    sys.stdout, sys.stderr = kept
    student = Student(limits, shell)
    gc.collect()
    gc.freeze()
    return student


class _Server:
    def __init__(self, control: socket.socket, walls: Walls, student: Student, folder: str) -> None:
        self.control = control
        self.walls = walls
        self.student = student
        self.folder = folder
        self.child = 0
        self.own_namespace = os.pidfd_open(os.getpid()) if walls.isolated else -1

    @property
    def _work(self) -> str:
        """A student's working folder without isolation; with it, each has a scratch folder of its own."""
        return f"{self.folder}/work"

    def serve(self) -> None:
        while True:
            try:
                data, passed, _, _ = socket.recv_fds(self.control, 1 + _TAG, 2)
            except OSError:
                data = b""
            ended = self._kill(END_SECONDS if data[:1] == AWAIT else 0.0)
            if not data:
                if not self.walls.isolated:
                    shutil.rmtree(self.folder, ignore_errors=True)
                os._exit(0)
            if data[:1] == SPAWN:
                self._spawn(*passed)
            with suppress(OSError):
                self.control.sendall(data[1:] + _ENDED.pack(*ended))

    def _kill(self, patience: float) -> Ended:
        """End the child with all its processes, once it had so many seconds to end by itself."""
        if not self.child:
            return Ended()
        deadline = time.monotonic() + patience
        look = os.WEXITED | os.WNOHANG | os.WNOWAIT  # its number is its own until it is waited for
        while not (ended := os.waitid(os.P_PID, self.child, look)) and time.monotonic() < deadline:
            time.sleep(0.005)
        if not ended:
            os.kill(self.child, signal.SIGKILL)
        if not self.walls.isolated:
            with suppress(OSError):
                os.killpg(self.child, signal.SIGKILL)
        _, status, usage = os.wait4(self.child, 0)
        self.child = 0
        if not self.walls.isolated:
            shutil.rmtree(self._work, ignore_errors=True)
        return Ended(usage.ru_utime + usage.ru_stime, status, not ended)

    def _spawn(self, connection: int, journal: int) -> None:
        if self.walls.isolated:
            sandbox.unshare(sandbox.CLONE_NEWPID)
        else:
            os.makedirs(self._work, 0o700, exist_ok=True)
            if self.walls.uid:
                os.chown(self._work, self.walls.uid, self.walls.uid)
        pid = os.fork()
        if pid == 0:
            try:
                self._become_student(connection, journal)
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        self.child = pid
        os.close(connection)
        os.close(journal)
        if self.walls.isolated:
            sandbox.enter_pid_namespace(self.own_namespace)

    def _become_student(self, connection: int, journal: int) -> None:
        walls = self.walls
        self.control.detach()
        if walls.isolated:
            sandbox.new_scratch(walls.limits)
            os.chdir(sandbox.SCRATCH)
        else:
            if walls.uid:
                sandbox.become(walls.uid)
            os.chdir(self._work)
            os.environ.update({name: text.replace(self.folder, self._work) for name, text in os.environ.items()})
            tempfile.tempdir = self._work
        write_files(walls.files, Path())
        self.student.shell.outputs.journal = Journal(journal, walls.limits)
        _keep_only(connection)
        os.setsid()
        pin(walls.cpu)
        if walls.isolated:
            sandbox.drop_capabilities()
            sandbox.forbid_new_privileges()
        sandbox.limit_resources(walls.limits)
        if walls.isolated:
            sandbox.restrict_paths([sandbox.SCRATCH, "/dev/null"], ["/lib", "/lib64", "/dev", *map(str, walls.visible)])
            sandbox.load_filter(walls.program)
        self.student.serve(socket.socket(fileno=CONNECTION))


def _keep_only(connection: int) -> None:
    """Descriptors 0 to 2 become /dev/null, 3 the connection, all others are closed."""
    null = os.open(os.devnull, os.O_RDWR)
    saved = os.dup2(connection, 100, inheritable=False)
    for fd in range(3):
        os.dup2(null, fd)
    os.dup2(saved, CONNECTION, inheritable=False)
    os.closerange(CONNECTION + 1, 1 << 16)


def pin(cpu: int | None) -> None:
    """Stay on one core: a call between two processes on one core takes a fifth of the time."""
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        with suppress(OSError):
            os.sched_setaffinity(0, {cpu})


class ForkServer:
    """The judge's end: asks for student processes."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control

    def wait_until_ready(self, seconds: float) -> None:
        """Raises SandboxUnavailable with what the kernel said if the sandbox could not be entered."""
        self.control.settimeout(seconds)
        try:
            answer = self.control.recv(1000)
        except TimeoutError:
            answer = b"it did not start in time"
        self.control.settimeout(None)
        if answer != READY:
            raise sandbox.advice(answer.decode(errors="replace") or "it ended at once")

    def spawn(self, journal: int) -> tuple[socket.socket, Ended]:
        """A connection to a new student process, and how the one before it ended, which is killed.

        What the process shows it notes in ``journal`` too, a descriptor of ``journal.make``.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            return ours, self._ask(SPAWN, [theirs.fileno(), journal])

    def kill(self, patiently: bool = False) -> Ended:
        """End the student process, if there is one; ``patiently``: let it end by itself, if it is about to."""
        return self._ask(AWAIT if patiently else KILL, [])

    def _ask(self, what: bytes, passed: list[int]) -> Ended:
        tag, answer = os.urandom(_TAG), b""
        try:
            socket.send_fds(self.control, [what + tag], passed)
            while answer[:_TAG] != tag:
                answer = b""
                while len(answer) < _TAG + _ENDED.size:
                    more = self.control.recv(_TAG + _ENDED.size - len(answer))
                    if not more:
                        raise EOFError
                    answer += more
        except (EOFError, ConnectionError):
            raise WorkerError("The server that starts student processes ended; run the command again.") from None
        return Ended(*_ENDED.unpack(answer[_TAG:]))
