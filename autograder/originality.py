"""What a person should look at: an answer by another method than the one asked for, or by another person.

A flag never changes a score, and no student sees one.
"""

from __future__ import annotations

import ast
import copy
import io
import keyword
import tokenize
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from rapidfuzz.distance import Indel
from traitlets import Float, Integer, List, Unicode
from traitlets.config import Configurable

from autograder.assignment import Assignment
from autograder.bounds import within
from autograder.program import MAX_SOURCE, Program
from autograder.wording import cut

# What tells a test from a demonstration, or one student's run from another's.
WATCHERS = {
    "the clock": "time timeit datetime numpy.datetime64",
    "the interpreter": "inspect traceback linecache gc ctypes dis sys._getframe sys._current_frames sys.settrace "
    "sys.setprofile sys.modules sys.exc_info get_ipython globals eval exec compile __import__ importlib builtins",
    "files or other processes": "open os pathlib subprocess socket threading signal urllib numpy.load numpy.save "
    "numpy.savez numpy.memmap numpy.fromfile numpy.loadtxt numpy.savetxt",
}
# The imaginary part of f(x + 1e-20j) is 1e-20 times its derivative, to all digits: no chain rule is needed.
COMPLEX = "complex cmath numpy.imag numpy.complex64 numpy.complex128 numpy.complexfloating"
# Nor is one for central differences, where there are digits enough.
MORE_DIGITS = "numpy.longdouble numpy.float128 numpy.clongdouble decimal fractions mpmath gmpy2"
LAYOUT = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
LONGEST_NAME = 61
MOST_WORDS = 5000  # of an answer that are compared: time grows by the square


class Originality(Configurable):  # type: ignore[misc]
    """When an answer is flagged, as ``c.Originality.…`` in nbgrader_config.py."""

    modules = List(
        Unicode(),
        ["autograd", "jax", "tensorflow", "torch"],
        help="modules that do the work that a student is asked to do; an answer that uses one is flagged",
    ).tag(config=True)
    likeness = Float(
        0.9, min=0.0, max=1.0, help="answers whose text, names and comments included, is as alike as this"
    ).tag(config=True)
    renamed_likeness = Float(0.97, min=0.0, max=1.0, help="the same with all names of their own made equal").tag(
        config=True
    )
    tokens = Integer(80, min=0, help="answers with less text of their own than this are alike by chance").tag(
        config=True
    )

    def settings(self) -> dict[str, Any]:
        """As plain data, for another process."""
        return {name: getattr(self, name) for name in self.trait_names(config=True)}


@dataclass(frozen=True)
class Copy:
    """Two students' answers to one task that are alike."""

    task: str
    students: tuple[str, str]
    likeness: float

    def __str__(self) -> str:
        one, other = self.students
        return f"{self.task}: the answers of {one} and {other} are {self.likeness:.0%} alike"


class Review:
    """What is looked for in each submission of one notebook."""

    def __init__(self, assignment: Assignment, settings: Originality) -> None:
        self.settings = settings
        self.checks = {cell.index for cell in assignment.cells if cell.kind == "test"}
        self.owners = {cell.grade_id: assignment.owner(cell) for cell in assignment.tests}
        self.ours = Program(cell.python for cell in assignment.cells if cell.python and cell.kind != "test")
        self.tasks = [name for name in tasks_with_tests(assignment) if name in self.ours.definitions]
        self.reached = {task: self.ours.reached(task).keys() for task in self.tasks}
        self.used = {task: self.ours.used(task) for task in self.tasks}
        words = {task: _bare_words(self.ours, task) for task in self.tasks}
        self.unlike = [  # pairs of tasks whose answers differ, as the instructor's do
            (one, other)
            for one, other in combinations(self.tasks, 2)
            if Indel.normalized_similarity(words[one], words[other]) + 0.05 < settings.likeness
        ]
        handed_out = Program(cell.release for cell in assignment.cells if cell.cell_type == "code")
        self.stubs = {task: _bare_words(handed_out, task) for task in self.tasks if task in handed_out.definitions}

    def flags(self, notebook: Mapping[str, Any], passed: Collection[str] = ()) -> list[str]:
        """One sentence for each answer of a repaired notebook that a person should look at.

        ``passed``: grade ids of checks that passed.
        """
        theirs = Program(
            cell["source"]
            for cell in notebook["cells"]
            if cell["cell_type"] == "code" and cell["metadata"]["autograder"]["cell"] not in self.checks
        )
        tasks = [task for task in self.tasks if task in theirs.definitions]
        earning = {self.owners.get(grade_id) for grade_id in passed}
        unread = [task for task in self.tasks if task in earning and task not in {*tasks, *theirs.imports}]
        return [
            sentence
            for task in tasks
            for sentence in (*self._foreign(task, theirs), *self._other_tasks(task, tasks, theirs))
        ] + [
            *self._own_copies(tasks, theirs),
            *(f"{task} could not be read for its method" for task in unread),
        ]

    def _foreign(self, task: str, theirs: Program) -> Iterator[str]:
        used = theirs.used(task) - self.used[task]
        ways = {f"reads {what}": names.split() for what, names in WATCHERS.items()}
        ways |= {"uses complex numbers": COMPLEX.split(), "uses numbers of more digits": MORE_DIGITS.split()}
        ways["leaves the work to a library"] = self.settings.modules
        for what, names in ways.items():
            seen = sorted(name for name in used if _within(name, names))
            if seen:
                yield f"{task} {what} ({_few(seen)})"

    def _other_tasks(self, task: str, tasks: Sequence[str], theirs: Program) -> Iterator[str]:
        reached = theirs.reached(task).keys() - self.reached[task]
        for other in tasks:
            if other != task and other in reached:
                yield f"{task} is done by calling {other}"

    def _own_copies(self, tasks: Sequence[str], theirs: Program) -> Iterator[str]:
        """Two tasks with one answer, where the instructor's answers differ."""
        least = self.settings.tokens // 3  # shorter ones are alike by chance
        words = {task: _bare_words(theirs, task) for task in tasks}
        answered = {task for task in tasks if words[task] != self.stubs.get(task)}
        for one, other in self.unlike:
            if not {one, other} <= answered:
                continue
            if min(len(words[one]), len(words[other])) >= least:
                likeness = Indel.normalized_similarity(words[one], words[other])
                if likeness >= self.settings.likeness:
                    yield f"{other} is a copy of {one} ({likeness:.0%} alike)"
            elif words[one] == words[other]:
                shared = theirs.reached(one).keys() & theirs.reached(other).keys() - self.ours.definitions.keys()
                helpers = sorted(name for name in shared if len(_bare_words(theirs, name)) >= least)
                if helpers:
                    yield f"{one} and {other} leave the work to one function ({_few(helpers)})"


def _few(names: Sequence[str]) -> str:
    """The first of them, each cut where nobody would read on: a student wrote them."""
    return ", ".join(cut(name, LONGEST_NAME) for name in names[:3])


def tasks_with_tests(assignment: Assignment) -> list[str]:
    """Names of solution cells that some test is about."""
    owners = {assignment.owner(test) for test in assignment.tests}
    return [name for name in assignment.defined_in if name in owners]


def copies(assignment: Assignment, answers: Mapping[str, Mapping[str, str]], settings: Originality) -> list[Copy]:
    """Pairs of students with one answer; ``answers`` are sources of solution cells by student and grade id."""
    found = []
    tasks = frozenset(tasks_with_tests(assignment))
    for cell in assignment.cells:
        if not (cell.kind == "student" and cell.grade_id and cell.binds & tasks):
            continue
        texts = {
            student: _Text.of(_own_lines(sources.get(cell.grade_id, "")[:MAX_SOURCE], cell.release))
            for student, sources in sorted(answers.items())
        }
        for one, other in combinations(texts, 2):
            likeness = _likeness(texts[one], texts[other], settings)
            if likeness:
                found.append(Copy(cell.grade_id, (one, other), likeness))
    return found


@dataclass(frozen=True)
class _Text:
    """An answer's tokens as they stand, and with all names made equal."""

    words: list[str]
    nameless: list[str]

    @classmethod
    def of(cls, source: str) -> _Text:
        try:
            with within(1.0):
                words = _words(source)
        except TimeoutError:  # it goes over some texts once for each of their characters
            words = source.split()
        return cls(words[:MOST_WORDS], _nameless(words[:MOST_WORDS]))


def _likeness(one: _Text, other: _Text, settings: Originality) -> float:
    """How alike two answers are; 0.0 where that is no more than chance."""
    shortest = min(len(one.words), len(other.words))
    if shortest < settings.tokens:
        return 0.0
    likeness: float = Indel.normalized_similarity(one.words, other.words, score_cutoff=settings.likeness)
    if not likeness and shortest >= 2 * settings.tokens:
        likeness = Indel.normalized_similarity(one.nameless, other.nameless, score_cutoff=settings.renamed_likeness)
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
            if token.type == tokenize.STRING and "\n" in token.string:  # code may stand in it
                words += token.string.split()
            elif token.type not in LAYOUT:
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


def _bare_words(program: Program, name: str) -> list[str]:
    """A definition without its name, docstring and annotations, with all names made equal."""
    try:
        body = copy.deepcopy([each.node for each in program.definitions[name]])
        return _nameless(_words("\n".join(ast.unparse(_Bare().visit(statement)) for statement in body)))
    except RecursionError:  # nested as nobody writes
        return []


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


def _within(name: str, modules: Iterable[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)
