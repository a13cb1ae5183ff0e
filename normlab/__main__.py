"""The command line: ``python -m normlab check NOTEBOOK``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from normlab.check import NotebookError, check

CODES = """exit codes: 0 all tasks pass or wait for the grader; 1 a task failed or was not attempted, or the notebook is
not as the grader expects it; 2 the file cannot be checked"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 where every task passed, 1 where not, the error's where nothing could be checked."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a letter that the terminal lacks is "?"; stderr escapes it anyhow
    parser = argparse.ArgumentParser(prog="python -m normlab", description="Tools for students of the course.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    about = "run a notebook's visible checks in a fresh process, as the grader will"
    command = commands.add_parser("check", help=about, description=f"{about[0].upper()}{about[1:]}.", epilog=CODES)
    command.add_argument("notebook", metavar="NOTEBOOK", help="the .ipynb file, as it was saved")
    try:
        report = check(parser.parse_args(arguments).notebook)
    except NotebookError as error:
        print(f"Cannot check: {error}.", file=sys.stderr)
        return error.exit_code
    try:
        print(report, flush=True)
    except BrokenPipeError:  # who reads the first lines alone, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0 if report.all_passed else 1


if __name__ == "__main__":
    sys.exit(main())
