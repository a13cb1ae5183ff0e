"""Puts what a learning platform exported into ``submitted/``: ``autograder collect ASSIGNMENT SOURCE...``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from autograder.archive import open_source
from autograder.course import Course
from autograder.enrolled import enroll
from autograder.errors import UsageError
from autograder.guard import only_grader
from autograder.matching import match
from autograder.placing import Collected, Due, Hand
from autograder.platforms import HandedIn
from autograder.received import Received
from autograder.recognition import recognize
from autograder.roster import read_roster
from autograder.strays import other_notebooks
from autograder.wording import nearest, shown

COMPARED = 1_000_000  # pairs of names, old and new, among which a typing error is looked for: ten seconds


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
    identifiers (Blackboard, nbgrader's exchange, plain folders) can be collected, and nobody knows who is missing. The
    gradebook gets the roster's students, too. Raises UsageError where a source or the roster cannot be used; then
    nothing was put anywhere.

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
            found.refused += [f"{shown(name)} {reason}" for name, reason in sorted(source.refused.items())]
            handed_in += files
        matched = match(handed_in, students)
        found.unknown += matched.unknown
        found.refused += matched.refused
        if any(file.when is None for files in matched.by_student.values() for file in files):
            found.notes.append(
                "Hand-ins without a known time count as on time; a roster's column submitted tells times."
            )
        if any(file.zone_unknown for files in matched.by_student.values() for file in files):
            found.notes.append(
                "Blackboard's times are its server's; those of which no zone is told are taken as UTC: "
                "look at who is late."
            )
        stack.enter_context(only_grader(course.root))
        due = stack.enter_context(closing(Due(course, assignment, matched.by_student, make=students is not None)))
        if students is not None and due.gradebook is not None:
            enroll(due.gradebook, students)
        elif due.gradebook is not None and (people := due.gradebook.people()):
            new = sorted(matched.by_student.keys() - people)
            known = people if len(new) * len(people) <= COMPARED else ()
            found.notes += [f"{student} is new to the gradebook{nearest(student, known) or '.'}" for student in new]
        received = Received(course, assignment)
        numbers = {student.id: student.lms_id for student in students or ()}
        roll = sorted(numbers)
        for student in sorted(matched.by_student):
            own: list[HandedIn] = []
            for file in matched.by_student[student]:
                if file.number and file.lms_id == numbers.get(student):  # Canvas' and the roster's, which is certain
                    own.append(file)
                elif other := received.stranger(student, file, roll):
                    what = f"names {student}, and its number was that of {other} before"
                    found.unknown.append(f"{shown(file.file.path)} {what}")
                else:
                    own.append(file)
            if own:
                try:
                    Hand(course, assignment, names, others, found, due, received).over(student, own)
                except OSError as error:  # what lies there already, and cannot be read
                    found.refused.append(f"{student}: {error.filename} cannot be read ({error.strerror})")
        received.save()
    if found.timeless:
        found.notes.append(
            f"Late without a time, so that no penalty follows: {', '.join(found.timeless)}; a roster's column "
            "submitted tells times."
        )
    found.unknown.sort()
    if students is not None:
        # os.path, which says no of a folder that cannot be entered
        found.missing = [each for each in roll if not os.path.isdir(course.folder("submitted", each, assignment))]
    return found


def lines(found: Collected) -> Iterator[str]:
    """What the command prints."""
    yield from found.notes
    yield f"{len(found.placed)} put in place, {len(found.unchanged)} unchanged"
    for title in ("missing", "late", "double", "unknown", "refused"):
        entries = getattr(found, title)
        yield f"{title}: {'not known without a --roster' if entries is None else len(entries)}"
        yield from (f"  {entry}" for entry in entries or ())
    if found.unknown:
        yield "what belongs to nobody: correct the roster, or put it by hand under submitted/<id>/<assignment>/"
