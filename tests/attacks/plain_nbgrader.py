"""The suite against nbgrader as it comes: no engine, no walls, so not what would harm the machine that measures it.

Each case has a course of its own in a scratch folder, a home of its own, and a process of its own, which is ended with
all that it started.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.attacks.cases import Case
from tests.attacks.forms import honest
from tests.attacks.lesson import make
from tests.attacks.measure import Outcome, outcome, points_by_task
from tests.course_factory import NAME

SECONDS = 60  # for one submission; nbgrader has no limit of its own but that of a cell
CELL_SECONDS = 6  # nbgrader's own default is 30
NEIGHBOR = "~honest"  # graded after the attack
CONFIG = f"""c = get_config()
c.CourseDirectory.course_id = "course101"
c.ExecutePreprocessor.timeout = {CELL_SECONDS}
"""
# What would harm the machine, or finds nothing to attack, by row or by row and case.
NOT_RUN: dict[int | tuple[int, str], str] = {
    (12, "everything"): "would kill every process of its user",
    (20, "course files written"): "would write into the installed packages",
    21: "would change the next kernels of the machine",
    22: "would write into the installed packages",
    25: "would reach the network",
    28: "would take every process and thread",
    29: "would take all memory",
    30: "would fill the disk",
    (33, "one line"): "would fill memory with output",
    (33, "lines"): "would fill memory with output",
    (33, "printing without end"): "would fill memory with output",
    (42, "device"): "would read /dev/zero without end",
    (44, "one gigabyte"): "would read a gigabyte into memory",
    50: "has nobody to forge an answer to",
    (51, "system calls"): "would mount and load programs into the kernel",
}


def reason_not_to_run(case: Case) -> str:
    """Why a case does not run without walls; empty where it may."""
    return NOT_RUN.get(case.row) or NOT_RUN.get((case.row, case.name), "")


class PlainNbgrader:
    """Measures cases one by one, in a scratch folder."""

    def __init__(self, folder: Path) -> None:
        from nbgrader.apps import NbGraderAPI  # noqa: F401 (imported once, since that takes seconds, and forked after)

        self.folder = folder
        self.template = make(folder / "template", gradebook=True)
        (self.template / "nbgrader_config.py").write_text(CONFIG)
        command = [str(Path(sys.executable).with_name("nbgrader")), "generate_assignment", NAME, "--create"]
        subprocess.run(command, cwd=self.template, capture_output=True, check=True)

    def measure(self, case: Case) -> Outcome:
        if reason := reason_not_to_run(case):
            return Outcome("not run", reason)
        root, ended = self._grade(case, alone=True)
        if not ended:
            return Outcome("does not end", f"stopped after {SECONDS} s")
        scores = points_by_task(root).get(case.student, {})
        if any(score is not None for score in scores.values()):
            return outcome(case, scores, _outputs(root, case.student))
        root, _ = self._grade(case, alone=False)
        neighbor = points_by_task(root).get(NEIGHBOR, {})
        return Outcome("no grade" if neighbor.get("first") is not None else "the batch stops")

    def _grade(self, case: Case, alone: bool) -> tuple[Path, bool]:
        """The course folder afterwards, and whether nbgrader came to an end."""
        root = self.folder / f"{case.student}-{'alone' if alone else 'followed'}"
        shutil.copytree(self.template, root)
        honest(root, "00-honest")
        case.hand_in(root, case.student)
        if not alone:
            honest(root, NEIGHBOR)
        shutil.rmtree(root / "submitted" / "00-honest", ignore_errors=not alone) if case.row not in (19, 42) else None
        home = root.with_name(f"{root.name}-home")
        home.mkdir()
        child = os.fork()
        if child == 0:
            _become_nbgrader(root, home)
        ended = _wait(child, SECONDS * (1 if alone else 2))
        _end_all(home)
        return root, ended


def _become_nbgrader(root: Path, home: Path) -> None:
    """Grade every submission of the course in this process, and end it."""
    try:
        os.setsid()
        os.chdir(root)
        os.environ |= {"HOME": str(home), "IPYTHONDIR": str(home), "JUPYTER_RUNTIME_DIR": str(home)}
        log = os.open(home / "log", os.O_RDWR | os.O_CREAT)
        for descriptor in (0, 1, 2):
            os.dup2(log, descriptor)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        from nbgrader.apps import NbGraderAPI
        from traitlets.config import PyFileConfigLoader

        api = NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config())
        api.autograde(NAME, "*")
    finally:
        os._exit(0)


def _wait(child: int, seconds: float) -> bool:
    """Whether the process ended in time; afterwards it has, in any case."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.05)
    for process in [*psutil.Process(child).children(recursive=True), psutil.Process(child)]:
        with suppress(psutil.Error):
            process.kill()
    os.waitpid(child, 0)
    return False


def _end_all(home: Path) -> None:
    """End what was started in this home and lost its parent: kernels, and what their cells started."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("HOME") == str(home):
                os.kill(process.pid, signal.SIGKILL)


def _outputs(root: Path, student: str) -> str:
    path = root / "autograded" / student / NAME / f"{NAME}.ipynb"
    if not path.exists():
        return ""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return json.dumps([cell.get("outputs", []) for cell in cells])
