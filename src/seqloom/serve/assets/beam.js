// A view: all prefixes that the search considered, as a tree; each hypothesis is traced back through its parents.

import { cell, decimal, draw, make, scrolling, table } from "./elements.js";
import { svg } from "./heatmap.js";
import { NODE_STATUSES, tokenText } from "./wording.js";

const HIGH = 46;

function pathTo(nodes, number) {
  const path = [];
  for (let index = number; index !== null; index = nodes[index].parent) path.unshift(index);
  return path;
}

// The prefix as text, without the end of sequence.
function textOf(nodes, number) {
  const ended = ["finished", "outscored"].includes(nodes[number].status);
  const path = pathTo(nodes, number).filter((index) => nodes[index].token && !(ended && index === number));
  return path
    .map((index) => nodes[index].token.text)
    .join("")
    .replaceAll("▁", " ")
    .trim();
}

function tree(beam, traced, label, select) {
  const { nodes } = beam;
  const [best, path] = [new Set(pathTo(nodes, beam.best.at(-1) ?? 0)), new Set(traced)];
  // Each column has the width of its longest token.
  const boxOf = (node) => Math.max(46, (node.token ? tokenText(node.token) : "start").length * 6.9 + 14);
  const widths = [];
  for (const node of nodes) widths[node.depth] = Math.max(widths[node.depth] ?? 0, boxOf(node));
  const middles = widths.map((width, depth) => 6 + widths.slice(0, depth).reduce((sum, item) => sum + item + 26, 0) + width / 2);
  const at = (node) => [middles[node.depth], 26 + node.rank * HIGH];
  const edges = [];
  const boxes = nodes.map((node, number) => {
    const [x, y] = at(node);
    const kind = `${best.has(number) ? "best" : node.status === "pruned" ? "pruned" : "kept"}${path.has(number) ? " traced" : ""}`;
    if (node.parent !== null) {
      const [px, py] = at(nodes[node.parent]);
      edges.push(draw("line", { x1: px, y1: py, x2: x, y2: y, class: `edge ${kind}` }));
    }
    const token = node.token ? tokenText(node.token) : "start";
    const box = boxOf(node);
    const end = ["finished", "outscored"].includes(node.status) ? " ■" : "";
    return draw(
      "g",
      { class: `node ${kind}`, on: { click: () => select(number) } },
      draw(
        "title",
        {},
        `${token}: log-probability ${decimal(node.total, 3)}, score ${decimal(node.score, 3)}; ${NODE_STATUSES[node.status]}`,
      ),
      draw("rect", { x: x - box / 2, y: y - 17, width: box, height: 34, rx: 4 }),
      draw("text", { x, y: node.token ? y - 2 : y + 4, "text-anchor": "middle" }, token + end),
      draw("text", { x, y: y + 12, "text-anchor": "middle", class: "value" }, node.token ? decimal(node.total, 2) : ""),
    );
  });
  // Traced edges are drawn over the others.
  edges.sort((first, second) => first.classList.contains("traced") - second.classList.contains("traced"));
  const ranks = Math.max(...nodes.map((node) => node.rank)) + 1;
  return svg(middles.at(-1) + widths.at(-1) / 2 + 6, 52 + (ranks - 1) * HIGH, label, "beam", ...edges, ...boxes);
}

function hypotheses(beam, numbers, chosen, run, select, name) {
  const { nodes } = beam;
  const rows = numbers.map((number) => [
    make(
      "th",
      { scope: "row" },
      make("bdi", {}, textOf(nodes, number) || "(nothing)"),
      make("small", { className: "node-status" }, NODE_STATUSES[nodes[number].status]),
    ),
    cell(decimal(nodes[number].total, 2), "n"),
    cell(decimal(nodes[number].score, 2), "n"),
    make(
      "td",
      {},
      make(
        "button",
        {
          type: "button",
          className: "quiet",
          ariaLabel: `trace ${textOf(nodes, number)}`,
          data: { key: `trace ${number} of ${run.name}` },
          attributes: { "aria-pressed": String(number === chosen) },
          on: { click: () => select(number) },
        },
        "trace",
      ),
    ),
  ]);
  const heads = [
    ["beginning, and what became of it"],
    ["log-prob.", "n"],
    ["score", "n"],
    [make("span", { className: "hidden" }, "choice")],
  ];
  return scrolling(name, table(heads, rows, { className: "data" }));
}

export function beamView(explanation, { run, state, go }) {
  const { beam } = explanation;
  if (!beam) return make("p", { className: "aside" }, "There is no beam: this output does not come from beam search.");
  const own = state.path?.run === run.name && state.path.node < beam.nodes.length ? state.path.node : null;
  const chosen = own ?? beam.best.at(-1) ?? 0;
  const select = (node) => go({ path: { run: run.name, node } });
  const shown = beam.nodes.map((_, index) => index).filter((index) => beam.nodes[index].token);
  const byScore = (first, second) => beam.nodes[second].score - beam.nodes[first].score;
  const ends = shown
    .filter((index) => ["finished", "outscored", "cut", "left"].includes(beam.nodes[index].status))
    .sort(byScore);
  const others = shown
    .filter((index) => ["pruned", "dropped"].includes(beam.nodes[index].status))
    .sort((first, second) => beam.nodes[first].depth - beam.nodes[second].depth || byScore(first, second));
  const label =
    `Beam of ${beam.beam} of ${run.name}: ${shown.length} prefixes considered; ` +
    `the output is ${explanation.output}. The tables below have the same content.`;
  const node = beam.nodes[chosen];
  return make(
    "div",
    {},
    make(
      "p",
      { className: "fact" },
      "Traced: ",
      make("b", { dir: "auto" }, textOf(beam.nodes, chosen) || "(nothing)"),
      `, log-probability ${decimal(node.total, 2)}, score ${decimal(node.score, 2)}; ${NODE_STATUSES[node.status]}.`,
    ),
    scrolling(`beam of ${run.name}`, tree(beam, pathTo(beam.nodes, chosen), label, select), "drawing"),
    make("h3", {}, "Ended hypotheses"),
    hypotheses(beam, ends, chosen, run, select, `ends of ${run.name}`),
    make(
      "details",
      { data: { key: `others of ${run.name}` } },
      make(
        "summary",
        { data: { key: `unfold others of ${run.name}` } },
        `Prefixes that were not continued (${others.length})`,
      ),
      hypotheses(beam, others, chosen, run, select, `prefixes that ${run.name} did not continue`),
    ),
  );
}
