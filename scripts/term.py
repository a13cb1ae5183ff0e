"""A term of a small class: `python scripts/term.py` writes what the commands print, for the chapter for instructors.

Runs them in a course folder made for it and writes chapters/_term/<step>.txt, each a command and what it printed. What
differs from run to run (times, folders, digests) is replaced. With --check it writes nothing and exits with 1 where a
file would change.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from reference.course import Course  # noqa: E402
from reference.sample_class import Answers, filled, last_missing, mistaken, right, solutions, unusual  # noqa: E402

NAME = "batchnorm"
OUTPUT = ROOT / "chapters" / "_term"
# As the chapter says: every fourth of the known answers, so that this takes a minute; and time for a loaded machine.
SETTINGS = """
c.Answers.module = "reference.quality"
c.Engine.limits = {"cell_seconds": 600, "total_seconds": 1800}
"""
PEOPLE = {  # id -> name, number in Canvas, when it was handed in, what
    "abel": ("Niels Abel", "4711", "2026-03-02 09:12:40 UTC", right),
    "cauchy": ("Augustin Cauchy", "4712", "2026-03-02 10:01:12 UTC", mistaken(0)),
    "fermat": ("Pierre Fermat", "4713", "2026-03-02 11:40:03 UTC", last_missing),
    "galois": ("Évariste Galois", "4714", "2026-03-03 08:30:00 UTC", unusual(0)),
    "noether": ("Emmy Noether", "4715", "", None),  # hands in nothing
    "poincare": ("Henri Poincaré", "4716", "2026-03-02 11:58:59 UTC", None),  # no notebook
}
EXTEND = """python - <<'END'
from datetime import timedelta
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db", "normalization") as gradebook:
    gradebook.update_or_create_submission("batchnorm", "galois", extension=timedelta(days=1))
END"""
BY_HAND = """from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db", "normalization") as gradebook:
    for student, points in {"abel": 9, "cauchy": 7, "fermat": 4, "galois": 8}.items():
        gradebook.find_grade("written__two_directions", "batchnorm", "batchnorm", student).manual_score = points
        gradebook.find_comment("written__two_directions", "batchnorm", "batchnorm", student).manual_comment = "Good."
    gradebook.db.commit()
"""
CHEAPER = """import json
from pathlib import Path
path = Path("source/batchnorm/batchnorm.ipynb")
notebook = json.loads(path.read_text())
for cell in notebook["cells"]:
    if cell["id"] == "batchnorm_forward__example_by_hand":
        cell["metadata"]["nbgrader"]["points"] = 3
path.write_text(json.dumps(notebook))
"""
STEPS = (  # name of the file, command; a name that begins with "-" is run and not shown
    ("validate", f"autograder validate {NAME}"),
    ("due", f'nbgrader db assignment add {NAME} --duedate="2026-03-02 12:00:00 UTC"'),
    ("collect", f"autograder collect {NAME} submissions.zip --roster roster.csv"),
    ("grade", f"autograder grade {NAME}"),
    ("again", f"autograder grade {NAME}"),
    ("-by-hand", f"python -c '{BY_HAND}'"),
    ("feedback", f"nbgrader generate_feedback {NAME} --force"),
    ("-extend", EXTEND),
    ("extended", f"autograder grade {NAME}"),
    ("-cheaper", f"python -c '{CHEAPER}'"),
    ("regrade", f"autograder grade {NAME}"),
    ("history", f"autograder history {NAME} galois"),
    ("report", f"autograder report {NAME}"),
    ("export", f"autograder export {NAME} --format canvas && cat exports/{NAME}-canvas.csv"),
    ("zip", "cd feedback && python -m zipfile -c ../feedback.zip * && python -m zipfile -l ../feedback.zip"),
)


def make_course(folder: Path) -> None:
    """What an instructor has on the day after the due date: settings, source, roster, and Canvas's zip."""
    shutil.copytree(ROOT / "source" / NAME, folder / "source" / NAME)
    settings = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (folder / "nbgrader_config.py").write_text(settings + SETTINGS, encoding="utf-8")
    with (folder / "roster.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "name", "lms_id", "submitted"])
        table.writerows([student, name, number, when] for student, (name, number, when, _) in PEOPLE.items())
    release = nbformat.read(ROOT / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    reference: Answers = solutions(NAME)
    with zipfile.ZipFile(folder / "submissions.zip", "w") as archive:
        for upload, (name, number, when, answers) in enumerate(PEOPLE.values(), 900):
            text = nbformat.writes(filled(release, answers(Course(NAME), reference))) if answers else "See my mail.\n"
            if when:
                last_first = "".join(reversed(name.lower().split()))
                archive.writestr(f"{last_first}_{number}_{upload}_{NAME}.ipynb", text)


def run(command: str, folder: Path) -> str:
    """The command as the page shows it, and what it printed. Raises CalledProcessError."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "100"}
    # nbgrader's words are its log; what the engine writes to the error stream is its progress.
    errors = subprocess.STDOUT if command.startswith("nbgrader") else subprocess.DEVNULL
    done = subprocess.run(
        ["bash", "-euc", command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, check=True
    )
    return f"$ {command}\n{steady(done.stdout.decode(), folder)}"


def steady(text: str, folder: Path) -> str:
    """The text without what differs from run to run."""
    digests = dict.fromkeys(re.findall(r"\b[0-9a-f]{8}\b", text))
    for number, digest in enumerate(digests):
        text = text.replace(digest, f"{'abcdef'[number % 6]}" * 8)
    for pattern, replacement in (
        (re.escape(str(folder)), "~/my_course"),
        (r"in \d+\.\d s$", "in 12.3 s"),
        (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-03-04T09:00:00Z"),
        (r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d +\d{4,}$", "2026-03-04 09:00:00       100000"),  # the list of a zip
        (r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d( +\d+)$", r"2026-03-04 09:00:00\1"),
        (r"Writing \d+ bytes", "Writing 100000 bytes"),  # a page tells how long its figures took
    ):
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    lines = [line.rstrip() + "\n" for line in text.splitlines()]
    flags = [line for line in lines if line.startswith("look at ")]  # in the order in which grading was through
    return "".join([line for line in lines if line not in flags] + sorted(flags))


def term() -> dict[str, str]:
    """What each step printed, by the name of its file."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve() / "my_course"
        make_course(folder)
        printed = {f"{name}.txt": run(command, folder) for name, command in STEPS}
    return {name: text for name, text in printed.items() if not name.startswith("-")}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python scripts/term.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file would change")
    check = parser.parse_args().check
    made = term()
    there = {path.name: path.read_text(encoding="utf-8") for path in OUTPUT.glob("*.txt")}
    if check:
        stale = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
        for name in stale:
            print(f"chapters/_term/{name} is out of date: run `python scripts/term.py`.\n{made.get(name, '')}")
        return 1 if stale else 0
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    for name, text in made.items():
        (OUTPUT / name).write_text(text, encoding="utf-8")
    print(f"{len(made)} files in chapters/_term/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
