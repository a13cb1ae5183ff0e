"""What the names in a platform's export mean: Canvas, Moodle, Blackboard, nbgrader's exchange.

Sources: Canvas, lib/content_zipper.rb (``get_filename``, ``add_upload_submission``); Moodle, mod/assign/classes
(``downloader``, as folders and flat); Blackboard's names, as public programs that read them do; nbgrader 0.9.6,
``ExchangeSubmit``. Only the last two tell when a file was handed in: a zip's times are those of the download.

Students choose the last part of a name, so every pattern takes the first place that fits as the platform's own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from autograder.archive import File, Source
from autograder.intake import Refused
from autograder.submission import NAME
from autograder.times import parse_timestamp, read_time

# ``who``: what stands before the platform's own words. Each takes time that is linear in the length, whatever students
# wrote: what fits only in the last part of a path is tried in no other.
CANVAS = re.compile(
    r"(?:.*/)?+(?P<who>[^/]+?)_(?:(?P<late>LATE)_)?(?P<user>\d+)_"
    r"(?:(?P<number>\d+)_(?P<file>[^/]+)|(?P<entry>(?:text|link)\.html))"
)
MOODLE = re.compile(
    r"(?:.*?/)??(?P<inner>(?=[^/]*/))?+(?P<who>[^/]+?)_(?P<user>\d+)_assignsubmission_"
    r"(?:file_?/(?:.*/)?|onlinetext_?/|(?(inner)(?!)|(?:file_|onlinetext_?)))(?P<file>[^/]+)"
)
BLACKBOARD = re.compile(
    r"(?:.*/)?+(?P<who>[^/]+?)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>[^/]+)|(?P<receipt>\.txt))"
)
EXCHANGE = re.compile(
    r"(?:.*?/)??(?P<who>[^/]+)\+(?P<assignment>[^/+]+)\+(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^/+]*)(?:\+[^/+]*)?"
    r"/(?P<file>.+)"
)
PARTICIPANT = re.compile(r"_\d+_assignsubmission_")
RECEIPT = re.compile(
    r"\ufeff?Name:(?P<name>[^\n]*)\((?P<user>[^()\n]+)\) *\r?\n"
    r"(?:Assignment:[^\n]*\n)?(?:Date Submitted:[^\n]* (?P<zone>(?!AM|PM)[A-Z]{2,5}|GMT[+-]\d\d:?\d\d) *\r?\n)?"
)
NOTEBOOK = re.compile(rf"(?P<folder>.*/)?(?P<file>{NAME})")
ZIP = re.compile(r"(?:(?P<folder>.*)/)?(?P<stem>[^/]+)\.zip", re.IGNORECASE)
LITTER = (".", "__MACOSX", "Thumbs.db", "desktop.ini")
RECEIPT_BYTES = 4096  # the platform's lines stand first; a student's text of any length follows


@dataclass(frozen=True)
class HandedIn:
    """One file, and what the platform tells about it."""

    source: Source
    file: File
    filename: str  # the student's, as far as the platform kept it
    users: tuple[str, ...] = ()  # identifiers that the platform may mean
    lms_id: str = ""  # the platform's number of the student
    name: str = ""  # the student's, as the platform writes it
    may_name_a_group: bool = False  # "Group 1-Ada Lovelace"
    when: datetime | None = None  # UTC
    zone_unknown: bool = False  # so that it was taken as UTC
    order: str = ""  # of attempts whose times are not known: the last in the alphabet counts
    folder: str = ""  # the student's own, where folders are named by students
    late: bool = False
    number: int = 0  # grows with each upload
    assignment: str = ""  # where the platform tells it


def canvas(source: Source) -> list[HandedIn]:
    """``lovelaceada_LATE_4711_99_batchnorm.ipynb``: sortable name, user, number of the file.

    What was typed in instead, ``lovelaceada_4711_text.html``, has no such number and counts as the first.
    """
    return [
        HandedIn(source, file, filename, (), m["user"], m["who"], late=bool(m["late"]), number=int(m["number"] or 1))
        for file, m in matches(source, CANVAS)
        if (filename := m["file"] or m["entry"])
    ]


def moodle(source: Source) -> list[HandedIn]:
    """``Ada Lovelace_1234567_assignsubmission_file_/batchnorm.ipynb``; the number is the participant's.

    Before each name a group's may stand, where the activity has groups (mod/assign, its downloader). A name that tells
    two participants is nobody's, for where students choose the names that are shown, one of them may have chosen the
    first.
    """
    return [
        HandedIn(source, file, m["file"])
        if len(PARTICIPANT.findall(file.path.rpartition("/")[2])) > 1
        else HandedIn(source, file, m["file"], (), m["user"], m["who"], may_name_a_group=True)
        for file, m in matches(source, MOODLE)
    ]


def blackboard(source: Source) -> list[HandedIn]:
    """``Batch norm_ada_attempt_2026-03-02-11-58-00_batchnorm.ipynb``, and a receipt of the same name ending in .txt.

    User names and titles may both hold "_", so the receipt decides; without one, each possible name is tried. The time
    is the server's, of which the receipt alone tells the zone; without one, it is taken as UTC.
    """
    found = matches(source, BLACKBOARD)
    receipts = {(m["who"], m["time"]): head(source, file, RECEIPT_BYTES) for file, m in found if m["receipt"]}
    handed_in = []
    for file, m in found:
        if m["receipt"]:
            continue
        parts = m["who"].split("_")
        users = tuple(filter(None, ("_".join(parts[-n:]) for n in range(1, len(parts) + 1))))
        name, zone = "", ""
        # Only its head is the platform's; what the student wrote stands below.
        if told := RECEIPT.match(receipts.get((m["who"], m["time"]), "")):
            users, name, zone = (told["user"],), told["name"].strip(" "), told["zone"] or ""
        day, clock = m["time"][:10], m["time"][11:].replace("-", ":")
        when = read_time(f"{day} {clock} {zone}")
        handed_in.append(
            HandedIn(source, file, m["file"], users, name=name, when=when, zone_unknown=not zone, order=m["time"])
        )
    return handed_in


def exchange(source: Source) -> list[HandedIn]:
    """``ada+batchnorm+2026-03-02 11:58:00.000000 UTC+random/batchnorm.ipynb``, the folder inbound."""
    return [
        HandedIn(
            source,
            file,
            m["file"],
            (m["who"],),
            when=parse_timestamp(m["time"]),
            order=m["time"],
            assignment=m["assignment"],
        )
        for file, m in matches(source, EXCHANGE)
    ]


PLATFORMS: dict[str, tuple[re.Pattern[str], Callable[[Source], list[HandedIn]]]] = {
    "Moodle": (MOODLE, moodle),
    "Blackboard": (BLACKBOARD, blackboard),
    "nbgrader's exchange": (EXCHANGE, exchange),
    "Canvas": (CANVAS, canvas),
}


def matches(source: Source, pattern: re.Pattern[str]) -> list[tuple[File, re.Match[str]]]:
    """The files whose whole path fits, in order; no litter."""
    files = [file for file in source.files if not is_litter(file)]
    return [(file, match) for file in files if (match := pattern.fullmatch(file.path))]


def is_litter(file: File) -> bool:
    """Whether macOS or Windows added it when an archive was made or opened."""
    return any(part.startswith(LITTER) for part in file.path.split("/"))


def head(source: Source, file: File, size: int) -> str:
    """The first bytes of a file as text; "" where it cannot be read."""
    try:
        return source.head(file, size).decode("utf-8", "replace")
    except Refused:
        return ""
