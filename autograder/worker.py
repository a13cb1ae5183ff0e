"""One warm grading process, used from any program: ``with Worker(assignment) as worker: worker.grade(notebook)``."""

from __future__ import annotations

import base64
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import autograder.errors as errors
from autograder import places, warm
from autograder.assignment import Assignment
from autograder.beside import files_beside
from autograder.bounds import cores
from autograder.errors import AutograderError, WorkerError
from autograder.limits import Limits
from autograder.results import Judged

Isolation = Literal["sandbox", "none"]
Record = Literal["", "failures", "always"]

START_SECONDS = 120.0
END_SECONDS = 2.0  # to end in order: less than whoever ends this process in turn waits for it
ATTEMPTS = 3  # where something from outside came between
AGAIN_SECONDS = 60.0  # after which there is no time for another
FIRST_UID = 61000  # whom root becomes; one user for each core, so that limits on processes do not add up
NEVER_VISIBLE = ("/etc/passwd", "/etc/shadow", "/proc/1", "/run", "/sys", "/var", "/root/.ssh")
_BOOT = places.program("warm", "main(int(sys.argv[1]))")
_KEPT_VARIABLES: tuple[str, ...] = ("HOME", "LANG", "LC_ALL", "MPLCONFIGDIR", "PATH", "TMPDIR", "XDG_CACHE_HOME")


class Worker:
    """Grades notebooks of one assignment, one after the other.

    ``isolation="none"`` grades without a sandbox: say so wherever the result is shown. ``cpu`` is the core that
    it keeps to; by default one is picked. ``secret`` are folders that the self-test proves to be out of sight.
    ``folder`` is the instructor's folder with files that the notebook reads; they are put beside each notebook.

    >>> from autograder.intake import parse
    >>> from autograder.repair import repair
    >>> assignment = Assignment.from_file(Path("my_course/source/scaling/scaling.ipynb"))
    >>> handed_in = Path("my_course/submitted/ada/scaling/scaling.ipynb").read_bytes()
    >>> with Worker(assignment) as worker:
    ...     notebook, notes = repair(assignment, parse(handed_in, worker.limits))
    ...     judged = worker.grade(notebook)
    >>> judged.scores
    {'scale_forward__values': 3.0, 'scale_forward__shifted': 2.0, 'scale_backward__gradient': 4.0}
    """

    def __init__(
        self,
        assignment: Assignment,
        limits: Limits | None = None,
        isolation: Isolation = "sandbox",
        cpu: int | None = None,
        secret: Iterable[Path] = (),
        folder: Path | None = None,
    ) -> None:
        self.assignment = assignment
        self.limits = limits or Limits()
        self.isolation = isolation
        self.cpu = cpu if cpu is not None else _any_core()
        self.secret = [str(path) for path in secret]
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def __enter__(self) -> Worker:
        """Start it; raises SandboxUnavailable, CourseError or WorkerError."""
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, str(theirs.fileno()), str(places.PACKAGE.parent)],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        self._socket = ours
        try:
            warm.send(ours, self._setup())
            warm.send(ours, self._course())
            answer = self._ask(None, START_SECONDS)
        except BaseException:
            self.close()
            raise
        if "error" in answer:
            self.close()
            known = getattr(errors, str(answer["error"]), AutograderError)
            raise known(answer["message"])
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def grade(self, notebook: Mapping[str, Any], seed: int | None = None, record: Record = "") -> Judged:
        """Run and score a repaired notebook. Raises WorkerError if the worker is gone; it must be replaced then.

        ``seed`` starts the random streams of NumPy and of ``random``; by default it differs from run to run.
        ``record``: put what the student's code gave back into ``Judged.events``, where a test failed or always.
        """
        chosen = random.SystemRandom().getrandbits(32) if seed is None else seed
        request = {"notebook": notebook, "seed": chosen, "record": record}
        started = time.monotonic()
        for _ in range(ATTEMPTS):
            judged = Judged.from_dict(self._ask(request, self.limits.total_seconds + 6 * warm.GRACE))
            # Else nobody knows whether it was the student's doing.
            if not judged.outside or time.monotonic() - started > AGAIN_SECONDS:
                break
        return judged

    def close(self) -> None:
        """End the worker and all that it started."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _ask(self, message: Any, seconds: float) -> dict[str, Any]:
        if self._socket is None:
            raise WorkerError("The grading process is not running; start a new worker.")
        try:
            if message is not None:
                warm.send(self._socket, message)
            self._socket.settimeout(seconds)
            return warm.receive_json(self._socket)
        except (EOFError, OSError) as error:
            if self._process is not None:
                self._process.kill()
            self.close()
            raise WorkerError(f"The grading process ended without an answer ({type(error).__name__}).") from None

    def _setup(self) -> dict[str, Any]:
        return {
            # Its values cross where both sides know it: it is no secret that hidden tests use it.
            "modules": [*self.assignment.released_modules, *({"pandas"} & {*self.assignment.modules})],
            "isolated": self.isolation == "sandbox",
            "limits": asdict(self.limits),
            "uid": FIRST_UID + self.cpu,
            "cpu": self.cpu,
            "never": NEVER_VISIBLE,
            "forbidden": [str(places.PACKAGE), *self.secret],
            "files": {name: base64.b64encode(content).decode() for name, content in self._files().items()},
        }

    def _course(self) -> dict[str, Any]:
        return {
            "name": self.assignment.name,
            "notebook": self.assignment.notebook,
            "markers": asdict(self.assignment.markers),
            "folder": str(self.folder) if self.folder else None,
        }

    def _files(self) -> dict[str, bytes]:
        """The instructor's files beside the notebook, notebooks apart."""
        if self.folder is None:
            return {}
        found = files_beside(self.folder)
        size = sum(map(len, found.values()))
        if size > self.limits.scratch_bytes // 2:
            raise errors.CourseError(
                f"The files beside the notebook in {self.folder} hold {size >> 20} MiB, more than half of the "
                f"limit scratch_bytes ({self.limits.scratch_bytes >> 20} MiB); raise that limit."
            )
        return found


def _any_core() -> int:
    numbers = cores()
    return numbers[os.getpid() % len(numbers)]
