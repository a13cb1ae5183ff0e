"""What the syntax of a code cell tells: the names that it binds and reads, its imports, whether it sets a seed."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from symtable import SymbolTable, symtable
from typing import Any, NamedTuple

MAX_TRANSFORMED, MAX_MAGICS = 10_000, 20  # characters and magics of a cell that IPython is asked about
# Characters of a cell whose names its syntax tells, and such cells kept in mind: a notebook's, read in half a minute.
MAX_PARSED, MOST_KEPT = 5000, 2000
# No Python, or nested as nobody writes. What has a tree may be no Python: two parameters of one name, "global" of one.
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
ESCAPE = re.compile(r"^[ \t]*[!%?,;/]|=[ \t]*[!%]|\?[ \t]*$", re.MULTILINE)
MAGIC = re.compile(r"^([ \t]*)[!%].*", re.MULTILINE)
CELL_MAGIC = re.compile(r"\A(?:\s*%%(?:time|capture|prun)\b.*\n)+")  # what stands below these is run

# A given cell that calls one of these changes how later tests run even if it binds no name.
EFFECTS = frozenset({"seed", "set_state", "seterr", "simplefilter", "filterwarnings", "set_printoptions"})
NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.MatchAs | ast.MatchStar


def analyze(source: str) -> dict[str, Any]:
    """The fields of a code cell that its syntax tree tells."""
    python = to_python(source)
    tree = ast.parse(python)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    own = [node for statement in tree.body for node in _own_nodes(statement)]
    imports = [node for node in own if isinstance(node, ast.Import | ast.ImportFrom)]
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {
        "python": python,
        "binds": frozenset(bound_names(tree.body)),
        "changes": frozenset(changed_names(tree.body)),
        "state": frozenset(name for function in functions for name in _state(function)),
        "stores": frozenset(bound_names(tree.body)).union(
            (node.id for node in names if not isinstance(node.ctx, ast.Load)),
            (name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names),
            (bound_by(alias) for node in imports for alias in node.names),
        ),
        "loads": frozenset(node.id for node in names if not isinstance(node.ctx, ast.Store)),
        "imports": "\n".join(ast.unparse(node) for node in imports),
        "has_effects": any(isinstance(func, ast.Attribute) and func.attr in EFFECTS for func in called),
    }


def to_python(source: str) -> str:
    """IPython's syntax (magics, shell escapes, help) turned into plain Python; plain Python is left alone.

    Below ``%%time`` and its like stands what is run: an empty line takes the place of each, so that lines keep their
    numbers. What stands below or after another magic is a text that the magic is called with.
    """
    source = CELL_MAGIC.sub(lambda head: "\n" * head[0].count("\n"), source)
    try:
        ast.parse(source)
    except SyntaxError:
        # IPython tokenizes the whole cell once a magic: 600 lines of them take it 13 s.
        if len(source) <= MAX_TRANSFORMED and len(ESCAPE.findall(source)) <= MAX_MAGICS:
            from IPython.core.inputtransformer2 import TransformerManager

            with suppress(RuntimeError):  # it gave up
                return str(TransformerManager().transform_cell(source))
        return MAGIC.sub(r"\1pass", source)
    return source


def bound_names(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Names that statements bind in their own scope, imports apart."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
            continue
        for node in _own_nodes(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, NAMED) and node.name:
                yield node.name
            elif isinstance(node, ast.MatchMapping) and node.rest:
                yield node.rest


def changed_names(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Names of objects that statements change: an item or attribute is set or deleted, or a method's result left."""
    for statement in body:
        for node in _own_nodes(statement):
            if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
                changed: ast.expr = node
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                changed = node.value.func
            else:
                continue
            while isinstance(changed, ast.Attribute | ast.Subscript | ast.Call):
                changed = changed.func if isinstance(changed, ast.Call) else changed.value
                if isinstance(changed, ast.Name):
                    yield changed.id


def _state(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names from outside that a function binds anew, or whose objects it changes."""
    nodes = [*ast.walk(function)]
    outside = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
    own = {node.arg for node in nodes if isinstance(node, ast.arg)} | {*bound_names(function.body)}
    return outside | ({*changed_names(function.body)} - own)


def ends_quietly(source: str) -> bool:
    """True if a cell ends in a semicolon, so that its last value is not shown; a comment after it does not count."""
    from IPython.core.displayhook import DisplayHook

    return ";" in source and bool(DisplayHook.semicolon_at_end_of_expression(source))


class Names(NamedTuple):
    """Names that a cell, which need not be Python, binds and reads."""

    binds: frozenset[str]  # at its top level, imports apart
    imports: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()  # as it runs
    within: frozenset[str] = frozenset()  # at a cell's top level, as it runs or when a function of its own is called


def defines(source: str, names: Collection[str]) -> bool:
    """Whether a cell, which need not be Python, binds one of these at its top level."""
    short = len(source) <= MAX_PARSED and any(name in source for name in names)
    bound = names_in(source).binds if short else functions_in(source)
    return not bound.isdisjoint(names)


def shows(source: str, names: Collection[str]) -> bool:
    """Whether a text shows one of these as a function or class."""
    return not functions_in(source).isdisjoint(names)


@lru_cache(maxsize=MOST_KEPT)
def names_in(source: str) -> Names:
    """The names of a cell; of one that is no Python or very long, whatever words it holds."""
    if len(source) <= MAX_PARSED:
        with warnings.catch_warnings(), suppress(*UNREADABLE):
            warnings.simplefilter("ignore")  # what Python thinks of the code is the student's to read
            return _names(source)
    words = frozenset(re.findall(r"\w+", source))
    return Names(functions_in(source), frozenset(), words, words)


def _names(source: str) -> Names:
    tree = ast.parse(source)
    nodes: list[ast.AST] = [tree]
    for node in nodes:  # which grows
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            nodes += [*node.decorator_list, node.args]
        else:
            nodes += ast.iter_child_nodes(node)
    reads = frozenset(node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store))
    imports = frozenset(bound_by(node) for node in ast.walk(tree) if isinstance(node, ast.alias))
    binds, within = frozenset(bound_names(tree.body)), reads.union(_globals(symtable(source, "cell", "exec")))
    return Names(binds, imports, reads if reads.isdisjoint(binds) else within, within)


def _globals(scope: SymbolTable) -> Iterator[str]:
    """Names that the functions and classes within a scope, at any depth, look up at a cell's top level."""
    for inner in scope.get_children():
        yield from (name.get_name() for name in inner.get_symbols() if name.is_global())
        yield from _globals(inner)


def functions_in(source: str) -> frozenset[str]:
    """The functions and classes that a text, which need not be Python, shows at its top level."""
    return frozenset(re.findall(r"^(?:async\s+)?(?:def|class)\s+(\w+)", source, re.MULTILINE))


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what lies under it, but not what lies in another scope."""
    scopes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.comprehension)
    nodes = [node]
    while nodes:
        node = nodes.pop()
        yield node
        if not isinstance(node, scopes):
            nodes += reversed([*ast.iter_child_nodes(node)])


def imported_modules(sources: Iterable[str]) -> tuple[str, ...]:
    """Modules that sources import anywhere, sorted; what may be one, too: ``from scipy import stats``."""
    found: set[str] = set()
    for source in sources:
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except SyntaxError:  # a stub with a hole
            continue
        found |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")}
    return tuple(sorted(found))


def bound_by(alias: ast.alias) -> str:
    """The name that one part of an import statement binds."""
    return alias.asname or alias.name.partition(".")[0]


def imported_names(imports: str) -> set[str]:
    """Names that import statements bind."""
    return {
        bound_by(alias)
        for node in ast.walk(ast.parse(imports))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
