"""The walls, tried from inside: what student code finds, and what it cannot do. As root and as an ordinary user."""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from autograder import answers, places, sandbox, selftest
from autograder.assignment import Assignment
from autograder.course import Course
from autograder.errors import SandboxUnavailable, UsageError
from autograder.limits import Limits
from autograder.results import Judged
from autograder.worker import Worker
from tests import course_factory as factory

ROOT = Path(__file__).resolve().parent.parent
LIMITS = Limits(cell_seconds=20, scratch_bytes=4 << 20)


def instructor() -> factory.Notebook:
    cells = [
        factory.cell("code", "f", "### BEGIN SOLUTION\ndef f(): return 1\n### END SOLUTION", solution=True),
        factory.cell(
            "code", "f__check", "SECRET = 'a hidden value'\nassert f() == 1", grade=True, locked=True, points=1
        ),
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    course = tmp_path_factory.mktemp("course")
    (course / "gradebook.db").write_text("everyone's grades")
    files = course / "source"
    (files / "sub").mkdir(parents=True)
    (files / "data.csv").write_text("1,2")
    (files / "sub" / "helper.py").write_text("VALUE = 3")
    (files / "numpy.py").write_text("raise RuntimeError('not the real one')")
    (files / "x.ipynb").write_text("the hidden tests")
    with Worker(Assignment("n", instructor()), LIMITS, secret=[course], folder=files) as started:
        yield started


def seen(worker: Worker, source: str) -> str:
    """What the student's cell printed."""
    notebook = instructor()
    notebook["cells"][0]["source"] = source + "\ndef f(): return 1"
    judged = worker.grade(notebook)
    assert judged.scores == {"f__check": 1}, judged
    return printed(judged)


def printed(judged: Judged) -> str:
    return "".join(item.get("text", item.get("evalue", "")) for item in judged.notebook["cells"][0]["outputs"]).strip()


FORBIDDEN = [
    "/etc/passwd", "/etc/shadow", "/root/.bashrc", "/home", "/var", "/run", "/sys/kernel", "/proc/1/environ",
    "/proc/self/mem", "/dev/mem", "/dev/pts", "/old", "/boot", "/mnt", "/etc/hosts", str(ROOT / "source"),
    str(ROOT / "reference"), str(ROOT / "tests"), str(ROOT / ".git"), str(places.PACKAGE),
]  # fmt: skip


def test_files_that_are_none_of_its_business_are_not_there(worker: Worker) -> None:
    course = worker.secret[0]
    ways = {str(folder) for path in places.visible([]) for folder in path.parents}  # to Python itself
    forbidden = [path for path in [*FORBIDDEN, course] if path not in ways]
    source = f"import os\nprint([p for p in {forbidden!r} if os.path.lexists(p)])"
    assert seen(worker, source) == "[]"
    assert seen(worker, "import os\nprint(os.path.realpath('/dev/shm'))") == "/scratch"


def test_the_instructors_files_are_there_but_no_notebook_and_no_shadow(worker: Worker) -> None:
    source = (
        "import os, numpy\nfrom sub import helper\n"
        "print(sorted(os.listdir('.')), open('data.csv').read(), helper.VALUE, numpy.add(1, 1))"
    )
    assert seen(worker, source) == "['data.csv', 'numpy.py', 'sub'] 1,2 3 2"


def test_each_submission_starts_with_an_empty_folder_and_a_clean_environment(worker: Worker) -> None:
    leave = (
        "import os\nfor p in ('left', '.ipython/profile_default/startup/x.py', 'usercustomize.py'):\n"
        "    os.makedirs(os.path.dirname(p) or '.', exist_ok=True)\n    open(p, 'w').write('x')\n"
        "os.environ['LEFT'] = '1'; import builtins; builtins.LEFT = 1"
    )
    seen(worker, leave)
    look = "import os, builtins\nprint(sorted(os.listdir('.')), sorted(os.environ), hasattr(builtins, 'LEFT'))"
    left = seen(worker, look)
    assert "left" not in left.lower()
    assert left.startswith("['data.csv', 'numpy.py', 'sub']")
    assert not any(word in left for word in ("NBGRADER", "PYTHONPATH", "SECRET", "TOKEN", "JUPYTER"))


REFUSED = {
    "network": "import socket; socket.create_connection(('127.0.0.1', 22), 1)",
    "internet socket": "import socket; socket.socket()",
    "abstract socket": "import socket; socket.socket(socket.AF_UNIX).connect('\\0x')",
    "datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 53))",
    "program": "import subprocess; subprocess.run(['/bin/true'])",
    "exec": "import os; os.execv('/usr/bin/true', ['true'])",
    "fork": "import os; os.fork()",
    "multiprocessing": "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
    "write to python": "import os; open(os.__file__, 'a')",
    "write to packages": "import numpy; open(numpy.__file__, 'w')",
    "write to root": "open('/x', 'w')",
    "list the root": "import os; os.listdir('/')",
    "delete": "import os, numpy; os.remove(numpy.__file__)",
    "chmod": "import os, numpy; os.chmod(numpy.__file__, 0o777)",
    "device": "import os; os.mknod('x', 0o600 | 0o020000, os.makedev(1, 1))",
    "root": "import os; os.setuid(0)",
    "kill the parent": "import os; os.kill(os.getppid() or 999999, 9)",
    "another process": "import os; os.kill(2, 9)",
    "limit": "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "its own time": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))",
    "its own time, otherwise": "import resource; resource.prlimit(0, resource.RLIMIT_CPU, (1, 1))",
    "lock": "import fcntl, numpy; fcntl.flock(open(numpy.__file__), fcntl.LOCK_SH)",
    "lock of a part": "import fcntl, numpy; fcntl.lockf(open(numpy.__file__), fcntl.LOCK_SH | fcntl.LOCK_NB)",
    "priority": "import os; os.setpriority(os.PRIO_PROCESS, 0, -5)",
    "affinity": "import os; os.sched_setaffinity(0, range(os.cpu_count()))",
    "hostname": "import socket; socket.sethostname('x')",
    "memory file": "import os; os.memfd_create('x')",
    "disk": "open('x', 'wb').write(b'x' * (8 << 20))",
    "many files": "for i in range(10000): open(f'{i}', 'w').close()",
}
OTHERWISE = {  # than by the filter of system calls, which says EPERM
    ("write to python", "write to packages", "write to root", "delete", "chmod", "list the root"): {"EROFS", "EACCES"},
    ("kill the parent", "another process"): {"ESRCH"},
    ("limit", "its own time"): {"ValueError"},
    ("disk", "many files"): {"ENOSPC"},
    ("root",): {"EINVAL"},
}


@pytest.mark.parametrize("attempt", REFUSED)
def test_what_student_code_has_no_need_of_is_refused(attempt: str, worker: Worker) -> None:
    source = (
        f"import errno\ntry:\n    exec({REFUSED[attempt]!r})\n"
        "except ValueError:\n    print('ValueError')\nexcept OSError as error:\n    print(errno.errorcode[error.errno])"
    )
    errors = next((errors for attempts, errors in OTHERWISE.items() if attempt in attempts), {"EPERM"})
    assert seen(worker, source) in errors


CALLS = {
    "unshare": (0x10000000,), "mount": (b"tmpfs", b"/scratch", b"tmpfs", 0, None), "umount2": (b"/scratch", 2),
    "ptrace": (16, 1, 0, 0), "chroot": (b"/scratch",), "setns": (0, 0), "personality": (0x0040000,),
    "swapon": (b"/x", 0), "reboot": (0,), "shmget": (1, 4096, 0o1666), "msgget": (1, 0o1666), "semget": (1, 1, 0o1666),
    "process_vm_readv": (1, None, 0, None, 0, 0), "sethostname": (b"x", 1), "inotify_init": (), "inotify_init1": (0,),
    "syncfs": (0,),
}  # fmt: skip
SYSCALLS = {
    "bpf": 321, "keyctl": 250, "add_key": 248, "userfaultfd": 323, "io_uring_setup": 425, "perf_event_open": 298,
    "set_mempolicy": 238, "statmount": 457, "listmount": 458, "io_setup": 206,
}  # fmt: skip
FCNTL = {"whose lock it is": 5, "a lock": 6, "a lock, if it takes long": 7, "a lease": 1024, "a notice": 1026}
FCNTL |= {"whose lock it is, otherwise": 36, "a lock of the open file": 37, "such a lock, if it takes long": 38}


def test_system_calls_that_open_ways_out_are_refused(worker: Worker) -> None:
    source = (
        "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\nopen_ways = []\n"
        f"for name, arguments in {CALLS!r}.items():\n"
        "    result = getattr(libc, name)(*arguments)\n"
        "    if result != -1 or ctypes.get_errno() != errno.EPERM: open_ways.append(name)\n"
        f"for name, number in {SYSCALLS!r}.items():\n"
        "    result = libc.syscall(number, 0, 0, 0, 0, 0)\n"
        "    if result != -1 or ctypes.get_errno() != errno.EPERM: open_ways.append(name)\n"
        f"for name, command in {FCNTL!r}.items():\n"
        "    result = libc.fcntl(0, command, None)\n"
        "    if result != -1 or ctypes.get_errno() != errno.EPERM: open_ways.append(name)\n"
        "print(open_ways)"
    )
    if os.uname().machine != "x86_64":
        source = source.replace(repr(SYSCALLS), "{}")
    assert seen(worker, source) == "[]"


def test_there_is_nothing_of_the_tests_in_the_students_process(worker: Worker) -> None:
    source = (
        "import gc, linecache, sys\nneedle = ' '.join(['a', 'hidden', 'value'])\n"
        "found = [o for o in gc.get_objects() if type(o) in (str, list, tuple, dict) and needle in repr(o)[:5000]]\n"
        "frames = [f for f in sys._current_frames().values()]\n"
        "print([repr(o)[:80] for o in found if not isinstance(o, dict) or 'needle' not in o], "
        "[name for name, entry in linecache.cache.items() if needle in repr(entry)])"
    )
    assert seen(worker, source) == "[] []"


def test_threads_timers_and_event_loops_of_honest_work_run(worker: Worker) -> None:
    source = (
        "import asyncio, threading, concurrent.futures as c, tempfile, random, datetime\n"
        "with c.ThreadPoolExecutor(4) as pool: total = sum(pool.map(lambda x: x * x, range(10)))\n"
        "with tempfile.NamedTemporaryFile() as f: f.write(b'x')\n"
        "print(total, asyncio.run(asyncio.sleep(0, 5)), datetime.datetime.now().year > 2000)"
    )
    assert seen(worker, source) == "285 5 True"


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mounts() -> str:
        return Path("/proc/self/mountinfo").read_text()

    before = mounts()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Worker(Assignment("n", instructor()), LIMITS) as worker:
        assert worker._process is not None
        top = psutil.Process(worker._process.pid)
        seen(worker, "import threading, time\nthreading.Thread(target=time.sleep, args=(999,), daemon=True).start()")
        family = [top, *top.children(recursive=True)]
    assert len(family) >= 2
    assert psutil.wait_procs(family, timeout=10)[1] == []
    assert mounts() == before
    assert list(tmp_path.iterdir()) == []


def test_without_isolation_the_tests_still_run_apart() -> None:
    with Worker(Assignment("n", instructor()), LIMITS, isolation="none") as open_worker:
        hidden = "import sys\nprint('SECRET' in globals(), 'pytest' in sys.modules)"
        assert seen(open_worker, hidden) == "False False"
        notebook = instructor()
        notebook["cells"][0]["source"] = "def f():\n    import os; os._exit(0)"
        assert open_worker.grade(notebook).scores == {"f__check": 0}
        assert seen(open_worker, "import os; print(os.listdir('.'))") == "[]"
        settings = "import os; print(os.path.exists(os.environ['MPLCONFIGDIR'] + '/x'))"
        left = "import os; os.makedirs(os.environ['MPLCONFIGDIR']); open(os.environ['MPLCONFIGDIR'] + '/x', 'w')\n"
        assert [seen(open_worker, source) for source in (left + settings, settings)] == ["True", "False"]


def test_a_secret_that_can_be_seen_stops_everything_before_a_submission_runs() -> None:
    visible = Path(os.__file__).parent
    worker = Worker(Assignment("n", instructor()), LIMITS, secret=[visible])
    with pytest.raises(SandboxUnavailable, match="can be seen"):
        worker.__enter__()


@pytest.fixture
def installed() -> Iterator[Path]:
    """A folder among the installed packages, for one test."""
    folder = Path(sysconfig.get_path("purelib"), f"answers_of_{os.getpid()}")
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)
    for path in [folder.with_suffix(".py"), *folder.parent.glob(f"__pycache__/{folder.name}.*")]:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("form", ["package", "module"])
def test_answers_that_are_installed_are_covered(form: str, installed: Path, tmp_path: Path) -> None:
    path = installed / "__init__.py" if form == "package" else installed.with_suffix(".py")
    if form == "module":
        installed.rmdir()
    path.write_text("SOLUTION = 'a hidden value'")
    py_compile.compile(str(path))
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\nc.Answers.module = '{installed.name}'")
    secret = answers.places(Course.open(tmp_path), [])
    installed.mkdir(exist_ok=True)
    look = (
        f"import glob\nfor p in glob.glob({str(installed) + '*'!r}) + glob.glob({str(installed) + '/*'!r})"
        f" + glob.glob({str(path.parent / '__pycache__' / installed.name) + '*'!r}):\n"
        "    try: print(len(open(p).read()))\n    except IsADirectoryError: pass\n"
        f"try:\n    import {installed.name} as found\n    print(found.SOLUTION)\n"
        "except (ImportError, AttributeError): print('nothing')"
    )
    with Worker(Assignment("n", instructor()), LIMITS, secret=secret) as worker:
        assert set(seen(worker, look).split()) <= {"0", "nothing"}


def test_what_the_self_test_finds_open_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = sandbox.resource_limits(LIMITS)
    assert {"RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_FSIZE"} <= wanted.keys()
    problems = " ".join(selftest.probe([], 1 << 40, 1 << 40, wanted, walls=False))
    assert all(name in problems for name in ("RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CPU"))


def test_the_machines_name_is_not_told(worker: Worker) -> None:
    assert seen(worker, "import os, socket\nprint(os.uname().nodename, socket.gethostname())") == "sandbox sandbox"


def test_a_system_that_refuses_namespaces_is_told_what_to_do() -> None:
    error = sandbox.advice("unshare: Operation not permitted")
    assert "user namespaces" in str(error)
    assert 'c.Engine.isolation = "none"' in str(error)
    assert error.exit_code == 3


@pytest.mark.parametrize("values", [{"memory_bytes": 0}, {"cell_seconds": -1}, {"processes": 1.5}, {"files": 3}])
def test_limits_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"limit"):
        Limits.from_mapping(values)


def test_paths_to_be_seen_do_not_hold_the_repository() -> None:
    seen_paths = places.visible(["normlab", "numpy"])
    assert not any(path in (ROOT, *ROOT.parents, Path("/"), Path("/usr")) for path in seen_paths)
    assert any(path.name == "normlab" for path in seen_paths)


def _blocked(path: Path) -> Path | None:
    """The outermost folder on the way that only its owner may enter."""
    ancestors = [*reversed(path.parents), path]
    return next((folder for folder in ancestors if not folder.stat().st_mode & 0o001), None)


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests of this file run as an ordinary user already")
def test_an_ordinary_user_grades_with_the_same_scores(tmp_path: Path) -> None:
    script = tmp_path / "grade.py"
    script.write_text(
        f"import sys\nsys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
        "from test_sandbox import instructor, LIMITS\n"
        "from autograder.assignment import Assignment\nfrom autograder.worker import Worker\n"
        "with Worker(Assignment('n', instructor()), LIMITS) as worker: print(worker.grade(instructor()).scores)\n"
    )
    # Where root alone may enter, a mount namespace of the test's own shows the same paths to everyone.
    paths = [Path(sys.base_prefix), Path(sys.prefix), ROOT, tmp_path]
    covers = {folder for path in paths if (folder := _blocked(path))}
    shown = [path for path in paths if _blocked(path)]
    steps = [f"exec {fd}<{path}" for fd, path in enumerate(shown, 5)]
    steps += [f"mount -t tmpfs -o mode=755 tmpfs {folder}" for folder in covers]
    steps += [
        f"mkdir -p {path}; mount --no-canonicalize --bind /proc/self/fd/{fd} {path}" for fd, path in enumerate(shown, 5)
    ]
    steps += [f"chmod 755 {tmp_path}; cd /"]
    steps += [f"exec setpriv --reuid=65534 --regid=65534 --clear-groups {sys.executable} {script}"]
    home = {"HOME": "/nowhere", "PATH": os.environ["PATH"], "MPLCONFIGDIR": str(tmp_path)}
    command = ["unshare", "--mount", "bash", "-ec", "\n".join(steps)]
    result = subprocess.run(command, capture_output=True, text=True, env=home)
    assert result.stdout.strip() == "{'f__check': 1.0}", result.stderr


def test_a_python_that_lies_below_what_is_never_visible_can_be_graded_with(monkeypatch: pytest.MonkeyPatch) -> None:
    above = [str(folder) for folder in Path(sys.prefix).resolve().parents if folder != Path("/")]
    monkeypatch.setattr("autograder.worker.NEVER_VISIBLE", ("/etc/shadow", *above))
    with Worker(factory.assignment()) as worker:
        assert worker.grade(factory.answered(factory.RIGHT)).scores["scale_forward__values"] == 3
