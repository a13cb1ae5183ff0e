"""How fast is the closed form of batch norm's backward pass? `python -m reference.benchmark [--repeats N]`

On the published arrays, (100, 500) in float64, three programs are timed in turns, best of many repeats:

    one array a node    the graph written out, a new array for each of its nodes, as the published program has it
    graph               the reference's batchnorm_backward, the same walk with two new arrays, its sums without products
    closed form         the reference's batchnorm_backward_alt

beside the published ratio, 0.624, and beside a bound: what memory traffic alone allows. The closed form must read dout
and x_hat for its two sums, to read both once more, and to write dx: five arrays of N D numbers, at the speed at which
this machine copies. (How much the graph loses by its many new arrays depends on the C library's allocator, too.)
"""

from __future__ import annotations

import argparse
import sys
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from reference.batchnorm import batchnorm_backward, batchnorm_backward_alt, batchnorm_forward
from reference.course import positive

PUBLISHED = 0.624
ARRAYS_MOVED = 5  # dout, x_hat for the sums; dout, x_hat, dx for the result


@dataclass(frozen=True)
class Timing:
    """Best times in seconds."""

    one_array_a_node: float
    graph: float
    closed_form: float
    memory: float

    @property
    def over_nodes(self) -> float:
        """How many times faster the closed form is than the graph with one array a node."""
        return self.one_array_a_node / self.closed_form

    @property
    def over_graph(self) -> float:
        """How many times faster it is than the reference's own first version."""
        return self.graph / self.closed_form

    @property
    def over_memory(self) -> float:
        """How many times slower it is than its memory traffic alone."""
        return self.closed_form / self.memory


def one_array_a_node(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float
) -> Callable[[], tuple[np.ndarray, ...]]:
    """The backward pass as the graph has it: square, mean, root, reciprocal, product; each gradient a new array."""
    N, D = x.shape
    centered = x - x.mean(axis=0)
    variance = (centered**2).mean(axis=0)
    root = np.sqrt(variance + eps)
    reciprocal = 1 / root
    normalized = centered * reciprocal

    def backward() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        dbeta = dout.sum(axis=0)
        dscaled = dout
        dgamma = np.sum(dscaled * normalized, axis=0)
        dnormalized = dscaled * gamma
        dreciprocal = np.sum(dnormalized * centered, axis=0)
        dcentered_by_product = dnormalized * reciprocal
        droot = -1.0 / root**2 * dreciprocal
        dvariance = 0.5 / np.sqrt(variance + eps) * droot
        dsquare = 1.0 / N * np.ones((N, D)) * dvariance
        dcentered_by_square = 2 * centered * dsquare
        dcentered = dcentered_by_product + dcentered_by_square
        dmean = -1 * np.sum(dcentered, axis=0)
        dx_by_mean = 1.0 / N * np.ones((N, D)) * dmean
        return dcentered + dx_by_mean, dgamma, dbeta

    return backward


def measure(N: int = 100, D: int = 500, repeats: int = 300) -> Timing:
    """Time all in turns, so that a machine that slows down slows them all; the best of ``repeats`` counts."""
    draw = np.random.RandomState(231)
    x = 5 * draw.randn(N, D) + 12
    gamma, beta, dout = draw.randn(D), draw.randn(D), draw.randn(N, D)
    _, cache = batchnorm_forward(x, gamma, beta, {"mode": "train"})
    target = np.empty_like(x)
    programs = (
        one_array_a_node(dout, x, gamma, 1e-5),
        lambda: batchnorm_backward(dout, cache),
        lambda: batchnorm_backward_alt(dout, cache),
        lambda: np.copyto(target, dout),
    )
    best = [float("inf")] * len(programs)
    for _ in range(repeats):
        for i, program in enumerate(programs):
            best[i] = min(best[i], timeit.timeit(program, number=3) / 3)
    one_array, graph, closed_form, copy = best  # copy reads one array and writes one
    return Timing(one_array, graph, closed_form, memory=ARRAYS_MOVED / 2 * copy)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reference.benchmark", description="Time batch norm's backward pass."
    )
    parser.add_argument("--repeats", type=positive, default=300, metavar="N", help="300 by default")
    timing = measure(repeats=parser.parse_args(arguments).repeats)
    for name, seconds in (
        ("one array a node", timing.one_array_a_node),
        ("graph", timing.graph),
        ("closed form", timing.closed_form),
        ("memory traffic alone", timing.memory),
    ):
        print(f"{name:22}{1e6 * seconds:8.1f} µs")
    print(f"closed form over one array a node: {timing.over_nodes:.2f}x (published: {PUBLISHED}x)")
    print(f"closed form over the graph:        {timing.over_graph:.2f}x")
    print(f"closed form takes {timing.over_memory:.2f} times as long as its memory traffic alone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
