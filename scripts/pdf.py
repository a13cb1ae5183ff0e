"""Make the whole book one PDF: `python scripts/pdf.py`, after `make book`.

Writes _build/html/normalization-from-scratch.pdf. The chapters are put on one page (their cells are not run again: the
results of `make book` are reused) and Chromium prints it, with an outline and with the folded answers open.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
ONE_PAGE = ROOT / "_build" / "singlehtml" / "chapters" / "index.html"
PDF = ROOT / "_build" / "html" / "normalization-from-scratch.pdf"
CHROMIUM = Path("/usr/bin/chromium")
STYLE = """
.bd-header, .bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, .prev-next-footer, .copybtn, footer,
.skip-link { display: none !important; }
body { font-size: 11px; }
h1 { break-before: page; }
h1, h2, h3 { break-after: avoid; }
figure, div.math, .cell, details, table { break-inside: avoid; }
div.highlight pre, .output pre { font-size: 7.5pt; white-space: pre-wrap; }
"""


def main() -> int:
    """Print the book; returns the exit code: 1 and one sentence where something is missing."""
    if not (ROOT / "_build" / "html").exists():
        print("There is no book yet; run `make book` first.", file=sys.stderr)
        return 1
    if not CHROMIUM.exists():
        print(f"Chromium is missing at {CHROMIUM}; install it with `apt-get install chromium`.", file=sys.stderr)
        return 1
    build = ["jupyter-book", "build", str(ROOT), "--builder", "singlehtml", "-q"]
    if subprocess.run(build).returncode:
        print("The chapters could not be put on one page; the lines above say why.", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        page = browser.new_page(color_scheme="light")
        page.goto(ONE_PAGE.as_uri())
        page.evaluate("MathJax.startup.promise.then(() => null)")
        page.add_style_tag(content=STYLE)
        page.evaluate("document.querySelectorAll('details.sd-dropdown').forEach((answer) => { answer.open = true; })")
        margin = {"top": "16mm", "bottom": "18mm", "left": "14mm", "right": "14mm"}
        page.pdf(path=PDF, format="A4", margin=margin, outline=True, tagged=True, print_background=True)
        browser.close()
    print(f"book: {PDF.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
