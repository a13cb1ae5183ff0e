"""What a person should look at: an answer by another method than the one asked for, or by another person.

A flag never changes a score, and no student sees one.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from rapidfuzz.distance import Indel
from traitlets import Float, Integer, List, Unicode
from traitlets.config import Configurable

from autograder.assignment import Assignment, to_python

# What tells a test from a demonstration, or one student's run from another's.
WATCHERS = {
    "the clock": "time timeit datetime",
    "the interpreter": "inspect traceback linecache gc ctypes dis sys._getframe sys._current_frames sys.settrace "
    "sys.setprofile sys.modules sys.exc_info get_ipython globals locals eval exec compile __import__ importlib",
    "files or other processes": "open os pathlib subprocess socket threading signal urllib",
}
FRAMES = frozenset({"f_back", "f_code", "f_globals", "f_locals", "tb_frame", "gi_frame", "__code__", "__globals__"})


class Originality(Configurable):  # type: ignore[misc]
    """When an answer is flagged, as ``c.Originality.…`` in nbgrader_config.py."""

    modules = List(
        Unicode(),
        ["autograd", "jax", "tensorflow", "torch"],
        help="modules that do the work that a student is asked to do; an answer that uses one is flagged",
    ).tag(config=True)
    likeness = Float(0.9, help="answers whose text, names and comments included, is as alike as this").tag(config=True)
    renamed_likeness = Float(0.97, help="the same with all names of their own made equal").tag(config=True)
    tokens = Integer(80, help="answers with less text of their own than this are alike by chance").tag(config=True)


@dataclass(frozen=True)
class Copy:
    """Two students' answers to one task that are alike."""

    task: str
    students: tuple[str, str]
    likeness: float

    def __str__(self) -> str:
        one, other = self.students
        return f"{self.task}: the answers of {one} and {other} are {self.likeness:.0%} alike"


def flags(assignment: Assignment, notebook: Mapping[str, Any], settings: Originality) -> list[str]:
    """One sentence for each answer of one repaired notebook that a person should look at."""
    theirs = _Program(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    ours = _Program(cell.python for cell in assignment.cells if cell.python)
    tasks = [name for name in assignment.defined_in if name in theirs.definitions and name in ours.definitions]
    return [
        sentence
        for task in tasks
        for sentence in (
            *_watching(task, theirs, ours),
            *_foreign_modules(task, theirs, ours, settings.modules),
            *_other_tasks(task, tasks, theirs, ours),
        )
    ] + list(_own_copies(tasks, theirs, ours, settings))


def copies(assignment: Assignment, answers: Mapping[str, Mapping[str, str]], settings: Originality) -> list[Copy]:
    """Pairs of students with one answer; ``answers`` are sources of solution cells by student and grade id."""
    found = []
    for cell in assignment.cells:
        if not (cell.kind in ("student", "manual") and cell.grade_id and cell.python):
            continue
        texts = {
            student: _words(_own_lines(sources.get(cell.grade_id, ""), cell.release))
            for student, sources in sorted(answers.items())
        }
        for one, other in combinations(texts, 2):
            likeness = _likeness(texts[one], texts[other], settings)
            if likeness:
                found.append(Copy(cell.grade_id, (one, other), likeness))
    return found


class _Program:
    """The statements that define each name, and what they reach."""

    def __init__(self, sources: Iterable[str]) -> None:
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, str] = {}  # a name -> what was imported as it
        for source in sources:
            for statement in _parse(source).body:
                for node in ast.walk(statement):
                    self.imports.update(_imported(node))
                for name in _defined(statement):
                    # A definition replaces an earlier one; what uses the name itself (a decoration) adds to it.
                    again = any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(statement))
                    kept = self.definitions.get(name, []) if again else []
                    self.definitions[name] = [*kept, statement]

    def reached(self, name: str) -> dict[str, list[ast.stmt]]:
        """The definitions that ``name`` needs, its own included."""
        found: dict[str, list[ast.stmt]] = {}
        wanted = [name]
        while wanted:
            current = wanted.pop()
            if current in self.definitions and current not in found:
                found[current] = self.definitions[current]
                wanted += sorted(_loaded(found[current]))
        return found

    def used(self, name: str) -> set[str]:
        """Dotted names of what ``name`` uses from elsewhere: "time.perf_counter", "open", "numpy.random.seed"."""
        found = set()
        for statements in self.reached(name).values():
            for statement in statements:
                nodes = list(ast.walk(statement))
                inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
                for node in nodes:
                    dotted = _dotted(node)
                    if dotted and id(node) not in inner:
                        head, _, rest = dotted.partition(".")
                        full = self.imports.get(head) or (
                            head if hasattr(builtins, head) or head == "get_ipython" else ""
                        )
                        found |= {f"{full}.{rest}".strip(".")} if full else set()
                    if isinstance(node, ast.Attribute) and node.attr in FRAMES:
                        found.add(f"inspect.{node.attr}")
        return found


def _watching(task: str, theirs: _Program, ours: _Program) -> Iterator[str]:
    used = theirs.used(task) - ours.used(task)
    for what, names in WATCHERS.items():
        seen = sorted(name for name in used if _within(name, names.split()))
        if seen:
            yield f"{task} reads {what} ({', '.join(seen[:3])})"


def _foreign_modules(task: str, theirs: _Program, ours: _Program, modules: Sequence[str]) -> Iterator[str]:
    seen = sorted(name for name in theirs.used(task) - ours.used(task) if _within(name, modules))
    if seen:
        yield f"{task} leaves the work to {', '.join(seen[:3])}"


def _other_tasks(task: str, tasks: Sequence[str], theirs: _Program, ours: _Program) -> Iterator[str]:
    for other in tasks:
        if other != task and other in theirs.reached(task) and other not in ours.reached(task):
            yield f"{task} is done by calling {other}"


def _own_copies(tasks: Sequence[str], theirs: _Program, ours: _Program, settings: Originality) -> Iterator[str]:
    """Two tasks with one answer, where the instructor's answers differ."""
    for one, other in combinations(tasks, 2):
        a, b = (_nameless(_words(_text(theirs, name))) for name in (one, other))
        likeness = Indel.normalized_similarity(a, b)
        expected = Indel.normalized_similarity(*(_nameless(_words(_text(ours, name))) for name in (one, other)))
        if min(len(a), len(b)) >= settings.tokens // 3 and likeness >= settings.likeness > expected + 0.05:
            yield f"{other} is a copy of {one} ({likeness:.0%} alike)"


def _likeness(one: list[str], other: list[str], settings: Originality) -> float:
    """How alike two answers are; 0.0 where that is no more than chance."""
    shortest = min(len(one), len(other))
    if shortest < settings.tokens:
        return 0.0
    likeness: float = Indel.normalized_similarity(one, other, score_cutoff=settings.likeness)
    if not likeness and shortest >= 2 * settings.tokens:
        likeness = Indel.normalized_similarity(_nameless(one), _nameless(other), score_cutoff=settings.renamed_likeness)
    return likeness


def _own_lines(source: str, release: str) -> str:
    """What the student wrote: the lines that are not those of the release."""
    given = Counter(line.strip() for line in release.splitlines())
    own = []
    for line in source.splitlines():
        if given[line.strip()]:
            given[line.strip()] -= 1
        else:
            own.append(line)
    return "\n".join(own)


def _words(source: str) -> list[str]:
    """Tokens, comments included; where the text is no whole program, what can be read of it."""
    words: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
                words.append(token.string)
    except (tokenize.TokenError, SyntaxError):
        words += source.split()[len(words) :]
    return words


def _nameless(words: Sequence[str]) -> list[str]:
    """The words without comments, each name but those of attributes replaced by its number."""
    numbers: dict[str, str] = {}
    code = [word for word in words if not word.startswith("#")]
    return [
        numbers.setdefault(word, f"v{len(numbers)}")
        if word.isidentifier() and not keyword.iskeyword(word) and (not place or code[place - 1] != ".")
        else word
        for place, word in enumerate(code)
    ]


def _text(program: _Program, name: str) -> str:
    statements = [_Bare().visit(statement) for statement in _parse(_unparse(program.definitions[name])).body]
    return _unparse(statements)


class _Bare(ast.NodeTransformer):
    """Takes docstrings and annotations away."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        node.returns, node.name = None, "f"
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        return node


def _unparse(statements: Iterable[ast.stmt]) -> str:
    return "\n".join(ast.unparse(statement) for statement in statements)


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(to_python(source))
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _defined(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return {node.id for node in stored}


def _loaded(statements: Iterable[ast.stmt]) -> set[str]:
    """Names that statements read from outside: those that a function binds itself are its own."""
    found = set()
    for statement in statements:
        nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        own: set[str] = set()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            own = {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
            own |= {node.arg for node in ast.walk(statement) if isinstance(node, ast.arg)}
        found |= {node.id for node in nodes if isinstance(node.ctx, ast.Load)} - own
    return found


def _imported(node: ast.AST) -> dict[str, str]:
    if isinstance(node, ast.Import):
        return {
            a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0] for a in node.names
        }
    if isinstance(node, ast.ImportFrom) and node.module:
        return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {}


def _dotted(node: ast.AST) -> str:
    """ "a.b.c" for such an expression, "" for another."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return ".".join([node.id, *reversed(parts)])
    return ""


def _within(name: str, modules: Iterable[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)
