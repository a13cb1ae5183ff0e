"use strict";
const AT_ONCE = 20; // formulas set in one go

// What scrolls sideways must be reachable with the keyboard too; the theme sees to code, this to the rest.
const SCROLLING = "div.math, .pst-scrollable-table-container, .cell_output:has(img)";
const reachable = () => {
  for (const box of document.querySelectorAll(SCROLLING)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
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
};

// A page opened as a file has no server, and without one no notebook runs in the browser.
const SERVER = "To run this page, serve the book: python -m http.server -d _build/html, then open http://localhost:8000.";
const explainRun = () => {
  for (const link of document.querySelectorAll('a[href*="lite/notebooks/"]')) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      alert(SERVER);
    });
  }
};

document.addEventListener("DOMContentLoaded", () => {
  reachable();
  if (location.protocol === "file:") explainRun();
  if (window.MathJax) MathJax.startup.promise = MathJax.startup.promise.then(setFormulas);
});
window.addEventListener("load", reachable); // the sizes of images are known
window.addEventListener("resize", reachable);
