"""Attacks by what the student's code gives back, and by what its process says to the judge."""

from __future__ import annotations

from collections.abc import Iterator

from tests.attacks.cases import Case, in_cell
from tests.attacks.lesson import STUB

LIAR = """import numpy as np
class Liar:
    shape, dtype, ndim, size = (2,), np.dtype(float), 1, 2
    def yes(self, *a, **k): return True
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = __instancecheck__ = yes
    __hash__ = None
    def same(self, *a, **k): return self
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __abs__ = same
    __call__ = __array_function__ = __array_ufunc__ = __getitem__ = __neg__ = same
    def __getattr__(self, name): return self
    def __float__(self): return 0.0
    def __len__(self): return 2
    def __iter__(self): return iter([self, self])
"""
# What target returns, by the code that makes it.
LIES = {
    "a liar": "return Liar()",
    "a liar in a tuple": "return (Liar(), Liar())",
    "an array of liars": "return np.array([Liar(), Liar()], dtype=object)",
    "a liar that claims to be an array": "class ndarray(Liar):\n    __class__ = np.ndarray\nreturn ndarray()",
    "an array with methods": (
        "class Array(np.ndarray):\n    def __eq__(self, other): return np.True_\n    def all(self, *a): return True\n"
        "    __array_function__ = __array_ufunc__ = lambda self, *a, **k: True\nreturn (-np.asarray(x)).view(Array)"
    ),
    "a number that equals all": (
        "class Number(float):\n    def __eq__(self, other): return True\n    def __sub__(self, other): return 0.0\n"
        "    __rsub__ = __sub__\n    __abs__ = lambda self: 0.0\n    __hash__ = None\nreturn Number(1)"
    ),
    "a masked array": "return np.ma.masked_all(np.shape(x))",
}
ODD = {
    "huge list": "return list(range(3 * 10**6 if np.ndim(x) == 1 else 9))",
    "huge array": "return np.zeros(1 << 24 if np.ndim(x) == 1 else 9)",
    "deep list": "r = []\nfor _ in range(10**5): r = [r]\nreturn r",
    "cycle": "r = []; r.append(r); return (r, {'a': r})",
    "objects": "return np.array([object()] * 4)",
    "nan": "return x * np.nan",
    "inf": "return x * np.inf",
    "empty": "return np.zeros(0)",
    "empty and broadcast": "return np.zeros((0, *np.shape(x)))",
    "wrong shape": "return np.zeros((7, 5, 3, 1))",
    "many dimensions": "return np.zeros((1,) * 60)",
    "nothing": "return None",
    "text": "return 'x' * 10**6",
    "huge number": "return 10**5000",
    "function": "return target",
    "class": "return type('A', (float,), {})",
    "text that raises": "class E(Exception):\n    def __str__(self): 1 / 0\nraise E()",
    "huge error": "raise ValueError('x' * 10**7)",
    "arguments changed": "x *= 0\nreturn x",
    "dates": "return np.array(['2026-01-01'] * 4, 'M8[D]')",
}
PICKLE = """import os, pickle, struct
class Bomb:
    def __reduce__(self): return (os.system, ('touch /tmp/left_behind @COURSE@/left_behind',))
"""
# One frame, written straight into the connection to the judge.
FORGE = """import msgpack, os, struct
def forge(*message, code=None, body=b''):
    body = body or msgpack.packb(list(message))
    os.write(3, struct.pack('<II', len(body), 0) + body)
"""
FORGED = {
    "random bytes everywhere": "for n in range(64):\n    try: os.write(n, os.urandom(4096))\n    except OSError: pass",
    "a yes": "for _ in range(5): forge('value', None, True)",
    "no value": "for _ in range(5): forge('value', None, None)",
    "a test's own exception": "for _ in range(5): forge('error', None, [['.StopIteration'], [], '', ''])",
    "foreign handles": "for n in range(40): forge('value', None, msgpack.ExtType(16, msgpack.packb([n, 'A', 1, []])))",
    "callbacks": "for n in range(5): forge('call back', None, [n, [1.0], {}])",
    "a huge announcement": "os.write(3, b'\\xff' * 16)",
    "another random stream": "forge('value', [[], [], [], [False], False, []], 1.0)",
    "numbers that hash alike": (
        "if getattr(x, 'ndim', 0) != 2: return -x\n"
        "same = [(k * (2**61 - 1)).to_bytes(17, 'little') for k in range(1 << 64, (1 << 64) + 99_999)]\n"
        "big = [msgpack.ExtType(5, number) for number in same]\n"
        "forge(body=msgpack.packb(['value', None, msgpack.ExtType(2, msgpack.packb(big))]))"
    ),
    "closed": "os.closerange(0, 64)",
}
FORGER = (
    "import threading, time\ndef work():\n    while True:\n        try: forge('value', None, 1.0)\n"
    "        except OSError: pass\n        time.sleep(0.001)\nthreading.Thread(target=work, daemon=True).start()"
)
# Tries to be right where it is watched and wrong elsewhere, or to know the numbers beforehand.
WATCHERS = {
    "call count": "calls = 0\ndef target(x):\n    global calls\n    calls += 1\n    return 9.0 if calls == 1 else -x",
    "the clock": "import time\nstart = time.time()\ndef target(x): return 9.0 if time.time() < start + 0.001 else -x",
    "the stack": (
        "import sys\ndef target(x):\n    return 9.0 if sys._getframe(1).f_code.co_name == '<module>' else -x"
    ),
    "numbers seeded": (
        "import numpy as np\nnp.random.seed(0)\nKNOWN = (np.random.RandomState(0).rand(4) + 2.0) ** 2\n"
        "def target(x):\n    np.random.seed(0)\n    return KNOWN[: len(x)] if np.ndim(x) == 1 else KNOWN[0]"
    ),
    "numbers set": (
        "import numpy as np\nzero = ('MT19937', np.zeros(624, np.uint32), 624, 0, 0.0)\nnp.random.set_state(zero)\n"
        "def target(x):\n    np.random.set_state(zero)\n    return np.full(np.shape(x), 4.0)"
    ),
    "numbers chosen by skipping": (
        "import numpy as np\ndef target(x):\n    if np.shape(x) == (4,):\n        kept = np.random.get_state()\n"
        "        words = np.random.randint(0, 2**32, 2_000_000, dtype=np.uint32)\n        np.random.set_state(kept)\n"
        "        np.random.bytes(4 * int(np.flatnonzero(words & 131071 == 5)[0]))\n        return None\n    return 49.0"
    ),
    "a value learned from an earlier check": "seen = []\ndef target(x):\n    seen.append(x)\n    return seen[0]",
}


def body(source: str) -> str:
    return "def target(x):\n    " + source.replace("\n", "\n    ")


def cases() -> Iterator[Case]:
    for name, source in LIES.items():
        yield in_cell(6, name, LIAR + body(source))
    yield in_cell(10, "StopIteration", body("raise StopIteration"))
    yield in_cell(10, "StopIteration's heir", body("class Stop(StopIteration): pass\nraise Stop"))
    yield in_cell(48, "returned", PICKLE + body("return Bomb()"))
    yield in_cell(48, "in an array", PICKLE + "import numpy as np\n" + body("return np.array([Bomb()] * 4)"))
    yield in_cell(48, "raised", PICKLE + body("raise ValueError(Bomb())"))
    yield in_cell(48, "written", PICKLE + body("data = pickle.dumps(Bomb())\nos.write(3, data)\nreturn -x"))
    for name, source in ODD.items():
        yield in_cell(49, name, "import numpy as np\n" + body(source))
    for name, source in FORGED.items():
        yield in_cell(50, name, FORGE + body(source + "\nreturn -x"))
    yield in_cell(50, "a thread that never stops", f"{FORGE}{STUB}\n{FORGER}", last=None)
    for name, source in WATCHERS.items():
        yield in_cell(52, name, source)
