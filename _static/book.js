"use strict";
// What scrolls sideways must be reachable with the keyboard too.
document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll("div.math, .pst-scrollable-table-container, div.highlight pre, .output pre")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
});
