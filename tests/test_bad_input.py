"""Typos, wrong folders, broken files, a full disk: each subcommand says it in one sentence and leaves nothing half."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autograder.__main__ import main
from autograder.answers import Answers
from autograder.course import SETTINGS, Course
from autograder.originality import Originality
from tests.course_factory import NAME, RIGHT, make_course, submit

COMMANDS: dict[str, list[str]] = {
    "grade": ["grade", NAME, "--jobs", "1"],
    "validate": ["validate", NAME, "--jobs", "1"],
    "report": ["report", NAME],
    "export": ["export", NAME],
    "gradescope": ["export", NAME, "--format", "gradescope-autograder"],
    "history": ["history", NAME],
    "collect": ["collect", NAME, "inbox"],
}
OF_GRADEBOOK = ("grade", "report", "export", "history")


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", RIGHT)
    inbox = tmp_path / "inbox" / f"ann+{NAME}+2026-03-02 11:58:00 UTC"
    inbox.mkdir(parents=True)
    (inbox / f"{NAME}.ipynb").write_bytes((root / "submitted" / "ann" / NAME / f"{NAME}.ipynb").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("autograder.database.RETRIES", ())
    return root


def run(command: str, course: Path, *more: str) -> Result:
    return CliRunner().invoke(main, [*COMMANDS[command], "--course-dir", str(course), *more])


def everything(course: Path) -> dict[str, bytes]:
    """Files of the course; the lock's and an opened gradebook's apart, which tell of nobody's work."""
    kept = (path for path in sorted(course.rglob("*")) if path.is_file() and path.name not in ("lock", "gradebook.db"))
    return {str(path.relative_to(course)): path.read_bytes() for path in kept if "gradebook.db-" not in path.name}


def refused(result: Result, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    lines = result.output.splitlines()
    assert len(lines) == 1, result.output
    assert lines[0].startswith("autograder: ")
    assert all(word in lines[0] for word in words), lines[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_assignment_is_answered_with_the_known_ones(course: Path, command: str) -> None:
    before = everything(course)
    arguments = [word.replace(NAME, "scalling") for word in COMMANDS[command]]
    refused(CliRunner().invoke(main, [*arguments, "--course-dir", str(course)]), 2, "'scalling'", f"there are {NAME}")
    assert everything(course) == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("folder", ["nowhere", "inbox", "a file"])
def test_a_wrong_folder_is_named(course: Path, command: str, folder: str) -> None:
    (course.parent / "a file").write_text("x")
    before = everything(course.parent)
    refused(run(command, course.parent / folder), 2, folder)
    assert everything(course.parent) == before


def broken_syntax(course: Path) -> None:
    (course / "nbgrader_config.py").write_text("c = get_config(\n")


def broken_end(course: Path) -> None:
    (course / "nbgrader_config.py").write_text("import sys\nsys.exit('bye')\n")


def broken_kind(course: Path) -> None:
    (course / "nbgrader_config.py").unlink()
    (course / "nbgrader_config.py").mkdir()


def broken_source(course: Path) -> None:
    (course / "source" / NAME / f"{NAME}.ipynb").unlink()
    (course / "source" / NAME / f"{NAME}.ipynb").mkdir()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", [broken_syntax, broken_end, broken_kind, broken_source])
def test_what_the_instructor_broke_is_named_with_its_place(
    course: Path, command: str, damage: Callable[[Path], None]
) -> None:
    damage(course)
    before = everything(course)
    refused(run(command, course), 4, f"{NAME}.ipynb" if damage is broken_source else "nbgrader_config.py")
    assert everything(course) == before


@pytest.mark.parametrize("setting", ["keep = 'worst'", "isolation = 'some'", "limits = {'hours': 1}"])
@pytest.mark.parametrize("command", ["grade", "validate", "collect"])
def test_a_setting_that_is_none_is_told(course: Path, command: str, setting: str) -> None:
    with open(course / "nbgrader_config.py", "a") as config:
        config.write(f"\nc.Engine.{setting}\n")
    result = run(command, course)
    assert result.exit_code in (2, 4)
    assert len(result.output.splitlines()) == 1
    assert setting.partition(" ")[0] in result.output or "hours" in result.output


@pytest.mark.parametrize("command", OF_GRADEBOOK)
def test_a_gradebook_that_is_none_is_told(course: Path, command: str) -> None:
    (course / "gradebook.db").write_bytes(b"this is no database, and it is long enough" * 50)
    refused(run(command, course), 5, "gradebook.db")
    (course / "gradebook.db").unlink()
    (course / "gradebook.db").mkdir()
    refused(run(command, course), 5, "gradebook.db")


@pytest.mark.parametrize("command", ["report", "export", "history"])
def test_what_needs_grades_says_so_before_there_are_any(course: Path, command: str) -> None:
    refused(run(command, course), 2, "is graded yet", f"autograder grade {NAME}")


@pytest.mark.parametrize("command", ["grade", "report", "export", "history"])
@pytest.mark.parametrize("url", ["nonsense", "sqlite:///nowhere/x.db"])
def test_a_wrong_address_of_a_gradebook_is_told(course: Path, command: str, url: str) -> None:
    refused(run(command, course, "--db", url), 5, url.rpartition("/")[2])


def test_a_place_that_cannot_be_written_is_told(course: Path) -> None:
    (course.parent / "taken").mkdir()
    for place in ("taken", "inbox/../taken"):
        refused(run("gradescope", course, "--to", place), 2, f"{place} is a folder; name a file")
    refused(run("gradescope", course, "--to", "/proc/x.zip"), 1, "cannot be written")
    nowhere = course.parent / "typo"
    for kind in ("csv", "gradescope"):
        refused(
            run("export", course, "--format", kind, "--to", str(nowhere / "x")), 2, f"There is no folder {nowhere};"
        )
    assert not nowhere.exists()
    assert list((course.parent / "taken").iterdir()) == []


def test_sources_that_cannot_be_read_are_told(course: Path) -> None:
    (course.parent / "text.zip").write_text("no zip")
    before = everything(course)
    for source in ("text.zip", "none.zip"):
        result = CliRunner().invoke(main, ["collect", NAME, "inbox", source, "--course-dir", str(course)])
        refused(result, 2, source)
    for roster, words in (("none.csv", "none.csv"), ("inbox", "inbox"), ("text.zip", "no column id")):
        result = CliRunner().invoke(main, ["collect", NAME, "inbox", "--roster", roster, "--course-dir", str(course)])
        refused(result, 2, words)
    assert everything(course) == before


@pytest.mark.parametrize("where", ["../elsewhere", "{parent}/elsewhere", "{parent}/course/source"])
def test_a_source_folder_that_the_zips_course_would_not_find_is_told(course: Path, where: str) -> None:
    (course.parent / "elsewhere").symlink_to(course / "source")
    with open(course / "nbgrader_config.py", "a") as config:
        config.write(f"\nc.CourseDirectory.source_directory = {where.format(parent=course.parent)!r}\n")
    refused(run("gradescope", course), 4, f"/{NAME}: move them into the course folder")
    assert run("grade", course).exit_code == 0


FULL = """
import os, shutil, subprocess, sys
from pathlib import Path
disk, course, *command = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=True)
root = shutil.copytree(course, Path(disk, "course"))
room = int(os.environ.get("ROOM", 8192))
with open(Path(disk, "filler"), "wb") as filler:
    filler.write(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - room))
before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
ended = subprocess.run([sys.executable, "-m", "autograder", *command, "--course-dir", str(root)],
                       capture_output=True, text=True)
print(ended.returncode, ended.stderr.strip().replace("\\n", " | "))
names = {"lock", "log.jsonl", "gradebook.db", "gradebook.db-wal", "gradebook.db-shm"}
for path in sorted(root.rglob("*")):
    if path.is_file() and path.name not in names and before.get(path) != path.read_bytes():
        print("left:", path.relative_to(root))
"""


@pytest.mark.parametrize("command", ["grade", "report", "export", "gradescope", "collect"])
def test_a_full_disk_is_told_and_nothing_is_left_half(course: Path, command: str) -> None:
    """A disk of a megabyte, in a mount namespace of the test's own, with eight kilobytes left."""
    with open(course / "nbgrader_config.py", "a") as config:
        config.write("\nc.Engine.isolation = 'none'\n")  # there are no further namespaces within this one
    if command in ("report", "export"):
        result = run("grade", course)
        assert result.exit_code == 0, result.output
    if command == "collect":
        inbox = next((course.parent / "inbox").iterdir()) / f"{NAME}.ipynb"
        inbox.write_bytes(inbox.read_bytes() + b" " * 100_000)
    disk = course.parent / "disk"
    disk.mkdir()
    arguments = [word.replace("inbox", str(course.parent / "inbox")) for word in COMMANDS[command]]
    line = ["unshare", "-m" if os.geteuid() == 0 else "-rm", sys.executable, "-c", FULL, str(disk), str(course)]
    done = subprocess.run([*line, *arguments], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    said, *left = done.stdout.splitlines()
    assert said.split()[0] in ("1", "5"), said
    assert said.count("autograder: ") == 1
    assert "|" not in said, "one sentence"
    assert "space left" in said or "full" in said, said
    assert left == []


def test_a_mistake_in_the_settings_names_its_line(course: Path) -> None:
    with open(course / "nbgrader_config.py", "a") as config:
        config.write("c.Engine.limits = dict(\n")
    refused(run("report", course), 4, "nbgrader_config.py cannot be read, line 4: '(' was never closed.")


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("print((1)", "'(' was never closed"),
        ("assert await scale_forward(1) == 2", "'await' outside function (no event loop runs in tests)"),
        ("def g(): a = 1; global a", "name 'a' is assigned to before global declaration"),
    ],
)
def test_a_mistake_in_the_instructors_notebook_names_its_cell(mistake: str, told: str, course: Path) -> None:
    path = course / "source" / NAME / f"{NAME}.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][3]["source"] += f"\n{mistake}"
    path.write_text(json.dumps(notebook))
    line = notebook["cells"][3]["source"].count("\n") + 1
    refused(run("grade", course), 4, f"'{NAME}' is malformed: cell 4, line {line}: {told}")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("c.LateDays.grace_minuts = 5", "there is no setting c.LateDays.grace_minuts; do you mean grace_minutes?"),
        (
            "from autograder.late import LateDays\nc.AssignLatePenalties.plugin_class = LateDays\nc.LateDays.last = 3",
            "there is no setting c.LateDays.last; do you mean last_day?",
        ),
        ("c.Engine.keeep = 'best'", "there is no setting c.Engine.keeep; do you mean keep?"),
        ("c.LateDays.penalty_per_day = 0,5", "nbgrader_config.py: c.LateDays.penalty_per_day must be"),
        (
            "c.LateDays.penalty_per_day = 10",
            "nbgrader_config.py: c.LateDays.penalty_per_day must not be greater than 1.0",
        ),
        ("c.LateDays.grace_minutes = '15 min'", "must be a float, not the str '15 min'"),
        ("c.Originality.likeness = 'high'", "must be a float, not the str 'high'"),
        ("c.Originality.likeness = 90", "c.Originality.likeness must not be greater than 1.0"),
        ("c.CourseDirectory.root = '/nowhere'", "c.CourseDirectory.root is '/nowhere', but a course is the folder of"),
        ("c.Enigne.keep = 'best'", "there is no section c.Enigne; do you mean Engine?"),
        ("c.LateDay.last_day = 3", "there is no section c.LateDay; do you mean LateDays?"),
        (
            "c.AssignLatePenalties.plugin_class = 'autograder.late.LateDay'",
            "the late plugin autograder.late.LateDay cannot be used (AttributeError: module 'autograder.late' has no",
        ),
        (
            "c.AssignLatePenalties.plugin_class = 5",
            "c.AssignLatePenalties.plugin_class is 5, but it names a class, such as 'autograder.late.LateDays'",
        ),
        ("c.Answers.module = 5", "must be a unicode string, not the int 5"),
        ("c.Engine.limits = {'total_second': 9}", "There is no limit 'total_second'; do you mean total_seconds"),
        (
            "c.AssignLatePenalties.plugin_class = 'mine.Late'\nc.Late.days = [1]",
            "c.Late.days is [1], but a late plugin",
        ),
        ("c.Answers.modul = 'answers'", "there is no setting c.Answers.modul; do you mean module?"),
        (
            "c.Originality.xyz = 5",
            "there is no setting c.Originality.xyz; there are likeness, modules, renamed_likeness",
        ),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_graded(course: Path, line: str, told: str) -> None:
    with open(course / "nbgrader_config.py", "a") as config:
        config.write(f"{line}\n")
    refused(run("grade", course), 4, told)
    assert not (course / "feedback").exists()


def test_a_plugin_of_the_courses_own_may_have_the_name_of_ours(course: Path) -> None:
    with open(course / "nbgrader_config.py", "a") as config:
        config.write("c.AssignLatePenalties.plugin_class = 'mine.LateDays'\nc.LateDays.weekend = 2\n")
    (course / "mine.py").write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\nclass LateDays(LateSubmissionPlugin): pass\n"
    )
    assert Course.open(course).late_policy()["config"]["LateDays"] == {"weekend": 2}


def test_the_names_of_our_settings_are_those_of_the_classes() -> None:
    assert {
        each.__name__: tuple(sorted(each.class_trait_names(config=True))) for each in (Answers, Originality)
    } == SETTINGS


def test_a_course_without_settings_is_told_where_they_were_looked_for(course: Path) -> None:
    (course / "nbgrader_config.py").unlink()
    result = run("grade", course)
    assert result.output.count(f"There is no {course / 'nbgrader_config.py'}: the engine's defaults are used") == 1
    assert result.exit_code == 0
