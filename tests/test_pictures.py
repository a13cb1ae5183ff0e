"""A picture that asks too much of the browser of whoever opens a page is not shown; plots are."""

from __future__ import annotations

import base64
import io
import math
import struct
import time
from typing import Any

import matplotlib.pyplot as plt
import pytest

from autograder.pictures import JPEG, PNG, from_base64, pixels
from autograder.sanitize import NOT_SHOWN, Page


def png(width: int, height: int) -> bytes:
    return PNG + struct.pack(">I4sII9x4x4s", 13, b"IHDR", width, height, b"IDAT")


def shown(*outputs: dict[str, Any]) -> list[str]:
    return [str(each) for each in Page().render_outputs([{"output_type": "display_data", "data": o} for o in outputs])]


def base64_of(data: bytes) -> str:
    return base64.encodebytes(data).decode()  # in lines, as kernels send it


@pytest.mark.parametrize(("kind", "name"), [("image/png", "png"), ("image/jpeg", "jpg")])
def test_plots_are_shown(kind: str, name: str) -> None:
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    file = io.BytesIO()
    figure.savefig(file, format=name)
    plt.close(figure)
    (page,) = shown({kind: base64_of(file.getvalue()), "text/plain": "a figure"})
    assert page.startswith(f'<img src="data:{kind};base64,')
    assert pixels(file.getvalue()) == 640 * 480


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (png(640, 480), 640 * 480),
        # A segment that holds what looks like a size, letters that fill up, a table, and then the size.
        (JPEG + b"\xff\xe0\0\x08\xff\xc0\0\x11\x08\0\xff\xff\xc4\0\x02\xff\xc2\0\x11\x08\0\x14\0\x1e", 600),
        (
            JPEG + b"\xff\x01\xff\xd7\xff\xfe\0\x08\xff\xc0\0\x11\x08\0\xff\xc0\0\x11\x08\0\x14\0\x1e",
            600,
        ),  # nothing follows these
        *[(png(640, 480).replace(b"IHDR", other), math.inf) for other in (b"HHDR", b"JHDR")],
        # Between segments a browser skips what is none; and a film asks for each of its pictures.
        (JPEG + b"\xff\xe0\0\x02\0\xc0\0\x11\x08\0\x01\0\x01\xff\xc0\0\x11\x08\xff\xff\xff\xff", math.inf),
        (JPEG + b"\0\xc0\0\x11\x08\0\x01\0\x01", math.inf),
        (png(640, 480).replace(b"IDAT", b"acTL", 1), math.inf),
        *[
            (data, math.inf)
            for data in (b"", b"RIFF\0\0\0\0WEBP", PNG, PNG + bytes(30), b"GIF89a", JPEG, JPEG + b"\xff" * 9)
        ],
    ],
)
def test_the_size_of_a_picture_is_read_from_its_head(data: bytes, asked: float) -> None:
    assert pixels(data) == asked


def test_a_head_without_an_end_is_read_in_no_time() -> None:
    before = time.process_time()
    assert pixels(JPEG + bytes(4 << 20)) == math.inf
    assert time.process_time() - before < 5


def test_what_is_neither_png_nor_jpeg_is_said_not_to_be_shown() -> None:
    for kind, data in (("image/svg+xml", "<svg/>"), ("image/gif", base64_of(b"GIF89a")), ("image/png", "?")):
        (page,) = shown({kind: data, "text/plain": "a figure"})
        assert page == f'<pre class="output">a figure\n(picture {NOT_SHOWN})</pre>'


def test_what_is_no_base64_is_nothing() -> None:
    assert from_base64("aGk=\n") == b"hi"
    assert from_base64("aG*k=") == from_base64("aGk") == from_base64("é") == b""


def test_the_pictures_of_a_page_have_a_bound_together_and_a_small_one_still_fits() -> None:
    large, small = base64_of(png(8000, 8000)), base64_of(png(640, 480))
    pages = shown(*({"image/png": data, "text/plain": "a figure"} for data in (large, large, small)))
    assert ["<img" in page for page in pages] == [True, False, True]
    answer = Page()
    assert str(answer.render_markdown("![a](attachment:x)", {"x": {"image/png": large}})).count("data:image") == 1
    assert str(answer.render_markdown("![a](attachment:x)", {"x": {"image/png": large}})).count("data:image") == 0


def test_cells_of_a_table_span_what_tables_do() -> None:
    (few,) = shown({"text/html": '<table><tr><td colspan="3" rowspan="120">x</td></tr></table>'})
    assert 'colspan="3"' in few
    assert 'rowspan="120"' in few
    row = '<td colspan="1000">x</td>'
    (many,) = shown({"text/html": f"<table><tr>{row * 9000}</tr></table>"})
    assert many.count("colspan") < 20
    (one,) = shown({"text/html": '<table><tr><td colspan="65534">x</td><td colspan="-1">y</td></tr></table>'})
    assert "colspan" not in one


def test_letters_that_turn_the_order_around_are_left_out() -> None:
    page, turned = Page(), "a\u202eb\u2066c"
    made = [page.render_code(turned), page.render_markdown(turned, {})]
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "text": turned},
        {"output_type": "display_data", "data": {"text/html": turned}},
    ]
    assert all("abc" in str(each) for each in [*made, *page.render_outputs(outputs)])
