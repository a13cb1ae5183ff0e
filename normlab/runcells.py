"""The fresh process of ``python -m normlab check``: runs a notebook's code cells, top to bottom, in one namespace.

    python runcells.py NOTEBOOK [CELL_TO_SKIP ...]

An empty object goes to standard output when it begins, then a line of JSON a cell as soon as the cell is through:
{"cell": number} or, where it failed, also "error" (the exception's names, its own first), "message" and "frames"
([cell, line, function], the innermost last). What the cells print themselves is dropped. It imports the standard
library alone, so that a cell that relies on an import it did not make fails here too.
"""

from __future__ import annotations
import __future__

import ast
import asyncio
import builtins
import inspect
import json
import linecache
import os
import re
import sys
import traceback
import types
from pathlib import Path
from typing import Any

__all__ = ["main", "plain"]

# Lines of IPython's: one that times a statement, one that binds what it gives, any other.
MAGIC = re.compile(
    r"(?P<indent>\s*)(?:(?P<bound>[^\s=#'\"][^=#'\"]*=[ \t]*)?%time[ \t]+(?P<timed>.+)"
    r"|(?P<given>[^\s=#'\"][^=#'\"]*=)[ \t]*[%!].*"
    r"|[%!?].*|[\w.]+\?{1,2})\s*"
)
ANNOTATIONS = __future__.annotations.compiler_flag
TRANSPARENT = ("%%time", "%%capture")  # cell magics after which the cell's names are there


def main(arguments: list[str]) -> None:
    """Run the code cells of a notebook but those whose numbers follow its path; a line of JSON tells how each went."""
    path, skipped = Path(arguments[0]).resolve(), set(map(int, arguments[1:]))
    cells = json.loads(path.read_text(encoding="utf-8-sig"))["cells"]
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.chdir(path.parent)
    sys.path[0] = str(path.parent)
    sys.path.append(str(Path(__file__).resolve().parent.parent))  # normlab itself, where it is not installed
    sys.argv = [path.name]
    module = types.ModuleType("__main__")
    vars(builtins)["input"] = nobody_answers
    module.__dict__["display"] = lambda *_, **__: None
    module.__dict__["get_ipython"] = Nothing()
    sys.modules["__main__"] = module
    print(json.dumps({}), file=results, flush=True)
    flags = [ast.PyCF_ALLOW_TOP_LEVEL_AWAIT]
    for number, cell in enumerate((cell for cell in cells if cell.get("cell_type") == "code"), 1):
        if number not in skipped:
            report = {"cell": number} | run(number, "".join(cell["source"]), module.__dict__, flags)
            print(json.dumps(report), file=results, flush=True)


class Nothing:
    """Stands for IPython's shell: whatever is asked of it does nothing."""

    def __getattr__(self, name: str) -> Nothing:
        return self

    def __call__(self, *_: object, **__: object) -> Nothing:
        return self

    def __contains__(self, item: object) -> bool:
        return False


def nobody_answers(*_: object) -> str:
    """Stands for input(), as when the notebook is graded."""
    raise EOFError("nobody is there to answer input() while a notebook is graded")


def run(number: int, source: str, namespace: dict[str, Any], flags: list[int]) -> dict[str, Any]:
    """Run one cell; what it raises is returned as plain data. As in Jupyter what it imports of the future stays."""
    try:
        text, name = plain(source), f"cell {number}"
        linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name  # inspect.getsource looks there
        code = compile(text, name, "exec", sum(flags), dont_inherit=True)
        if ANNOTATIONS not in flags and code.co_flags & ANNOTATIONS:
            flags.append(ANNOTATIONS)
        result = eval(code, namespace)
        if inspect.iscoroutine(result):
            asyncio.run(result)
    except BaseException as error:
        return described(error, number)
    return {}


def plain(source: str) -> str:
    """The cell as Python, line by line: of IPython's magics and shell lines only the names that they bind are left."""
    text = source.lstrip()
    if text.startswith("%%"):
        magic, _, body = text.partition("\n")
        above = "\n" * source[: len(source) - len(text)].count("\n")
        bound = re.fullmatch(r"%%capture\b.*?[ \t]([^\W\d]\w*)\s*", magic)  # an object with what the cell printed
        statement = f"{bound[1]} = get_ipython()" if bound else "pass"
        return f"{above}{statement}\n{plain(body) if magic.split()[0] in TRANSPARENT else ''}"
    lines = source.split("\n")
    indent = source[: len(source) - len(text)].rpartition("\n")[2]  # IPython takes the first line's off all lines
    lines = [line.removeprefix(indent) for line in lines]
    for _ in lines:  # a line that only looks like a magic is none where Python can read it
        try:
            ast.parse("\n".join(lines))
            break
        except SyntaxError as error:
            number = min(error.lineno or 1, len(lines)) - 1
        except ValueError:
            break
        if not (magic_line := MAGIC.fullmatch(lines[number])):
            break
        timed, given = magic_line["timed"], magic_line["given"]
        statement = f"{magic_line['bound'] or ''}{timed}" if timed else f"{given} []" if given else "pass"
        last = number
        while not timed and lines[last].endswith("\\") and last + 1 < len(lines):
            last += 1
        lines[number : last + 1] = [magic_line["indent"] + statement, *[""] * (last - number)]
    return "\n".join(lines)


def described(error: BaseException, number: int) -> dict[str, Any]:
    """An error as plain data: its classes, message, and the frames that lie in cells."""
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be shown)"
    frames: list[tuple[int, int | None, str]] = [
        (int(frame.f_code.co_filename[5:]), line, frame.f_code.co_qualname.partition(".")[0])
        for frame, line in traceback.walk_tb(error.__traceback__)
        if re.fullmatch(r"cell \d+", frame.f_code.co_filename)
    ]
    if isinstance(error, SyntaxError) and error.filename == f"cell {number}":
        message, frames = error.msg, [(number, error.lineno, "")]
    names = [kind.__name__ for kind in type(error).__mro__]
    return {"error": names, "message": message[:2000], "frames": frames[-50:]}


if __name__ == "__main__":
    main(sys.argv[1:])
