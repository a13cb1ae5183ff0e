// Evaluates a graph of normlab.graph, forward and backward: the same operations, in the same order, on Float64Arrays.
// An array is flat, row by row; its shape is its node's. Nodes are numbered operands first, the output last.
window.normlabEvaluate = window.normlabEvaluate || (() => {
  "use strict";
  const size = (shape) => shape.reduce((a, b) => a * b, 1);

  // For each element of an array of shape `to`: where it stands in an array of shape `from` that is broadcast to it.
  function spots(from, to) {
    const lead = to.length - from.length;
    return Int32Array.from({ length: size(to) }, (_, i) => {
      let at = 0;
      for (let axis = to.length - 1, stride = 1, rest = i; axis >= lead; axis--) {
        const k = rest % to[axis], length = from[axis - lead];
        rest = (rest - k) / to[axis];
        if (length !== 1) at += k * stride;
        stride *= length;
      }
      return at;
    });
  }

  // For each element of the transposed array: where it stands in the array of `shape`.
  function transposed(shape) {
    const turned = [...shape].reverse();
    return Int32Array.from({ length: size(shape) }, (_, i) => {
      const index = [];
      for (let axis = turned.length - 1, rest = i; axis >= 0; axis--) {
        index.push(rest % turned[axis]); // the last axis of the result is the first of the array
        rest = Math.floor(rest / turned[axis]);
      }
      return index.reduce((at, k, axis) => at * shape[axis] + k, 0);
    });
  }

  // [value(a, b), share of a (g, a, b), share of b (g, a, b)]
  const BINARY = {
    "+": [(a, b) => a + b, (g) => g, (g) => g],
    "-": [(a, b) => a - b, (g) => g, (g) => -g],
    "*": [(a, b) => a * b, (g, a, b) => g * b, (g, a) => g * a],
    "/": [(a, b) => a / b, (g, a, b) => g / b, (g, a, b) => (-g * (a / b)) / b],
  };
  // [value(a), share of a (g, a, out)]
  const UNARY = {
    neg: () => [(a) => -a, (g) => -g],
    exp: () => [Math.exp, (g, a, out) => g * out],
    log: () => [Math.log, (g, a) => g / a],
    sqrt: () => [Math.sqrt, (g, a, out) => (g * 0.5) / out],
    max: ({ floor }) => [(a) => Math.max(a, floor), (g, a) => (a > floor ? g : 0)],
    "^": ({ power }) => [(a) => raised(a, power), (g, a) => (power ? g * power * raised(a, power - 1) : 0 * g)],
  };
  const raised = (a, power) =>
    ({ "-1": 1 / a, 0.5: Math.sqrt(a), 0: 1, 1: a, 2: a * a })[power] ?? Math.pow(a, power);

  // An operation on given shapes: forward(operands) -> value; backward(g, operands, value) -> a share an operand.
  function operation(node, shapes) {
    const count = size(node.shape);
    if (node.op in BINARY) {
      const [value, ...shares] = BINARY[node.op], places = shapes.map((shape) => spots(shape, node.shape));
      const [p, q] = places;
      return {
        forward: ([a, b]) => Float64Array.from({ length: count }, (_, i) => value(a[p[i]], b[q[i]])),
        backward: (g, [a, b]) => shares.map((share, k) => {
          const sum = new Float64Array(size(shapes[k])); // the copies that broadcasting made are added up
          for (let i = 0; i < count; i++) sum[places[k][i]] += share(g[i], a[p[i]], b[q[i]]);
          return sum;
        }),
      };
    }
    if (node.op === "@") return product(...shapes);
    if (node.op === "sum" || node.op === "mean") {
      const kept = shapes[0].map((length, axis) => (node.settings.axis.includes(axis) ? 1 : length));
      const place = spots(kept, shapes[0]), n = node.op === "mean" ? place.length / count : 1;
      return {
        forward: ([a]) => {
          const sum = new Float64Array(count);
          a.forEach((value, i) => { sum[place[i]] += value; });
          return sum.map((value) => value / n);
        },
        backward: (g) => [Float64Array.from(place, (at) => g[at] / n)],
      };
    }
    if (["pick", "T", "reshape"].includes(node.op)) {
      const place = { pick: () => node.settings.places, T: () => transposed(shapes[0]),
        reshape: () => Array.from({ length: count }, (_, i) => i) }[node.op]();
      return {
        forward: ([a]) => Float64Array.from(place, (at) => a[at]),
        backward: (g) => {
          const full = new Float64Array(size(shapes[0]));
          place.forEach((at, i) => { full[at] += g[i]; });
          return [full];
        },
      };
    }
    const [value, share] = UNARY[node.op.startsWith("^") ? "^" : node.op](node.settings);
    return {
      forward: ([a]) => a.map((x) => value(x)),
      backward: (g, [a], out) => [a.map((x, i) => share(g[i], x, out[i]))],
    };
  }

  function product([n, m], [, k]) { // (n, m) @ (m, k)
    const each = (f) => { for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) for (let l = 0; l < m; l++) f(i, j, l); };
    return {
      forward: ([a, b]) => {
        const out = new Float64Array(n * k);
        each((i, j, l) => { out[i * k + j] += a[i * m + l] * b[l * k + j]; });
        return out;
      },
      backward: (g, [a, b]) => {
        const da = new Float64Array(n * m), db = new Float64Array(m * k);
        each((i, j, l) => { da[i * m + l] += g[i * k + j] * b[l * k + j]; });
        each((i, j, l) => { db[l * k + j] += a[i * m + l] * g[i * k + j]; });
        return [da, db];
      },
    };
  }

  function derivatives(evaluate, values, target, source) {
    const rows = values[target].length;
    return Array.from({ length: rows }, (_, i) => {
      const seed = new Float64Array(rows);
      seed[i] = 1;
      return evaluate.backward(values, target, seed).grads[source] || new Float64Array(values[source].length);
    });
  }

  // The node with derivatives that are above 0 wherever it has any, whatever the numbers.
  function counting(node) {
    if (node.op in BINARY) return { ...node, op: "+" };
    return node.op.startsWith("^") || node.op in UNARY ? { ...node, op: "^", settings: { power: 1 } } : node;
  }

  // nodes: [{op, shape, settings, operands, value (of a leaf)}]
  return function evaluator(nodes) {
    const operations = nodes.map((node) =>
      node.operands.length ? operation(node, node.operands.map((i) => nodes[i].shape)) : null);
    const operands = (node, values) => node.operands.map((i) => values[i]);
    return {
      // leaves: the arrays of the leaves, by number -> the values of all nodes
      forward(leaves) {
        const values = [];
        nodes.forEach((node, i) => {
          values.push(operations[i] ? operations[i].forward(operands(node, values)) : leaves[i]);
        });
        return values;
      },
      // From node `start` with gradient `seed` -> {grads, paths}: paths[i] lists {consumer, operand, share} in the order
      // of the sum. A node from which no way leads to `start` has no gradient.
      backward(values, start, seed) {
        const grads = [], paths = nodes.map(() => []);
        grads[start] = seed;
        for (let i = start; i >= 0; i--) {
          if (!grads[i] || !operations[i]) continue;
          operations[i].backward(grads[i], operands(nodes[i], values), values[i]).forEach((share, operand) => {
            const parent = nodes[i].operands[operand], before = grads[parent];
            paths[parent].push({ consumer: i, operand, share });
            grads[parent] = before ? before.map((x, k) => x + share[k]) : share;
          });
        }
        return { grads, paths };
      },
      // d value[target] / d value[source]: a row an element of the target, a column an element of the source.
      // Where no way leads from one to the other it is 0, though 0 times what is not finite is nan on the ways of others.
      jacobian(values, target, source) {
        const found = derivatives(this, values, target, source);
        if (found.every((row) => row.every(Number.isFinite))) return found;
        const ways = derivatives(evaluator(nodes.map(counting)), values.map((value) => value.map(() => 1)), target, source);
        return found.map((row, i) => row.map((value, j) => (ways[i][j] ? value : 0)));
      },
    };
  };
})();
