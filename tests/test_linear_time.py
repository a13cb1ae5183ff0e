"""What reads names and texts of students takes time that is linear in their length, however they are written."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from autograder import archive, export, intake, placing, platforms, received, submission
from autograder.limits import Limits
from tests.course_factory import NAME

LONGER = 4
MUCH_LONGER = 10  # times: what grows as the square takes 16 times as long
MEASURABLE = 1e-4  # seconds; below this, clocks and caches decide
RECEIPT = "Name: a (b)\r\nDate Submitted:"
PARTS = [
    *("_", "1", "1_", "1_1_", "1_1_1/", "a_1", "_LATE_1", "_1_1_text.html", "+", "a+", "a+b+2026-03-02 11:58:00"),
    *("_attempt_", "a_attempt_2026-03-02-11-58-00", "_1_assignsubmission_onlinetext_", "_1_assignsubmission_file_"),
    *("_1_assignsubmission_file_/", ".ipynb", ".zip", "_copy", ".", "/", "a/", " ", "(", " (", "(a) ", " AB", "\n"),
]
ENDS = ("", "/", "/x", "x", ".", "!")
PATHS: dict[str, Callable[[str], object]] = {
    **{name: each.fullmatch for name, each in vars(platforms).items() if isinstance(each, re.Pattern)},
    **{name: pattern.fullmatch for name, (pattern, _) in received.NAMES.items()},
    "PARTICIPANT": platforms.PARTICIPANT.findall,
    "notebook_stem": submission.notebook_stem,
    "unsafe": archive._unsafe,
    "meant": lambda text: placing._meant(f"{NAME}{text}.ipynb", [NAME]),
}


def grows(read: Callable[[str], object], start: str, part: str, end: str, length: int) -> float:
    """How many times as long the text of this length takes as one of a quarter."""

    def seconds(length: int) -> float:
        text = start + (part * length)[: length - len(start + end)] + end
        spans = []
        for _ in range(5):  # the least, and of this thread alone: other programs run, too
            begun = time.thread_time()
            read(text)
            spans.append(time.thread_time() - begun)
        return min(spans)

    times = 1.0
    for _ in range(3):  # a machine may be slow for a moment; what grows as the square is each time
        whole = seconds(length)
        times = whole / seconds(length // LONGER) if whole > MEASURABLE else 1.0
        if times <= MUCH_LONGER:
            break
    return times


@pytest.mark.parametrize("read", PATHS.values(), ids=PATHS)
def test_no_path_of_the_greatest_length_holds_up_what_reads_it(read: Callable[[str], object]) -> None:
    found = {(part, end): grows(read, "", part, end, archive.MAX_PATH) for part in PARTS for end in ENDS}
    assert {each: times for each, times in found.items() if times > MUCH_LONGER} == {}


@pytest.mark.parametrize("start", ["", "Name:", "Name: ", RECEIPT, f"{RECEIPT} AB"])
def test_no_text_of_a_receipt_holds_up_what_reads_it(start: str) -> None:
    found = {part: grows(platforms.RECEIPT.match, start, part, "x", platforms.RECEIPT_BYTES) for part in PARTS}
    assert {part: times for part, times in found.items() if times > MUCH_LONGER} == {}


@pytest.mark.parametrize("part", ['\\"', '"', "\\", '\\\\"', '"[', '"\\'])
@pytest.mark.parametrize("end", ["", "\\", '"', "x"])
def test_no_notebook_that_breaks_off_holds_up_what_reads_it(part: str, end: str) -> None:
    def read(text: str) -> None:
        with pytest.raises(intake.Refused):
            intake.parse(text.encode(), Limits())

    assert grows(read, '{"cells": ["', part, end, 8_000) < MUCH_LONGER


@pytest.mark.parametrize("part", ["\t", " ", ";", "; ", "'", "\" '", "=\t", "\n="])
@pytest.mark.parametrize("end", ["", "="])
def test_no_text_holds_up_the_export(part: str, end: str) -> None:
    assert grows(export.neutral, "", part, end, 4_000) < MUCH_LONGER
