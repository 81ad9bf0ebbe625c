// The page: a form, and the results below it. The state is in the form and, after it was submitted, in the URL.

import * as answers from "./answers.js";
import * as api from "./api.js";
import { make } from "./elements.js";
import { makeResults } from "./results.js";
import { DEFAULTS, fromHash, toHash } from "./state.js";
import { setUpTheme } from "./theme.js";
import { aboutRun } from "./wording.js";

const find = (id) => document.getElementById(id);
const form = find("form");
const numbers = ["nbest", "beam", "temperature", "top_p", "seed", "max_tokens"];
let known = [];
let state = null;

const say = (text) => {
  find("status").textContent = text;
};
const results = makeResults(find("results"), { go, say });

// Shows another state. A step replaces the last entry of the browser's history; all other changes add an entry.
function go(changes, { replace = false } = {}) {
  state = { ...state, ...changes };
  const hash = toHash(state);
  if (hash !== location.hash) history[replace ? "replaceState" : "pushState"](null, "", hash);
  results.show(state, known);
}

function readForm() {
  const requested = {
    text: find("text").value,
    runs: [...form.querySelectorAll("#runs input:checked")].map((box) => box.value),
    method: find("method").value,
  };
  for (const name of numbers)
    requested[name] = find(name).value !== "" && !find(name).disabled ? find(name).valueAsNumber : undefined;
  return requested;
}

function fillForm() {
  find("text").value = state.text;
  find("method").value = state.method;
  for (const name of numbers) if (state[name] !== undefined) find(name).value = state[name];
  for (const box of form.querySelectorAll("#runs input")) box.checked = state.runs.includes(box.value);
  followMethod();
}

function followMethod() {
  for (const field of form.querySelectorAll("[data-for]")) {
    field.hidden = field.dataset.for !== find("method").value;
    field.querySelector("input").disabled = field.hidden;
  }
}

function submit(event) {
  event?.preventDefault();
  if (!form.reportValidity()) return;
  api.useKey(find("key").value);
  answers.removeErrors();
  const requested = readForm();
  // For another text, the changes of the old text are removed; the view and the method stay.
  const kept =
    requested.text === state?.text
      ? state
      : { ...DEFAULTS, view: state?.view ?? DEFAULTS.view, look: state?.look ?? DEFAULTS.look };
  go({ ...kept, ...requested });
}

function fromUrl() {
  state = fromHash(location.hash);
  if (!state) {
    results.hide();
    return;
  }
  fillForm();
  results.show(state, known);
}

function showRuns(runs) {
  for (const [index, run] of runs.entries()) {
    const box = make("input", { type: "checkbox", name: "run", value: run.name, checked: index < 4 });
    find("runs").append(
      make(
        "label",
        { className: "run" },
        box,
        make("b", {}, run.name),
        " ",
        make("span", { className: "aside" }, aboutRun(run)),
      ),
    );
  }
  find("summary").textContent = runs.length === 1 ? "1 run is served" : `${runs.length} runs are served`;
}

async function loadRuns() {
  api.useKey(find("key").value);
  try {
    const answer = await api.runs();
    known = answer.runs;
    answers.useLimits(answer.limits);
    find("runs")
      .querySelectorAll("label")
      .forEach((label) => label.remove());
    showRuns(known);
    find("text").maxLength = answer.limits.max_chars;
    find("nbest").max = find("beam").max = answer.limits.max_beam;
    find("max_tokens").max = answer.limits.max_tokens;
    say("");
    fromUrl();
  } catch (error) {
    find("summary").textContent = "The runs cannot be listed";
    say(error.message);
  }
}

async function start() {
  setUpTheme(find("theme"));
  followMethod();
  find("method").addEventListener("change", followMethod);
  form.addEventListener("submit", submit);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  });
  window.addEventListener("popstate", fromUrl);
  find("key").addEventListener("change", loadRuns);
  const settings = await api.settings().catch(() => ({}));
  find("key-field").hidden = !settings.keyRequired;
  if (settings.keyRequired) find("summary").textContent = "This server needs an API key";
  else await loadRuns();
}

start();
