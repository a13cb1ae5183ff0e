"""Fixtures that more than one module uses. Hypothesis measures no time: on a busy machine a first call may take any.

The fixtures import what they need when they are asked for: `make oldest` runs tests where no grader is installed.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import autograder.worker

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: at the end the other workers would wait for the one that has them."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def talk() -> Iterator[Any]:
    from tests.conversation import conversations

    with conversations() as make:
        yield make


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.played_process import play

    play(monkeypatch)


@pytest.fixture
def course(tmp_path: Path) -> Any:
    """The factory's course, opened; nothing is handed in yet."""
    from autograder.course import Course
    from tests.course_factory import make_course

    return Course.open(make_course(tmp_path / "course", gradebook=True))


@pytest.fixture
def book(course: Any) -> Iterator[Any]:
    """The gradebook of ``course``, which knows its assignment."""
    from autograder.gradebook import Gradebook
    from tests.course_factory import NAME, assignment

    with closing(Gradebook(course.db_url)) as gradebook:
        gradebook.save_assignment("course101", NAME, {NAME: assignment()})
        yield gradebook


@pytest.fixture(scope="module")
def worker() -> Iterator[Any]:
    from tests.three_tasks import worker_for_the_tasks

    with worker_for_the_tasks() as started:
        yield started


# Under `make coverage`: the judge is killed once its result is there, and saves first what it ran through.
SAVE_FIRST = """
import coverage, sys
sys.path.insert(0, sys.argv[2])
import autograder
sys.path.append(sys.path.pop(0))
from autograder import judge, warm
run = judge.Judge.run
def run_and_save(self, *arguments):
    try:
        return run(self, *arguments)
    finally:
        coverage.Coverage.current().save()
judge.Judge.run = run_and_save
warm.main(int(sys.argv[1]))
"""
if "COVERAGE_PROCESS_CONFIG" in os.environ:
    autograder.worker._BOOT = SAVE_FIRST
    autograder.worker._KEPT_VARIABLES += ("COVERAGE_PROCESS_CONFIG",)
