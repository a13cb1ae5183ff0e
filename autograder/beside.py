"""The files beside an instructor's notebook, for it to read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from autograder.errors import CourseError

LITTER = {"__pycache__", "feedback"}  # the second is nbgrader's, of a student's own copy


def files_beside(folder: Path) -> dict[str, bytes]:
    """Content by name below ``folder``, without notebooks and what is hidden; raises CourseError."""
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(name): content_of(utf8(folder / name))
        for name in names
        if name.suffix != ".ipynb" and not any(part[0] == "." or part in LITTER for part in name.parts)
    }


def content_of(path: Path) -> bytes:
    """What a file of the instructor's holds; CourseError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({error.strerror}).") from None


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Put them there."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def utf8(path: Path) -> Path:
    """The path itself; CourseError where its name can be told neither to the gradebook nor to a worker."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise CourseError(f"The name {shown} is not UTF-8; rename it.") from None
    return path
