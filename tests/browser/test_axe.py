"""What axe is asked finds the one text that is hard to read, among many that look alike."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser import axe

GRAY = "color: rgb(130, 130, 130)"
HARD_TO_READ = {
    "a color of its own": f'<p class="line"><span style="{GRAY}">hard</span></p>',
    "a ground of its own": '<div style="background-color: rgb(60, 60, 60)"><p class="line">hard</p></div>',
    "see-through": '<div style="opacity: 0.4"><p class="line">hard</p></div>',
    "smaller than what is large enough for its color": f'<h2 style="{GRAY}">large</h2><p style="{GRAY}">hard</p>',
}


@pytest.mark.browser
@pytest.mark.parametrize("hard", HARD_TO_READ.values(), ids=HARD_TO_READ)
def test_one_text_that_is_hard_to_read_is_found_among_many_that_are_not(browser: Browser, hard: str) -> None:
    page = browser.new_page()
    style = "<style>.line { color: rgb(20, 20, 20) } h2 { font-size: 40px }</style>"
    lines = '<p class="line">easy</p>' * 100
    page.set_content(f'<html lang="en"><title>Lines</title>{style}<main><h1>Lines</h1>{lines}</main></html>')
    axe.load(page)
    assert axe.faults(page) == []
    page.locator("main").evaluate("(main, hard) => { main.insertAdjacentHTML('beforeend', hard) }", hard)
    assert len(axe.contrast_faults(page)) == 1
    assert "hard" in axe.contrast_faults(page)[0]
    page.close()
