"""What lies in ``submitted/`` where no submission is looked for, or under a name that is not what it looks like."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

import sqlalchemy as sa

from autograder.course import DEFAULTS, UNUSABLE, Course
from autograder.gradebook import Gradebook
from autograder.wording import nearest


def strays(course: Course, assignment: str, gradebook: Gradebook) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of each notebook one or two levels too high, and of each folder that is no assignment's.

    Also of each student's folder that cannot be entered, or whose accents are letters of their own, as archives of
    macOS have them.

    Notebooks of other assignments are not told here. Folders of one name are told once, by the first student's.
    """
    if course.setting("directory_structure") != DEFAULTS["directory_structure"]:
        return
    root = course.root / course.setting("submitted_directory")
    own = set(course.notebooks(assignment))
    others = other_notebooks(course, assignment)
    for path in sorted([*root.glob("[!.]*.ipynb"), *root.glob("[!.]*/[!.]*.ipynb")]):
        if path.stem in others or not os.path.isfile(path):  # which says no in a folder that cannot be entered
            continue
        student = path.parent.name if path.parent != root else "<student>"
        name = path.stem if path.stem in own or len(own) > 1 else next(iter(own))
        where = root.relative_to(course.root) / student / assignment / f"{name}.ipynb"
        yield _shown(path.relative_to(course.root)), f"not graded: it should be {_shown(where)}"
    known = {path.parent.name for path in course.sources()} | _assignments(gradebook)
    unknown = [folder for folder in root.glob("*/[!._]*/") if folder.name not in known]
    folders = {each.name: each for each in sorted(unknown, reverse=True) if any(each.glob("[!.]*.ipynb"))}
    for name, folder in sorted(folders.items()):
        reason = f"not graded: there is no assignment of this name{nearest(name, known)}"
        yield _shown(folder.relative_to(course.root)), reason
    people = sorted(root.glob("[!._]*/"))
    for folder in people:
        if not os.access(folder, os.R_OK | os.X_OK):
            reason = "not graded: it cannot be entered; change the folder's rights"
            yield _shown(folder.relative_to(course.root)), reason
    for name in (folder.name for folder in people):
        usual = normalize("NFC", name)
        if usual != name == normalize("NFD", name) and not UNUSABLE.search(name):
            reason = (
                f"its accents are letters of their own, so that it is another student than {usual}; rename the folder"
            )
            yield _shown((root / name).relative_to(course.root)), reason


def other_notebooks(course: Course, assignment: str) -> set[str]:
    """Names of the notebooks of the course's other assignments."""
    return {path.stem for path in course.sources()} - {*course.notebooks(assignment)}


def _assignments(gradebook: Gradebook) -> set[str]:
    query = sa.select(gradebook.tables["assignment"].c.name)
    return {*gradebook.transact(lambda connection: connection.execute(query).scalars().all())}


def _shown(path: Path) -> str:
    return str(path).encode("unicode_escape").decode()
