"""What the names in a platform's export mean: Canvas, Moodle, Blackboard, nbgrader's exchange.

Sources: Canvas, lib/content_zipper.rb (``get_filename``, ``add_upload_submission``); Moodle, mod/assign/classes
(``downloader``, as folders and flat); Blackboard's names, as public programs that read them do; nbgrader 0.9.6,
``ExchangeSubmit``. Only the last two tell when a file was handed in: a zip's times are those of the download.

Students choose the last part of a name, so every pattern takes the first place that fits as the platform's own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from dateutil import tz  # type: ignore[import-untyped]

from autograder.archive import File, Source
from autograder.course import parse_timestamp
from autograder.errors import UsageError
from autograder.intake import Refused
from autograder.submission import NAME
from autograder.wording import listed, shown

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
    r"(?:Assignment:[^\n]*\n)?(?:Date Submitted:[^\n]* (?P<zone>[A-Z]{2,5}) *\r?\n)?"
)
NOTEBOOK = re.compile(rf"(?P<folder>.*/)?(?P<file>{NAME})")
ZIP = re.compile(r"(?:(?P<folder>.*)/)?(?P<stem>[^/]+)\.zip", re.IGNORECASE)
LITTER = (".", "__MACOSX", "Thumbs.db", "desktop.ini")
RECEIPT_BYTES = 4096  # the platform's lines stand first; a student's text of any length follows
STAMP_BYTES = 1000


@dataclass(frozen=True)
class HandedIn:
    """One file, and what the platform tells about it."""

    source: Source
    file: File
    filename: str  # the student's, as far as the platform kept it
    users: tuple[str, ...] = ()  # identifiers that the platform may mean
    lms_id: str = ""  # the platform's number of the student
    name: str = ""  # the student's, as the platform writes it
    when: datetime | None = None  # UTC
    late: bool = False
    number: int = 0  # grows with each upload
    assignment: str = ""  # where the platform tells it


def canvas(source: Source) -> list[HandedIn]:
    """``lovelaceada_LATE_4711_99_batchnorm.ipynb``: sortable name, user, number of the file.

    What was typed in instead, ``lovelaceada_4711_text.html``, has no such number and counts as the first.
    """
    return [
        HandedIn(source, file, filename, (), m["user"], m["who"], late=bool(m["late"]), number=int(m["number"] or 1))
        for file, m in _matches(source, CANVAS)
        if (filename := m["file"] or m["entry"])
    ]


def moodle(source: Source) -> list[HandedIn]:
    """``Ada Lovelace_1234567_assignsubmission_file_/batchnorm.ipynb``; the number is the participant's.

    A name that tells two participants is nobody's, for where students choose the names that are shown, one of them may
    have chosen the first.
    """
    return [
        HandedIn(source, file, m["file"])
        if len(PARTICIPANT.findall(file.path.rpartition("/")[2])) > 1
        else HandedIn(source, file, m["file"], (), m["user"], m["who"])
        for file, m in _matches(source, MOODLE)
    ]


def blackboard(source: Source) -> list[HandedIn]:
    """``Batch norm_ada_attempt_2026-03-02-11-58-00_batchnorm.ipynb``, and a receipt of the same name ending in .txt.

    User names and titles may both hold "_", so the receipt decides; without one, each possible name is tried.
    """
    found = _matches(source, BLACKBOARD)
    receipts = {(m["who"], m["time"]): _head(source, file, RECEIPT_BYTES) for file, m in found if m["receipt"]}
    handed_in = []
    for file, m in found:
        if m["receipt"]:
            continue
        parts = m["who"].split("_")
        users = tuple(filter(None, ("_".join(parts[-n:]) for n in range(1, len(parts) + 1))))
        name, zone = "", None
        # Only its head is the platform's; what the student wrote stands below.
        if head := RECEIPT.match(receipts.get((m["who"], m["time"]), "")):
            users, name, zone = (head["user"],), head["name"].strip(" "), head["zone"]
        handed_in.append(HandedIn(source, file, m["file"], users, "", name, _moment(m["time"], zone)))
    return handed_in


def exchange(source: Source) -> list[HandedIn]:
    """``ada+batchnorm+2026-03-02 11:58:00.000000 UTC+random/batchnorm.ipynb``, the folder inbound."""
    return [
        HandedIn(source, file, m["file"], (m["who"],), when=parse_timestamp(m["time"]), assignment=m["assignment"])
        for file, m in _matches(source, EXCHANGE)
    ]


PLATFORMS: dict[str, tuple[re.Pattern[str], Callable[[Source], list[HandedIn]]]] = {
    "Moodle": (MOODLE, moodle),
    "Blackboard": (BLACKBOARD, blackboard),
    "nbgrader's exchange": (EXCHANGE, exchange),
    "Canvas": (CANVAS, canvas),
}


def folders(source: Source, assignment: str, others: Collection[str]) -> list[HandedIn]:
    """``ada/batchnorm.ipynb``, ``ada/batchnorm/batchnorm.ipynb`` and a timestamp.txt beside it, or ``ada.ipynb``.

    Notebooks that are named like those of ``others``, the other assignments, are left out. Where a folder beside those
    of students holds nothing else, its files are told by their paths, which no notebook has for a name; so is a zip.
    """
    stamps = {file.path: file for file in source.files if file.path.endswith("timestamp.txt")}
    handed_in: list[HandedIn] = []
    alone: dict[str, HandedIn] = {}  # path -> what is nobody's
    named: set[str] = set()  # folders of students
    for file, match in _matches(source, NOTEBOOK):
        stem, parts = match["stem"], (match["folder"] or "").split("/")[:-1]
        if stem in others or parts[-1:] == [""]:
            continue
        if parts[-1:] == [assignment]:
            parts.pop()
        if parts:
            stamp = stamps.get(f"{match['folder']}timestamp.txt")
            when = parse_timestamp(_head(source, stamp, STAMP_BYTES).strip()) if stamp else None
            handed_in.append(HandedIn(source, file, match["file"], (parts[-1],), when=when))
            named.add("/".join(parts))
        elif stem != assignment:
            # Twice, so that nobody is taken for a student whom no roster names.
            handed_in.append(HandedIn(source, file, match["file"], (stem, stem)))
        else:
            alone[file.path] = HandedIn(source, file, file.path)
    if not handed_in:
        return []
    beside = {folder.rpartition("/")[0] for folder in named}
    for file, _ in _matches(source, re.compile(r".+/(?!timestamp\.txt)[^/]+")):
        folder = file.path.rpartition("/")[0].removesuffix(f"/{assignment}")
        if folder not in named and folder.rpartition("/")[0] in beside and file.path not in alone:
            handed_in.append(HandedIn(source, file, file.path, (folder.rpartition("/")[2],)))
    for file, match in _matches(source, ZIP):
        if (match["folder"] or "") in beside | {""}:
            handed_in.append(HandedIn(source, file, file.path, (match["stem"], match["stem"])))
    return [*handed_in, *alone.values()]


def recognize(source: Source, assignment: str, others: Collection[str] = ()) -> tuple[str, list[HandedIn]]:
    """The platform whose names fit most files, and what was handed in; raises UsageError where none fits.

    Where no platform's fit, folders named by students will do. Files that do not fit the platform are nobody's.
    """
    if not source.files and not source.refused:
        raise UsageError(f"{source.path} is empty; name what the platform exported, or a folder with submissions.")
    # A student chooses the end of a name, and may end it as another platform would: whose words stand first decides.
    first = {file.path: _first_words(file.path) for file in source.files if not _is_litter(file)}
    # By count, since somebody may have added a file by hand; every file counts, whoever named it.
    best = max(PLATFORMS, key=[*first.values()].count)
    found = [handed_in for handed_in in PLATFORMS[best][1](source) if first[handed_in.file.path] == best]
    wanted = [handed_in for handed_in in found if handed_in.assignment in ("", assignment)]
    if not found and (plain := folders(source, assignment, others)):
        return "folders named by students", plain
    if not wanted and (zips := [shown(file.path) for file, _ in _matches(source, ZIP)]):
        raise UsageError(
            f"{source.path} holds nothing of {assignment!r} but a zip within the "
            f"{'folder' if source.path.is_dir() else 'zip'}, {listed(zips)}; unpack it and name what was in it."
        )
    if not wanted:
        refused = f" ({len(source.refused)} unsafe files are left out)" if source.refused else ""
        raise UsageError(
            f"{source.path} holds nothing of {assignment!r} named as Canvas, Moodle, Blackboard or nbgrader's exchange "
            f"name it, nor as <student>/{assignment}.ipynb{refused}; name the zip as it was downloaded, the exchange's "
            "folder inbound, or a folder with a folder for each student."
        )
    strange = [file for file in source.files if first.get(file.path, best) != best]
    return best, wanted + [HandedIn(source, file, file.path) for file in strange]


def _first_words(path: str) -> str:
    """The platform whose own words stand first in a path; "" where there are none."""
    places = {name: match.end("who") for name, (pattern, _) in PLATFORMS.items() if (match := pattern.fullmatch(path))}
    return min(places, key=places.__getitem__, default="")


def _matches(source: Source, pattern: re.Pattern[str]) -> list[tuple[File, re.Match[str]]]:
    files = [file for file in source.files if not _is_litter(file)]
    return [(file, match) for file in files if (match := pattern.fullmatch(file.path))]


def _is_litter(file: File) -> bool:
    """Whether macOS or Windows added it when an archive was made or opened."""
    return any(part.startswith(LITTER) for part in file.path.split("/"))


def _head(source: Source, file: File, size: int) -> str:
    try:
        return source.head(file, size).decode("utf-8", "replace")
    except Refused:
        return ""


def _moment(text: str, zone: str | None) -> datetime | None:
    """The time in a Blackboard name, which is the server's; UTC where the receipt names no zone that is known."""
    try:
        local = datetime.strptime(text, "%Y-%m-%d-%H-%M-%S").replace(tzinfo=tz.gettz(zone) or UTC if zone else UTC)
    except ValueError:
        return None
    return local.astimezone(UTC).replace(tzinfo=None)
