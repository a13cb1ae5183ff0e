"""Reading elsewhere: the notebook of each page to download, and, where BOOK_URL is set, a sitemap and preview cards.

BOOK_URL is the address at which the book will be published, which only the publisher knows.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx
from sphinx.config import Config

# What a notebook's viewer would show as it stands: the book's own markup, in the words of plain Markdown.
PLAIN = [
    (re.compile(r"\{cite:[tp]+\}`([^`]*)`"), r"[\1]"),
    (re.compile(r"\{eq\}`(?:eq-)?([^`]*)`"), r"(\1)"),
    (re.compile(r"\{numref\}`[^`]*`"), "the figure"),
    (re.compile(r"\{[a-z:]+\}`([^`<]*?)\s*<[^`>]*>`"), r"\1"),
    (re.compile(r"\{[a-z:]+\}`([^`]*)`"), r"\1"),
    (re.compile(r"^\$\$ \(eq-([^)]*)\)$", re.MULTILINE), r"\\tag{\1}$$"),
    (re.compile(r"^:::\{dropdown\} (.*)\n(?=([\s\S]*?)^:::$)", re.MULTILINE), r"<details><summary>\1</summary>\n\n"),
    (re.compile(r"^:::$", re.MULTILINE), "\n</details>"),
]


def plain(text: str) -> str:
    """The text of a cell without the markup that only the book understands."""
    for pattern, replacement in PLAIN:
        text = pattern.sub(replacement, text)
    return text


def executed(app: Sphinx, page: str) -> Path:
    """Where Jupyter Book leaves the executed notebook of a page; the file is missing for a page without code."""
    return Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"


def offer_notebook(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Let the theme's download menu name the notebook."""
    if doctree is not None and executed(app, page).exists():
        context["ipynb_source"] = f"{page}.ipynb"


def write_notebooks(app: Sphinx, error: Exception | None) -> None:
    """Put the notebooks where the menu looks for them."""
    if error is not None or app.builder.name != "html":
        return
    for page in app.env.found_docs:
        origin = executed(app, page)
        if origin.exists():
            notebook = nbformat.read(origin, as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = plain(cell.source)
            nbformat.write(notebook, Path(app.outdir, "_sources", f"{page}.ipynb"))


def set_address(app: Sphinx, config: Config) -> None:
    """Tell the extensions where the book will be."""
    address = os.environ["BOOK_URL"].rstrip("/") + "/"
    config.html_baseurl = config.ogp_site_url = address
    config.ogp_site_name = config.html_title
    config.ogp_social_cards = {"image": "_static/card.png", "image_mini": "_static/card.png"}
    config.sitemap_url_scheme = "{link}"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", offer_notebook, priority=400)  # before the theme makes its menu
    app.connect("build-finished", write_notebooks)
    if os.environ.get("BOOK_URL"):
        app.setup_extension("sphinxext.opengraph")
        app.setup_extension("sphinx_sitemap")
        app.connect("config-inited", set_address, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
