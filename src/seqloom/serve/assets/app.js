// The page: a form, and one column for each chosen run. State lives in the form and, once it was asked for, in the URL.

import * as api from "./api.js";
import { make, outputsView } from "./outputs.js";
import { fromHash, toHash, toRequest } from "./state.js";

// What is shown of each run's answer, in this order: functions of (generation, {run, request}) that return an element or null.
const VIEWS = [outputsView];

const find = (id) => document.getElementById(id);
const form = find("form");
const numbers = ["nbest", "beam", "temperature", "top_p", "seed", "max_tokens"];
let running = new AbortController();
let known = [];

function chosenRuns() {
  return [...form.querySelectorAll("#runs input:checked")].map((box) => box.value);
}

function readForm() {
  const state = { text: find("text").value, runs: chosenRuns(), method: find("method").value };
  for (const name of numbers) if (find(name).value !== "" && !find(name).disabled) state[name] = find(name).valueAsNumber;
  return state;
}

function fillForm(state) {
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

function describe(run) {
  return run.kind === "pairs" ? `${run.source_name} → ${run.target_name}` : "goes on with a text";
}

function showRuns(runs) {
  for (const [place, run] of runs.entries()) {
    const box = make("input", { type: "checkbox", name: "run", value: run.name, checked: place < 4 });
    find("runs").append(make("label", { className: "run" }, box, make("b", {}, run.name), " ", make("span", { className: "aside" }, describe(run))));
  }
  find("summary").textContent = runs.length === 1 ? "1 run is served" : `${runs.length} runs are served`;
}

async function showOne(run, state, signal) {
  const column = make("article", { className: "column" }, make("h2", {}, run.name), make("p", { className: "aside" }, describe(run)));
  const waiting = column.appendChild(make("p", { className: "aside" }, "Writing …"));
  find("results").append(column);
  const request = toRequest(state, run.name);
  const begin = performance.now();
  try {
    const answer = await api.generate(request, signal);
    const views = VIEWS.map((view) => view(answer.generations[0], { run, request }));
    const seconds = ((performance.now() - begin) / 1000).toFixed(2);
    waiting.replaceWith(...views.filter((view) => view !== null), make("p", { className: "aside" }, `${seconds} s`));
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    waiting.replaceWith(make("p", { className: "refused", role: "alert" }, error.message));
    return false;
  }
}

async function write(state) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const runs = known.filter((run) => state.runs.includes(run.name));
  find("results").replaceChildren();
  if (!runs.length) {
    find("status").textContent = "Choose at least one run.";
    return;
  }
  find("status").textContent = "Writing …";
  api.useKey(find("key").value);
  const done = await Promise.all(runs.map((run) => showOne(run, state, signal)));
  if (!signal.aborted) find("status").textContent = `${done.filter(Boolean).length} of ${runs.length} runs have written.`;
}

function submit(event) {
  event?.preventDefault();
  if (!form.reportValidity()) return;
  const state = readForm();
  const hash = toHash(state);
  if (hash !== location.hash) history.pushState(null, "", hash);
  write(state);
}

function fromUrl() {
  const state = fromHash(location.hash);
  if (!state) return;
  fillForm(state);
  write(state);
}

function setUpTheme() {
  const choices = ["system", "light", "dark"];
  let theme = "system";
  try {
    theme = localStorage.getItem("seqloom-theme") ?? theme;
  } catch {
    // Storage may be forbidden; then the choice holds for this page only.
  }
  const show = () => {
    document.documentElement.dataset.theme = theme;
    find("theme").textContent = `Theme: ${theme}`;
  };
  find("theme").addEventListener("click", () => {
    theme = choices[(choices.indexOf(theme) + 1) % choices.length];
    try {
      localStorage.setItem("seqloom-theme", theme);
    } catch {
      // As above.
    }
    show();
  });
  show();
}

async function loadRuns() {
  api.useKey(find("key").value);
  try {
    const answer = await api.runs();
    known = answer.runs;
    find("runs").querySelectorAll("label").forEach((label) => label.remove());
    showRuns(known);
    find("text").maxLength = answer.limits.max_chars;
    find("nbest").max = find("beam").max = answer.limits.max_beam;
    find("max_tokens").max = answer.limits.max_tokens;
    find("status").textContent = "";
    fromUrl();
  } catch (error) {
    find("summary").textContent = "The runs cannot be listed";
    find("status").textContent = error.message;
  }
}

async function start() {
  setUpTheme();
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
  if (settings.keyRequired) {
    find("summary").textContent = "This server needs an API key";
  } else {
    await loadRuns();
  }
}

start();
