"""Whose submission a file is: what platforms export, matched with students."""

from __future__ import annotations

import os
import pwd
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from unicodedata import normalize

from autograder.platforms import HandedIn
from autograder.roster import Roster, Student, is_id
from autograder.times import read_time
from autograder.wording import listed, shown


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
    roster, handed_in = Roster(students or ()), [*handed_in]
    groups = _groups(handed_in, roster)
    participants = Counter(name for name, number in {(file.name, file.lms_id) for file in handed_in} if number)
    hidden = {name for name, count in participants.items() if count > 1 and not roster.has_name(name)}
    for file in handed_in:
        names = [file.name[len(head) :] for head in _heads(file) & groups]
        known = [name for name in names if roster.has_name(name)]
        if len(known) == 1:
            file = replace(file, name=known[0])
        if students is None:
            fits = [Student(normalize("NFC", user)) for user in file.users if len(file.users) == 1 and is_id(user)]
        else:
            fits = roster.fitting(file, file.name in hidden)
        # In the exchange a folder is one submission, with files that the student did not write.
        path = shown(os.path.dirname(file.file.path) if file.assignment else file.file.path)
        if len(fits) != 1:
            found.unknown.append(path + _namesakes(file, fits))
        elif file.assignment and not _owns(file.users[0], file.file.owner):
            found.refused.append(f"{path} belongs to another user than {shown(file.users[0])}")
        else:
            by_student.setdefault(fits[0].id, []).append(file)
    # Some platforms let people choose the name that they show.
    named = Counter(number for files in by_student.values() for number in {file.lms_id for file in files} - {""})
    shared = {number for number, students_named in named.items() if students_named > 1}
    for student, files in list(by_student.items()):
        # Without a roster a folder's name may be no student's: that of many students' folder "submission".
        people = {(file.source.path, file.folder if students is None else "", _person(file)) for file in files}
        numbers = {file.lms_id for file in files} & shared
        if len(people) > len({path for path, *_ in people}) or numbers:
            asked = f"may be another person's than {student}'s; put the right one by hand under "
            asked += f"submitted/{student}/<assignment>/"
            found.unknown += [f"{shown(file.file.path)} {asked}" for file in by_student.pop(student)]
    found.unknown, found.refused = [*dict.fromkeys(found.unknown)], [*dict.fromkeys(found.refused)]
    submitted = {student.id: read_time(student.submitted) for student in students or ()}
    found.by_student = {
        student: [replace(file, when=file.when or submitted.get(student)) for file in files]
        for student, files in by_student.items()
    }
    return found


def _heads(file: HandedIn) -> set[str]:
    """What may be a group's name before the student's: "Group 1-"."""
    return {file.name[: place + 1] for place, char in enumerate(file.name) if char == "-" and file.may_name_a_group}


def _groups(handed_in: list[HandedIn], roster: Roster) -> set[str]:
    """Heads behind which two people of the roster are named, and with which none is: two may be called Anna-."""
    names = {file.name: file for file in handed_in}
    behind = Counter(
        head for name, file in names.items() for head in _heads(file) if roster.has_name(name.removeprefix(head))
    )
    own = {head for name, file in names.items() if roster.has_name(name) for head in _heads(file)}
    return {head for head, count in behind.items() if count > 1} - own


def _namesakes(file: HandedIn, fits: list[Student]) -> str:
    """Who they are, and how a person tells them apart; "" where nobody fits."""
    people = listed([f"{student.id} ({shown(student.name)})" if student.name else student.id for student in fits])
    advice = "put the file by hand under submitted/<id>/<assignment>/"
    if file.number or not file.lms_id:  # Moodle's number is another in each activity
        known = f"the lms_id {shown(file.lms_id)}" if file.lms_id else "the e-mail that the platform knows"
        advice = f"give the right one {known} there, or {advice}"
    return f" fits {len(fits)} people of the roster, {people}; {advice}" if fits else ""


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
