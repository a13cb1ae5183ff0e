"""What students wrote does nothing on the pages of nbgrader's formgrader either.

By configuration::

    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.preprocessors = ["autograder.inert.Inert"]

nbconvert sanitizes outputs with the first, in time that grows by the square; Markdown cells formgrader shows as they
are, with the instructor's rights.
"""

from __future__ import annotations

from typing import Any

from nbconvert.preprocessors import Preprocessor

from autograder.sanitize import Page

# Markdown is read again when the page is made; as a reference none of these means anything then.
_REFERENCES = {ord(char): f"&#{ord(char)};" for char in "\n!*[\\]^_`|~"}


class Inert(Preprocessor):  # type: ignore[misc]
    """Turns outputs, and the Markdown cells that students may edit, into sanitized HTML, in what is shown alone."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """nbconvert's: text that a student could write becomes HTML that does nothing."""
        page = Page()
        for cell in nb.cells:
            if cell.cell_type == "markdown" and not cell.metadata.get("nbgrader", {}).get("locked"):
                html = str(page.render_markdown(cell.source, cell.get("attachments", {})))
                cell.source = f"<div>{html.translate(_REFERENCES)}</div>"
                cell.attachments = {}  # they stand in the text
            for output in cell.get("outputs", []):
                if "data" in output:
                    output.data = page.inert(output.data)
        return nb, resources
