"""A batch ends whatever the submissions are, and what was graded once is kept."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from autograder.bounds import cores
from autograder.errors import AutograderError, UsageError
from autograder.grade import Summary, grade
from autograder.guard import backups
from autograder.pool import LocalPool
from tests.attacks.forms import adopt_orphans
from tests.course_factory import (
    FULL,
    NAME,
    RIGHT,
    answered,
    cell,
    instructor_notebook,
    make_course,
    submit,
    write_source,
)
from tests.graded_course import ZERO, log, scores

WRONG = {**RIGHT, "scale_forward": "def scale_forward(x, w):\n    print('here')\n    return x + w, (x, w)"}
DEADLY = {**RIGHT, "scale_backward": "def scale_backward(dout, cache):\n    import os\n    os._exit(0)"}
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


def execute(root: Path, statement: str) -> None:
    with closing(sqlite3.connect(root / "gradebook.db")) as connection, connection:
        connection.execute(statement)


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
    assert "is not a notebook" in outputs(root, "dan")
    assert os.stat(root / "autograded" / "ann" / NAME / f"{NAME}.ipynb").st_mode & 0o222 == 0


def test_the_page_says_what_went_wrong(graded: tuple[Path, Summary]) -> None:
    root, _ = graded
    assert "out is not x * w" in page(root, "cyd")
    assert "is not a notebook" in page(root, "dan")
    assert "your code&#39;s process ended" in page(root, "eve")
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
    assert people["ann"] == "cell [5] (while True: pass): the cell ran longer than 1 s"
    assert people["eve"] == "scale_backward__gradient: the student's process ended itself (exit code 0)"


def test_of_two_notebooks_none_is_stored_where_the_second_cannot_be_written(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    (root / "source" / NAME / "second.ipynb").write_text(json.dumps(instructor_notebook()))
    folder = submit(root, "ann", RIGHT)
    (folder / "second.ipynb").write_text(json.dumps(answered(RIGHT)))
    blocked = root / "feedback" / "ann" / NAME / "second.html"
    blocked.mkdir(parents=True)
    with pytest.raises(AutograderError, match=r"second\.html cannot be written"):
        grade(NAME, root, jobs=1)
    assert scores(root) == {}
    blocked.rmdir()
    assert grade(NAME, root, jobs=1).graded == 1


def test_a_second_run_leaves_everything_alone(graded: tuple[Path, Summary]) -> None:
    root, _ = graded
    before = {path: path.stat().st_mtime_ns for path in (root / "autograded").rglob("*")}
    summary = grade(NAME, root, jobs=2)
    assert (summary.graded, summary.unchanged) == (0, 5)
    assert {path: path.stat().st_mtime_ns for path in (root / "autograded").rglob("*")} == before


def test_no_process_outlives_a_batch_not_even_one_that_a_student_left_behind(tmp_path: Path) -> None:
    """Without isolation, since the sandbox lets nobody fork."""
    root = make_course(tmp_path, "c.Engine.isolation = 'none'", gradebook=True)
    leaves = "import os, time\nleft = os.fork()\nif left == 0:\n    time.sleep(600)\nprint(f'left {left} behind')"
    submit(root, "eve", {**RIGHT, "demo": leaves})
    before = psutil.Process().children(recursive=True)
    adopt_orphans(True)
    try:
        assert grade(NAME, root, jobs=1).scores["eve"] == (9.0, 11.0)
        left = [child for child in psutil.Process().children(recursive=True) if child not in before]
        assert psutil.wait_procs(left, timeout=10)[1] == []
    finally:
        adopt_orphans(False)
    found = re.search(r"left (\d+) behind", outputs(root, "eve"))
    assert found
    assert not psutil.pid_exists(int(found[1]))


def test_only_what_changed_is_graded_again(one: Path) -> None:
    submit(one, "bob", {})
    grade(NAME, one, jobs=1)
    submit(one, "bob", WRONG)
    summary = grade(NAME, one, jobs=1)
    assert list(summary.scores) == ["bob"]
    (one / "feedback" / "ann" / NAME / f"{NAME}.html").unlink()
    assert list(grade(NAME, one, jobs=1).scores) == ["ann"]
    (one / "feedback" / "ann" / NAME / f"{NAME}.html").write_text("")  # as a power failure leaves it
    assert list(grade(NAME, one, jobs=1).scores) == ["ann"]
    assert len(backups(one, f"sqlite:///{one}/gradebook.db")) == 4


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


def test_what_is_handed_in_again_without_a_time_has_none_of_the_earlier_ones(tmp_path: Path) -> None:
    config = "c.AssignLatePenalties.plugin_class = 'autograder.late.LateDays'"
    root = make_course(tmp_path / "course", config, gradebook=True)
    folder = submit(root, "ann", RIGHT, "2026-11-02 11:00:00 UTC")
    grade(NAME, root, jobs=1)
    execute(root, "UPDATE assignment SET duedate = '2026-11-01 12:00:00.000000'")
    grade(NAME, root, jobs=1)

    def known() -> tuple[list[Any], list[Any]]:
        with closing(sqlite3.connect(root / "gradebook.db")) as connection:
            time, penalty = (
                connection.execute(f"SELECT {name} FROM {table}").fetchone()[0]
                for name, table in (
                    ("timestamp", "submitted_assignment"),
                    ("late_submission_penalty", "submitted_notebook"),
                )
            )
        places = [
            step for step in ("autograded", "feedback") if (root / step / "ann" / NAME / "timestamp.txt").exists()
        ]
        return [time, penalty], places

    assert known() == (["2026-11-02 11:00:00.000000", pytest.approx(0.9)], ["autograded", "feedback"])
    (folder / "timestamp.txt").unlink()
    submit(root, "ann", WRONG)
    assert grade(NAME, root, jobs=1).scores == {"ann": (4.0, 11.0)}
    assert known() == ([None, None], [])


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
    with pytest.raises(UsageError, match="'bobb'; do you mean bob"):
        grade(NAME, one, students=["bob", "bobb"])


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


def test_an_emptied_text_waits_for_nobody(one: Path) -> None:
    submit(one, "ann", RIGHT | {"written__why": " \n"})
    assert grade(NAME, one).written == 0
    assert scores(one)["ann"] == FULL | {"written__why": 0.0}
    assert "not attempted, 0 of 2 points" in " ".join(page(one, "ann").split())


def test_who_lost_points_to_something_outside_is_graded_anew_next_time(
    one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = LocalPool.run

    def disturbed(pool: LocalPool, jobs: Any) -> Any:
        for job, outcome in run(pool, jobs):
            for graded in outcome.graded.values():
                result = json.dumps(json.loads(graded.result) | {"outside": "killed"})
                object.__setattr__(graded, "result", result)
            yield job, outcome

    with monkeypatch.context() as patched:
        patched.setattr(LocalPool, "run", disturbed)
        assert grade(NAME, one).graded == 1
    assert grade(NAME, one).graded == 1
    assert grade(NAME, one).unchanged == 1


def test_there_are_as_many_graders_as_cores_that_may_be_used(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cores() == sorted(os.sched_getaffinity(0))
    sizes: list[int] = []

    class Noted(LocalPool):
        def __init__(self, setup: bytes, size: int) -> None:
            sizes.append(size)
            super().__init__(setup, size)

    submit(one, "ben", RIGHT)
    monkeypatch.setattr("autograder.grade.LocalPool", Noted)
    monkeypatch.setattr("autograder.grade.cores", lambda: cores()[:1])
    assert grade(NAME, one).graded == 2
    assert sizes == [1]
