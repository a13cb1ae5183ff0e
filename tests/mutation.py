"""Do the engine's tests see a change of its code? ``python -m tests.mutation [MODULE ...] [--sample N] [--jobs N]``

Every first-order mutant of a module that judges or guards the boundary is put into a copy of the tree, and the
module's tests run there. The operators are those of reference.mutants, save ``is`` for ``==``, which tells nothing of
tests where types, names and small numbers are compared, as nearly everywhere in the engine. A mutant that they let
pass has survived; tests/survivors.py names each with the reason, and one that is neither killed nor named makes the
exit code 1. All take hours: ``--sample`` takes every k-th mutant, the same ones each time.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import os
import queue
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reference.course import positive
from reference.mutants import mutations, sampled
from tests.survivors import SURVIVORS

ROOT = Path(__file__).parents[1]
COPIED = ("autograder", "normlab", "reference", "tests", "source", "nbgrader_config.py", "pyproject.toml")
SECONDS = 400  # a mutant whose tests run longer hangs; and where they take 20 s more than ...
TIMES = 8  # ... so many times as long as without a mutant
BOUNDARY = ["tests/test_proxies.py", "tests/test_boundary.py"]
WIRE = ["tests/test_wire.py", "tests/test_wire_hostile.py"]
TESTS = {
    "added": ["tests/test_added.py"],
    "arguments": ["tests/test_sent_arguments.py", "tests/test_session_calls.py"],
    "arrays": WIRE,
    "bindings": ["tests/test_bindings.py"],
    "callbacks": ["tests/test_session_calls.py", "tests/test_boundary.py"],
    "channel": ["tests/test_channel.py"],
    "containers": ["tests/test_containers.py", "tests/test_dictionaries.py", *BOUNDARY],
    "exceptions": ["tests/test_exceptions.py"],
    "judge": [
        "tests/test_judging.py",
        "tests/test_judging_cells.py",
        "tests/test_bound_again.py",
        "tests/test_state.py",
        "tests/test_given_draws.py",
    ],
    "life": ["tests/test_life.py"],
    "mirrors": ["tests/test_session_values.py"],
    "outputs": ["tests/test_outputs.py"],
    "pictures": ["tests/test_pictures.py"],
    "proxies": BOUNDARY,
    "randomness": ["tests/test_randomness.py", "tests/test_seeding.py"],
    "repair": [
        "tests/test_repair.py",
        "tests/test_moved_answers.py",
        "tests/test_added.py",
        "tests/test_corrected_source.py",
        "tests/test_wrong_notebook.py",
    ],
    "replaced": ["tests/test_bound_again.py"],
    "scoring": ["tests/test_judge.py::test_scores_are_clamped_and_faults_named"],
    "seeding": ["tests/test_seeding.py"],
    "session": ["tests/test_session.py", "tests/test_session_calls.py", "tests/test_session_values.py"],
    "submission": ["tests/test_submission.py"],
    "tables": ["tests/test_tables.py"],
    "trusted": ["tests/test_trusted.py"],
    "wire": WIRE,
}


def statements(text: str) -> set[int]:
    """Lines of the statements inside functions: what runs, without docstrings, signatures and annotations."""
    found: set[int] = set()
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    for node in itertools.chain.from_iterable(ast.walk(each) for function in functions for each in function.body):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt) and not docstring and not isinstance(node, ast.FunctionDef | ast.AnnAssign):
            body = getattr(node, "body", [])
            end = body[0].lineno - 1 if body else node.end_lineno or node.lineno
            found |= set(range(node.lineno, end + 1))
    return found


class Tree:
    """A copy of what the tests need, with an interpreter that imports it and not this checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, folder / name)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
        packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
        (packages / "tree.pth").write_text(f"{folder}\n{sysconfig.get_path('purelib')}\n")

    def passes(self, tests: list[str], seconds: float = SECONDS) -> bool:
        command = [
            str(self.folder / "venv" / "bin" / "python"),
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            *tests,
        ]
        with subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                return process.wait(seconds) == 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                return False


def named(mutant: tuple[str, str, int, str]) -> str:
    """What tests/survivors.py calls it."""
    old, new, place, _ = mutant
    return f"{old} -> {new}" + (f" (place {place})" if place > 1 else "")


def mutants(module: str) -> list[tuple[str, str, int, str]]:
    text = (ROOT / "autograder" / f"{module}.py").read_text()
    return [mutant for mutant in mutations(text, statements(text)) if identity(mutant[0]) != identity(mutant[1])]


def identity(line: str) -> str:
    """The line with ``is`` for each ``==``."""
    return line.replace("==", "is").replace("!=", "is not")


def survivors(module: str, sample: int | None, jobs: int) -> tuple[int, list[str]]:
    """How many mutants were tried, and the names of those that passed."""
    tried = sampled(mutants(module), sample)
    trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()

    seconds = float(SECONDS)

    def passed(mutant: tuple[str, str, int, str]) -> str:
        _, _, _, mutated = mutant
        tree = trees.get()
        try:
            (tree.folder / "autograder" / f"{module}.py").write_text(mutated)
            return named(mutant) if tree.passes(TESTS[module], seconds) else ""
        finally:
            trees.put(tree)

    with tempfile.TemporaryDirectory(prefix="mutation-", ignore_cleanup_errors=True) as folder:
        started = time.monotonic()
        for number in range(jobs):
            tree = Tree(Path(folder, str(number)))
            if number == 0 and not tree.passes(TESTS[module]):
                raise SystemExit(f"{' '.join(TESTS[module])} fail without a mutant; mend that first.")
            if number == 0:
                seconds = min(SECONDS, 20 + TIMES * (time.monotonic() - started))
            trees.put(tree)
        with ThreadPoolExecutor(jobs) as pool:
            return len(tried), [name for name in pool.map(passed, tried) if name]


def report(module: str, count: int, passed: list[str]) -> Iterator[str]:
    """What survived unexplained."""
    known = SURVIVORS.get(module, {})
    unexplained = [name for name in passed if name not in known]
    print(
        f"{module}: {count} mutants, killed {count - len(passed)}, explained {len(passed) - len(unexplained)}, "
        f"survived {len(unexplained)}",
        flush=True,
    )
    for name in unexplained:
        print(f"  survived    {name}", flush=True)
        yield name


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("module", nargs="*", choices=[*TESTS, []], help="all of them by default")
    parser.add_argument("--sample", type=positive, metavar="N", help="at most N mutants a module, always the same")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args()
    left = [
        name
        for module in options.module or TESTS
        for name in report(module, *survivors(module, options.sample, options.jobs))
    ]
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
