"""A gradebook in PostgreSQL: a real server of Debian's package, started here, stopped in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from autograder.changes import history
from autograder.enrolled import enroll, extend
from autograder.errors import GradebookError
from autograder.grade import grade
from autograder.gradebook import Gradebook, Person, Record
from autograder.history import NAME as TABLE
from autograder.history import read
from autograder.roster import Student
from tests.course_factory import FULL, NAME, RIGHT, assignment, make_course, submit
from tests.graded_course import nbgrader, record
from tests.postgres import Server, postgres

# What nbgrader's migrations add, taken away from the schema of today.
OLDEST = (
    "CREATE TABLE grade_cell (id TEXT, name TEXT, max_score FLOAT, cell_type TEXT, notebook_id TEXT)",
    "CREATE TABLE solution_cell (id TEXT, name TEXT, max_score FLOAT, cell_type TEXT, notebook_id TEXT)",
    "ALTER TABLE notebook DROP COLUMN kernelspec CASCADE",
    "ALTER TABLE grade DROP COLUMN extra_credit CASCADE",
    "ALTER TABLE student DROP COLUMN lms_user_id CASCADE",
    "ALTER TABLE assignment DROP COLUMN course_id CASCADE",
    "DROP TABLE course CASCADE",
    "UPDATE alembic_version SET version_num = 'b6d005d67074'",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as started:
        yield started


@pytest.fixture
def book(server: Server) -> Iterator[Gradebook]:
    with closing(Gradebook(server.url)) as gradebook:
        gradebook.save_assignment("course101", NAME, {NAME: assignment()})
        yield gradebook


def count(book: Gradebook, table: str) -> int:
    query = sa.select(sa.func.count()).select_from(book.tables[table])
    return book.transact(lambda connection: connection.execute(query).scalar_one())


def test_a_course_is_graded_into_a_server_and_nbgrader_works_on_it(server: Server, tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", f"c.CourseDirectory.db_url = {server.url!r}")
    submit(root, "ann", RIGHT, "2026-11-01 12:30:00 UTC")
    assert grade(NAME, root, jobs=1).graded == 1
    assert grade(NAME, root, jobs=1).unchanged == 1
    assert not (root / "gradebook.db").exists()
    nbgrader(root, "db upgrade", "export")
    assert "ann,,,,9.0,0.0,9.0,11.0" in (root / "grades.csv").read_text()


def test_what_people_entered_is_kept_in_a_server_too(book: Gradebook) -> None:
    book.write(NAME, [record("bob")])
    table = book.tables["grade"]
    manual = table.update().where(table.c.auto_score.is_(None)).values(manual_score=1.5)
    book.transact(lambda connection: connection.execute(manual))
    handed_in, due = book.tables["submitted_assignment"], book.tables["assignment"]
    book.transact(lambda c: c.execute(handed_in.update().values(extension=timedelta(days=1))))
    book.transact(lambda c: c.execute(due.update().values(duedate=sa.text("'2026-11-01 12:00'"))))
    book.write(NAME, [record("bob", {**FULL, "scale_forward__values": 0.0})])
    assert book.kept(NAME, "bob")[NAME].scores == {"written__why": 1.5}
    assert str(book.due(NAME, "bob")) == "2026-11-02 12:00:00"


def test_an_extension_and_a_roster_reach_a_server_too(server: Server, book: Gradebook, tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", f"c.CourseDirectory.db_url = {server.url!r}")
    enroll(book, [Student("gus", "Gus Grün", "gus@x.org", "7"), Student("gus")])
    extend(NAME, "gus", 1.5, root)
    extend(NAME, "gus", 2, root)
    assert book.people()["gus"] == Person("gus", "Gus", "Grün", "gus@x.org", "7")
    handed_in = book.tables["submitted_assignment"]
    query = sa.select(handed_in.c.extension).where(handed_in.c.student_id == "gus")
    assert book.transact(lambda connection: connection.execute(query).scalar_one()) == timedelta(days=2)
    days = [line.split(", ")[1] for line in history(NAME, root, student="gus")]
    assert days == ["days more: none -> 1.5 extension", "days more: 1.5 -> 2 extension"]


def test_a_second_grader_of_one_server_is_told(server: Server, book: Gradebook) -> None:
    book.lock()
    with closing(Gradebook(server.url)) as other:
        assert other.results(NAME) == book.results(NAME)
        with pytest.raises(GradebookError, match="Another grader"):
            other.lock()


def test_a_server_that_restarts_in_the_middle_loses_nothing(server: Server, book: Gradebook) -> None:
    book.write(NAME, [record("cyd")])
    before = count(book, "grade")
    server.stop()
    server.start()
    book.write(NAME, [record("dan")])
    assert count(book, "grade") == before + len(FULL)


def test_a_lock_outlives_a_restart(server: Server, book: Gradebook) -> None:
    book.lock()
    server.stop()
    server.start()
    book.write(NAME, [record("fay")])
    with closing(Gradebook(server.url)) as other, pytest.raises(GradebookError, match="Another grader"):
        other.lock()


def test_a_grader_that_is_through_makes_room_at_once(server: Server) -> None:
    for _ in range(20):
        with closing(Gradebook(server.url)) as book:
            book.lock()


def test_a_server_that_restarts_in_the_middle_of_a_batch_costs_nobody_a_score(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    students = [f"restart{number}" for number in range(4)]
    root = make_course(tmp_path / "course", f"c.CourseDirectory.db_url = {server.url!r}")
    for student in students:
        submit(root, student, RIGHT)
    write = Gradebook.write
    written: list[Record] = []

    def interrupted(book: Gradebook, assignment: str, batch: list[Record]) -> None:
        if len(written) == 1:  # one submission is in the gradebook, the others are on their way
            server.stop()
            threading.Timer(1.0, server.start).start()
        write(book, assignment, batch)
        written.extend(batch)

    monkeypatch.setattr(Gradebook, "write", interrupted)
    monkeypatch.setattr("autograder.grade.BATCH", 1)
    assert grade(NAME, root, jobs=1).graded == len(students)
    assert [each.student for each in written] == students
    with closing(Gradebook(server.url)) as book:
        assert {student for student, _ in book.graded(NAME)} >= set(students)
        results = {each.student: json.loads(each.result) for each in book.results(NAME)}
    for student in students:
        assert sum(check["score"] or 0.0 for check in results[student]["checks"].values()) == 9.0


def test_nbgraders_migrations_bring_an_old_gradebook_of_a_server_up_to_date(server: Server, tmp_path: Path) -> None:
    server.run("createdb", "-h", "127.0.0.1", "-p", str(server.port), "-U", "grader", "old")
    url = server.url.replace("/postgres", "/old")
    with closing(Gradebook(url)) as book:
        book.transact(lambda connection: [connection.exec_driver_sql(line) for line in OLDEST])
    with pytest.raises(GradebookError, match="run `nbgrader db upgrade`"):
        Gradebook(url)
    root = make_course(tmp_path / "course", f"c.CourseDirectory.db_url = {url!r}")
    submit(root, "ann", RIGHT)
    nbgrader(root, "db upgrade")
    assert grade(NAME, root, jobs=1).scores == {"ann": (9.0, 11.0)}


def test_a_server_that_is_gone_is_one_sentence(
    server: Server, book: Gradebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.database.RETRIES", ())
    server.stop()
    try:
        with pytest.raises(GradebookError, match="run the command again"):
            book.write(NAME, [record("eve")])
        with pytest.raises(GradebookError, match="cannot be used"):
            Gradebook(server.url)
    finally:
        server.start()
    assert "eve" not in {student for student, _ in book.graded(NAME)}


def test_two_graders_and_a_formgrader_at_once_lose_nothing(server: Server, book: Gradebook, tmp_path: Path) -> None:
    from nbgrader.api import Gradebook as Stock

    by_hand = [f"hand{number}" for number in range(6)]
    book.write(NAME, [record(student) for student in by_hand])
    roots = [
        make_course(tmp_path / f"grader{number}", f"c.CourseDirectory.db_url = {server.url!r}") for number in range(2)
    ]
    for number, root in enumerate(roots):
        for student in range(3):
            submit(root, f"grader{number}-{student}", RIGHT)

    def run(root: Path) -> None:
        while True:
            line = [sys.executable, "-m", "autograder", "grade", NAME, "--course-dir", str(root), "--jobs", "1"]
            done = subprocess.run(line, capture_output=True, text=True, check=False)
            if done.returncode != GradebookError.exit_code:
                assert done.returncode == 0, done.stderr
                return
            assert "Another grader is at work" in done.stderr

    def enter() -> None:
        with Stock(server.url, "course101") as stock:
            for student in by_hand:
                stock.find_grade("written__why", NAME, NAME, student).manual_score = 1.5
                stock.db.commit()

    with ThreadPoolExecutor() as pool:
        graders = [pool.submit(run, root) for root in roots]
        pool.submit(enter).result()
        for grader in graders:
            grader.result()
    with Stock(server.url, "course101") as stock:
        scores = {each.student.id: each.score for each in stock.assignment_submissions(NAME)}
    assert all(scores[student] == 9.0 + 1.5 for student in by_hand)
    assert all(scores[f"grader{number}-{student}"] == 9.0 for number in range(2) for student in range(3))


def test_a_formgrader_at_work_while_the_engine_writes_loses_nothing(server: Server, book: Gradebook) -> None:
    from nbgrader.api import Gradebook as Stock

    students = [f"student{number}" for number in range(12)]
    book.write(NAME, [record(student) for student in students])

    def enter() -> None:
        with Stock(server.url, "course101") as stock:
            for student in students:
                stock.find_grade("written__why", NAME, NAME, student).manual_score = 1.5
                stock.find_comment("written__why", NAME, NAME, student).manual_comment = f"Well, {student}."
                stock.db.commit()

    with ThreadPoolExecutor() as pool:
        person = pool.submit(enter)
        rounds = 0
        while not person.done() or rounds < 3:
            book.write(NAME, [record(student, {**FULL, "scale_forward__values": 1.0}) for student in students])
            rounds += 1
        person.result()
    with Stock(server.url, "course101") as stock:
        scores = {student: stock.find_submission(NAME, student).score for student in students}
    assert scores == dict.fromkeys(students, 1.0 + 2.0 + 4.0 + 1.5)
    comments = {student: book.kept(NAME, student)[NAME].comments["written__why"] for student in students}
    assert comments == {student: f"Well, {student}." for student in students}


def test_the_audit_trail_is_kept_there_too(book: Gradebook) -> None:
    """What a person enters, through another connection; a change that is taken back leaves nothing."""

    def origins() -> list[tuple[str, float | None, float | None, str]]:
        found = book.transact(lambda connection: read(connection, book.tables[TABLE], NAME, student="hal"))
        return [(each.origin, each.old, each.new, each.submission) for each in found if each.check == "written__why"]

    book.write(NAME, [replace(record("hal"), submission="s1")])
    mine = "notebook_id IN (SELECT p.id FROM submitted_notebook p JOIN submitted_assignment s "
    mine += "ON s.id = p.assignment_id WHERE s.student_id = 'hal') "
    mine += "AND cell_id IN (SELECT id FROM base_cell WHERE name = 'written__why')"
    with closing(sa.create_engine(book.engine.url, poolclass=sa.NullPool).connect()) as connection:
        for score in (1.5, 2.0):
            connection.execute(sa.text(f"UPDATE grade SET manual_score = {score} WHERE {mine}"))
            connection.commit()
        connection.execute(sa.text(f"UPDATE grade SET manual_score = 0 WHERE {mine}"))
        connection.rollback()
    assert origins() == [("manual", None, 1.5, "s1"), ("manual", 1.5, 2.0, "s1")]
