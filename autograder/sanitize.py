"""Whatever a student's cell wrote, as HTML that does nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import mistune
import nh3
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.pictures import from_base64, pixels

# Sanitizing takes time by the square of deeply nested tags, 10,000 of them 0.4 s, and of references such as &amp;: a
# million would take minutes or hours. This is how many of both a page may have.
PAGE_TAGS = 20_000
PAGE_REOPENED = 40 << 20  # bytes of the elements that a parser opens again, see _reopened
PAGE_MARKDOWN = 100_000  # characters of Markdown on one page
PAGE_ADDRESSES = 1 << 20  # characters of the addresses in it: one that is defined once can be named ten thousand times
PAGE_CODE = 500_000  # characters that are colored on one page
KEPT_CODE = 10_000  # characters of a cell whose colors are kept in mind: those of five hundred long ones take gigabytes
PAGE_ROOM = 40 << 20  # characters of one page
PAGE_PIXELS = 100_000_000  # of its pictures: three hundred plots, 400 MB where a browser draws all of them
NOT_SHOWN = f"not shown: a page shows PNG and JPEG alone, of {PAGE_PIXELS // 1_000_000} megapixels in all"
# Of text that a cell printed: so much of its beginning, and as much of its end; above how many lines it scrolls.
OUTPUT_CHARACTERS, OUTPUT_LINES, LONG = 4000, 100, 40
MOST_SPAN = 1000  # columns or rows of one cell of a table
CUT = Markup('<pre class="error">[cut here: the page is full]</pre>')

TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "div", "dl", "dt"),
    *("em", "hr", "i", "kbd", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup"),
    *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"),
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
# What of "<" may stand: a tag of at most 100 attributes, so written that every parser ends it at its first ">". Of the
# others the parser would take time by the square of their attributes, of 200,000 in one tag 22 s.
SPACE, SIGN = r"[ \t\n\f\r]", r"""[^ \t\n\f\r"'<>/=]"""  # as HTML has it: other spaces are part of a name
VALUE = r"""(?:"[^"<>]*+"|'[^'<>]*+'|[^ \t\n\f\r"'<>`]++)"""
ATTRIBUTE = rf"{SPACE}++{SIGN}++(?:{SPACE}*+={SPACE}*+{VALUE})?+"
LONE = re.compile(rf"<(?!/?[a-zA-Z]{SIGN}*+(?:{ATTRIBUTE}){{0,100}}+{SPACE}*+/?>|[!?][^<>]*+>)")
# What a parser opens again in each paragraph and cell until its end, and such an element that holds text alone.
FORMATTING = "(a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)"
STARTS = re.compile(rf"<{FORMATTING}(?=[ \t\n\f\r/>])[^<>]*>", re.IGNORECASE)
WHOLE = re.compile(rf"<{FORMATTING}(?=[ \t\n\f\r/>])[^<>]*>([^<>]*)</\1[ \t\n\f\r]*>", re.IGNORECASE)
OPEN_BYTES = 300  # of memory that an open element takes beside its text
PICTURE = re.compile(r'<img src="attachment:([^"]*)" alt="([^"]*)"[^>]*>')
IMAGE_URL = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=]+\Z")
ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]")
# Of these, those of Unicode turn the order around in which text is read.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# The folder of a Python file in a traceback or a warning: it tells of the machine that graded, and nothing else.
FOLDER = re.compile(r"""(^(?:File )?|[("']|: )~?/[^\n:()"']*/(?=[^\n:()"'/]+\.(?:py|so)\b)""", re.MULTILINE)
EMPTY_HEAD = re.compile(r"<th>\s*</th>")  # pandas' corner cell; a heading without words is none


class Page:
    """Renders the parts of one page, within what one page may cost."""

    def __init__(self) -> None:
        self.tags = PAGE_TAGS
        self.reopened = PAGE_REOPENED
        self.markdown = PAGE_MARKDOWN
        self.to_html = mistune.create_markdown(renderer=_Renderer(escape=True), plugins=["table", "strikethrough"])
        self.code = PAGE_CODE
        self.figures = 0
        self.room = PAGE_ROOM
        self.pixels: float = PAGE_PIXELS

    def render_code(self, source: str) -> Markup:
        """Colored Python; plain text once the page has had its share of code."""
        source = CONTROL.sub("", source)
        self.code -= len(source)
        if self.code < 0:
            return self._fit(escape(source))
        return self._fit(_highlight_again(source) if len(source) <= KEPT_CODE else _highlight(source))

    def render_markdown(self, source: str, attachments: Mapping[str, Mapping[str, str]]) -> Markup:
        """A written answer; attached pictures become data, each once, raw HTML becomes text."""
        return self._fit(self._markdown(CONTROL.sub("", source), attachments))

    def render_outputs(self, outputs: list[dict[str, Any]]) -> Iterator[Markup]:
        """Each output of a cell as inert HTML, within the room of the page."""
        for output in outputs:
            kind = output.get("output_type")
            if kind == "stream":
                name = "error stream" if output.get("name") == "stderr" else "output"
                yield self._fit(_preformatted(_joined(output.get("text")), name))
            elif kind == "error":
                lines = output.get("traceback") or [f"{output.get('ename')}: {output.get('evalue')}"]
                yield self._fit(_preformatted("\n".join(map(str, lines)), "error"))
            elif kind in ("display_data", "execute_result"):
                yield self._fit(self._bundle(output.get("data") or {}))

    def inert(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """An output's data for a page of somebody else's: a picture that is one, or HTML that does nothing."""
        if drawn := self._drawn(data):
            return {drawn[0]: data[drawn[0]]}
        shown = self._fit(self._written(data))
        self.tags -= shown.count("&")  # it is sanitized again there
        return {"text/html": str(shown if self.tags >= 0 else CUT)}

    def _fit(self, shown: Markup) -> Markup:
        """What the page has room for."""
        if len(shown) > self.room:
            return CUT
        self.room -= len(shown)
        return shown

    def _markdown(self, source: str, attachments: Mapping[str, Mapping[str, str]]) -> Markup:
        self.markdown -= len(source)
        if self.markdown < 0:
            return Markup("<pre>{}</pre>").format(source)
        try:
            rendered = str(self.to_html(source))
        except RecursionError:
            return Markup("<pre>{}</pre>").format(source)
        pictures = {str(escape(name)): bundle for name, bundle in attachments.items()}

        def picture(match: re.Match[str]) -> str:
            for kind, data in pictures.pop(match[1], {}).items():
                if pixels(from_base64(data)) > self.pixels:
                    return f"(picture {match[1]}, {NOT_SHOWN})"
                return f'<img src="data:{kind};base64,{"".join(data.split())}" alt="{match[2]}">'
            return f"(picture {match[1]})"  # it stands above, or is not there

        return self._clean(PICTURE.sub(picture, rendered), TAGS | {"img"}) or Markup("<pre>{}</pre>").format(source)

    def _bundle(self, data: Mapping[str, Any]) -> Markup:
        drawn = self._drawn(data)
        return drawn[1] if drawn else self._written(data)

    def _drawn(self, data: Mapping[str, Any]) -> tuple[str, Markup] | None:
        """The kind and the picture that the page has room for."""
        for kind in ("image/png", "image/jpeg"):
            if kind in data and (picture := self._picture(kind, _joined(data[kind]))):
                return kind, picture
        return None

    def _written(self, data: Mapping[str, Any]) -> Markup:
        """What stands for data without such a picture."""
        if "text/html" in data:
            cleaned = self._clean(_joined(data["text/html"]), TAGS)
            if cleaned:
                return Markup('<div class="html" tabindex="0" role="group" aria-label="output">{}</div>').format(
                    cleaned
                )
        if "text/markdown" in data:
            return self._markdown(_joined(data["text/markdown"]), {})
        text = _joined(data.get("text/plain", ""))
        is_picture = any(kind.startswith("image/") for kind in data)
        return _preformatted(f"{text}\n(picture {NOT_SHOWN})" if is_picture else text, "output")

    def _picture(self, kind: str, data: str) -> Markup | None:
        """None where it is none, or asks for more than the page has left."""
        data = "".join(data.split())
        if not self._can_draw(pixels(from_base64(data))):
            return None
        self.figures += 1
        return Markup('<img src="data:{};base64,{}" alt="Figure {} of this notebook">').format(kind, data, self.figures)

    def _can_draw(self, asked: float) -> bool:
        if asked > self.pixels:
            return False
        self.pixels -= asked
        return True

    def _clean(self, html: str, tags: set[str]) -> Markup | None:
        """None where the page has no room for so much markup."""
        self.tags -= html.count("<") + html.count("&")
        if self.tags < 0:
            return None
        html = LONE.sub("&lt;", CONTROL.sub("", html))
        again = _reopened(html)
        if again > self.reopened:
            return None
        self.reopened -= again
        cleaned = nh3.clean(
            html,
            tags=tags,
            attributes=ATTRIBUTES,
            attribute_filter=self._keep_attribute,
            url_schemes={"http", "https", "mailto", "data"},
            link_rel="noopener noreferrer nofollow",
        )
        return Markup(EMPTY_HEAD.sub("<td></td>", cleaned))

    def _keep_attribute(self, tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src":
            return (
                value
                if IMAGE_URL.match(value) and self._can_draw(pixels(from_base64(value.partition(",")[2])))
                else None
            )
        if attribute == "href":
            return value if value.startswith(("http://", "https://", "mailto:", "#")) else None
        if attribute in ("colspan", "rowspan"):  # each column and row that it spans costs as much as a tag
            span = int(value) if value.isascii() and value.isdigit() and len(value) < 5 else MOST_SPAN + 1
            self.tags -= min(span, MOST_SPAN)
            return value if span <= MOST_SPAN and self.tags >= 0 else None
        return value


def plain(text: str) -> str:
    """Text without the control sequences of terminals, and Python files without their folders.

    >>> plain("/home/ann/venv/numpy/fromnumeric.py:3824: \\x1b[31mRuntimeWarning")
    'fromnumeric.py:3824: RuntimeWarning'
    """
    return FOLDER.sub(r"\1", CONTROL.sub("", ANSI.sub("", text)))


def shortened(text: str) -> str:
    """What a cell printed, of long text its first and last lines, with how much is left out between them."""
    if len(text) <= 2 * OUTPUT_CHARACTERS and text.count("\n") <= 2 * OUTPUT_LINES:
        return text
    head, tail = text[:OUTPUT_CHARACTERS], text.rstrip("\n")[-OUTPUT_CHARACTERS:]
    first = "\n".join(head.split("\n")[:-1][:OUTPUT_LINES]) or head  # a line cut in two, where no other has room
    last = "\n".join(tail.split("\n")[1:][-OUTPUT_LINES:]) or tail
    left = f"{len(text) - len(first) - len(last):,} characters"
    return f"{first}\n\n[left out here: {left}; the graded notebook in autograded/ has them all]\n\n{last}\n"


def _preformatted(text: str, name: str) -> Markup:
    text = shortened(plain(text))
    kind = name.replace(" ", "-")
    if len(text) <= OUTPUT_CHARACTERS and text.count("\n") <= LONG:
        return Markup('<pre class="{}">{}</pre>').format(kind, text)
    box = Markup('<pre class="{} long" tabindex="0" role="group" aria-label="{}">{}</pre>')
    return box.format(kind, name, text)


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def _highlight(source: str) -> Markup:
    return Markup(highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)))


_highlight_again = lru_cache(maxsize=512)(_highlight)


def _reopened(html: str) -> int:
    """At most how many bytes a parser makes of elements that it opens again, in HTML whose tags end at their first ">".

    HTML's section 13.2.4.3 has the list of those that are open. What is within one another and holds text alone is
    closed by its own end tag; of the others no end tag is trusted, since there are many that close nothing.
    """
    for _ in range(3):
        html = WHOLE.sub(r"\2", html)
    return html.count("<") * sum(OPEN_BYTES + len(start[0]) for start in STARTS.finditer(html))


class _Renderer(mistune.HTMLRenderer):
    """Of one page."""

    room = PAGE_ADDRESSES

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, url, title) if self._has_room(url, title) else text

    def _has_room(self, url: str, title: str | None) -> bool:
        self.room -= len(url) + len(title or "")
        return self.room >= 0

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if not self._has_room(url, title):
            return text
        made = super().image(text, url, title)
        if url.startswith("attachment:"):  # mistune knows no such address
            made = made.replace("#harmful-link", f"attachment:{escape(unquote(url.removeprefix('attachment:')))}")
        return made

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        # The page's own headings tell its structure; a student's must not stand between them.
        return f"<p><strong>{text}</strong></p>\n"
