"""Submissions that were run and judged, for the fuzzer: wild code and outputs, on to page and gradebook."""

from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import strategies as st

from autograder.grader import Grader
from autograder.intake import SURROGATE
from autograder.limits import Limits
from autograder.originality import Originality
from autograder.regions import Markers
from autograder.results import CheckResult, Judged
from autograder.sanitize import PAGE_ROOM
from autograder.unit import Job, Outcome, Setup
from autograder.worker import Record, Worker
from tests.attacks.in_files import MARKUP
from tests.attacks.lesson import CHECKS, find, instructor, work
from tests.course_factory import NAME

STAGE_SECONDS = 2.0  # of processor time, for all that comes after the run of a notebook
grader = Grader(
    Setup(
        title=NAME,
        sources={NAME: json.dumps(instructor()).encode()},
        files={},
        secret=[],
        markers=vars(Markers()),
        limits=vars(Limits()),
        isolation="sandbox",
        show_hidden=False,
        late={"plugin": "", "config": {}, "path": ""},
        answers=[],
        cache="",
        originality=Originality().settings(),
        record="",
    ).pack()
)

PIECES = st.sampled_from([*MARKUP, "\ud800", "\udfff", "attachment:a", "<a ", " b=", "\x1b[1m"]) | st.text(max_size=6)
WILD = st.builds(
    lambda pieces, times: "".join(pieces) * times, st.lists(PIECES, max_size=5), st.sampled_from([1, 1, 1, 1, 1, 2000])
)
OUTPUT = st.builds(
    lambda name, text: {"output_type": "stream", "name": name, "text": text},
    st.sampled_from(["stdout", "stderr"]),
    WILD,
) | st.builds(
    lambda name, text, lines: {"output_type": "error", "ename": name, "evalue": text, "traceback": lines},
    WILD,
    WILD,
    st.lists(WILD, max_size=3),
)
KINDS = ("text/html", "text/markdown", "text/plain", "text/latex", "image/svg+xml", "image/png")
OUTPUT |= st.dictionaries(st.sampled_from(KINDS), WILD, max_size=3).map(
    lambda data: {"output_type": "display_data", "data": data, "metadata": {}}
)
STATEMENTS = """
global x
nonlocal y
from math import *
from __future__ import nope
[x := 0 for x in y]
x: int = 1
return first(x)
locals()
class last: pass
!ls
%time f()
,print a
/print a
help?
%%time
y = !ls
((
x = 0x1
import numpy as x
""".strip().splitlines()
LINES = st.sampled_from(STATEMENTS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
)


@st.composite
def sources(draw: st.DrawFn) -> str:
    """Code as it may be wrong; often no Python, though it parses."""
    lines = draw(st.lists(LINES, max_size=4))
    name, parameters = draw(st.sampled_from(["target", "more"])), draw(st.lists(st.sampled_from("xyz"), max_size=3))
    body = draw(st.lists(LINES, min_size=1, max_size=3))
    lines += [f"def {name}({', '.join(parameters)}):", *(f"    {line}" for line in body)]
    return "\n".join(lines * draw(st.sampled_from([1, 1, 1, 1, 1, 1, 600])))


SUBMISSIONS = st.tuples(sources(), sources(), WILD, st.lists(OUTPUT, max_size=4), WILD)


class Ran(Worker):
    """Stands for the worker that ran a notebook: what it gives is what the student put out."""

    def __init__(self, outputs: list[Any], message: str) -> None:
        self.outputs, self.message = outputs, message

    def grade(self, notebook: Any, seed: int | None = None, record: Record = "") -> Judged:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"] = self.outputs
        checks = {name: CheckResult("failed", points, 0.0, self.message) for name, (points, _) in CHECKS.items()}
        judged = Judged(notebook, checks=checks, flags=[self.message], deaths=[self.message])
        return Judged.from_json(judged.to_json().encode())


def finish(example: tuple[str, str, str, list[Any], str]) -> None:
    """What was judged gets its flags and its page, and can be sent and stored."""
    target, demo, written, outputs, message = example
    notebook = work(target, demo, SURROGATE.sub("", written).replace("\0", ""))
    find(notebook, "written")["attachments"] = {"a": {"image/png": "AAAA" * 5000}}
    grader.workers[NAME] = Ran(outputs, message)
    start = time.process_time()
    graded = Outcome.unpack(grader.grade(Job("ann", {NAME: json.dumps(notebook).encode()}, {}, [], {})).pack()).graded[
        NAME
    ]
    assert time.process_time() - start < STAGE_SECONDS
    for text in (graded.page, graded.notebook, graded.result):
        text.encode()
    assert len(graded.page) < PAGE_ROOM + (1 << 20)  # and the page's frame
    assert "<script" not in graded.page.lower()
    flags = json.loads(graded.result)["flags"][1:]
    assert not [flag for flag in flags if "not looked at" in flag or "made without" in flag]
