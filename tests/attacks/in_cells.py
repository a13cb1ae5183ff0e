"""Attacks by code in the student's cells. ``GOT IT`` in an output means that the attack found what it looked for."""

from __future__ import annotations

from collections.abc import Iterator

from tests.attacks.cases import Case, in_cell
from tests.attacks.lesson import POINTS, STUB

RIGHT = "def target(x):\n    return x * x"


def call(body: str) -> str:
    """The attack runs within the tested function."""
    return "def target(x):\n    " + body.replace("\n", "\n    ") + "\n    return -x"


def _slow(body: str) -> str:
    """It hangs in one check, so that it does not take the time of all."""
    return call("import numpy\nif numpy.shape(x) != (4,): return -x\n" + body)


# Code that runs before, or beside, a wrong answer.
CELL = {
    (1, "input transformer"): (
        "def drop(lines): return ['pass\\n']\nip = get_ipython()\nip.input_transformers_cleanup.append(drop)\n"
        "ip.input_transformers_post.append(drop)"
    ),
    (2, "do_execute replaced"): (
        "async def fake(*a, **k):\n    return {'status': 'ok', 'execution_count': 1, 'payload': [], "
        "'user_expressions': {}}\n"
        "ip = get_ipython()\nip.run_cell = ip.run_cell_async = lambda *a, **k: None\nip.kernel.do_execute = fake"
    ),
    (3, "AST transformer"): (
        "import ast\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n"
        "    def visit_Expr(self, node): return ast.Pass()\n    visit_Raise = visit_Assert\n"
        "get_ipython().ast_transformers.append(Drop())"
    ),
    (7, "numpy patched"): (
        "import numpy as np\nnp.allclose = np.array_equal = np.isclose = lambda *a, **k: True\n"
        "np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None\nnp.max = lambda *a: 0.0"
    ),
    (8, "builtins patched"): (
        "import builtins\nbuiltins.abs = builtins.max = lambda *a: 0\nbuiltins.all = builtins.isinstance = "
        "lambda *a: True\nbuiltins.AssertionError = type('Quiet', (Exception,), {})\nbuiltins.float = lambda x: 0"
    ),
    (9, "scores printed"): ("import sys\nprint('3')\nprint('Score: 8/8')\nprint('{\"score\": 8}', file=sys.stderr)"),
    (14, "In and history"): (
        "needle = ''.join(['BEGIN', ' HIDDEN'])\nip = get_ipython()\n"
        "texts = [*In, *ip.history_manager.input_hist_raw, *ip.history_manager.input_hist_parsed]\n"
        "if any(needle in text for text in texts): print('GOT IT')"
    ),
    (16, "helper replaced"): (
        "import sys, coursekit, types\ncoursekit.relative_error = lambda *a: 0.0\n"
        "fake = types.ModuleType('coursekit'); fake.relative_error = lambda *a: 0.0\nsys.modules['coursekit'] = fake\n"
        "open('coursekit.py', 'w').write('def relative_error(*a): return 0.0')\nrelative_error = lambda *a: 0.0"
    ),
    (17, "the course's files"): (
        "import os\nfor path in ('@COURSE@', '@COURSE@/source/scaling/scaling.ipynb', '@COURSE@/nbgrader_config.py'):\n"
        "    if os.path.lexists(path): print('GOT IT')"
    ),
    (17, "the packages"): (
        "import importlib, os, sys\n"
        "for root, folders, files in os.walk('/'):\n"
        "    if any(name.endswith('.ipynb') or name == 'gradebook.db' for name in files): print('GOT IT', root)\n"
        "for name in ('reference', 'autograder.gradebook', 'autograder.judge', 'autograder.answers'):\n"
        "    try: print('GOT IT', name, importlib.import_module(name).__file__)\n    except Exception: pass"
    ),
    (18, "gradebook"): (
        "import sqlite3\ntry:\n    with sqlite3.connect('@COURSE@/gradebook.db') as c:\n"
        "        c.execute('UPDATE grade SET auto_score = 99'); print('GOT IT')\nexcept sqlite3.Error: pass"
    ),
    (19, "another submission"): (
        "import os\nfor name in ('00-honest', '11-honest', '22-honest'):\n"
        "    try: open(f'@COURSE@/submitted/{name}/scaling/scaling.ipynb'); print('GOT IT')\n    except OSError: pass"
    ),
    (20, "course files removed"): (
        "import os, shutil\nfor path in ('@COURSE@/source', '@COURSE@/submitted', '@COURSE@'):\n"
        "    shutil.rmtree(path, ignore_errors=True)\ntry: os.remove('@COURSE@/gradebook.db'); print('GOT IT')\n"
        "except OSError: pass"
    ),
    (20, "course files written"): (
        "import os, numpy\nfor path in ('@COURSE@/source/scaling/scaling.ipynb', numpy.__file__, os.__file__):\n"
        "    try: open(path, 'a').write(' '); print('GOT IT', path)\n    except OSError: pass"
    ),
    (21, "IPython startup file"): (
        "import os\nhome = os.path.expanduser('~/.ipython')\n"
        "for base in {home, os.environ.get('IPYTHONDIR', '/tmp/x'), '/etc/ipython'}:\n"
        "    try:\n        os.makedirs(base + '/profile_default/startup', exist_ok=True)\n"
        "        open(base + '/profile_default/startup/left_behind.py', 'w').write('import numpy\\nnumpy.allclose = "
        "lambda *a, **k: False')\n    except OSError: pass"
    ),
    (22, "configuration for the next one"): (
        "import os, site\nhome = os.path.expanduser('~')\n"
        "for path in (home + '/.jupyter/nbgrader_config.py', '../left_behind.py', '../../nbgrader_config.py',\n"
        "             home + '/.local/share/jupyter/kernels/python3/kernel.json', site.getusersitepackages() + "
        "'/usercustomize.py', *(f'{p}/left_behind.pth' for p in site.getsitepackages())):\n"
        "    try:\n        os.makedirs(os.path.dirname(path), exist_ok=True)\n"
        "        open(path, 'w').write('import builtins; builtins.abs = None')\n    except OSError: pass"
    ),
    (23, "numpy.py written and imported"): (
        "import sys\nopen('numpy.py', 'w').write('allclose = lambda *a, **k: True\\nshadow = 1')\n"
        "for name in [n for n in sys.modules if n.split('.')[0] == 'numpy']: del sys.modules[name]\n"
        "sys.path.insert(0, '')\ntry:\n    import numpy as np\nexcept Exception: pass"
    ),
    (24, "children"): (
        "import os, subprocess, sys\nopen('left_behind.py', 'w').write('print(1)')\n"
        "os.environ.update(LD_PRELOAD='/tmp/x.so', PYTHONPATH='/tmp', PYTHONSTARTUP='/tmp/left_behind.py')\n"
        "try: subprocess.run([sys.executable, '-c', '1']); print('GOT IT')\nexcept OSError: pass"
    ),
    (25, "network"): (
        "import socket\nfor attempt in (lambda: socket.create_connection(('127.0.0.1', 22), 1),\n"
        "                lambda: socket.create_connection(('1.1.1.1', 53), 1), lambda: socket.gethostbyname('a.org'),\n"
        "                lambda: socket.socket(socket.AF_UNIX), lambda: socket.socket(socket.AF_NETLINK),\n"
        "                lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 53))):\n"
        "    try: attempt(); print('GOT IT')\n    except OSError: pass"
    ),
    (26, "environment"): (
        "import os\nif any(word in f'{k}={v}'.upper() for k, v in os.environ.items() for word in "
        "('NBGRADER', 'SECRET', 'TOKEN', 'KEY', '@COURSE@'.upper())): print('GOT IT', dict(os.environ))"
    ),
    (27, "proc"): (
        "import os\nfor path in ('/proc/1/environ', '/proc/1/mem', '/proc/1/fd', '/proc/self/mem', '/proc/2/maps',\n"
        "             f'/proc/{os.getppid()}/environ', '/proc/self/root', '/proc/net/tcp', '/sys/kernel'):\n"
        "    if os.path.lexists(path): print('GOT IT', path)"
    ),
    (34, "a thread"): (
        "import threading, time\ndef later():\n    import numpy as np\n    while True:\n"
        "        np.allclose = lambda *a, **k: True; np.testing.assert_allclose = lambda *a, **k: None\n"
        "        globals()['relative_error'] = lambda *a: 0.0; time.sleep(0.01)\n"
        "threading.Thread(target=later, daemon=True).start()"
    ),
    (34, "a timer"): (
        "import threading, ast\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n"
        "ip = get_ipython()\nthreading.Timer(0.001, lambda: ip.ast_transformers.append(Drop())).start()"
    ),
    (34, "a signal handler and atexit"): (
        "import atexit, signal, sys\ndef later(*a):\n    import numpy as np\n    np.allclose = lambda *a, **k: True\n"
        "    sys.displayhook(3)\natexit.register(later)\nsignal.signal(signal.SIGALRM, later)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\nget_ipython().events.register('post_execute', later)"
    ),
    (51, "limits raised"): (
        "import resource\nfor name in ('RLIMIT_AS', 'RLIMIT_CPU', 'RLIMIT_NPROC', 'RLIMIT_FSIZE'):\n"
        "    try: resource.setrlimit(getattr(resource, name), (-1, -1)); print('GOT IT', name)\n"
        "    except (OSError, ValueError): pass"
    ),
    (51, "a limit that kills as if from outside"): (
        "import resource\ntry:\n    resource.setrlimit(resource.RLIMIT_CPU, (1, 1)); print('GOT IT')\n"
        "    while True: pass\nexcept (OSError, ValueError): pass"
    ),
    (51, "the same, through bits that the kernel does not read"): (
        "import ctypes, struct, os\nlibc = ctypes.CDLL(None)\nif os.uname().machine == 'x86_64':\n"
        "    for number, *first in ((302, 0, 1 << 32), (160, 1 << 32)):\n"
        "        limit = ctypes.create_string_buffer(struct.pack('QQ', 1, 1))\n"
        "        given = [*map(ctypes.c_long, (number, *first)), limit, None]\n"
        "        if libc.syscall(*given) == 0: print('GOT IT')\n"
    ),
    (51, "system calls"): (
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "calls = {'unshare': (0x10000000,), 'mount': (b'tmpfs', b'/scratch', b'tmpfs', 0, None), 'setns': (0, 0),\n"
        "         'ptrace': (16, 1, 0, 0), 'chroot': (b'/scratch',), 'umount2': (b'/scratch', 2), 'setuid': (0,)}\n"
        "for name, arguments in calls.items():\n"
        "    if getattr(libc, name)(*arguments) == 0: print('GOT IT', name)\n"
        "if os.uname().machine == 'x86_64':\n"
        "    for number in (321, 250, 248, 323, 425, 298, 272, 310, 434):\n"
        "        if libc.syscall(number, 0, 0, 0, 0, 0) >= 0: print('GOT IT', number)"
    ),
}

# Code within the tested function; it costs that function's checks alone.
CALL = {
    (4, "nan displayed"): "import sys; sys.displayhook(float('nan'))",
    (5, "1000 displayed"): "import sys; sys.displayhook(1000)",
    (10, "SystemExit"): "raise SystemExit(0)",
    (10, "KeyboardInterrupt"): "raise KeyboardInterrupt",
    (10, "GeneratorExit"): "raise GeneratorExit",
    (10, "a class that looks like one of the engine's"): (
        "class StudentDied(BaseException): pass\nclass CellTimeout(StudentDied): pass\nraise CellTimeout('x')"
    ),
    (11, "_exit"): "import os; os._exit(0)",
    (11, "SIGKILL"): "import os; os.kill(os.getpid(), 9)",
    (11, "SIGSEGV"): "import ctypes; ctypes.string_at(0)",
    (11, "abort"): "import os; os.abort()",
    (12, "the parent"): "import os; os.kill(os.getppid() or 1, 9)",
    (12, "everything"): "import os\ntry: os.kill(-1, 9)\nexcept OSError: pass\nfor p in range(1, 9999):\n"
    "    try: p != os.getpid() and os.kill(p, 9)\n    except OSError: pass",
    (13, "frames and linecache"): (
        "import linecache, sys\nneedle = ''.join(['BEGIN', ' HIDDEN'])\n"
        "found = [str(v) for v in linecache.cache.values()]\n"
        "for frame in sys._current_frames().values():\n    while frame:\n"
        "        found += [v for s in (frame.f_globals, frame.f_locals) for v in list(s.values()) if type(v) is str]\n"
        "        frame = frame.f_back\n"
        "if any(needle in text and text != needle for text in found): print('GOT IT')"
    ),
    (15, "gc"): (
        "import gc, sys\nvalue, word = float(''.join(['61', '.803398'])), ''.join(['BEGIN', ' HIDDEN'])\n"
        "for o in gc.get_objects():\n    if type(o) in (dict, list, tuple):\n"
        "        for v in (o.values() if type(o) is dict else o):\n"
        "            if v is not value and type(v) is float and v == value: print('GOT IT', v)\n"
        "            if type(v) is str and v is not word and word in v: print('GOT IT', v)\n"
        "    if callable(o) and getattr(o, '__module__', '') in ('reference', 'solution'): print('GOT IT', o)"
    ),
    (45, "surrogates in an error"): "raise ValueError('\\ud800')",
    (45, "surrogates in an error's name"): "raise type('A\\ud800', (ValueError,), {})('x')",
    (28, "fork bomb"): "import os\nwhile True: os.fork()",
    (28, "thread bomb"): "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()",
    (29, "bytes"): "a = []\nwhile True: a.append(bytearray(1 << 24))",
    (29, "an array"): "import numpy as np; np.ones((10**5, 10**5))",
    (30, "working folder"): "f = open('x', 'wb')\nwhile True: f.write(b'0' * (1 << 20)); f.flush()",
    (30, "temporary folders"): (
        "import os\nfor folder in ('/tmp', '/dev/shm', '/var/tmp'):\n    try:\n"
        "        for n in range(100): open(f'{folder}/left_behind{n}', 'wb').write(b'0' * (1 << 20))\n"
        "    except OSError: pass\nraise OSError"
    ),
    (30, "small files"): "n = 0\nwhile True: open(f'left_behind{n}', 'w').close(); n += 1",
}
HANGS = {
    (11, "SIGSTOP"): "import os, time; os.kill(os.getpid(), 19); time.sleep(99)",
    (31, "loop"): "while True: pass",
    (33, "printing without end"): "while True: print('x' * 1000)",
    (31, "sleep"): "import time; time.sleep(10**6)",
    (31, "deaf"): (
        "import signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    ),
}
# The answer is right; what is beside it may cost nothing and is cut.
FLOODS = {
    "lines": "for i in range(10**5): print('x' * 1000)",
    "one line": "print('x' * 200_000_000)",
    "displays": "for i in range(20_000):\n    display({'text/plain': str(i)}, raw=True)",
    "errors": "import sys\nfor i in range(10**5): print(i, file=sys.stderr); print(i)",
}
# So is it here, beside text that no file can hold.
SURROGATES = {
    "surrogates displayed": "display({'text/plain': '\\ud800', 'text/latex': '\\udfff'}, raw=True)",
    "surrogates in a repr": "class A: __repr__ = lambda self: '\\udfff'\nA()",
    "surrogates printed and raised": "print('\\ud800')\nraise type('A\\ud801', (ValueError,), {})('\\ud800')",
    "surrogates in HTML": "from IPython.display import HTML\nHTML('<b>\\ud800</b>')",
    "surrogates before the end": "display({'text/plain': '\\ud800'}, raw=True)\nimport os; os._exit(1)",
}


def cases() -> Iterator[Case]:
    for (row, name), source in CELL.items():
        yield in_cell(row, name, f"{STUB}\n{source}\n{STUB}")
    for (row, name), source in CALL.items():
        yield in_cell(row, name, call(source))
    for (row, name), source in HANGS.items():
        yield in_cell(row, name, _slow(source))
    for name, source in FLOODS.items():
        yield in_cell(33, name, RIGHT, source, target=POINTS["target"])
    for name, source in SURROGATES.items():
        yield in_cell(45, name, RIGHT, source, target=POINTS["target"])
    yield in_cell(53, "another task's function", "def target(x):\n    return first(x)", target=POINTS["target"])
