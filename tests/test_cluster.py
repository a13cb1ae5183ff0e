"""The same unit of work on a Dask cluster of separate processes gives the same result."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from autograder.__main__ import main
from autograder.cluster import DaskPool
from autograder.errors import UsageError, WorkerError
from autograder.grade import grade
from autograder.unit import Job
from tests.course_factory import NAME, RIGHT, make_course, submit
from tests.faults import Cluster, cluster, failures, free_port, graded, make_batch, start, state
from tests.graded_course import scores


@pytest.fixture(scope="module")
def dask() -> Iterator[Cluster]:
    """A scheduler and four workers, each a process of its own."""
    with cluster(workers=4) as made:
        made.mend()
        yield made


def test_a_cluster_gives_the_scores_of_the_local_pool(dask: Cluster, tmp_path: Path) -> None:
    roots = [make_course(tmp_path / name, gradebook=True) for name in ("local", "cluster")]
    for root in roots:
        for number in range(8):
            submit(root, f"student{number}", RIGHT if number % 2 else {})
        submit(root, "dan", b"garbage")
    grade(NAME, roots[0], jobs=1)
    summary = grade(NAME, roots[1], scheduler=dask.address)
    assert (summary.graded, summary.failed) == (9, 0), failures(roots[1])
    assert scores(roots[1]) == scores(roots[0])
    assert state(roots[1]) == state(roots[0])


def test_each_worker_of_a_machine_keeps_to_a_core_of_its_own_while_there_are_any() -> None:
    code = (
        "import sys; from autograder import cluster; cluster.MARK += sys.argv[1]\n"  # other tests' workers apart
        "print(cluster._own_core(), cluster._own_core(), flush=True); sys.stdin.read()"
    )
    workers: list[subprocess.Popen[str]] = []
    try:
        for _ in range(len(os.sched_getaffinity(0)) + 1):
            line = [sys.executable, "-c", code, f"{os.getpid()}-"]
            workers.append(subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        answers = [worker.stdout.readline().split() for worker in workers if worker.stdout]
    finally:
        for worker in workers:
            worker.communicate()
    assert all(first == second for first, second in answers)
    found = sorted(first for first, _ in answers)
    assert found == sorted([*map(str, os.sched_getaffinity(0)), "None"])


def test_a_scheduler_that_dies_in_mid_batch_is_one_sentence_and_the_next_run_goes_on(tmp_path: Path) -> None:
    root = make_batch(tmp_path / "course", 20, seconds=0.5)
    with cluster(workers=2) as made:
        made.mend()
        process = start(root, "--scheduler", made.address)
        deadline = time.monotonic() + 120
        while not graded(root) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert made.scheduler is not None
        psutil.Process(made.scheduler.pid).kill()
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 6, errors
        assert "Traceback" not in errors
        assert errors.splitlines()[-1].startswith(f"autograder: The Dask scheduler at {made.address} is gone")
        before = len(graded(root))
        assert 0 < before < 20
        made.mend()
        summary = grade(NAME, root, scheduler=made.address)
    assert (summary.graded, summary.unchanged, summary.failed) == (20 - before, before, 0), failures(root)


def test_a_fault_of_the_disk_is_not_told_as_the_schedulers(dask: Cluster) -> None:
    def jobs() -> Iterator[Job]:
        raise OSError(errno.ESTALE, "Stale file handle")
        yield

    with DaskPool(b"a setup", dask.address) as pool, pytest.raises(OSError, match="Stale file handle"):
        next(pool.run(jobs()))


def test_a_scheduler_that_does_not_answer_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.cluster.CONNECT_SECONDS", 2.0)
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", RIGHT)
    with pytest.raises(WorkerError, match="No Dask scheduler answers"):
        grade(NAME, root, scheduler=f"tcp://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("answers", [True, False])
def test_ctrl_c_ends_the_wait_for_a_cluster(tmp_path: Path, answers: bool) -> None:
    """For a scheduler that says nothing, and for one that has no workers yet."""
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", RIGHT)
    with cluster(workers=0) as made, socket.create_server(("127.0.0.1", 0)) as silent:
        made.mend()
        address = made.address if answers else f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        run = start(root, "--scheduler", address)
        deadline = time.monotonic() + 60
        while not psutil.Process(run.pid).net_connections() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        stopped = time.monotonic()
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=60)
        took = time.monotonic() - stopped
    assert took < 10  # 2 s on a quiet machine; Dask's own end of a client takes 20
    assert (run.returncode, "Traceback" in errors) == (130, False), errors


@pytest.mark.parametrize("address", ["nonsense", "tcp://head-node", "http://head-node:80", "tcp://a b:1"])
def test_what_is_no_address_of_a_scheduler_is_one_sentence(tmp_path: Path, address: str) -> None:
    root = make_course(tmp_path / "course", gradebook=True)  # even where there is nothing to grade
    result = CliRunner().invoke(main, ["grade", NAME, "--course-dir", str(root), "--scheduler", address])
    assert result.exit_code == 2
    sentence = f"autograder: {address!r} is no address of a Dask scheduler; it is like tcp://head-node:8786."
    assert result.output.splitlines() == [sentence]


def test_a_cluster_without_workers_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", RIGHT)
    monkeypatch.setattr("autograder.cluster.WORKER_SECONDS", 0.5)
    with cluster(workers=0) as made:
        made.mend()
        with pytest.raises(WorkerError, match="No worker came"):
            grade(NAME, root, scheduler=made.address)


def test_without_dask_the_extra_to_install_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", RIGHT)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"\[autograder,dask\]"):
        grade(NAME, root, scheduler="tcp://127.0.0.1:1")
