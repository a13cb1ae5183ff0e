"""What figures of more than one page share: one style, its colors, and the drawing of a graph.

Matplotlib is imported by the functions, not by the module: importing :mod:`normlab.plots` costs nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normlab.graph import Node, drawing
from normlab.layout import Layout, layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes


__all__ = ["INK", "PALETTE", "draw_graph", "use_style"]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7788FF")
"""Four colors of Okabe and Ito (2008) and a light blue, told apart with any color vision; each at least 3:1 on white
and on the book's dark background. Their other colors vanish on one of the two."""

INK = "#767676"
"""Text and axes: 4.5:1 on white, 3.9:1 on the dark background."""


def use_style() -> None:
    """Set matplotlib's style for the course: readable on light and on dark, without color too, and equal in every run.

    Lines differ in dashes as well as in color; backgrounds are transparent; an SVG file carries no random identifiers.
    In a notebook, figures appear as SVG without a date.

    >>> use_style()
    >>> import matplotlib
    >>> matplotlib.rcParams["image.cmap"]
    'cividis'
    """
    import matplotlib
    from matplotlib.rcsetup import cycler

    dashes = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
    matplotlib.rcParams.update(
        {
            "axes.edgecolor": INK,
            "axes.facecolor": "none",
            "axes.grid": True,
            "axes.labelcolor": INK,
            "axes.prop_cycle": cycler(color=PALETTE) + cycler(linestyle=dashes),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlecolor": INK,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "none",
            "figure.figsize": (6.4, 3.6),
            "font.size": 11,
            "grid.alpha": 0.3,
            "grid.color": INK,
            "image.cmap": "cividis",
            "legend.frameon": False,
            "legend.labelcolor": INK,
            "lines.linewidth": 2,
            "patch.edgecolor": INK,
            "savefig.facecolor": "none",
            "svg.hashsalt": "normlab",
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata={"Date": None})


def draw_graph(output: Node, ax: Axes | None = None, highlight: Sequence[str] = ()) -> Axes:
    """Draw the computation graph below ``output``: a box a node with name, operation and shape, an arrow an operand.

    What is given has a dashed border; nodes whose names are in ``highlight`` are filled. A graph of up to five layers
    runs from left to right, a deeper one from top to bottom. Without ``ax`` a figure of fitting size is made. Raises
    ValueError for an unknown name.

    >>> ax = draw_graph((Node([1.0, 2.0], "x") ** 2).named("y"), highlight=["y"])
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['x\\n(2,)', 'y\\n^2 → (2,)']
    """
    import matplotlib.pyplot as plt

    graph = drawing(output)
    names = [node["name"] for node in graph["nodes"]]
    unknown = sorted(set(highlight) - set(names))
    if unknown:
        raise ValueError(f"the graph has no node {unknown[0]!r}; it has {', '.join(names)}")
    places = layout(graph)
    rightward = places.depth < 5  # a wider one would have letters too small to read on a phone
    inches = np.array([1.7, 0.9] if rightward else [1.5, 0.75])  # from node to node
    if ax is None:
        steps = (places.depth + 1, places.width + 1) if rightward else (places.width + 1, places.depth + 1)
        ax = plt.figure(figsize=tuple(inches * steps)).subplots()
    half = np.array([0.64, 0.23]) / inches  # of a box, in the axes' units
    for route in places.routes:
        points = np.array([(y, -x) if rightward else (x, -y) for x, y in route])
        end, points[0] = _border(points[-2], points[-1], half), _border(points[1], points[0], half)
        ax.plot(*points[:-1].T, color=INK, linewidth=1, linestyle="-", zorder=1)
        arrow = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", tuple(end), tuple(points[-2]), arrowprops=arrow, zorder=1)
    for node, (x, y) in zip(graph["nodes"], places.nodes, strict=True):
        _box(ax, node, np.array([y, -x] if rightward else [x, -y]), half, node["name"] in highlight)
    _frame(ax, places, rightward)
    return ax


def _border(start: NDArray[Any], middle: NDArray[Any], half: NDArray[Any]) -> NDArray[Any]:
    """Where a line from ``start`` to the middle of a box meets its border."""
    way = middle - start
    met: NDArray[Any] = middle - way * min(half / np.maximum(np.abs(way), 1e-9))
    return met


def _box(ax: Axes, node: dict[str, Any], at: NDArray[Any], half: NDArray[Any], filled: bool) -> None:
    from matplotlib.patches import Rectangle

    given = node["op"] in ("input", "constant")
    color = PALETTE[2] if given else PALETTE[0]
    shape = str(tuple(node["shape"])) if node["shape"] else "scalar"
    label = f"{node['name']}\n{shape}" if given else f"{node['name']}\n{node['op']} → {shape}"
    face = color if filled else "none"  # the page shows through, light or dark
    dashes = "--" if given else "-"
    ax.add_patch(
        Rectangle(at - half, *(2 * half), facecolor=face, edgecolor=color, linewidth=1.5, linestyle=dashes, zorder=2)
    )
    ax.text(
        float(at[0]),
        float(at[1]),
        label,
        ha="center",
        va="center",
        fontsize=9 * min(1, 17 / max(map(len, label.split("\n")))),  # 17 letters fill a box
        color=("black" if given else "white") if filled else INK,  # readable on its color
        zorder=3,
    )


def _frame(ax: Axes, places: Layout, rightward: bool) -> None:
    across, along = (-0.6, places.width + 0.6), (-0.5, places.depth + 0.5)
    ax.set_xlim(*(along if rightward else across))
    ax.set_ylim(*sorted(-value for value in (across if rightward else along)))
    ax.set_axis_off()
