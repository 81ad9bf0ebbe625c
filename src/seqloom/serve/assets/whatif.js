// A view: what a change does to what a run says, beside what it said without it.

import { cell, decimal, heading, make, percent, scrolling, table } from "./elements.js";
import { hasHead } from "./state.js";
import { tokenTexts } from "./wording.js";

// Which tokens stand in both, in their order: the longest common subsequence.
function common(one, other) {
  const best = Array.from({ length: one.length + 1 }, () => new Array(other.length + 1).fill(0));
  for (let i = one.length - 1; i >= 0; i--)
    for (let j = other.length - 1; j >= 0; j--)
      best[i][j] =
        one[i].token_id === other[j].token_id ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
  const kept = [new Set(), new Set()];
  for (let i = 0, j = 0; i < one.length && j < other.length;) {
    if (one[i].token_id === other[j].token_id) {
      kept[0].add(i++);
      kept[1].add(j++);
    } else if (best[i + 1][j] >= best[i][j + 1]) i++;
    else j++;
  }
  return kept;
}

function line(name, text, tokens, kept, kind) {
  const marked = tokenTexts(tokens).map((token, place) => make(kept.has(place) ? "span" : kind, {}, token));
  return [
    make("dt", {}, name),
    make(
      "dd",
      {},
      make("span", { className: "answer", dir: "auto" }, text || "(nothing)"),
      make("span", { className: "tokens", dir: "auto" }, ...marked),
    ),
  ];
}

function forced(plain, whatIf, run) {
  const names = tokenTexts(plain.target);
  const rows = whatIf.log_probs.map((value, place) => {
    const [before, after] = [Math.exp(value), Math.exp(whatIf.changed_log_probs[place])];
    const change = after - before;
    const kind = change < -0.01 ? "less" : change > 0.01 ? "more" : "";
    const sign = change > 0 ? "+" : "";
    return [
      heading(names[place]),
      make("td", { className: "share", style: { "--w": before } }, percent(before)),
      make("td", { className: "share", style: { "--w": after } }, percent(after)),
      cell(`${sign}${decimal(change, 3)}`, `n ${kind}`),
    ];
  });
  return scrolling(
    `the same output under the change, ${run.name}`,
    table([["token"], ["without"], ["with the change"], ["difference", "n"]], rows),
  );
}

export function whatIfView({ plain, whatIf }, { run, state }) {
  const lacking = state.silence.filter((name) => !hasHead(plain.attention, name));
  const aside = lacking.length ? make("p", { className: "aside" }, `This run has no ${lacking.join(", ")}.`) : null;
  if (!whatIf) {
    const why =
      state.force || state.begin || state.silence.length || Object.keys(state.words).length
        ? "The change does not apply to this run."
        : "Nothing is changed yet.";
    return make(
      "div",
      {},
      make("p", { className: "best", dir: "auto" }, plain.output || "(nothing)"),
      aside,
      make("p", { className: "aside" }, why),
    );
  }
  const kept = common(plain.target, whatIf.output_tokens);
  const sum = whatIf.output_log_probs.reduce((total, value) => total + value, 0);
  return make(
    "div",
    {},
    make(
      "dl",
      { className: "versus" },
      ...line("Without the change", plain.output, plain.target, kept[0], "del"),
      ...line("With it", whatIf.output, whatIf.output_tokens, kept[1], "ins"),
    ),
    make(
      "p",
      { className: "fact" },
      plain.output === whatIf.output ? "The output stays the same" : "The output changes",
      `; log-probability ${decimal(plain.log_prob, 2)} without, ${decimal(sum, 2)} with the change.`,
    ),
    aside,
    make("h3", {}, "Probability of the first output under the change"),
    make(
      "p",
      { className: "aside" },
      "The tokens of the output without the change: the probability of each token, given the tokens before it.",
    ),
    forced(plain, whatIf, run),
  );
}
