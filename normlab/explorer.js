// The figure made of parts.js around evaluate.js: steps, drawing, given numbers, matrix of dependence. Starts every <section class="nlx">.
(() => {
  "use strict";
  const { WIDE, HIGH, element, written, shown, columns, place, grid, border, tip } = window.normlabParts;
  const ACROSS = 86, DOWN = 56; // pixels: from node to node, from layer to layer

  function start(root) {
    const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    const { nodes, edges } = data, last = nodes.length - 1;
    const evaluate = window.normlabEvaluate(nodes);
    const given = nodes.map((node) => node.value && Float64Array.from(node.value));
    const dout = Float64Array.from(data.dout);
    let values, grads, paths, step = 0;

    const down = nodes.map((_, i) => i).sort((i, j) => nodes[i].at[1] - nodes[j].at[1] || i - j); // as the figure is read
    const inputs = down.filter((i) => nodes[i].op === "input");
    const steps = [{ phase: "given" },
      ...down.filter((i) => nodes[i].operands.length).map((i) => ({ phase: "forward", i })),
      ...[...down].reverse().filter((i) => nodes[i].op !== "constant").map((i) => ({ phase: "backward", i }))];

    const live = element("p", { class: "nlx-live", "aria-live": "polite" });
    const panel = element("div", { class: "nlx-panel" });
    const slider = element("input", { type: "range", min: 0, max: steps.length - 1, value: 0, "aria-label": "Step",
      oninput: () => go(Number(slider.value)) });
    const bar = element("div", { class: "nlx-bar" },
      element("button", { type: "button", onclick: () => go(step - 1) }, "← Back"), slider,
      element("button", { type: "button", onclick: () => go(step + 1) }, "Next →"));
    const [figure, boxes, lines] = drawn();
    const matrix = dependence();
    const fields = editor();
    const table = root.querySelector(".nlx-all");
    table.addEventListener("toggle", tabulate);
    table.before(
      element("p", { class: "nlx-title" }, data.title),
      element("div", { class: "nlx-main" }, figure, element("div", { class: "nlx-side" }, bar, live, panel)), fields, matrix.figure);
    root.addEventListener("keydown", (event) => {
      if (event.target.closest("input, select, summary, .nlx-matrix, .nlx-wide") || event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "ArrowRight") go(step + 1);
      else if (event.key === "ArrowLeft") go(step - 1);
      else return;
      event.preventDefault();
    });

    function compute() {
      values = evaluate.forward(given);
      ({ grads, paths } = evaluate.backward(values, last, dout));
      go(step);
      tabulate();
      matrix.update();
    }

    function tabulate() {
      if (!table.open) return;
      table.querySelectorAll("tbody tr").forEach((row, i) => {
        fill(row.cells[3], values[i], nodes[i].shape);
        if (nodes[i].op !== "constant") fill(row.cells[4], grads[i], nodes[i].shape);
      });
    }

    function fill(cell, array, shape) {
      const rows = [];
      for (let at = 0; at < array.length; at += columns(shape)) {
        if (at) rows.push(element("br"));
        rows.push(Array.from(array.slice(at, at + columns(shape)), written).join(", "));
      }
      cell.replaceChildren(...rows);
    }

    function go(to) {
      step = Math.max(0, Math.min(steps.length - 1, to));
      slider.value = step;
      const { phase, i } = steps[step];
      const done = new Set(steps.slice(0, step + 1).filter((one) => one.phase === phase).map((one) => one.i));
      boxes.forEach((box, k) => {
        const known = phase === "backward" ? done.has(k) : !nodes[k].operands.length || done.has(k);
        box.setAttribute("class", `nlx-node ${phase} ${known ? "known" : ""} ${k === i ? "now" : ""}`);
      });
      lines.forEach((line, k) => {
        const here = phase === "forward" ? edges[k].target === i : phase === "backward" && edges[k].source === i;
        line.setAttribute("class", `nlx-edge ${phase} ${here ? "now" : ""}`);
      });
      const [sentence, ...parts] = { given: tellGiven, forward: tellForward, backward: tellBackward }[phase](i);
      panel.replaceChildren(...parts);
      requestAnimationFrame(() => panel.querySelectorAll(".nlx-wide").forEach((wide) => {
        if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0; // what scrolls must be reachable by keyboard
      }));
      slider.setAttribute("aria-valuetext", sentence);
      live.textContent = `Step ${step} of ${steps.length - 1}. ${sentence}`;
    }

    function tellGiven() {
      return [`Given: ${inputs.map((i) => nodes[i].name).join(", ")}, and d${nodes[last].name} for the way back.`,
        ...inputs.flatMap((i) => labeled(`${nodes[i].name} (${shown(nodes[i].shape)})`, i, values[i]))];
    }

    const labeled = (label, k, array) => [element("p", {}, label), grid(array, nodes[k].shape, label)];

    function tellForward(i) {
      const { name, formula, operands, shape } = nodes[i];
      const parts = [...new Set(operands)].flatMap((k) => {
        const repeated = shown(nodes[k].shape) !== shown(shape) && ["+", "-", "*", "/"].includes(nodes[i].op);
        return labeled(`${nodes[k].name} (${shown(nodes[k].shape)}${repeated ? `, repeated to ${shown(shape)}` : ""})`, k, values[k]);
      });
      return [`Forward: ${name} = ${formula}, shape ${shown(shape)}.`, ...parts, ...labeled(`${name} = ${formula}`, i, values[i])];
    }

    function tellBackward(i) {
      const { name, shape } = nodes[i], ways = paths[i];
      if (i === last) return [`Backward starts: d${name} is given, shape ${shown(shape)}.`, ...labeled(`d${name}`, i, grads[i])];
      const parts = ways.flatMap(({ consumer, operand, share }) => {
        const edge = edges.filter((one) => one.target === consumer)[operand];
        return labeled(`through ${nodes[consumer].name}: ${edge.rule}`, i, share);
      });
      if (ways.length === 1) return [`Backward: d${name}, by one path, through ${nodes[ways[0].consumer].name}.`, ...parts];
      const through = ways.map((way) => nodes[way.consumer].name).join(" and ");
      return [`Backward: d${name} is the sum over ${ways.length} paths, through ${through}.`, ...parts,
        ...labeled(`d${name} = sum of the ${ways.length} paths`, i, grads[i])];
    }

    function drawn() {
      const x = (across) => (across + 0.5) * ACROSS, y = (layer) => layer * DOWN + HIGH / 2 + 4;
      const width = (data.width + 1) * ACROSS, height = data.depth * DOWN + HIGH + 8;
      const lines = edges.map(({ route }) => {
        const points = route.map(([across, layer]) => [x(across), y(layer)]);
        const end = border(points.at(-2), points.at(-1)), begin = border(points[1], points[0]);
        return element("g", {}, element("polyline", { points: [begin, ...points.slice(1, -1), end].join(" ") }),
          tip(points.at(-2), end, "ahead"), tip(points[1], begin, "back"));
      });
      const boxes = nodes.map(({ name, op, shape, at }, i) => {
        const short = name.length > 10 ? `${name.slice(0, 9)}…` : name;
        const text = (dy, content) => element("text", { x: x(at[0]), y: y(at[1]) + dy }, content);
        return element("g", { onclick: () => go(steps.findIndex((one) => one.i === i && one.phase === wanted(i))) },
          element("title", {}, `${name} = ${nodes[i].formula}`),
          element("rect", { x: x(at[0]) - WIDE / 2, y: y(at[1]) - HIGH / 2, width: WIDE, height: HIGH, rx: nodes[i].operands.length ? 2 : 14 }),
          text(-3, short), text(12, nodes[i].operands.length ? `${op}  ${shown(shape)}` : shown(shape)));
      });
      const label = `${data.title}: ${nodes.filter((node) => node.operands.length).map((node) => `${node.name} = ${node.formula}`).join("; ")}`;
      const figure = element("svg", { class: "nlx-graph", role: "img", "aria-label": label, viewBox: `0 0 ${width} ${height}`, width },
        ...lines, ...boxes);
      return [figure, boxes, lines];
    }

    function wanted(i) { // where a click on a node leads: to its step of the phase that is shown
      if (nodes[i].op === "constant" || (!nodes[i].operands.length && steps[step].phase !== "backward")) return "given";
      return steps[step].phase === "backward" ? "backward" : "forward";
    }

    function editor() {
      const said = element("p", { class: "nlx-live", "aria-live": "polite" });
      const fields = [];
      const set = (name, shape, array) => {
        const table = element("div", { class: "nlx-fields", style: `--columns: ${columns(shape)}` });
        array.forEach((value, i) => {
          const label = `${name}${place(shape, i)}`;
          const field = element("input", { type: "number", step: "any", value, "aria-label": label });
          field.addEventListener("input", () => {
            const wrong = field.value.trim() === "" || !Number.isFinite(Number(field.value));
            field.toggleAttribute("data-wrong", wrong);
            field.setAttribute("aria-invalid", wrong);
            said.textContent = wrong ? `${label} must be a number; ${written(array[i])} is still used.` : "";
            if (wrong) return;
            array[i] = Number(field.value);
            compute();
          });
          fields.push({ field, array, i, first: value });
          table.append(field);
        });
        return element("fieldset", {}, element("legend", {}, `${name} (${shown(shape)})`), element("div", { class: "nlx-wide" }, table));
      };
      const sets = inputs.map((i) => set(nodes[i].name, nodes[i].shape, given[i]));
      const reset = element("button", { type: "button", onclick: () => {
        fields.forEach(({ field, array, i, first }) => {
          array[i] = field.value = first;
          field.removeAttribute("data-wrong");
          field.setAttribute("aria-invalid", false);
        });
        said.textContent = "All numbers are as given again.";
        compute();
      } }, "Reset");
      return element("details", { class: "nlx-inputs" }, element("summary", {}, "Change the numbers"),
        ...sets, set(`d${nodes[last].name}`, nodes[last].shape, dout), said, reset);
    }

    function dependence() {
      const CELL = 26, MOST = 40; // pixels; elements a side
      let jacobian = [], at = [0, 0];
      const chosen = (label, first) => {
        const select = element("select", { onchange: () => { at = [0, 0]; update(); } });
        nodes.forEach((node, i) => { if (node.op !== "constant") select.append(element("option", { value: i }, node.name)); });
        select.value = first;
        return [select, element("label", {}, label, " ", select)];
      };
      const [of, ofLabel] = chosen("How", last);
      const [on, onLabel] = chosen("depends on", inputs[0] ?? last);
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
      const details = element("details", { ontoggle: () => update() },
        element("summary", {}, "Which element depends on which"), element("p", {}, ofLabel, " ", onLabel), summary, picture, said);

      function update() {
        if (!details.open) return;
        const target = Number(of.value), source = Number(on.value), rows = values[target].length, width = values[source].length;
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
        const largest = Math.max(1e-9, ...jacobian.map((row) => Math.max(...row.map(Math.abs))));
        const tied = jacobian.reduce((sum, row) => sum + row.filter((value) => value !== 0).length, 0);
        summary.textContent = `A row for each of the ${rows} elements of ${names[0]}, a column for each of the ${width} of ${names[1]}: `
          + `${tied} of ${rows * width} pairs depend on each other. Blue is positive, orange with a bar negative, the stronger the larger.`;
        jacobian.forEach((row, i) => row.forEach((value, j) => {
          const where = { x: j * CELL + 1, y: i * CELL + 1, width: CELL - 2, height: CELL - 2 };
          const cell = element("g", { "data-row": i, "data-column": j }, element("rect", { ...where, class: "nlx-cell" }));
          if (value !== 0) {
            const strength = 0.15 + (0.85 * Math.abs(value)) / largest;
            cell.append(element("rect", { ...where, class: value > 0 ? "plus" : "minus", "fill-opacity": strength }));
            if (value < 0) cell.append(element("rect", { x: where.x + 6, y: where.y + CELL / 2 - 2, width: CELL - 14, height: 2, class: "bar" }));
          }
          picture.append(cell);
        }));
        picture.setAttribute("viewBox", `0 0 ${width * CELL} ${rows * CELL}`);
        picture.setAttribute("width", width * CELL);
        picture.setAttribute("aria-label", `Derivatives of ${names[0]} in ${names[1]}, ${rows} rows, ${width} columns`);
        point(Math.min(at[0], rows - 1), Math.min(at[1], width - 1));
      }

      function point(row, column) {
        at = [Math.max(0, Math.min(jacobian.length - 1, row)), Math.max(0, Math.min(jacobian[0].length - 1, column))];
        picture.querySelectorAll("g").forEach((cell) =>
          cell.toggleAttribute("data-here", Number(cell.dataset.row) === at[0] && Number(cell.dataset.column) === at[1]));
        const [target, source] = [nodes[of.value], nodes[on.value]];
        said.textContent = `∂${target.name}${place(target.shape, at[0])} / ∂${source.name}${place(source.shape, at[1])} = ${written(jacobian[at[0]][at[1]])}`;
      }
      return { figure: details, update, numbers: (target, source) => evaluate.jacobian(values, target, source) };
    }

    compute();
    // For scripts and tests: all numbers as they are now.
    root.explorer = { numbers: () => ({ values, grads, paths }), jacobian: matrix.numbers };
  }

  document.querySelectorAll("section.nlx:not([data-started])").forEach((root) => {
    root.setAttribute("data-started", "");
    start(root);
  });
})();
