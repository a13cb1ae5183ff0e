"""The parts of an assignment.md: its fences with a braced name, their options, and the prose between them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt

from reference.course import CourseTextError

OPTION = re.compile(r":([a-z]+):\s*(.*)")


def slots(text: str) -> Iterator[tuple[str, str, str]]:
    """(name, argument, body) of each fence with a braced name; ("", "", text) of each piece of prose between them."""
    lines = text.split("\n")  # as markdown-it counts them; splitlines() also splits at a form feed
    start = 0
    plain: set[int] = set()
    fences: dict[int, tuple[int, str, str, str]] = {}
    for token in MarkdownIt().parse(text):
        if token.type == "fence" and token.level == 0 and token.map:
            slot = re.fullmatch(r"\{([\w-]+)\}\s*(.*)", token.info.strip())
            if slot:
                fences[token.map[0]] = (token.map[1], slot[1], slot[2], token.content)
            else:
                plain |= set(range(*token.map))
    breaks = {number for number, line in enumerate(lines) if line.strip() == "+++" and number not in plain}
    number = 0
    while number <= len(lines):
        if number == len(lines) or number in breaks or number in fences:
            prose = "\n".join(lines[start:number]).strip()
            if prose:
                yield "", "", prose
            if number in fences:
                number, name, argument, body = fences[number]
                yield name, argument, body
                start = number
                continue
            start = number + 1
        number += 1


def require_closed(path: str, name: str, argument: str, body: str) -> None:
    """CourseTextError for a fence that lacks its end, and so swallows others, or holds a text that nobody reads."""
    lines = options(body)[1].splitlines() if name in ("checks", "prediction") else re.findall(r"(?m)^```\{.*", body)
    if name and lines:
        raise CourseTextError(
            f"{path}: the fence {{{name}}} {argument} holds {lines[0]!r}, which would be lost there; "
            "close the fence with ``` before that line."
        )


def options(body: str) -> tuple[dict[str, str], str]:
    """The lines `:name: value` at the head of a fence, and the rest."""
    found: dict[str, str] = {}
    lines = body.split("\n")
    while lines and (match := OPTION.fullmatch(lines[0].strip())):
        found[match[1]] = match[2]
        del lines[0]
    return found, "\n".join(lines).strip("\n")
