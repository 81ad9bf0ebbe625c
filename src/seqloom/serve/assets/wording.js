// How explanations are put into words, as the offline page does it (report/explanation_wording.py): tokens, pictures, trust.

import { decimal, roundly } from "./elements.js";

// A space before a token is not shown, a missing one is: "…teen".
export function tokenText({ text }) {
  if (/^<.+>$/s.test(text)) return text;
  if (text.startsWith("▁")) return text.slice(1).replaceAll("▁", " ") || "␣";
  return `…${text.replaceAll("▁", " ")}`;
}

// The first of a text needs no sign that it goes on.
export function tokenTexts(tokens) {
  const found = tokens.map(tokenText);
  if (found.length) found[0] = found[0].replace(/^…/, "") || "…";
  return found;
}

const TITLES = { attention: "Attention", occlusion: "Occlusion", gradient: "Gradient" };
export const METHODS = Object.keys(TITLES);

// What there is to see from target to source, attention first.
export function picturesOf(explanation) {
  const found = explanation.saliency.map(({ method, source, trust }) => ({ method, rows: source, trust }));
  if (explanation.alignment)
    found.push({ method: "attention", rows: explanation.alignment, trust: explanation.alignment_trust });
  const order = (one) => METHODS.indexOf(one.method);
  const seen = found.filter((one) => one.rows[0]?.length).sort((one, other) => order(one) - order(other));
  return seen.map((one) => ({ ...one, title: TITLES[one.method] }));
}

// The picture of a method, or the first there is.
export function pictureOf(explanation, method) {
  const found = picturesOf(explanation);
  return found.find((one) => one.method === method) ?? found[0] ?? null;
}

export function instead(picture, method) {
  return picture && picture.method !== method
    ? `This run has no ${method} between output and source; shown is ${picture.method}. `
    : "";
}

const agreement = ({ alike, count, rank }) => `${roundly(alike)} of ${count} (rank correlation ${decimal(rank, 2)})`;

export function trustSentence(trust) {
  const { truth } = trust ?? {};
  const told = ["occlusion", "gradient"]
    .filter((name) => trust?.[name])
    .map((name) => `${name} for ${agreement(trust[name])}`);
  const tokens = truth?.count === 1 ? "token" : "tokens";
  const parts = [];
  if (truth)
    parts.push(
      `Points at the true source for ${roundly(truth.alike)} of ${truth.count} ${tokens} whose source is known ` +
        `(chance ${roundly(truth.chance)}); ${roundly(truth.mass)} of its weight lies there.`,
    );
  if (told.length) parts.push(`Points at the same token as ${told.join(" and ")}.`);
  return parts.join(" ") || "Nothing to hold it against.";
}

export function trustShort(trust) {
  const names = { truth: "truth", occlusion: "occl.", gradient: "grad." };
  const told = Object.entries(names).filter(([key]) => trust?.[key]);
  return told.map(([key, name]) => `${name} ${roundly(trust[key].alike)}`).join(", ") || "not judged";
}

export const peak = (row) => row.indexOf(Math.max(...row));

// For those who do not see it: where each row looks most.
export function peaks(rows, columns, names) {
  return rows.map((row, place) => `${names[place]} at ${columns[peak(row)]}`).join("; ");
}

export const NODE_STATUSES = {
  grew: "kept, and continued",
  dropped: "kept, but no continuation was good enough",
  pruned: "not kept",
  finished: "ended, among the best",
  outscored: "ended, but better ones had",
  cut: "cut at its limit",
  left: "still there when the search was over",
};

// What a run is: its recipe, its corpus, and its languages where it knows them.
export function aboutRun(run) {
  const made = run.source_name === `${run.name} (source)`;
  const does = run.kind === "text" ? ": goes on with a text" : made ? "" : `: ${run.source_name} → ${run.target_name}`;
  return `${run.recipe}, trained on ${run.corpus}${does}`;
}

export function whereOf({ queries, keys }) {
  if (keys === "both") return "from the output to prompt and output";
  if (queries === "target") return keys === "target" ? "within the output" : "from the output to the source";
  return "within the source";
}
