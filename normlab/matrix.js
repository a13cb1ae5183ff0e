// The matrix of dependence: a square for each pair of elements of two nodes, with its derivative. One figure of an explorer.
window.normlabMatrix = window.normlabMatrix || ((nodes, first, evaluate, current) => {
  "use strict";
  const { element, written, place } = window.normlabParts;
  const CELL = 26, MOST = 40, TOP = 40; // pixels; elements a side; pixels for the heads
  const FAINTEST = 0.3; // a square that can be seen on light and on dark
  let jacobian = [], at = [0, 0];
  const chosen = (label, start) => {
    const select = element("select", { onchange: () => { at = [0, 0]; update(); } });
    nodes.forEach((node, i) => { if (node.op !== "constant") select.append(element("option", { value: i }, node.name)); });
    select.value = start;
    return [select, element("label", {}, label, " ", select)];
  };
  const [of, ofLabel] = chosen("How", nodes.length - 1);
  const [on, onLabel] = chosen("depends on", first);
  const summary = element("p"), said = element("p", { class: "nlx-live", "aria-live": "polite" });
  const picture = element("svg", { class: "nlx-matrix", tabindex: "0", role: "application", "aria-roledescription": "matrix; arrow keys move",
    onkeydown: (event) => {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!move || !jacobian.length) return;
      event.preventDefault();
      point(at[0] + move[0], at[1] + move[1]);
    },
    onclick: (event) => {
      const cell = event.target.closest("[data-row]");
      if (cell) point(Number(cell.dataset.row), Number(cell.dataset.column));
    } });
  const figure = element("details", { ontoggle: () => update() },
    element("summary", {}, "Which element depends on which"), element("p", {}, ofLabel, " ", onLabel), summary, picture, said);

  function update() {
    if (!figure.open) return;
    const { values } = current(), target = Number(of.value), source = Number(on.value);
    const rows = values[target].length, width = values[source].length;
    const names = [nodes[target].name, nodes[source].name];
    picture.replaceChildren();
    jacobian = [];
    picture.toggleAttribute("hidden", rows > MOST || width > MOST);
    said.textContent = "";
    if (rows > MOST || width > MOST) {
      summary.textContent = `This matrix has ${rows} rows and ${width} columns; at most ${MOST} of each are drawn.`;
      return;
    }
    jacobian = evaluate.jacobian(values, target, source);
    const known = jacobian.flatMap((row) => Array.from(row)).filter(Number.isFinite), unknown = rows * width - known.length;
    const largest = Math.max(1e-9, ...known.map(Math.abs)), tied = known.filter((value) => value !== 0).length;
    summary.textContent = `A row for each of the ${rows} elements of ${names[0]}, a column for each of the ${width} of ${names[1]}: `
      + `${tied} of ${rows * width} pairs have a derivative other than 0 here${unknown ? `; ${unknown} more, marked ?, have no finite derivative` : ""}. Blue is positive, orange with a bar negative, the stronger the larger.`;
    const left = heads(names, target, source);
    jacobian.forEach((row, i) => row.forEach((value, j) => picture.append(square(value, largest, i, j))));
    const size = [width * CELL + left, rows * CELL + TOP];
    picture.setAttribute("viewBox", `${-left} ${-TOP} ${size.join(" ")}`);
    picture.setAttribute("width", size[0]);
    picture.setAttribute("aria-label", `Derivatives of ${names[0]} in ${names[1]}, ${rows} rows, ${width} columns`);
    point(Math.min(at[0], rows - 1), Math.min(at[1], width - 1));
  }

  function heads(names, target, source) { // the names, and the index of each row and column; returns the room on the left
    const text = (x, y, content, anchor) => picture.append(element("text", { x, y, "text-anchor": anchor }, content));
    const index = (node, i) => place(nodes[node].shape, i).slice(1, -1).replaceAll(" ", "");
    text(-6, 12 - TOP, `${names[0]} ↓`, "end");
    text(2, 12 - TOP, `${names[1]} →`, "start");
    jacobian.forEach((_, i) => text(-6, (i + 0.5) * CELL + 4, index(target, i), "end"));
    jacobian[0].forEach((_, j) => text((j + 0.5) * CELL, -6, index(source, j), "middle"));
    return 24 + 8 * Math.max(names[0].length, index(target, jacobian.length - 1).length);
  }

  function square(value, largest, row, column) {
    const where = { x: column * CELL + 1, y: row * CELL + 1, width: CELL - 2, height: CELL - 2 };
    const cell = element("g", { "data-row": row, "data-column": column }, element("rect", { ...where, class: "nlx-cell" }));
    if (value === 0) return cell;
    if (!Number.isFinite(value)) {
      cell.append(element("text", { x: where.x + CELL / 2 - 1, y: where.y + CELL / 2 + 3, "text-anchor": "middle" }, "?"));
      return cell;
    }
    const strength = FAINTEST + ((1 - FAINTEST) * Math.abs(value)) / largest;
    cell.append(element("rect", { ...where, class: value > 0 ? "plus" : "minus", "fill-opacity": strength }));
    if (value < 0) cell.append(element("rect", { x: where.x + 6, y: where.y + CELL / 2 - 2, width: CELL - 14, height: 2, class: "bar" }));
    return cell;
  }

  function point(row, column) {
    at = [Math.max(0, Math.min(jacobian.length - 1, row)), Math.max(0, Math.min(jacobian[0].length - 1, column))];
    picture.querySelectorAll("g").forEach((cell) =>
      cell.toggleAttribute("data-here", Number(cell.dataset.row) === at[0] && Number(cell.dataset.column) === at[1]));
    const [target, source] = [nodes[of.value], nodes[on.value]];
    said.textContent = `∂${target.name}${place(target.shape, at[0])} / ∂${source.name}${place(source.shape, at[1])} = ${written(jacobian[at[0]][at[1]])}`;
  }

  return { figure, update };
});
