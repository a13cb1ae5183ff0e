"""The trusted process of one worker: imports first, forks off the sandboxed server, then reads the assignment.

It talks to ``Worker`` over a socket in frames of JSON: a set-up, the assignment, then one notebook after the
other. Each notebook is judged in a process forked from this one.
"""

from __future__ import annotations

import base64
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.bounds import lift_memory_limit, limit_memory
from autograder.errors import AutograderError, SandboxUnavailable, WorkerError
from autograder.limits import Limits

GRACE = 10.0  # seconds that a judge may take beyond the notebook's own time
SELF_TEST_SECONDS = 60.0
_SIZE = struct.Struct("<Q")
_JUDGING = ("autograder.judge", "autograder.recording")  # never in the process of the student
_NO_RESULT = "the judge ended without a result"


def send(sock: socket.socket, message: Any) -> None:
    """One message: its size, then bytes or JSON."""
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    sock.sendall(_SIZE.pack(len(data)) + data)


def receive(sock: socket.socket) -> bytes:
    """One frame; EOFError when the other side is gone."""
    size: int = _SIZE.unpack(_exactly(sock, _SIZE.size))[0]
    return _exactly(sock, size)


def receive_json(sock: socket.socket) -> dict[str, Any]:
    """One message of JSON; EOFError where the other side is gone."""
    message: dict[str, Any] = json.loads(receive(sock))
    return message


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = sock.recv(min(size - len(data), 1 << 20))
        if not more:
            raise EOFError
        data += more
    return bytes(data)


def main(fd: int) -> None:
    """Serve ``Worker`` over the socket ``fd`` until it closes it."""
    client = socket.socket(fileno=fd)
    lift_memory_limit()  # of the grader's process; the judge has one of its own, and student code another
    try:
        setup = json.loads(receive(client))
        server = _start_server(client, setup)
        for name in _JUDGING:
            importlib.import_module(name)  # now, since every judge is forked from here
        assignment = _read_assignment(json.loads(receive(client)))
        limits = Limits(**setup["limits"])
        _self_test(server, setup, limits)
    except EOFError:
        return
    except AutograderError as error:
        send(client, {"error": type(error).__name__, "message": str(error)})
        return
    except Exception as error:  # a fault of our own: the whole of it goes to the log, one sentence to the caller
        traceback.print_exc()
        send(client, {"error": "WorkerError", "message": f"The grading process did not start: {error!r}."})
        return
    gc.collect()
    gc.freeze()
    with suppress(EOFError, ConnectionError, WorkerError):  # the grader is gone, or what starts student processes
        send(client, {"ready": True})
        while True:
            send(client, _judge_apart(client, json.loads(receive(client)), assignment, limits, server, setup["cpu"]))


def _start_server(client: socket.socket, setup: dict[str, Any]) -> Any:
    """Import what both sides need, and fork the server of student processes before anything else is read."""
    for name in ("numpy.testing", "IPython.core.interactiveshell", *setup["modules"]):
        _preload(name)
    from autograder import forkserver

    walls = _walls(setup)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    sys.stdout.flush()
    if os.fork() == 0:
        setup.clear()  # its frames lie under those of student code, and it names the course's folders
        client.close()
        ours.close()
        forkserver.run(theirs, walls)
    theirs.close()
    # Where Python itself lies below one of those, only the way to it is there.
    ways = {str(folder) for path in walls.visible for folder in path.parents}
    setup["forbidden"] += [path for path in setup["never"] if path not in ways]
    return forkserver.ForkServer(ours)


def _preload(name: str) -> None:
    """Import a module if it is there; a notebook that needs a missing one says so itself."""
    with suppress(Exception):
        importlib.import_module(name)


def _walls(setup: dict[str, Any]) -> Any:
    from autograder import places, sandbox, seccomp
    from autograder.forkserver import Walls

    limits = Limits(**setup["limits"])
    files = {name: base64.b64decode(content) for name, content in setup["files"].items()}
    if not setup["isolated"]:
        # Without walls another user's rights still keep a student out of what root alone may read.
        apart = sandbox.may_become(setup["uid"]) and places.open_to_all(places.visible(setup["modules"]))
        return Walls(False, limits, uid=setup["uid"] if apart else 0, files=files, cpu=setup["cpu"])
    if not sys.platform.startswith("linux"):
        raise sandbox.advice(f"it is {sys.platform}, not Linux")
    program = seccomp.program()
    seen = places.visible(setup["modules"])
    return Walls(
        True,
        limits,
        visible=seen,
        hidden=places.hidden(seen, map(Path, setup["forbidden"])),
        pivot_root=seccomp.number("pivot_root"),
        uid=setup["uid"],
        program=program,
        files=files,
        cpu=setup["cpu"],
    )


def _read_assignment(data: dict[str, Any]) -> Any:
    from autograder.assignment import Assignment
    from autograder.regions import Markers

    assignment = Assignment(data["name"], data["notebook"], Markers(**data["markers"]))
    folder = data["folder"]
    if folder:
        os.chdir(folder)
        sys.path.append("")
    for name in assignment.modules:
        _preload(name)
    assignment.compile()
    return assignment


def _self_test(server: Any, setup: dict[str, Any], limits: Limits) -> None:
    """Raises SandboxUnavailable if the walls do not hold."""
    from autograder import journal, sandbox
    from autograder.exceptions import StudentDied
    from autograder.session import Session

    server.wait_until_ready(SELF_TEST_SECONDS)
    kept = journal.make(limits)
    connection, _ = server.spawn(kept)
    os.close(kept)
    connection.settimeout(SELF_TEST_SECONDS)
    session = Session(connection, limits, lambda items: None)
    sizes = limits.memory_bytes, limits.scratch_bytes, sandbox.resource_limits(limits)
    try:
        problems = session.request("self-test", setup["forbidden"], *sizes, setup["isolated"])
    except (StudentDied, Exception) as error:
        problems = [f"the self-test did not finish ({error})"]
    server.kill()
    if problems or type(problems) is not list:
        raise SandboxUnavailable(f"The sandbox does not hold, so nothing was graded: {'; '.join(map(str, problems))}.")


def _judge_apart(
    client: socket.socket, request: dict[str, Any], assignment: Any, limits: Limits, server: Any, cpu: int | None
) -> bytes:
    """Judge one notebook in a process of its own; its result as JSON, whatever became of that process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            client.close()
            _judge_here(write, request, assignment, limits, server, cpu)
        except WorkerError:  # this process's parent is about to notice, too
            pass
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    os.close(write)
    started = time.monotonic()
    try:
        data, reason = _collect(client, read, limits)
    finally:
        os.close(read)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        server.kill()
    if reason is None:
        return data
    outside = reason == _NO_RESULT and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return _failed(request["notebook"], assignment, reason, time.monotonic() - started, outside)


def _judge_here(write: int, request: Any, assignment: Any, limits: Limits, server: Any, cpu: int | None) -> None:
    from autograder.forkserver import pin
    from autograder.judge import Judge
    from autograder.recording import Recorder
    from autograder.sandbox import die_with_parent

    die_with_parent()
    pin(cpu)
    limit_memory(limits.judge_memory_bytes, for_good=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    recorder = Recorder() if request["record"] else None
    judge = Judge(assignment, request["notebook"], limits, server, recorder)
    judged = judge.run(request["seed"], request["record"] == "always")
    with os.fdopen(write, "wb") as pipe:
        pipe.write(b"+" + judged.to_json().encode())
    os._exit(0)


def _collect(client: socket.socket, read: int, limits: Limits) -> tuple[bytes, str | None]:
    """What the judge wrote, or why there is nothing. EOFError if the client went away."""
    data = bytearray()
    deadline = time.monotonic() + limits.total_seconds + GRACE
    most = limits.total_output_bytes * 2 + limits.notebook_bytes * 4
    while True:
        ready, _, _ = select.select([read, client.fileno()], [], [], max(0.0, deadline - time.monotonic()))
        if client.fileno() in ready:
            raise EOFError
        if not ready:
            return b"", f"grading did not end within {limits.total_seconds:g} s"
        more = os.read(read, 1 << 20)
        data += more
        if len(data) > most:
            return b"", "the graded notebook is too large"
        if not more:
            break
    return (bytes(data[1:]), None) if data[:1] == b"+" else (b"", _NO_RESULT)


def _failed(notebook: dict[str, Any], assignment: Any, reason: str, seconds: float, outside: bool) -> bytes:
    from autograder.results import CheckResult, Judged

    flags = [f"no test has a score: {reason}"]
    judged = Judged(notebook, seconds=seconds, deaths=[reason], outside=reason if outside else "", flags=flags)
    for cell in assignment.cells:
        if cell.kind == "test":
            judged.checks[cell.grade_id] = CheckResult("killed", cell.points, 0.0, reason)
            judged.scores[cell.grade_id] = 0.0
        elif cell.kind == "manual":
            judged.checks[cell.grade_id] = CheckResult("manual", cell.points, None)
    return judged.to_json().encode()
