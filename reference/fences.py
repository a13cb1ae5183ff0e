"""The parts of an assignment.md: its fences with a braced name, their options, and the prose between them.

Such a fence is a slot. What looks like one and is none is refused: it would be prose, and a model answer in it would go
to students.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments.lexers import find_lexer_class_by_name
from pygments.util import ClassNotFound

from reference.course import CourseTextError

NAME = r"[A-Za-z_]\w*"
# Of each slot: what stands behind its braces, as a pattern and as it is written; and the options that it takes.
SHAPES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "code-cell": ("python", "python", ("locked",)),
    "solution": (r"[\w-]+", "NAME", ("functions",)),
    "checks": (rf"{NAME}(\s+{NAME})*", "NAME ...", ()),
    "prediction": (NAME, "NAME", ("points", "choices", "answer")),
    "written": (r"[\w-]+", "NAME", ("points",)),
}
# Of each option: its value, as a pattern and as it is written.
VALUES = {
    "locked": (r"[\w-]*", "imports"),
    "functions": (rf"{NAME}(,\s*{NAME})*", "f, g"),
    "points": (r"\d+(\.\d+)?", "2"),
    "choices": (r"\w+(\s+\w+)+", "a b c"),
    "answer": (r"\w+", "b"),
}
NEEDED = ("points", "choices", "answer")

SLOT = re.compile(r"\{([\w-]+)\}\s*(.*)")
NESTED = re.compile(r"[`~:]{3,}\s*\{")
STRAY = re.compile(  # a line of prose that somebody meant to be a slot's, whatever it stands in
    rf"{NESTED.pattern}|^\W*:::|^[^\w\\]*:({'|'.join(VALUES)}):(\s|$)"
    rf"|^(\d+[.)])?[^\w\\]*\{{\W*({'|'.join(SHAPES)})\b",
    re.IGNORECASE,
)
LANGUAGES = {"math", "mermaid", "none", "plaintext", "txt"}  # that others know beside those of pygments


@dataclass(frozen=True)
class Part:
    """A slot; or a piece of prose, which has no name."""

    place: str
    name: str
    argument: str
    options: dict[str, str]
    body: str


def parts(path: str, text: str) -> Iterator[Part]:
    """All parts in their order. Raises CourseTextError, with the line, for what is neither a right slot nor prose."""
    lines = text.split("\n")  # as markdown-it counts them; splitlines() also splits at a form feed
    start = 0
    fences = {
        token.map[0]: (token.map[1], token) for token in MarkdownIt().parse(text) if token.type == "fence" and token.map
    }
    slots = {first for first, (_, token) in fences.items() if token.level == 0 and SLOT.fullmatch(token.info.strip())}
    plain = {number for first in fences.keys() - slots for number in range(first, fences[first][0])}
    breaks = {number for number, line in enumerate(lines) if line.strip() == "+++" and number not in plain}
    number = 0
    while number <= len(lines):
        place = f"{path}, line {number + 1}"
        if number == len(lines) or number in breaks or number in slots:
            prose = "\n".join(lines[start:number]).strip()
            if prose:
                yield Part(f"{path}, line {start + 1}", "", "", {}, prose)
            start = number + 1
            if number in slots:
                end, token = fences[number]
                yield _slot(place, token)
                _require_closed(place, token, lines[number + 1 : end])
                start = number = end
                continue
        elif number in fences:
            end, token = fences[number]
            _require_language(place, token)
            if token.level == 0:
                _require_closed(place, token, lines[number + 1 : end])
        elif STRAY.search(lines[number]):
            raise _not_prose(place, lines[number])
        number += 1


def _slot(place: str, token: Token) -> Part:
    name, argument = SLOT.findall(token.info.strip())[0]
    if name not in SHAPES:
        raise CourseTextError(f"{place}: there is no fence {{{name}}}; there are {', '.join(SHAPES)}.")
    pattern, written, takes = SHAPES[name]
    fence = f"{place}: the fence {{{name}}} {argument}".rstrip()
    if not re.fullmatch(pattern, argument, re.ASCII):
        names = "; a name is of letters, digits and _" if "NAME" in written else ""
        raise CourseTextError(f"{fence} is to begin with ```{{{name}}} {written}{names}.")
    options, body = _options(fence, takes, token.content)
    empty = name in ("checks", "prediction")
    for line in filter(str.strip, body.split("\n")):
        nested = NESTED.match(line.lstrip())
        if empty or nested or line.lstrip().startswith(token.markup):
            more = "" if empty or nested else ", or begin it with more of these marks than any line in it"
            raise CourseTextError(
                f"{fence} holds {line!r}, which would be lost there; close the fence with {token.markup} before that "
                f"line{more}."
            )
    if name == "written" and not body.strip():
        raise CourseTextError(f"{fence} is empty; what a good answer says stands in it, below the points.")
    return Part(place, name, argument, options, body)


def _options(fence: str, takes: tuple[str, ...], content: str) -> tuple[dict[str, str], str]:
    """The lines `:name: value` at the head of a slot, and the rest."""
    found: dict[str, str] = {}
    lines = content.split("\n")
    written = ", ".join(f"`:{name}: {VALUES[name][1]}`" for name in takes)
    while lines:
        word, colon, _ = lines[0].partition(":")
        line = lines[0].strip()
        if line and not (colon and word.strip() in ("", *takes)):
            break
        del lines[0]
        option = re.fullmatch(r":([\w-]+):\s*(.*)", line)
        name, value = option.groups() if option else ("", "")
        if name in takes and name not in found and re.fullmatch(VALUES[name][0], value, re.ASCII):
            found[name] = value
        elif line:
            ours = f"its options are written so, each once: {written}" if takes else "it has no options"
            raise CourseTextError(f"{fence} has {line!r}; {ours}.")
    if any(name in NEEDED and name not in found for name in takes):
        raise CourseTextError(f"{fence} lacks an option; it needs {written}.")
    return found, "\n".join(lines).strip("\n")


def _require_language(place: str, token: Token) -> None:
    """A fence that is no slot is a block of code whose language pygments knows: one without may be a slot's that lost
    its first line, or what stands between two stray fences."""
    language = token.info.strip().partition(" ")[0]
    if language in LANGUAGES:
        return
    try:
        find_lexer_class_by_name(language)
    except ClassNotFound:
        raise _not_prose(place, token.markup + token.info) from None


def _require_closed(place: str, token: Token, below: list[str]) -> None:
    last = below[-1].strip() if below else ""
    if not last.startswith(token.markup) or set(last) != {token.markup[0]}:
        raise CourseTextError(f"{place}: the fence {token.markup}{token.info} is not closed by {token.markup}.")


def _not_prose(place: str, line: str) -> CourseTextError:
    slots = ", ".join(f"```{{{name}}} {written}" for name, (_, written, _) in SHAPES.items())
    return CourseTextError(
        f"{place}: {line.strip()!r} and what follows would go to students as it stands; a slot is a fence of its own, "
        f"in no list and no quote, one of {slots}; a block of code names its language, such as ```python or ```text."
    )
