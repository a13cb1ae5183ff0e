"""How far a batch is, is told on a terminal and elsewhere, also while nothing ends."""

from __future__ import annotations

import time

import pytest

from autograder import progress
from autograder.pool import LEARNING
from autograder.progress import Progress


class Busy:
    """Whose submission is at work, asked for before each line."""

    def __init__(self, who: str, *seconds: float) -> None:
        self.who, self.seconds, self.asked = who, seconds, 0

    def __call__(self) -> tuple[str, float]:
        self.asked += 1
        return self.who, self.seconds[min(self.asked, len(self.seconds)) - 1]

    def wait(self, lines: int) -> None:
        """Until so many lines stand there: one is asked for after that."""
        while self.asked <= lines:
            time.sleep(0.01)


def test_without_a_terminal_plain_lines_name_what_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    busy = Busy("ann", 12.0)
    with Progress(2000, busy) as shown:
        shown.show(2, 1)
        busy.wait(2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert lines[-1].startswith("2 of 2000, ")
    assert lines[-1].endswith("s left, 1 failed, ann at work for 12 s")


def test_no_time_left_is_told_that_a_submission_at_work_has_outlasted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    busy = Busy("ann", 12.0)
    with Progress(4, busy) as shown:
        shown.show(3, 0)  # a second or so by the rate
        busy.wait(1)
    assert capsys.readouterr().err.splitlines()[-1].endswith("a second, ann at work for 12 s")


def test_while_the_known_mistakes_run_that_is_told_and_no_rate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    busy = Busy(LEARNING, 2.0)
    with Progress(4, busy):
        busy.wait(1)
    assert capsys.readouterr().err.splitlines()[0] == f"0 of 4, {LEARNING}, for 2 s"


def test_the_known_mistakes_take_as_long_as_since_the_first_process_began_with_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    busy = Busy(LEARNING, 40.0, 9.0)
    with Progress(4, busy):
        busy.wait(2)
    told, seconds, unit = capsys.readouterr().err.splitlines()[1].rsplit(" ", 2)
    assert (told, unit) == (f"0 of 4, {LEARNING}, for", "s")
    assert 40 <= int(seconds) < 49  # seconds may pass between the lines, though not as many as were told last


def test_a_short_batch_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(1, lambda: ("", 0.0)) as shown:
        shown.show(1, 0)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_one_line_is_rewritten(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    busy = Busy("ann", 12.0)
    with Progress(4, busy) as shown:
        shown.show(3, 0)
        busy.wait(1)
    text = capsys.readouterr().err
    assert "3/4" in text
    assert "ann at work for 12 s" in text
    assert text.count("\n") == 1
    assert "<" not in text  # tqdm's own estimate
