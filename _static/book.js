"use strict";
// What scrolls sideways must be reachable with the keyboard too; the theme sees to code, this to formulas and tables.
const reachable = () => {
  for (const box of document.querySelectorAll("div.math, .pst-scrollable-table-container")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
};
document.addEventListener("DOMContentLoaded", reachable);
window.addEventListener("resize", reachable);
