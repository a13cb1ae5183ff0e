"""Opens a submitted notebook without trusting it: within limits, strictly parsed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from autograder.errors import AutograderError
from autograder.limits import Limits
from autograder.marks import is_as_released
from autograder.pictures import from_base64
from autograder.wording import shown

MAX_VALUES = 2_000_000  # containers and members of one notebook: bounds the memory that parsing takes
IMAGES = ("image/png", "image/jpeg")  # attachments of written answers that are kept
GRADE_ID = re.compile(r"[a-zA-Z0-9_\-]{1,128}\Z")  # nbgrader's own pattern
# Possessive, and a string that breaks off reaches to the end: no file makes the scan go back.
TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
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
    as_released: bool = False  # by its own checksum: the instructor may have changed the cell since


def parse(data: bytes, limits: Limits) -> list[SubmittedCell]:
    """The cells of a submitted notebook; raises Refused with a sentence for the student.

    >>> parse(b"<html>", Limits())
    Traceback (most recent call last):
    autograder.intake.Refused: ...
    """
    if len(data) > limits.notebook_bytes:
        raise Refused(too_large(limits.notebook_bytes))
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
        told = f"The file is not a complete notebook ({_broken(error, text)}); save it and hand it in again."
        if not text.lstrip().startswith("{"):
            beginning = " ".join(text.lstrip()[:30].split())
            told = f"The file is not a notebook: it begins with '{shown(beginning)}'; hand in the notebook itself."
        raise Refused(told) from None
    return list(_cells(notebook, limits))


def _broken(error: Exception, text: str) -> str:
    """Where and how JSON is broken."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    if error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip()):
        return f"it breaks off in line {error.lineno}"
    return f"line {error.lineno}: {error.msg}"


def made_for(notebook: Any) -> str:
    """The assignment that a notebook is of, where its metadata tell it (``normlab.assignment``), else "".

    >>> made_for({"metadata": {"normlab": {"assignment": "scaling"}}, "cells": []})
    'scaling'
    """
    ours = _mapping(_mapping(_mapping(notebook).get("metadata")).get("normlab"))
    return _text(ours.get("assignment")) or ""


def too_large(limit: int) -> str:
    """The sentence for a file over the limit of so many bytes."""
    return f"The file is larger than {limit >> 20} MiB; clear the outputs, save, and hand it in again."


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
        cell_type = cell["cell_type"] if cell.get("cell_type") in ("code", "markdown") else "raw"
        marks = _mapping(_mapping(cell.get("metadata")).get("nbgrader"))
        yield SubmittedCell(
            cell_type=cell_type,
            source=source,
            grade_id=_text(marks.get("grade_id")),
            cell_id=_text(cell.get("id")),
            attachments=dict(_attachments(_mapping(cell.get("attachments")))),
            as_released=is_as_released(source, cell_type, marks),
        )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and GRADE_ID.match(value) else None


def _attachments(attachments: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for name, bundle in attachments.items():
        if not SURROGATE.search(name):
            texts = {kind: data for kind, data in _mapping(bundle).items() if kind in IMAGES and isinstance(data, str)}
            if kept := {kind: data for kind, data in texts.items() if from_base64(data)}:
                yield name, kept
