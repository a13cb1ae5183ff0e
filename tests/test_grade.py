"""A batch ends whatever the submissions are, and what was graded once is kept."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from autograder.errors import AutograderError, GradebookError, UsageError
from autograder.files import write_atomically
from autograder.grade import Summary, grade
from autograder.guard import backups, only_grader
from autograder.pool import Slot
from autograder.unit import Job
from tests.course_factory import (
    FULL,
    NAME,
    POINTS,
    RIGHT,
    answered,
    cell,
    instructor_notebook,
    make_course,
    submit,
    write_source,
)

ZERO = dict.fromkeys(POINTS, 0.0)
WRONG = {**RIGHT, "scale_forward": "def scale_forward(x, w):\n    print('here')\n    return x + w, (x, w)"}
DEADLY = {**RIGHT, "scale_backward": "def scale_backward(dout, cache):\n    import os\n    os._exit(0)"}
SLOW = {**RIGHT, "demo": "import time\ntime.sleep(3)"}
CLASS: dict[str, Any] = {"ann": RIGHT, "bob": {}, "cyd": WRONG, "dan": b"garbage", "eve": DEADLY}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """A course without a gradebook, graded."""
    root = make_course(tmp_path_factory.mktemp("course"))
    for student, work in CLASS.items():
        submit(root, student, work, "2026-11-01 12:30:00 UTC")
    return root, grade(NAME, root, jobs=2)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    root = make_course(tmp_path / "course", gradebook=True)
    submit(root, "ann", RIGHT)
    return root


def scores(root: Path) -> dict[str, dict[str, float | None]]:
    query = (
        "SELECT s.student_id, b.name, g.auto_score FROM grade g JOIN base_cell b ON b.id = g.cell_id "
        "JOIN submitted_notebook n ON n.id = g.notebook_id JOIN submitted_assignment s ON s.id = n.assignment_id"
    )
    found: dict[str, dict[str, float | None]] = {}
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        for student, name, score in connection.execute(query):
            found.setdefault(student, {})[name] = score
    return found


def execute(root: Path, statement: str) -> None:
    with closing(sqlite3.connect(root / "gradebook.db")) as connection, connection:
        connection.execute(statement)


def log(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / ".autograder" / "log.jsonl").read_text().splitlines()]


def outputs(root: Path, student: str) -> str:
    return (root / "autograded" / student / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")


def page(root: Path, student: str) -> str:
    return (root / "feedback" / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")


def test_each_submission_gets_its_scores_and_the_batch_ends(graded: tuple[Path, Summary]) -> None:
    root, summary = graded
    assert scores(root) == {
        "ann": FULL,
        "bob": ZERO,
        "cyd": {**FULL, "scale_forward__values": 0.0, "scale_forward__shifted": 0.0},
        "dan": ZERO,
        "eve": {**FULL, "scale_backward__gradient": 0.0},
    }
    assert (summary.graded, summary.unchanged, summary.failed, summary.written) == (5, 0, 0, 3)
    assert summary.scores["ann"] == (9.0, 11.0)


def test_executed_notebooks_and_pages_are_in_nbgraders_places(graded: tuple[Path, Summary]) -> None:
    root, _ = graded
    for student in CLASS:
        for step, file in (("autograded", f"{NAME}.ipynb"), ("feedback", f"{NAME}.html")):
            files = sorted(path.name for path in (root / step / student / NAME).iterdir())
            assert files == [file, "timestamp.txt"]
    assert "scaled: [2. 2.]" in outputs(root, "ann")
    assert "here" in outputs(root, "cyd")
    assert "not a complete notebook" in outputs(root, "dan")
    assert os.stat(root / "autograded" / "ann" / NAME / f"{NAME}.ipynb").st_mode & 0o777 == 0o444


def test_the_page_says_what_went_wrong(graded: tuple[Path, Summary]) -> None:
    root, _ = graded
    assert "out is not x * w" in page(root, "cyd")
    assert "not a complete notebook" in page(root, "dan")
    assert "stopped by a limit" in page(root, "eve")
    assert "41.5" not in page(root, "cyd")


def test_the_summary_names_what_a_person_should_look_at(graded: tuple[Path, Summary]) -> None:
    _, summary = graded
    assert "dan" in dict(summary.people)
    assert "ann" not in dict(summary.people)


def test_the_log_has_one_record_for_each_submission_and_no_student_work(graded: tuple[Path, Summary]) -> None:
    root, _ = graded
    assert sorted(record["student"] for record in log(root)) == sorted(CLASS)
    records = {record["student"]: record for record in log(root)}
    for record in records.values():
        assert {"time", "assignment", "score", "points", "seconds", "cpu_seconds", "flags", "refused"} <= record.keys()
    assert records["eve"]["deaths"]
    assert "scale_forward(x" not in (root / ".autograder" / "log.jsonl").read_text()


def test_two_notebooks_of_one_submission_are_one_record(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    (root / "source" / NAME / "second.ipynb").write_text(json.dumps(instructor_notebook()))
    folder = submit(root, "ann", RIGHT)
    (folder / "second.ipynb").write_text(json.dumps(answered({**RIGHT, "demo": "1 / 0"})))
    summary = grade(NAME, root, jobs=1)
    assert summary.scores == {"ann": (18.0, 22.0)}
    assert [(record["score"], record["points"]) for record in log(root)] == [(18.0, 22.0)]


def test_the_summary_names_who_was_killed_by_a_limit_and_the_limit(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", "c.Engine.limits = {'cell_seconds': 1.0}", gradebook=True)
    submit(root, "ann", {**RIGHT, "demo": "while True: pass"})
    submit(root, "eve", DEADLY)
    people = dict(grade(NAME, root, jobs=2).people)
    assert people["ann"] == "cell [5]: the cell ran longer than 1 s"
    assert people["eve"] == "scale_backward__gradient: the student's process ended itself (exit code 0)"


def test_a_second_run_leaves_everything_alone(graded: tuple[Path, Summary]) -> None:
    root, _ = graded
    before = {path: path.stat().st_mtime_ns for path in (root / "autograded").rglob("*")}
    summary = grade(NAME, root, jobs=2)
    assert (summary.graded, summary.unchanged) == (0, 5)
    assert {path: path.stat().st_mtime_ns for path in (root / "autograded").rglob("*")} == before


def test_no_process_outlives_a_batch(graded: tuple[Path, Summary]) -> None:
    children = [child.cmdline() for child in psutil.Process().children() if child.status() != "zombie"]
    assert [line for line in children if "autograder" in " ".join(line)] == []


def test_only_what_changed_is_graded_again(one: Path) -> None:
    submit(one, "bob", {})
    grade(NAME, one, jobs=1)
    submit(one, "bob", WRONG)
    summary = grade(NAME, one, jobs=1)
    assert list(summary.scores) == ["bob"]
    (one / "feedback" / "ann" / NAME / f"{NAME}.html").unlink()
    assert list(grade(NAME, one, jobs=1).scores) == ["ann"]
    assert len(backups(one)) == 3


def test_a_changed_check_regrades_everybody_and_keeps_what_people_entered(one: Path) -> None:
    assert grade(NAME, one, jobs=1).written == 1
    execute(one, "UPDATE grade SET manual_score = 1.5 WHERE auto_score IS NULL")
    execute(one, "UPDATE comment SET manual_comment = 'Well said.'")
    notebook = instructor_notebook()
    notebook["cells"].append(cell("code", "extra__check", "assert False, 'always'", grade=True, locked=True, points=5))
    write_source(one, notebook)
    summary = grade(NAME, one, jobs=1)
    assert (summary.graded, summary.written) == (1, 0)
    assert scores(one)["ann"] == {**FULL, "extra__check": 0.0}
    assert "Well said." in page(one, "ann")
    assert "10.5 of 16 points" in page(one, "ann")


def test_a_late_submission_costs_what_the_courses_plugin_says(tmp_path: Path) -> None:
    root = make_course(
        tmp_path / "course",
        "c.AssignLatePenalties.plugin_class = 'autograder.late.LateDays'\nc.LateDays.penalty_per_day = 0.25",
        gradebook=True,
    )
    submit(root, "ann", RIGHT, "2026-11-02 11:00:00 UTC")
    grade(NAME, root, jobs=1)
    execute(root, "UPDATE assignment SET duedate = '2026-11-01 12:00:00.000000'")
    grade(NAME, root, jobs=1, force=True)
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        penalties = connection.execute("SELECT late_submission_penalty FROM submitted_notebook").fetchall()
    assert penalties == [(2.25,)]
    assert "2.25 points are taken off" in page(root, "ann")


def test_a_timestamp_that_is_no_time_is_named_since_lateness_is_not_counted(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    write_source(root, instructor_notebook())
    (root / "source" / NAME / "second.ipynb").write_text(
        json.dumps(instructor_notebook())
    )  # it is told once all the same
    for student, stamp in {"ann": "27.11.2026 25:00", "bob": "tomorrow\x1b", "cyd": "2026-11-01 12:30:00 UTC"}.items():
        submit(root, student, RIGHT, stamp)
    (submit(root, "dan", RIGHT) / "timestamp.txt").symlink_to("/etc/hostname")
    told = [
        ("ann", "timestamp.txt is no time ('27.11.2026 25:00'); not counted as late"),
        ("bob", "timestamp.txt is no time ('tomorrow?'); not counted as late"),
        ("dan", "timestamp.txt is no time (''); not counted as late"),
    ]
    people = grade(NAME, root, jobs=2).people
    assert sorted(each for each in people if "timestamp" in each[1]) == told
    log = [json.loads(line) for line in (root / ".autograder" / "log.jsonl").read_text().splitlines()]
    assert sorted((line["student"], flag) for line in log for flag in line["flags"] if "timestamp" in flag) == told


def test_only_the_students_that_are_named_are_graded(one: Path) -> None:
    submit(one, "bob", {})
    assert list(grade(NAME, one, students=["bob"], jobs=1).scores) == ["bob"]
    assert scores(one).keys() == {"bob"}
    with pytest.raises(UsageError, match="nobody"):
        grade(NAME, one, students=["bob", "nobody"])


def test_a_course_without_submissions_gets_its_entries(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    summary = grade(NAME, root)
    [note] = summary.notes
    assert note.startswith("Nothing of 'scaling' is handed in at ")
    assert summary == Summary(seconds=cast(float, pytest.approx(0, abs=60)), notes=[note])
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        assert connection.execute("SELECT name FROM assignment").fetchall() == [(NAME,)]


def test_files_of_the_course_can_be_read_by_the_notebook(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    (root / "source" / NAME / "data").mkdir()
    (root / "source" / NAME / "data" / "numbers.txt").write_text("4 5 6")
    submit(root, "ann", {**RIGHT, "demo": "print('read', open('data/numbers.txt').read())"})
    grade(NAME, root, jobs=1)
    assert "read 4 5 6" in outputs(root, "ann")


def test_a_worker_that_is_killed_is_replaced_and_its_submission_graded(
    one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    give = Slot.give

    def give_and_kill(self: Slot, job: Job) -> None:
        give(self, job)
        if not killed:
            killed.append(self.process.pid)
            threading.Timer(1.0, self.process.kill).start()

    monkeypatch.setattr(Slot, "give", give_and_kill)
    submit(one, "ann", SLOW)
    summary = grade(NAME, one, jobs=1)
    assert killed
    assert (summary.graded, summary.failed) == (1, 0)
    assert scores(one)["ann"] == FULL


def test_a_submission_that_has_no_end_fails_at_once_and_is_tried_again_next_time(
    one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(one, "ann", SLOW)
    with monkeypatch.context() as patched:
        patched.setattr("autograder.unit.Setup.seconds", 0.5)
        summary = grade(NAME, one, jobs=1)
    assert (summary.graded, summary.failed) == (0, 1)
    assert "no answer within" in dict(summary.people)["ann"]
    assert log(one)[-1]["error"]
    assert scores(one) == {}
    assert grade(NAME, one, jobs=1).graded == 1


def command(root: Path, *arguments: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "autograder", "grade", NAME, "--course-dir", str(root), *arguments]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_log(root: Path, lines: int) -> None:
    path = root / ".autograder" / "log.jsonl"
    deadline = time.monotonic() + 60
    while not path.exists() or len(path.read_text().splitlines()) < lines:
        assert time.monotonic() < deadline, "nothing was graded"
        time.sleep(0.02)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_grader_that_is_stopped_goes_on_where_it_was(one: Path, end: signal.Signals) -> None:
    students = [f"student{number}" for number in range(6)]
    for number, student in enumerate(students):
        submit(one, student, {**RIGHT, "demo": f"import time\ntime.sleep(0.7)\nprint({number})"})
    process = command(one, "--jobs", "1")
    wait_for_log(one, 3)
    processes = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(end)
    start = time.monotonic()
    _, errors = process.communicate(timeout=60)
    if end != signal.SIGKILL:
        assert process.returncode == 130, errors
        assert time.monotonic() - start < 10  # under 2 s on a machine with nothing else to do
        assert "run the command again" in errors
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert alive == []
    done = len(scores(one)) if (one / "gradebook.db").exists() else 0
    assert done < 7
    summary = grade(NAME, one, jobs=2)
    assert summary.graded + summary.unchanged == 7
    assert end == signal.SIGKILL or summary.unchanged >= 3
    assert scores(one) == dict.fromkeys(["ann", *students], FULL)
    assert not list(one.rglob("*.part"))


def test_a_second_grader_leaves_and_says_why(one: Path) -> None:
    with only_grader(one), pytest.raises(GradebookError, match="Another grader"):
        grade(NAME, one)


def test_a_submission_replaced_while_it_is_graded_is_graded_again(one: Path) -> None:
    submit(one, "ann", SLOW)
    process = command(one)
    deadline = time.monotonic() + 60
    while not any("warm" in " ".join(c.cmdline()) for c in psutil.Process(process.pid).children(recursive=True)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    submit(one, "ann", {})
    process.communicate(timeout=60)
    assert grade(NAME, one, jobs=1).graded == 1
    assert scores(one)["ann"] == ZERO


def test_a_file_that_cannot_be_written_is_one_sentence_and_leaves_no_half(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file in the way")
    with pytest.raises(AutograderError, match=r"cannot be written"):
        write_atomically(tmp_path / "folder" / "x", "text", 0o644)
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "x", "\ud800", 0o644)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder"]
