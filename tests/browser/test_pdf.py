"""The book as one PDF: every chapter is in it, links stay inside it, nothing is cut off at the paper's edge."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Page, ViewportSize, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from pdf import ARGUMENTS, CHROMIUM, SITE, chapters, opened, write

pytestmark = pytest.mark.browser
PAPER: ViewportSize = {"width": 688, "height": 1000}  # CSS pixels between the margins of A4


@pytest.fixture(scope="module")
def book() -> Iterator[Page]:
    """All chapters on one page."""
    if not (SITE / "chapters" / "index.html").exists():
        pytest.fail(f"there is no book at {SITE}: run `make book` first")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with opened(browser) as page:
            yield page
        browser.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_chapter_is_in_the_outline(book: Page, tmp_path: Path) -> None:
    """Buys: the command of `make site` that a reader downloads the result of."""
    write(book, tmp_path / "book.pdf")
    content = (tmp_path / "book.pdf").read_bytes()
    outline = re.findall(rb"/Title \((.*?)\)[\s/>]", content)
    for chapter in chapters():
        heading = BeautifulSoup((SITE / f"{chapter}.html").read_text(encoding="utf-8"), "html.parser").select_one("h1")
        assert heading is not None
        title = "".join(heading.find_all(string=True, recursive=False)).strip()
        assert title.encode() in outline, f"{title} is not among {outline[:5]} and {len(outline) - 5} others"
    assert len(re.findall(rb"/Type /Page\b", content)) > 50


def test_links_lead_to_places_of_the_same_document(book: Page) -> None:
    lost = book.evaluate(
        """[...document.querySelectorAll("article a[href^='#']")].map((link) => link.getAttribute("href").slice(1))
           .filter((place) => place && !document.getElementById(decodeURIComponent(place)))"""
    )
    assert lost == []


def test_no_formula_table_or_figure_is_wider_than_the_paper_and_the_answers_are_open(book: Page) -> None:
    book.emulate_media(media="print")
    book.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    answers = book.locator(".solution").evaluate_all("(all) => all.map((one) => one.lastElementChild.clientHeight)")
    assert len(answers) >= 20
    assert min(answers) > 20
    folded = "(all) => all.filter((one) => !one.clientHeight).map((one) => one.closest('section').id)"
    assert book.locator(".cell_output img").evaluate_all(folded) == []
    book.set_viewport_size(PAPER)
    wide = book.evaluate(
        """() => {
          const edge = document.documentElement.clientWidth + 1;
          const parts = ["mjx-container[display]", "table", "img", "svg", "pre"].map((one) => `article ${one}`).join();
          return [...document.querySelectorAll(parts)]
            .filter((part) => part.clientWidth)
            .filter((part) => part.getBoundingClientRect().right > edge || part.scrollWidth > part.clientWidth + 1)
            .map((part) => [part.tagName, part.closest("[id]")?.id, part.scrollWidth, part.textContent.slice(0, 60)]);
        }"""
    )
    assert wide == []
