"""Puts the last that a student handed in into ``submitted/<id>/ASSIGNMENT/``, and tells what a person should know."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import accumulate, groupby
from operator import or_
from pathlib import Path

from autograder.attempts import LATEST, Attempts
from autograder.course import Course
from autograder.files import writing
from autograder.guard import is_gone, open_gradebook, sqlite_path
from autograder.intake import Refused
from autograder.platforms import HandedIn
from autograder.received import Received
from autograder.roster import words
from autograder.submission import SECRET, SECRET_BYTES, notebook_stem
from autograder.times import parse_timestamp
from autograder.wording import shown

# What browsers, platforms, JupyterLab and Colab add to a name.
COPY = r"(?:copy_of_)*+{name}(?:_?\d+|_copy)*+"


@dataclass
class Collected:
    """What a run came to; students by identifier, sentences for a person."""

    placed: list[str] = field(default_factory=list)  #: put into submitted/
    unchanged: list[str] = field(default_factory=list)  #: there already, or handed in before what is there
    missing: list[str] | None = (
        None  #: on the roster, and no notebook came in, whatever else did; None without a roster
    )
    late: list[str] = field(default_factory=list)  #: after the due date, or late as the platform says
    double: list[str] = field(default_factory=list)  #: handed in more than once; the last counts
    unknown: list[str] = field(default_factory=list)  #: files that belong to nobody on the roster
    refused: list[str] = field(default_factory=list)  #: what was left out, and why
    timeless: list[str] = field(default_factory=list)  #: late as the platform says, which does not say when
    notes: list[str] = field(default_factory=list)  #: what else a person should know


class Due:
    """When work is due, if a gradebook is there to tell; asking alone does not make one."""

    def __init__(self, course: Course, assignment: str, students: Iterable[str], make: bool) -> None:
        path = sqlite_path(course.db_url)
        there = path is None or path.exists() or is_gone(course)
        self.gradebook = open_gradebook(course) if make or there else None
        self.assignment, self.students = assignment, students

    def passed(self, student: str, when: datetime | None) -> bool:
        """Whether ``when`` is after the student's due date."""
        due = self._dues.get(student) if when else None
        return bool(due and when and when > due)

    @cached_property
    def _dues(self) -> dict[str, datetime | None]:
        return self.gradebook.dues(self.assignment, self.students) if self.gradebook else {}

    def close(self) -> None:
        """Let go of the gradebook."""
        if self.gradebook:
            self.gradebook.close()


@dataclass
class Hand:
    """Puts one student's work in place."""

    course: Course
    assignment: str
    names: list[str]
    others: set[str]  # the other assignments' notebooks
    found: Collected
    due: Due
    received: Received

    def over(self, student: str, handed_in: list[HandedIn]) -> None:
        """All that came of a student: of each notebook the last is put in place, and what is to be told is noted."""
        if len({_attempt(file) for file in handed_in}) > 1:
            self.found.double.append(student)
        # Stable: later sources count as later.
        attempts = sorted(handed_in, key=lambda file: (file.when or datetime.min, file.order))
        groups = (list(group) for _, group in groupby(attempts, key=_attempt))
        named = {_meant(file.filename, self.names) for file in handed_in}
        nowhere = [
            name for name in self.names if name not in named and not (self._folder(student) / f"{name}.ipynb").exists()
        ]
        may_be = self.names if len(self.names) == 1 else nowhere
        chosen = [(found, attempt) for attempt in groups if (found := self._notebooks(student, attempt, may_be))]
        # Of several notebooks each is the last that came, whether they are collected at once or one by one.
        stood = [*accumulate((notebooks for notebooks, _ in chosen), or_)]
        latest = stood[-1] if stood else {}
        if stood and self.course.engine.keep == "best":
            self._keep_earlier(student, stood)
        data = dict(self._read(student, latest))
        self._tell_others(student, *(chosen[-1] if chosen else ({}, handed_in)))
        if not data:
            return
        when = _when(latest.values()) or self._known(student, data)
        new_number = self.received.is_new(student, list(latest.values()))
        if new_number or len({file.lms_id for file in handed_in} - {""}) > 1:
            self.found.notes.append(
                f"{student} came under another number of the platform before: another activity, or another person?"
            )
        if any(file.late for file in latest.values()) or self.due.passed(student, when):
            self.found.late.append(student)
            self.found.timeless += [] if when else [student]
        secrets = [file for file in chosen[-1][1] if file.assignment and file.filename == SECRET]
        placed = self._place(student, data | dict(self._secret(secrets)), when)
        for name, file in latest.items():
            if f"{name}.ipynb" in placed:
                self.received.placed(student, name, file, data[f"{name}.ipynb"])

    def _tell_others(self, student: str, notebooks: dict[str, HandedIn], attempt: list[HandedIn]) -> None:
        """What came last in place of a notebook."""
        missing = [name for name in self.names if name not in notebooks]
        others = [file for file in attempt if file not in notebooks.values()]
        if notebooks:  # beside them a text or a table of the student's own is nothing to tell
            others = [file for file in others if notebook_stem(file.filename)]
        if not missing:
            others = [
                file for file in others if not (_meant(file.filename, self.names) or self._anothers(file.filename))
            ]
        if not others:
            return
        names = sorted({shown(file.filename) for file in others})[:5]
        files = ", ".join(names)
        if any(file.filename.lower().endswith(".zip") for file in others):
            where = self._folder(student)
            files += f" (a zip within is not opened; unpack it and put its notebook into {where})"
        which = "none of which is" if len(names) > 1 else "which is not"
        what = f", {which} {' or '.join(missing)}.ipynb" if missing else " as well, which is not graded"
        self.found.refused.append(f"{student} handed in {files}{what}")

    def _notebooks(self, student: str, attempt: list[HandedIn], may_be: list[str]) -> dict[str, HandedIn]:
        """The file of one attempt for each notebook; of several the one uploaded last, else the one named best.

        One that is named otherwise is taken for the one that is missing of ``may_be``.
        """
        notebooks = [file for file in attempt if notebook_stem(file.filename) and not self._anothers(file.filename)]
        by_name: dict[str, list[HandedIn]] = {}
        for file in notebooks:
            by_name.setdefault(_meant(file.filename, self.names), []).append(file)
        others = by_name.pop("", [])
        missing = [name for name in may_be if name not in by_name]
        if len(missing) == len(others) == 1:
            by_name[missing[0]] = others
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
            renamed = f"{shown(file.filename)} of {student} was renamed to {name}.ipynb."
            if file.filename != f"{name}.ipynb" and renamed not in self.found.notes:
                self.found.notes.append(renamed)

    def _secret(self, files: list[HandedIn]) -> Iterator[tuple[str, bytes]]:
        """By which `nbgrader release_feedback` tells a student's page from the others'."""
        for file in files:
            with suppress(Refused):
                yield SECRET, file.source.read(file.file, SECRET_BYTES)

    def _keep_earlier(self, student: str, stood: list[dict[str, HandedIn]]) -> None:
        """All but the last of what stood one after the other, each with what lies there and none of them replaces."""
        there = self._held(student, self.names)
        rest = {name: content for name, content in there.items() if name.removesuffix(".ipynb") not in stood[-1]}
        lain = _time(self._folder(student)) if rest else None
        for earlier in stood[-LATEST - 1 : -1]:  # one more than is graded, which shows that there were more
            when = max(filter(None, (_when(earlier.values()), lain)), default=None)
            self._keep(student, rest | dict(self._read(student, earlier)), when)

    def _keep(self, student: str, data: dict[str, bytes], when: datetime | None) -> None:
        """An earlier submission, which may be the best."""
        data = {name: content for name, content in data.items() if name.endswith(".ipynb")}
        if data:
            stamp = {"timestamp.txt": f"{when} UTC\n".encode()} if when else {}
            Attempts(self.course, self.assignment, self.names).add(student, data | stamp)

    def _held(self, student: str, names: Iterable[str]) -> dict[str, bytes]:
        """The notebooks that lie there."""
        there = {f"{name}.ipynb": _content(self._folder(student) / f"{name}.ipynb") for name in names}
        return {name: content for name, content in there.items() if content}

    def _place(self, student: str, data: dict[str, bytes], when: datetime | None) -> Set[str]:
        """Names of what lies there now, of ``data``."""
        folder = self._folder(student)
        if folder.is_symlink():
            self.found.refused.append(f"{student}: {folder} is a link; collect writes into real folders alone")
            return set()
        known = _time(folder)
        if known and when and known > when:
            return self._place_missing(student, data, when, known)
        files = data | ({"timestamp.txt": f"{when} UTC\n".encode()} if when and when != known else {})
        if all(_content(folder / name) == content for name, content in files.items()):
            self.found.unchanged.append(student)
            return data.keys()
        if self.course.engine.keep == "best":
            self._keep(student, self._held(student, self.names), known)
        if any(_content(folder / name) not in (None, data[name]) for name in data) and not (
            known and when and when > known
        ):
            self.found.notes.append(f"What lay there of {student} was replaced; the times do not tell which came last.")
        if not when:  # what lies there belongs to what is replaced; first, so that nobody else's time is left behind
            (folder / "timestamp.txt").unlink(missing_ok=True)
        _write(folder, files)
        self.found.placed.append(student)
        return data.keys()

    def _place_missing(self, student: str, data: dict[str, bytes], when: datetime, known: datetime) -> Set[str]:
        """Of what was handed in before what is there, the notebooks that are not."""
        held = self._held(student, self.names)
        new = {name: data[name] for name in data if name.endswith(".ipynb") and name not in held}
        if self.course.engine.keep == "best":
            self._keep(student, data, when)
        if new:
            _write(self._folder(student), new)
            self.found.placed.append(student)
        else:
            self.found.unchanged.append(student)
        if new.keys() != data.keys():
            self.found.notes.append(f"{student} keeps what is there, which was handed in later ({known} UTC).")
        return new.keys()


def _attempt(file: HandedIn) -> tuple[object, ...]:
    """What files that were handed in together have in common."""
    return file.when, file.source.path, file.order


def _when(files: Iterable[HandedIn]) -> datetime | None:
    return max((file.when for file in files if file.when), default=None)


def _time(folder: Path) -> datetime | None:
    return parse_timestamp((_content(folder / "timestamp.txt") or b"").decode("utf-8", "replace").strip())


def _meant(filename: str, names: list[str]) -> str:
    """The notebook that a file is, under the name that a platform or a browser made of it."""
    stem = "_".join(words(notebook_stem(filename)))
    exact = [name for name in names if stem == "_".join(words(name))]
    copies = [name for name in names if re.fullmatch(COPY.format(name=re.escape("_".join(words(name)))), stem)]
    return next(iter(exact or copies), "") if len(exact or copies) == 1 else ""


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Put files in place, each whole or not at all.

    The timestamp first, which is never earlier than the one there: where this is stopped in between, what lay there
    seems late until it is run again, and where the best counts it was kept with its own time before. The other way
    round, late work would be kept as handed in on time, for good.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as part:
            for name, content in files.items():
                Path(part, name).write_bytes(content)
            for name in sorted(files, key=lambda name: name != "timestamp.txt"):
                os.replace(Path(part, name), folder / name)
