"""formgrader's page of a submission, which runs with the instructor's rights, runs nothing of the student's."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from autograder.inert import CELL_SOURCE, PAGE_SOURCE, Inert
from autograder.sanitize import OUTPUT_CHARACTERS, PAGE_TAGS
from tests.attacks.in_files import MARKUP

NOTHING = dict.fromkeys(("base_url", "mathjax_url", "last_name", "first_name", "notebook_id", "assignment_id"), "")
RESOURCES: dict[str, Any] = NOTHING | {"submission_id": "s", "index": 0, "total": 1, "prev": None, "next": None}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TRICKS = [
    *MARKUP,
    "    indented\n\n    [click](javascript:pwned=1)\n\n<script>pwned=1</script>",
    "```\n\n[click](javascript:pwned=1)\n\n<img src=x onerror=pwned=1>\n```",
    "\\[click\\](javascript:pwned=1)\n\n&lt;script&gt;pwned=1&lt;/script&gt; <!-- \n\n--> <script>pwned=1</script>",
    "$$ \\href{javascript:pwned=1}{x} $$ <![CDATA[<script>pwned=1</script>]]>",
]


class Active(HTMLParser):
    """Collects what could run, load or lead to a script."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "form", "base", "meta", "svg"):
            self.found.append(tag)
        for name, value in attributes:
            address = (value or "").strip().lower()
            if name.startswith("on") or address.startswith(("javascript:", "data:text")):
                self.found.append(f"{tag} {name}")


def page_of(texts: list[str], configured: bool) -> list[str]:
    """What is active on formgrader's page of a notebook whose every text is one of these."""
    outputs = [
        nbformat.v4.new_output("display_data", {kind: text})
        for text in texts
        for kind in ("text/html", "text/markdown", "text/latex", "image/svg+xml", "text/plain")
    ]
    outputs += [nbformat.v4.new_output("stream", text=text) for text in texts]
    cells = [nbformat.v4.new_code_cell("x", outputs=outputs), *map(nbformat.v4.new_markdown_cell, texts)]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    if configured:
        config.HTMLExporter.sanitize_html = True
        config.HTMLExporter.preprocessors = ["autograder.inert.Inert"]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    html, _ = HTMLExporter(config=config).from_notebook_node(notebook, resources=dict(RESOURCES))
    page = Active()
    page.feed(html)
    return sorted(page.found)


@pytest.mark.filterwarnings("ignore")
def test_formgrader_runs_nothing_that_a_student_wrote() -> None:
    formgraders_own = page_of(["plain"], configured=True)
    assert page_of(TRICKS, configured=True) == formgraders_own
    assert page_of(TRICKS, configured=False) != formgraders_own  # nbgrader alone runs them


def test_what_students_displayed_is_sanitized_before_nbconvert_reads_it() -> None:
    slow = "<p>" + "".join(f"<b title={number}>" for number in range(9000)) + "<p>x" * 9000
    data = [{"text/html": slow, "text/plain": "plain"}, {"text/html": "<b onclick=x>y</b>"}, {"image/png": PNG}]
    cell = nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("display_data", each) for each in data])
    shown, _ = Inert().preprocess(nbformat.v4.new_notebook(cells=[cell]), {})
    assert [dict(output.data) for output in shown.cells[0].outputs] == [
        {"text/html": '<pre class="output">plain</pre>'},
        {"text/html": '<div class="html" tabindex="0" role="group" aria-label="output"><b>y</b></div>'},
        {"image/png": PNG},
    ]


def test_long_code_and_text_are_cut_and_raw_cells_are_text() -> None:
    new = nbformat.v4
    cells = [new.new_code_cell("." * CELL_SOURCE), new.new_code_cell("x" * (CELL_SOURCE + 7)), new.new_raw_cell("<b>&")]
    cells += [new.new_code_cell("." * CELL_SOURCE) for _ in range(PAGE_SOURCE // CELL_SOURCE)]
    text = {"text/plain": "&" * OUTPUT_CHARACTERS}
    enough = PAGE_TAGS // OUTPUT_CHARACTERS + 1
    cells[0].outputs = [new.new_output("execute_result", text, execution_count=1) for _ in range(enough)]
    shown, _ = Inert().preprocess(new.new_notebook(cells=cells), {})
    sources = [cell.source for cell in shown.cells]
    assert sources[0] == "." * CELL_SOURCE
    assert sources[1] == "x" * CELL_SOURCE + "\n# cut here: 7 characters more"
    assert sources[2] == "&lt;b&gt;&amp;"
    assert sources[-1] == f"\n# cut here: {CELL_SOURCE} characters more"
    assert sum(map(len, sources)) < PAGE_SOURCE + 1000
    assert "cut here" in shown.cells[0].outputs[-1].data["text/html"]


def test_a_run_of_blanks_is_shortened_and_code_keeps_its_lines() -> None:
    code = "x = 1\n\n\n\nif x:\n" + " " * 150 + "y = 2\n"
    cells = [nbformat.v4.new_code_cell(source) for source in (code, "x = 0\n" + " \n" * 4000 + "!")]
    shown, _ = Inert().preprocess(nbformat.v4.new_notebook(cells=cells), {})
    assert shown.cells[0].source == code
    assert len(shown.cells[1].source) < 210


def test_what_a_cell_printed_without_end_is_cut_and_says_so() -> None:
    lines = [f"line {number}" for number in range(100_000)]
    outputs = [
        nbformat.v4.new_output("stream", text="\n".join(lines)),
        nbformat.v4.new_output("error", ename="E", evalue="", traceback=lines),
        nbformat.v4.new_output("display_data", {"text/plain": "\n".join(lines)}),
    ]
    cell = nbformat.v4.new_code_cell("x", outputs=outputs)
    shown, _ = Inert().preprocess(nbformat.v4.new_notebook(cells=[cell]), {})
    stream, error, displayed = shown.cells[0].outputs
    for text in (stream.text, "\n".join(error.traceback), displayed.data["text/html"]):
        assert "line 1\nline 2\n" in text
        assert "\nline 99998\nline 99999" in text
        assert "[left out here: 1,0" in text
        assert text.count("\n") < 250


def test_only_what_students_may_edit_is_touched_and_its_pictures_stay() -> None:
    locked = nbformat.v4.new_markdown_cell("*given*", metadata={"nbgrader": {"locked": True}})
    written = nbformat.v4.new_markdown_cell("*mine* ![p](attachment:p.png)", attachments={"p.png": {"image/png": PNG}})
    shown, _ = Inert().preprocess(nbformat.v4.new_notebook(cells=[locked, written]), {})
    assert shown.cells[0].source == "*given*"
    assert "<em>mine</em>" in shown.cells[1].source
    assert f'src="data:image/png;base64,{PNG}"' in shown.cells[1].source
