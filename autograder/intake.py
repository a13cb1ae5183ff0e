"""Opens a submission without trusting it: regular files only, within limits, strictly parsed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from autograder.errors import AutograderError
from autograder.limits import Limits
from autograder.wording import shown

MAX_VALUES = 2_000_000  # containers and members of one notebook: bounds the memory that parsing takes
MAX_NAMES = 10_000  # files of one submission that are looked at
MAX_LEVELS = 32  # of folders within folders
IMAGES = ("image/png", "image/jpeg", "image/gif")  # attachments of written answers that are kept
GRADE_ID = re.compile(r"[a-zA-Z0-9_\-]{1,128}\Z")  # nbgrader's own pattern
# Possessive: a hostile file must not make the scan backtrack.
TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
SURROGATE = re.compile("[\ud800-\udfff]")


class Refused(AutograderError):
    """The submission cannot be read; the sentence is meant for the student."""


@dataclass(frozen=True)
class SubmittedCell:
    """What is taken over from a student's cell; outputs and all other metadata are left behind."""

    cell_type: str
    source: str
    grade_id: str | None = None
    cell_id: str | None = None
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)


SECRET = "submission_secret.txt"  # nbgrader's exchange finds the page of a submission by it
SECRET_BYTES = 1000


@dataclass(frozen=True)
class Submission:
    """The bytes of one submission as they were at one moment."""

    notebooks: dict[str, bytes]  # by the assignment's notebook names
    refused: dict[str, str]  # the other names of the assignment -> why there are no bytes
    findings: list[str]  # what was left out of the folder
    timestamp: str | None  # content of timestamp.txt; "" where it cannot be read
    secret: str | None  # content of submission_secret.txt
    digest: str  # of all of these


def read_submission(folder: Path, names: Sequence[str], limits: Limits) -> Submission:
    """Read the notebooks ``names`` of one submission's folder; whatever it holds, this returns.

    One expected notebook that is missing while one unknown notebook is there counts as renamed. Neither the folder nor
    the one that it stands in may be a link: they are the student's and the assignment's.
    """
    try:
        folder_fd = _open_folder(folder)
    except OSError as error:
        reason = f"The submission is not a folder that can be opened ({error.strerror})."
        if folder.is_symlink() or folder.parent.is_symlink():
            reason = "The submission's folder is a symbolic link, which is not followed; hand in the folder itself."
        return _submission({}, dict.fromkeys(names, reason), [])
    try:
        findings = list(_irregular(folder_fd))
        renamed = _renamed(folder_fd, names)
        findings += [f"{shown(new)} was taken for {old}.ipynb." for old, new in renamed.items()]
        notebooks, refused = {}, {}
        for name in names:
            try:
                notebooks[name] = _read(folder_fd, renamed.get(name, f"{name}.ipynb"), limits.notebook_bytes)
            except Refused as error:
                refused[name] = str(error)
        timestamp, secret = (_line(folder_fd, name) for name in ("timestamp.txt", SECRET))
    finally:
        os.close(folder_fd)
    return _submission(notebooks, refused, findings, timestamp, secret)


def _open_folder(folder: Path) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    outer = os.open(folder.parent, flags)
    try:
        return os.open(folder.name, flags, dir_fd=outer)
    finally:
        os.close(outer)


def parse(data: bytes, limits: Limits) -> list[SubmittedCell]:
    """The cells of a submitted notebook; raises Refused with a sentence for the student.

    >>> parse(b"<html>", Limits())
    Traceback (most recent call last):
    autograder.intake.Refused: ...
    """
    if len(data) > limits.notebook_bytes:
        raise Refused(_too_large(limits.notebook_bytes))
    if not data.strip():
        raise Refused("The file is empty; save the notebook and hand it in again.")
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        raise Refused("The file is not UTF-8 text; save it in Jupyter and hand it in again.") from None
    _check_shape(text, limits)
    try:
        notebook = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        detail = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise Refused(f"The file is not a complete notebook ({detail}); save it and hand it in again.") from None
    return list(_cells(notebook, limits))


def made_for(notebook: Any) -> str:
    """The assignment that a notebook is of, where its metadata tell it (``normlab.assignment``), else "".

    >>> made_for({"metadata": {"normlab": {"assignment": "scaling"}}, "cells": []})
    'scaling'
    """
    ours = _mapping(_mapping(_mapping(notebook).get("metadata")).get("normlab"))
    return _text(ours.get("assignment")) or ""


def _submission(
    notebooks: dict[str, bytes],
    refused: dict[str, str],
    findings: list[str],
    timestamp: str | None = None,
    secret: str | None = None,
) -> Submission:
    digest = hashlib.sha256(json.dumps([refused, findings, timestamp], sort_keys=True).encode())
    for name, data in notebooks.items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return Submission(notebooks, refused, findings, timestamp, secret, digest.hexdigest())


def _line(folder_fd: int, name: str) -> str | None:
    """What a file of one line says, "" where it cannot be read; None where there is none."""
    try:
        os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        return _read(folder_fd, name, SECRET_BYTES).decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return None
    except (Refused, OSError):
        return ""


def _read(folder_fd: int, name: str, limit: int) -> bytes:
    """The bytes of a regular file of the folder, never through a link, never waiting for a writer."""
    try:
        # Looked at before it is opened, since to open some devices is to act on them.
        mode = os.stat(name, dir_fd=folder_fd, follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            raise Refused(f"{name} is {_kind(mode)}, not a file; hand in the notebook itself.")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        with open(os.open(name, flags, dir_fd=folder_fd), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Refused(f"{name} is not a regular file; hand in the notebook itself.")
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise Refused(f"{name} is missing from the submission.") from None
    except OSError as error:
        raise Refused(f"{name} cannot be read ({error.strerror}).") from None
    if len(data) > limit:
        raise Refused(_too_large(limit))
    return data


def _too_large(limit: int) -> str:
    return f"The file is larger than {limit >> 20} MiB; clear the outputs, save, and hand it in again."


def _renamed(folder_fd: int, names: Sequence[str]) -> dict[str, str]:
    expected = {f"{name}.ipynb": name for name in names}
    with os.scandir(folder_fd) as entries:
        present = {entry.name for entry in itertools.islice(entries, MAX_NAMES)}
    missing = expected.keys() - present
    unknown = {name for name in present - expected.keys() if name.endswith(".ipynb")}
    return {expected[missing.pop()]: unknown.pop()} if len(missing) == len(unknown) == 1 else {}


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


def _check_shape(text: str, limits: Limits) -> None:
    """Depth and count, before the parser builds anything."""
    depth = values = 0
    for token in TOKENS.finditer(text):
        char = text[token.start()]
        if char in "[{":
            depth += 1
            if depth > limits.notebook_depth:
                raise Refused(f"The notebook is nested deeper than {limits.notebook_depth} levels.")
        elif char in "]}":
            depth -= 1
        if char != '"':
            values += 1
            if values > MAX_VALUES:
                raise Refused(f"The notebook holds more than {MAX_VALUES:,} values; clear the outputs and save.")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _cells(notebook: Any, limits: Limits) -> Iterator[SubmittedCell]:
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if version != 4:
        found = f"of format {version}" if isinstance(version, int) else "without a format number"
        raise Refused(f"The file is a notebook {found}, not of format 4; open it in JupyterLab and save it.")
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise Refused("The notebook has no list of cells; open it in JupyterLab and save it.")
    if len(cells) > limits.notebook_cells:
        raise Refused(f"The notebook has more than {limits.notebook_cells} cells.")
    for number, cell in enumerate(cells, 1):
        source = cell.get("source") if isinstance(cell, dict) else None
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            raise Refused(f"Cell {number} of the notebook has no text; open it in JupyterLab and save it.")
        if "\0" in source or SURROGATE.search(source):
            raise Refused(f"Cell {number} of the notebook holds a character that no text can hold.")
        yield SubmittedCell(
            cell_type=cell["cell_type"] if cell.get("cell_type") in ("code", "markdown") else "raw",
            source=source,
            grade_id=_text(_mapping(_mapping(cell.get("metadata")).get("nbgrader")).get("grade_id")),
            cell_id=_text(cell.get("id")),
            attachments=dict(_attachments(_mapping(cell.get("attachments")))),
        )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and GRADE_ID.match(value) else None


def _attachments(attachments: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for name, bundle in attachments.items():
        if not SURROGATE.search(name):
            kept = {kind: data for kind, data in _mapping(bundle).items() if kind in IMAGES and _is_base64(data)}
            if kept:
                yield name, kept


def _is_base64(data: Any) -> bool:
    try:
        return isinstance(data, str) and bool(base64.b64decode("".join(data.split()), validate=True))
    except (binascii.Error, ValueError):
        return False
