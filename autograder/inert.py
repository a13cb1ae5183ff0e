"""What students wrote does nothing on the pages of nbgrader's formgrader either.

By configuration::

    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.preprocessors = ["autograder.inert.Inert"]

nbconvert sanitizes outputs and raw cells with the first, in time that grows by the square; Markdown cells formgrader
shows as they are, with the instructor's rights. It colors code of any length: 50,000 dots take half a minute. It shows
all that a cell printed, and one `print` in a loop makes the page as high as a million pixels.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from nbconvert.preprocessors import Preprocessor

from autograder.sanitize import Page, shortened

# Markdown is read again when the page is made; as a reference none of these means anything then.
_REFERENCES = {ord(char): f"&#{ord(char)};" for char in "\n!*[\\]^_`|~"}
BLANKS = re.compile(r"(\s{200})\s+")  # IPython's grammar takes time by the square of them
CELL_SOURCE, PAGE_SOURCE = 10_000, 100_000  # characters of a cell of code or raw text, of all


class Inert(Preprocessor):  # type: ignore[misc]
    """Makes what students wrote inert, in what is shown alone.

    Outputs, and the Markdown cells that students may edit, become sanitized HTML, raw cells text; what is long is cut.
    """

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """nbconvert's: text that a student could write becomes HTML that does nothing."""
        page, left = Page(), PAGE_SOURCE
        for cell in nb.cells:
            if cell.cell_type in ("code", "raw"):
                cell.source = BLANKS.sub(r"\1", cell.source)
                room = max(0, min(left, CELL_SOURCE))
                left -= len(cell.source)
                if len(cell.source) > room:
                    cell.source = f"{cell.source[:room]}\n# cut here: {len(cell.source) - room} characters more"
            if cell.cell_type == "raw":
                cell.source = escape(cell.source)
            if cell.cell_type == "markdown" and not cell.metadata.get("nbgrader", {}).get("locked"):
                html = str(page.render_markdown(cell.source, cell.get("attachments", {})))
                cell.source = f"<div>{html.translate(_REFERENCES)}</div>"
                cell.attachments = {}  # they stand in the text
            for output in cell.get("outputs", []):
                if "data" in output:
                    output.data = page.inert(output.data)
                elif output.output_type == "stream":
                    output.text = shortened(output.text)
                elif output.output_type == "error":
                    output.traceback = shortened("\n".join(output.traceback)).split("\n")
        return nb, resources
