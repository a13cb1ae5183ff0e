"""Attacks by what a notebook's shell offers: magics, displays, hooks, its own memory; and by odd names and texts."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator

from tests import course_factory as factory
from tests.attacks.cases import Case, in_cell, of_bytes, of_notebook
from tests.attacks.in_cells import RIGHT, call
from tests.attacks.lesson import ANSWERS, CHECKS, POINTS, STUB, Notebook, find, work

# Code that runs before, or beside, a wrong answer.
CELL = {
    (24, "magics"): (  # the shell would print GOT IT; what is left out is shown as it stands
        "ip = get_ipython()\nopen('left_behind.py', 'w').write('print(1)')\nfor attempt in (\n"
        "    lambda: ip.run_cell_magic('bash', '', 'echo GOT$NONE IT'), lambda: ip.system('echo GOT$NONE IT'),\n"
        "    lambda: print(*ip.getoutput('echo GOT$NONE IT')), lambda: ip.run_line_magic('run', 'left_behind.py'),\n"
        "    lambda: ip.run_line_magic('load_ext', 'autoreload'), lambda: ip.run_line_magic('store', 'x'),\n"
        "    lambda: ip.run_line_magic('pip', 'install x'), lambda: ip.run_line_magic('logstart', "
        "'left_behind.log')):\n"
        "    try: attempt()\n    except BaseException: pass"
    ),
    (8, "every name that a test may use"): (
        "import sys\nlie = lambda *a, **k: True\nnp = numpy = type('Numpy', (), {'__getattr__': lambda s, n: lie})()\n"
        "for name in ('all', 'any', 'abs', 'map', 'float', 'relative_error', 'x', 'n', 'expected', "
        "'print'):\n"
        "    globals()[name] = lie\nget_ipython().push({'np': np, 'relative_error': lie, 'AssertionError': Exception})"
    ),
    (7, "NumPy's settings"): (
        "import numpy as np, warnings\nnp.seterr(all='raise')\nnp.set_printoptions(precision=0, threshold=0)\n"
        "np.random.rand = lambda *a: np.zeros(a)\nnp.random.seed = np.random.set_state = lambda *a: None\n"
        "np.float64.__eq__ = 1 if False else None\nwarnings.simplefilter('error')"
    ),
    (34, "trace and profile"): (
        "import sys, threading\ndef trace(frame, event, argument):\n    frame.f_locals.update(x=1.0)\n"
        "    if event == 'return' and frame.f_code.co_name == 'target': frame.f_trace_lines = False\n    return trace\n"
        "sys.settrace(trace); sys.setprofile(trace); threading.settrace(trace); threading.setprofile(trace)"
    ),
    (34, "hooks of the interpreter"): (
        "import gc, sys, threading, warnings\nlie = lambda *a, **k: None\n"
        "sys.excepthook = sys.unraisablehook = threading.excepthook = warnings.showwarning = sys.displayhook = lie\n"
        "sys.stdout = sys.stderr = None\ngc.callbacks.append(lie)\nsys.meta_path.clear(); sys.path_hooks.clear()\n"
        "sys.setswitchinterval(1000)\nget_ipython().set_custom_exc((Exception,), lie)"
    ),
    (34, "a thread that prints and draws"): (
        "import threading, time\ndef later():\n    while True:\n"
        "        print('8/8'); display({'text/plain': '8'}, raw=True)"
        "\n        time.sleep(0.001)\nfor _ in range(4): threading.Thread(target=later, daemon=True).start()"
    ),
    (2, "compile, exec and eval replaced"): (
        "import ast, builtins\nbuiltins.exec = builtins.eval = builtins.compile = lambda *a, **k: True\n"
        "ast.parse = lambda *a, **k: None\nip = get_ipython()\nip.compile = None\nip.user_ns['target'] = None"
    ),
    (13, "frames down to the first"): (
        "import sys\nframe, needle = sys._getframe(), '@COURSE@' + '/' + 'submitted'\nwhile frame:\n"
        "    for value in [*frame.f_locals.values(), *frame.f_globals.values()]:\n"
        "        if type(value) in (dict, list, str) and value is not needle and value is not globals() and\\\n"
        "           needle in repr(value): print('GOT IT', frame.f_code.co_name)\n"
        "    frame = frame.f_back"
    ),
    (15, "the heap"): (
        "import ctypes, re\nlibc = ctypes.CDLL(None); libc.sbrk.restype = ctypes.c_void_p\n"
        "top = libc.sbrk(ctypes.c_ssize_t(0)) & ~4095\nseen = ctypes.create_string_buffer(1)\n"
        "needle = re.compile(b'BEGIN[ ]HIDDEN[ ]TEST[S]|gol[d]en[ ]is[ ]6')\nfor page in range(top - 4096, 0, -4096):\n"
        "    if libc.mincore(ctypes.c_void_p(page), ctypes.c_size_t(4096), seen): break\n"
        "    if needle.search(ctypes.string_at(page, 4096)): print('GOT IT', page)"
    ),
    (27, "descriptors"): (
        "import os, fcntl, stat\nfor number in range(4, 1024):\n"
        "    try: os.fstat(number); print('GOT IT', number)\n    except OSError: pass\n"
        "for number in (0, 1, 2):\n    if not stat.S_ISCHR(os.fstat(number).st_mode): print('GOT IT', number)"
    ),
    (51, "files of devices and links out"): (
        "import os\n"
        "for attempt in (lambda: os.symlink('@COURSE@', 'out') or os.listdir('out'), lambda: os.mkfifo('p'),\n"
        "                lambda: os.link('/usr/bin/python3', 'p'), lambda: os.mknod('d', 0o20666, os.makedev(1, 1)),\n"
        "                lambda: os.listdir('/dev/pts'), lambda: open('/dev/kmsg'), lambda: open('/dev/tty', 'w'),\n"
        "                lambda: os.chown('.', 0, 0), lambda: os.open('/dev/full', os.O_WRONLY)):\n"
        "    try: result = attempt()\n    except (OSError, AttributeError): continue\n"
        "    if result is not None: print('GOT IT', result)"
    ),
    (52, "the stream of random numbers read ahead"): (
        "import numpy as np\ndef target(x):\n    kept = np.random.get_state()\n    ahead = np.random.rand(624)\n"
        "    np.random.set_state(kept)\n    return ahead[: np.size(x)].reshape(np.shape(x))"
    ),
}
OWN = ("trace and profile", "compile, exec and eval replaced")
# Code within the tested function; it costs that function's checks alone.
CALL = {
    (29, "memory maps"): (
        "import mmap, numpy as np\nkept = []\nwhile True:\n    kept.append(mmap.mmap(-1, 1 << 28)); kept[-1][:] = "
        "b'x' * (1 << 28)"
    ),
    (30, "holes, links and folders"): (
        "import os\ntry: os.truncate(os.open('hole', os.O_CREAT | os.O_RDWR), 1 << 40)\nexcept OSError: pass\n"
        "for n in range(10**6):\n    os.makedirs(f'd{n}/left_behind'); os.symlink('.', f'l{n}')"
    ),
    (31, "input"): "return float(input('what should it be? '))",
    (31, "a window"): (
        "import matplotlib.pyplot as plt\nget_ipython().run_line_magic('matplotlib', 'qt')\nplt.plot([1, 2])\n"
        "plt.show(block=True); plt.pause(0.1)"
    ),
    (10, "the test's own kind of error"): (
        "class AssertionError(BaseException): pass\nclass BoundaryError(AssertionError): pass\nraise BoundaryError('x')"
    ),
    (10, "an exception group"): "raise BaseExceptionGroup('many', [SystemExit(0), StopIteration(1), GeneratorExit()])",
    (10, "an error with a long history"): (
        "error = None\nfor n in range(5000):\n    new = ValueError(n); new.__cause__ = error; error = new\n"
        "error.args = tuple(range(10**5))\nraise error"
    ),
    (10, "an error in a circle"): "e = ValueError(); e.args = (e,); e.__context__ = e; e.__notes__ = [e]; raise e",
    (46, "an error of markup"): (
        "name = '<script>pwned=1</script>'\n"
        "raise type(name, (Exception,), {})('\\x1b]8;;javascript:1\\x07' + name + '\\x1b[31m<img src=x "
        "onerror=pwned=1>')"
    ),
}
# It hangs in one check.
HANGS = {
    "one long call in C": "sum(range(10 ** 18)); 10 ** 10 ** 10",
    "an expression that is searched without end": "import re; re.match('(a*)*b', 'a' * 100)",
    "a recursion without bottom": "import sys; sys.setrecursionlimit(10**9)\ndef fall(): fall()\nfall()",
}
# The answer is right; what is beside it may cost nothing, runs nowhere, and is cut.
BESIDE = {
    (33, "one display, changed without end"): (
        "shown = display({'text/plain': ''}, raw=True, display_id=True)\nfor n in range(30_000):\n"
        "    shown.update({'text/plain': 'x' * 100 + str(n)}, raw=True)"
    ),
    (33, "bundles of many types"): (
        "for n in range(50):\n    display({f'text/x-{n}-{k}': 'x' * 10_000 for k in range(100)}, raw=True)"
    ),
    (33, "warnings"): (
        "import warnings\nwarnings.simplefilter('always')\nfor n in range(5000): warnings.warn('x' * 1000)\n"
        "import logging\nfor n in range(5000): logging.error('y' * 1000)"
    ),
    (46, "widgets, comms and scripts"): (
        "for kind in ('application/javascript', 'application/vnd.jupyter.widget-view+json', 'application/pdf',\n"
        "             'application/vnd.vega.v5+json', 'text/vnd.mermaid', 'application/x-nbgrader', 'text/html+x'):\n"
        "    display({kind: '<script>pwned=1</script>', 'text/plain': 'plain'}, raw=True)\n"
        "from IPython.display import HTML, SVG, Javascript, Latex\n"
        "display(HTML('<script>pwned=1</script>'), Javascript('pwned=1'), Latex('$\\\\href{javascript:pwned=1}{x}$'),\n"
        "        SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"><script>pwned=1</script></svg>'))\n"
        "try:\n    import comm; comm.create_comm(target_name='x', data={}).send({'pwned': 1})\nexcept Exception: pass"
    ),
    (46, "sequences for terminals"): (
        "print('\\x1b]0;pwned\\x07\\x1b[2J\\x1b[8mhidden\\x1b[0m\\x9b31m\\r\\b\\b\\x1bP+q\\x1b\\\\' * 50)\n"
        "print('\\u202e\\u2066reversed\\u2069 \\ufeff\\ufffe' * 50)"
    ),
}


def _homoglyph(notebook: Notebook) -> None:
    """The name looks like the one that is tested."""
    find(notebook, "target")["source"] = ANSWERS["target"].replace("target", "t\u0430rget")


def _fullwidth(notebook: Notebook) -> None:
    """Python takes these letters for the plain ones."""
    find(notebook, "target")["source"] = ANSWERS["target"].replace("target", "\uff54arget")


def _metadata_bomb(notebook: Notebook) -> None:
    deep: object = "x" * 10_000
    for _ in range(40):
        deep = {"nbgrader": deep}
    for raw in notebook["cells"]:
        raw["metadata"] |= {f"key{n}": deep for n in range(20)} | {"__proto__": 1, "tags": ["remove_cell"] * 1000}
        raw["attachments"] = {"x.png": {"image/png": "A" * 40_000}, "../../y": {"text/html": "<script>"}}


def _large_cells(notebook: Notebook) -> None:
    place = notebook["cells"].index(find(notebook, "target"))
    text = "def f(a, b):\n    return (a + b) * [1, 2, 3][0]\n" * 1500
    large = [factory.cell("code", f"large-{number}", "if False:\n    pass\n" + text) for number in range(6)]
    notebook["cells"][place + 1 : place + 1] = large


def _tests_redefined(notebook: Notebook) -> None:
    """Cells of the student's own between the tests, named after them."""
    for name in CHECKS:
        place = notebook["cells"].index(find(notebook, name))
        extra = factory.cell("code", f"{name}-2", f"get_ipython().user_ns[{name!r}] = 1\n__name__ = {name!r}")
        notebook["cells"].insert(place, extra)


def _written(text: str) -> Notebook:
    notebook = work(RIGHT)
    find(notebook, "written")["source"] = text
    return notebook


EDITS = {
    (40, "a name that looks alike"): (_homoglyph, 0.0),
    (40, "a name in wide letters"): (_fullwidth, POINTS["target"]),
    (38, "metadata without end"): (_metadata_bomb, 0.0),
    (35, "cells between the tests"): (_tests_redefined, 0.0),
}
# Texts on which a slow reader of Markdown would not come to an end.
MARKDOWN = (
    "[",
    "![",
    "*a ",
    "**",
    "_",
    "`",
    "> ",
    "- ",
    "|",
    "<a ",
    "(",
    "&",
    "[a](",
    "\n1. ",
    "~~",
    "\\",
    "<!--",
    "$",
)


def cases() -> Iterator[Case]:
    for (row, name), source in CELL.items():
        answer = "" if "def target" in source else f"\n{STUB}"
        own: dict[str, float | None] = {"last": None} if name in OWN else {}  # it harms its own later cells
        yield in_cell(row, name, f"{STUB}\n{source}{answer}", "", **own)
    for (row, name), source in CALL.items():
        yield in_cell(row, name, call(source))
    for name, source in HANGS.items():
        yield in_cell(31, name, call(f"if getattr(x, 'shape', 0) != (4,): return -x\n{source}"))
    for (row, name), source in BESIDE.items():
        yield in_cell(row, name, RIGHT, source, target=POINTS["target"])
    for (row, name), (edit, points) in EDITS.items():
        yield of_notebook(row, name, edit, target=points)
    yield of_notebook(44, "large cells", _large_cells, last=None)  # they may take all of its time
    text = "\n\n".join(sign * 1500 for sign in MARKDOWN)
    yield of_notebook(46, "Markdown that is slow to read", lambda notebook: notebook.update(_written(text)), target=9.0)
    wide = json.dumps(copy.deepcopy(work())).encode("utf-32")
    yield of_bytes(45, "a number for a name", b'{"nbformat": 4, "cells": [{"cell_type": 1, "source": {"a": 1}}]}')
    yield of_bytes(45, "the wrong encoding", wide[:-1])
