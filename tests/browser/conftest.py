"""Chromium, and pages with explorers in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request

from normlab.explorer import explorer
from tests.browser.driving import PATIENCE, chromium
from tests.browser.exploring import document, drawn, normalization


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Open a page with figures; no error and no request to another host is tolerated on it."""
    pages: list[Page] = []
    trouble: list[str] = []

    def notice(request: Request) -> None:
        if not request.url.startswith("file:"):
            trouble.append(request.url)

    def opened(*outputs: str, width: int = 1000, **context: Any) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 800}, **context)
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda message: trouble.append(message.text))
        page.on("request", notice)
        file = tmp_path / f"{len(pages)}.html"
        file.write_text(document(*outputs), encoding="utf-8")
        page.goto(file.as_uri())
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert trouble == []


@pytest.fixture
def figure() -> str:
    rng = np.random.default_rng(0)
    arrays = {name: np.round(array, 1) for name, array in drawn(rng).items()} | {"eps": np.array(0.1)}
    return explorer(normalization(0, arrays), arrays["dout"], "Batch norm").html
