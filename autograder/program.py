"""What the code of a notebook defines, and what each definition reads: names, modules, attributes. Nothing is run."""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache

from autograder.syntax import UNREADABLE, bound_names, changed_names, to_python

LOADED = frozenset({"get_ipython", "inspect"})  # names that are there without an import
MAX_SOURCE = 200_000  # characters of a cell that are read: more than anybody writes
KEPT_SOURCE = 10_000  # characters of a cell that is kept in mind: five hundred trees of long ones take gigabytes
FRAMES = frozenset({"f_back", "f_code", "f_globals", "f_locals", "tb_frame", "gi_frame", "__code__", "__globals__"})
COMPLEX_DTYPES = frozenset({"c8", "c16", "c32", "complex", "complex64", "complex128", "complex256"})
COMPLEX_LETTERS = frozenset("FDG")  # elsewhere "F" is an order in memory, "D" a marker, and any of them a key
DTYPE_AT = {
    **dict.fromkeys(("astype", "dtype", "view"), 0),
    **dict.fromkeys(("array", "asarray", "zeros", "ones", "empty", "zeros_like", "ones_like", "empty_like"), 1),
    **dict.fromkeys(("full", "full_like"), 2),
}


class Program:
    """The statements that define each name, and what they reach."""

    def __init__(self, sources: Iterable[str]) -> None:
        self.definitions: dict[str, list[Statement]] = {}
        self.imports: dict[str, str] = {}  # a name -> what was imported as it
        for source in sources:
            for statement in _statements(source):
                self.imports.update(statement.imports)
                for name in statement.defines:
                    # A definition replaces an earlier one; what uses the name itself (a decoration) adds to it.
                    kept = self.definitions.get(name, []) if name in statement.reads else []
                    self.definitions[name] = [*kept, statement]
                for name in statement.changes & self.definitions.keys():  # T.node = Node: who reads T has it
                    self.definitions[name] = [*self.definitions[name], statement]

    def reached(self, name: str) -> dict[str, list[Statement]]:
        """The definitions that ``name`` needs, its own included."""
        found: dict[str, list[Statement]] = {}
        wanted = [name]
        while wanted:
            current = wanted.pop()
            if current in self.definitions and current not in found:
                found[current] = self.definitions[current]
                wanted += sorted(set().union(*(statement.reads for statement in found[current])))
        return found

    def used(self, name: str) -> set[str]:
        """Dotted names of what ``name`` uses from elsewhere: "time.perf_counter", "open", "numpy.random.seed"."""
        found = set()
        for statement in {id(each): each for group in self.reached(name).values() for each in group}.values():
            for dotted in statement.dotted:
                head, _, rest = dotted.partition(".")
                full = self.imports.get(head, head if hasattr(builtins, head) or head in LOADED else "")
                found |= {f"{full}.{rest}".strip(".")} if full else set()
        return found


class Statement:
    """One top-level statement: what it reads from outside, by name and with attributes."""

    def __init__(self, node: ast.stmt) -> None:
        self.node = node
        self.defines = {*bound_names([node])}
        self.changes = {*changed_names([node])} - self.defines
        self.reads = _free_names(node)
        self.dotted: set[str] = set()
        self.imports: dict[str, str] = {}
        inner: set[int] = set()
        names: set[str] = set()
        for each in ast.walk(node):  # an attribute comes before what it is taken of
            self.imports.update(_imported(each))
            inner |= {id(kind) for kind in _complex_kinds(each)}
            if isinstance(each, ast.Attribute):
                inner.add(id(each.value))
                if each.attr in FRAMES:
                    self.dotted.add(f"inspect.{each.attr}")
            if _is_complex(each):
                self.dotted.add("complex")
            if id(each) not in inner and (dotted := _dotted(each)):
                names.add(dotted)
        outside = {*self.reads, *self.imports}  # a variable of its own may have the name of a module
        self.dotted |= {name for name in names if name.partition(".")[0] in outside}


def _statements(source: str) -> Sequence[Statement]:
    return _read_again(source) if len(source) <= KEPT_SOURCE else _read(source)


def _read(source: str) -> Sequence[Statement]:
    """What can be read of a cell; the rest is left out."""
    found = []
    with warnings.catch_warnings(), suppress(*UNREADABLE):
        warnings.simplefilter("ignore")  # what Python thinks of the code is the student's to read
        for node in ast.parse(to_python(source) if len(source) <= MAX_SOURCE else "").body:
            with suppress(*UNREADABLE):
                found.append(Statement(node))
    return found


_read_again = lru_cache(maxsize=512)(_read)  # given cells are the same in every submission


def _free_names(node: ast.stmt) -> set[str]:
    """Names that a statement reads from outside: those that a function binds itself are its own."""
    found = set()
    tables = [symtable.symtable(ast.unparse(node), "<answer>", "exec")]
    while tables:
        table = tables.pop()
        whole = table.get_type() in ("module", "class")  # a class looks up outside what it has not bound yet
        found |= {
            each.get_name() for each in table.get_symbols() if each.is_referenced() and (whole or each.is_global())
        }
        tables += table.get_children()
    return found


def _imported(node: ast.AST) -> dict[str, str]:
    if isinstance(node, ast.Import):
        return {
            a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0] for a in node.names
        }
    if isinstance(node, ast.ImportFrom) and node.module:
        return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {}


def _is_complex(node: ast.AST) -> bool:
    """Whether an imaginary part is taken, or a complex number or dtype named in other ways than by a name."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        place = DTYPE_AT.get(node.func.attr, len(node.args))
        dtype = _constants([*node.args[place : place + 1], *(named[name] for name in named if name == "dtype")])
        return bool(_constants([*node.args, *named.values()]) & COMPLEX_DTYPES or dtype & COMPLEX_LETTERS)
    return getattr(node, "attr", "") == "imag" or isinstance(getattr(node, "value", None), complex)


def _constants(nodes: Iterable[ast.expr]) -> set[object]:
    return {node.value for node in nodes if isinstance(node, ast.Constant)}


def _complex_kinds(node: ast.AST) -> list[ast.expr]:
    """The complex types that ``isinstance`` is asked about: who asks makes no such number."""
    if not isinstance(node, ast.Call) or _dotted(node.func) != "isinstance" or len(node.args) != 2:
        return []
    kinds = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
    return [kind for kind in kinds if "complex" in _dotted(kind).rpartition(".")[2]]


def _dotted(node: ast.AST) -> str:
    """ "a.b.c" for such an expression, "" for another."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return ".".join([node.id, *reversed(parts)])
    return ""
