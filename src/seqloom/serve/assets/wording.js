// Texts about explanations, equal to those of the offline page (report/explanation_wording.py): tokens, pictures, agreement.

import { decimal, roundly } from "./elements.js";

// A token that continues a word begins with an ellipsis, "…teen"; the space before a word is left out.
export function tokenText({ text }) {
  if (/^<.+>$/s.test(text)) return text;
  if (text.startsWith("▁")) return text.slice(1).replaceAll("▁", " ") || "␣";
  return `…${text.replaceAll("▁", " ")}`;
}

// The first token of a text has no ellipsis.
export function tokenTexts(tokens) {
  const texts = tokens.map(tokenText);
  if (texts.length) texts[0] = texts[0].replace(/^…/, "") || "…";
  return texts;
}

const TITLES = { attention: "Attention", occlusion: "Occlusion", gradient: "Gradient" };
export const METHODS = Object.keys(TITLES);

// The pictures of an explanation, attention first.
export function picturesOf(explanation) {
  const pictures = explanation.saliency.map(({ method, source, agreements }) => ({ method, rows: source, agreements }));
  if (explanation.alignment)
    pictures.push({ method: "attention", rows: explanation.alignment, agreements: explanation.alignment_agreements });
  const order = (picture) => METHODS.indexOf(picture.method);
  const shown = pictures.filter(({ rows }) => rows[0]?.length).sort((a, b) => order(a) - order(b));
  return shown.map((picture) => ({ ...picture, title: TITLES[picture.method] }));
}

// The picture of a method, or the first picture if there is none of the method.
export function pictureOf(explanation, method) {
  const pictures = picturesOf(explanation);
  return pictures.find((picture) => picture.method === method) ?? pictures[0] ?? null;
}

export function instead(picture, method) {
  return picture && picture.method !== method
    ? `This run has no ${method} between output and source; ${picture.method} is shown instead. `
    : "";
}

const agreement = ({ alike, count, rank }) => `${roundly(alike)} of ${count} (rank correlation ${decimal(rank, 2)})`;

export function agreementsSentence(agreements) {
  const { truth } = agreements ?? {};
  const methods = ["occlusion", "gradient"]
    .filter((name) => agreements?.[name])
    .map((name) => `${name} for ${agreement(agreements[name])}`);
  const tokens = truth?.count === 1 ? "token" : "tokens";
  const parts = [];
  if (truth)
    parts.push(
      `Agrees with the reference alignment for ${roundly(truth.alike)} of ${truth.count} ${tokens} that have one ` +
        `(chance ${roundly(truth.chance)}); ${roundly(truth.mass)} of its weight is on it.`,
    );
  if (methods.length) parts.push(`Has its maximum at the same token as ${methods.join(" and ")}.`);
  return parts.join(" ") || "There is no other method and no reference alignment to compare with.";
}

export function agreementsShort(agreements) {
  const names = { truth: "ref.", occlusion: "occl.", gradient: "grad." };
  const compared = Object.entries(names).filter(([key]) => agreements?.[key]);
  return compared.map(([key, name]) => `${name} ${roundly(agreements[key].alike)}`).join(", ") || "nothing to compare with";
}

export const peak = (row) => row.indexOf(Math.max(...row));

// The text alternative of a picture: the column with the largest value of each row.
export function peaks(rows, columns, names) {
  return rows.map((row, index) => `${names[index]} at ${columns[peak(row)]}`).join("; ");
}

export const NODE_STATUSES = {
  grew: "kept, and continued",
  dropped: "kept, but none of its continuations was kept",
  pruned: "not kept",
  finished: "ended, among the best",
  outscored: "ended, but others scored better",
  cut: "ended by the limit of its length",
  left: "not ended when the search ended",
};

// A run in words: its recipe, its corpus, and its languages if they are known.
export function aboutRun(run) {
  const made = run.source_name === `${run.name} (source)`;
  const does = run.kind === "text" ? ": continues a text" : made ? "" : `: ${run.source_name} → ${run.target_name}`;
  return `${run.recipe}, trained on ${run.corpus}${does}`;
}

export function whereOf({ queries, keys }) {
  if (keys === "both") return "from the output to prompt and output";
  if (queries === "target") return keys === "target" ? "within the output" : "from the output to the source";
  return "within the source";
}
