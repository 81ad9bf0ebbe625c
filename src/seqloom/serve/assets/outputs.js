// A view: the outputs of the search for a text, best first, with scores.

import { cell, decimal, make, percent, scrolling, table } from "./elements.js";
import { tokenTexts } from "./wording.js";

function row(output, rank) {
  const text = make("td", { className: "output", dir: "auto" }, output.text || "(nothing)");
  if (!output.finished) text.append(" ", make("span", { className: "tag" }, "cut at its limit"));
  return [
    make("th", { scope: "row" }, String(rank + 1)),
    text,
    cell(decimal(output.score, 3), "n"),
    cell(percent(Math.exp(output.log_prob)), "n"),
  ];
}

export function outputsView(generation, { run }) {
  const [best] = generation.outputs;
  const heads = [["rank"], ["output"], ["score", "n"], ["probability", "n"]];
  return make(
    "div",
    {},
    make("p", { className: "best", dir: "auto" }, best.text || "(nothing)"),
    make(
      "p",
      { className: "tokens", dir: "auto", role: "group", ariaLabel: "tokens of the best output" },
      ...tokenTexts(best.tokens.map((text) => ({ text }))).map((token) => make("span", {}, token)),
    ),
    scrolling(`all outputs of ${run.name}`, table(heads, generation.outputs.map(row))),
    ...generation.notes.map((note) => make("p", { className: "aside" }, `Note: ${note}.`)),
    make("p", { className: "aside" }, `${generation.seconds.toFixed(2)} s`),
  );
}
