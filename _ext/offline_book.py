"""What the book's pages need beyond Jupyter Book: MathJax on our own host, and the theme's accessibility faults mended."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")


def use_own_mathjax(app: Sphinx, config: Config) -> None:
    """Point the pages at the copy that :func:`copy_mathjax` puts beside them."""
    config.mathjax_path = "mathjax/tex-chtml.js"


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Copy the parts of MathJax that a page can ask for into ``_static/mathjax``."""
    if error is not None or app.builder.format != "html":
        return
    try:
        installed = distribution(MATHJAX_PACKAGE).locate_file("sphinx-mathjax-offline/static/mathjax")
    except PackageNotFoundError:
        raise ExtensionError(f"the package {MATHJAX_PACKAGE} is missing: install the extra [book]") from None
    target = Path(app.outdir, "_static", "mathjax")
    for part in MATHJAX_PARTS:
        origin, copy = Path(str(installed), part), target / part
        if origin.is_dir():
            shutil.copytree(origin, copy, dirs_exist_ok=True)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, copy)


def mend_page(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Drop scripts that are included twice."""
    seen: set[tuple[str, str]] = set()
    scripts = []
    for script in context.get("script_files", []):
        key = (str(getattr(script, "filename", script) or ""), str(getattr(script, "attributes", {}).get("body")))
        if key not in seen:
            seen.add(key)
            scripts.append(script)
    context["script_files"] = scripts


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", use_own_mathjax, priority=900)
    app.connect("html-page-context", mend_page, priority=950)
    app.connect("build-finished", copy_mathjax)
    app.add_css_file("book.css")
    app.add_js_file("book.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
