"""Whose submission a file is: what platforms export, matched with students."""

from __future__ import annotations

import os
import pwd
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from autograder.platforms import HandedIn
from autograder.roster import STUDENT, Student, find, read_time
from autograder.wording import shown


@dataclass
class Matched:
    """Files by student, and what is no student's, as printed."""

    by_student: dict[str, list[HandedIn]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def match(handed_in: Iterable[HandedIn], students: list[Student] | None) -> Matched:
    """Each student's files, with the times of the roster; without one, files name their students by themselves."""
    found = Matched()
    by_student = found.by_student
    known: dict[tuple[object, ...], str] = {}  # all that find asks of a file: one student may send thousands
    for file in handed_in:
        if students is None:
            student = file.users[0] if len(file.users) == 1 and STUDENT.fullmatch(file.users[0]) else ""
        elif (asked := (file.users, file.name, file.lms_id, bool(file.number))) in known:
            student = known[asked]
        else:
            student = known[asked] = find(file, students)
        if not student:
            found.unknown.append(shown(file.file.path))
        elif file.assignment and not _owns(file.users[0], file.file.owner):
            found.refused.append(f"{shown(file.file.path)} belongs to another user than {shown(file.users[0])}")
        else:
            by_student.setdefault(student, []).append(file)
    # Some platforms let people choose the name that they show.
    named = Counter(number for files in by_student.values() for number in {file.lms_id for file in files} - {""})
    shared = {number for number, students_named in named.items() if students_named > 1}
    for student, files in list(by_student.items()):
        people = {(file.source.path, _person(file)) for file in files}
        numbers = {file.lms_id for file in files} & shared
        if len(people) > len({path for path, _ in people}) or numbers:
            found.unknown += [shown(file.file.path) for file in by_student.pop(student)]
    submitted = {student.id: read_time(student.submitted) for student in students or ()}
    found.by_student = {
        student: [HandedIn(**{**vars(file), "when": file.when or submitted.get(student)}) for file in files]
        for student, files in by_student.items()
    }
    return found


def _person(file: HandedIn) -> str:
    """What the platform tells two people of one name apart by."""
    return file.lms_id or (file.users[0] if len(file.users) == 1 else "")


def _owns(user: str, owner: int | None) -> bool:
    """Whether a folder of the exchange is the student's, or a copy of one's own: others can write there, too."""
    if owner is None or owner == os.getuid():
        return True
    try:
        return pwd.getpwuid(owner).pw_name == user
    except KeyError:
        return False
