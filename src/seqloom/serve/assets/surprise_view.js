// A view: the text coloured by the surprise of each language model, and below it where their losses come from; as on the offline page
// (report/surprise_view.py), with the same script for pointer and keys (report/assets/surprise.js).

import { cell, decimal, heading, make, scrolling, table } from "./elements.js";

const { enliven, tokenDetails, partDetails, shown, named, percent } = globalThis.seqloomSurprise;
const DARKEST_BITS = 10;
const WIDEST_BITS = 5;

const grouped = (value, digits) =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
const signed = (value, digits) => `${value < 0 ? "" : "+"}${grouped(value, digits)}`;

function spoken(text) {
  const names = { "\n": "line end", " ": "space", "\t": "tab", "": "no character of its own" };
  return names[text] ?? (text.replaceAll("\n", " line end ").trim() || text);
}

// A text of pieces; each is { text, shade, bits, name, side }.
function piecesOf(label, items, details) {
  const line = make("p", { className: "pieces", dir: "auto", role: "group", ariaLabel: label });
  items.forEach((item, index) => {
    const piece = make(
      "span",
      {
        className: `piece ${item.side ?? ""}`,
        role: "button",
        tabIndex: index ? -1 : 0,
        data: { index, bits: item.bits },
        style: { "--w": item.shade },
        attributes: { "aria-label": item.name },
      },
      item.text.replaceAll("\n", "↵").replaceAll("\t", "⇥"),
    );
    line.append(piece, ...Array.from(item.text.matchAll("\n"), () => make("br")));
  });
  const root = make("div", { className: "surprise" }, line);
  enliven(root, details);
  return root;
}

function numbersUnder(root) {
  const box = make("input", {
    type: "checkbox",
    on: { change: () => root.querySelector(".pieces").classList.toggle("numbered", box.checked) },
  });
  return make("label", { className: "numbers-choice" }, box, " Bits under each token");
}

export function surpriseView({ surprise }, { run }) {
  const { tokens } = surprise;
  const items = tokens.map((token) => ({
    text: token.text || named(token.token.text),
    shade: Math.min(1, token.bits / DARKEST_BITS),
    bits: decimal(token.bits, 1),
    name: `${spoken(token.text)}: ${decimal(token.bits, 2)} bits, probability ${percent(token.probability)}, rank ${token.rank.toLocaleString("en")}`,
  }));
  const root = piecesOf(`The text by the surprise of ${run.name}`, items, (index) => tokenDetails(tokens[index]));
  const rows = tokens.map((token) => [
    heading(shown(token.text) || named(token.token.text)),
    cell(decimal(token.bits, 2), "n"),
    cell(percent(token.probability), "n"),
    cell(token.rank.toLocaleString("en"), "n"),
    cell(String(token.context), "n"),
    cell(
      token.alternatives.map((item) => `${named(item.token.text)} ${percent(Math.exp(item.log_prob))}`).join(", "),
    ),
  ]);
  const heads = [["token"], ["bits", "n"], ["probability", "n"], ["rank", "n"], ["context", "n"], ["most probable in its place"]];
  const windows =
    tokens.length > surprise.window
      ? `, in windows of ${surprise.window.toLocaleString("en")} tokens; each starts ` +
        `${surprise.stride.toLocaleString("en")} tokens after the one before`
      : "";
  return make(
    "div",
    {},
    make(
      "p",
      { className: "fact" },
      make("b", {}, `${grouped(surprise.bits, 1)} bits`),
      ` for ${tokens.length.toLocaleString("en")} tokens: ${grouped(surprise.bits / Math.max(1, surprise.num_bytes), 3)} bits per byte`,
    ),
    make(
      "p",
      { className: "aside" },
      `Each token is predicted from at most ${surprise.max_context.toLocaleString("en")} tokens before it${windows}.`,
    ),
    numbersUnder(root),
    root,
    make(
      "details",
      { data: { key: `tokens of ${run.name}` } },
      make("summary", {}, "All tokens as a table"),
      scrolling(`tokens of ${run.name}`, table(heads, rows, { className: "data" })),
    ),
  );
}

// Where the losses of the models come from, for the answers of all runs; nothing if they cannot be compared.
export function lossesView(received) {
  const answer = received.find((item) => item?.comparison);
  if (!answer) return [];
  const { comparison, names } = answer;
  const total = (number) => comparison.groups.reduce((sum, group) => sum + group.bits[number], 0);
  const row = (name, counts, bits) => [
    heading(name),
    ...counts.map((count) => cell(count.toLocaleString("en"), "n")),
    ...bits.map((value) => cell(grouped(value, 1), "n")),
    ...bits.slice(1).map((value) => cell(signed(value - bits[0], 1), `n ${value < bits[0] ? "more" : "less"}`)),
  ];
  const rows = comparison.groups.map((group) => row(group.group, [group.num_parts, group.num_characters], group.bits));
  const characters = comparison.groups.reduce((sum, group) => sum + group.num_characters, 0);
  rows.push(row("all", [comparison.parts.length, characters], names.map((_, number) => total(number))));
  const heads = [
    ["kind of part"],
    ["parts", "n"],
    ["characters", "n"],
    ...names.map((name) => [name, "n"]),
    ...names.slice(1).map((name) => [`${name} minus ${names[0]}`, "n"]),
  ];
  return [
    make("h2", { className: "losses" }, "Where each model's loss comes from"),
    make(
      "p",
      { className: "help" },
      "The text in the smallest parts that begin and end between two tokens of every model, so that the bits of the models are " +
        "of the same characters. A word and the space before it are the beginning of a word.",
    ),
    scrolling("bits by kind of part", table(heads, rows, { className: "data" })),
    ...names.slice(1).flatMap((name, index) => difference(comparison, names, index + 1)),
  ];
}

function difference(comparison, names, other) {
  const items = comparison.parts.map((part) => {
    const value = part.bits[other] - part.bits[0];
    return {
      text: part.text,
      shade: Math.min(1, Math.abs(value) / WIDEST_BITS),
      side: value > 0 ? "first" : "other",
      bits: signed(value, 1),
      name: `${spoken(part.text)}: ${names[0]} ${decimal(part.bits[0], 2)} bits, ${names[other]} ${decimal(part.bits[other], 2)} bits, difference ${signed(value, 2)}`,
    };
  });
  const label = `The text by the difference between ${names[other]} and ${names[0]}`;
  const legend = (side, text, name) => {
    const swatch = make("span", { className: `piece ${side}`, style: { "--w": 0.7 } }, text);
    return make("li", {}, swatch, " ", make("bdi", {}, name), " is less surprised");
  };
  return [
    make("h3", {}, `${names[other]} and ${names[0]}`),
    make(
      "ul",
      { className: "scale" },
      legend("other", "blue, bar below (−)", names[other]),
      legend("first", "orange, bar above (+)", names[0]),
    ),
    piecesOf(label, items, (index) => partDetails(comparison.parts[index], names, other)),
  ];
}
