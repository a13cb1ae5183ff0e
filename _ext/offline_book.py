"""What the pages need beyond Jupyter Book: MathJax from our own host, and faults of theme and tools mended."""

from __future__ import annotations

import re
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import myst_nb.core.render
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")

FORMULA = '<span class="math notranslate nohighlight">[^<]*</span>'
MENDS = [
    # The icons come from the font; the script draws them a second time, and is half a megabyte.
    (re.compile(r'\s*<script src="[^"]*/fontawesome/[^"]*\.js[^"]*"></script>'), ""),
    (re.compile(r'\s*<link rel="preload"[^>]*/(?:fa-brands-400|fa-regular-400)\.woff2"\s*/?>'), ""),
    # Roles that the standard has dropped, in lists whose items have them.
    (re.compile(r' role="(?:doc-biblioentry|list)"'), ""),
    # Everything on a page must lie in a landmark.
    (
        re.compile(r'<(div|aside) class="bd-sidebar-primary bd-sidebar([^>]*)>'),
        r'<\1 role="navigation" aria-label="Book" class="bd-sidebar-primary bd-sidebar\2>',
    ),
    # A line may break on either side of a formula, whatever stands there: none begins with the comma behind one.
    (re.compile(rf"[(\[“‘]+{FORMULA}[.,:;!?)\]’”%-]*|{FORMULA}[.,:;!?)\]’”%-]+"), r'<span class="glued">\g<0></span>'),
]

# What a page must hold for a script to have something to do. Jupyter Book adds each to every page; Thebe is not used.
USED_BY = {
    "mathjax/tex-chtml.js": 'class="math',
    "window.MathJax": 'class="math',
    "design-tabs": "sd-tab-set",
    "sphinx-thebe": None,
    "THEBE_JS_URL": None,
}


def joined_streams(outputs: list[Any]) -> list[Any]:
    """The outputs of a cell with the text of each stream in one piece.

    The kernel cuts its text wherever a timer fires, and myst-nb 1.4 puts a line break at each cut: pages would differ
    from run to run.
    """
    joined: list[Any] = []
    first: dict[str, Any] = {}
    for output in outputs:
        name = output.get("name") if output["output_type"] == "stream" else None
        if name in first:
            first[name]["text"] += output["text"]
            continue
        if name is not None:
            output = first[name] = output.copy()
        joined.append(output)
    return joined


def use_own_mathjax(app: Sphinx, config: Config) -> None:
    """Point the pages at the copy that :func:`copy_mathjax` puts beside them; ``book.js`` sets the formulas."""
    config.mathjax_path = "mathjax/tex-chtml.js"
    config.mathjax3_config = {**(config.mathjax3_config or {}), "startup": {"typeset": False}}


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


def named(asset: Any) -> tuple[str, str]:
    """The file and the text of a script or a stylesheet, one of them empty."""
    return str(getattr(asset, "filename", asset) or ""), str(getattr(asset, "attributes", {}).get("body") or "")


def keep_what_is_used(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Keep the first of each script (several extensions add the same ones), and no script that the page cannot use."""
    unused = [part for part, sign in USED_BY.items() if sign is None or sign not in context.get("body", "")]
    for kind in ("script_files", "css_files"):
        assets = {named(asset): asset for asset in reversed(context.get(kind, []))}
        context[kind] = [
            asset for name, asset in reversed(assets.items()) if not any(part in "".join(name) for part in unused)
        ]


def mend_pages(app: Sphinx, error: Exception | None) -> None:
    """Apply ``MENDS`` to the pages that were written; a page that is mended already stays as it is."""
    if error is not None or app.builder.format != "html":
        return
    for path in [*Path(app.outdir).glob("*.html"), *Path(app.outdir, "chapters").glob("*.html")]:
        before = path.read_text(encoding="utf-8")
        if 'role="navigation" aria-label="Book"' in before:
            continue
        after = before
        for pattern, replacement in MENDS:
            after = pattern.sub(replacement, after)
        if after != before:
            path.write_text(after, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    myst_nb.core.render.coalesce_streams = joined_streams
    app.connect("config-inited", use_own_mathjax, priority=900)
    app.connect("html-page-context", keep_what_is_used, priority=950)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", mend_pages)
    app.add_js_file("book.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
