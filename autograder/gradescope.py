"""Grading inside a Gradescope autograder: ``python -m autograder.gradescope ROOT ASSIGNMENT``, in its container.

``bundle`` makes the zip that brings this there. Source of the places and of results.json:
https://gradescope-autograders.readthedocs.io (Autograder Specifications, Submission Metadata).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.errors import AutograderError, SandboxUnavailable
from autograder.feedback import Check, check_line
from autograder.files import write_atomically
from autograder.jobs import known_answers, make_job
from autograder.kept import Kept
from autograder.pool import LocalPool
from autograder.results import CheckResult
from autograder.submission import read_submission
from autograder.times import parse_timestamp
from autograder.unit import Job, Outcome, Setup
from autograder.wording import lateness

UNSANDBOXED = "This was graded without a sandbox."
PRIVATE = "after_published"  # what is shown once the instructor publishes the grades


def run(root: Path, assignment: str) -> dict[str, Any]:
    """Grade ``root/submission`` with the course in ``root/source/course``; returns the content of results.json.

    Where the container forbids namespaces, as most do, it is graded without a sandbox, and the results say so.
    Raises AutograderError where the grader is at fault: no results are better than a zero that nobody earned.
    """
    course = Course.open(root / "source" / "course")
    notebooks = course.notebooks(assignment)
    submission = read_submission(root / "submission", list(notebooks), course.limits)
    job = make_job("submission", submission, {}, seconds_after_due(root / "submission_metadata.json"))
    setup = Setup.of(course, assignment, notebooks, known_answers(course, assignment)[0])
    try:
        outcome = _grade(setup, job)
    except AutograderError as error:
        if error.exit_code != SandboxUnavailable.exit_code:
            raise
        print(f"autograder: graded without a sandbox, since: {error}", file=sys.stderr)
        setup = dataclasses.replace(setup, isolation="none")
        outcome = _grade(setup, job)
    outcome.require()
    lines, notes, seconds = [], [UNSANDBOXED] if setup.isolation == "none" else [], 0.0
    for name, graded in outcome.graded.items():
        result = json.loads(graded.result)
        notes += told(result)
        seconds += result["seconds"]
        for grade_id, check in result["checks"].items():
            cell = notebooks[name].by_id[grade_id]
            if cell.kind != "manual":  # a person grades it, in Gradescope
                lines.append(check_line(cell, CheckResult(**check), Kept(), course.engine.show_hidden_checks))
    late = sum(graded.late_penalty or 0.0 for graded in outcome.graded.values())
    return content(lines, notes, late, visibility="visible") | {"execution_time": seconds}


def _grade(setup: Setup, job: Job) -> Outcome:
    with LocalPool(setup.pack(), 1) as pool:
        return next(outcome for _, outcome in pool.run(iter([job])))


def content(checks: Iterable[Check], notes: Iterable[str], late_penalty: float, *, visibility: str) -> dict[str, Any]:
    """The content of results.json; hidden checks are shown, as a page shows them, once grades are published."""
    checks = list(checks)
    score = max(0.0, sum(check.counted for check in checks) - late_penalty)
    late = lateness(late_penalty, score)
    return {
        "score": score,
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "output": "\n".join([*notes, late] if late else notes),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "tests": [_test(check) for check in checks if check.score is not None],
    }


def _test(check: Check) -> dict[str, Any]:
    passed = (check.score or 0.0) >= check.points
    label = "" if check.status in ("passed", "failed") else check.label  # those two are the test's own status
    return {
        "name": check.title,
        "score": check.score,
        "max_score": check.points,
        "status": "passed" if passed else "failed",
        "output": "\n".join(filter(None, [label, check.message, check.diagnosis])),
        **({"visibility": PRIVATE} if check.hidden else {}),
    }


def told(result: Mapping[str, Any]) -> list[str]:
    """What a result says to the student beside its checks."""
    refused = [result["refused"]] if result["refused"] else []
    return [*refused, *result["findings"], *(f"While your code ran: {death}" for death in result["deaths"])]


def seconds_after_due(metadata: Path) -> float:
    """By Gradescope's account of the submission; 0 where it tells no due date or is not there.

    A user's own due date holds an extension; of a group's the latest counts.
    """
    try:
        known = json.loads(metadata.read_text(encoding="utf-8"))
        handed_in, due = parse_timestamp(known["created_at"]), parse_timestamp(known["assignment"]["due_date"])
        own = [(user.get("assignment") or {}).get("due_date") for user in known.get("users") or ()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0.0
    due = max(filter(None, map(parse_timestamp, own)), default=due)
    return max(0.0, (handed_in - due).total_seconds()) if handed_in and due else 0.0


def main(root: str, assignment: str) -> int:
    """Write ``root/results/results.json``; returns the exit code, an error's where the grader is at fault."""
    try:
        found = run(Path(root), assignment)
        write_atomically(Path(root, "results", "results.json"), json.dumps(found, indent=1) + "\n", 0o644)
    except AutograderError as error:
        print(f"autograder: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m autograder.gradescope", description=(__doc__ or "").partition(":")[0]
    )
    parser.add_argument("root", help="Gradescope's folder, with source/ and submission/ in it")
    parser.add_argument("assignment")
    sys.exit(main(**vars(parser.parse_args())))
