// Edits the change for all runs: words of the source, heads that are set to zero, the beginning of the output.

import { make } from "./elements.js";
import { wordsOf } from "./state.js";

const key = (name) => ({ key: name });

function wordButton(word, index, state, go) {
  const now = state.words[index];
  const button = make("button", {
    type: "button",
    className: now === undefined ? "word" : "word changed",
    data: key(`word ${index}`),
  });
  button.append(make("span", { dir: "auto" }, now === "" ? "(removed)" : (now ?? word)));
  button.ariaLabel = now === undefined ? `replace ${word}` : `replace ${now || "nothing"}, the replacement of ${word}`;
  button.addEventListener("click", () => edit(button, word, index, state, go));
  return button;
}

// Replaces a word by an input field; Enter accepts the new word, Escape keeps the old one.
function edit(button, word, index, state, go) {
  const field = make("input", {
    type: "text",
    className: "word",
    value: state.words[index] ?? word,
    maxLength: 200,
    spellcheck: false,
    ariaLabel: `another word for ${word}; empty removes it; Enter applies the change`,
  });
  field.size = Math.max(4, field.value.length + 2);
  button.replaceWith(field);
  field.focus();
  field.select();
  let done = false;
  const leave = (changes, focus) => {
    if (done) return;
    done = true;
    field.replaceWith(button);
    if (focus) button.focus();
    if (changes) go(changes);
  };
  const apply = (focus) => {
    const { [index]: _, ...others } = state.words;
    const text = field.value.trim();
    const same = text === (state.words[index] ?? word);
    leave(same ? null : { words: text === word ? others : { ...others, [index]: text } }, focus);
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      apply(true);
    } else if (event.key === "Escape") leave(null, true);
  });
  field.addEventListener("blur", () => apply(false));
}

function headChooser(explanations, state, go) {
  const known = new Map();
  for (const { attention } of explanations)
    for (const { name, heads } of attention) known.set(name, Math.max(known.get(name) ?? 0, heads.length));
  if (!known.size) return null;
  const options = [...known].flatMap(([name, count]) => [
    make("option", { value: name }, count > 1 ? `${name}: all heads` : name),
    ...(count > 1
      ? Array.from({ length: count }, (_, head) =>
          make("option", { value: `${name}.${head}` }, `${name}: head ${head}`),
        )
      : []),
  ]);
  const select = make("select", { id: "silence", data: key("silence") }, ...options);
  const add = () => go({ silence: [...new Set([...state.silence, select.value])] });
  return labelledField("Set a head to zero", select, "Set to zero", key("silence it"), add);
}

function beginning(state, go) {
  const field = make("input", {
    id: "begin",
    type: "text",
    value: state.begin,
    maxLength: 200,
    spellcheck: false,
    data: key("begin"),
  });
  const apply = () => go({ begin: field.value.trim(), force: null });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    apply();
  });
  return labelledField("The output begins with", field, "Apply", key("begin so"), apply);
}

// An input field with a label above it and a button next to it.
function labelledField(name, field, what, data, click) {
  const button = make("button", { type: "button", className: "quiet", data, on: { click } }, what);
  return make("p", {}, make("label", { htmlFor: field.id }, name), make("span", { className: "pair" }, field, button));
}

function inForce(state, forcedText, go) {
  const words = wordsOf(state.text);
  const { words: changes } = state;
  const parts = Object.entries(changes)
    .filter(([index]) => Number(index) <= words.length)
    .map(([index, word]) => {
      const { [index]: _, ...others } = changes;
      return [
        word ? `“${words[index - 1]}” becomes “${word}”` : `“${words[index - 1]}” is removed`,
        { words: others },
      ];
    });
  for (const head of state.silence)
    parts.push([`${head} is set to zero`, { silence: state.silence.filter((item) => item !== head) }]);
  if (state.begin) parts.push([`the output begins with “${state.begin}”`, { begin: "" }]);
  if (state.force)
    parts.push([
      `${state.force.run} begins with ${forcedText ? `“${forcedText}”` : "tokens of its own"}`,
      { force: null },
    ]);
  if (!parts.length) return make("p", { className: "aside" }, "Nothing is changed yet.");
  return make(
    "ul",
    { className: "changes", ariaLabel: "changes in force" },
    ...parts.map(([said, without]) =>
      make(
        "li",
        {},
        make("span", { dir: "auto" }, said),
        " ",
        make(
          "button",
          {
            type: "button",
            className: "quiet",
            ariaLabel: `undo: ${said}`,
            data: key(`undo ${said}`),
            on: { click: () => go(without) },
          },
          "undo",
        ),
      ),
    ),
  );
}

// `explanations`: those of the runs that have answered. `forcedText`: the text of the forced ids.
export function changeEditor(state, explanations, forcedText, go) {
  return make(
    "div",
    { className: "editor" },
    make("p", { id: "words-said" }, make("b", {}, "Press a word of the source to replace it")),
    make(
      "p",
      { className: "words", role: "group", attributes: { "aria-labelledby": "words-said" } },
      ...wordsOf(state.text).map((word, index) => wordButton(word, index + 1, state, go)),
    ),
    make("div", { className: "fields" }, headChooser(explanations, state, go), beginning(state, go)),
    inForce(state, forcedText, go),
  );
}
