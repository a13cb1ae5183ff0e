"""A term of a small class: `python scripts/term.py` writes what the commands print, for the chapter for instructors.

Runs them in a course folder made for it and writes chapters/_term/<step>.txt, each a command and what it printed. What
differs from run to run (times, folders, digests) is replaced. With --check it writes nothing and exits with 1 where a
file would change.
"""

from __future__ import annotations

import argparse
import csv
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from reference.course import Course  # noqa: E402
from reference.sample_class import Answers, filled, last_missing, mistaken, right, solutions, unusual  # noqa: E402
from tests.postgres import postgres  # noqa: E402

NAME = "batchnorm"
OUTPUT = ROOT / "chapters" / "_term"
LIMITS = 'c.Engine.limits = {"cell_seconds": 600, "total_seconds": 1800}\n'  # for a loaded machine
ANSWERS = "reference.quality"  # as the chapter says: every sixteenth of the known answers, so that this takes a minute
PEOPLE = {  # id -> name, number in Canvas, when it was handed in, what
    "abel": ("Niels Abel", "4711", "2026-03-02 09:12:40 UTC", right),
    "cauchy": ("Augustin Cauchy", "4712", "2026-03-02 10:01:12 UTC", mistaken(0)),
    "fermat": ("Pierre Fermat", "4713", "2026-03-02 11:40:03 UTC", last_missing),
    "galois": ("Évariste Galois", "4714", "2026-03-03 08:30:00 UTC", unusual(1)),
    "noether": ("Emmy Noether", "4715", "", None),  # hands in nothing
    "poincare": ("Henri Poincaré", "4716", "2026-03-02 11:58:59 UTC", None),  # no notebook
}
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
BUNDLE = f"exports/{NAME}-gradescope-autograder.zip"
PAGES = f"exports/{NAME}-canvas-feedback.zip"
# Name of the file, the folder to run in, the command; a name that begins with "-" is run and not shown.
STEPS = (
    ("check", "ada", f"python -m normlab check {NAME}.ipynb"),
    ("validate", "known_answers", f"autograder validate {NAME}"),
    ("due", "my_course", f'nbgrader db assignment add {NAME} --duedate="2026-03-02 12:00:00 UTC"'),
    ("known", "my_course", "nbgrader db student add noether"),
    ("early", "my_course", f"autograder extend {NAME} noether --days 7"),
    ("collect", "my_course", f"autograder collect {NAME} submissions.zip --roster roster.csv"),
    ("grade", "my_course", f"autograder grade {NAME}"),
    ("again", "my_course", f"autograder grade {NAME}"),
    ("-by-hand", "my_course", f"python -c '{BY_HAND}'"),
    ("-late-shares", "my_course", f"autograder grade {NAME}"),  # lateness takes its share of what was given by hand
    ("feedback", "my_course", f"nbgrader generate_feedback {NAME} --force"),
    ("extend", "my_course", f"autograder extend {NAME} galois --days 1"),
    ("extended", "my_course", f"autograder grade {NAME}"),
    ("-cheaper", "my_course", f"python -c '{CHEAPER}'"),
    ("regrade", "my_course", f"autograder grade {NAME}"),
    ("history", "my_course", f"autograder history {NAME} galois"),
    ("report", "my_course", f"autograder report {NAME}"),
    ("export", "my_course", f"autograder export {NAME} --format canvas && cat exports/{NAME}-canvas.csv"),
    ("pages", "my_course", f"autograder export {NAME} --format canvas-feedback && python -m zipfile -l {PAGES}"),
    (
        "bundle",
        "my_course",
        f"autograder export {NAME} --format gradescope-autograder && python -m zipfile -l {BUNDLE} | grep -v packages/",
    ),
    ("-best", "my_course", "echo 'c.Engine.keep = \"best\"' >> nbgrader_config.py"),
    ("later", "my_course", f"autograder collect {NAME} later.zip --roster roster.csv"),
    ("best", "my_course", f"autograder grade {NAME} --student cauchy"),
    ("moodle", "elsewhere", f"autograder collect {NAME} moodle.zip --roster roster.csv"),
    ("blackboard", "elsewhere", f"autograder collect {NAME} blackboard.zip --roster roster.csv"),
    ("folders", "elsewhere", f"autograder collect {NAME} by_mail --roster roster.csv"),
    ("submit", "ada", f"nbgrader submit {NAME}"),
    (
        "exchange",
        "exchanged",
        f"autograder collect {NAME} ../exchange/normalization/inbound && autograder grade {NAME}",
    ),
    ("release", "exchanged", f"nbgrader release_feedback {NAME}"),
    ("fetch", "ada", f"nbgrader fetch_feedback {NAME}"),
    ("-collected", "department", f"autograder collect {NAME} ../my_course/submissions.zip --roster roster.csv"),
    ("postgres", "department", f"autograder grade {NAME} --student abel && nbgrader db student list && ls"),
    ("assemble", "own", "python -m reference.assemble groupnorm"),
    ("own", "own", "autograder validate groupnorm"),
    ("-quickstart", ".", "nbgrader quickstart course101"),
    ("-handed-in", "course101", "mkdir -p submitted/ada && cp -r source/ps1 submitted/ada/"),
    ("quickstart", "course101", "autograder grade ps1"),
)
FAILS = ("check",)  # exits with 1, since not all tasks pass


def make_places(home: Path, database: str) -> None:
    """The folders in which the steps run; one of them keeps its gradebook at the address of a PostgreSQL database."""
    make_course(home / "known_answers", ANSWERS)
    for name in ("my_course", "elsewhere", "exchanged", "department"):  # no command prints a diagnosis of theirs
        make_course(home / name)
    with (home / "department" / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
        settings.write(f"c.CourseDirectory.db_url = {database!r}\n")
    release = ROOT / "release" / NAME
    handed_in = {student: work(student) for student in PEOPLE}
    canvas = {
        f"{_last_first(name)}_{number}_{upload}_{NAME}.ipynb": handed_in[student]
        for upload, (student, (name, number, when, _)) in enumerate(PEOPLE.items(), 900)
        if when
    }
    zipped(home / "my_course" / "submissions.zip", canvas)
    again = (release / f"{NAME}.ipynb").read_text(encoding="utf-8")
    zipped(home / "my_course" / "later.zip", {f"cauchyaugustin_4712_950_{NAME}-1.ipynb": again})
    elsewhere = home / "elsewhere"
    moodle = (
        f"Niels Abel_31_assignsubmission_file_/{NAME}.ipynb",
        "Pierre Fermat_33_assignsubmission_file_/homework.ipynb",
    )
    zipped(elsewhere / "moodle.zip", {moodle[0]: handed_in["abel"], moodle[1]: handed_in["fermat"]})
    attempts: dict[str, str] = {}
    for day, text in (2, again), (3, handed_in["galois"]):
        start = f"Batch norm_galois_attempt_2026-03-0{day}-08-30-00"
        receipt = f"Name: Galois (galois)\nAssignment: Batch norm\nDate Submitted: March {day}, 2026 8:30:00 AM UTC\n"
        attempts |= {f"{start}.txt": receipt, f"{start}_{NAME}.ipynb": text}
    zipped(elsewhere / "blackboard.zip", attempts)
    (elsewhere / "by_mail" / "cauchy").mkdir(parents=True)
    (elsewhere / "by_mail" / "cauchy" / f"{NAME}.ipynb").write_text(handed_in["cauchy"], encoding="utf-8")
    make_exchange(home)
    make_own(home / "own")


def make_course(folder: Path, answers: str = "") -> None:
    """What an instructor has on the day after the due date: settings, source, roster."""
    shutil.copytree(ROOT / "source" / NAME, folder / "source" / NAME)
    settings = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    settings += f"\n{LIMITS}c.Answers.module = {answers!r}\n"
    (folder / "nbgrader_config.py").write_text(settings, encoding="utf-8")
    with (folder / "roster.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "name", "email", "lms_id", "submitted"])
        for student, (name, number, when, _) in PEOPLE.items():
            table.writerow([student, name, f"{student}@example.org", number, when])


def make_exchange(home: Path) -> None:
    """nbgrader's exchange with the assignment released, and a student who has worked on it."""
    places = f"c.Exchange.root = {str(home / 'exchange')!r}\nc.Exchange.cache = {str(home / 'cache')!r}\n"
    with (home / "exchanged" / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
        settings.write(places)
    shared = home / "exchange" / "normalization"
    shutil.copytree(ROOT / "release" / NAME, shared / "outbound" / NAME)
    (shared / "inbound").mkdir()
    for folder in (home / "exchange", shared, shared / "inbound"):
        folder.chmod(0o777)
    shutil.copytree(ROOT / "release" / NAME, home / "ada" / NAME)
    (home / "ada" / NAME / f"{NAME}.ipynb").write_text(work("cauchy", last_missing), encoding="utf-8")
    shutil.copy(home / "ada" / NAME / f"{NAME}.ipynb", home / "ada")
    course = "c.CourseDirectory.course_id = 'normalization'\n"
    (home / "ada" / "nbgrader_config.py").write_text(f"c = get_config()\n{course}{places}", encoding="utf-8")


def make_own(folder: Path) -> None:
    """A copy of what makes assignments, with the six files of a new one."""
    kept = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "reference", folder / "reference", ignore=kept)
    shutil.copytree(ROOT / "tests" / "groupnorm", folder / "reference" / "groupnorm", ignore=kept)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    with (folder / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
        settings.write(LIMITS)


def work(student: str, more: Callable[[Course, Answers], Answers] | None = None) -> str:
    """The file that a student hands in; ``more`` is done to the answers afterwards."""
    answers = PEOPLE[student][3]
    if answers is None:
        return "See my mail.\n"
    filled_in = answers(Course(NAME), solutions(NAME))
    if more:
        filled_in = more(Course(NAME), filled_in)
    release = nbformat.read(ROOT / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    return str(nbformat.writes(filled(release, filled_in)))


def zipped(path: Path, files: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def _last_first(name: str) -> str:
    return "".join(reversed(name.lower().split()))


def run(name: str, place: str, command: str, home: Path) -> str:
    """The command as the page shows it, and what it printed. Raises CalledProcessError."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "100"}
    # nbgrader's words are its log; what the engine writes to the error stream is its progress, and why it failed.
    errors = subprocess.STDOUT if command.startswith("nbgrader") else subprocess.PIPE
    line = ["bash", "-euc", f"{command} || test $? = 1" if name in FAILS else command]
    done = subprocess.run(line, cwd=home / place, env=environment, stdout=subprocess.PIPE, stderr=errors, check=True)
    text = done.stdout.decode()
    if place in ("ada", "exchanged"):  # where nbgrader takes whoever runs this for the student
        text = re.sub(rf"\b{re.escape(pwd.getpwuid(os.geteuid()).pw_name)}\b", "ada", text)
    return f"$ {command}\n{steady(text, home)}"


def steady(text: str, home: Path) -> str:
    """The text without what differs from run to run."""
    for length in (8, 32, 64):
        for number, digest in enumerate(dict.fromkeys(re.findall(rf"\b[0-9a-f]{{{length}}}\b", text))):
            text = text.replace(digest, f"{'abcdef'[number % 6]}" * 8)
    for pattern, replacement in (
        (re.escape(str(home)), "~"),
        (r"in \d+\.\d s$", "in 12.3 s"),
        (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-03-04T09:00:00Z"),
        (r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ UTC", "2026-03-04 09:00:00 UTC"),
        (r"UTC\+[\w-]+", "UTC+abcdef"),  # what keeps two submissions of the exchange apart
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+$", "2026-03-04 09:00:00       100000"),  # the list of a zip
        (r"Writing \d+ bytes", "Writing 100000 bytes"),  # a page tells how long its figures took
    ):
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    lines = [line.rstrip() + "\n" for line in text.splitlines()]
    flags = [line for line in lines if line.startswith("look at ")]  # in the order in which grading was through
    return "".join([line for line in lines if line not in flags] + sorted(flags))


def term() -> dict[str, str]:
    """What each step printed, by the name of its file."""
    with tempfile.TemporaryDirectory() as scratch, postgres() as server:
        home = Path(scratch).resolve()
        make_places(home, server.url)
        printed = {f"{name}.txt": run(name, place, command, home) for name, place, command in STEPS}
    return {name: text for name, text in printed.items() if not name.startswith("-")}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python scripts/term.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file would change")
    check = parser.parse_args().check
    try:
        made = term()
    except subprocess.CalledProcessError as error:
        said = (error.output + (error.stderr or b"")).decode()
        print(f"A command failed: {error.cmd[-1]}\n{said}", file=sys.stderr)
        return 1
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
