"""Notebooks in ``submitted/`` that lie where no submission is looked for, each with a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.course import DEFAULTS, Course


def strays(course: Course, assignment: str) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of each notebook one or two levels too high; other assignments' are not told here."""
    if course.setting("directory_structure") != DEFAULTS["directory_structure"]:
        return
    root = course.root / course.setting("submitted_directory")
    own = set(course.notebooks(assignment))
    others = other_notebooks(course, assignment)
    for path in sorted([*root.glob("*.ipynb"), *root.glob("*/*.ipynb")]):
        if path.stem in others or not path.is_file():
            continue
        student = path.parent.name if path.parent != root else "<student>"
        name = path.stem if path.stem in own or len(own) > 1 else next(iter(own))
        where = root.relative_to(course.root) / student / assignment / f"{name}.ipynb"
        shown = str(path.relative_to(course.root)).encode("unicode_escape").decode()
        yield shown, f"not graded: it should be {str(where).encode('unicode_escape').decode()}"


def other_notebooks(course: Course, assignment: str) -> set[str]:
    """Names of the notebooks of the course's other assignments."""
    sources = course.root / course.setting("source_directory")
    return {path.stem for path in sources.rglob("*.ipynb")} - {*course.notebooks(assignment)}
