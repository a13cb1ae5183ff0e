"""Feedback pages of a graded notebook, and what a reader sees of them."""

from __future__ import annotations

import base64
import json
import re
from html import unescape
from typing import Any

from autograder.feedback import render
from autograder.intake import parse
from autograder.kept import Kept
from autograder.limits import Limits
from autograder.repair import repair
from autograder.results import CheckResult, Judged
from tests.course_factory import POINTS, RIGHT, answered, assignment

SOURCE = assignment()
PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c626001000000ffff03000006000557bfabd40000000049454e44ae426082"
    )
).decode()


def judged(outputs: dict[str, list[dict[str, Any]]] | None = None, **answers: str) -> Judged:
    """RIGHT with these answers and outputs, everything passed."""
    cells = parse(json.dumps(answered({**RIGHT, **answers})).encode(), Limits())
    notebook, _ = repair(SOURCE, cells)
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", cell["id"])
        if outputs and name in outputs:
            cell["outputs"] = outputs[name]
    checks = {name: CheckResult("passed", points, points) for name, points in POINTS.items()}
    checks["written__why"] = CheckResult("manual", 2.0, None)
    return Judged(notebook, {}, checks)


def page(result: Judged | None = None, kept: Kept | None = None, **values: Any) -> str:
    return render(SOURCE, result or judged(), kept or Kept(), title="scaling", student="ann", **values)


def shown(html: str) -> str:
    """What a reader sees."""
    body = html[html.index("<body>") :]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", body)))


def html_output(text: str) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"text/html": text, "text/plain": "plain"}, "metadata": {}}
