// A view: the output of a run with the change, next to its output without it.

import { cell, decimal, heading, make, percent, scrolling, table } from "./elements.js";
import { hasHead } from "./state.js";
import { tokenTexts } from "./wording.js";

// The tokens that both outputs have in the same order: the longest common subsequence.
function common(first, second) {
  const best = Array.from({ length: first.length + 1 }, () => new Array(second.length + 1).fill(0));
  for (let i = first.length - 1; i >= 0; i--)
    for (let j = second.length - 1; j >= 0; j--)
      best[i][j] =
        first[i].token_id === second[j].token_id ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
  const kept = [new Set(), new Set()];
  for (let i = 0, j = 0; i < first.length && j < second.length;) {
    if (first[i].token_id === second[j].token_id) {
      kept[0].add(i++);
      kept[1].add(j++);
    } else if (best[i + 1][j] >= best[i][j + 1]) i++;
    else j++;
  }
  return kept;
}

function line(name, text, tokens, kept, kind) {
  const marked = tokenTexts(tokens).map((token, index) => make(kept.has(index) ? "span" : kind, {}, token));
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
  const rows = whatIf.log_probs.map((value, index) => {
    const [before, after] = [Math.exp(value), Math.exp(whatIf.changed_log_probs[index])];
    const change = after - before;
    const kind = change < -0.01 ? "less" : change > 0.01 ? "more" : "";
    const sign = change > 0 ? "+" : "";
    return [
      heading(names[index]),
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
