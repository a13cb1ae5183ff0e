"""Which of several submissions counts: the last, or the best of all by the checks of today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from autograder import attempts as kept
from autograder.attempts import Attempts
from autograder.collect import collect
from autograder.course import Course, Engine
from autograder.grade import Summary, grade
from autograder.submission import read_submission
from tests.course_factory import NAME, RIGHT, answered, instructor_notebook, make_course, submit, write_source

BEST = "c.Engine.keep = 'best'"
LATE = """
c.AssignLatePenalties.plugin_class = "autograder.late.LateDays"
c.LateDays.penalty_per_day = 0.9
"""
FORWARD_ALONE = {"scale_forward": RIGHT["scale_forward"]}  # 5 points of 9
FIRST, SECOND, THIRD = (f"2026-11-0{day} 12:00:00 UTC" for day in (1, 2, 3))


def course(tmp_path: Path, config: str = BEST) -> Path:
    return make_course(tmp_path / "course", config, gradebook=True)


def score(summary: Summary) -> float:
    return summary.scores["ann"][0]


def page(root: Path) -> str:
    return (root / "feedback" / "ann" / NAME / f"{NAME}.html").read_text(encoding="utf-8")


def stamp(root: Path, step: str) -> str:
    return (root / step / "ann" / NAME / "timestamp.txt").read_text().strip()


def test_the_last_counts_by_default_and_nothing_else_is_kept(tmp_path: Path) -> None:
    root = course(tmp_path, "")
    submit(root, "ann", RIGHT, FIRST)
    assert score(grade(NAME, root, jobs=1)) == 9.0
    submit(root, "ann", FORWARD_ALONE, SECOND)
    summary = grade(NAME, root, jobs=1)
    assert score(summary) == 5.0
    assert str(summary.changed["ann"]).startswith("9 -> 5 (-4), another submission: ")
    assert not (root / ".autograder" / "attempts").exists()


def test_a_time_that_becomes_known_makes_no_second_attempt(tmp_path: Path) -> None:
    root = course(tmp_path)
    folder = submit(root, "ann", RIGHT)
    grade(NAME, root, jobs=1)
    (folder / "timestamp.txt").write_text(FIRST)
    grade(NAME, root, jobs=1)
    assert "You handed in" not in page(root)
    (folder / "timestamp.txt").write_text(SECOND)  # the same work at another time, which was told each time
    grade(NAME, root, jobs=1)
    assert "You handed in 2 times" in page(root)


def test_where_the_best_counts_a_worse_one_leaves_score_notebook_and_page_and_the_page_says_so(tmp_path: Path) -> None:
    root = course(tmp_path)
    submit(root, "ann", RIGHT, FIRST)
    assert score(grade(NAME, root, jobs=1)) == 9.0
    assert "You handed in" not in page(root)
    submit(root, "ann", FORWARD_ALONE, SECOND)
    summary = grade(NAME, root, jobs=1)
    assert score(summary) == 9.0
    assert summary.earlier == {"ann": (9.0, 5.0)}
    assert summary.changed == {}
    assert f"You handed in 2 times. The best submission counts, and this page shows the one of {FIRST}." in page(root)
    assert stamp(root, "autograded") == stamp(root, "feedback") == FIRST
    assert "x, w = cache" in (root / "autograded" / "ann" / NAME / f"{NAME}.ipynb").read_text()
    assert grade(NAME, root, jobs=1).unchanged == 1

    # A check is changed so that the second is the better one: all are graded by it.
    notebook = instructor_notebook()
    for raw in notebook["cells"]:
        if raw["id"] == "scale-backward--gradient":
            raw["source"] = "x = np.ones((1, 1))\nscale_forward(x, x)\ntry:\n    scale_backward(x, (x, x))\n"
            raw["source"] += "except NotImplementedError:\n    pass\nelse:\n    assert False, 'it is written'"
    write_source(root, notebook)
    summary = grade(NAME, root, jobs=1)
    assert summary.earlier == {}
    assert stamp(root, "feedback") == SECOND
    assert summary.changed == {}, "9 points as before, by another submission"


def test_lateness_counts_in_what_is_best(tmp_path: Path) -> None:
    root = course(tmp_path, BEST + LATE)
    submit(root, "ann", FORWARD_ALONE, FIRST)
    grade(NAME, root, jobs=1)
    from nbgrader.api import Gradebook as Stock

    with Stock(f"sqlite:///{root}/gradebook.db", "course101") as stock:
        stock.update_or_create_assignment(NAME, duedate="2026-11-01 18:00:00 UTC")
    submit(root, "ann", RIGHT, SECOND)
    summary = grade(NAME, root, jobs=1)
    assert summary.earlier["ann"] == (5.0, cast(float, pytest.approx(0.9)))
    assert stamp(root, "feedback") == FIRST


def test_of_equals_the_last_counts(tmp_path: Path) -> None:
    root = course(tmp_path)
    for time in (FIRST, SECOND):
        submit(root, "ann", FORWARD_ALONE, time)
        summary = grade(NAME, root, jobs=1)
    assert summary.earlier == {}
    assert stamp(root, "feedback") == SECOND


def test_submissions_are_kept_once_and_what_has_no_notebook_not_at_all(tmp_path: Path) -> None:
    opened = Course.open(course(tmp_path))
    attempts = Attempts(opened, NAME, [NAME])
    folder = submit(opened.root, "ann", FORWARD_ALONE, FIRST)

    def current() -> list[str | None]:
        return [each.timestamp for each in attempts.of("ann", read_submission(folder, [NAME], opened.limits))[0]]

    assert current() == current() == [FIRST]
    submit(opened.root, "ann", RIGHT, THIRD)
    assert current() == [FIRST, THIRD]
    attempts.add("ann", {f"{NAME}.ipynb": json.dumps(answered({})).encode(), "timestamp.txt": SECOND.encode()})
    assert current() == [FIRST, SECOND, THIRD]
    (folder / f"{NAME}.ipynb").unlink()
    assert len(current()) == 4
    assert len(list((opened.root / ".autograder" / "attempts" / NAME / "ann").iterdir())) == 3


def test_of_many_submissions_the_latest_are_graded_and_student_and_instructor_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, inbound = course(tmp_path), tmp_path / "inbound"
    for module in ("attempts", "placing", "grade"):
        monkeypatch.setattr(f"autograder.{module}.LATEST", 3)
    works: list[dict[str, str]] = [RIGHT, {}, FORWARD_ALONE, {"written__why": "x"}]

    def handed_in(number: int) -> Summary:
        for day, work in enumerate(works[:number], 1):
            folder = inbound / f"ann+{NAME}+2026-11-0{day} 12:00:00.000000 UTC"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{NAME}.ipynb").write_text(json.dumps(answered(work)))
        collect(NAME, [inbound], root)
        return grade(NAME, root, jobs=1)

    three = handed_in(3)
    assert score(three) == 9.0
    assert three.people == []
    assert "You handed in 3 times. The best submission counts, and" in page(root)
    four = handed_in(4)
    assert score(four) == 5.0, "the first is one too many"
    assert four.people == [("ann", "handed in more than 3 times; the latest 3 are graded")]
    assert "You handed in more than 3 times. The latest 3 are graded, the best of them counts, and this" in page(root)


def test_student_and_instructor_are_told_the_same_count_where_a_time_became_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = course(tmp_path)
    for module in ("attempts", "grade"):
        monkeypatch.setattr(f"autograder.{module}.LATEST", 3)
    folder = submit(root, "ann", RIGHT)
    grade(NAME, root, jobs=1)  # kept without its time
    (folder / "timestamp.txt").write_text(THIRD)
    attempts = Attempts(Course.open(root), NAME, [NAME])
    for stamp, work in ((FIRST, FORWARD_ALONE), (SECOND, {"written__why": "x"})):
        attempts.add("ann", {f"{NAME}.ipynb": json.dumps(answered(work)).encode(), "timestamp.txt": stamp.encode()})
    assert grade(NAME, root, jobs=1).people == []
    assert "You handed in 3 times. " in page(root)


def test_more_submissions_than_are_graded_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, inbound = course(tmp_path), tmp_path / "inbound"
    for second in range(40):
        folder = inbound / f"ann+{NAME}+2026-11-01 12:00:{second:02d}.000000 UTC"
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_text(json.dumps(answered({"demo": f"# {second}"})))
    collect(NAME, [inbound], root)
    attempts = Attempts(Course.open(root), NAME, [NAME])
    assert attempts.count("ann") == kept.LATEST
    current = read_submission(root / "submitted" / "ann" / NAME, [NAME], attempts.course.limits)
    seconds = [(each.timestamp or "").split(":")[2][:2] for each in attempts.of("ann", current)[0]]
    assert seconds == [f"{second:02d}" for second in range(20, 40)]
    assert attempts.count("ann") == kept.LATEST + 1


def test_the_chapters_and_the_setting_say_how_many_are_graded() -> None:
    chapters = Path(__file__).parent.parent / "chapters"
    said = "".join((chapters / name).read_text() for name in ("instructors.md", "threat-model.md")) + Engine.keep.help
    assert said.count(f"the latest {kept.LATEST}") == 4
