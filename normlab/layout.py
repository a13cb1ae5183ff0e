"""Where the nodes of a graph stand in a figure: in layers, operands before results, with few crossings.

The layered drawing of Sugiyama, Tagawa and Toda (1981): an edge that skips layers gets a waypoint in each of them,
layers are ordered by the mean place of their neighbors, then places are moved together as far as the order allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["Layout", "layout"]

Point = tuple[float, float]
SWEEPS = 40
WAYPOINT = 0.5  # the room that a waypoint takes, in nodes
PULL = 0.1  # an input's weight beside 1 for all others: the inputs make way, and the spine stays straight


@dataclass(frozen=True)
class Layout:
    """``nodes`` holds (across, layer) of each node, ``routes`` the points of each edge from source to target.

    Across runs from 0 to ``width``, one unit a node, and layers from 0 to ``depth``.
    """

    nodes: list[Point]
    routes: list[list[Point]]
    width: float
    depth: int


def layout(graph: dict[str, list[dict[str, Any]]]) -> Layout:
    """Places for the nodes and edges of :func:`normlab.graph.drawing`; the same graph always gives the same places.

    >>> from normlab.graph import Node, drawing
    >>> layout(drawing(Node(1.0, "a") * Node(2.0, "b"))).nodes
    [(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)]
    """
    edges = [(edge["source"], edge["target"]) for edge in graph["edges"]]
    layer = [node["column"] for node in graph["nodes"]]
    for node in sorted(range(len(layer)), key=lambda i: layer[i]):
        consumers = [layer[target] for source, target in edges if source == node]
        if layer[node] == 0 and consumers:  # an input stands beside its first use, not at the far end
            layer[node] = min(consumers) - 1
    chains: list[list[int]] = []
    size = [1.0] * len(layer)
    for source, target in edges:
        waypoints = range(len(layer), len(layer) + layer[target] - layer[source] - 1)
        layer += range(layer[source] + 1, layer[target])
        size += [WAYPOINT] * len(waypoints)
        chains.append([source, *waypoints, target])
    rows, neighbors = _ordered(layer, chains)
    across = _placed(rows, neighbors, size)
    points: list[Point] = [(float(across[i]), float(layer[i])) for i in range(len(layer))]
    routes = [[points[i] for i in chain] for chain in chains]
    for i, chain in enumerate(chains):
        if len(chain) == 2 and chain in chains[:i]:  # an operand used twice: the second arrow makes a bend
            (x, y), (u, v) = routes[i]
            routes[i].insert(1, ((x + u) / 2 + 0.25, (y + v) / 2))
    count = len(graph["nodes"])
    return Layout(points[:count], routes, float(max(across, default=0.0)), max(layer, default=0))


def _ordered(layer: list[int], chains: list[list[int]]) -> tuple[list[list[int]], list[tuple[list[int], list[int]]]]:
    """The members of each layer from left to right, and each member's neighbors above and below."""
    rows = [[i for i in range(len(layer)) if layer[i] == depth] for depth in range(max(layer, default=-1) + 1)]
    neighbors: list[tuple[list[int], list[int]]] = [([], []) for _ in layer]
    for chain in chains:
        for upper, lower in pairwise(chain):
            neighbors[lower][0].append(upper)
            neighbors[upper][1].append(lower)
    best, fewest = [list(row) for row in rows], _crossings(rows, neighbors)
    for sweep in range(SWEEPS):
        side = sweep % 2
        for row in rows if side == 0 else reversed(rows):
            place = {i: k / len(r) for r in rows for k, i in enumerate(r)}
            row.sort(key=lambda i, side=side, place=place: _mean([place[j] for j in neighbors[i][side]], place[i]))  # type: ignore[misc]
        if (crossings := _crossings(rows, neighbors)) < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best, neighbors


def _crossings(rows: list[list[int]], neighbors: list[tuple[list[int], list[int]]]) -> int:
    count = 0
    for row, below in pairwise(rows):
        place = {i: k for k, i in enumerate(below)}
        ends = [place[j] for i in row for j in sorted(neighbors[i][1], key=place.__getitem__)]
        count += sum(a > b for k, a in enumerate(ends) for b in ends[k + 1 :])
    return count


def _placed(rows: list[list[int]], neighbors: list[tuple[list[int], list[int]]], size: list[float]) -> list[float]:
    across = [0.0] * len(size)
    weight = [1.0 if above else PULL for above, _ in neighbors]
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = []
            for i in row:
                around = [j for side in neighbors[i] for j in side] or [i]
                wanted.append(float(np.average([across[j] for j in around], weights=[weight[j] for j in around])))
            places = _spread(wanted, [weight[i] for i in row], [size[i] for i in row])
            for i, x in zip(row, places, strict=True):
                across[i] = x
    left = min(across, default=0.0)
    return [round(x - left, 3) for x in across]


def _spread(wanted: Sequence[float], weight: Sequence[float], size: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones (weighted squares), in order, each with its room: isotonic regression."""
    room = np.cumsum([0.0] + [(a + b) / 2 for a, b in pairwise(size)])
    blocks: list[tuple[float, float, int]] = []  # mean, weight, count
    for value, heaviness in zip(np.asarray(wanted) - room, weight, strict=True):
        mean, total, count = float(value), heaviness, 1
        while blocks and blocks[-1][0] > mean:
            other, w, n = blocks.pop()
            mean, total, count = (mean * total + other * w) / (total + w), total + w, count + n
        blocks.append((mean, total, count))
    flat = [mean for mean, _, count in blocks for _ in range(count)]
    return [float(x) for x in np.asarray(flat) + room]


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
