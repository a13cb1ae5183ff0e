"""Figures: legible, equal from run to run, cheap to import; and the layout of graphs."""

import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from itertools import combinations, pairwise
from typing import cast

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Annotation

from normlab.graph import Node, drawing, exp, sqrt
from normlab.layout import layout
from normlab.plots import INK, PALETTE, draw_graph, use_style


@pytest.fixture(autouse=True)
def _style() -> Iterator[None]:
    matplotlib.use("agg")
    with matplotlib.rc_context():
        use_style()
        yield
    plt.close("all")


def normalized() -> Node:
    x, gamma, beta = Node(np.arange(12.0).reshape(4, 3), "x"), Node(np.ones(3), "gamma"), Node(np.zeros(3), "beta")
    z = (x - x.mean(axis=0).named("m")).named("z")
    s = sqrt((z**2).named("q").mean(axis=0).named("v") + Node(1e-5, "eps")).named("s")
    return (gamma * (z / s).named("h") + beta).named("out")


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("background", ["#FFFFFF", "#14181E"])
def test_every_color_stands_out_on_light_and_on_dark(background: str) -> None:
    assert min(contrast(color, background) for color in PALETTE) >= 3.0
    assert contrast(INK, background) >= 3.9


@pytest.mark.parametrize(
    "missing",
    [np.eye(3), [[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]], [[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]],
    ids=["all cones", "protanopia", "deuteranopia"],
)
def test_colors_differ_for_every_eye(missing: np.ndarray) -> None:
    """Viénot, Brettel and Mollon (1999), "Digital video colourmaps for checking the legibility of displays"."""
    to_lms = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    simulate = np.linalg.inv(to_lms) @ np.asarray(missing) @ to_lms
    linear = [np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]) ** 2.2 for color in PALETTE]
    seen = [np.clip(simulate @ color, 0, 1) ** (1 / 2.2) for color in linear]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 0.14


def svg() -> bytes:
    file = BytesIO()
    draw_graph(normalized(), highlight=["z"])
    plt.plot([1, 2], [3, 4])
    plt.savefig(file, format="svg", metadata={"Date": None})
    plt.close("all")
    return file.getvalue()


def test_an_svg_file_is_equal_from_run_to_run() -> None:
    assert svg() == svg()


def test_backgrounds_are_transparent() -> None:
    figure = plt.figure()
    figure.subplots().plot([0, 1])
    file = BytesIO()
    figure.savefig(file, format="png")
    file.seek(0)
    assert plt.imread(file)[0, 0, 3] == 0.0


def test_importing_costs_little_beyond_numpy() -> None:
    code = (
        "import sys, time, numpy, json, importlib.resources, dataclasses\n"
        "start = time.process_time()\n"
        "import normlab, normlab.plots, normlab.solver, normlab.gradcheck\n"
        "print(time.process_time() - start, 'matplotlib' in sys.modules, 'tqdm' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(3)]
    assert min(float(seconds) for seconds, *_ in runs) < 0.1
    assert runs[0][1:] == ["False", "False"]


def test_a_drawing_shows_every_node_by_name() -> None:
    ax = draw_graph(normalized())
    labels = [text.get_text().split("\n")[0] for text in ax.texts]
    for name in ("x", "m", "z", "q", "v", "eps", "s", "h", "gamma", "beta", "out"):
        assert name in labels


def test_every_label_fits_into_its_box_and_no_line_runs_through_one() -> None:
    ax = draw_graph(normalized())
    standardized = Node(np.ones((5, 4)), "z1", op="standardize", parents=[(Node(np.ones((5, 4)), "x"), np.copy, "")])
    for drawn in (ax, draw_graph(standardized)):
        assert isinstance(drawn.figure, Figure)
        drawn.figure.draw_without_rendering()
        boxes = [cast(FancyBboxPatch, patch).get_window_extent() for patch in drawn.patches]
        labels = [text.get_window_extent() for text in drawn.texts if text.get_text()]
        for box, label in zip(boxes, labels, strict=True):
            assert box.x0 < label.x0 < label.x1 < box.x1
            assert box.y0 < label.y0 < label.y1 < box.y1
    inner = [cast(FancyBboxPatch, patch).get_bbox().padded(-0.01) for patch in ax.patches]
    for line in ax.lines:
        assert not any(box.contains(x, y) for box in inner for x, y in np.asarray(line.get_xydata()))


def test_every_arrow_ends_on_the_border_of_a_box() -> None:
    ax = draw_graph(normalized())
    boxes = [cast(FancyBboxPatch, patch).get_bbox() for patch in ax.patches]
    arrows = [cast(Annotation, text).xy for text in ax.texts if not text.get_text()]
    assert len(arrows) == len(drawing(normalized())["edges"])
    for x, y in arrows:
        inside = [(min(x - b.x0, b.x1 - x), min(y - b.y0, b.y1 - y)) for b in boxes]
        assert any(min(gap) == pytest.approx(0, abs=1e-9) and max(gap) >= -1e-9 for gap in inside)


def inches(ax: Axes) -> np.ndarray:
    assert isinstance(ax.figure, Figure)
    return ax.figure.get_size_inches()


def test_a_drawing_goes_into_given_axes_and_grows_without() -> None:
    ax = plt.figure().subplots()
    assert draw_graph(exp(Node(1.0, "a")), ax) is ax
    small = inches(draw_graph(exp(Node(1.0, "a"))))
    assert (inches(draw_graph(normalized())) > small).all()


def test_an_unknown_name_to_highlight_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no node 'sigma'; it has .*gamma"):
        draw_graph(normalized(), highlight=["sigma"])


def test_results_stand_below_their_operands_and_nodes_do_not_overlap() -> None:
    graph = drawing(normalized())
    places = layout(graph)
    for edge, route in zip(graph["edges"], places.routes, strict=True):
        assert route[0] == places.nodes[edge["source"]]
        assert route[-1] == places.nodes[edge["target"]]
        depths = [layer for _, layer in route]
        assert depths == sorted(depths)
    for (x, y), (u, v) in combinations(places.nodes, 2):
        assert y != v or abs(x - u) >= 0.999
    waypoints = {point for route in places.routes for point in route[1:-1]}
    assert all(y != v or abs(x - u) >= 0.7 for x, y in places.nodes for u, v in waypoints)


def test_the_graph_of_a_normalization_is_drawn_without_crossings() -> None:
    routes = layout(drawing(normalized())).routes
    pieces = [(a, b) for route in routes for a, b in pairwise(route)]
    for ((ax, ay), (bx, by)), ((cx, cy), (dx, dy)) in combinations(pieces, 2):
        if (ay, by) == (cy, dy):
            assert (ax - cx) * (bx - dx) >= 0


def test_an_operand_used_twice_has_two_routes() -> None:
    x = Node(2.0, "x")
    straight, bent = layout(drawing(x * x)).routes
    assert straight == [(0.0, 0.0), (0.0, 1.0)]
    assert bent[0] == straight[0]
    assert bent[-1] == straight[-1]
    assert bent[1][0] != 0.0


def test_a_single_node_can_be_drawn() -> None:
    assert layout(drawing(Node(1.0))).nodes == [(0.0, 0.0)]
    assert draw_graph(Node(1.0, "a")).texts[0].get_text() == "a\nscalar"
