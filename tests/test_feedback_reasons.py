"""The page names what a failure comes from once, and what lateness takes."""

from __future__ import annotations

from autograder.kept import Kept
from autograder.results import CheckResult
from tests.pages import judged, page, shown


def test_one_reason_is_told_once_a_task() -> None:
    result = judged()
    for name in ("scale_forward__values", "scale_forward__shifted"):
        result.checks[name] = CheckResult("timed out", 1.0, 0.0, "the cell ran longer", diagnosis="You added w to x.")
    result.deaths = ["the cell ran longer"] * 3
    text = shown(page(result))
    assert text.count("You added w to x.") == 1
    assert text.count("the cell ran longer; look for a loop that never ends") == 1
    assert text.count("the cell ran longer") == 2  # about the whole, and in the task
    assert "ran out of time, 0 of 1 point; the reason is that of a check above" in text


def test_code_that_does_not_run_is_named_at_the_head_of_its_task() -> None:
    error = {"output_type": "error", "ename": "SyntaxError", "evalue": "invalid syntax (<ipython-input-6-a>, line 1)"}
    text = shown(page(judged({"scale_forward": [{**error, "traceback": ["Traceback"]}]})))
    assert "Your code did not run to its end: SyntaxError: invalid syntax (line 1)" in text


def test_a_reason_that_stands_under_an_earlier_task_is_a_link_to_it() -> None:
    result = judged()
    for name in ("scale_forward__values", "scale_backward__gradient"):
        result.checks[name] = CheckResult("failed", 1.0, 0.0, "it differs", diagnosis="Your output is x + w.")
    html = page(result)
    assert shown(html).count("Your output is x + w.") == 1
    assert "is what stands under scale_forward." in shown(html)
    assert '<a href="#task-scale_forward">scale_forward</a>.</p>' in html


def test_tasks_that_are_missing_for_a_check_are_named_as_one_or_as_several() -> None:
    result = judged()
    for name, needs in {"scale_forward__values": "a", "scale_forward__shifted": "a, b, c"}.items():
        result.checks[name] = CheckResult("not attempted", 1.0, 0.0, f"not attempted: {needs}")
    text = shown(page(result))
    assert "a is still as it was handed out." in text
    assert "a, b and c are still as they were handed out." in text


def test_a_late_penalty_is_taken_off_and_named() -> None:
    text = shown(page(late_penalty=2.5))
    assert "6.5 of 11 points" in text
    told = "2.5 points are taken off because it was late."
    assert f"{told} Lateness takes its share of what a person gives, too." in text
    graded = shown(page(kept=Kept({"written__why": 2.0}), late_penalty=2.5))
    assert told in graded
    assert "Lateness takes" not in graded


def test_where_lateness_takes_everything_the_page_says_so() -> None:
    text = shown(page(late_penalty=9.0))
    assert "0 of 11 points" in text
    assert "It came so late that all of its 9 points are taken off." in text
