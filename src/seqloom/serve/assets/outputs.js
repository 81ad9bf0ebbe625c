// A view: what search found for one text, best first, with scores. Text is set as text, never as markup.

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const percent = new Intl.NumberFormat("en", { style: "percent", maximumSignificantDigits: 3 });
const number = new Intl.NumberFormat("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });

function row(output, rank) {
  const text = make("td", { className: "output", dir: "auto" }, output.text || "(nothing)");
  if (!output.finished) text.append(" ", make("span", { className: "tag" }, "cut at its limit"));
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, String(rank + 1)),
    text,
    make("td", { className: "n" }, number.format(output.score)),
    make("td", { className: "n" }, percent.format(Math.exp(output.log_prob))),
  );
}

export function outputsView(generation, { run }) {
  const heads = ["rank", "output", "score", "probability"];
  const head = make("tr", {}, ...heads.map((name, place) => make("th", { scope: "col", className: place > 1 ? "n" : "" }, name)));
  const rows = generation.outputs.map(row);
  const best = generation.outputs[0];
  return make(
    "div",
    {},
    make("p", { className: "best", dir: "auto" }, best.text || "(nothing)"),
    make("p", { className: "tokens", dir: "auto", role: "group", ariaLabel: "tokens of the best output" }, ...best.tokens.map((token) => make("span", {}, token))),
    make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: `all outputs of ${run.name}` }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))),
    ...generation.notes.map((note) => make("p", { className: "aside" }, `Note: ${note}.`)),
  );
}
