"""How far a batch is, is told on a terminal and elsewhere, also while nothing ends."""

from __future__ import annotations

import time

import pytest

from autograder import progress
from autograder.pool import LEARNING
from autograder.progress import Progress


def test_without_a_terminal_plain_lines_name_what_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    with Progress(2000, lambda: ("ann", 12.0)) as shown:
        shown.show(2, 1)
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert lines[-1].startswith("2 of 2000, ")
    assert lines[-1].endswith("s left, 1 failed, ann at work for 12 s")


def test_no_time_left_is_told_that_a_submission_at_work_has_outlasted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    with Progress(4, lambda: ("ann", 12.0)) as shown:
        shown.show(3, 0)  # a second or so by the rate
        time.sleep(0.3)
    assert capsys.readouterr().err.splitlines()[-1].endswith("a second, ann at work for 12 s")


def test_while_the_known_mistakes_run_that_is_told_and_no_rate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    with Progress(4, lambda: (LEARNING, 2.0)) as shown:
        time.sleep(0.3)
        assert shown.done == 0
    assert capsys.readouterr().err.splitlines()[-1] == f"0 of 4, {LEARNING}, for 2 s"


def test_the_known_mistakes_take_as_long_as_since_the_first_process_began_with_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    seconds = iter([40.0, *[9.0] * 100])
    with Progress(4, lambda: (LEARNING, next(seconds))):
        time.sleep(0.3)
    assert capsys.readouterr().err.splitlines()[-1] == f"0 of 4, {LEARNING}, for 40 s"


def test_a_short_batch_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(1, lambda: ("", 0.0)) as shown:
        shown.show(1, 0)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_one_line_is_rewritten(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress(4, lambda: ("ann", 12.0)) as shown:
        shown.show(3, 0)
        time.sleep(1.3)
    text = capsys.readouterr().err
    assert "3/4" in text
    assert "ann at work for 12 s" in text
    assert text.count("\n") == 1
    assert "<" not in text  # tqdm's own estimate
