"""Proof at each start that the sandbox holds: the probe runs in a real student process, before any submission."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.sandbox import CLONE_NEWUSER, HOST

PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ = 21, 39, 23
PTRACE_TRACEME = 0
SYS_STATMOUNT, F_SETLEASE = 457, 1024  # on every architecture
ALLOWED_VARIABLES = {
    "HOME",
    "IPYTHONDIR",
    "LANG",
    "LC_CTYPE",
    "LOGNAME",
    "MPLBACKEND",
    "MPLCONFIGDIR",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PATH",
    "TMPDIR",
    "USER",
}


def probe(
    forbidden: list[str], memory_bytes: int, scratch_bytes: int, limits: dict[str, int], walls: bool
) -> list[str]:
    """What does not hold, one sentence each; an empty list is a pass.

    ``forbidden`` are paths that must not be there; ``limits`` those of the system, by name; ``walls`` is false without
    isolation, when only what still must hold is looked at.
    """
    problems = _limits(memory_bytes, limits) + _environment()
    if walls:
        problems += _paths(forbidden) + _calls() + _network() + _privileges() + _scratch(scratch_bytes)
    return problems


def _refused(what: str, action: Callable[[], Any]) -> list[str]:
    """A problem unless the system refuses ``action``."""
    try:
        action()
    except (OSError, ValueError):
        return []
    return [f"{what} was possible"]


def _limits(memory_bytes: int, limits: dict[str, int]) -> list[str]:
    problems = []
    for name, most in limits.items():
        soft, hard = resource.getrlimit(getattr(resource, name)) if hasattr(resource, name) else (most, most)
        if soft != hard or not 0 <= hard <= most:
            problems.append(f"{name} is {soft} of {hard} and not {most}")
    if sys.platform.startswith("linux"):
        # malloc does not touch what it gives, so this costs nothing when it wrongly succeeds.
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        libc.malloc.argtypes = [ctypes.c_size_t]
        libc.free.argtypes = [ctypes.c_void_p]
        block = libc.malloc(memory_bytes + (1 << 30))
        if block:
            libc.free(block)
            problems.append("memory over the limit was given")
    thread = threading.Thread(target=lambda: None)
    try:
        thread.start()
        thread.join()
    except RuntimeError:
        problems.append("a thread cannot be started, though honest work may need some")
    return problems


def _environment() -> list[str]:
    extra = sorted(set(os.environ) - ALLOWED_VARIABLES)
    return [f"the environment holds {', '.join(extra)}"] if extra else []


def _paths(forbidden: list[str]) -> list[str]:
    problems = [f"{path} can be seen" for path in forbidden if _seen(path)]
    for path in ("/", os.path.dirname(os.__file__)):
        probe_file = Path(path, "probe")
        problems += _refused(f"writing to {path}", probe_file.touch)
    with suppress(OSError):
        problems += [f"/proc holds {name}" for name in os.listdir("/proc")[:1]]
    open_files = []
    for fd in range(3, 256):
        with suppress(OSError):
            os.fstat(fd)
            open_files.append(fd)
    if os.uname().nodename != HOST.decode():
        problems.append("the machine's name can be seen")
    if len(open_files) != 1:
        problems.append(f"descriptors {open_files} are open where one was expected")
    return problems


def _seen(path: str) -> bool:
    """Whether there is something; what is covered (``sandbox.enter``) is an empty folder or an empty file."""
    try:
        if os.path.isfile(path):
            return Path(path).stat().st_size > 0
        return os.path.lexists(path) and bool(os.listdir(path))
    except (NotADirectoryError, PermissionError):
        return True


def _calls() -> list[str]:
    libc = ctypes.CDLL(None, use_errno=True)
    problems = _refused("starting a program", lambda: os.execv("/usr/bin/true", ["true"]))
    problems += _refused("starting a process", _fork)
    calls: tuple[tuple[str, Callable[[], int]], ...] = (
        ("a new user namespace", lambda: libc.unshare(CLONE_NEWUSER)),
        ("ptrace", lambda: libc.ptrace(PTRACE_TRACEME, 0, 0, 0)),
        ("a mount", lambda: libc.mount(b"tmpfs", b"/scratch", b"tmpfs", 0, None)),
        ("chroot", lambda: libc.chroot(b"/")),
    )
    for what, call in calls:
        if call() == 0:
            problems.append(f"{what} was possible")
    if libc.syscall(SYS_STATMOUNT, None, None, 0, 0) == 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        problems.append("statmount was possible")
    if libc.fcntl(0, F_SETLEASE, 0) == 0 or ctypes.get_errno() != errno.EPERM:
        problems.append("a lease of a file was possible")
    return problems


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _network() -> list[str]:
    problems: list[str] = []
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
        problems += _refused(f"a socket of family {family.name}", lambda family=family: socket.socket(family).close())  # type: ignore[misc]
    return problems


def _privileges() -> list[str]:
    libc = ctypes.CDLL(None, use_errno=True)
    problems = []
    if libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1:
        problems.append("new privileges are not forbidden")
    if libc.prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 2:
        problems.append("no system call filter is in force")
    if any(libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 for capability in range(64)):
        problems.append("capabilities were left")
    problems += _refused("raising a limit", lambda: resource.setrlimit(resource.RLIMIT_CPU, (-1, -1)))
    return [*problems, "this process is root"] if os.getuid() == 0 else problems


def _scratch(scratch_bytes: int) -> list[str]:
    problems = []
    room = os.statvfs(".")
    if room.f_blocks * room.f_frsize > scratch_bytes + (1 << 20):
        problems.append("the working folder is larger than its limit")
    try:
        with open("probe", "w") as file:
            file.write("x")
        os.remove("probe")
    except OSError:
        problems.append("the working folder cannot be written")
    return problems
