"""What the book's own Sphinx extensions change in notebooks and pages."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "_ext"))

import parallel_cells
from offline_book import MENDS, joined_streams
from plain_markdown import plain

CHAPTERS = sorted((Path(__file__).parents[1] / "chapters").glob("*.md"))


def stream(name: str, text: str) -> dict[str, str]:
    return {"output_type": "stream", "name": name, "text": text}


def mended(html: str) -> str:
    for pattern, replacement in MENDS:
        html = pattern.sub(replacement, html)
    return html


def test_text_that_the_kernel_cut_in_a_line_is_one_line_again() -> None:
    cut = [stream("stdout", "relative er"), stream("stdout", "ror 1e-09\n")]
    assert joined_streams(cut) == [stream("stdout", "relative error 1e-09\n")]
    assert cut[0]["text"] == "relative er"  # the executed notebook keeps its own


def test_a_figure_stays_where_it_was_among_the_text() -> None:
    figure = {"output_type": "display_data"}
    outputs = [stream("stdout", "a"), figure, stream("stderr", "b"), stream("stdout", "c")]
    assert joined_streams(outputs) == [stream("stdout", "ac"), figure, stream("stderr", "b")]


@pytest.mark.parametrize(
    ("book", "notebook"),
    [
        ("a {term}`batch` of", "a batch of"),
        ("{term}`features <feature>`", "features"),
        ("{doc}`the closed form <closed-form>`", "the closed form"),
        ("see {cite:t}`ioffe2015`, {cite:p}`a,b`", "see [ioffe2015], [a,b]"),
        ("from {eq}`eq-dc`", "from (dc)"),
        ("$$\na = b\n$$ (eq-dc)\n", "$$\na = b\n\\tag{dc}$$\n"),
        ("$\\mathrm{d}x$ and `{x}`", "$\\mathrm{d}x$ and `{x}`"),
        ("`{x}` and `y`, {term}`z`", "`{x}` and `y`, z"),
        ("{cite}`wu2018`; {cite:t}`wu2018` in {doc}`norms`", "(Wu and He 2018); Wu and He (2018) in *Norms*"),
        ("{numref}`tab-rules` has more than {numref}`fig-a`.", "The table has more than the figure."),
        ("```{exercise} Guess\n:label: ex-a\n\nHow {term}`deep`?\n```\n", "**Guess**\n\nHow deep?\n"),
        (
            "````{solution} ex-a\n:class: dropdown\n\n```\n{doc}`kept`\n```\n````\n",
            "<details><summary>Answer</summary>\n\n```\n{doc}`kept`\n```\n\n</details>\n",
        ),
        ("```{admonition} One\n:class: tip\n\nTwo.\n\nThree.\n```\n", "> **One**\n> \n> Two.\n> \n> Three.\n"),
        ("```{note}\nOne.\n```\n", "> **Note**\n> \n> One.\n"),
        (
            "```{list-table} Rules\n:header-rows: 1\n\n* - a\n  - b\n* - $c$\n  -\n```\n",
            "*Rules*\n\n| a | b |\n| --- | --- |\n| $c$ |  |\n",
        ),
        ("Forgotten `a`\n: It is {term}`b`,\n  twice.\n", "**Forgotten `a`**: It is b,\n  twice.\n"),
        (":::{dropdown} Why?\nSo.\n:::\n", "<details><summary>Why?</summary>\n\nSo.\n\n</details>\n"),
    ],
)
def test_a_downloaded_notebook_speaks_plain_markdown(book: str, notebook: str) -> None:
    titles = {"norms": "Norms"}
    works = {"wu2018": "Wu and He (2018)"}
    assert plain(book, titles, works) == notebook


@pytest.mark.parametrize("strange", ["\x0c", "\u2028"], ids=["form feed", "line separator"])
def test_only_a_newline_ends_a_line_of_a_cells_text(strange: str) -> None:
    text = f"One{strange}two.\n\n```{{note}}\nThree.\n```\nFour {{term}}`a`."
    assert plain(text) == f"One{strange}two.\n\n> **Note**\n> \n> Three.\nFour a."


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_no_role_of_the_book_is_left_in_a_notebook(chapter: Path) -> None:
    prose = re.sub(r"```\{code-cell\}.*?```", "", chapter.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert re.findall(r"\{[a-z]+(?::[a-z]+)?\}`|`{3}\{|:{3}", plain(prose)) == []


def test_pages_load_no_icon_script_and_lie_in_landmarks() -> None:
    page = (
        '<script src="../_static/vendor/fontawesome/6.5.2/js/all.min.js?digest=1"></script>'
        '<script src="../_static/doctools.js"></script><div class="bd-sidebar-primary bd-sidebar">'
    )
    assert "fontawesome" not in mended(page)
    assert "doctools.js" in mended(page)
    assert '<div role="navigation" aria-label="Book"' in mended(page)


def test_pages_run_again_where_the_package_that_they_import_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "normlab"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.setattr("normlab.__file__", str(package / "__init__.py"))
    config = SimpleNamespace(execution_cache_path=str(tmp_path / "cache"))
    env: Any = SimpleNamespace(mystnb_config=config, found_docs={"b", "a"})
    app: Any = None
    assert parallel_cells.forget_old_results(app, env) == ["a", "b"]
    assert parallel_cells.forget_old_results(app, env) == []
    (package / "explorer.js").write_text("changed")
    assert parallel_cells.forget_old_results(app, env) == ["a", "b"]


def test_a_formula_stays_in_one_line_with_the_signs_that_touch_it() -> None:
    formula = '<span class="math notranslate nohighlight">\\(D\\)</span>'
    page = f"Over N ({formula}), of &quot;{formula} and {formula}-dimensional ones.\n{formula}. <em>{formula}</em>"
    assert mended(page) == (
        f'Over N <span class="glued">({formula}),</span> of &quot;{formula} and <span class="glued">{formula}-</span>'
        f'dimensional ones.\n<span class="glued">{formula}.</span> <em>{formula}</em>'
    )
