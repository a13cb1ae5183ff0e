"""What one student put into a source costs that student alone: the others are collected, and the one is named."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from autograder import archive
from autograder.errors import UsageError
from autograder.platforms import HandedIn
from autograder.roster import Roster, Student, words
from tests.course_factory import NAME
from tests.exports import GOOD, RECEIPT, run, zipped

NOBODY = 65534


@pytest.fixture
def inbound() -> Iterator[Path]:
    """An exchange with two submissions, seen by somebody whom modes stop, as they do not stop root."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # which anybody may enter
        as_root = os.geteuid() == 0
        if as_root:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            for user in ("ada", "emmy"):
                submission(Path(folder), user)
            yield Path(folder)
        finally:
            if as_root:
                os.seteuid(0)
            for inner in Path(folder).iterdir():
                inner.chmod(0o755)


def submission(inbound: Path, user: str, second: int = 0) -> Path:
    folder = inbound / f"{user}+{NAME}+2026-03-02 11:58:{second:02d}.000000 UTC+{second}"
    folder.mkdir()
    (folder / f"{NAME}.ipynb").write_bytes(GOOD)
    return folder


def test_a_students_flood_of_files_is_refused_by_name_and_the_others_are_collected(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_NAMES", 50)
    monkeypatch.setattr(archive, "MAX_FILES", 100)
    inbound = course.parent / "exchange" / "inbound"  # both may be named
    inbound.mkdir(parents=True)
    flooded, _ = submission(inbound, "ada"), submission(inbound, "emmy")
    for number in range(100):
        (flooded / f"{number}").touch()
    for source in (inbound, inbound.parent):
        found = run(course, source)
        assert [*found.placed, *found.unchanged] == ["emmy"]
        assert found.refused == [f"{flooded.relative_to(source)} holds more than 50 files"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to another user")
def test_a_flood_of_folders_costs_their_owner_all_of_them_and_nobody_else(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_NAMES", 50)
    monkeypatch.setattr(archive, "MAX_FILES", 100)
    inbound = course.parent / "inbound"
    inbound.mkdir()
    submission(inbound, "emmy")
    for second in range(60):
        os.chown(submission(inbound, "ada", second), NOBODY, NOBODY)
    found = run(course, inbound)
    assert found.placed == ["emmy"]
    [refused] = found.refused
    assert refused.startswith("ada+")
    assert refused.endswith(" holds more than 50 files with what else its owner put there")


@pytest.mark.parametrize("mode", [0o744, 0o711, 0o700, 0o000], ids=oct)
def test_a_folder_that_cannot_be_read_is_refused_by_name_and_the_others_are_listed(inbound: Path, mode: int) -> None:
    [hers] = inbound.glob("ada*")
    hers.chmod(mode & ~0o700 | (mode & 0o007) << 6)  # for its owner, who looks here, what the grader would have
    with closing(archive.open_source(inbound)) as source:
        assert [file.path.partition("+")[0] for file in source.files] == ["emmy"]
        assert source.refused == {hers.name: "cannot be read (Permission denied)"}


def test_a_source_that_cannot_be_read_at_all_is_no_source(inbound: Path) -> None:
    inbound.chmod(0o400)
    try:
        with pytest.raises(UsageError, match=r"cannot be read \(Permission denied\)"):
            archive.open_source(inbound)
    finally:
        inbound.chmod(0o700)


ATTEMPT = "attempt_2026-03-02-11-58-00"


def test_a_file_named_as_another_platforms_receipt_is_read_by_nobody(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = archive.Archive.head

    def noting(source: archive.Archive, file: archive.File, size: int) -> bytes:
        read.append(file.path)
        return whole(source, file, size)

    monkeypatch.setattr(archive.Archive, "head", noting)
    hers, others = (f"{name}_assignsubmission_file_" for name in ("Ada Lovelace_111", "Emmy Noether_112"))
    files: dict[str, bytes | str] = {
        f"{hers}/scaling.ipynb": GOOD,
        f"{hers}/x_{ATTEMPT}.txt": "Name:" + " " * 1000,
        f"{hers}/x_{ATTEMPT}_y": "",
    }
    assert run(course, zipped(course, {**files, f"{others}/scaling.ipynb": GOOD})).placed == ["ada", "emmy"]
    assert {path.rpartition("/")[2] for path in read} == {"scaling.ipynb"}


def test_of_a_receipt_its_head_is_read_however_long_the_comment_is(course: Path) -> None:
    text = RECEIPT.format(name="Ada Lovelace", user="ada", zone="CET", comment=os.urandom(2 << 20).hex())
    (course.parent / "roster.csv").write_text("id\nada\nset_1_ada\n")  # without the receipt it could be either
    files: dict[str, bytes | str] = {f"set_1_ada_{ATTEMPT}.txt": text, f"set_1_ada_{ATTEMPT}_scaling.ipynb": GOOD}
    assert run(course, zipped(course, files)).placed == ["ada"]


def test_of_a_roster_each_line_is_read_once_however_large_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noting(name: str) -> list[str]:
        asked.append(name)
        return words(name)

    monkeypatch.setattr("autograder.roster.words", noting)
    roster = Roster(Student(f"s{number}", f"Ada Lovelace{number}") for number in range(100))
    source = cast(archive.Source, None)
    files = [
        HandedIn(source, archive.File(f"{n}"), "scaling.ipynb", (), f"{n}", f"Lovelace{n}, Ada") for n in range(100)
    ]
    assert [[student.id for student in roster.fitting(file, False)] for file in files] == [
        [f"s{n}"] for n in range(100)
    ]
    assert len(asked) == 200
