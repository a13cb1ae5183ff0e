"""Reading elsewhere: the notebook of each page to download, and, where BOOK_URL is set, a sitemap and preview cards.

BOOK_URL is the address at which the book will be published, which only the publisher knows.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
from plain_markdown import plain
from pybtex.database import parse_file  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.config import Config


def author_years(app: Sphinx) -> dict[str, str]:
    """For each key of the bibliography what a sentence says: "Ioffe and Szegedy (2015)"."""
    works = {}
    for name in app.config.bibtex_bibfiles:
        for key, entry in parse_file(str(Path(app.srcdir, name))).entries.items():
            people = [person.rich_prelast_names + person.rich_last_names for person in entry.persons.get("author", [])]
            authors = [" ".join(map(str, names)) for names in people] or [key]
            who = " and ".join(authors) if len(authors) < 3 else f"{authors[0]} et al."
            works[key] = f"{who} ({entry.fields.get('year', 'no year')})"
    return works


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
    titles = {name.rpartition("/")[2]: title.astext() for name, title in app.env.titles.items()}
    works = author_years(app)
    for page in app.env.found_docs:
        origin = executed(app, page)
        if origin.exists():
            notebook = nbformat.read(origin, as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = plain(cell.source, titles, works)
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
