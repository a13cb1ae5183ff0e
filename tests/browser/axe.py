"""What axe finds wrong with a page."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
# Contrast is measured at the first visible text of each color, size and weight on each ground: at each of thousands of
# texts it takes seconds.
MARK = """() => {
  for (const box of document.querySelectorAll("[data-look]")) box.removeAttribute("data-look");
  const grounds = new Map([[null, ""]]);
  const ground = (box) => {
    if (!grounds.has(box)) {
      const { backgroundColor, opacity } = getComputedStyle(box);
      const own = backgroundColor === "rgba(0, 0, 0, 0)" && opacity === "1" ? "" : `${backgroundColor} ${opacity};`;
      grounds.set(box, ground(box.parentElement) + own);
    }
    return grounds.get(box);
  };
  const looks = new Map();
  for (const box of document.body.querySelectorAll("*")) {
    const text = [...box.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!text || !box.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(box);
    const look = [color, fontSize, fontWeight, ground(box)].join();
    if (!looks.has(look)) looks.set(look, box);
  }
  for (const box of looks.values()) box.setAttribute("data-look", "");
}"""


def load(page: Page) -> None:
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
    page.evaluate("axe.configure({ rules: [{ id: 'color-contrast', selector: '[data-look]' }] })")
    page.add_style_tag(content="* { background-image: none !important }")  # axe judges no contrast on the shades


def faults(page: Page) -> list[str]:
    """All that is wrong."""
    return _found(page, RULES)


def contrast_faults(page: Page) -> list[str]:
    """Where colors are too close."""
    return _found(page, CONTRAST)


def _found(page: Page, rules: list[str] | dict[str, Any]) -> list[str]:
    page.evaluate(MARK)
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("(options) => axe.run(document, options)", options)
    return [f"{fault['id']}: {fault['nodes'][0]['html'][:200]}" for fault in found["violations"]]
