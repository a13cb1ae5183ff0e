"""Whatever stands in a submission does nothing on the page that a student gets back, and is not slow."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from autograder.kept import Kept
from autograder.results import CheckResult
from autograder.sanitize import PAGE_TAGS, Page
from tests.pages import PIXEL, html_output, judged, page, shown

HOSTILE = [
    "<script>pwned=1</script>",
    "<img src=x onerror=pwned=1>",
    "<svg onload=pwned=1><circle/></svg>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<a href='javascript:pwned=1'>click</a>",
    "<a href='data:text/html,<script>1</script>'>data</a>",
    "<style>*{display:none}</style>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><input></form>",
    "<img src=//evil.example/pixel.png>",
    "<base href=//evil.example>",
    "<math><mtext></p><style><img src=x onerror=pwned=1></style></mtext></math>",
    "<div style='background:url(//evil.example)'>styled</div>",
    "<object data=//evil.example></object><embed src=//evil.example><link rel=stylesheet href=//evil.example>",
    "</pre></section></main><script>pwned=1</script>",
    "[click](javascript:pwned=1)",
    "[data](data:text/html;base64,PHNjcmlwdD5wd25lZD0xPC9zY3JpcHQ+)",
    "![pixel](//evil.example/pixel.png)",
    "<javascript:pwned=1>",
]
OUTPUTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "html": lambda attack: {"output_type": "display_data", "data": {"text/html": attack}},
    "markdown": lambda attack: {"output_type": "display_data", "data": {"text/markdown": attack}},
    "svg": lambda attack: {"output_type": "display_data", "data": {"image/svg+xml": attack}},
    "text": lambda attack: {"output_type": "display_data", "data": {"text/plain": attack}},
    "print": lambda attack: {"output_type": "stream", "name": "stdout", "text": attack},
    "traceback": lambda attack: {"output_type": "error", "ename": attack, "evalue": attack, "traceback": [attack]},
}


@pytest.mark.parametrize("place", ["text", "print", "traceback"])
def test_what_is_written_is_on_the_page_as_it_was_written(place: str) -> None:
    assert "<b onclick=x>here</b>" in shown(page(judged({"demo": [OUTPUTS[place]("<b onclick=x>here</b>")]})))


def test_a_picture_that_is_none_becomes_its_text() -> None:
    output = {"output_type": "display_data", "data": {"image/png": '"><script>', "text/plain": "<Figure>"}}
    html = page(judged({"demo": [output]}))
    assert "&lt;Figure&gt;" in html
    assert "script" not in html


@pytest.mark.parametrize("attack", HOSTILE)
@pytest.mark.parametrize("place", [*OUTPUTS, "message", "comment", "answer"])
def test_hostile_text_is_inert_wherever_it_stands(attack: str, place: str) -> None:
    output = OUTPUTS.get(place, OUTPUTS["text"])(attack)
    result = judged({"demo": [output]}, written__why=attack if place == "answer" else "x")
    result.checks["scale_forward__values"] = CheckResult("failed", 3.0, 0.0, attack if place == "message" else "")
    html = page(result, Kept(comments={"written__why": attack}), notes=[attack])
    body = html[html.index("<body>") :]
    tags = re.findall(r"<[^>]*>", body)
    names = {re.match(r"</?([a-z0-9]+)", tag)[1] for tag in tags if re.match(r"</?[a-z]", tag)}  # type: ignore[index]
    active = {"script", "iframe", "svg", "style", "meta", "form", "input", "object", "embed", "link", "base", "math"}
    assert not names & active
    for tag in tags:
        assert not re.search(r"\son\w+\s*=|javascript:|style=", tag)
        assert "evil" not in tag
        assert "src=" not in tag or 'src="data:image/' in tag


def test_the_policy_allows_the_pages_own_style_and_pictures_and_nothing_else() -> None:
    html = page()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    style = re.search(r"<style>(.*)</style>", html, re.DOTALL)
    assert policy
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1] == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "http" not in style[1]


def test_a_picture_is_on_the_page_once_however_often_it_is_named() -> None:
    result = judged(written__why="![sketch](attachment:a.png)\n" * 300)
    result.notebook["cells"][-1]["attachments"] = {"a.png": {"image/png": PIXEL}}
    html = page(result)
    assert html.count(PIXEL) == 1
    assert html.count("(picture a.png)") == 299


def test_a_page_has_room_for_so_much_and_says_where_it_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.sanitize.PAGE_ROOM", 50_000)
    result = judged({"demo": [html_output("y" * 30_000), html_output("z" * 30_000), html_output("the end")]})
    text = shown(page(result))
    assert "y" * 30_000 in text
    assert "zz" not in text
    assert "cut here: the page is full" in text
    assert "the end" in text


def printed(text: str) -> str:
    """The page of a cell that printed this."""
    return page(judged({"demo": [{"output_type": "stream", "name": "stdout", "text": text}]}))


@pytest.mark.parametrize("line", ["x [[-0.4  1.7  0.1]\n", "x" * 500 + "\n", "x" * 100_000 + "\n", "x"])
def test_a_print_in_a_loop_leaves_its_first_and_last_lines_and_says_how_much_is_left_out(line: str) -> None:
    text = shown(html := printed("the first\n" + line * (4_000_000 // len(line)) + "\nthe last\n"))
    assert "the first" in text
    assert "the last" in text
    assert re.search(
        r"\[left out here: (3,9\d\d|4,000),\d{3} characters; the graded notebook in autograded/ has them", text
    )
    assert len(html) < len(page()) + 10_000
    assert html.count("\n") < page().count("\n") + 220


def test_long_output_scrolls_in_a_box_that_the_keyboard_reaches_and_what_is_short_stands_as_it_is() -> None:
    long = "".join(f"step {number}\n" for number in range(100))
    box = f'<pre class="output long" tabindex="0" role="group" aria-label="output">{long}</pre>'
    assert box in printed(long)
    assert '<pre class="output">step 0\n</pre>' in printed("step 0\n")


MANY = " ".join(f"a{number}" for number in range(100_000))


@pytest.mark.parametrize(
    "markup",
    [
        f"<a {MANY}>x</a>",
        f"</a {MANY}>x",
        f"<a {MANY}",
        f"<a {MANY.replace(' ', '/')}>x",
        f"<a x=\xa0'{MANY}'>x",
        f"<a x='>' {MANY}>x",
        f"<a{MANY.replace(' ', '=' + chr(34) + '>' + chr(34) + ' ')}>",
        f"<!-- <a title='--><b {MANY}>'>x",
        f"<svg><![CDATA[<a title=']]><b {MANY}>'>",
        f"<title><a x='</title><b {MANY}>'>",
    ],
    ids=lambda markup: markup[:20],
)
def test_no_tag_has_attributes_without_end_however_it_is_written(markup: str) -> None:
    start = time.process_time()
    page(judged({"demo": [html_output(markup)]}))
    assert time.process_time() - start < 1  # the sanitizer alone took 5 s


def test_tags_as_people_and_libraries_write_them_stay_as_they_are() -> None:
    table = (
        "<style scoped>\n.x > td {color: red}\n</style><!-- pandas -->\n<table border=\"1\" class='dataframe'>\n"
        '<tr  style="text-align: right;"><td colspan=2 id = T_1>1 < 2</td><td><br/><a href=https://x.org/?a=b&c>y</a>'
        "</td></tr>\n</table >"
    )
    html = page(judged({"demo": [html_output(table)]}))
    for tag in ("<table>", "<tr>", '<td colspan="2">', "<br>", 'href="https://x.org/?a=b&amp;c"'):
        assert tag in html
    assert "1 &lt; 2" in html


@pytest.mark.parametrize(
    "text",
    ["<div>" * 200_000, "<i></b>" * 100_000, "> " * 5_000, "![a](" * 50_000, "[" * 200_000, "\x1b[" * 100_000],
    ids=lambda text: text[:6],
)
def test_output_made_to_be_slow_is_not(text: str) -> None:
    outputs = [html_output(text), {"output_type": "display_data", "data": {"text/markdown": text}}]
    start = time.process_time()
    page(judged({"demo": outputs * 20}))
    assert time.process_time() - start < 10


REOPENED = [
    "<p>" + "".join(f"<b title={number}>" for number in range(1500)) + "<p>x" * 1500,
    f"<a href=http://x/{'u' * 40_000}>" + "<p>x" * 9000,
    "".join(f"<b title={number}><table><td></b></td></table>" for number in range(2000)),  # out of reach of its end
    "".join(f"<b title={number}>{'<div>' * 9}</b>" for number in range(1500)),  # reopened by its end
]


@pytest.mark.parametrize("markup", REOPENED, ids=["paragraphs", "address", "cells", "ends"])
def test_elements_that_a_parser_opens_again_and_again_have_no_room(markup: str) -> None:
    (shown,) = Page().render_outputs([html_output(markup)])
    assert str(shown) == '<pre class="output">plain</pre>'


@pytest.mark.parametrize("sign", ["&", "&amp;", "&#38;"])
def test_references_that_a_parser_takes_one_by_one_have_no_room(sign: str) -> None:
    (shown,) = Page().render_outputs([html_output(sign * PAGE_TAGS + "&")])
    assert str(shown) == '<pre class="output">plain</pre>'
    (shown,) = Page().render_outputs([html_output(sign * PAGE_TAGS)])
    assert shown.count("&amp;") == PAGE_TAGS


def test_a_table_whose_every_cell_is_bold_and_linked_stays() -> None:
    (shown,) = Page().render_outputs(
        [html_output(f"<table><tr>{'<td><b><a href=#x>y</a></b></td>' * 3000}</tr></table>")]
    )
    assert shown.count("<b><a ") == 3000


@pytest.mark.parametrize("use", ["[a] ", "![a] "])
def test_an_address_that_is_defined_once_fills_no_page(use: str) -> None:
    shown = Page().render_markdown(f"[a]: http://x/{'u' * 40_000}\n\n{use * 9500}", {})
    assert 0 < len(shown) < 2_000_000


def test_markup_beyond_a_pages_room_is_shown_as_text() -> None:
    renderer = Page()
    output = html_output("<b>x</b>" * PAGE_TAGS)
    assert "plain" in "".join(renderer.render_outputs([output]))


def test_a_page_takes_at_most_a_few_hundredths_of_a_second() -> None:
    result = judged()
    page(result)
    times = []
    for _ in range(5):
        start = time.process_time()
        page(result)
        times.append(time.process_time() - start)
    assert min(times) < 0.03
