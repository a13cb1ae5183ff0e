"""A student's folder is read without trust: whatever it holds, it yields bytes or one sentence for each notebook."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from autograder.limits import Limits
from autograder.submission import read_submission
from tests.course_factory import NAME, RIGHT, answered

LIMITS = Limits()


GOOD = json.dumps(answered(RIGHT)).encode()


def submit(folder: Path, data: bytes = GOOD) -> Path:
    (folder / f"{NAME}.ipynb").write_bytes(data)
    return folder


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    with open(tmp_path / f"{NAME}.ipynb", "wb") as file:
        file.truncate(1 << 30)  # a gigabyte that takes no room
    submission = read_submission(tmp_path, [NAME], LIMITS)
    assert "larger than 32 MiB" in submission.refused[NAME]
    assert not submission.notebooks


def test_a_link_in_place_of_the_notebook_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(GOOD)
    folder = tmp_path / "hand-in"
    folder.mkdir()
    (folder / f"{NAME}.ipynb").symlink_to(tmp_path / "secret")
    submission = read_submission(folder, [NAME], LIMITS)
    assert "symbolic link" in submission.refused[NAME]
    assert any("symbolic link" in finding for finding in submission.findings)


def test_a_pipe_a_socket_a_folder_and_a_device_are_refused_without_waiting(tmp_path: Path) -> None:
    names = ["pipe", "sock", "folder", "device"]
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "sock.ipynb"))
    server.close()
    if os.geteuid() == 0:
        os.mknod(tmp_path / "device.ipynb", 0o20666, os.makedev(1, 5))  # /dev/zero has no end
    submission = read_submission(tmp_path, names, LIMITS)
    assert sorted(submission.refused) == sorted(names)
    assert "a pipe" in submission.refused["pipe"]
    assert "a socket" in submission.refused["sock"]
    assert "a folder" in submission.refused["folder"]


def test_one_notebook_under_another_name_is_found(tmp_path: Path) -> None:
    (tmp_path / f"{NAME} (1).ipynb").write_bytes(GOOD)
    submission = read_submission(tmp_path, [NAME], LIMITS)
    assert submission.notebooks == {NAME: GOOD}
    assert f"{NAME} (1).ipynb" in submission.findings[0]


def test_a_missing_notebook_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "missing" in read_submission(tmp_path, [NAME], LIMITS).refused[NAME]


def test_the_digest_changes_with_the_content_and_with_nothing_else(tmp_path: Path) -> None:
    submit(tmp_path)
    before = read_submission(tmp_path, [NAME], LIMITS).digest
    os.utime(tmp_path / f"{NAME}.ipynb", (0, 0))
    assert read_submission(tmp_path, [NAME], LIMITS).digest == before
    submit(tmp_path, GOOD.replace(b"share", b"SHARE"))
    assert read_submission(tmp_path, [NAME], LIMITS).digest != before


def test_links_beside_the_notebook_are_named_and_the_notebook_is_read(tmp_path: Path) -> None:
    submit(tmp_path)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "key\x1b[31m").symlink_to("/etc/shadow")
    submission = read_submission(tmp_path, [NAME], LIMITS)
    assert submission.notebooks[NAME] == GOOD
    assert submission.findings == ["inner/key?[31m is a symbolic link and was left out."]


def test_a_folder_that_is_a_link_or_missing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "there" / "inner").mkdir()
    submit(tmp_path / "there" / "inner")
    for name in ("link", "link/inner"):
        assert "is a symbolic link" in read_submission(tmp_path / name, [NAME], LIMITS).refused[NAME]
    assert "No such file" in read_submission(tmp_path / "missing", [NAME], LIMITS).refused[NAME]


def test_a_notebook_that_a_browser_saved_as_text_is_found(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.ipynb.txt").write_bytes(GOOD)
    submission = read_submission(tmp_path, [NAME], LIMITS)
    assert submission.notebooks == {NAME: GOOD}
    assert submission.findings == [f"{NAME}.ipynb.txt was taken for {NAME}.ipynb."]


def test_what_lies_in_place_of_a_notebook_is_named(tmp_path: Path) -> None:
    for name in ("notes.txt", "timestamp.txt", "work.zip"):
        (tmp_path / name).write_text("x")
    assert read_submission(tmp_path, [NAME], LIMITS).refused[NAME] == (
        f"{NAME}.ipynb is missing from the submission, which holds notes.txt, work.zip; "
        "hand in the notebook under its name."
    )
