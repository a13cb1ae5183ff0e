"""Every attack of the table, mixed with honest submissions in one batch: what each earned, learned and left behind."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import psutil
import pytest

from autograder.export import KINDS, export
from autograder.grade import Summary, grade
from tests.attacks.cases import ROWS, Case, all_cases, submit
from tests.attacks.in_files import EVIL_NAME
from tests.attacks.lesson import ANSWERS, GOLDEN, LIMITS, POINTS, make, work
from tests.attacks.measure import points_by_task
from tests.course_factory import NAME

CASES = list(all_cases())
HONEST = [f"{place:02d}-honest" for place in (0, 11, 22, 33, 44, 55)]
FULL = {**POINTS, "written": None}
# Rows that other files cover, since no submission in a batch can show them, and the test that stands for each.
ELSEWHERE = {
    43: ("test_collect.py", "test_a_hostile_name_is_refused_and_the_others_are_collected"),
    54: ("attacks/test_graders.py", "test_of_two_graders_at_once_one_grades_and_one_leaves"),
}


@dataclass
class Batch:
    root: Path
    summary: Summary
    scores: dict[str, dict[str, float | None]]
    log: dict[str, dict[str, Any]]
    left: list[str]  # what was there afterwards and not before
    seconds: float


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    """All cases and six honest submissions, graded at once."""
    root = make(tmp_path_factory.mktemp("course"))
    temporary = tmp_path_factory.mktemp("temporary")
    for student in HONEST:
        (root / "submitted" / student).mkdir()
    for case in CASES:
        case.hand_in(root, case.student)
    for student in HONEST:
        _submit(root, student)
    before, kept = _state(), _files(root)
    start = time.monotonic()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TMPDIR", str(temporary))
        patched.setattr(tempfile, "tempdir", str(temporary))
        patched.setenv("NBGRADER_SECRET_TOKEN", "hunter2")
        summary = grade(NAME, root, jobs=2)
    seconds = time.monotonic() - start
    left = sorted(_state() - before) + [str(path) for path in temporary.iterdir()]
    left += [path for path, digest in kept.items() if _files(root, path).get(path) != digest]
    yield Batch(root, summary, points_by_task(root), _log(root), left, seconds)
    subprocess.run(["rm", "-rf", root / "submitted"], check=True)  # deeper than Python's own remover goes


def _submit(root: Path, student: str) -> None:
    submit(root, student, work(ANSWERS["target"], "print('shown:', target(3.0))"))


def _state() -> set[str]:
    """Processes, mounts and descriptors of the grader, and files of the names that attacks leave."""
    me = psutil.Process()
    found = {f"process {child.pid} {child.name()}" for child in me.children(recursive=True)}
    found |= {f"mount {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    found |= {f"descriptor {fd}" for fd in os.listdir("/proc/self/fd")}
    found |= {f"process {p.pid} of student {p.uids().real}" for p in psutil.process_iter() if _is_students(p)}
    for folder in {"/tmp", "/var/tmp", "/dev/shm", "/", str(Path.home()), os.getcwd(), str(Path(os.__file__).parent)}:
        found |= {f"file {folder}/{name}" for name in os.listdir(folder) if "left_behind" in name}
    startup = Path.home() / ".ipython/profile_default/startup"
    found |= {f"file {path}" for path in startup.glob("*left_behind*")}
    return found


def _is_students(process: psutil.Process) -> bool:
    """The users that student code runs as where the grader is root; another grader may be at work besides."""
    try:
        return 61000 <= process.uids().real < 62000 and psutil.pid_exists(os.getpid()) and _ours(process)
    except psutil.Error:
        return False


def _ours(process: psutil.Process) -> bool:
    return os.getpid() in {parent.pid for parent in process.parents()}


def _files(root: Path, only: str = "") -> dict[str, str]:
    """Digests of the instructor's files."""
    paths = [Path(only)] if only else [root / "nbgrader_config.py", *sorted((root / "source" / NAME).iterdir())]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.exists()}


def _log(root: Path) -> dict[str, dict[str, Any]]:
    lines = (root / ".autograder" / "log.jsonl").read_text().splitlines()
    return {record["student"]: record for record in map(json.loads, lines)}


def _page(batch: Batch, student: str) -> str:
    return (batch.root / "feedback" / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")


def _outputs(batch: Batch, student: str, tests: bool) -> str:
    """What the cells of a submission put out; the instructor's own tests apart, or they too."""
    path = batch.root / "autograded" / student / NAME / f"{NAME}.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    chosen = [cell for cell in cells if tests or not cell["metadata"].get("nbgrader", {}).get("grade")]
    return json.dumps([cell.get("outputs", []) for cell in chosen])


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_a_case(row: int) -> None:
    if row in ELSEWHERE:
        file, test = ELSEWHERE[row]
        assert f"def {test}(" in (Path(__file__).parents[1] / file).read_text()
    else:
        assert [case for case in CASES if case.row == row]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"row {case.row}: {case.name}")
def test_an_attack_earns_what_its_row_says_learns_nothing_and_ends_in_time(case: Case, batch: Batch) -> None:
    student = case.student
    record = batch.log[student]
    got = batch.scores[student]
    for task, expected in case.expected.items():
        allowed = (expected,) if expected is not None else (0.0, POINTS[task])
        assert got[task] in allowed, (task, got, record)
    assert "error" not in record, record
    assert record["seconds"] < LIMITS["total_seconds"] + 2, record
    assert "GOT IT" not in _outputs(batch, student, tests=True)
    assert GOLDEN not in _outputs(batch, student, tests=False)
    assert GOLDEN not in _page(batch, student)
    assert "golden" not in _page(batch, student)
    assert "hunter2" not in _page(batch, student)


@pytest.mark.parametrize("student", HONEST)
def test_honest_submissions_keep_their_scores_and_outputs(student: str, batch: Batch) -> None:
    assert batch.scores[student] == FULL
    assert batch.log[student]["deaths"] == []
    assert batch.log[student]["flags"] == []
    assert "shown: 9.0" in _page(batch, student)


def test_nothing_is_left_behind(batch: Batch) -> None:
    assert batch.left == []


def test_the_batch_ends_and_nobody_is_left_out(batch: Batch) -> None:
    students = {case.student for case in CASES} | set(HONEST)
    assert batch.scores.keys() == students
    assert (batch.summary.graded, batch.summary.failed) == (len(students), 0)


def test_what_was_refused_is_named_for_the_instructor_and_on_the_page(batch: Batch) -> None:
    refused = [case for case in CASES if case.row in (42, 44, 45) and case.expected["first"] == 0.0]
    people = dict(batch.summary.people)
    for case in refused:
        reason = batch.log[case.student]["refused"]
        assert reason.endswith("."), case
        assert people[case.student] == f"Not read: {reason}"
        assert reason[:20] in _page(batch, case.student)
    assert len(refused) >= 15


def test_a_death_or_a_limit_is_told_to_the_student(batch: Batch) -> None:
    for case in CASES:
        if case.row in (11, 31) and "sigkill" not in case.student:  # the first process of a namespace is deaf to it
            assert "While your code ran" in _page(batch, case.student), case


def test_output_without_end_is_marked_as_cut(batch: Batch) -> None:
    for name in ("displays", "errors"):
        text = _outputs(batch, f"33-{name}", tests=False)
        assert "output cut here" in text
        assert len(text) < 200_000


def test_answers_that_watch_or_borrow_are_flagged_for_a_person(batch: Batch) -> None:
    flags = {student: " ".join(record.get("flags", [])) for student, record in batch.log.items()}
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
    for student in batch.scores:
        page = _Inert()
        page.feed(_page(batch, student))
        assert page.found == [], student
        assert "default-src 'none'" in _page(batch, student)


@pytest.mark.parametrize("kind", KINDS)
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


def test_the_whole_class_is_graded_in_a_minute_and_a_half_on_two_cores(batch: Batch) -> None:
    quiet = os.getloadavg()[0] < 3
    assert batch.seconds < (90 if quiet else 600)
