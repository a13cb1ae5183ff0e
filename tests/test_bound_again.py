"""What takes the place of an answer behind its checks, so that those of other tasks use that, is flagged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.assignment import Assignment
from autograder.worker import Worker
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


def test_an_answer_that_is_made_anew_in_another_process_is_not_bound_again(worker: Worker) -> None:
    notebook = submission(demo_second="first(1)\nimport os; os._exit(1)")
    draft = {**notebook["cells"][1], "id": "draft", "metadata": {}, "source": "def first(x):\n    return 0"}
    notebook["cells"].insert(1, draft)
    judged = worker.grade(notebook)
    assert judged.deaths
    assert judged.flags == []
