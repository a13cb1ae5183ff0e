"""How much a picture asks of the browser that draws it: a file of a kilobyte can ask for gigabytes, or for minutes."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from itertools import islice
from xml.etree import ElementTree

MOST_SVG = 5_000_000  # characters
AN_ELEMENT = 100  # pixels, for the time that an element of an SVG takes
MOST_USED = 1000  # elements within one that is used again; a marker or a letter has one or two
SVG = "{http://www.w3.org/2000/svg}"
HREF = ("href", "{http://www.w3.org/1999/xlink}href")
# What is drawn once for each element. The others repeat, blur, move or fetch.
PLAIN = frozenset(
    f"{SVG}{name}"
    for name in (
        *("svg", "g", "defs", "title", "desc", "metadata", "style", "path", "use", "rect", "circle", "ellipse", "line"),
        *(
            "polyline",
            "polygon",
            "text",
            "tspan",
            "clipPath",
            "pattern",
            "image",
            "linearGradient",
            "radialGradient",
            "stop",
        ),
    )
)
ONCE = (f"{SVG}clipPath", f"{SVG}pattern")  # drawn for what names them: nothing inside may name others
AGAIN = (f"{SVG}use", f"{SVG}image")
HEAVY = re.compile(r"filter|mask|marker|animation|transition|[\\@]|url\(\s*[^#\s]")  # in a style
PNG, GIF, JPEG = b"\x89PNG\r\n\x1a\n", (b"GIF87a", b"GIF89a"), b"\xff\xd8"
SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's segments that begin a frame


def pixels(data: bytes) -> float:
    """Width times height of a PNG, a GIF or a JPEG, as its head says; infinite where it is none of them.

    Browsers go by the first bytes, whatever kind of picture the page says that it is.

    >>> pixels(PNG + bytes(4) + b"IHDR" + struct.pack(">II", 640, 480)), pixels(b"RIFF")
    (307200, inf)
    """
    try:
        if data.startswith(PNG) and data[12:16] == b"IHDR":
            width, height = struct.unpack_from(">II", data, 16)
        elif data.startswith(GIF):
            width, height = struct.unpack_from("<HH", data, 6)
        elif data.startswith(JPEG):
            height, width = struct.unpack_from(">HH", data, _frame(data) + 5)
        else:
            return math.inf
    except (struct.error, IndexError):
        return math.inf
    return int(width) * int(height)


def _frame(data: bytes) -> int:
    """Where the segment that tells a JPEG's size begins. Raises IndexError or struct.error."""
    place = 2
    while data[place + 1] not in SIZES:
        (length,) = struct.unpack_from(">H", data, place + 2)
        place += 1 if data[place + 1] == 0xFF else 2 + length
    return place


def svg_pixels(svg: str) -> float:
    """The same of an SVG: of its pictures, and a hundred for each element; infinite where it holds more than plots do.

    >>> svg_pixels('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L1 1"/></svg>')
    200
    """
    if len(svg) > MOST_SVG or "<!ENTITY" in svg:
        return math.inf
    try:
        elements = [each for each in ElementTree.fromstring(svg).iter() if each.tag.startswith(SVG)]
    except (ElementTree.ParseError, ValueError):
        return math.inf
    by_id = {name: each for each in reversed(elements) if (name := each.get("id"))}  # the first of an id counts
    found: float = 0
    for each in elements:
        if each.tag not in PLAIN or any(map(HEAVY.search, _styles(each))):
            return math.inf
        found += AN_ELEMENT + _from_elsewhere(each, by_id)
    return found


def _from_elsewhere(element: ElementTree.Element, by_id: dict[str, ElementTree.Element]) -> float:
    """What a picture holds, and what elements of elsewhere come to that are drawn in the place of one."""
    if element.tag in ONCE:
        inside = [each for each in element.iter() if each is not element]
        names = any(each.tag in AGAIN or "url(" in "".join(_styles(each)) for each in inside)
        return math.inf if names or len(inside) > MOST_USED else 0
    target = next((value for name in HREF if (value := element.get(name))), "")
    if element.tag == f"{SVG}image" and target:
        kind, _, data = target.partition(",")
        return pixels(from_base64(data)) if kind == "data:image/png;base64" else math.inf
    found = by_id.get(target.removeprefix("#")) if element.tag == f"{SVG}use" else None
    inner = list(islice(found.iter(), MOST_USED + 1)) if found is not None else []
    nested = any(each.tag in AGAIN for each in inner)
    return math.inf if nested or len(inner) > MOST_USED else AN_ELEMENT * len(inner)


def from_base64(data: str) -> bytes:
    """What the text stands for; nothing where it is no base64."""
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _styles(element: ElementTree.Element) -> list[str]:
    """What of an element is, or names, a style, in small letters; a sheet of styles may name no other element."""
    values = [element.get(name, "").lower() for name in ("style", "fill", "stroke", "clip-path")]
    sheet = [(element.text or "").lower().replace("url(", "@")] if element.tag == f"{SVG}style" else []
    return [*sheet, *map(str.lower, element.keys()), *values]
