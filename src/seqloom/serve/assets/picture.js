// A view: the attribution of all output tokens to all source tokens, as a picture and in numbers.

import { cell, decimal, heading, make, scrolling, table } from "./elements.js";
import { heatmap } from "./heatmap.js";
import { agreementsSentence, instead, peaks, pictureOf, tokenTexts } from "./wording.js";

// A drawing with its numbers in a table that can be opened.
export function pictured(rows, columns, names, title, options) {
  const description = `${title}, the largest value of each token: ${peaks(rows, columns, names)}.`;
  const heads = [
    [make("span", { className: "hidden" }, "token")],
    ...columns.map((name) => [make("bdi", {}, name), "n"]),
  ];
  const numbers = rows.map((row, index) => [
    heading(names[index]),
    ...row.map((value) => cell(decimal(value, 2), "n")),
  ]);
  return [
    scrolling(title, heatmap(rows, columns, names, description, options), "drawing"),
    make(
      "details",
      { data: { key: `numbers of ${title}` } },
      make("summary", { data: { key: `unfold numbers of ${title}` } }, "The numbers"),
      scrolling(`${title}, in numbers`, table(heads, numbers, { className: "data" })),
    ),
  ];
}

export function pictureView(explanation, { run, state }) {
  const picture = pictureOf(explanation, state.look);
  if (!picture) return make("p", { className: "aside" }, "This run has no source, so there is no picture.");
  const [columns, names] = [tokenTexts(explanation.source), tokenTexts(explanation.target)];
  const options = { truth: explanation.truth?.sources, at: Math.min(state.step, names.length - 1) };
  return make(
    "div",
    {},
    make("h3", {}, picture.title),
    ...pictured(picture.rows, columns, names, `${picture.title} of ${run.name}`, options),
    make(
      "p",
      { className: "aside agreements" },
      `${instead(picture, state.look)}${agreementsSentence(picture.agreements)}`,
    ),
    explanation.truth && make("p", { className: "aside" }, `Outlined in orange is the reference alignment: ${explanation.truth.rule}.`),
  );
}
