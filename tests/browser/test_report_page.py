"""The instructor's report in Chromium: it loads nothing, fits a phone, and axe finds nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from autograder.report import CheckReport, Report, render
from tests.browser.driving import chromium
from tests.test_feedback_hostile import HOSTILE

pytestmark = pytest.mark.browser


def page() -> str:
    checks = [
        CheckReport(
            "batchnorm_forward__running_statistics", 4.0, {"passed": 3, "failed": 2, "not attempted": 1}, 9.5, 0.4
        ),
        CheckReport("written__why", 2.0, {"manual": 6}, 1.0, None),
    ]
    return render(
        Report(
            assignment="batchnorm",
            points=6.0,
            scores={f"student{number}": float(number) for number in range(6)},
            checks=checks,
            mistakes=dict.fromkeys(HOSTILE, 1),
            needs_help={"student0": ["written__why"]},
            look_at=[("student1", text) for text in HOSTILE],
            waiting=2,
            late={"student2": 0.5},
            seconds={"student3": 1.25},
        )
    )


def test_on_a_phone_the_checks_are_all_in_view_and_no_word_is_broken(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page(), encoding="utf-8")
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 390, "height": 900})
        tab.goto((tmp_path / "page.html").as_uri())
        room = "(box) => [box.scrollWidth <= box.clientWidth, box.querySelector('tbody th').clientWidth >= 90]"
        assert tab.locator(".html").evaluate(room) == [True, True]
        assert not tab.get_by_text("Otherwise").is_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_the_report_runs_nothing_loads_nothing_and_axe_finds_nothing(tmp_path: Path, scheme: Any, width: int) -> None:
    (tmp_path / "page.html").write_text(page(), encoding="utf-8")
    with chromium() as browser:
        tab = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
        requests: list[str] = []
        complaints: list[str] = []
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.goto((tmp_path / "page.html").as_uri())
        assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
        assert complaints == []
        assert tab.evaluate("typeof window.pwned") == "undefined"
        assert tab.evaluate("document.body.scrollWidth <= window.innerWidth")
        assert tab.evaluate("document.querySelector('img').naturalWidth > 0")
        violations = Axe().run(tab).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == []
