"""The roster of a course, and which of its students a platform means."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dateutil import parser, tz  # type: ignore[import-untyped]

from autograder.errors import UsageError
from autograder.platforms import HandedIn

COLUMNS = ("id", "name", "email", "lms_id", "submitted")
STUDENT = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,200}")  # an identifier that can be a folder's name


@dataclass(frozen=True)
class Student:
    """One line of the roster; "" for what it does not tell."""

    id: str
    name: str = ""
    email: str = ""
    lms_id: str = ""
    submitted: str = ""  # when, for platforms whose export does not tell


def read_roster(path: Path) -> list[Student]:
    """The students of a course; raises UsageError with the line that cannot be used."""
    try:
        text = _decoded(path.read_bytes())
        head = text.partition("\n")[0]
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
        if "id" not in (table.fieldnames or ()):
            there = ", ".join(table.fieldnames or ()) or "none"
            raise UsageError(f"{path} has no column id; it has {there}, and may have {', '.join(COLUMNS)}.")
        rows = [{name: (row.get(name) or "").strip() for name in COLUMNS} for row in table]
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name the CSV file of the roster.") from None
    except csv.Error as error:
        raise UsageError(f"{path} cannot be read as a CSV file: {error}.") from None
    students = [Student(**row) for row in rows if row["id"]]
    seen: set[str] = set()
    numbers: set[str] = set()
    for student in students:
        if not STUDENT.fullmatch(student.id):
            raise UsageError(f"{path}: the id {student.id!r} cannot be the name of a folder.")
        if student.id in seen:
            raise UsageError(f"{path}: the id {student.id!r} is there twice.")
        if student.submitted and read_time(student.submitted) is None:
            raise UsageError(f"{path}: {student.submitted!r} is no time; write 2026-03-02 11:58:00 UTC.")
        if student.lms_id in numbers:
            raise UsageError(
                f"{path}: the lms_id {student.lms_id!r} is there twice; each student has one of their own."
            )
        seen.add(student.id)
        numbers |= {student.lms_id} - {""}
    if not students:
        raise UsageError(f"{path} names no student.")
    return students


def _decoded(data: bytes) -> str:
    """As UTF-8, and what is none as Windows' Western encoding: spreadsheets save both, and tell neither."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def read_time(text: str) -> datetime | None:
    """A roster's time in UTC, with any zone that dateutil reads, UTC where there is none; None where it is no time."""
    try:
        stamp: datetime = parser.parse(text, tzinfos=lambda name, offset: offset or (name and tz.gettz(name)) or UTC)
        return stamp.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def find(file: HandedIn, students: list[Student]) -> str:
    """The one student that the platform means; "" where none or several could be.

    Canvas' number is certain. Moodle's is the participant's, which another's number can equal, so names come first.
    """
    certain = bool(file.number)
    by_number = {student.id for student in students if file.lms_id and student.lms_id == file.lms_id}
    ways = [
        {student.id for student in students if student.id in file.users},
        {student.id for student in students if {student.email, student.email.partition("@")[0]} & {*file.users}},
        by_number if certain else set(),
        {
            student.id
            for student in students
            if _same_name(file.name, student.name) and not (certain and student.lms_id)
        },
        by_number,
    ]
    found = next(filter(None, ways), set())
    return found.pop() if len(found) == 1 else ""


def _same_name(written: str, name: str) -> bool:
    """Whether two names are the same but for accents, case, order and, as in Canvas, spaces."""
    parts = words(name)
    turned = {"".join(parts[n:] + parts[:n]) for n in range(len(parts))}
    return bool(parts) and (sorted(words(written)) == sorted(parts) or "".join(words(written)) in turned)


def words(name: str) -> list[str]:
    """The letters and digits of a name in small letters, without accents."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    return re.findall(r"[^\W_]+", plain.casefold())
