// What a step says: a sentence, and the arrays that are shown with it, each with its label and the node whose shape it has.
window.normlabWords = window.normlabWords || ((nodes, edges) => {
  "use strict";
  const { written, shown } = window.normlabParts;
  const SHORT = 5; // elements: so many numbers fit into a sentence
  const last = nodes.length - 1;
  const inputs = nodes.map((_, i) => i).filter((i) => nodes[i].op === "input");
  const d = (i) => (nodes[i].name.includes(" ") ? `d(${nodes[i].name})` : `d${nodes[i].name}`);
  const titled = (i) => `${nodes[i].name} ${shown(nodes[i].shape)}`;
  const computed = (i) => [...new Set([nodes[i].name, nodes[i].formula])].join(" = "); // a node may be named after its formula
  const listed = (words) => [words.slice(0, -1).join(", "), words.at(-1)].filter(Boolean).join(" or ");

  function numbers(array, shape) { // " = [1, 2]", or nothing where it is too long
    if (array.length > SHORT || shape.filter((length) => length > 1).length > 1) return "";
    const list = Array.from(array, written).join(", ");
    return shape.length ? ` = [${list}]` : ` = ${list}`;
  }

  function given(values, order) {
    return [`Given: ${order.map((i) => nodes[i].name).join(", ")}, and ${d(last)} for the way back.`,
      ...order.map((i) => [titled(i), i, values[i]])];
  }

  function forward(i, values) {
    const { operands, shape, op } = nodes[i];
    const parts = [...new Set(operands)].map((k) => {
      const repeated = shown(nodes[k].shape) !== shown(shape) && ["+", "-", "*", "/"].includes(op);
      return [titled(k) + (repeated ? `, repeated to ${shown(shape)}` : ""), k, values[k]];
    });
    return [`Forward: ${computed(i)}${numbers(values[i], shape)}, shape ${shown(shape)}.`,
      ...parts, [computed(i), i, values[i]]];
  }

  const ruleOf = ({ consumer, operand }) => edges.filter((edge) => edge.target === consumer)[operand].rule;

  function backward(i, grads, paths) {
    const { shape } = nodes[i], value = numbers(grads[i], shape);
    if (i === last) return [`Backward starts: ${d(i)}${value} is given, shape ${shown(shape)}.`, [d(i), i, grads[i]]];
    const ways = paths[i].map((path) => ({ through: nodes[path.consumer].name, share: path.share, rule: ruleOf(path) }));
    if (ways.length === 1) return [`Backward: ${d(i)} = ${ways[0].rule}${value}, through ${ways[0].through}.`, [d(i), i, grads[i]]];
    const parts = ways.map(({ through, rule, share }) => [`through ${through}: ${rule}`, i, share]);
    const sum = ways.map(({ through, rule }) => `${rule} (through ${through})`).join(" + ");
    return [`Backward: ${d(i)} is the sum over ${ways.length} paths: ${sum}${value}.`, ...parts,
      [`${d(i)} = sum of the ${ways.length} paths`, i, grads[i]]];
  }

  const kind = (array) => (array.some(Number.isNaN) ? "nan" : array.includes(Infinity) ? "inf" : array.includes(-Infinity) ? "-inf" : "");
  function above(i) { // the given numbers on which a node depends
    const seen = new Set([i]);
    for (const k of seen) nodes[k].operands.forEach((operand) => seen.add(operand));
    return inputs.filter((k) => seen.has(k)).map((k) => nodes[k].name);
  }

  // Where the first number that is not finite comes from, or "": nodes are numbered operands first.
  function trouble(values, grads, paths) {
    const told = (operation, result, wrong) => {
      const { op, operands, settings } = nodes[operation], cause = operands[op === "/" ? 1 : 0];
      const root = ["sqrt", "log"].includes(op), power = settings.power ?? 1;
      const reason = (root || !Number.isInteger(power)) && values[cause].some((x) => x < 0) ? "is negative"
        : (root || op === "/" || power < 1) && values[cause].some((x) => x === 0) ? "is 0" : "";
      const names = listed(above(reason ? cause : operation));
      return `${reason ? `${nodes[cause].name} ${reason}` : "Too large for a float64"}: ${result} gives ${wrong}. Change ${names}.`;
    };
    const i = values.findIndex(kind);
    if (i >= 0) return told(i, computed(i), kind(values[i]));
    for (let k = last - 1; k >= 0; k--) {
      const way = grads[k] && kind(grads[k]) && (paths[k].find(({ share }) => kind(share)) ?? paths[k][0]);
      if (way) return told(way.consumer, `${d(k)} = ${ruleOf(way)}`, kind(grads[k]));
    }
    return "";
  }

  return { d, given, forward, backward, trouble, finite: (array) => !kind(array) };
});
