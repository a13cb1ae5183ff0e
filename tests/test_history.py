"""Every change of a score leaves a row that tells when, from what to what, and where from; whoever made it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest

from autograder.changes import history
from autograder.course import Course
from autograder.enrolled import enroll
from autograder.errors import UsageError
from autograder.gradebook import Gradebook, Record
from autograder.history import NAME as TABLE
from autograder.history import Change, read
from autograder.roster import Student
from tests.course_factory import FULL, NAME, assignment, cell, instructor_notebook

VALUES = "scale_forward__values"


def record(scores: dict[str, Any], submission: str = "s1", version: str = "v1", penalty: float | None = None) -> Record:
    stamp = datetime(2026, 11, 1)
    return Record("ann", NAME, scores, frozenset(), stamp, penalty, "d", "{}", submission, version)


def rows(book: Gradebook, since: int = 0) -> list[Change]:
    return book.transact(lambda connection: read(connection, book.tables[TABLE], NAME, since=since))


def told(changes: list[Change]) -> list[tuple[Any, ...]]:
    return [(each.check, each.origin, each.old, each.new, each.submission, each.version) for each in changes]


def test_the_first_grading_tells_each_score_with_submission_and_version(book: Gradebook) -> None:
    book.write(NAME, [record(FULL)])
    found = rows(book)
    assert sorted(told(found)) == sorted(
        (check, "auto", None, score, "s1", "v1") for check, score in FULL.items() if score is not None
    )
    assert {(each.student, each.assignment, each.notebook) for each in found} == {("ann", NAME, NAME)}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", each.at) for each in found)


def test_only_what_changed_is_told_again_with_the_new_submission(book: Gradebook) -> None:
    book.write(NAME, [record(FULL)])
    before = len(rows(book))
    book.write(NAME, [record({**FULL, VALUES: 0.0}, "s2", "v1", 1.5)])
    assert told(rows(book)[before:]) == [
        ("", "late", None, 1.5, "s2", "v1"),
        (VALUES, "auto", 3.0, 0.0, "s2", "v1"),
    ]


def test_what_a_person_does_in_formgrader_is_told_as_manual(course: Course, book: Gradebook) -> None:
    """Through nbgrader's own interface to the gradebook, which is what formgrader uses."""
    from nbgrader.api import Gradebook as Stock

    book.write(NAME, [record(FULL)])
    before = len(rows(book))
    for score in (1.5, 2.0, None):
        with Stock(course.db_url, "course101") as stock:
            grade = stock.find_grade("written__why", NAME, NAME, "ann")
            grade.manual_score, grade.extra_credit = score, None if score is None else 0.5
            stock.db.commit()
    found = rows(book)[before:]
    assert [(each.origin, each.old, each.new) for each in found if each.origin == "manual"] == [
        ("manual", None, 1.5),
        ("manual", 1.5, 2.0),
        ("manual", 2.0, None),
    ]
    assert [(each.old, each.new) for each in found if each.origin == "extra credit"] == [(None, 0.5), (0.5, None)]


def test_a_check_that_is_taken_away_takes_its_points_visibly(book: Gradebook) -> None:
    book.write(NAME, [record(FULL)])
    before = len(rows(book))
    notebook = instructor_notebook()
    notebook["cells"] = [raw for raw in notebook["cells"] if raw["id"] != VALUES.replace("_", "-")]
    notebook["cells"].append(cell("code", "late__check", "assert True", grade=True, locked=True, points=5))
    book.save_assignment("course101", NAME, {NAME: assignment(notebook)})
    assert told(rows(book)[before:]) == [(VALUES, "auto", 3.0, None, "s1", "v1")]


def test_a_change_that_is_rolled_back_leaves_no_row(book: Gradebook, course: Course) -> None:
    book.write(NAME, [record(FULL)])
    before = len(rows(book))
    with closing(sqlite3.connect(course.root / "gradebook.db")) as connection:
        connection.execute("UPDATE grade SET auto_score = 99")
        connection.rollback()
    assert len(rows(book)) == before


def test_triggers_that_a_migration_dropped_and_columns_of_old_are_made_again(course: Course) -> None:
    with closing(sqlite3.connect(course.root / "gradebook.db")) as connection, connection:
        connection.execute("DROP TRIGGER IF EXISTS autograder_auto_score_insert")
        connection.execute("DROP TABLE autograder_result")
        connection.execute(
            "CREATE TABLE autograder_result (student_id VARCHAR(128), assignment VARCHAR(128), notebook VARCHAR(128), "
            "digest VARCHAR(64) NOT NULL, graded_at DATETIME NOT NULL, result TEXT NOT NULL, "
            "PRIMARY KEY (student_id, assignment, notebook))"
        )
    with closing(Gradebook(course.db_url)) as book:
        book.save_assignment("course101", NAME, {NAME: assignment()})
        book.write(NAME, [record(FULL)])
        assert len(rows(book)) == 3


def test_the_command_shows_a_line_a_change_of_one_student_or_of_all(course: Course, book: Gradebook) -> None:
    with pytest.raises(UsageError, match="Nothing of 'scaling' is graded yet"):
        list(history(NAME, course.root))
    book.write(NAME, [record(FULL, "0123456789", "abcdefghij", 2.0)])
    lines = list(history(NAME, course.root, student="ann"))
    assert lines == list(history(NAME, course.root))
    assert [line for line in lines if line.endswith(f"Z ann {VALUES}: none -> 3 auto 01234567 abcdefgh")]
    assert [line for line in lines if line.endswith(f"Z ann {NAME}, lateness: none -> 2 late 01234567 abcdefgh")]
    enroll(book, [Student("bob")])
    with pytest.raises(UsageError, match="by 'bob' is graded yet"):
        list(history(NAME, course.root, student="bob"))
    book.transact(lambda connection: connection.execute(book.tables[TABLE].delete()))
    assert list(history(NAME, course.root)) == [f"No score of {NAME!r} has changed since it was first graded."]
