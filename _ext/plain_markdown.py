"""The book's markup in the words of plain Markdown, for viewers of notebooks that know no other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

Names = Mapping[str, str]
BLOCKS = MarkdownIt("commonmark").use(colon_fence_plugin).use(dollarmath_plugin)
DIRECTIVE = re.compile(r"\{([\w:-]+)\} *(.*)")
OPTION = re.compile(r":([\w-]+):(?: (.*))?")
# A span of code is matched first, and kept: it may hold what looks like a role.
ROLE = re.compile(r"(?<!`)(?:\{(?P<role>[\w:-]+)\})?(?P<ticks>`+)(?!`)(?P<text>.+?)(?<!`)(?P=ticks)(?!`)", re.DOTALL)
TITLED = re.compile(r"(.*?)\s*<([^>]*)>", re.DOTALL)
TERM = re.compile(r"^(\S.*)\n: +", re.MULTILINE)  # of a definition list
MARKS = re.compile(r"^(?:\([\w-]+\)=|\{[.#][^}]*\}|%.*)$\n?", re.MULTILINE)  # targets, attributes, comments
NOTES = ("admonition", "attention", "caution", "danger", "hint", "important", "note", "seealso", "tip", "warning")
KINDS = {"fig": "the figure", "tab": "the table", "eq": "the equation"}


def plain(text: str, titles: Names | None = None, works: Names | None = None) -> str:
    """The text of a cell without the markup that only the book understands.

    ``titles`` has the title of each page, ``works`` an author-year for each citation key; what is not there is
    named by its key.
    """
    return _Translation(titles or {}, works or {}).text(text)


class _Translation:
    def __init__(self, titles: Names, works: Names) -> None:
        self.titles, self.works = titles, works

    def text(self, text: str) -> str:
        """Blocks that are code or formulas stay as they are, directives are rewritten, all else is prose."""
        lines = re.split(r"(?<=\n)", text)  # as markdown-it counts them; splitlines() also splits at a form feed
        pieces, done = [], 0
        for token in BLOCKS.parse(text):
            if token.type not in ("fence", "colon_fence", "code_block", "math_block", "math_block_label"):
                continue
            first, end = token.map or [0, 0]
            source = "".join(lines[first:end])
            new = self.block(token)
            indent = source[: len(source) - len(source.lstrip(" "))]  # in a list
            pieces += [
                self.prose("".join(lines[done:first])),
                source if new is None else re.sub(r"^(?=.)", indent, new, flags=re.MULTILINE),
            ]
            done = end
        return "".join([*pieces, self.prose("".join(lines[done:]))])

    def block(self, token: Token) -> str | None:
        """What stands for a block; None for one that any viewer knows."""
        if token.type == "math_block_label":
            return f"$${token.content}\\tag{{{token.info.removeprefix('eq-')}}}$$\n"
        directive = DIRECTIVE.fullmatch(token.info.strip())
        return None if directive is None else self.directive(directive[1], directive[2], _body(token.content))

    def directive(self, name: str, title: str, body: str) -> str:
        if name == "list-table":
            caption = f"*{self.prose(title)}*\n\n" if title else ""
            return caption + self.table(body)
        if name in ("code-block", "code"):
            return f"```{title}\n{body}```\n"
        if name == "math":
            return f"$$\n{body}$$\n"
        body = self.text(body)
        if name in ("solution", "dropdown"):
            summary = "Answer" if name == "solution" else self.summary(title)
            return f"<details><summary>{summary}</summary>\n\n{body}\n</details>\n"
        if name in NOTES:
            if name != "admonition":
                body, title = f"{title}\n{body}".lstrip(), name.capitalize()
            return re.sub(r"^(.*)$", r"> \1", f"**{self.prose(title)}**\n\n{body}".rstrip(), flags=re.MULTILINE) + "\n"
        heading = f"**{self.prose(title)}**\n\n" if title and name != "grid" else ""
        return heading + body

    def summary(self, title: str) -> str:
        """A line of HTML, in which Markdown means nothing."""
        return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(self.prose(title), quote=False))

    def table(self, body: str) -> str:
        rows = [
            [_joined(cell) for item in row.children for cell in item.children]
            for row in SyntaxTreeNode(BLOCKS.parse(body)).children[0].children
        ]
        lines = [" | ".join(self.prose(cell).replace("|", r"\|") for cell in row) for row in rows]
        return "\n".join(f"| {line} |" for line in [lines[0], " | ".join(["---"] * len(rows[0])), *lines[1:]]) + "\n"

    def prose(self, text: str) -> str:
        text = TERM.sub(r"**\1**: ", MARKS.sub("", text))
        return ROLE.sub(lambda match: self.role(match) if match["role"] else match[0], text)

    def role(self, match: re.Match[str]) -> str:
        """What a reader of the book would see, or nearly so."""
        role, text = match["role"], match["text"]
        if role.startswith("cite"):
            keys = [key.strip() for key in text.split(",")]
            if not all(key in self.works for key in keys):
                return f"[{text}]"
            works = "; ".join(self.works[key] for key in keys)
            return works if role == "cite:t" else f"({works.replace(' (', ' ').replace(')', '')})"
        if titled := TITLED.fullmatch(text):
            return titled[1]
        if role == "eq":
            return f"({text.removeprefix('eq-')})"
        if role == "math":
            return f"${text}$"
        if role == "doc":
            return f"*{self.titles[text]}*" if text in self.titles else text
        if role in ("numref", "ref"):
            words = KINDS.get(text.partition("-")[0], "the section")
            starts = re.search(r"(?:^|\n\n|[.?!:]\s)\W*$", match.string[: match.start()])
            return words.capitalize() if starts else words
        return text


def _body(content: str) -> str:
    """What stands in a directive under its options."""
    lines = content.splitlines(keepends=True)
    while lines and (not lines[0].strip() or OPTION.fullmatch(lines[0].strip())):
        del lines[0]
    return "".join(lines)


def _joined(cell: SyntaxTreeNode) -> str:
    return " ".join(node.content.replace("\n", " ") for node in cell.walk() if node.type == "inline")
