"""One grader at a time in a course folder, and a copy of the gradebook before each batch."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from autograder.course import STATE, Course
from autograder.database import address
from autograder.errors import GradebookError
from autograder.files import write_atomically, writing
from autograder.gradebook import Gradebook

BACKUPS = 5
PART = "gradebook.part"  # a copy that is being made
COPY = re.compile(r"gradebook-(\d+)-\d{8}T\d{6}\.db")


@contextlib.contextmanager
def only_grader(root: Path) -> Iterator[None]:
    """Hold the course's lock, which ends with the process; raises GradebookError where another grader has it."""
    with contextlib.ExitStack() as stack:
        with writing(root / STATE):
            (root / STATE).mkdir(exist_ok=True)
            lock = stack.enter_context(open(root / STATE / "lock", "a+"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise GradebookError(
                    f"Another grader (process {holder}) is at work in {root}; wait until it is through."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        yield


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite gradebook; None for another database."""
    parts = address(url)
    return Path(parts.database) if parts.get_backend_name() == "sqlite" and parts.database else None


def backups(root: Path, url: str) -> list[Path]:
    """Copies of the gradebook, the oldest first; what people put beside them is theirs."""
    return sorted(path for path in folder_of(root, url).glob("gradebook-*.db") if COPY.fullmatch(path.name))


def folder_of(root: Path, url: str) -> Path:
    """Where what belongs to one gradebook lies; for another than ``gradebook.db`` that is a folder of its own."""
    folder, path = root / STATE / "backups", sqlite_path(url)
    if path is not None and path.resolve() == (root / "gradebook.db").resolve():
        return folder
    name, whole = (path.stem, bytes(path.resolve())) if path else ("server", address(url).render_as_string().encode())
    return folder / f"{name}-{hashlib.sha256(whole).hexdigest()[:8]}"


def open_gradebook(course: Course, begin: bool = False) -> Gradebook:
    """The course's gradebook; raises GradebookError where its file is damaged, or where only copies of it are there.

    ``begin``: where the file is gone, a new one is begun; one that was emptied nobody meant to delete.
    """
    path, copies = sqlite_path(course.db_url), backups(course.root, course.db_url)
    if copies and path is not None and path.is_file() and not path.stat().st_size:
        raise GradebookError(
            f"The gradebook {path} is an empty file, and there are copies of what it held: put back {copies[-1]}, "
            "or delete the file to begin a new one."
        )
    if is_gone(course) and not begin:
        raise GradebookError(
            f"The gradebook {path} is gone, and there are copies of what it held: put back {copies[-1]}, or begin a "
            "new one with `autograder grade`."
        )
    check_sqlite(course.root, course.db_url)
    return Gradebook(course.db_url)


def is_gone(course: Course) -> bool:
    """Whether the gradebook is not there, of which there are copies."""
    path = sqlite_path(course.db_url)
    return path is not None and not path.exists() and bool(backups(course.root, course.db_url))


def untold(course: Course) -> Path:
    """The file with what ``set_aside`` said, until a person was told: a run may be stopped before it tells anything."""
    return folder_of(course.root, course.db_url) / "untold.txt"


def set_aside(course: Course) -> str:
    """Keep the last copy of a gradebook that is gone for good; a sentence that says so.

    Stopped anywhere, it does the same again: the copy itself stays where it is, the last one.
    """
    copy = backups(course.root, course.db_url)[-1]
    kept, note = copy.with_name(f"before-{copy.name}"), untold(course)
    if not kept.exists():
        shutil.copyfile(copy, copy.with_name(PART))
        copy.with_name(PART).rename(kept)
    told = (
        f"The gradebook {sqlite_path(course.db_url)} was gone, and a new one was begun. As it was when the last batch "
        f"began, with what people had entered by then, it stands in {kept}: to go on with that, put it back and grade "
        "again."
    )
    before = note.read_text(encoding="utf-8") if note.exists() else ""  # of another one, and nobody knows yet
    if told not in before:
        write_atomically(note, f"{before} {told}".lstrip(), 0o644)
    return told


def backup(root: Path, url: str) -> Path | None:
    """Copy an SQLite gradebook aside and keep the last five copies; a server's database is its keeper's to copy.

    Copies are numbered, since a clock may be set back.
    """
    path = sqlite_path(url)
    if path is None or not path.exists():
        return None
    number = max((int(copy.name.split("-")[1]) for copy in backups(root, url)), default=0) + 1
    copy = folder_of(root, url) / f"gradebook-{number:06}-{datetime.now(UTC):%Y%m%dT%H%M%S}.db"
    copy.parent.mkdir(parents=True, exist_ok=True)
    part = copy.with_name(PART)
    part.unlink(missing_ok=True)  # of a run that was killed
    try:
        with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(part)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise GradebookError(f"The gradebook {path} could not be backed up: {error}.") from None
    part.rename(copy)
    for old in backups(root, url)[:-BACKUPS]:
        old.unlink()
    return copy


def check_sqlite(root: Path, url: str) -> None:
    """Raise GradebookError, with the copy to go back to, where the gradebook's file is damaged."""
    path = sqlite_path(url)
    if path is None or not path.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise GradebookError(f"The gradebook {path} cannot be opened: {error}.") from None
    except sqlite3.DatabaseError as error:
        problem = str(error)
    if problem != "ok":
        copies = backups(root, url)
        advice = f"put back {copies[-1]}" if copies else "move it away and grade anew; there is no backup yet"
        raise GradebookError(f"The gradebook {path} is damaged ({problem}): {advice}.")
