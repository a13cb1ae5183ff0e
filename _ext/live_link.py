"""A button on each page that has code: run and change it in the browser. `scripts/live.py` builds what it opens."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

LITE = "lite/notebooks/index.html?path="


def add_button(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Add the button to the theme's header; a plain link, so that nothing is loaded before a reader asks."""
    if doctree is None or not any(
        "cell_input" in node.get("classes", []) for node in doctree.findall() if hasattr(node, "get")
    ):
        return
    up = "../" * page.count("/")
    context["header_buttons"].append(
        {
            "type": "link",
            "url": f"{up}{LITE}{page}.ipynb",
            "text": "Run",
            "tooltip": "Run and change this page in the browser",
            "icon": "fas fa-play",
            "label": "run-live-button",
        }
    )


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", add_button, priority=600)  # after the theme has made its list
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
