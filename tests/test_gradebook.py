"""The gradebook is nbgrader's own, written in whole submissions, and nothing that people entered is lost."""

from __future__ import annotations

import itertools
import multiprocessing
import signal
import sqlite3
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook import Gradebook
from autograder.kept import Kept
from tests.course_factory import FULL, NAME, assignment, cell, instructor_notebook, make_course
from tests.graded_course import ZERO, nbgrader, record, rows


def test_the_entries_equal_those_of_nbgrader_generate_assignment(tmp_path: Path) -> None:
    from nbgrader.api import Gradebook as Stock

    def entries(root: Path) -> Any:
        with Stock(f"sqlite:///{root}/gradebook.db", "course101") as stock:
            notebook = stock.find_notebook(NAME, NAME)
            groups = (notebook.grade_cells, notebook.solution_cells, notebook.task_cells, notebook.source_cells)
            cells = [sorted((each.to_dict() for each in group), key=lambda each: each["name"]) for group in groups]
            for each in itertools.chain(*cells):
                del each["id"]
            return cells, notebook.kernelspec, stock.find_assignment(NAME).course_id

    stock_root, own_root = make_course(tmp_path / "stock"), make_course(tmp_path / "own")
    nbgrader(stock_root, f"generate_assignment {NAME}")
    with closing(Gradebook(Course.open(own_root).db_url)) as gradebook:
        gradebook.save_assignment("course101", NAME, {NAME: assignment()})
    assert entries(own_root) == entries(stock_root)
    version = "SELECT version_num FROM alembic_version"
    assert rows(Course.open(own_root), version) == rows(Course.open(stock_root), version)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_wait_for_the_end_of_a_transaction(
    book: Gradebook, course: Course, number: signal.Signals
) -> None:
    def interrupted(connection: Any) -> None:
        signal.raise_signal(number)
        connection.execute(sa.text("INSERT INTO student (id) VALUES ('ann')"))

    def interrupted_twice(connection: Any) -> None:
        signal.raise_signal(number)
        interrupted(connection)

    before = signal.signal(number, signal.default_int_handler)  # what runs in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            book.transact(interrupted)
        assert signal.getsignal(number) is signal.default_int_handler
        assert rows(course, "SELECT id FROM student") == [("ann",)]
        with pytest.raises(KeyboardInterrupt):  # the second one does not wait
            book.transact(interrupted_twice)
    finally:
        signal.signal(number, before)
    book.write(NAME, [record("bob")])
    assert rows(course, "SELECT count(*) FROM student") == [(2,)]


def test_nbgrader_reads_the_scores_that_were_written(course: Course, book: Gradebook) -> None:
    from nbgrader.api import Gradebook as Stock

    stamp = datetime(2026, 11, 1, 12, 30)
    book.write(NAME, [record("ann", timestamp=stamp), record("bob", ZERO, late_penalty=0.0)])
    with Stock(course.db_url, "course101") as stock:
        ann, bob = stock.find_submission(NAME, "ann"), stock.find_submission(NAME, "bob")
        assert (ann.score, ann.max_score, ann.needs_manual_grade, ann.timestamp) == (9.0, 11.0, True, stamp)
        assert (bob.score, bob.needs_manual_grade) == (0.0, False)
        comments = [stock.find_comment("written__why", NAME, NAME, who).comment for who in ("ann", "bob")]
        assert comments == [None, "No response."]


def test_grading_anew_keeps_what_people_entered(course: Course, book: Gradebook) -> None:
    from nbgrader.api import Gradebook as Stock

    book.write(NAME, [record("ann")])
    with Stock(course.db_url, "course101") as stock:
        written = stock.find_grade("written__why", NAME, NAME, "ann")
        written.manual_score, written.extra_credit, written.needs_manual_grade = 1.5, 0.5, False
        stock.find_comment("written__why", NAME, NAME, "ann").manual_comment = "Well said."
        stock.db.commit()
    book.write(NAME, [record("ann", {**FULL, "scale_forward__values": 0.0})])
    kept = Kept({"written__why": 1.5}, {"written__why": 0.5}, {"written__why": "Well said."})
    assert book.kept(NAME, "ann") == {NAME: kept}
    with Stock(course.db_url, "course101") as stock:
        assert stock.find_submission(NAME, "ann").score == 8.0
        assert stock.find_grade("written__why", NAME, NAME, "ann").needs_manual_grade


def test_an_earlier_timestamp_stays_where_none_is_given(course: Course, book: Gradebook) -> None:
    book.write(NAME, [record("ann", timestamp=datetime(2026, 1, 2, 3, 4))])
    book.write(NAME, [record("ann"), record("bob")])
    assert [stamp[:16] for (stamp,) in rows(course, "SELECT timestamp FROM submitted_assignment") if stamp] == [
        "2026-01-02 03:04"
    ]


def test_checks_may_come_and_go_while_there_are_submissions(course: Course, book: Gradebook) -> None:
    book.write(NAME, [record("ann")])
    notebook = instructor_notebook()
    notebook["cells"] = [raw for raw in notebook["cells"] if raw["id"] != "scale-forward--shifted"]
    notebook["cells"].append(cell("code", "late__check", "assert True", grade=True, locked=True, points=5))
    notebook["cells"][3]["metadata"]["nbgrader"]["points"] = 1
    book.save_assignment("course101", NAME, {NAME: assignment(notebook)})
    query = (
        "SELECT b.name, g.auto_score, c.max_score FROM grade g JOIN base_cell b ON b.id = g.cell_id "
        "JOIN grade_cells c ON c.id = b.id ORDER BY b.name"
    )
    assert rows(course, query) == [
        ("late__check", None, 5.0),
        ("scale_backward__gradient", 4.0, 4.0),
        ("scale_forward__values", 3.0, 1.0),
        ("written__why", None, 2.0),
    ]


def test_only_what_is_in_the_gradebook_counts_as_graded(course: Course, book: Gradebook) -> None:
    book.write(NAME, [record("ann"), record("bob"), record("cyd")])
    with closing(sqlite3.connect(course.root / "gradebook.db")) as connection, connection:
        connection.execute("DELETE FROM submitted_assignment WHERE student_id = 'bob'")
    book.forget(NAME, ["cyd"])
    assert book.graded(NAME) == {("ann", NAME): "d", ("cyd", NAME): ""}


def test_the_due_date_includes_the_students_extension(course: Course, book: Gradebook) -> None:
    from nbgrader.api import Gradebook as Stock

    book.write(NAME, [record("ann")])
    assert book.due(NAME, "ann") is None
    with Stock(course.db_url, "course101") as stock:
        stock.update_or_create_assignment(NAME, duedate="2026-11-01 12:00:00 UTC")
        stock.grant_extension(NAME, "ann", days=2)
    assert book.due(NAME, "ann") == datetime(2026, 11, 3, 12)
    assert book.due(NAME, "bob") == datetime(2026, 11, 1, 12)


def test_a_batch_is_there_whole_or_not_at_all(course: Course, book: Gradebook) -> None:
    broken = record("bob", {**FULL, "scale_forward__values": "three"}, result=object())
    with suppress(GradebookError):
        book.write(NAME, [record("ann"), broken])
    assert rows(course, "SELECT * FROM student") == []
    assert rows(course, "SELECT * FROM grade") == []


def _write_many(url: str, name: str) -> None:
    with closing(Gradebook(url)) as book:
        for number in range(20):
            book.write(NAME, [record(f"{name}{number}")])


def test_two_writers_at_once_lose_nothing(course: Course, book: Gradebook) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(course.db_url, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    _write_many(course.db_url, "c")
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert rows(course, "SELECT count(*) FROM grade") == [(60 * 4,)]


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "nosuch://x/y",
        "sqlite:////nonexistent/folder/x.db",
        "postgresql://u@h:abc/db",
        "sqlite:///gradebook.db?timeout=long",
    ],
)
def test_a_gradebook_that_cannot_be_opened_is_one_sentence(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.database.RETRIES", ())
    with pytest.raises(GradebookError, match=r"gradebook|address"):
        Gradebook(url)


@pytest.mark.parametrize(
    ("url", "waits"),
    [("sqlite:////nonexistent/folder/x.db", []), ("postgresql+psycopg://nobody@127.0.0.1:1/nothing", [0.5, 1.0])],
)
def test_a_gradebook_that_was_never_there_is_told_soon(
    url: str, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("autograder.database.time.sleep", waited.append)
    with pytest.raises(GradebookError, match="Nothing was done; name a gradebook that is there"):
        Gradebook(url)
    assert waited == waits


def test_a_database_that_stops_answering_is_waited_for_and_that_is_said(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("autograder.database.RETRIES", (0.01,) * 5)
    with closing(Gradebook(course.db_url)) as gradebook:
        tries = 0

        def fail(connection: sa.Connection) -> None:
            nonlocal tries
            tries += 1
            raise sa.exc.OperationalError("", None, Exception("the server is gone"))

        with pytest.raises(GradebookError, match="What was graded so far is kept"):
            gradebook.transact(fail)
    assert tries == 6
    line = "autograder: the database does not answer (the server is gone); trying for another minute\n"
    assert capsys.readouterr().err == line


def test_an_older_nbgraders_gradebook_asks_for_its_upgrade(course: Course) -> None:
    with closing(sqlite3.connect(course.root / "gradebook.db")) as connection:
        connection.execute("ALTER TABLE student DROP COLUMN lms_user_id")
    with pytest.raises(GradebookError, match="nbgrader db upgrade"):
        Gradebook(course.db_url)


def test_a_student_with_an_extension_of_an_hour_is_an_hour_less_late(course: Course, book: Gradebook) -> None:
    book.write(NAME, [record("ann")])
    with closing(sqlite3.connect(course.root / "gradebook.db")) as connection, connection:
        connection.execute("UPDATE assignment SET duedate = '2026-11-01 12:00:00.000000'")
        connection.execute("UPDATE submitted_assignment SET extension = '1970-01-01 01:00:00.000000'")
    assert book.due(NAME, "ann") == datetime(2026, 11, 1, 12) + timedelta(hours=1)


def test_a_gradebook_that_may_not_be_written_is_told_at_once(book: Gradebook, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("autograder.database.time.sleep", waited.append)

    def write(connection: sa.Connection) -> None:
        connection.execute(sa.text("PRAGMA query_only = 1"))
        connection.execute(sa.text("DELETE FROM grade"))

    with pytest.raises(GradebookError, match="readonly database"):
        book.transact(write)
    assert waited == []
