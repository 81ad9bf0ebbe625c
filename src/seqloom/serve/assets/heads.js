// A view: every head of every layer as a small picture; the chosen head is enlarged.

import { make } from "./elements.js";
import { heatmap } from "./heatmap.js";
import { pictured } from "./picture.js";
import { agreementsSentence, agreementsShort, tokenTexts, whereOf } from "./wording.js";

// The pictures of a layer that can be chosen: its heads, and their mean if there are several.
function headsOf(attention) {
  const heads = attention.heads.map((rows, head) => ({
    id: `${attention.name}.${head}`,
    title: `head ${head}`,
    rows,
    agreements: attention.agreements[head],
  }));
  const { mean: rows, mean_agreements: agreements } = attention;
  const mean = { id: `${attention.name}.mean`, title: "mean", rows, agreements };
  return (heads.length > 1 ? [...heads, mean] : heads).map((item) => ({ ...item, attention }));
}

function axes(explanation, { queries, keys }) {
  const [source, fed, target] = [explanation.source, explanation.fed, explanation.target].map(tokenTexts);
  return [{ source, target: fed, both: [...source, ...fed] }[keys], queries === "source" ? source : target];
}

const truthOf = (explanation, { queries, keys }) =>
  queries === "target" && keys !== "target" ? explanation.truth?.sources : null;

// The first measure of agreement, as a short text under a small picture.
const firstAgreement = (agreements) => agreementsShort(agreements).split(", ")[0];

export function headsView(explanation, { run, state, go }) {
  const all = explanation.attention.flatMap(headsOf);
  if (!all.length)
    return make(
      "p",
      { className: "aside" },
      "This run has no attention, so it has no heads. The other views show by occlusion and gradient " +
        "where its words come from.",
    );
  const across = (item) => item.attention.queries === "target" && item.attention.keys !== "target";
  const shown = all.find((item) => item.id === state.head) ?? all.findLast(across) ?? all[0];
  const [columns, names] = axes(explanation, shown.attention);
  const silence = () =>
    go({ view: "whatif", silence: [...new Set([...state.silence, shown.id.replace(/\.mean$/, "")])] });
  const layers = explanation.attention.map((attention) => {
    const [wide] = axes(explanation, attention);
    const side = wide.length <= 14 ? 7 : wide.length <= 24 ? 5 : 3;
    const small = headsOf(attention).map((item) =>
      make(
        "button",
        {
          type: "button",
          className: "head",
          title: agreementsShort(item.agreements),
          ariaLabel: `${attention.name}, ${item.title}: ${agreementsShort(item.agreements)}`,
          data: { key: `${item.id} of ${run.name}` },
          attributes: { "aria-pressed": String(item === shown || item.id === shown.id) },
          on: { click: () => go({ head: item.id }) },
        },
        heatmap(item.rows, wide, names, "", { named: false, side, truth: truthOf(explanation, attention) }),
        make("span", {}, item.title),
        make("small", {}, firstAgreement(item.agreements)),
      ),
    );
    for (const button of small) button.querySelector("svg").setAttribute("aria-hidden", "true");
    return make(
      "div",
      { role: "group", ariaLabel: attention.name },
      make("h4", {}, attention.name, " ", make("span", { className: "aside" }, whereOf(attention))),
      make("div", { className: "heads", style: { "--heads": Math.max(5, small.length) } }, ...small),
    );
  });
  return make(
    "div",
    {},
    make("h3", {}, `${shown.attention.name}, ${shown.title}`),
    ...pictured(shown.rows, columns, names, `${shown.attention.name}, ${shown.title} of ${run.name}`, {
      truth: truthOf(explanation, shown.attention),
    }),
    make("p", { className: "aside agreements" }, agreementsSentence(shown.agreements)),
    make(
      "p",
      {},
      make(
        "button",
        { type: "button", className: "quiet", data: { key: `silence of ${run.name}` }, on: { click: silence } },
        shown.title === "mean" ? "What if all these heads were set to zero?" : "What if this head were set to zero?",
      ),
    ),
    make("h3", {}, "All layers and heads"),
    ...layers,
  );
}
