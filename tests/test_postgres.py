"""A gradebook in PostgreSQL: a real server of Debian's package, started here, stopped in the middle."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from autograder.errors import GradebookError
from autograder.grade import grade
from autograder.gradebook import Gradebook
from tests.course_factory import FULL, NAME, RIGHT, assignment, make_course, submit
from tests.test_gradebook import nbgrader, record

BINARIES = next(
    iter(sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)), os.path.dirname(shutil.which("postgres") or "")
)


class Server:
    """A database server of its own, in a folder of its own, on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The server refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        shutil.chown(folder, self.user)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.url = f"postgresql+psycopg://grader@127.0.0.1:{self.port}/postgres"
        self.run("initdb", "-D", f"{folder}/data", "-U", "grader", "-A", "trust", "-N", "-E", "UTF8")

    def run(self, program: str, *arguments: str) -> None:
        assert BINARIES, "these tests need PostgreSQL: apt-get install postgresql"
        user = self.user if os.geteuid() == 0 else None
        line = [f"{BINARIES}/{program}", *arguments]
        done = subprocess.run(
            line, user=user, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c fsync=off"
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="autograder-postgres-"))
    server = Server(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


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
