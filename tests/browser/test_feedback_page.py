"""The feedback page in Chromium: nothing a student wrote runs or loads, and everybody can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from autograder.kept import Kept
from autograder.results import CheckResult
from tests.pages import PIXEL, html_output, judged, page
from tests.test_feedback_hostile import HOSTILE

pytestmark = pytest.mark.browser


def hostile_page() -> str:
    """A page with something of everything, and every attack in every place."""
    table = (
        "<table class=dataframe><thead><tr><th></th><th>a</th></tr></thead><tbody><tr><th>0</th><td>1</td></tr></table>"
    )
    outputs: list[dict[str, Any]] = [html_output(text) for text in [table, *HOSTILE]]
    outputs += [{"output_type": "display_data", "data": {"text/markdown": text}} for text in HOSTILE]
    outputs += [{"output_type": "display_data", "data": {"image/svg+xml": text}} for text in HOSTILE]
    outputs += [
        {"output_type": "stream", "name": "stdout", "text": "\n".join(HOSTILE)},
        {"output_type": "stream", "name": "stdout", "text": "step\n" * 100_000},
        {"output_type": "display_data", "data": {"image/png": PIXEL}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["Traceback", "E: v"]},
    ]
    answer = "# Why\n\n**bold** `code` [link](https://example.org)\n\n" + "\n\n".join(HOSTILE)
    result = judged({"demo": outputs, "scale_forward": outputs[:1]}, written__why=answer)
    result.checks["scale_forward__values"] = CheckResult("failed", 3.0, 0.0, "\n".join(HOSTILE))
    result.checks["scale_forward__shifted"] = CheckResult("timed out", 2.0, 0.0, "stopped after 30 s")
    result.checks["scale_backward__gradient"] = CheckResult("partial", 4.0, 1.5, "dw is wrong")
    result.deaths = HOSTILE
    kept = Kept({}, {}, {"written__why": "\n".join(HOSTILE)})
    return page(result, kept, notes=HOSTILE, late_penalty=1.0, sandboxed=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_runs_nothing_loads_and_axe_finds_nothing(
    browser: Browser, tmp_path: Path, scheme: Any, width: int
) -> None:
    (tmp_path / "page.html").write_text(hostile_page(), encoding="utf-8")
    tab = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=False)
    requests: list[str] = []
    complaints: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.goto((tmp_path / "page.html").as_uri())
    assert tab.evaluate("typeof window.pwned") == "undefined"
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert complaints == []  # the policy had nothing to refuse: what is dangerous was not there
    assert tab.evaluate("document.body.scrollWidth <= window.innerWidth")
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 28)"}[scheme]
    violations = Axe().run(tab).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == []
    tab.close()


def test_a_print_in_a_loop_makes_the_page_higher_by_boxes_that_scroll_alone(browser: Browser, tmp_path: Path) -> None:
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": "stdout", "text": "step\n" * 100_000},
        html_output("<pre>" + "step\n" * 100_000 + "</pre>"),
    ]
    heights = []
    for made in (page(), page(judged({"demo": outputs}))):
        (tmp_path / "page.html").write_text(made, encoding="utf-8")
        tab = browser.new_page(viewport={"width": 1000, "height": 900})
        tab.goto((tmp_path / "page.html").as_uri())
        heights.append(tab.evaluate("document.body.scrollHeight"))
        tab.close()
    assert heights[1] - heights[0] < 2 * 900
