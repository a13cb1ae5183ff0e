"""The walls around student code on Linux: namespaces, a new root, no capabilities, Landlock, seccomp, limits.

Two steps. The fork server enters with ``enter``: own user, mount, pid, network, ipc and uts namespaces, and a
root that holds Python, its packages and nothing else, read-only. Each student child then goes on in
``forkserver._become_student``: a scratch folder of its own, no capabilities, no new privileges, resource limits,
Landlock, seccomp.
See user_namespaces(7), mount_namespaces(7), landlock(7), seccomp(2).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from autograder.bounds import mapped
from autograder.errors import SandboxUnavailable
from autograder.limits import Limits

SCRATCH = "/scratch"

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 4, 24, 38, 22
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, SECCOMP_MODE_FILTER = 47, 4, 2
CAPABILITY_VERSION_3 = 0x20080522
# These numbers are the same on every architecture.
SYS_MOUNT_SETATTR, SYS_LANDLOCK_CREATE, SYS_LANDLOCK_ADD, SYS_LANDLOCK_RESTRICT = 442, 444, 445, 446
AT_RECURSIVE, MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 0x8000, 1, 2, 4
LANDLOCK_READ, LANDLOCK_NOT_DIRECTORY = 0b1100, 0b110 | 1 << 14  # read file and folder; rights a file can have
LANDLOCK_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15}  # rights known to a version; later ones know 16

HOST = b"sandbox"
NOBODY = 65534  # who a student is, seen from inside

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def advice(reason: str) -> SandboxUnavailable:
    """The error that says what to do when this system cannot isolate student code."""
    if not sys.platform.startswith("linux"):
        remedy = "Grade on Linux, for instance in a container"
    else:
        remedy = (
            "Linux 5.12 or newer is needed. Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
            "kernel.apparmor_restrict_unprivileged_userns=0; in a container "
            "--security-opt seccomp=unconfined --security-opt apparmor=unconfined)"
        )
    return SandboxUnavailable(
        f"This system cannot isolate student code ({reason}); nothing was graded. {remedy}, or grade without "
        'isolation: c.Engine.isolation = "none" in nbgrader_config.py.'
    )


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def unshare(flags: int) -> None:
    """unshare(2); OSError with its reason."""
    _check(_libc.unshare(flags), "unshare")


def enter_pid_namespace(pidfd: int) -> None:
    """Children forked from now on are born in the pid namespace of ``pidfd``'s process."""
    _check(_libc.setns(pidfd, CLONE_NEWPID), "setns")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """mount(2); OSError with its reason."""
    arguments = [text.encode() if text is not None else None for text in (source, target, kind)]
    data = options.encode() if options else None
    _check(_libc.mount(*arguments, ctypes.c_ulong(flags), data), f"mount {target}")


def enter(visible: Iterable[Path], hidden: Iterable[Path], pivot_root: int, uid: int) -> None:
    """New namespaces and a new root for this process and those it forks. Raises OSError.

    ``visible`` can be read inside at their own paths, ``hidden`` within them are covered; ``pivot_root`` is the
    number of that system call here; ``uid`` is whom root becomes. The pid namespace holds for children only.
    """
    proc = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
    others = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
    if os.geteuid() == 0:
        # Mounts first, while root may read everything; then an ordinary user's namespace, as for an ordinary user.
        unshare(CLONE_NEWNS)
        _new_root(visible, hidden, pivot_root)
        become(uid)
        _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # or /proc/self/uid_map stays root's
        _new_user(proc)
        unshare(others | CLONE_NEWPID)
    else:
        _new_user(proc)
        unshare(others | CLONE_NEWPID)
        _new_root(visible, hidden, pivot_root)
    for name in (_libc.sethostname, _libc.setdomainname):  # of this namespace; the machine's own tell where it stands
        _check(name(HOST, len(HOST)), "the host's name")
    os.close(proc)


def _new_user(proc: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER)
    texts = {"setgroups": "deny", "uid_map": f"{NOBODY} {uid} 1", "gid_map": f"{NOBODY} {gid} 1"}
    for name, text in texts.items():
        fd = os.open(name, os.O_WRONLY, dir_fd=proc)
        os.write(fd, text.encode())
        os.close(fd)


def _new_root(visible: Iterable[Path], hidden: Iterable[Path], pivot_root: int) -> None:
    """A tmpfs with read-only binds of ``visible`` becomes the root; the old root is gone afterwards."""
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    # Opened before the tmpfs below may cover them.
    sources = [(path, os.open(path, os.O_PATH)) for path in visible if path.exists()]
    devices = [(name, os.open(f"/dev/{name}", os.O_PATH)) for name in ("null", "zero", "full", "urandom", "random")]
    base = Path("/tmp")
    mount("tmpfs", str(base), "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=755")
    root = base / "root"
    root.mkdir()
    mount("tmpfs", str(root), "tmpfs", MS_NOSUID, "size=16m,mode=755")
    for path, fd in sources:
        _bind(fd, root / path.relative_to("/"))
    empty = base / "empty"
    empty.touch()
    for path in hidden:
        target = root / path.relative_to("/")
        if target.is_dir():
            mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "size=4k,mode=755")
        elif target.exists():
            mount(str(empty), str(target), None, MS_BIND)
    (root / "dev").mkdir(exist_ok=True)
    for name, fd in devices:
        target = root / "dev" / name
        target.touch()
        mount(f"/proc/self/fd/{fd}", str(target), None, MS_BIND)
        os.close(fd)
    for name in ("old", SCRATCH[1:]):
        (root / name).mkdir(exist_ok=True)
    for name in ("lib", "lib64"):
        if os.path.islink(f"/{name}") and not os.path.lexists(root / name):
            os.symlink(os.readlink(f"/{name}"), root / name)
    for name in ("tmp", "dev/shm"):  # the latter for the locks of multiprocessing, which a pool of threads has, too
        if not os.path.lexists(root / name):
            os.symlink(SCRATCH, root / name)
    os.chdir(root)
    _check(_libc.syscall(pivot_root, b".", b"old"), "pivot_root")
    os.chdir("/")
    _check(_libc.umount2(b"/old", MNT_DETACH), "umount")
    os.rmdir("/old")
    mount("tmpfs", SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=1777")  # the server's own
    mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID)


def _bind(fd: int, target: Path) -> None:
    """A read-only bind of the opened path, with whatever is mounted below it."""
    source = f"/proc/self/fd/{fd}"
    if os.path.isdir(source):
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(source, str(target), None, MS_BIND | MS_REC)
    os.close(fd)
    read_only = struct.pack("=QQQQ", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0, 0)
    result = _libc.syscall(SYS_MOUNT_SETATTR, -100, str(target).encode(), AT_RECURSIVE, read_only, len(read_only))
    _check(result, f"mount_setattr {target}")


def new_scratch(limits: Limits) -> None:
    """An empty working folder for one child, in a mount namespace of its own."""
    unshare(CLONE_NEWNS | CLONE_NEWIPC)
    options = f"size={limits.scratch_bytes},nr_inodes={limits.scratch_files},mode=700"
    mount("tmpfs", SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV, options)


def may_become(uid: int) -> bool:
    """Whether this is root, and its user namespace knows that user."""
    try:
        numbers = list(map(int, Path("/proc/self/uid_map").read_text().split()))
    except OSError:
        return False
    known = zip(numbers[::3], numbers[2::3], strict=True)
    return os.geteuid() == 0 and any(first <= uid < first + count for first, count in known)


def become(uid: int) -> None:
    """Go on as this user, for good; root alone can."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def drop_capabilities() -> None:
    """All of them, for good: also those that a program could bring along."""
    for capability in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    _check(_libc.capset(struct.pack("=II", CAPABILITY_VERSION_3, 0), bytes(24)), "capset")


def resource_limits(limits: Limits) -> dict[str, int]:
    """Of a student's process, by name, but for its memory, which comes on top of what it holds already."""
    return {
        "RLIMIT_CPU": limits.cpu_seconds,
        "RLIMIT_NPROC": limits.processes,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_FSIZE": limits.scratch_bytes,
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_SIGPENDING": 256,
        "RLIMIT_NICE": 0,
        "RLIMIT_RTPRIO": 0,
    }


def limit_resources(limits: Limits) -> None:
    """Limit this process and its threads."""
    wanted = resource_limits(limits) | {"RLIMIT_AS": _known_address_space + limits.memory_bytes}
    for name, value in wanted.items():
        number = getattr(resource, name, None)
        if number is not None:
            _, hard = resource.getrlimit(number)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (value, value))


_known_address_space = 0


def remember_address_space() -> None:
    """Note what this process maps, while /proc can be read; its children start from there."""
    global _known_address_space
    with suppress(OSError):
        _known_address_space = mapped()


def restrict_paths(writable: Iterable[str], readable: Iterable[str]) -> None:
    """Landlock: read below ``readable``, everything but executing below ``writable``, nothing elsewhere.

    Signals and abstract sockets stay within. Where the kernel has no Landlock, the new root holds alone.
    """
    version = _libc.syscall(SYS_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return
    handled = (1 << LANDLOCK_FS_BITS.get(version, 16)) - 1
    sizes = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}
    attributes = struct.pack("=QQQ", handled, 0b11 if version >= 4 else 0, 0b11)[: sizes.get(version, 24)]
    ruleset = _check(_libc.syscall(SYS_LANDLOCK_CREATE, attributes, len(attributes), 0), "landlock_create_ruleset")
    execute = 1
    for paths, rights in ((readable, LANDLOCK_READ), (writable, handled & ~execute)):
        for path in paths:
            try:
                fd = os.open(path, os.O_PATH)
            except FileNotFoundError:
                continue
            allowed = rights if os.path.isdir(path) else rights & LANDLOCK_NOT_DIRECTORY
            rule = struct.pack("=Qi", allowed & handled, fd)
            _check(_libc.syscall(SYS_LANDLOCK_ADD, ruleset, 1, rule, 0), f"landlock_add_rule {path}")
            os.close(fd)
    _check(_libc.syscall(SYS_LANDLOCK_RESTRICT, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Get this signal when the process that started this one ends, however it ends."""
    if sys.platform.startswith("linux"):
        _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def forbid_new_privileges() -> None:
    """No program gives this process more than it has."""
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def load_filter(program: bytes) -> None:
    """Install a seccomp program made by ``seccomp.program``."""
    buffer = ctypes.create_string_buffer(program, len(program))
    described = _Program(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    _check(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(described), 0, 0), "seccomp")
