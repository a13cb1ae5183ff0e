"""The same unit of work on a Dask cluster of separate processes gives the same result."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from autograder.errors import UsageError, WorkerError
from autograder.grade import grade
from tests.course_factory import NAME, RIGHT, make_course, submit
from tests.test_grade import scores


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler and two workers, each a process of its own."""
    folder = tmp_path_factory.mktemp("dask")
    address = f"tcp://127.0.0.1:{free_port()}"
    commands = [
        [
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            address.rpartition(":")[2],
            "--no-dashboard",
        ],
        *2 * [["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard", "--memory-limit", "0"]],
    ]
    processes = []
    for command in commands:
        line = [sys.executable, "-m", *command]
        processes.append(subprocess.Popen(line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    yield address
    for process in processes:
        for child in [*psutil.Process(process.pid).children(recursive=True), process]:
            child.kill()
        process.wait()


def wait_for(address: str) -> None:
    host, port = address.removeprefix("tcp://").split(":")
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.2)


def test_a_cluster_gives_the_scores_of_the_local_pool(scheduler: str, tmp_path: Path) -> None:
    wait_for(scheduler)
    roots = [make_course(tmp_path / name, gradebook=True) for name in ("local", "cluster")]
    for root in roots:
        for number in range(4):
            submit(root, f"student{number}", RIGHT if number % 2 else {})
        submit(root, "dan", b"garbage")
    grade(NAME, roots[0], jobs=1)
    summary = grade(NAME, roots[1], scheduler=scheduler)
    assert (summary.graded, summary.failed) == (5, 0)
    assert scores(roots[1]) == scores(roots[0])
    place = Path("feedback", "student1", NAME, f"{NAME}.html")
    assert (roots[1] / place).read_text() == (roots[0] / place).read_text()


def test_a_scheduler_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", RIGHT)
    with pytest.raises(WorkerError, match="No Dask scheduler answers"):
        grade(NAME, root, scheduler=f"tcp://127.0.0.1:{free_port()}")


def test_without_dask_the_extra_to_install_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", RIGHT)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"autograder\[dask\]"):
        grade(NAME, root, scheduler="tcp://127.0.0.1:1")
