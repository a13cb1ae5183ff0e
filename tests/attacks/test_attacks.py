"""Every attack of the table, mixed with honest submissions in one batch: what each earned, learned and left behind.

Slow: about a minute on a machine of its own; it is the one test in which hostile and honest work share workers.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autograder.export import TABLES, export
from autograder.grade import Summary, grade
from tests.attacks.cases import ROWS, Case, all_cases
from tests.attacks.forms import (
    Alone,
    Graded,
    Traces,
    adopt_orphans,
    faults,
    graded_batch,
    harmed,
    honest,
    use_private_home,
)
from tests.attacks.in_files import EVIL_NAME
from tests.attacks.lesson import make
from tests.course_factory import NAME

# All cases on a machine that others use, too: minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
CASES = list(all_cases())
HONEST = [f"{place:02d}-honest" for place in (0, 11, 22, 33, 44, 55)]
# Rows that other files cover, since no submission in a batch can show them, and the test that stands for each.
ELSEWHERE = {
    43: ("collecting/test_collect_hostile.py", "test_a_hostile_name_is_refused_and_the_others_are_collected"),
    54: ("attacks/test_graders.py", "test_of_two_graders_at_once_one_grades_and_one_leaves"),
}


@dataclass
class Batch:
    root: Path
    summary: Summary
    graded: dict[str, Graded]
    left: list[str]  # what was there afterwards and not before


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    """All cases and six honest submissions, graded at once."""
    root = make(tmp_path_factory.mktemp("course"))
    home = tmp_path_factory.mktemp("home")
    for student in HONEST:  # first, since some cases link to them
        honest(root, student)
    for case in CASES:
        case.hand_in(root, case.student)
    adopt_orphans(True)
    with pytest.MonkeyPatch.context() as patched:
        use_private_home(patched, home)
        Alone(root).slot.kill()  # libraries put caches of their own into a new home
        traces = Traces([home, root / "source"])
        summary = grade(NAME, root, jobs=2)
        left = traces.left()
    adopt_orphans(False)
    yield Batch(root, summary, graded_batch(root), left)
    subprocess.run(["rm", "-rf", root / "submitted"], check=True)  # deeper than Python's own remover goes


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_a_case(row: int) -> None:
    if row in ELSEWHERE:
        file, test = ELSEWHERE[row]
        assert f"def {test}(" in (Path(__file__).parents[1] / file).read_text()
    else:
        assert [case for case in CASES if case.row == row]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"row {case.row}: {case.name}")
def test_an_attack_earns_what_its_row_says_learns_nothing_and_ends_in_time(case: Case, batch: Batch) -> None:
    assert faults(case, batch.graded[case.student]) == []


@pytest.mark.parametrize("student", HONEST)
def test_honest_submissions_keep_their_scores_and_outputs(student: str, batch: Batch) -> None:
    assert harmed(batch.graded[student]) == []


def test_nothing_is_left_behind(batch: Batch) -> None:
    assert batch.left == []


def test_the_batch_ends_and_nobody_is_left_out(batch: Batch) -> None:
    students = {case.student for case in CASES} | set(HONEST)
    assert batch.graded.keys() == students
    assert (batch.summary.graded, batch.summary.failed) == (len(students), 0)


def test_what_was_refused_is_named_for_the_instructor_and_on_the_page(batch: Batch) -> None:
    refused = [case for case in CASES if case.row in (42, 44, 45) and case.expected["first"] == 0.0]
    people = dict(batch.summary.people)
    for case in refused:
        reason = batch.graded[case.student].record["refused"]
        assert reason.endswith("."), case
        assert people[case.student] == f"Not read: {reason}"
        assert reason[:20] in unescape(batch.graded[case.student].page)
    assert len(refused) >= 15


# Of rows 11 and 31: the first process of a namespace is deaf to SIGKILL, and without person or screen these two raise.
NEITHER_DIES_NOR_HANGS = {"11-sigkill", "31-input", "31-a-window"}


def test_a_death_or_a_limit_is_told_to_the_student(batch: Batch) -> None:
    assert batch.graded.keys() > NEITHER_DIES_NOR_HANGS
    for case in CASES:
        if case.row in (11, 31) and case.student not in NEITHER_DIES_NOR_HANGS:
            assert "While your code ran" in batch.graded[case.student].page, case


def test_output_without_end_is_marked_as_cut(batch: Batch) -> None:
    for name in ("displays", "errors"):
        text = batch.graded[f"33-{name}"].outputs(tests=False)
        assert "output cut here" in text
        assert len(text) < 200_000


def test_answers_that_watch_or_borrow_are_flagged_for_a_person(batch: Batch) -> None:
    flags = {student: " ".join(graded.record.get("flags", [])) for student, graded in batch.graded.items()}
    assert "done by calling first" in flags["53-another-task-s-function"]
    assert "reads the clock" in flags["52-the-clock"]
    assert "reads the interpreter" in flags["52-the-stack"]


class _Inert(HTMLParser):
    """Collects what could run or load."""

    FORBIDDEN = frozenset(
        ("script", "iframe", "object", "embed", "form", "base", "link", "svg", "math", "frame", "applet")
    )

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in self.FORBIDDEN:
            self.found.append(tag)
        for name, value in attributes:
            address = (value or "").strip().lower()
            local = address.startswith(("#", "data:image/", "https://", "http://", "mailto:"))
            if name.startswith("on") or (name in ("src", "href", "action", "srcdoc") and not local):
                self.found.append(f"{tag} {name}={address[:40]}")


def test_no_page_holds_anything_that_runs_or_loads(batch: Batch) -> None:
    for student, graded in batch.graded.items():
        page = _Inert()
        page.feed(graded.page)
        assert page.found == [], student
        assert "default-src 'none'" in graded.page


@pytest.mark.parametrize("kind", [*TABLES, "gradescope"])
def test_a_name_that_is_a_formula_is_neutralized_in_every_export(kind: str, batch: Batch) -> None:
    path = export(NAME, batch.root, kind=kind)
    if path.is_dir():
        assert (path / EVIL_NAME / "results.json").exists()
        shutil.rmtree(path)
        return
    with path.open(newline="") as file:
        values = [value for row in csv.reader(file) for value in row]
    assert any(EVIL_NAME in value for value in values)
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in values)
