"""What takes the place of an answer behind its checks, so that those of other tasks use that, is flagged."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from autograder.assignment import Assignment
from autograder.intake import parse
from autograder.repair import repair
from autograder.worker import Worker
from tests import course_factory as factory
from tests.three_tasks import LIMITS, instructor, submission


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(Assignment("tasks", instructor()), LIMITS) as started:
        yield started


@pytest.mark.parametrize(
    "source",
    [
        "def first(x):\n    return 0",
        "kept = first\nfirst = len",
        "exec('def first(x):\\n    return 0')",
        "%%time\ndef first(x):\n    return 0",
        "get_ipython().user_ns['first'] = len",
        "import math as first",
    ],
)
def test_what_takes_the_place_of_an_answer_after_its_checks_is_flagged(worker: Worker, source: str) -> None:
    notebook = submission()
    loose = {**notebook["cells"][1], "id": "loose", "metadata": {}, "source": source}
    second = notebook["cells"].index(next(raw for raw in notebook["cells"] if raw["id"] == "second"))
    notebook["cells"].insert(second, loose)
    assert worker.grade(notebook).flags == ["first is bound again after its checks"]
    notebook["cells"].insert(1, notebook["cells"].pop(second))
    assert worker.grade(notebook).flags == []


@pytest.mark.parametrize(
    "source", ["def first(x):\n    return x + 1", "import math as first", "import math as first\nfirst = first.sqrt"]
)
def test_a_cell_of_the_course_may_bind_an_answer_again(source: str) -> None:
    notebook = instructor()
    check = next(place for place, raw in enumerate(notebook["cells"]) if raw["id"] == "first--check")
    for place, name in ((check + 1, "again"), (-1, "other")):
        text = source if name == "again" else "import os\ntwo = 2"
        notebook["cells"].insert(place, factory.cell("code", name, text))
    assignment = Assignment("tasks", notebook)
    handed_in, _ = repair(assignment, parse(json.dumps(notebook).encode(), LIMITS))
    with Worker(assignment, LIMITS) as started:
        assert started.grade(handed_in).flags == []
        handed_in["cells"][-2]["source"] = "first = len"
        assert started.grade(handed_in).flags == ["first is bound again after its checks"]


def test_an_answer_that_is_made_anew_in_another_process_is_not_bound_again(worker: Worker) -> None:
    notebook = submission(demo_second="first(1)\nimport os; os._exit(1)")
    draft = {**notebook["cells"][1], "id": "draft", "metadata": {}, "source": "def first(x):\n    return 0"}
    notebook["cells"].insert(1, draft)
    judged = worker.grade(notebook)
    assert judged.deaths
    assert judged.flags == []


@pytest.mark.parametrize("kept", ["def first(x):\n    return 0", "first = len", "del first; first = len"])
def test_what_a_cell_binds_again_only_once_the_process_died_is_flagged(worker: Worker, kept: str) -> None:
    counting = "calls = []\ndef first(x):\n    calls.append(x)\n    return x + 1"
    body = kept.replace("\n", "\n    ")
    notebook = submission(first=counting, demo_first=f"if not calls:\n    {body}", demo_second="import os; os._exit(0)")
    at = next(place for place, raw in enumerate(notebook["cells"]) if raw["id"] == "demo-first")
    notebook["cells"].insert(at + 2, notebook["cells"].pop(at))
    judged = worker.grade(notebook)
    assert judged.deaths
    assert judged.flags == ["first is bound again after its checks"]


def test_what_the_course_binds_again_is_its_own_affair_and_students_are_not_flagged_twice(worker: Worker) -> None:
    taught = instructor()
    given = "def quietly(f):\n    return lambda x: f(x)\nfirst = quietly(first)"
    own = {"id": "own", "metadata": {"autograder": {"cell": 5}}, "source": given}
    taught["cells"].insert(5, {**taught["cells"][1], **own})
    notebook = submission()
    notebook["cells"].insert(5, {**notebook["cells"][1], **own})
    with Worker(Assignment("tasks", taught), LIMITS) as other:
        assert other.grade(notebook).flags == []
    drafts = [{**notebook["cells"][1], "id": f"d{n}", "metadata": {}, "source": "def first(x): 0"} for n in range(2)]
    notebook["cells"] += drafts
    assert len(worker.grade(notebook).flags) == 1


@pytest.mark.parametrize(
    "cells",
    [
        ["del first", "def first(x):\n    return 0"],
        ["first = 3", "def first(x):\n    return 0"],
        ["def sneak():\n    globals()['first'] = len\nsneak()"],
    ],
)
def test_a_name_that_was_gone_in_between_is_bound_again_too(worker: Worker, cells: list[str]) -> None:
    notebook = submission()
    notebook["cells"] += [
        {**notebook["cells"][1], "id": f"loose{number}", "metadata": {}, "source": source}
        for number, source in enumerate(cells)
    ]
    assert worker.grade(notebook).flags == ["first is bound again after its checks"]


def test_what_an_answer_binds_when_a_demonstration_calls_it_is_seen(worker: Worker) -> None:
    sneaks = "def second(x):\n    globals()['first'] = len\n    return x + 1"
    assert worker.grade(submission(second=sneaks)).flags == ["first is bound again after its checks"]
