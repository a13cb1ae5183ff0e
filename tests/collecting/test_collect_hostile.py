"""No name, link or archive in an export does harm, or makes a submission another's."""

from __future__ import annotations

import errno
import os
import stat
import struct
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from autograder import archive
from autograder.errors import AutograderError
from autograder.intake import Refused
from tests.course_factory import NAME
from tests.exports import GOOD, command, everything, run, submitted, zipped


def test_nobody_hands_in_for_another_through_the_exchange(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = course.parent / "inbound" / f"ada+{NAME}+2026-03-02 11:58:00.000000 UTC"
    folder.mkdir(parents=True)
    for name in ("scaling.ipynb", "timestamp.txt"):
        (folder / name).write_bytes(b"not hers")
    monkeypatch.setattr("autograder.matching.os.getuid", lambda: os.stat(folder).st_uid + 1)
    found = run(course, course.parent / "inbound")
    assert found.refused == [f"{folder.name} belongs to another user than ada"]
    assert not found.placed


def test_a_stranger_in_the_exchange_is_named_once_for_each_submission(course: Path) -> None:
    files = {f"root+{NAME}+2026-03-0{day} 11:58:00.000000 UTC/{name}": GOOD for day in "12" for name in ("a.txt", "b")}
    assert run(course, zipped(course, files)).unknown == sorted({name.rpartition("/")[0] for name in files})


@pytest.mark.parametrize(
    "name",
    [
        "Emmy Noether_5_assignsubmission_file/Ada Lovelace_6_assignsubmission_file/scaling.ipynb",
        f"Emmy Noether_5_assignsubmission_file/ada+{NAME}+2026-03-02 11:58:00 UTC/scaling.ipynb",
        "noetheremmy_12_13_lovelaceada_4711_14_scaling.ipynb",
        "P_emmy_attempt_2026-03-02-11-58-00_ada_attempt_2026-03-02-11-58-00_scaling.ipynb",
        "noetheremmy_12_13_ada_attempt_2026-03-02-11-58-00_scaling.ipynb",
        "noetheremmy_12_13_Ada Lovelace_6_assignsubmission_file_scaling.ipynb",
        "P_emmy_attempt_2026-03-02-11-58-00_lovelaceada_4711_14_scaling.ipynb",
        "Ada Lovelace_6_assignsubmission_file__5_assignsubmission_file_scaling.ipynb",
    ],
)
def test_no_file_name_makes_a_submission_anothers(course: Path, name: str) -> None:
    found = run(course, zipped(course, {name: b"emmy's"}))
    assert "ada" not in found.placed
    assert not (course / "submitted/ada").exists()


# what is unsafe


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../lovelaceada_4711_99_scaling.ipynb", "leads out"),
        ("x/../../lovelaceada_4711_99_scaling.ipynb", "leads out"),
        ("/tmp/lovelaceada_4711_99_scaling.ipynb", "absolute"),
        ("C:/lovelaceada_4711_99_scaling.ipynb", "absolute"),
        ("..\\lovelaceada_4711_99_scaling.ipynb", "backslash"),
        ("lovelaceada_4711_99_scaling.ipynb\0.txt", "control character"),
        ("d/" * 20 + "lovelaceada_4711_99_scaling.ipynb", "nested"),
        ("n" * 2000 + "_4711_99_scaling.ipynb", "longer"),
        ("", "no name"),
    ],
)
def test_a_hostile_name_is_refused_and_the_others_are_collected(course: Path, name: str, reason: str) -> None:
    path = course.parent / "export.zip"
    with zipfile.ZipFile(path, "w") as made:
        member = zipfile.ZipInfo("placeholder")
        member.filename = name
        made.writestr(member, b"evil")
        made.writestr("noetheremmy_12_13_scaling.ipynb", GOOD)
    before = everything(course)
    found = run(course, path)
    assert found.placed == ["emmy"]
    assert len(found.refused) == 1
    assert reason in found.refused[0]
    assert found.refused[0].isprintable()
    new = set(everything(course)) - set(before)
    assert new == {f"course/submitted/emmy/{NAME}/scaling.ipynb", "course/.autograder/lock"} | {
        f"course/.autograder/received/{NAME}.json"
    }


@pytest.mark.parametrize("name", ["é" * 150, "ada\u202e"], ids=["too long for a folder", "turned round"])
def test_a_name_that_can_be_no_students_folder_is_unknown_and_the_others_are_collected(course: Path, name: str) -> None:
    found = run(course, zipped(course, {f"{name}/scaling.ipynb": GOOD, "ada/scaling.ipynb": GOOD}), roster=False)
    assert (found.placed, len(found.unknown)) == (["ada"], 1)
    assert found.unknown[0].isprintable()


def test_nothing_is_written_through_a_link_in_the_place_of_a_students_folder(course: Path) -> None:
    elsewhere = course.parent / "elsewhere"
    elsewhere.mkdir()
    (course / "submitted" / "ada").mkdir(parents=True)
    (course / "submitted" / "ada" / NAME).symlink_to(elsewhere)
    files = {"lovelaceada_4711_99_scaling.ipynb": GOOD, "zedzoe_999_5_scaling.ipynb": GOOD}
    found = run(course, zipped(course, files))
    assert found.refused == [f"ada: {course}/submitted/ada/{NAME} is a link; collect writes into real folders alone"]
    assert not [*elsewhere.iterdir()]
    assert found.placed == ["zoe"], "one student's link is no other's affair"


def test_what_lay_there_stays_whole_where_the_disk_fills_up(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = zipped(course, {"lovelaceada_4711_99_scaling.ipynb": GOOD}, "one.zip")
    run(course, export)
    before = everything(course)
    zipped(course, {"lovelaceada_4711_100_scaling.ipynb": b"another"}).rename(export)

    def fill_up(path: Path, data: bytes) -> int:
        with open(path, "wb") as file:
            file.write(data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(AutograderError, match="cannot be written: No space left"):
        run(course, export)
    assert (everything(course), submitted(course, "ada")) == (before, GOOD)


def test_names_alike_but_for_case_are_refused_both(course: Path) -> None:
    start = "Ada Lovelace_5_assignsubmission_file"
    files = {
        f"{start}/scaling.ipynb": b"1",
        f"{start}/SCALING.ipynb": b"2",
        "Zoe Zed_6_assignsubmission_file/s.ipynb": b"",
    }
    found = run(course, zipped(course, files))
    assert len(found.refused) == 2
    assert found.placed == ["zoe"]
    assert found.missing is not None
    assert "ada" in found.missing


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip_are_refused(course: Path, kind: int) -> None:
    path = course.parent / "export.zip"
    with zipfile.ZipFile(path, "w") as made:
        member = zipfile.ZipInfo("lovelaceada_4711_99_scaling.ipynb")
        member.external_attr = (kind | 0o777) << 16
        made.writestr(member, "/etc/passwd")
        made.writestr("noetheremmy_12_13_scaling.ipynb", GOOD)
    found = run(course, path)
    assert "is a link, a device" in found.refused[0]
    assert found.placed == ["emmy"]


def test_links_and_pipes_in_a_folder_are_refused_and_nobody_waits_for_a_writer(course: Path) -> None:
    folder = course.parent / "export"
    folder.mkdir()
    (course.parent / "outside").mkdir()
    (course.parent / "outside" / "zedzoe_999_1_scaling.ipynb").write_bytes(b"secret")
    (folder / "linked").symlink_to(course.parent / "outside")
    (folder / "lovelaceada_4711_99_scaling.ipynb").symlink_to("/etc/passwd")
    os.mkfifo(folder / "descartesrene_14_15_scaling.ipynb")
    (folder / "noetheremmy_12_13_scaling.ipynb").write_bytes(GOOD)
    found = run(course, folder)
    assert len(found.refused) == 3
    assert found.placed == ["emmy"]


def test_a_file_swapped_for_a_link_after_it_was_listed_is_not_followed(course: Path) -> None:
    (course.parent / "export" / "inner").mkdir(parents=True)
    inner = course.parent / "export" / "inner"
    (inner / "a.ipynb").write_bytes(b"mine")
    with closing(archive.open_source(course.parent / "export")) as source:
        (inner / "a.ipynb").unlink()
        (inner / "a.ipynb").symlink_to("/etc/passwd")
        with pytest.raises(Refused, match="cannot be read"):
            source.read(source.files[0], 1000)
        (inner / "a.ipynb").unlink()
        inner.rmdir()
        inner.symlink_to("/etc")
        with pytest.raises(Refused, match="cannot be read"):
            source.read(source.files[0], 1000)


def test_a_bomb_is_refused_by_size_as_a_large_notebook_is(course: Path) -> None:
    (course / "nbgrader_config.py").write_text("c = get_config()\nc.Engine.limits = {'notebook_bytes': 3 << 20}\n")
    files = {
        "lovelaceada_4711_99_scaling.ipynb": bytes(50 << 20),
        "descartesrene_14_15_scaling.ipynb": os.urandom(4 << 20),
        "noetheremmy_12_13_scaling.ipynb": GOOD,
    }
    found = run(course, zipped(course, files))
    assert found.placed == ["emmy"]
    assert all(
        f"of {who} is larger than 3 MiB" in told for who, told in zip(("ada", "rene"), found.refused, strict=True)
    )


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 2), ("MAX_BYTES", 100)])
def test_an_archive_too_large_as_a_whole_is_refused(
    course: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(archive, limit, value)
    path = zipped(course, {f"noetheremmy_12_{n}_scaling.ipynb": b"n" * 50 for n in range(3)})
    result = command(course, str(path), "--roster", str(course.parent / "roster.csv"))
    assert result.exit_code == 2
    assert "this is not the export of one assignment" in result.output
    assert not list((course / "submitted").iterdir())


def test_damaged_members_are_named_and_broken_archives_refused(course: Path) -> None:
    path = zipped(course, {"lovelaceada_4711_99_scaling.ipynb": GOOD, "noetheremmy_12_13_scaling.ipynb": GOOD})
    data = bytearray(path.read_bytes())
    data[200:260] = bytes(60)
    path.write_bytes(data)
    found = run(course, path)
    assert found.refused == ["lovelaceada_4711_99_scaling.ipynb of ada is damaged"]
    assert found.placed == ["emmy"]
    path.write_bytes(data[: len(data) // 2])
    for broken in (path, course.parent / "nothing.zip"):
        result = command(course, str(broken), "--roster", str(course.parent / "roster.csv"))
        assert result.exit_code == 2
        assert result.output.count("\n") == 1


# again, and on


def test_a_member_with_a_second_name_is_read_under_its_first(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a.ipynb")
    extra = struct.pack("<BL", 1, zlib.crc32(b"a.ipynb")) + b"b.ipynb"  # Info-ZIP, which Python 3.12 reads
    info.extra = struct.pack("<HH", 0x7075, len(extra)) + extra
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as made:
        made.writestr(info, b"{}")
    source = archive.open_source(tmp_path / "export.zip")
    assert [(file.path, source.read(file, 10)) for file in source.files] == [("a.ipynb", b"{}")]
    source.close()


def test_a_name_that_looks_like_many_copies_holds_nobody_up(course: Path) -> None:
    files = {f"noetheremmy_12_13_scaling{end}.ipynb": GOOD for end in ("1" * 60 + "x", "_copy" * 20 + "x")}
    assert run(course, zipped(course, files | {"lovelaceada_4711_99_scaling_copy_copy2-1.ipynb": GOOD})).placed == [
        "ada"
    ]


def test_a_large_upload_is_not_read_whole_to_tell_it_from_others(course: Path) -> None:
    (course / "nbgrader_config.py").write_text("c = get_config()\nc.Engine.limits = {'notebook_bytes': 3 << 20}\n")
    read: list[int] = []
    whole = archive.Archive.read

    def noting(source: archive.Archive, file: archive.File, limit: int) -> bytes:
        read.append(limit)
        return whole(source, file, limit)

    large = {"Ada Lovelace_5_assignsubmission_file_/scaling.ipynb": os.urandom(4 << 20)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive.Archive, "read", noting)
        run(course, zipped(course, large))
    assert read
    assert max(read) <= 3 << 20


def test_a_member_packed_as_no_platform_packs_is_refused(course: Path) -> None:
    path = zipped(course, {"noetheremmy_12_13_scaling.ipynb": GOOD})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as made:
        made.writestr("lovelaceada_4711_99_scaling.ipynb", GOOD)
    found = run(course, path)
    assert found.placed == ["emmy"]
    assert found.refused == ["lovelaceada_4711_99_scaling.ipynb is packed in a way that no platform uses"]
