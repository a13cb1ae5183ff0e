// The explorer's parts: elements, numbers as text, grids of numbers, the geometry of arrows.
window.normlabParts = window.normlabParts || (() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const WIDE = 84, HIGH = 38; // pixels: a node

  function element(tag, attributes = {}, ...children) {
    const made = ["svg", "g", "rect", "text", "polyline", "polygon", "title"].includes(tag)
      ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  function written(value) { // four digits, as explorer.py writes them
    if (!Number.isFinite(value)) return String(value).toLowerCase().replace("infinity", "inf");
    if (value === 0) return "0";
    value = Number(value.toPrecision(12)); // numpy's last bits may be others
    const [mantissa, exponent] = value.toExponential(3).split("e").map(Number);
    if (exponent >= -4 && exponent < 4) return String(Number(value.toPrecision(4)));
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }

  const shown = (shape) => (shape.length ? `(${shape.join(", ")}${shape.length > 1 ? "" : ","})` : "scalar"); // as numpy writes it
  const columns = (shape) => (shape.length ? shape[shape.length - 1] : 1);
  function place(shape, i) { // element 5 of (4, 3) is [1, 2]
    const index = [];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index.unshift(i % shape[axis]);
      i = Math.floor(i / shape[axis]);
    }
    return index.length ? `[${index.join(", ")}]` : "";
  }

  // With the indices of rows and columns as its heads. A single column lies down, so that it takes one row. An array of one
  // axis leaves the place of row indices empty: its columns stand under those of the arrays that it is broadcast to.
  function grid(values, shape, label) {
    const table = element("table", { class: "nlx-grid", "aria-label": label });
    const lying = shape.length === 2 && shape[1] === 1, width = lying ? values.length : columns(shape);
    const head = (scope, text) => element("th", { scope }, text);
    const row = (first, cells) => table.append(element("tr", {}, ...first, ...cells));
    const empty = () => (shape.length ? [element("td", {})] : []);
    if (shape.length) row(lying ? [head("row", "row")] : empty(), Array.from({ length: width }, (_, j) => head("col", j)));
    for (let start = 0; start < values.length; start += width) {
      const index = shape.length > 1 && !lying ? [head("row", place(shape.slice(0, -1), start / width).slice(1, -1))] : empty();
      row(index, Array.from(values.slice(start, start + width), (value) => element("td", {}, written(value))));
    }
    return element("div", { class: "nlx-wide", role: "region", "aria-label": label }, table);
  }

  const breadth = (number) => number.length - 0.4 * number.split(/[-.]/).slice(1).length; // in digits: - and . are narrow
  const fitted = (text) => (text.length * 6 > WIDE - 6 ? { textLength: WIDE - 6, lengthAdjust: "spacingAndGlyphs" } : {}); // a long text in a box

  function border([fromX, fromY], [x, y]) { // where a line to the middle of a node meets the node's border
    const dx = x - fromX, dy = y - fromY;
    const inside = Math.min(WIDE / 2 / Math.abs(dx || 1e-9), HIGH / 2 / Math.abs(dy || 1e-9));
    return [x - dx * inside, y - dy * inside];
  }

  function tip([fromX, fromY], [x, y], direction) { // an arrow's head
    const length = Math.hypot(x - fromX, y - fromY), u = (x - fromX) / length, v = (y - fromY) / length;
    const corners = [[x, y], [x - 9 * u + 4 * v, y - 9 * v - 4 * u], [x - 9 * u - 4 * v, y - 9 * v + 4 * u]];
    return element("polygon", { points: corners.join(" "), class: direction });
  }

  return { WIDE, HIGH, element, written, shown, columns, place, grid, border, tip, breadth, fitted };
})();
