"""A picture that asks too much of the browser of whoever opens a page is not shown; plots are."""

from __future__ import annotations

import base64
import io
import math
import struct
import time
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from autograder.pictures import GIF, JPEG, MOST_SVG, PNG, pixels, svg_pixels
from autograder.sanitize import PAGE_PIXELS, Page


def png(width: int, height: int) -> bytes:
    return PNG + bytes(4) + b"IHDR" + struct.pack(">II", width, height)


def svg(inner: str, attributes: str = "") -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" {attributes}>{inner}</svg>'


def shown(*outputs: dict[str, Any]) -> list[str]:
    return [str(each) for each in Page().render_outputs([{"output_type": "display_data", "data": o} for o in outputs])]


def base64_of(data: bytes) -> str:
    return base64.encodebytes(data).decode()  # in lines, as kernels send it


@pytest.fixture(params=["png", "jpg", "svg"])
def plot(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    figure, (one, two, three) = plt.subplots(1, 3)
    one.plot([1, 2], marker="o", linestyle="--", label=r"$\gamma$")
    one.set_title("no filter, no mask")
    one.legend()
    figure.colorbar(two.imshow(np.eye(3)))
    three.scatter(range(500), range(500), c=range(500))
    three.bar([1, 2], [3, 4], hatch="/")
    file = io.BytesIO()
    figure.savefig(file, format=request.param)
    plt.close(figure)
    return {"png": "image/png", "jpg": "image/jpeg", "svg": "image/svg+xml"}[request.param], file.getvalue()


def test_plots_are_shown(plot: tuple[str, bytes]) -> None:
    kind, data = plot
    (page,) = shown({kind: data.decode() if "svg" in kind else base64_of(data), "text/plain": "a figure"})
    assert page.startswith(f'<img src="data:{kind};base64,')
    asked = svg_pixels(data.decode()) if "svg" in kind else pixels(data)
    assert 100 * asked < PAGE_PIXELS


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (png(640, 480), 640 * 480),
        (GIF[0] + struct.pack("<HH", 30, 20), 600),
        # A segment that holds what looks like a size, letters that fill up, a table, and then the size.
        (JPEG + b"\xff\xe0\0\x08\xff\xc0\0\x11\x08\0\xff\xff\xc4\0\x02\xff\xc2\0\x11\x08\0\x14\0\x1e", 600),
        (PNG + bytes(4) + b"JHDR" + bytes(8), math.inf),
        *[
            (data, math.inf)
            for data in (b"", b"RIFF\0\0\0\0WEBP", PNG, PNG + bytes(30), GIF[1], JPEG, JPEG + b"\xff" * 9)
        ],
    ],
)
def test_the_size_of_a_picture_is_read_from_its_head(data: bytes, asked: float) -> None:
    assert pixels(data) == asked


def test_a_head_without_an_end_is_read_in_no_time() -> None:
    before = time.process_time()
    assert pixels(JPEG + bytes(4 << 20)) == math.inf
    assert time.process_time() - before < 5


LINE = '<path id="a" d="M0 0L1 1"/>'
NESTED = '<g id="a0"><circle r="1"/></g>' + "".join(
    f'<g id="a{i}">' + f'<use href="#a{i - 1}"/>' * 10 + "</g>" for i in range(1, 10)
)


@pytest.mark.parametrize(
    "inner",
    [
        NESTED + '<use href="#a9"/>',
        NESTED.replace("href", "x:href") + '<use x:href="#a9"/>',
        '<g id="a"><use href="#a"/></g>',
        f'<g id="b">{LINE * 1001}</g><path id="b"/><use href="#b"/>',
        '<filter id="f"><feGaussianBlur stdDeviation="300"/></filter>',
        '<pattern id="f"><path fill="URL(#g)"/></pattern>',
        '<clipPath id="f"><path clip-path="url(#g)"/></clipPath>',
        '<pattern id="f"><use href="#g"/></pattern>',
        f'<pattern id="f">{LINE * 1001}</pattern>',
        "<style>path { fill: url(#g) }</style>",
        "<foreignObject/>",
        '<animate attributeName="x"/>',
        '<path filter="url(#f)"/>',
        '<path style="Filter: blur(300px)"/>',
        r'<path style="\66ilter: blur(300px)"/>',
        '<path fill="url(http://example.org/x.svg#a)"/>',
        "<style>@import 'x'</style>",
        "<style>path { animation: x 1s infinite }</style>",
        f'<image href="data:image/png;base64,{base64_of(png(60_000, 60_000))}"/>',
        '<image href="data:image/svg+xml;base64,PHN2Zy8+"/>',
        '<image href="http://example.org/x.png"/>',
        LINE * 5000 + '<use href="#a"/>' * 500_000,
        "<path>",
    ],
)
def test_an_svg_that_holds_more_than_plots_do_is_not_shown(inner: str) -> None:
    (page,) = shown({"image/svg+xml": svg(inner), "text/plain": "a figure"})
    assert page == '<pre class="output">a figure</pre>'


@pytest.mark.parametrize(
    ("inner", "asked"),
    [
        ("", 100),
        ("<title>no filter, no mask</title><text>@</text><desc>url(#a)</desc>", 400),
        ('<g id="b"><path/><path/></g><use href="#b"/>', 800),
        ('<use href="#nowhere"/><use/><image/>', 400),
        ('<circle href="#b"/><path href="#b" id="b"/><tspan href="x"/>', 400),
        (f'<g id="b">{LINE * 999}</g><use href="#b"/>', 100 * (1 + 1000 + 1 + 1000)),
        (f'<pattern id="b">{LINE * 1000}</pattern>', 100 * 1002),
        (f'<image href="data:image/png;base64,{base64.b64encode(png(7, 5)).decode()}"/>', 235),
        (f'<image href="data:image/gif;base64,{base64.b64encode(png(7, 5)).decode()}"/>', math.inf),
        (f'<image href="data:image/x;base64,{base64.b64encode(png(7, 5)).decode()}"/>', math.inf),
        (f'<image href="data:image/png;base64,{base64.b64encode(png(7, 5)).decode()}*"/>', math.inf),
    ],
)
def test_an_svg_asks_for_a_hundred_pixels_an_element_and_those_of_its_pictures(inner: str, asked: float) -> None:
    assert svg_pixels(svg(inner)) == asked


def test_the_longest_svg_is_read_and_no_longer_one() -> None:
    longest = svg(" " * (MOST_SVG - len(svg(""))))
    assert (len(longest), svg_pixels(longest), svg_pixels(longest + " ")) == (MOST_SVG, 100, math.inf)


def test_an_svg_with_entities_or_of_too_many_letters_is_not_read() -> None:
    before = time.process_time()
    assert svg_pixels('<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("")) == math.inf
    assert svg_pixels(svg(LINE * 1_000_000)) == math.inf
    assert time.process_time() - before < 2


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
