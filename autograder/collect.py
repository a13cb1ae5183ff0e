"""Puts what a learning platform exported into ``submitted/``: ``autograder collect ASSIGNMENT SOURCE...``."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path

from autograder.archive import open_source
from autograder.attempts import LATEST, Attempts
from autograder.course import Course, parse_timestamp
from autograder.enrolled import enroll
from autograder.errors import UsageError
from autograder.files import writing
from autograder.guard import only_grader, open_gradebook, sqlite_path
from autograder.intake import Refused
from autograder.matching import match
from autograder.platforms import HandedIn, recognize
from autograder.received import Received
from autograder.roster import read_roster, words
from autograder.strays import other_notebooks
from autograder.submission import SECRET, SECRET_BYTES, notebook_stem
from autograder.wording import shown

# What browsers, platforms and JupyterLab append to a name that is taken.
COPY = r"(?:_?\d+|_copy)*+"


@dataclass
class Collected:
    """What a run came to; students by identifier, sentences for a person."""

    placed: list[str] = field(default_factory=list)  #: put into submitted/
    unchanged: list[str] = field(default_factory=list)  #: there already, or handed in before what is there
    missing: list[str] = field(default_factory=list)  #: on the roster, and nothing came in
    late: list[str] = field(default_factory=list)  #: after the due date, or late as the platform says
    double: list[str] = field(default_factory=list)  #: handed in more than once; the last counts
    unknown: list[str] = field(default_factory=list)  #: files that belong to nobody on the roster
    refused: list[str] = field(default_factory=list)  #: what was left out, and why
    timeless: list[str] = field(default_factory=list)  #: late as the platform says, which does not say when
    notes: list[str] = field(default_factory=list)  #: what else a person should know


def collect(
    assignment: str,
    sources: Sequence[Path],
    course_dir: Path = Path("."),
    *,
    roster: Path | None = None,
    db: str = "",
) -> Collected:
    """Match the files of ``sources`` with students and put the last of each into ``submitted/<id>/ASSIGNMENT/``.

    ``roster`` is a CSV file with the column id and any of name, email, lms_id (the platform's number of the student)
    and submitted (a time, for platforms that do not tell it). Without one, only platforms that name students by their
    identifiers (Blackboard, nbgrader's exchange, plain folders) can be collected, and nobody is missing. The gradebook
    gets the roster's students, too. Raises UsageError where a source or the roster cannot be used; then nothing was
    put anywhere.

    >>> found = collect("scaling", [Path("downloads")], Path("my_course"), roster=Path("roster.csv"))
    >>> found.placed, found.missing, found.notes[0]
    (['cyd'], ['dan'], 'downloads: Canvas.')
    """
    course = Course.open(course_dir, db)
    names, others = list(course.notebooks(assignment)), other_notebooks(course, assignment)
    found = Collected()
    students = read_roster(roster, found.notes.append) if roster else None
    with ExitStack() as stack:
        handed_in: list[HandedIn] = []
        for path in sources:
            source = stack.enter_context(closing(open_source(path)))
            platform, files = recognize(source, assignment, others)
            if students is None and platform in ("Canvas", "Moodle"):
                raise UsageError(f"{path} comes from {platform}, which does not tell identifiers; name a --roster.")
            found.notes.append(f"{path}: {platform}.")
            found.refused += [f"{shown(name)} {reason}" for name, reason in source.refused.items()]
            handed_in += files
        matched = match(handed_in, students)
        found.unknown += matched.unknown
        found.refused += matched.refused
        if any(file.when is None for files in matched.by_student.values() for file in files):
            found.notes.append(
                "Hand-ins without a known time count as on time; a roster's column submitted tells times."
            )
        stack.enter_context(only_grader(course.root))
        due = stack.enter_context(closing(_Due(course, assignment, make=students is not None)))
        if students is not None and due.gradebook is not None:
            enroll(due.gradebook, students)
        received = Received(course, assignment)
        roll = sorted(student.id for student in students or ())
        for student in sorted(matched.by_student):
            own: list[HandedIn] = []
            for file in matched.by_student[student]:
                if other := received.stranger(student, file, roll):
                    what = f"names {student}, and its number was that of {other} before"
                    found.unknown.append(f"{shown(file.file.path)} {what}")
                else:
                    own.append(file)
            if own:
                _Hand(course, assignment, names, others, found, due, received).over(student, own)
        received.save()
    if found.timeless:
        found.notes.append(
            f"Late without a time, so that no penalty follows: {', '.join(found.timeless)}; a roster's column "
            "submitted tells times."
        )
    found.unknown.sort()
    found.missing = [student for student in roll if not course.folder("submitted", student, assignment).is_dir()]
    return found


def lines(found: Collected) -> Iterator[str]:
    """What the command prints."""
    yield from found.notes
    yield f"{len(found.placed)} put in place, {len(found.unchanged)} unchanged"
    for title in ("missing", "late", "double", "unknown", "refused"):
        entries = getattr(found, title)
        yield f"{title}: {len(entries)}"
        yield from (f"  {entry}" for entry in entries)


class _Due:
    """When work is due, if a gradebook is there to tell; asking alone does not make one."""

    def __init__(self, course: Course, assignment: str, make: bool) -> None:
        path = sqlite_path(course.db_url)
        self.gradebook = open_gradebook(course) if make or path is None or path.exists() else None
        self.assignment = assignment

    def passed(self, student: str, when: datetime | None) -> bool:
        due = self.gradebook.due(self.assignment, student) if self.gradebook and when else None
        return bool(due and when and when > due)

    def close(self) -> None:
        if self.gradebook:
            self.gradebook.close()


@dataclass
class _Hand:
    """Puts one student's work in place."""

    course: Course
    assignment: str
    names: list[str]
    others: set[str]  # the other assignments' notebooks
    found: Collected
    due: _Due
    received: Received

    def over(self, student: str, handed_in: list[HandedIn]) -> None:
        if len({(file.when, file.source.path) for file in handed_in}) > 1:
            self.found.double.append(student)
        attempts = sorted(handed_in, key=lambda file: file.when or datetime.min)  # stable: later sources count as later
        groups = (list(group) for _, group in groupby(attempts, key=lambda file: (file.when, file.source.path)))
        chosen = [(notebooks, attempt) for attempt in groups if (notebooks := self._notebooks(student, attempt))]
        if self.course.engine.keep == "best":
            for earlier, _ in chosen[-LATEST - 1 : -1]:  # one more than is graded, which shows that there were more
                self._keep(student, dict(self._read(student, earlier)), _when(earlier))
        latest, last = chosen[-1] if chosen else ({}, [])
        secrets = [file for file in last if file.assignment and file.filename == SECRET]
        data = dict(self._read(student, latest))
        if not data:
            if not latest:
                files = ", ".join(sorted(shown(file.filename) for file in handed_in)[:5])
                if any(file.filename.lower().endswith(".zip") for file in handed_in):
                    where = self._folder(student)
                    files += f" (a zip within is not opened; unpack it and put its notebook into {where})"
                self.found.refused.append(f"{student} handed in {files}, which is not {' or '.join(self.names)}.ipynb")
            return
        when = _when(latest) or self._known(student, data)
        if self.received.is_new(student, list(latest.values())):
            self.found.notes.append(
                f"{student} came under another number of the platform before: another activity, or another person?"
            )
        if any(file.late for file in latest.values()) or self.due.passed(student, when):
            self.found.late.append(student)
            self.found.timeless += [] if when else [student]
        if self._place(student, data | dict(self._secret(secrets)), when):
            for name, file in latest.items():
                self.received.placed(student, name, file)

    def _notebooks(self, student: str, attempt: list[HandedIn]) -> dict[str, HandedIn]:
        """The file of one attempt for each notebook; of several the one uploaded last, else the one named best."""
        notebooks = [file for file in attempt if notebook_stem(file.filename) and not self._anothers(file.filename)]
        by_name: dict[str, list[HandedIn]] = {}
        for file in notebooks:
            if name := _meant(file.filename, self.names):
                by_name.setdefault(name, []).append(file)
        if not by_name and len(notebooks) == len(self.names) == 1:
            by_name[self.names[0]] = notebooks
        if any(len(files) > 1 for files in by_name.values()) and student not in self.found.double:
            self.found.double.append(student)
        for name, files in by_name.items():
            self.received.note(student, name, files)
        return {
            name: max(files, key=lambda file: (file.number, file.filename == f"{name}.ipynb"))
            for name, files in by_name.items()
        }

    def _anothers(self, filename: str) -> bool:
        """Whether it bears the name of another assignment's notebook; "scaling2" is that, not a copy of "scaling"."""
        own = len(_meant(filename, self.names))
        return any(len(other) > own for other in self.others if _meant(filename, [other]))

    def _folder(self, student: str) -> Path:
        return self.course.folder("submitted", student, self.assignment)

    def _known(self, student: str, data: dict[str, bytes]) -> datetime | None:
        """The time of what lies there, where this is the same."""
        folder = self._folder(student)
        return _time(folder) if all(_content(folder / name) == data[name] for name in data) else None

    def _read(self, student: str, files: dict[str, HandedIn]) -> Iterator[tuple[str, bytes]]:
        for name, file in files.items():
            try:
                yield f"{name}.ipynb", file.source.read(file.file, self.course.limits.notebook_bytes)
            except Refused as error:
                self.found.refused.append(f"{shown(file.file.path)} of {student} {error}")
                continue
            if file.filename != f"{name}.ipynb":
                self.found.notes.append(f"{shown(file.filename)} of {student} was renamed to {name}.ipynb.")

    def _secret(self, files: list[HandedIn]) -> Iterator[tuple[str, bytes]]:
        """By which `nbgrader release_feedback` tells a student's page from the others'."""
        for file in files:
            with suppress(Refused):
                yield SECRET, file.source.read(file.file, SECRET_BYTES)

    def _keep(self, student: str, data: dict[str, bytes], when: datetime | None) -> None:
        """An earlier submission, which may be the best."""
        data = {name: content for name, content in data.items() if name.endswith(".ipynb")}
        if data:
            stamp = {"timestamp.txt": f"{when} UTC\n".encode()} if when else {}
            Attempts(self.course, self.assignment, self.names).add(student, data | stamp)

    def _place(self, student: str, data: dict[str, bytes], when: datetime | None) -> bool:
        """Whether this is what lies there now."""
        folder = self._folder(student)
        if folder.is_symlink():
            raise UsageError(f"{folder} is a link; collect writes into real folders alone.")
        known = _time(folder)
        if known and when and known > when:
            self.found.unchanged.append(student)
            self.found.notes.append(f"{student} keeps what is there, which was handed in later ({known} UTC).")
            return False
        files = data | ({"timestamp.txt": f"{when} UTC\n".encode()} if when and when != known else {})
        if all(_content(folder / name) == content for name, content in files.items()):
            self.found.unchanged.append(student)
            return True
        if self.course.engine.keep == "best":
            there = {name: _content(folder / name) for name in files}
            self._keep(student, {name: content for name, content in there.items() if content}, known)
        if any(_content(folder / name) not in (None, data[name]) for name in data) and not (known and when):
            self.found.notes.append(f"What lay there of {student} was replaced; the times do not tell which came last.")
        _write(folder, files)
        if not when:
            (folder / "timestamp.txt").unlink(missing_ok=True)  # it belonged to what was replaced
        self.found.placed.append(student)
        return True


def _when(files: dict[str, HandedIn]) -> datetime | None:
    return max((file.when for file in files.values() if file.when), default=None)


def _time(folder: Path) -> datetime | None:
    return parse_timestamp((_content(folder / "timestamp.txt") or b"").decode("utf-8", "replace").strip())


def _meant(filename: str, names: list[str]) -> str:
    """The notebook that a file is, under the name that a platform or a browser made of it."""
    stem = "_".join(words(notebook_stem(filename)))
    exact = [name for name in names if stem == "_".join(words(name))]
    copies = [name for name in names if re.fullmatch(re.escape("_".join(words(name))) + COPY, stem)]
    return next(iter(exact or copies), "") if len(exact or copies) == 1 else ""


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Put files in place, each whole or not at all, the timestamp last."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as part:
            for name, content in files.items():
                Path(part, name).write_bytes(content)
            for name in files:
                os.replace(Path(part, name), folder / name)
