"""Does a check catch what nobody thought of? Every first-order mutant of every solution region, against the checks.

    python -m reference.mutants [ASSIGNMENT ...] [--sample N] [--jobs N]

The operators are cosmic-ray's, and four that numerical code needs: a statement deleted, a keyword argument dropped, two
arguments exchanged, the opposite done in place (``-=`` for ``+=``). A mutant is killed when a check fails on it, in
this process, or does not end in time. One that is right in spite of its look stands in equivalent_mutants.py with
the reason; a mutant that stands there and is killed is an error too, so that the list stays true. Exit code 1 for any
of both.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import multiprocessing
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, pairwise
from types import FrameType
from typing import Any, NoReturn, TypeVar

from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from reference.course import Check, Course, chosen_assignments, functions_in, positive, run
from reference.equivalent_mutants import EQUIVALENT
from reference.proofread import BEGIN, END

T = TypeVar("T")
SECONDS = 20  # a mutant that computes longer is an endless loop
OPPOSITE: dict[type[ast.operator], str] = {ast.Add: "-=", ast.Sub: "+=", ast.Mult: "/=", ast.Div: "*="}


@dataclass(frozen=True, order=True)
class Mutant:
    """One change in one line of a function's solution region."""

    assignment: str
    function: str
    old: str  # the line, without its comment
    new: str
    place: int  # 1 for the first of equal changes in the function, 2 for the second, ...
    text: str = field(compare=False)  # of the whole function

    @property
    def name(self) -> str:
        """What reference/equivalent_mutants.py calls it."""
        again = f" (place {self.place})" if self.place > 1 else ""
        return f"{self.function}: {self.old} -> {self.new}{again}"


@dataclass(frozen=True)
class Verdict:
    """Which check failed first on a mutant; visible ones are asked first. "" for none."""

    mutant: Mutant
    killer: str
    hidden: bool

    @property
    def equivalent(self) -> bool:
        return self.mutant.name in EQUIVALENT.get(self.mutant.assignment, {})


def mutants(course: Course) -> Iterator[Mutant]:
    """All mutants of the course's solution regions, each text once."""
    for function, text in functions_in(course.solution).items():
        for old, new, place, mutated in mutations(text, _region(text.split("\n"))):
            yield Mutant(course.name, function, old, new, place, mutated)


def mutations(text: str, region: set[int]) -> Iterator[tuple[str, str, int, str]]:
    """(old line, new line, 1 for the first of equal changes, mutated text), for the lines of a region.

    A class is changed in what stands inside it alone, not in its own line.
    """
    lines = text.split("\n")
    places: dict[tuple[str, str], int] = {}
    for first, last in _statements(text):  # each by itself: to parse a long module for every mutant takes minutes
        own = {number - first + 2 for number in region if first <= number <= last}
        if not own:
            continue
        before = ["if True:" if lines[first - 1][:1].isspace() else "", *lines[first - 1 : last]]
        part = "\n".join(before)
        seen = {_compiled(part)}
        for line, mutated in [*_by_cosmic_ray(part, own), *_by_own_operators(part, own)]:
            code = _compiled(mutated)
            if code is None or code in seen:
                continue
            seen.add(code)
            old, new = _shown(before[line - 1]), _shown(_changed(before, mutated.split("\n")))
            place = places[old, new] = places.get((old, new), 0) + 1
            yield old, new, place, "\n".join([*lines[: first - 1], *mutated.split("\n")[1:], *lines[last:]])


def _statements(text: str) -> Iterator[tuple[int, int]]:
    """First and last line of each statement of the module and of its classes; a decorated one begins above."""
    body = ast.parse(text).body
    for node in chain.from_iterable(each.body if isinstance(each, ast.ClassDef) else [each] for each in body):
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
        yield first, node.end_lineno or node.lineno


def _by_cosmic_ray(text: str, region: set[int]) -> Iterator[tuple[int, str]]:
    """Line and mutated text, for each operator that wants no argument (the others ask for a variable's name)."""
    tree = get_ast(text)
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments():
            continue
        positions = _Positions(operator())
        positions.walk(tree)
        for occurrence, line in enumerate(positions.lines):
            if line in region:
                yield line, mutate_code(text, operator(), occurrence)


def _by_own_operators(text: str, region: set[int]) -> Iterator[tuple[int, str]]:
    nodes = [node for node in ast.walk(ast.parse(text)) if getattr(node, "lineno", 0) in region]
    for node in nodes:
        if isinstance(node, ast.AugAssign) and type(node.op) in OPPOSITE:
            target, value = (ast.get_source_segment(text, part) or "" for part in (node.target, node.value))
            yield node.lineno, _edited(text, (node, f"{target} {OPPOSITE[type(node.op)]} {value}"))
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
            yield node.lineno, _edited(text, (node, "pass"))
        elif isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg:  # **{} keeps the commas right
                    yield keyword.lineno, _edited(text, (keyword, "**{}"))
            for one, other in pairwise(node.args):
                texts = [ast.get_source_segment(text, argument) or "" for argument in (one, other)]
                yield one.lineno, _edited(text, (other, texts[0]), (one, texts[1]))


def _edited(text: str, *edits: tuple[ast.expr | ast.stmt | ast.keyword, str]) -> str:
    """The text with nodes replaced, the last one first."""
    lines = [line.encode() for line in text.split("\n")]
    for node, new in edits:
        start, end = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        tail = lines[end][node.end_col_offset or 0 :]
        lines[start : end + 1] = [lines[start][: node.col_offset] + new.encode() + tail]
    return "\n".join(line.decode() for line in lines)


class _Positions(Visitor):  # type: ignore[misc]
    """The line of each place where an operator can act, in the order in which mutate_code counts them."""

    def __init__(self, operator: Any) -> None:
        self.operator = operator
        self.lines: list[int] = []

    def visit(self, node: Any) -> Any:
        self.lines += [start[0] for start, _ in self.operator.mutation_positions(node)]
        return node


def _region(lines: Sequence[str]) -> set[int]:
    """Numbers of the lines between BEGIN SOLUTION and END SOLUTION."""
    found: set[int] = set()
    inside = False
    for number, line in enumerate(lines, 1):
        if BEGIN in line or END in line:
            inside = "BEGIN" in line
        elif inside:
            found.add(number)
    return found


def _compiled(text: str) -> bytes | None:
    """Byte code, in which two texts of one meaning are often equal; None for what is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "is" with a literal
            code = compile(text, "<mutant>", "exec", optimize=2)
    except SyntaxError:
        return None
    return repr(list(_constants(code))).encode()


def _constants(code: Any) -> Iterator[Any]:
    yield code.co_code, code.co_names, code.co_varnames
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from _constants(constant)
        else:
            yield repr(constant)


def _shown(line: str) -> str:
    """Without its comment, blanks made single."""
    return " ".join(re.sub(r"  ?#.*", "", line).split())


def _changed(old: Sequence[str], new: Sequence[str]) -> str:
    """The lines of ``new`` that differ, as one."""
    if len(old) == len(new):
        return " ".join(line for before, line in zip(old, new, strict=True) if line != before)
    return " ".join(line for line in new if line not in old)


def _ordered_checks(course: Course, function: str) -> list[Check]:
    """Visible before hidden, own before others'."""
    return sorted(course.checks.values(), key=lambda check: (check.hidden, check.target != function))


@cache
def _course(name: str) -> Course:
    return Course(name)


class _TooLong(BaseException):
    """Not an Exception, so that no check or mutant catches it."""


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise _TooLong


def judge(mutant: Mutant) -> Verdict:
    """Run the checks on a mutant until one fails."""
    course = _course(mutant.assignment)
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(SECONDS)
    killer, hidden = "loading it", False
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            names = run(course.solution.replace(functions_in(course.solution)[mutant.function], mutant.text))
            for check in _ordered_checks(course, mutant.function):
                killer, hidden = check.name, check.hidden
                check(**{name: names[name] for name in check.needs})
    except (Exception, _TooLong):
        return Verdict(mutant, killer, hidden)
    finally:
        signal.alarm(0)
    return Verdict(mutant, "", False)


def sampled(found: Sequence[T], size: int | None) -> list[T]:
    """Every k-th mutant, so that at most ``size`` remain; the same ones each time, spread over all functions."""
    if size is None or len(found) <= size:
        return list(found)
    return [found[i * len(found) // size] for i in range(size)]


def survey(names: Sequence[str], sample: int | None = None, jobs: int = 2) -> list[Verdict]:
    """Verdicts on the mutants of these assignments; ``sample`` bounds the number for each."""
    found = [mutant for name in names for mutant in sampled(list(mutants(Course(name))), sample)]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        return pool.map(judge, found, chunksize=8)


def report(verdicts: Sequence[Verdict], everything: bool, write: Callable[[str], None] = print) -> bool:
    """Print the counts, then what survived, then what is listed wrongly; True where nothing did and nothing is."""
    good = True
    for name in dict.fromkeys(verdict.mutant.assignment for verdict in verdicts):
        own = [verdict for verdict in verdicts if verdict.mutant.assignment == name]
        killed = [verdict for verdict in own if verdict.killer]
        spared = [verdict for verdict in own if not verdict.killer]
        survived = [verdict for verdict in spared if not verdict.equivalent]
        visible = sum(not verdict.hidden for verdict in killed) / max(1, len(killed))
        write(
            f"{name}: {len(own)} mutants, killed {len(killed)} ({visible:.0%} of them by visible checks), "
            f"equivalent {len(spared) - len(survived)}, survived {len(survived)}"
        )
        wrong = [verdict for verdict in killed if verdict.equivalent]
        known = {verdict.mutant.name for verdict in own}
        lost = sorted(set(EQUIVALENT.get(name, {})) - known) if everything else []
        for verdict in survived:
            write(f"  survived    {verdict.mutant.name}")
        for verdict in wrong:
            write(f"  not equivalent, {verdict.killer} kills it    {verdict.mutant.name}")
        for text in lost:
            write(f"  listed, but there is no such mutant    {text}")
        if visible < 0.7:
            write("  visible checks alone must kill at least 70%")
        good = good and not survived and not wrong and not lost and visible >= 0.7
    return good


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reference.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("assignment", nargs="*", metavar="ASSIGNMENT", help="all of them by default")
    parser.add_argument("--sample", type=positive, metavar="N", help="at most N mutants an assignment, always the same")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args(arguments)
    verdicts = survey(chosen_assignments(parser, options.assignment), options.sample, options.jobs)
    return 0 if report(verdicts, everything=options.sample is None) else 1


if __name__ == "__main__":
    sys.exit(main())
