"""Attacks on the boundary itself: types that nearly cross, values without end, forged frames that ask for much."""

from __future__ import annotations

from collections.abc import Iterator

from tests.attacks.cases import Case, in_cell
from tests.attacks.in_values import FORGE, LIAR, body
from tests.attacks.lesson import POINTS

# Subclasses of what crosses by value, which lie; none of their methods may be asked.
LIES = {
    "a list that equals all": (
        "class L(list):\n    __eq__ = __contains__ = Liar.yes\n    __hash__ = None\nreturn L([1.0, 2.0])"
    ),
    "a named tuple that lies": (
        "import collections\nclass T(collections.namedtuple('T', 'a b')):\n    __eq__ = Liar.yes\n"
        "    shape = property(lambda s: (4,))\n    __hash__ = None\nreturn T(1.0, 2.0)"
    ),
    "a dictionary that has all": (
        "class D(dict):\n    __missing__ = __getitem__ = lambda s, k: Liar()\n    __eq__ = Liar.yes\n"
        "    __hash__ = None\n"
        "return D(a=1)"
    ),
    "a NumPy number that equals all": (
        "class N(np.float64):\n    __eq__ = Liar.yes\n    __sub__ = __rsub__ = lambda s, o: 0.0\n    __hash__ = None\n"
        "return N(1)"
    ),
    "a matrix": "return np.asmatrix(np.zeros((2, 2)))",
    "a record array": "return np.zeros(4, [('a', float)]).view(np.recarray)",
    "an interface to an array": (
        "class A:\n    shape, dtype = (4,), np.dtype(float)\n    __array_priority__ = 1e9\n"
        "    __array_interface__ = property(lambda s: {'shape': (4,), 'typestr': '<f8', 'data': (id(s), True), "
        "'version': 3})\n    __array__ = lambda s, *a, **k: np.zeros(4)\n    __float__ = lambda s: 25.0\nreturn A()"
    ),
    "a class that is its own instance": (
        "class Meta(type):\n    __eq__ = __instancecheck__ = Liar.yes\n    __hash__ = None\n    shape = (4,)\n"
        "class A(metaclass=Meta): pass\nreturn A"
    ),
    "a generator": "return (value for value in np.ravel(x))",
    "an iterator without end": "import itertools\nreturn itertools.repeat(Liar())",
    "a text that differs each time": (
        "import random\nclass R(Liar):\n    __repr__ = __str__ = __format__ = lambda s, *a: str(random.random())\n"
        "return (R(), [R()])"
    ),
    "a container that changes its mind": (
        "class C(list):\n    asked = 0\n    def __len__(self): C.asked += 1; return C.asked\n"
        "    def __iter__(self): return iter(range(C.asked))\nreturn {'a': C(), 'b': [C(), C()]}"
    ),
    "a mock": "from unittest import mock\nreturn mock.MagicMock(shape=(4,), __eq__=lambda *a: True)",
}
ODD = {
    "strides of zero": "return np.broadcast_to(25.0, (10**9,) if np.ndim(x) == 1 else ())",
    "strides beyond its memory": "return np.lib.stride_tricks.as_strided(np.zeros(1), (10**5,), (8,))",
    "numbers turned round": "return np.asarray(-x, '>f8')",
    "odd bytes of nan": "return np.full(np.shape(x), 0x7FF4DEADBEEF0001, np.uint64).view(float)",
    "a range without end": "return range(10**18)",
    "a fraction of huge numbers": "import fractions\nreturn fractions.Fraction(10**4000, 3)",
    "a decimal of huge size": "import decimal\nreturn decimal.Decimal('1e999999')",
    "a long double": "return np.longdouble(1) / 3 * np.ones(np.shape(x), np.longdouble)",
    "keys that are nan": "return {float('nan'): 1.0, (float('nan'),): 2, frozenset([1]): 3, b'x': 4}",
    "itself, and the argument": "r = [x, target]; r.append(r); return (x, r, x)",
    "a module": "return np",
    "the shell": "return (get_ipython(), get_ipython, print, open)",
    "slices and ellipses": "return (slice(10**18), ..., slice(None, np.zeros(3), {}))",
}
# Frames that hold what no honest process sends. One check meets them; the pause makes them the answer to its question.
FORGED = {
    "a fraction that is a power": "forge('value', None, table('Fraction', '1e999999999'))",
    "a decimal that is a power": "forge('value', None, table('Decimal', '1e999999999'))",
    "a range": "forge('value', None, table('range', 0, 1 << 62, 1))",
    "times out of time": "forge('value', None, table('timedelta', 1e300, float('nan'), 'x'))",
    "a tree of dictionaries": (
        "tree = 1.0\nfor level in range(4): tree = {f'{n}' + 'k' * 60: tree for n in range(20)}\n"
        "forge('value', None, tree)"
    ),
    "sets that half collide": (
        "same = [(k * (2**61 - 1)).to_bytes(17, 'little') for k in range(1 << 64, (1 << 64) + 49_000)]\n"
        "big = [msgpack.ExtType(5, number) for number in same] + list(range(50_000))\n"
        "forge(body=msgpack.packb(['value', None, msgpack.ExtType(2, msgpack.packb(big))]))"
    ),
    "keys that collide": (
        "same = [(k * (2**61 - 1)).to_bytes(17, 'little') for k in range(1 << 64, (1 << 64) + 90_000)]\n"
        "forge(body=msgpack.packb(['value', None, {msgpack.ExtType(5, number): 0 for number in same}]))"
    ),
    "numbers skipped": (
        "for n in range(50): forge('call back', [[], [], [], [[2_000_000, None]], False, []], [0, [], {}])"
    ),
    "outputs without end": (
        "show = [{'output_type': 'error', 'ename': 'E' * 9000, 'evalue': '', 'traceback': ['x' * 9000] * 90}] * 12\n"
        "for n in range(5): forge('value', [[], [], show, None, False, []], None)"
    ),
    "changes of what was not passed": (
        "zeros = msgpack.ExtType(6, struct.pack('<BBBQ', 0, 0, 1, 3) + bytes(24))\n"
        "forge('value', [[[0, [1]], [7, {}]], [[1, zeros]], [], None, False, []], 1.0)"
    ),
    "half a message": "os.write(3, struct.pack('<II', 100, 0) + b'x')\nimport time; time.sleep(99)",
    "bytes one by one": "import time\nwhile True: os.write(3, b'\\0'); time.sleep(0.01)",
    "a connection that does not wait": "os.set_blocking(3, False)\nos.write(3, b'\\0' * 7)",
    "a class of errors with every name": (
        "names = [f'E{n}' for n in range(10**5)]\nforge('error', None, [names, [names] * 9, 'x' * 10**6, 'y' * 10**6])"
    ),
    "an error that is a handle": (
        "named = msgpack.ExtType(16, msgpack.packb([1, 'A', 2, ['.ValueError']]))\n"
        "forge('error', None, [named, [], '', ''])"
    ),
    "lazy containers of itself": (
        "lazy = msgpack.ExtType(17, msgpack.packb([1, 2, '']))\n"
        "forge('value', None, [lazy, {1: lazy}, msgpack.ExtType(1, msgpack.packb([lazy, lazy]))])"
    ),
    "a dictionary that makes what it lacks": (
        "makes = msgpack.ExtType(16, msgpack.packb([1, 'A', 1, []]))\n"
        "forge('value', None, msgpack.ExtType(15, msgpack.packb([1, {}, makes])))"
    ),
    "names that always move": "for n in range(5): forge('value', [[], [], [], None, False, ['target', 'STATE']], 1.0)",
    "a mirror of the argument": (
        "own = msgpack.packb([999, msgpack.ExtType(18, bytes(8))])\nforge('value', None, msgpack.ExtType(20, own))"
    ),
    "bulk that is used twice": (
        "head = struct.pack('<IBBBQ', 0, 0, 0, 1, 4096)\n"
        "big = msgpack.packb(['value', None, [msgpack.ExtType(7, head)] * 2])\n"
        "os.write(3, struct.pack('<IIQ', len(big), 1, 32768) + big + bytes(32768))"
    ),
}
TABLE = "def table(*items): return msgpack.ExtType(14, msgpack.packb(list(items)))\n"
# The engine's own objects in the student's process, found and changed.
ENGINE = (
    "import gc, sys\nfor o in gc.get_objects() + list(sys.modules.values()):\n"
    "    if type(o).__name__ == 'Student':\n"
    "        for name in o.operations: o.operations[name] = lambda *a: True\n"
    "        o._call = lambda *a: (True, None)\n"
    "        print('patched')\n"
    "frame = sys._getframe()\nwhile frame:\n    o = frame.f_locals.get('self')\n"
    "    if type(o).__name__ == 'Student':\n        o._call = lambda *a: (True, [])\n"
    "        o._news = lambda *a: [1] * 6\n"
    "    frame = frame.f_back\n"
)
# What a test does to a result would come back with the next question.
MIRRORS = (
    "import sys\nimport numpy as np\nframe = sys._getframe()\n"
    "while type(frame.f_locals.get('self')).__name__ != 'Student': frame = frame.f_back\n"
    "objects = frame.f_locals['self'].objects\nprepare = objects.prepare\n"
    "objects.prepare = lambda value, levels=0, live=True: prepare(value, levels, True)\n"
)


def cases() -> Iterator[Case]:
    for name, source in LIES.items():
        yield in_cell(6, name, LIAR + body(source))
    for name, source in ODD.items():
        yield in_cell(49, name, "import numpy as np\n" + body(source))
    for name, source in FORGED.items():
        once = f"if getattr(x, 'shape', 0) != (4,): return -x\n{source}\nimport time; time.sleep(0.3)\nreturn -x"
        yield in_cell(50, name, f"import numpy as np\n{FORGE}{TABLE}{body(once)}")
    yield in_cell(50, "results that are mirrors", f"{MIRRORS}def target(x):\n    return np.zeros_like(x)", last=None)
    yield in_cell(50, "the engine's own objects", f"{ENGINE}def target(x):\n    return -x", last=None)
    sparing = "def target(x):\n    kept[:] = [x] * 3\n    return kept[0] * kept[1]\nkept = []"
    yield in_cell(52, "arguments kept", sparing, target=POINTS["target"])
