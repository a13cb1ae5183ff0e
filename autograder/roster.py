"""The roster of a course, and which of its students a platform means."""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unicodedata import combining, normalize

from autograder.course import MAX_ID, fault_of
from autograder.errors import UsageError
from autograder.platforms import HandedIn
from autograder.times import read_time
from autograder.wording import listed, nearest, shown

COLUMNS = ("id", "name", "email", "lms_id", "submitted")
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx and .ods begin, and .xls
MAX_ID_BYTES = 200  # a file system takes 255, and names of folders hold more than the id, as in nbgrader's exchange
FOLDER_NAME = re.compile(r"[^./\\][^/\\]*")


@dataclass(frozen=True)
class Student:
    """One line of the roster; "" for what it does not tell."""

    id: str
    name: str = ""
    email: str = ""
    lms_id: str = ""
    submitted: str = ""  # when, for platforms whose export does not tell


def read_roster(path: Path, tell: Callable[[str], object] = lambda hint: None) -> list[Student]:
    """The students of a course; raises UsageError that names what cannot be used, and tells mistyped columns.

    A line without an id is told and left out.
    """
    try:
        text = _decoded(path, path.read_bytes(), tell)
        head = text.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
        table.fieldnames = columns = [name.strip() for name in table.fieldnames or ()]
        if "id" not in columns:
            there = shown(", ".join(columns)) or "none"
            raise UsageError(f"{path} has no column id; it has {there}, and may have {', '.join(COLUMNS)}.")
        for hint in _hints(columns):
            tell(f"{path}: {hint}")
        rows = [{name: (row.get(name) or "").strip() for name in COLUMNS} for row in table]
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name the CSV file of the roster.") from None
    except csv.Error as error:
        raise UsageError(f"{path}, line {table.line_num}, cannot be read as a CSV file: {error}.") from None
    for row in rows:
        if not row["id"] and (known := listed([shown(value) for value in row.values() if value])):
            tell(f"{path}: {known} has no id and is left out.")
    students = [Student(**row) for row in rows if row["id"]]
    seen: set[str] = set()
    numbers: set[str] = set()
    for student in students:
        if not is_id(student.id):
            raise UsageError(
                f"{path}: the id {shown(student.id)!r} cannot be the name of a folder: that has at most {MAX_ID} "
                f"characters and {MAX_ID_BYTES} bytes, no slash, no dot in front and no control character; write "
                "another."
            )
        if student.id in seen:
            raise UsageError(f"{path}: the id {shown(student.id)!r} is there twice.")
        if student.submitted and read_time(student.submitted) is None:
            told = f"{path}: {shown(student.submitted)!r}, of {student.id}, is no time"
            raise UsageError(f"{told}; write 2026-03-02 11:58:00 UTC.")
        if student.lms_id in numbers:
            raise UsageError(
                f"{path}: the lms_id {shown(student.lms_id)!r} is there twice; each student has one of their own."
            )
        seen.add(student.id)
        numbers |= {student.lms_id} - {""}
    if not students:
        raise UsageError(f"{path} names no student.")
    return students


def is_id(text: str) -> bool:
    """Whether an identifier can be the name of a folder that can be graded.

    >>> [is_id(text) for text in ("ada", "../ada", "ada" + chr(0x202E), "é" * 101, "a" * 129)]
    [True, False, False, False, False]
    """
    usable = FOLDER_NAME.fullmatch(text) and not fault_of(text)
    return bool(usable) and len(text.encode()) <= MAX_ID_BYTES


def _hints(columns: list[str]) -> Iterator[str]:
    """Sentences on columns that are not read but look like one that is; other systems' rosters may have any others."""
    absent = [name for name in COLUMNS if name not in columns]
    others = [name for name in columns if name and name not in COLUMNS]
    meant = [(name, hint) for name in others if (hint := nearest(name.casefold(), absent))]
    yield from (f"the column {shown(name)!r} is not read{hint}" for name, hint in meant)
    if others and not meant and len(absent) == len(COLUMNS) - 1:
        yield f"of its columns only id is read; it may have {', '.join(absent)}, too."


def _decoded(path: Path, data: bytes, tell: Callable[[str], object]) -> str:
    """As UTF-8, and what is none as Windows' Western encoding: spreadsheets save both, and tell neither."""
    if data.startswith(WORKBOOKS):
        raise UsageError(f"{path} is a spreadsheet's own file or a zip, not a table as text; save it as CSV (UTF-8).")
    try:
        text = data.decode("utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
        tell(f"{path} is not UTF-8; it was read as Windows' Western encoding: look at its names, or save it as UTF-8.")
    if "\0" in text:
        raise UsageError(f"{path} is not a table as text; save it as CSV (UTF-8).")
    return text


class Roster:
    """Students, found by all that a platform may tell of them."""

    def __init__(self, students: Iterable[Student]) -> None:
        self.students = list(students)
        self.by_id, self.by_mail, self.by_number, self.by_name = (defaultdict[object, set[int]](set) for _ in range(4))
        for place, student in enumerate(self.students):
            self.by_id[normalize("NFC", student.id)].add(place)
            for mail in {student.email, student.email.partition("@")[0]} - {""}:
                self.by_mail[mail].add(place)
            if student.lms_id:
                self.by_number[student.lms_id].add(place)
            for written in _ways(student.name):
                self.by_name[written].add(place)

    def fitting(self, file: HandedIn, hidden: bool) -> list[Student]:
        """Whom the platform may mean; more than one where it tells no more than a name that they share.

        Canvas' number is certain. Moodle's is the participant's, which another's number can equal: it tells namesakes
        apart, and people where names are ``hidden``, so that one stands for all.
        """
        certain = bool(file.number)
        users = {normalize("NFC", user) for user in file.users}  # macOS and zip programs write "é" as two characters
        by_name = self._named(file.name)
        by_number = self._all(self.by_number, [file.lms_id])
        ways = [
            self._all(self.by_id, users),
            self._all(self.by_mail, users),
            by_number if certain else set(),
            {place for place in by_name if not (certain and self.students[place].lms_id)},
            by_number if hidden else set(),
        ]
        found = next(filter(None, ways), set())
        return [self.students[place] for place in sorted(found & by_number or found)]

    def has_name(self, name: str) -> bool:
        """Whether somebody may be called so."""
        return bool(self._named(name))

    def _named(self, name: str) -> set[int]:
        parts = words(name)
        return self._all(self.by_name, [tuple(sorted(parts)), "".join(parts)])

    def _all(self, index: Mapping[object, set[int]], keys: Iterable[object]) -> set[int]:
        return set().union(*(index.get(key, ()) for key in keys))


def _ways(name: str) -> Iterator[object]:
    """How a name may be written: the same but for accents, case, order and, as in Canvas, spaces."""
    if parts := words(name):
        yield tuple(sorted(parts))
        yield from ("".join(parts[n:] + parts[:n]) for n in range(len(parts)))


def words(name: str) -> list[str]:
    """The letters and digits of a name in small letters, without accents."""
    plain = "".join(char for char in normalize("NFKD", name) if not combining(char))
    return re.findall(r"[^\W_]+", plain.casefold())
