"""What is handed in is read without trust: whatever it is, it yields cells or one sentence."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.intake import Refused, SubmittedCell, parse, read_submission
from autograder.limits import Limits
from tests.course_factory import NAME, RIGHT, answered

LIMITS = Limits()
GOOD = json.dumps(answered(RIGHT)).encode()


def refusal(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(Refused) as raised:
        parse(data, limits)
    return str(raised.value)


def assert_cells_or_a_sentence(data: bytes) -> None:
    sentence = "."
    try:
        sources = [cell.source for cell in parse(data, LIMITS)]
    except Refused as error:
        sources, sentence = [], str(error)
    assert sentence.endswith(".")
    assert "".join(sources).encode() is not None


def submit(folder: Path, data: bytes = GOOD) -> Path:
    (folder / f"{NAME}.ipynb").write_bytes(data)
    return folder


def test_a_notebook_yields_sources_and_grade_ids_and_nothing_else() -> None:
    cells = {cell.grade_id: cell for cell in parse(GOOD, LIMITS)}
    assert cells["scale_forward"].source == RIGHT["scale_forward"]
    assert cells["scale_forward"].cell_id == "scale-forward"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings_of_unicode_are_read(encoding: str) -> None:
    assert parse(GOOD.decode().encode(encoding), LIMITS) == parse(GOOD, LIMITS)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"hello", "not a complete notebook"),
        (GOOD[: len(GOOD) // 2], "not a complete notebook"),
        (b"\x00" * 100, "not"),
        (b"\x80\xfd{}", "UTF-8"),
        (b"PK\x03\x04" + b"\xe9" * 50, "UTF-8"),
        (b"[]", "format"),
        (b'{"nbformat": 3, "worksheets": []}', "format 3"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 4, "cells": [1]}', "Cell 1"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": {"a": 1}}]}', "Cell 1"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "a\\u0000"}]}', "no text can hold"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "\\ud83d"}]}', "no text can hold"),
        (b'{"nbformat": 4, "cells": [], "metadata": {"x": NaN}}', "NaN"),
        (b'{"nbformat": ' + b"9" * 10_000 + b"}", "not a complete notebook"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper than 64"),
        (b'{"a":' * 100_000, "deeper than 64"),
        (b"[" + b"1," * 2_000_001 + b"1]", "values"),
        (b'{"nbformat": 4, "cells": [' + b"{}," * 2001 + b"{}]}", "more than 2000 cells"),
    ],
)
def test_what_is_no_notebook_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    assert sentence in refusal(data)


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    with open(tmp_path / f"{NAME}.ipynb", "wb") as file:
        file.truncate(1 << 30)  # a gigabyte that takes no room
    submission = read_submission(tmp_path, [NAME], LIMITS)
    assert "larger than 32 MiB" in submission.refused[NAME]
    assert not submission.notebooks


@pytest.mark.parametrize("metadata", ["[]", "7", '"x"', '{"nbgrader": []}', '{"nbgrader": {"grade_id": 5}}', "null"])
def test_metadata_of_a_wrong_type_counts_as_none(metadata: str) -> None:
    text = f'{{"nbformat": 4, "cells": [{{"cell_type": "code", "source": ["a", "b"], "metadata": {metadata}}}]}}'
    assert parse(text.encode(), LIMITS) == [SubmittedCell("code", "ab")]


def test_only_pictures_are_kept_as_attachments() -> None:
    attachments = {
        "a.png": {"image/png": "aGVsbG8="},
        "b.svg": {"image/svg+xml": "<svg onload=alert(1)>"},
        "c.png": {"image/png": "no base64 !"},
        "d": [],
    }
    cell = {"cell_type": "markdown", "source": "", "attachments": attachments}
    [read] = parse(json.dumps({"nbformat": 4, "cells": [cell]}).encode(), LIMITS)
    assert read.attachments == {"a.png": {"image/png": "aGVsbG8="}}


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


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_yield_cells_or_a_refusal(data: bytes) -> None:
    assert_cells_or_a_sentence(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
CELL = JSON | st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown"]) | JSON, "source": st.text(max_size=20) | JSON},
    optional={"metadata": JSON, "id": JSON, "attachments": JSON},
)


@settings(max_examples=200, deadline=None)
@given(st.lists(CELL, max_size=5) | JSON)
def test_any_json_yields_cells_or_a_refusal(cells: object) -> None:
    assert_cells_or_a_sentence(json.dumps({"nbformat": 4, "cells": cells}).encode())
