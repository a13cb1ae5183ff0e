"""Make the whole book one PDF: `python scripts/pdf.py`, after `make book`.

Writes _build/html/normalization-from-scratch.pdf: the articles of all built pages on one page, links among them turned
into links inside the document, printed by Chromium with an outline. The folded answers open themselves for print.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Page, PdfMargins, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
PDF = SITE / "normalization-from-scratch.pdf"
CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
MARGIN: PdfMargins = {"top": "16mm", "bottom": "18mm", "left": "14mm", "right": "14mm"}
STYLE = """
.bd-header, .bd-header-article, .bd-sidebar, .sidebar-toggle, .prev-next-footer, .copybtn, .headerlink, footer, dialog,
.skip-link, #jb-print-docs-body, #pst-back-to-top, .nlx-bar, .nlx-side { display: none !important; }
article.chapter + article.chapter { break-before: page; }
.bd-main .bd-content article.chapter h1:first-of-type { display: block !important; }
div.math { font-size: 85%; }
h1, h2, h3 { break-after: avoid; }
figure, div.math, table, .cell_output { break-inside: avoid; }
table :is(td, th) { overflow-wrap: anywhere; }
.nlx-all td, .nlx-all th { white-space: normal !important; font-size: 8pt; }
div.highlight pre, .output pre { font-size: 7.5pt !important; white-space: pre-wrap; }
"""


def article(page: str) -> Tag:
    """The article of a page, its anchors and the links to them made unique by the page's name."""
    found = BeautifulSoup((SITE / f"{page}.html").read_text(encoding="utf-8"), "html.parser").select_one("article")
    if found is None:
        raise ValueError(f"{page}.html has no article; build the book again with `make book`")
    name = Path(page).name
    found["id"], found["class"] = name, "bd-article chapter"
    for part in found.select("[id]"):
        part["id"] = f"{name}--{part['id']}"
    for link in found.select("a[href]"):
        target = urlsplit(str(link["href"]))
        if not target.scheme and (not target.path or target.path.endswith(".html")):
            chapter = Path(target.path).stem or name
            link["href"] = f"#{chapter}--{target.fragment}" if target.fragment else f"#{chapter}"
    return found


def chapters() -> list[str]:
    """The pages of the table of contents, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])]


def whole_book() -> str:
    """All chapters as one page; a page with formulas is its frame, so that it loads MathJax."""
    pages = chapters()
    whole = BeautifulSoup((SITE / f"{pages[1]}.html").read_text(encoding="utf-8"), "html.parser")
    for place in whole.select("article"):
        place.replace_with(*(article(page) for page in pages))
    return str(whole)


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    """The whole book in the browser, as it is printed: formulas set, what only a screen needs hidden."""
    together = SITE / "chapters" / "all-chapters.html"  # beside the chapters, where their images are found
    together.write_text(whole_book(), encoding="utf-8")
    try:
        page = browser.new_page(color_scheme="light")
        page.set_default_timeout(180_000)
        page.goto(together.as_uri())
        page.evaluate("MathJax.startup.promise.then(() => null)")
        page.add_style_tag(content=STYLE)
        yield page
    finally:
        together.unlink()


def write(page: Page, path: Path) -> None:
    """Print the page as A4."""
    page.pdf(path=path, format="A4", margin=MARGIN, outline=True, tagged=True, print_background=True)


def main() -> int:
    """Print the book; returns the exit code: 1 and one sentence where something is missing."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    if not all((SITE / f"{page}.html").exists() for page in chapters()):
        print("The book is not built; run `make book` first.", file=sys.stderr)
        return 1
    if not CHROMIUM:
        print("There is no Chromium; install it with `apt-get install chromium`.", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with opened(browser) as page:
            write(page, PDF)
        browser.close()
    print(f"book: {PDF.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
