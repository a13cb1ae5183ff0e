"""One grader at a time, copies of the gradebook to go back to, and a course folder of any name."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import AutograderError, GradebookError, WorkerError
from autograder.grade import grade
from autograder.gradebook import Gradebook
from autograder.guard import (
    BACKUPS,
    backup,
    backups,
    check_sqlite,
    is_gone,
    only_grader,
    open_gradebook,
    set_aside,
    untold,
)
from autograder.placing import Due
from autograder.unit import Outcome
from tests.course_factory import NAME, assignment, make_course, submit
from tests.graded_course import record, rows


def test_a_damaged_gradebook_is_noticed_and_the_copy_to_go_back_to_is_named(course: Course, book: Gradebook) -> None:
    book.write(NAME, [record(f"student{number}") for number in range(200)])
    copy = backup(course.root, course.db_url)
    book.close()
    path = course.root / "gradebook.db"
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(data)
    with pytest.raises(GradebookError, match=str(copy)):
        check_sqlite(course.root, course.db_url)
    path.write_bytes(b"this is no database, and it is long enough" * 50)
    with pytest.raises(GradebookError, match="damaged"):
        check_sqlite(course.root, course.db_url)


def test_the_last_five_copies_are_kept_and_can_be_opened(course: Course, book: Gradebook) -> None:
    for number in range(BACKUPS + 3):
        book.write(NAME, [record(f"student{number}")])
        backup(course.root, course.db_url)
    assert len(backups(course.root, course.db_url)) == BACKUPS
    with closing(sqlite3.connect(backups(course.root, course.db_url)[-1])) as connection:
        assert connection.execute("SELECT count(*) FROM student").fetchone() == (BACKUPS + 3,)


def test_an_emptied_gradebook_is_not_begun_anew_while_there_are_copies_of_it(course: Course, book: Gradebook) -> None:
    copy = backup(course.root, course.db_url)
    book.close()
    (course.root / "gradebook.db").write_bytes(b"")
    with pytest.raises(GradebookError, match=f"empty file.* put back {copy}, or delete the file"):
        open_gradebook(course)
    assert (course.root / "gradebook.db").read_bytes() == b""
    (course.root / "gradebook.db").unlink()
    with pytest.raises(GradebookError, match=f"is gone.* put back {copy}, or begin a new one"):
        open_gradebook(course)
    assert not (course.root / "gradebook.db").exists()


def test_of_a_gradebook_that_is_gone_the_last_copy_is_kept_for_good_and_named(course: Course, book: Gradebook) -> None:
    assert not is_gone(course)
    backup(course.root, course.db_url)
    copy = backup(course.root, course.db_url)
    book.close()
    assert copy is not None
    (course.root / "gradebook.db").unlink()
    assert is_gone(course)
    assert not is_gone(Course.open(course.root, "sqlite:///another.db"))
    open_gradebook(Course.open(course.root, "sqlite:///another.db")).close()
    open_gradebook(course, begin=True).close()
    kept = copy.with_name(f"before-{copy.name}")
    assert f"it stands in {kept}: to go on with that, put it back" in set_aside(course)
    for _ in range(BACKUPS + 1):
        backup(course.root, course.db_url)
    assert kept.exists()
    assert not is_gone(course)


def test_that_a_gradebook_is_gone_is_told_by_a_collection_and_by_a_run_that_fails(
    course: Course, book: Gradebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(course.root, course.db_url)
    book.close()
    (course.root / "gradebook.db").unlink()
    with pytest.raises(GradebookError, match="is gone"):
        Due(course, NAME, [], make=False)

    def fails(*_: object) -> None:
        raise WorkerError("No worker started.")

    monkeypatch.setattr("autograder.grade._Batch.run", fails)
    with pytest.raises(WorkerError, match=r"^No worker started\. The gradebook .* a new one was begun"):
        grade(NAME, course.root)
    with pytest.raises(WorkerError, match=r"^No worker started\.$"):
        grade(NAME, course.root)


@pytest.mark.parametrize(
    "where", ["autograder.guard.check_sqlite", "autograder.gradebook.Gradebook.lock", "autograder.grade._Batch.run"]
)
def test_that_a_gradebook_is_gone_is_told_by_the_next_run_where_one_was_stopped_at_its_start(
    course: Course, book: Gradebook, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    backup(course.root, course.db_url)
    copy = backup(course.root, course.db_url)
    book.close()
    assert copy is not None
    (course.root / "gradebook.db").unlink()

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(where, stopped)
        with pytest.raises(KeyboardInterrupt):
            grade(NAME, course.root)
    submit(course.root, "ann", {})
    [told] = [note for note in grade(NAME, course.root, jobs=1).notes if "gradebook" in note]
    assert told.startswith(f"The gradebook {course.root / 'gradebook.db'} was gone, and a new one was begun.")
    kept = copy.with_name(f"before-{copy.name}")
    assert f"it stands in {kept}:" in told
    assert not [note for note in grade(NAME, course.root, jobs=1).notes if "gradebook" in note]
    for _ in range(BACKUPS + 1):
        backup(course.root, course.db_url)
    assert kept.exists()


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("where", ["shutil.copyfile", "autograder.guard.write_atomically"])
def test_a_full_disk_while_a_gone_gradebook_is_set_aside_changes_neither_what_is_told_nor_which_copy_is_kept(
    course: Course, book: Gradebook, monkeypatch: pytest.MonkeyPatch, where: str, copies: int
) -> None:
    newest = [backup(course.root, course.db_url) for _ in range(copies)][-1]
    book.close()
    assert newest is not None
    (course.root / "gradebook.db").unlink()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(where, full)
        with pytest.raises(AutograderError, match="No space left on device"):
            grade(NAME, course.root)
    [told] = [note for note in grade(NAME, course.root).notes if "gradebook" in note]
    assert f"it stands in {newest.with_name(f'before-{newest.name}')}:" in told


def test_a_gradebook_that_is_gone_once_more_before_that_was_told_is_set_aside_too(
    course: Course, book: Gradebook
) -> None:
    path = course.root / "gradebook.db"
    first = backup(course.root, course.db_url)
    book.close()
    path.unlink()
    set_aside(course)
    open_gradebook(course, begin=True).close()
    second = backup(course.root, course.db_url)
    path.unlink()
    [told] = [note for note in grade(NAME, course.root).notes if "was gone" in note]
    assert first != second, "its number is not given again"
    for copy in (first, second):
        assert copy is not None
        kept = copy.with_name(f"before-{copy.name}")
        assert kept.exists()
        assert told.count(f"it stands in {kept}:") == 1


def test_what_belongs_to_one_gradebook_is_no_other_gradebooks(course: Course) -> None:
    urls = (
        "sqlite:///gradebook.db",
        "sqlite:///other.db",
        "postgresql://ada@one/course",
        "postgresql://ada@two/course",
    )
    assert len({untold(Course.open(course.root, url)) for url in urls}) == len(urls)
    secret = Course.open(course.root, "postgresql://ada:secret@one/course")
    assert untold(secret) == untold(Course.open(course.root, "postgresql://ada:changed@one/course"))


def test_what_keeps_workers_from_starting_keeps_its_exit_code(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = Outcome(error="This machine cannot isolate student code.", exit_code=3)
    monkeypatch.setattr("autograder.pool.Outcome.unpack", lambda packed: ready)
    submit(course.root, "ann", {})
    with pytest.raises(AutograderError, match="cannot isolate") as caught:
        grade(NAME, course.root, jobs=1)
    assert caught.value.exit_code == 3


def test_copies_of_another_gradebook_push_none_of_the_courses_own_out(course: Course, book: Gradebook) -> None:
    own = backup(course.root, course.db_url)
    other = f"sqlite:///{course.root}/scratch.db"
    shutil.copy(course.root / "gradebook.db", course.root / "scratch.db")
    assert [backup(course.root, other) for _ in range(BACKUPS)] == backups(course.root, other)
    assert backups(course.root, course.db_url) == [own]


def test_what_people_keep_beside_the_copies_is_theirs(course: Course) -> None:
    theirs = course.root / ".autograder" / "backups" / "gradebook-before-exam.db"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    copies = [backup(course.root, course.db_url) for _ in range(BACKUPS + 2)]
    assert backups(course.root, course.db_url) == copies[2:]
    assert theirs.read_bytes() == b"theirs"


@pytest.mark.parametrize("name", ["what?", "C#", "100%25 course", "zoë & co"])
def test_a_course_folder_may_have_any_name_that_a_folder_may_have(tmp_path: Path, name: str) -> None:
    course = Course.open(make_course(tmp_path / name, gradebook=True))
    before = sorted(tmp_path.iterdir())
    check_sqlite(course.root, course.db_url)
    with closing(open_gradebook(course)) as gradebook:
        gradebook.save_assignment("course101", NAME, {NAME: assignment()})
    assert rows(course, "SELECT name FROM notebook") == [(NAME,)]
    copy = backup(course.root, course.db_url)
    (course.root / "gradebook.db").write_bytes(b"this is no database, and it is long enough" * 50)
    with pytest.raises(GradebookError, match=f"damaged.*{re.escape(str(copy))}"):
        check_sqlite(course.root, course.db_url)
    assert sorted(tmp_path.iterdir()) == before


def test_options_in_the_gradebooks_address_change_nothing_about_its_copies(course: Course) -> None:
    course = Course.open(course.root, "sqlite:///gradebook.db?timeout=20")
    open_gradebook(course).close()
    assert [backup(course.root, course.db_url)] == backups(course.root, course.db_url)


def test_a_course_that_cannot_be_written_is_told_in_a_sentence(course: Course) -> None:
    (course.root / ".autograder").write_text("in the way")
    with (
        pytest.raises(AutograderError, match=r"\.autograder cannot be written: File exists\."),
        only_grader(course.root),
    ):
        pass


def test_a_full_disk_is_told_in_a_sentence_where_the_lock_is_written(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fcntl.flock", full)
    with (
        pytest.raises(AutograderError, match=r"\.autograder cannot be written: No space left on device\."),
        only_grader(course.root),
    ):
        pass


def test_a_second_grader_is_told_who_is_at_work(course: Course) -> None:
    with only_grader(course.root), pytest.raises(GradebookError, match="Another grader"), only_grader(course.root):
        pytest.fail("two graders at once")
    with only_grader(course.root):
        pass
