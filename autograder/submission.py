"""What a student's folder holds, read without trusting it: regular files only, no link, within limits."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.intake import Refused, too_large
from autograder.limits import Limits
from autograder.wording import shown

MAX_NAMES = 10_000  # files of one submission that are looked at
MAX_LEVELS = 32  # of folders within folders
SECRET = "submission_secret.txt"  # nbgrader's exchange finds the page of a submission by it
SECRET_BYTES = 1000
NAME = r"(?P<stem>[^/]+)\.ipynb(?:\.txt|\.json)?"  # a notebook's, also as browsers save it
NOTEBOOK = re.compile(NAME, re.IGNORECASE)
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True)
class Submission:
    """The bytes of one submission as they were at one moment."""

    notebooks: dict[str, bytes]  # by the assignment's notebook names
    refused: dict[str, str]  # the other names of the assignment -> why there are no bytes
    findings: list[str]  # what was left out of the folder
    timestamp: str | None  # content of timestamp.txt; "" where it cannot be read
    secret: str | None  # content of submission_secret.txt
    digest: str  # of what was handed in, whenever that was: of the first three


def read_submission(folder: Path, names: Sequence[str], limits: Limits) -> Submission:
    """Read the notebooks ``names`` of one submission's folder; whatever it holds, this returns.

    One expected notebook that is missing while one unknown notebook is there counts as renamed. Neither the folder nor
    the one that it stands in may be a link: they are the student's and the assignment's.
    """
    try:
        folder_fd = _open_folder(folder)
        try:
            return _read_folder(folder_fd, names, limits)
        finally:
            os.close(folder_fd)
    except OSError as error:
        reason = f"The submission is not a folder that can be opened ({error.strerror})."
        if os.path.islink(folder) or os.path.islink(folder.parent):
            reason = "The submission's folder is a symbolic link, which is not followed; hand in the folder itself."
        return _submission({}, dict.fromkeys(names, reason), [])


def _read_folder(folder_fd: int, names: Sequence[str], limits: Limits) -> Submission:
    """What the open folder holds; OSError where it may be listed and not entered."""
    findings = list(_irregular(folder_fd))
    renamed = _renamed(folder_fd, names)
    findings += [f"{shown(new)} was taken for {old}.ipynb." for old, new in renamed.items()]
    notebooks, refused = {}, {}
    for name in names:
        try:
            notebooks[name] = _read(folder_fd, renamed.get(name, f"{name}.ipynb"), limits.notebook_bytes)
        except Refused as error:
            refused[name] = str(error)
        except FileNotFoundError:
            refused[name] = f"{name}.ipynb is missing from the submission{_instead(folder_fd, names)}."
    timestamp, secret = (_line(folder_fd, name) for name in ("timestamp.txt", SECRET))
    return _submission(notebooks, refused, findings, timestamp, secret)


def _open_folder(folder: Path) -> int:
    outer = os.open(folder.parent, FOLDER_FLAGS)
    try:
        return os.open(folder.name, FOLDER_FLAGS, dir_fd=outer)
    finally:
        os.close(outer)


def notebook_stem(filename: str) -> str:
    """What stands before .ipynb, and before .ipynb.txt and .ipynb.json, as browsers save it; "" where it is none.

    >>> notebook_stem("Scaling.ipynb.txt"), notebook_stem("notes.txt")
    ('Scaling', '')
    """
    found = NOTEBOOK.fullmatch(filename)
    return found["stem"] if found else ""


def _submission(
    notebooks: dict[str, bytes],
    refused: dict[str, str],
    findings: list[str],
    timestamp: str | None = None,
    secret: str | None = None,
) -> Submission:
    digest = hashlib.sha256(json.dumps([refused, findings]).encode())
    for name, data in notebooks.items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return Submission(notebooks, refused, findings, timestamp, secret, digest.hexdigest())


def _line(folder_fd: int, name: str) -> str | None:
    """What a file of one line says, "" where it cannot be read; None where there is none."""
    try:
        return _read(folder_fd, name, SECRET_BYTES).decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return None
    except (Refused, OSError):
        return ""


def _read(folder_fd: int, name: str, limit: int) -> bytes:
    """The bytes of a regular file of the folder, never through a link, never waiting for a writer.

    Raises Refused, and FileNotFoundError where there is none.
    """
    try:
        # Looked at before it is opened, since to open some devices is to act on them.
        mode = os.stat(name, dir_fd=folder_fd, follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            raise Refused(f"{name} is {_kind(mode)}, not a file; hand in the notebook itself.")
        with open(os.open(name, FILE_FLAGS, dir_fd=folder_fd), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Refused(f"{name} is not a regular file; hand in the notebook itself.")
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Refused(f"{name} cannot be read ({error.strerror}).") from None
    if len(data) > limit:
        raise Refused(too_large(limit))
    return data


def _present(folder_fd: int) -> dict[str, bool]:
    """The names in the folder, of a flood some, and whether each is a folder."""
    with os.scandir(folder_fd) as entries:
        return {entry.name: entry.is_dir(follow_symlinks=False) for entry in itertools.islice(entries, MAX_NAMES)}


def _renamed(folder_fd: int, names: Sequence[str]) -> dict[str, str]:
    expected, present = {f"{name}.ipynb": name for name in names}, _present(folder_fd)
    missing = expected.keys() - present.keys()
    unknown = {name for name in present.keys() - expected.keys() if notebook_stem(name) and not name.startswith(".")}
    return {expected[missing.pop()]: unknown.pop()} if len(missing) == len(unknown) == 1 else {}


def _instead(folder_fd: int, names: Sequence[str]) -> str:
    """What lies there in place of a notebook, and what to do."""
    ours = {*(f"{name}.ipynb" for name in names), "timestamp.txt", SECRET}
    present = sorted(_present(folder_fd).items())
    others = {name: folder for name, folder in present if name not in ours and not name.startswith(".")}
    held = [f"the folder {shown(name)}" if folder else shown(name) for name, folder in others.items()]
    todo = "itself, in no folder of its own" if all(others.values()) else "under its name"
    return f", which holds {', '.join(held[:5])}; hand in the notebook {todo}" if others else ""


def _irregular(folder_fd: int) -> Iterator[str]:
    """A sentence for each link, device, socket or pipe; what is named here is used by nobody."""
    seen = 0
    for root, folders, files, root_fd in os.fwalk(".", dir_fd=folder_fd, follow_symlinks=False):
        for name in [*folders, *files]:
            seen += 1
            if seen > MAX_NAMES:
                yield f"The submission holds more than {MAX_NAMES} files; the others were not looked at."
                return
            try:
                mode = os.stat(name, dir_fd=root_fd, follow_symlinks=False).st_mode
            except OSError:
                continue
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                yield f"{shown(os.path.join(root, name)[2:])} is {_kind(mode)} and was left out."
        if folders and root.count(os.sep) >= MAX_LEVELS:
            yield f"{shown(root[2:])} holds folders more than {MAX_LEVELS} levels deep, which were not looked at."
            folders.clear()  # os.fwalk goes into what is left here


def _kind(mode: int) -> str:
    tests: dict[str, Callable[[int], bool]] = {
        "a symbolic link": stat.S_ISLNK,
        "a folder": stat.S_ISDIR,
        "a pipe": stat.S_ISFIFO,
        "a socket": stat.S_ISSOCK,
        "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
    }
    return next((name for name, test in tests.items() if test(mode)), "no regular file")
