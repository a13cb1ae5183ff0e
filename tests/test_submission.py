"""A student's folder is read without trust: whatever it holds, it yields bytes or one sentence for each notebook."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from autograder import submission as module
from autograder.limits import Limits
from autograder.submission import SECRET, notebook_stem, read_submission
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
    assert submission.refused[NAME].startswith(f"{NAME}.ipynb is a symbolic link, not a file")
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
    (tmp_path / f"._{NAME} (1).ipynb").write_bytes(b"what macOS lays beside it")
    assert read_submission(tmp_path, [NAME], LIMITS).notebooks == {NAME: GOOD}


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
    (tmp_path / "outer").symlink_to(tmp_path / "inner")
    submission = read_submission(tmp_path, [NAME], LIMITS)
    assert submission.notebooks[NAME] == GOOD
    left_out = ["outer", "inner/key?[31m"]
    assert submission.findings == [f"{name} is a symbolic link and was left out." for name in left_out]


def test_a_folder_that_is_a_link_or_missing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "there" / "inner").mkdir()
    submit(tmp_path / "there" / "inner")
    for name in ("link", "link/inner"):
        assert "is a symbolic link" in read_submission(tmp_path / name, [NAME], LIMITS).refused[NAME]
    assert "No such file" in read_submission(tmp_path / "missing", [NAME], LIMITS).refused[NAME]


@pytest.mark.parametrize("locked", ["ada", "ada/ps1"])
def test_a_folder_that_is_locked_is_refused(locked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ada" / "ps1").mkdir(parents=True)
    tmp_path.chmod(0o755)
    (tmp_path / locked).chmod(0o644)
    monkeypatch.chdir(tmp_path)  # the folders above it are root's alone
    try:
        os.seteuid(os.getuid() or 65534)
        [told] = read_submission(Path("ada", "ps1"), [NAME], LIMITS).refused.values()
    finally:
        os.seteuid(os.getuid())
    assert told == "The submission is not a folder that can be opened (Permission denied)."


def test_a_notebook_that_a_browser_saved_as_text_is_found(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.ipynb.txt").write_bytes(GOOD)
    submission = read_submission(tmp_path, [NAME], LIMITS)
    assert submission.notebooks == {NAME: GOOD}
    assert submission.findings == [f"{NAME}.ipynb.txt was taken for {NAME}.ipynb."]


def test_what_lies_in_place_of_a_notebook_is_named(tmp_path: Path) -> None:
    for name in (".DS_Store", "notes.txt", "timestamp.txt", "work.zip"):
        (tmp_path / name).write_text("x")
    assert read_submission(tmp_path, [NAME], LIMITS).refused[NAME] == (
        f"{NAME}.ipynb is missing from the submission, which holds notes.txt, work.zip; "
        "hand in the notebook under its name."
    )


def test_a_notebook_that_lies_one_folder_too_deep_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / f"{NAME}.ipynb").write_bytes(GOOD)
    assert read_submission(tmp_path, [NAME], LIMITS).refused[NAME] == (
        f"{NAME}.ipynb is missing from the submission, which holds the folder {NAME}; "
        "hand in the notebook itself, in no folder of its own."
    )
    (tmp_path / "a link").symlink_to(tmp_path / NAME)
    assert (
        read_submission(tmp_path, [NAME], LIMITS)
        .refused[NAME]
        .endswith(f"which holds a link, the folder {NAME}; hand in the notebook under its name.")
    )


def test_a_notebook_of_the_limits_size_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    limits = Limits(notebook_bytes=len(GOOD))
    assert read_submission(submit(tmp_path), [NAME], limits).notebooks == {NAME: GOOD}
    assert "larger than" in read_submission(submit(tmp_path, GOOD + b" "), [NAME], limits).refused[NAME]


@pytest.mark.parametrize("name", ["timestamp.txt", SECRET])
def test_a_file_of_one_line_is_read_within_its_limit_and_never_through_a_link(tmp_path: Path, name: str) -> None:
    def line() -> str | None:
        submission = read_submission(tmp_path, [NAME], LIMITS)
        return submission.secret if name == SECRET else submission.timestamp

    submit(tmp_path)
    assert line() is None
    for content, read in [(b" a line\n", "a line"), (b"\xff", "\ufffd"), (b"x" * 1000, "x" * 1000), (b"x" * 1001, "")]:
        (tmp_path / name).write_bytes(content)
        assert line() == read
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/etc/hostname")
    assert line() == ""


def test_the_digest_is_of_all_that_was_handed_in_and_not_of_when(tmp_path: Path) -> None:
    seen = set()

    def digest(*names: str) -> str:
        return read_submission(tmp_path, names or [NAME], LIMITS).digest

    submit(tmp_path)
    seen.add(digest())
    (tmp_path / "timestamp.txt").write_text("2026-02-03")
    seen.add(digest())
    (tmp_path / SECRET).write_text("a secret counts for nothing")
    seen.add(digest())
    assert len(seen) == 1
    (tmp_path / "link").symlink_to("x")
    seen.add(digest())
    (tmp_path / "other.ipynb").write_bytes(GOOD)
    seen |= {digest("other"), digest(NAME, "other"), digest("other", NAME), digest(NAME, "missing"), digest("missing")}
    assert len(seen) == 7


def test_what_stands_in_one_notebook_or_in_the_next_is_not_the_same(tmp_path: Path) -> None:
    digests = set()
    for one, other in [(b"ab", b"c"), (b"a", b"bc"), (b"", b"abc")]:
        (tmp_path / "one.ipynb").write_bytes(one)
        (tmp_path / "other.ipynb").write_bytes(other)
        digests.add(read_submission(tmp_path, ["one", "other"], LIMITS).digest)
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("there", "expected", "taken"),
    [
        ([], ["a"], {}),
        (["x"], ["a"], {"a": "x"}),
        (["x", "y"], ["a"], {}),
        (["x"], ["a", "b"], {}),
        (["a", "x"], ["a", "b"], {"a": "a", "b": "x"}),
        (["a", "x"], ["a"], {"a": "a"}),
        (["x", "y"], ["a", "b"], {}),
    ],
)
def test_a_name_is_taken_for_another_where_one_is_missing_and_one_unknown(
    tmp_path: Path, there: list[str], expected: list[str], taken: dict[str, str]
) -> None:
    for name in there:
        (tmp_path / f"{name}.ipynb").write_text(name)
    submission = read_submission(tmp_path, expected, LIMITS)
    assert {name: data.decode() for name, data in submission.notebooks.items()} == taken
    assert [*submission.refused] == [name for name in expected if name not in taken]
    assert submission.findings == [
        f"{new}.ipynb was taken for {old}.ipynb." for old, new in taken.items() if old != new
    ]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.ipynb", "a"), ("A b.IPYNB.TXT", "A b"), ("a.ipynb.json", "a"), (".ipynb", ""), ("a.ipynb.zip", ""),
        ("a.ipynbx", ""), ("a_ipynb", ""), ("x/a.ipynb", ""), ("a.ipynb.ipynb", "a.ipynb"),
    ],
)  # fmt: skip
def test_a_notebook_is_known_by_its_name(name: str, stem: str) -> None:
    assert notebook_stem(name) == stem


def test_what_lies_in_place_of_a_notebook_is_named_up_to_five(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}\x1b.txt").write_text("x")
    told = read_submission(tmp_path, [NAME], LIMITS).refused[NAME]
    assert ", which holds 0?.txt, 1?.txt, 2?.txt, 3?.txt, 4?.txt; hand in" in told


def test_a_flood_of_files_is_looked_at_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NAMES", 4)
    submit(tmp_path)
    (tmp_path / "inner").mkdir()
    (tmp_path / "a").symlink_to("x")
    (tmp_path / "inner" / "b").symlink_to("x")
    left_out = ["a is a symbolic link and was left out.", "inner/b is a symbolic link and was left out."]
    assert read_submission(tmp_path, [NAME], LIMITS).findings == left_out
    (tmp_path / "inner" / "c").symlink_to("x")
    assert "The submission holds more than 4 files; the others were not looked at." in (
        read_submission(tmp_path, [NAME], LIMITS).findings
    )
    (tmp_path / f"{NAME}.ipynb").unlink()
    for number in range(6):
        (tmp_path / f"{number}.txt").write_text("x")
    assert read_submission(tmp_path, [NAME], LIMITS).refused[NAME].count(",") == 4, "of the names in place of it too"


def test_folders_are_looked_at_to_a_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LEVELS", 2)
    submit(tmp_path)
    (tmp_path / "1" / "2").mkdir(parents=True)
    (tmp_path / "1" / "2" / "link").symlink_to("x")
    assert read_submission(tmp_path, [NAME], LIMITS).findings == ["1/2/link is a symbolic link and was left out."]
    (tmp_path / "1" / "2" / "3").mkdir()
    (tmp_path / "1" / "2" / "3" / "deep").symlink_to("x")
    assert read_submission(tmp_path, [NAME], LIMITS).findings == [
        "1/2/link is a symbolic link and was left out.",
        "1/2 holds folders more than 2 levels deep, which were not looked at.",
    ]


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_takes_the_notebooks_place_after_it_was_looked_at_is_refused_without_waiting(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, look = tmp_path / f"{NAME}.ipynb", os.stat
    (tmp_path / "secret").write_bytes(GOOD)
    path.symlink_to(tmp_path / "secret") if kind == "link" else os.mkfifo(path)

    def as_if_regular(name: Any, **options: Any) -> Any:
        return look(tmp_path / "secret") if name == path.name else look(name, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", as_if_regular)
        submission = read_submission(tmp_path, [NAME], LIMITS)
    told = submission.refused[NAME]
    assert told.startswith(f"{NAME}.ipynb {'cannot be read' if kind == 'link' else 'is not a regular file'}")


def test_a_notebook_that_cannot_be_read_is_refused_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(tmp_path)
    (tmp_path / "locked.ipynb").write_bytes(GOOD)
    opened = os.open

    def denied(name: Any, *rest: Any, **named: Any) -> int:
        if name == "locked.ipynb":
            raise PermissionError(13, "Permission denied")
        return opened(name, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", denied)
        submission = read_submission(tmp_path, ["locked", NAME], LIMITS)
    assert submission.refused == {"locked": "locked.ipynb cannot be read (Permission denied)."}
    assert submission.notebooks == {NAME: GOOD}


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (stat.S_IFLNK, "a symbolic link"), (stat.S_IFDIR, "a folder"), (stat.S_IFIFO, "a pipe"),
        (stat.S_IFSOCK, "a socket"), (stat.S_IFCHR, "a device"), (stat.S_IFBLK, "a device"), (0, "no regular file"),
    ],
)  # fmt: skip
def test_what_is_no_file_is_called_what_it_is(mode: int, kind: str) -> None:
    assert module._kind(mode | 0o644) == kind


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    submit(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    read_submission(tmp_path, [NAME, "missing"], LIMITS)
    read_submission(tmp_path / "missing", [NAME], LIMITS)
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_vanishes_while_it_is_looked_at_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(tmp_path)
    links = ["first", "second"]
    for name in links:
        (tmp_path / name).symlink_to("x")
    look = os.stat

    def gone(name: Any, **options: Any) -> Any:
        if name == links[0]:
            raise FileNotFoundError(name)
        return look(name, **options)

    for _ in range(2):
        links.reverse()
        with monkeypatch.context() as patch:
            patch.setattr(os, "stat", gone)
            findings = read_submission(tmp_path, [NAME], LIMITS).findings
        assert findings == [f"{links[1]} is a symbolic link and was left out."]
