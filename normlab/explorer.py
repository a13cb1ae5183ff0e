"""A computation graph to step through: a self-contained HTML fragment for notebooks and pages.

The reader walks forward, then backward, node by node, changes the given numbers and sees everything computed again, in
the browser, by the same operations (``evaluate.js``). Without scripts a table of all numbers remains.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normlab.graph import Node, backward, drawing
from normlab.layout import layout

__all__ = ["Explorer", "explorer"]

MOST_ELEMENTS = 5000
"""The most numbers that a graph's nodes may hold together: beyond it a page grows slow, and nobody reads them."""

HALF_UP = Context(prec=4, rounding=ROUND_HALF_UP)  # as JavaScript rounds; Python's formats round half to even
SCRIPTS = ("evaluate", "parts", "words", "matrix", "explorer")


@dataclass(frozen=True)
class Explorer:
    """The figure: a notebook shows it by itself; ``html`` is the fragment for other pages."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def explorer(output: Node, dout: ArrayLike | None = None, title: str = "") -> Explorer:
    """A figure that steps through the graph below ``output``, forward and then backward from ``dout``.

    ``dout`` has the output's shape. Without it, it is the gradient that ``output`` has already, and 1 for a single
    number that has none. :func:`normlab.graph.backward` is run, which sets the gradients of all nodes. Leaves are shown
    as given numbers that the reader can change; constants stand fixed. Names of nodes are the names in the figure. The
    browser computes in float64. Raises ValueError when there is no dout, when it or a given number is not finite and
    when the graph is too large to read.

    >>> x = Node([1.0, 2.0, 3.0], "x")
    >>> figure = explorer((x**2).sum().named("y"), title="A sum of squares")
    >>> figure.html.startswith('<section class="nlx" aria-label="A sum of squares"')
    True
    """
    backward(output, output.grad if dout is None else dout)  # anew: the nodes below may be part of other graphs, too
    if not np.isfinite(np.asarray(output.grad)).all():
        raise ValueError("dout holds numbers that are not finite; the explorer cannot start from them")
    graph = drawing(output)
    total = sum(int(np.prod(node["shape"])) for node in graph["nodes"])
    if total > MOST_ELEMENTS:
        raise ValueError(
            f"this graph holds {total} numbers, at most {MOST_ELEMENTS} can be explored; use smaller arrays"
        )
    places = layout(graph)
    nodes = [_node(node, graph) | {"at": at} for node, at in zip(graph["nodes"], places.nodes, strict=True)]
    edges = [
        {"source": edge["source"], "target": edge["target"], "rule": _rule(edge, graph["nodes"]), "route": route}
        for edge, route in zip(graph["edges"], places.routes, strict=True)
    ]
    title = title or f"The computation graph of {graph['nodes'][-1]['name']}"
    data = {"title": title, "nodes": nodes, "edges": edges, "dout": _flat(graph["nodes"][-1]["grad"])}
    return Explorer(_fragment(data | {"width": places.width, "depth": places.depth}, title, _table(graph, nodes)))


def _node(node: dict[str, Any], graph: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    operands = [edge["source"] for edge in graph["edges"] if edge["target"] == node["id"]]
    about = {key: node[key] for key in ("name", "op", "shape", "settings")}
    about |= {"operands": operands, "formula": _formula(node, [graph["nodes"][i]["name"] for i in operands])}
    if operands:
        return about
    if not np.isfinite(node["value"]).all():
        raise ValueError(f"{node['name']} holds numbers that are not finite; the explorer cannot start from them")
    return about | {"value": _flat(node["value"])}


def _one(name: str) -> str:
    """A name that stays one thing among operators, whatever words it has."""
    return f"({name})" if " " in name else name


def _rule(edge: dict[str, Any], nodes: list[dict[str, Any]]) -> str:
    """The local rule in fewer words, naming the axes over which the copies that broadcasting made are summed."""
    rule: str = edge["rule"].replace(", repeated", " repeated")
    spaced = sorted({re.escape(node["name"]) for node in nodes if " " in node["name"]}, key=len, reverse=True)
    if spaced:  # the longest first, since one name may hold another
        rule = re.sub("|".join(spaced), lambda name: _one(name[0]), rule)
    if not (broadcast := re.fullmatch("sum of (.*) over the broadcast axes", rule)):
        return rule
    shape, full = nodes[edge["source"]]["shape"], nodes[edge["target"]]["shape"]
    lead = len(full) - len(shape)
    axes = [axis for axis in range(len(full)) if axis < lead or shape[axis - lead] != full[axis]]
    names = {(2, 0): "rows", (2, 1): "columns"}
    over = " and ".join(names.get((len(full), axis), f"axis {axis}") for axis in axes)
    return f"{broadcast[1]} summed over {over}"


def _formula(node: dict[str, Any], names: list[str]) -> str:
    op: str = node["op"]
    settings = node["settings"]
    if not names:
        return "constant" if op == "constant" else "given"
    if len(names) == 2:
        return f" {op} ".join(map(_one, names))
    if "axis" in settings:
        axes = ", ".join(map(str, settings["axis"]))
        return f"{op} of {names[0]} over axis {axes}" if axes else f"{op} of {names[0]}"
    if "power" in settings:
        return f"{_one(names[0])}^{settings['power']}"
    if "floor" in settings:
        return f"max({names[0]}, {settings['floor']:g})"
    words = {"neg": "-{}", "T": "{}.T", "reshape": "{} in another shape", "pick": "some elements of {}"}
    return words.get(op, op + "({})").format(names[0])


def _fragment(data: dict[str, Any], title: str, table: str) -> str:
    here = files("normlab")
    css = here.joinpath("explorer.css").read_text("utf-8")
    script = "".join(here.joinpath(f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    # "<" in a name must not end the script element; \u003c is the same character to a JSON parser.
    stored = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    suppress = "data-lm-suppress-shortcuts"  # JupyterLab's own keys (0 0 restarts the kernel) stay outside
    return (
        f'<section class="nlx" aria-label="{escape(title)}" {suppress}="true"><style>\n{css}</style>\n{table}\n'
        f'<script type="application/json">{stored}</script>\n<script>\n{script}</script></section>'
    )


def _table(graph: dict[str, list[dict[str, Any]]], nodes: list[dict[str, Any]]) -> str:
    rows = []
    for node, described in zip(graph["nodes"], nodes, strict=True):
        name, gradient = escape(node["name"]), "" if node["op"] == "constant" else _numbers(node["grad"])
        shape = str(tuple(node["shape"])) if node["shape"] else "scalar"
        rows.append(
            f'<tr><th scope="row">{name}</th><td>{escape(described["formula"])}</td><td>{shape}</td>'
            f"<td>{_numbers(node['value'])}</td><td>{gradient}</td></tr>"
        )
    names = ("node", "computed as", "shape", "value", "gradient")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        '<details class="nlx-all"><summary>All numbers as a table</summary>'
        '<div class="nlx-wide" tabindex="0" role="region" aria-label="All numbers">'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _numbers(values: Any) -> str:
    """A line a row."""
    array: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    lines = array.reshape(-1, array.shape[-1] if array.ndim else 1)
    return "<br>".join(", ".join(map(_written, line)) for line in lines)


def _written(value: float) -> str:
    """Four digits as ``parts.js`` writes them: not the last bits decide, and a tie goes away from 0."""
    return f"{float(HALF_UP.create_decimal_from_float(float(f'{value + 0.0:.12g}'))):.4g}"


def _flat(values: Any) -> list[float]:
    return [float(value) for value in np.ravel(values)]
