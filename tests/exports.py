"""Exports of learning platforms, made from the documented formats, and what collecting them gives."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from autograder.__main__ import main
from autograder.collect import collect
from autograder.placing import Collected
from tests.course_factory import NAME, RIGHT, answered

GOOD = json.dumps(answered(RIGHT)).encode()
ROSTER = """id,name,email,lms_id
ada,Ada Lovelace,ada@example.org,4711
emmy,Emmy Noether,en@example.org,
rene,René Descartes,rene.d@example.org,
zoe,Zoe Zed,zoe@example.org,999
"""
RECEIPT = """Name: {name} ({user})
Assignment: Problem set_1
Date Submitted: Monday, March 2, 2026 11:58:00 AM {zone}
Current Grade: Needs Grading

Submission Field:
There is no student submission text data for this assignment.

Comments:
{comment}

Files:
\tOriginal filename: scaling.ipynb
"""


def zipped(course: Path, files: Mapping[str, bytes | str], name: str = "export.zip") -> Path:
    path = course.parent / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for member, content in files.items():
            made.writestr(member, content)
    return path


def run(course: Path, *sources: Path, roster: bool = True) -> Collected:
    return collect(NAME, sources, course, roster=course.parent / "roster.csv" if roster else None)


def command(course: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["collect", NAME, *arguments, "--course-dir", str(course)])


def submitted(course: Path, student: str, file: str = f"{NAME}.ipynb") -> bytes:
    return (course / "submitted" / student / NAME / file).read_bytes()


def everything(course: Path) -> list[str]:
    return sorted(str(path.relative_to(course.parent)) for path in course.parent.rglob("*") if path.is_file())
