"""How large the picture is that a browser draws of a file: a kilobyte can ask for gigabytes."""

from __future__ import annotations

import base64
import binascii
import math
import struct

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's segments that begin a frame
BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # its markers that nothing follows


def pixels(data: bytes) -> float:
    """Width times height of a PNG or a JPEG, as its head says; infinite where it is neither, or a film.

    Browsers go by the first bytes, whatever kind of picture the page says that it is.

    >>> pixels(PNG + b"\\0\\0\\0\\rIHDR" + struct.pack(">II9x4x4s", 640, 480, b"IDAT")), pixels(b"GIF89a")
    (307200, inf)
    """
    try:
        if data.startswith(PNG) and data[12:16] == b"IHDR" and not _moves(data):
            width, height = struct.unpack_from(">II", data, 16)
        elif data.startswith(JPEG):
            height, width = struct.unpack_from(">HH", data, _frame(data) + 5)
        else:
            return math.inf
    except (struct.error, IndexError):
        return math.inf
    return int(width) * int(height)


def _moves(data: bytes) -> bool:
    """Whether a chunk before a PNG's first picture says that others follow. Raises struct.error."""
    place = len(PNG)
    while (kind := data[place + 4 : place + 8]) not in (b"acTL", b"IDAT"):
        place += 12 + int(struct.unpack_from(">I", data, place)[0])
    return kind == b"acTL"


def _frame(data: bytes) -> int:
    """Where the segment that tells a JPEG's size begins. Raises IndexError or struct.error."""
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker in SIZES:
            return place
        if marker == 0xFF:  # one that fills up
            place += 1
        elif marker in BARE:
            place += 2
        else:
            place += 2 + int(struct.unpack_from(">H", data, place + 2)[0])
    raise IndexError  # browsers skip what stands between segments


def from_base64(data: str) -> bytes:
    """What the text stands for; nothing where it is no base64."""
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
