"""Build the wheels of normlab and autograder and use each where nothing else is: `make wheels`.

Leaves them in dist/. Each is installed with what it needs, from the package index, into an environment of its own in a
temporary folder; there normlab checks a release notebook, and autograder grades a class of one and exports its zip.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ZIP = ("--format", "gradescope-autograder")  # which asks pip's records what is installed


class TrialError(Exception):
    """One sentence: which command did not do what it should, and what it said."""


def built(name: str, folder: Path) -> Path:
    """The wheel of packaging/<name>, made with what is installed here."""
    make = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    said(*make, str(ROOT / "packaging" / name))
    return max(folder.glob(f"{name}-*.whl"), key=lambda path: path.stat().st_mtime)


def installed(wheel: Path, folder: Path) -> Path:
    """The bin/ of a new environment that holds the wheel and what it needs."""
    venv.create(folder, with_pip=True)
    said(str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", str(wheel))
    return folder / "bin"


def said(*command: str, code: int = 0) -> str:
    """What a command printed; raises TrialError unless it exits with ``code``."""
    done = subprocess.run(command, cwd=tempfile.gettempdir(), capture_output=True, text=True)
    if done.returncode != code:
        raise TrialError(f"{' '.join(command)} exited with {done.returncode}, not {code}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> int:
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    sys.path.insert(0, str(ROOT))
    from tests.course_factory import NAME, RIGHT, make_course, submit

    with tempfile.TemporaryDirectory() as folder:
        try:
            programs = installed(built("normlab", ROOT / "dist"), Path(folder, "normlab"))
            notebook = ROOT / "release" / "batchnorm" / "batchnorm.ipynb"
            checked = said(str(programs / "python"), "-m", "normlab", "check", str(notebook), code=1)
            print(f"normlab, alone:    {checked.strip().splitlines()[-2].split('.')[0]}")

            programs = installed(built("autograder", ROOT / "dist"), Path(folder, "autograder"))
            course = make_course(Path(folder, "course"))
            submit(course, "ada", RIGHT)
            graded = said(str(programs / "autograder"), "grade", NAME, "--course-dir", str(course))
            version = said(str(programs / "autograder"), "--version").strip()
            said(str(programs / "autograder"), "export", NAME, *ZIP, "--course-dir", str(course))
            print(f"autograder, alone: {' '.join(graded.splitlines()[0].split())} ({version})")
        except TrialError as error:
            print(f"try_wheels: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
