"use strict";
const AT_ONCE = 20; // formulas set in one go

// What scrolls sideways must be reachable with the keyboard too; the theme sees to code, this to the rest.
const SCROLLING = "div.math, .pst-scrollable-table-container, .cell_output:has(img)";
const stops = new WeakSet();
const reachable = () => {
  for (const box of document.querySelectorAll(SCROLLING)) {
    if (box.scrollWidth > box.clientWidth) {
      if (!box.hasAttribute("tabindex")) stops.add(box);
      box.tabIndex = 0;
    } else if (stops.delete(box)) box.removeAttribute("tabindex"); // a phone was turned
  }
};

// A long page has hundreds of formulas. They are set a few at a time, so that the page answers in between.
const setFormulas = async () => {
  const formulas = [...document.querySelectorAll(".math")];
  while (formulas.length) {
    await new Promise((next) => setTimeout(next));
    await MathJax.typesetPromise(formulas.splice(0, AT_ONCE));
  }
  reachable();
  showTarget();
};

// Formulas above the place that an address names take other room once they are set: it is shown anew, unless the reader
// has moved on since.
let moved = false;
for (const kind of ["wheel", "touchstart", "pointerdown", "keydown"]) {
  window.addEventListener(kind, () => { moved = true; }, { once: true, passive: true });
}
const showTarget = () => {
  if (location.hash && !moved) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
};

// In the search's summaries formulas would stand as they were typed.
const MENUS = ".bd-header-article, .noprint, #jb-print-docs-body, .bd-sidebar-secondary, .prev-next-footer";
const searchWithoutFormulas = () => {
  const textOf = Search.htmlToText;
  Search.htmlToText = (html, ...anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const menu of page.querySelectorAll(MENUS)) menu.remove();
    return textOf(page.documentElement.outerHTML, ...anchor).replace(/\\\(.*?\\\)|\\\[.*?\\\]/gs, "…");
  };
};

// A page opened as a file has no server, and without one no notebook runs in the browser.
const SERVER = "To run this page, serve the book: .venv/bin/python -m http.server -d _build/html, then open http://localhost:8000.";
const explainRun = () => {
  for (const link of document.querySelectorAll('a[href*="lite/notebooks/"]')) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      alert(SERVER);
    });
  }
};

// A title folds its box at a click, and does so, or fails, at one on a link that stands in it.
document.addEventListener("click", (event) => {
  if (event.target.closest(".admonition-title a")) event.stopPropagation();
}, { capture: true });

document.addEventListener("DOMContentLoaded", () => {
  reachable();
  if (location.protocol === "file:") explainRun();
  if (typeof Search !== "undefined") searchWithoutFormulas();
  if (window.MathJax) MathJax.startup.promise = MathJax.startup.promise.then(setFormulas);
});
window.addEventListener("load", () => { // the sizes of images are known
  reachable();
  showTarget();
});
window.addEventListener("resize", reachable);
window.addEventListener("beforeprint", () => { // on paper nothing can be unfolded
  for (const folded of document.querySelectorAll("details:has(.cell_output)")) folded.open = true;
});
