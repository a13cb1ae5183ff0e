"""What `collect` saw of each student: how often, and under which name; and feedback pages sent back under that name."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cached_property

from autograder.course import STATE, UNUSABLE, Course
from autograder.errors import UsageError
from autograder.files import write_atomically
from autograder.intake import Refused
from autograder.platforms import MOODLE, HandedIn
from autograder.submission import read_submission
from autograder.wording import counted

# Moodle reads full name, participant, kind of plugin and plugin from the name of the folder or file, whatever follows.
# The pattern is the one that told whose file it is, for what follows may look like another person's. Canvas reads user
# and file from the two numbers of the name, so that its end may be another.
NAMES: dict[str, tuple[re.Pattern[str], Callable[[re.Match[str], str], str]]] = {
    "moodle-feedback": (
        MOODLE,
        lambda match, notebook: f"{match['who']}_{match['user']}_assignsubmission_file_/{notebook}.html",
    ),
    "canvas-feedback": (
        re.compile(r"(?:.*/)?+(?P<start>(?>[^/]+?_(?:LATE_)?\d+_\d+_)[^/]+)\.[^./]+"),
        lambda match, notebook: f"{match['start']}.html",
    ),
}


class Received:
    """Of one assignment, kept in ``.autograder/received/ASSIGNMENT.json``."""

    def __init__(self, course: Course, assignment: str) -> None:
        self.path = course.root / STATE / "received" / f"{assignment}.json"
        self.limit = course.limits.notebook_bytes
        # student -> notebook -> uploads, file, content, number
        self.of: dict[str, dict[str, dict[str, list[str]]]] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError):  # not there yet, or not what was written
            self.of = {
                student: {
                    name: _nothing() | {key: [*map(str, of[key])] for key in of} for name, of in notebooks.items()
                }
                for student, notebooks in json.loads(self.path.read_text(encoding="utf-8")).items()
            }

    def note(self, student: str, notebook: str, files: list[HandedIn]) -> None:
        """Count the uploads that are new; the platform's number or the time tells them apart, else the content."""
        known = self._entry(student, notebook)["uploads"]
        known += sorted({self._key(file) for file in files} - {*known})

    def placed(self, student: str, notebook: str, file: HandedIn, content: bytes) -> None:
        """Under which name came what lies in ``submitted/`` now."""
        number = [file.lms_id] if file.lms_id else []
        self._entry(student, notebook).update(file=[file.file.path], content=[_digest(content)], number=number)

    def name_of(self, student: str, notebook: str, content: bytes) -> str:
        """Under which name this content of a notebook came; "" where another came, as after work by hand."""
        entry = self.of.get(student, {}).get(notebook, _nothing())
        return entry["file"][0] if entry["file"] and entry.get("content") == [_digest(content)] else ""

    def stranger(self, student: str, file: HandedIn, roll: Collection[str]) -> str:
        """To whom of ``roll`` the file's number belonged before, if to another: people may choose what they show."""
        other = self._of_number.get(file.lms_id, student)
        return other if other != student and other in roll else ""

    def is_new(self, student: str, files: list[HandedIn]) -> bool:
        """Whether the platform names the student by another number than before: another activity, another person."""
        known = {number for each in self.of.get(student, {}).values() for number in each.get("number", [])}
        now = {file.lms_id for file in files} - {""}  # a folder tells none
        return bool(known and now) and not known & now

    @cached_property
    def _of_number(self) -> dict[str, str]:
        """The student to whom each of the platform's numbers belonged when this began."""
        return {
            number: student
            for student, notebooks in self.of.items()
            for each in notebooks.values()
            for number in each.get("number", [])
        }

    def attempts(self) -> dict[str, int]:
        """How often each student handed in, as far as `collect` saw it."""
        return {
            student: max((len(each["uploads"]) for each in notebooks.values()), default=0)
            for student, notebooks in self.of.items()
        }

    def save(self) -> None:
        """Write it, whole or not at all."""
        write_atomically(self.path, json.dumps(self.of, indent=1) + "\n", 0o644)

    def _key(self, file: HandedIn) -> str:
        if file.when or file.number:
            return str(file.when or file.number)
        with suppress(Refused):
            return _digest(file.source.read(file.file, self.limit))
        return file.file.path

    def _entry(self, student: str, notebook: str) -> dict[str, list[str]]:
        return self.of.setdefault(student, {}).setdefault(notebook, _nothing())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _nothing() -> dict[str, list[str]]:
    return {"uploads": [], "file": []}


def pack(course: Course, assignment: str, kind: str, tell: Callable[[str], object]) -> bytes:
    """A zip of all feedback pages, named as the platform wants them back; raises UsageError where there is none."""
    pattern, name = NAMES[kind]
    received, others, count = Received(course, assignment), [], 0
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, folder in course.submissions(assignment):
            pages = sorted(course.folder("feedback", student, assignment).glob("*.html"))
            graded = read_submission(folder, [page.stem for page in pages], course.limits).notebooks if pages else {}
            for page in pages:
                path = received.name_of(student, page.stem, graded.get(page.stem, b""))
                match = pattern.fullmatch(path) if not UNUSABLE.search(path) else None
                if match is None:
                    others.append(f"{student}/{page.name}")
                    continue
                count += 1
                archive.writestr(zipfile.ZipInfo(name(match, page.stem)), page.read_bytes(), zipfile.ZIP_DEFLATED)
    platform = kind.partition("-")[0].capitalize()
    if not count:
        raise UsageError(
            f"No feedback page of {assignment!r} belongs to a file that `autograder collect` took from {platform}; "
            "collect from there and grade first."
        )
    tell(f"{counted(count, 'page')}, to be uploaded to {platform} as one zip")
    if others:
        tell(f"left out, since they did not come from {platform} by `autograder collect`: {', '.join(others)}")
    return made.getvalue()
