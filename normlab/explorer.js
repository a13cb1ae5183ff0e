// The figure: steps and drawing, given numbers; words.js says what a step does, evaluate.js computes, matrix.js is beside it.
// Starts every <section class="nlx">.
(() => {
  "use strict";
  const { WIDE, HIGH, element, written, shown, columns, place, grid, border, tip, breadth, fitted } = window.normlabParts;
  const ACROSS = 94, DOWN = 56; // pixels: from node to node, from layer to layer
  const SMALLEST = 0.92; // of a graph's size: its letters can still be read

  function start(root) {
    const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    const { nodes, edges } = data, last = nodes.length - 1;
    const evaluate = window.normlabEvaluate(nodes), words = window.normlabWords(nodes, edges);
    const given = nodes.map((node) => node.value && Float64Array.from(node.value));
    const dout = Float64Array.from(data.dout);
    let values, grads, paths, trouble, step = 0;

    const down = nodes.map((_, i) => i).sort((i, j) => nodes[i].at[1] - nodes[j].at[1] || i - j); // as the figure is read
    const inputs = down.filter((i) => nodes[i].op === "input");
    const steps = [{ phase: "given" },
      ...down.filter((i) => nodes[i].operands.length).map((i) => ({ phase: "forward", i })),
      ...[...down].reverse().filter((i) => nodes[i].op !== "constant").map((i) => ({ phase: "backward", i }))];

    const live = element("p", { class: "nlx-live", "aria-live": "polite" });
    const panel = element("div", { class: "nlx-panel" });
    const slider = element("input", { type: "range", min: 0, max: steps.length - 1, value: 0, "aria-label": "Step",
      oninput: () => go(Number(slider.value)) });
    const back = element("button", { type: "button", onclick: () => go(step - 1) }, "← Back");
    const next = element("button", { type: "button", onclick: () => go(step + 1) }, "Next →");
    const bar = element("div", { class: "nlx-bar" }, back, slider, next);
    const [graph, boxes, lines] = drawn();
    const figure = element("div", { class: "nlx-window", role: "group", "aria-label": "The graph" }, graph);
    const matrix = window.normlabMatrix(nodes, inputs[0] ?? last, evaluate, () => ({ values }));
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
      trouble = words.trouble(values, grads, paths);
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
      back.setAttribute("aria-disabled", step === 0); // a disabled button would lose the keyboard's focus
      next.setAttribute("aria-disabled", step === steps.length - 1);
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
      const [sentence, ...parts] = {
        given: () => words.given(values, inputs),
        forward: () => words.forward(i, values),
        backward: () => words.backward(i, grads, paths),
      }[phase]();
      panel.replaceChildren(...parts.flatMap(([label, k, array]) => [element("p", {}, label), grid(array, nodes[k].shape, label)]));
      const longest = Math.max(...Array.from(panel.querySelectorAll("td"), (cell) => breadth(cell.textContent)));
      panel.style.setProperty("--digits", longest); // all grids of a step have columns of one width: shares stand above their sum
      requestAnimationFrame(settle);
      const wrong = trouble && (phase === "given" || parts.some(([, , array]) => !words.finite(array))) ? ` ${trouble}` : "";
      slider.setAttribute("aria-valuetext", sentence + wrong);
      live.textContent = `Step ${step} of ${steps.length - 1}. ${sentence}${wrong}`;
    }

    function settle() { // the current node comes into view; what scrolls must be reachable by keyboard
      [figure, ...panel.querySelectorAll(".nlx-wide")].forEach((box) => {
        if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
        else box.removeAttribute("tabindex");
      });
      const outer = figure.getBoundingClientRect(), inner = boxes[steps[step].i]?.getBoundingClientRect();
      if (!inner) return figure.scrollTo(0, 0);
      figure.scrollBy((inner.left + inner.right - outer.left - outer.right) / 2, (inner.top + inner.bottom - outer.top - outer.bottom) / 2);
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
        const text = (dy, content) => element("text", { x: x(at[0]), y: y(at[1]) + dy, ...fitted(content) }, content);
        return element("g", { onclick: () => go(steps.findIndex((one) => one.i === i && one.phase === wanted(i))) },
          element("title", {}, `${name} = ${nodes[i].formula}`),
          element("rect", { x: x(at[0]) - WIDE / 2, y: y(at[1]) - HIGH / 2, width: WIDE, height: HIGH, rx: nodes[i].operands.length ? 2 : 14 }),
          text(-3, short), text(12, nodes[i].operands.length ? `${op} → ${shown(shape)}` : shown(shape)));
      });
      const label = `${data.title}: ${nodes.filter((node) => node.operands.length).map((node) => `${node.name} = ${node.formula}`).join("; ")}`;
      const graph = element("svg", { class: "nlx-graph", role: "img", "aria-label": label, viewBox: `0 0 ${width} ${height}`, width,
        style: `min-width: ${SMALLEST * width}px` }, ...lines, ...boxes);
      return [graph, boxes, lines];
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
            if (wrong) {
              said.textContent = `${label} must be a number; ${written(array[i])} is still used.`;
              return;
            }
            array[i] = Number(field.value);
            compute();
            said.textContent = trouble;
          });
          fields.push({ field, array, i, first: value });
          table.append(field);
        });
        return element("fieldset", {}, element("legend", {}, `${name} ${shown(shape)}`), element("div", { class: "nlx-wide" }, table));
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
        ...sets, set(words.d(last), nodes[last].shape, dout), said, reset);
    }

    compute();
    new ResizeObserver(settle).observe(root);
    // For scripts and tests: all numbers as they are now.
    root.explorer = { numbers: () => ({ values, grads, paths }), jacobian: (target, source) => evaluate.jacobian(values, target, source) };
  }

  document.querySelectorAll("section.nlx:not([data-started])").forEach((root) => {
    root.setAttribute("data-started", "");
    start(root);
  });
})();
