"""A roster is read as people and systems write it, and what is not read of it is told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from autograder.errors import UsageError
from autograder.roster import Student, read_roster
from autograder.times import read_time
from tests.course_factory import make_course
from tests.exports import GOOD, command, zipped

TABLE = "id,name,lms_id\nada,Ada Löve,4711\n"


def hints(tmp_path: Path, header: str) -> list[str]:
    path, told = tmp_path / "roster.csv", list[str]()
    path.write_text(f"{header}\nada{',' * header.count(',')}\n")
    read_roster(path, told.append)
    return [hint.removeprefix(f"{path}: ") for hint in told]


def test_spaces_after_the_separators_belong_to_no_name(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text('id, name , email, "lms_id"\nada, "Lovelace, Ada", ada@example.org, 4711\n')
    assert read_roster(path) == [Student("ada", "Lovelace, Ada", "ada@example.org", "4711")]


@pytest.mark.parametrize(
    ("column", "meant"), [("LMS ID", "lms_id"), ("lms-id", "lms_id"), ("submited", "submitted"), ("E-Mail", "email")]
)
def test_a_column_that_looks_like_a_known_one_is_asked_about(tmp_path: Path, column: str, meant: str) -> None:
    assert hints(tmp_path, f"id,{column},section") == [f"the column '{column}' is not read; do you mean {meant}?"]


def test_other_columns_are_told_where_nothing_but_the_id_is_read(tmp_path: Path) -> None:
    told = "of its columns only id is read; it may have name, email, lms_id, submitted, too."
    assert hints(tmp_path, "id,section,credits") == [told]
    for header in ("id", "id,", "id,name,section,credits", "id,name,email,lms_id,submitted,Names"):
        assert hints(tmp_path, header) == [], header


def test_a_roster_of_another_encoding_is_told(tmp_path: Path) -> None:
    path, told = tmp_path / "roster.csv", list[str]()
    path.write_bytes("id,name\njiri,Jiří Dvořák\n".encode("cp1250"))
    read_roster(path, told.append)
    assert told == [
        f"{path} is not UTF-8; it was read as Windows' Western encoding: look at its names, or save it as UTF-8."
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_roster_in_utf_16_is_read_where_its_mark_tells_so(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes((TABLE if encoding == "utf-16" else f"\ufeff{TABLE}").encode(encoding))
    assert read_roster(path) == [Student("ada", "Ada Löve", lms_id="4711")]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"PK\x03\x04\x14\0\x1b[31m", "is a spreadsheet's own file or a zip, not a table as text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a spreadsheet's own file or a zip, not a table as text"),
        (TABLE.encode("utf-16-le"), "is not a table as text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not a table as text"),
        (b"\xff\xfe\0", "is not a table as text"),
    ],
)
def test_a_roster_that_is_no_text_is_told_with_how_to_save_it(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "roster.xlsx"
    path.write_bytes(data)
    with pytest.raises(UsageError) as error:
        read_roster(path)
    assert str(error.value) == f"{path} {told}; save it as CSV (UTF-8)."


@pytest.mark.parametrize("text", ["12", "Mon", "11:58", "March 2026", "Mon March 2026", "2 March", "UTC", ""])
def test_a_time_without_its_whole_day_is_no_time(text: str) -> None:
    assert read_time(text) is None


def test_a_day_that_may_be_a_month_is_no_time() -> None:
    assert [read_time(text) for text in ("04.03.2026 11:00", "3/4/26", "02.03.2026")] == [None] * 3
    assert read_time("2026-03-04") == datetime(2026, 3, 4)
    assert read_time("13.03.2026 11:00") == read_time("3/13/2026 11:00") == datetime(2026, 3, 13, 11)


@pytest.mark.parametrize("text", ["2026-03-02 11:58", "Monday, March 2, 2026 11:58 AM", "2 Mar 2026 12:58 +0100"])
def test_a_time_with_its_whole_day_is_read_as_people_write_it(text: str) -> None:
    assert read_time(text) == datetime(2026, 3, 2, 11, 58)


@pytest.mark.parametrize("text", ["\x1b[31mname,email\n", f"id,name\n{'../' * 500}\x1b[31m,Ada\n"])
def test_what_a_roster_holds_is_told_harmless_and_short(tmp_path: Path, text: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        read_roster(path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 400


def test_an_id_that_is_longer_than_a_servers_gradebook_takes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(f"id,name\n{'a' * 128},Ada\n")
    assert read_roster(path) == [Student("a" * 128, "Ada")]
    path.write_text(f"id,name\n{'a' * 129},Ada\n")
    with pytest.raises(UsageError, match="that has at most 128 characters and 200 bytes, no slash"):
        read_roster(path)


def test_collect_prints_what_it_does_not_read_of_the_roster_and_goes_on(tmp_path: Path) -> None:
    course = make_course(tmp_path / "course", gradebook=True)
    roster = tmp_path / "roster.csv"
    roster.write_text("id,name,submited\nada,Ada Lovelace,2026-03-02 11:58\n")
    path = zipped(course, {"lovelaceada_4711_99_scaling.ipynb": GOOD})
    result = command(course, str(path), "--roster", str(roster))
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{roster}: the column 'submited' is not read; do you mean submitted?\n{path}: ")
    assert "1 put in place" in result.output
