"""The command tells what it does, ends with the code that its help documents, and prints one line for an error."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from autograder import errors
from autograder.__main__ import main
from autograder.errors import AutograderError
from autograder.grade import Summary
from autograder.guard import only_grader
from tests.course_factory import NAME, RIGHT, make_course, submit


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return make_course(tmp_path / "course", gradebook=True)


def test_grading_prints_scores_and_what_waits_for_a_person(course: Path) -> None:
    submit(course, "ann", RIGHT)
    submit(course, "dan", b"garbage")
    result = run("grade", NAME, "--course-dir", str(course), "--jobs", "1")
    assert result.exit_code == 0, result.output
    assert "ann                          9.00 of 11" in result.output
    assert "2 graded, 0 unchanged, 0 failed" in result.output
    assert "1 written answer waits for a person's grade" in result.output
    assert "look at dan: Not read" in result.output


def test_a_folder_whose_name_nothing_can_store_is_named_and_the_others_are_graded(course: Path) -> None:
    submit(course, "zoë", RIGHT)
    for name in (b"caf\xe9", b"new\nline", b"esc\x1b[31m"):
        shutil.copytree(course / "submitted" / "zoë", course / "submitted" / os.fsdecode(name))
    result = run("grade", NAME, "--course-dir", str(course), "--jobs", "1")
    assert result.exit_code == 0, result.output
    assert "1 graded, 0 unchanged, 0 failed" in result.output
    for shown in (r"caf\udce9", r"new\nline", r"esc\x1b[31m"):
        assert f"look at {shown}: not graded: the folder's name" in result.output


def test_letters_that_the_terminal_lacks_keep_nothing_from_being_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    graded = Summary(scores={"łukasz": (9.0, 11.0), "zoë": (9.0, 11.0)})
    monkeypatch.setattr("autograder.grade.grade", lambda *_, **__: graded)
    result = CliRunner(charset="cp1252").invoke(main, ["grade", NAME])
    assert result.exit_code == 0, result.output
    assert "?ukasz " in result.output
    assert "zoë " in result.output


@pytest.mark.parametrize("students", ["--student a --student b", "--student a b"])
def test_every_option_of_the_contract_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, students: str
) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.chdir(tmp_path)
    Path("d").mkdir()

    def fake(assignment: str, course_dir: Path, **options: Any) -> Summary:
        seen.update(options, assignment=assignment, course_dir=course_dir)
        return Summary()

    monkeypatch.setattr("autograder.grade.grade", fake)
    options = f"--course-dir d {students} --jobs 3 --db sqlite:///x --scheduler tcp://h:1 --force"
    assert run("grade", "ps1", *options.split()).exit_code == 0
    assert seen == {
        "assignment": "ps1",
        "course_dir": Path("d"),
        "students": ("a", "b"),
        "jobs": 3,
        "db": "sqlite:///x",
        "scheduler": "tcp://h:1",
        "force": True,
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing"], "There is no assignment 'nothing'"),
        ([NAME, "--course-dir", "/nonexistent"], "There is no course folder"),
        ([NAME, "--student", "nobody"], "There is no submission"),
        ([], "Missing argument"),
        ([NAME, "ann"], "Got unexpected extra argument (ann); students are named after --student."),
        ([NAME, "--jobs", "0"], "--jobs"),
        ([NAME, "--jobs", "many"], "--jobs"),
        ([NAME, "--wrong"], "--wrong"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(course: Path, arguments: list[str], sentence: str) -> None:
    place = [] if "--course-dir" in arguments else ["--course-dir", str(course)]
    result = run("grade", *arguments, *place)
    assert result.exit_code == 2
    assert sentence in result.output


def test_days_that_are_no_number_are_answered_with_two_that_are(course: Path) -> None:
    result = run("extend", NAME, "ann", "--days", "one", "--course-dir", str(course))
    assert result.exit_code == 2
    assert "'one' is not a valid number of days, such as 2 or 0.5." in result.output


@pytest.mark.parametrize("days", ["nan", "inf", "-1", "1e9"])
def test_days_that_are_no_extension_are_told_in_one_sentence(course: Path, days: str) -> None:
    result = run("extend", NAME, "ann", f"--days={days}", "--course-dir", str(course))
    assert result.exit_code == 2
    assert result.output.endswith(" days are no extension: it is from 0 days to 3650, such as 2 or 0.5.\n")


def test_faults_of_the_course_end_with_4(course: Path) -> None:
    (course / "source" / NAME / f"{NAME}.ipynb").write_text("garbage")
    result = run("grade", NAME, "--course-dir", str(course))
    assert result.exit_code == 4
    assert len(result.output.splitlines()) == 1
    (course / "nbgrader_config.py").write_text("1 / 0")
    assert run("grade", NAME, "--course-dir", str(course)).exit_code == 4


def test_faults_of_the_gradebook_end_with_5(course: Path) -> None:
    with only_grader(course):
        assert run("grade", NAME, "--course-dir", str(course)).exit_code == 5
    (course / "gradebook.db").write_bytes(b"this is no database, and it is long enough" * 50)
    result = run("grade", NAME, "--course-dir", str(course))
    assert result.exit_code == 5
    assert "damaged" in result.output


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("autograder.grade.grade", interrupted)
    result = run("grade", NAME)
    assert result.exit_code == 130
    assert "run the command again" in result.output


def test_on_windows_one_sentence_says_where_the_engine_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    result = run("grade", NAME)
    assert result.exit_code == 3
    assert result.output == (
        "autograder: The engine runs on Linux alone: use WSL 2, a virtual machine or a container.\n"
    )


def test_the_help_documents_every_exit_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AutograderError)]
    text = run("grade", "--help").output
    assert {kind.exit_code for kind in kinds} <= {int(line.split()[0]) for line in text.splitlines() if _code(line)}
    for option in ("--course-dir", "--student", "--jobs", "--db", "--scheduler", "--force"):
        assert option in text


def _code(line: str) -> bool:
    return line.strip()[:1].isdigit()


IMPORTED = "import sys; {0}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"


def imported(statement: str) -> set[str]:
    """The packages that a fresh process holds after a statement, the standard library's left out."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(statement)], capture_output=True, text=True, check=True
    )
    bare = subprocess.run([sys.executable, "-c", IMPORTED.format("pass")], capture_output=True, text=True, check=True)
    names = set(done.stdout.split()) - set(bare.stdout.split()) - sys.stdlib_module_names
    return {name for name in names if not name.startswith("_")}


def test_help_imports_click_alone() -> None:
    """Under 0.3 s, of which click and Python are nearly all; what a subcommand needs comes when it is called."""
    assert imported("import autograder.__main__") == {"autograder", "click"}


def test_grading_imports_nothing_that_takes_seconds() -> None:
    """One submission is graded in 3 s from a cold start: nbgrader, NumPy, IPython are left to those who need them."""
    heavy = {
        "nbgrader",
        "nbconvert",
        "nbformat",
        "jupyter_core",
        "IPython",
        "numpy",
        "matplotlib",
        "alembic",
        "distributed",
    }
    assert imported("import autograder.grade, autograder.pool").isdisjoint(heavy)


def test_ctrl_c_in_an_evaluated_text_ends_with_the_same_code(tmp_path: Path) -> None:
    stopped = "lambda *_, **__: eval('(_ for _ in ()).throw(KeyboardInterrupt)')"
    lines = ["import autograder.grade as g", f"g.grade = {stopped}", "from autograder.__main__ import main"]
    (tmp_path / "stopped.py").write_text("\n".join([*lines, "main(['grade', 'x'])"]))
    command = [sys.executable, "-m", "stopped"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 130
    assert ended.stderr.startswith("autograder: stopped; ")


def test_the_students_package_imports_numpy_at_the_most() -> None:
    assert imported("import normlab") <= {"normlab", "numpy"}


@pytest.mark.parametrize("arguments", [["--help"], ["grade", "--help"], ["--version"]])
def test_help_comes_at_once(arguments: list[str]) -> None:
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "autograder", *arguments], check=True, capture_output=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < 0.3


def test_the_help_on_formats_points_to_where_they_stand() -> None:
    text = CliRunner().invoke(main, ["export", "--help"]).output
    assert text.index("canvas-feedback") < text.index("One of those above.")
