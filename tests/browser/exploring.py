"""What the tests of the graph explorer share: graphs to draw, pages to draw them on, and what a reader sees there."""

from typing import Any

import numpy as np
from playwright.sync_api import Page

from normlab.explorer import explorer
from normlab.graph import Node, sqrt

N, D = 4, 3
Arrays = dict[str, np.ndarray[Any, Any]]

# Types numbers into the fields as a reader does, and returns everything the figure then holds.
TYPE_AND_READ = """(given) => {
  const root = document.querySelector(".nlx");
  for (const [label, value] of Object.entries(given)) {
    const field = root.querySelector(`[aria-label="${label}"]`);
    field.value = value;
    field.dispatchEvent(new Event("input"));
  }
  const plain = (arrays) => Array.from(arrays, (array) => array ? Array.from(array) : null);
  const { values, grads, paths } = root.explorer.numbers();
  const shares = paths.map((ways) => plain(ways.map((way) => way.share)));
  return { values: plain(values), grads: plain(grads), paths: shares };
}"""


def normalization(axis: int, arrays: Arrays) -> Node:
    """Batch norm along axis 0, layer norm along axis 1."""
    x, gamma, beta, eps = (Node(arrays[name], name) for name in ("x", "gamma", "beta", "eps"))
    keep = axis == 1
    z = (x - x.mean(axis=axis, keepdims=keep).named("m")).named("z")
    v = (z**2).named("q").mean(axis=axis, keepdims=keep).named("v")
    s = sqrt((v + eps).named("v_eps")).named("s")
    h = (z * (1 / s).named("i")).named("h")
    return ((gamma * h).named("scaled") + beta).named("out")


def drawn(rng: np.random.Generator) -> Arrays:
    scale, offset = 10.0 ** rng.uniform(-3, 3), rng.choice([0.0, 1.0, 100.0])
    return {
        "x": scale * (rng.standard_normal((N, D)) + offset),
        "gamma": rng.standard_normal(D),
        "beta": rng.standard_normal(D),
        "eps": np.array(10.0 ** rng.uniform(-8, 0)),
        "dout": rng.standard_normal((N, D)),
    }


def labels(arrays: Arrays) -> dict[str, str]:
    """The label of each field and what is typed into it: repr, so that no digit is lost."""
    return {
        name + (f"[{', '.join(map(str, index))}]" if index else ""): repr(float(array[index]))
        for name, array in arrays.items()
        for index in np.ndindex(array.shape)
    }


def document(*outputs: str) -> str:
    """A page as the book's is, whose style sheet counts borders and padding as width."""
    head = '<title>Explorer</title><meta name="viewport" content="width=device-width">'
    head += "<style>* { box-sizing: border-box }</style>"
    body = f"<main><h1>Explorer</h1>{''.join(outputs)}</main>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.wait_for_function("document.querySelectorAll('.nlx-matrix g').length > 0")  # toggle events come later


def live(page: Page) -> str:
    return page.locator(".nlx-live").first.inner_text()


def column_of_five() -> str:
    x = Node(np.array([[2.0], [4.0], [5.0], [6.0], [8.0]]), "x")
    c = (x - x.mean(axis=0).named("m")).named("c")
    s = sqrt(((c**2).named("q").mean(axis=0).named("v") + Node(0.0, "eps")).named("w")).named("s")
    z = (c / s).named("z")
    return explorer((z * Node([3.0], "gamma")).named("y"), np.arange(5.0).reshape(5, 1), "A column").html


def step_of(page: Page, words: str) -> str:
    """The live line of the step that says ``words``."""
    slider = page.get_by_role("slider", name="Step")
    for step in range(int(slider.get_attribute("max") or 0) + 1):
        slider.fill(str(step))
        if words in live(page):
            return live(page).partition(". ")[2]
    raise AssertionError(f"no step says {words!r}")
