// What the server has answered, so that it is asked once: generations, explanations, and what changes do.
// Each function gives the answer at once where it is known, and a promise of it where it is not. A refusal is an answer, too.

import * as api from "./api.js";
import { changeFor, question, toRequest } from "./state.js";

const MOST = 60;
const known = new Map();
// By which signal a promise may be given up; one that was is worth nothing.
const signals = new WeakMap();
let limits = {};

export function useLimits(value) {
  limits = value;
}

// What was refused may be asked again.
export function forgetRefusals() {
  for (const [key, answer] of known) if (answer.error) known.delete(key);
}

function remember(key, ask, signal) {
  const text = JSON.stringify(key);
  const found = known.get(text);
  if (found && !signals.get(found)?.aborted) return found;
  const promise = ask().then(
    (answer) => keep(text, answer),
    (error) => {
      if (error.name !== "AbortError" && !signal.aborted) return keep(text, { error });
      if (known.get(text) === promise) known.delete(text);
      throw error;
    },
  );
  signals.set(promise, signal);
  known.set(text, promise);
  return promise;
}

function keep(text, answer) {
  known.delete(text);
  known.set(text, answer);
  if (known.size > MOST) known.delete(known.keys().next().value);
  return answer;
}

export function generation(state, run, signal) {
  return remember(
    ["generate", question(state), run.name],
    async () => {
      const begin = performance.now();
      const answer = await api.generate(toRequest(state, run), signal);
      return { ...answer.generations[0], seconds: (performance.now() - begin) / 1000 };
    },
    signal,
  );
}

async function asked(state, run, signal) {
  if (!run.explained) throw new api.Refused(`This run is decoded by ${run.engine}, which cannot be explained.`);
  const most = limits.explained_tokens;
  const request = { text: state.text, runs: [run.name], top: 8 };
  if (state.method === "sample") {
    // What was drawn is explained, not what a search would find.
    const drawn = await generation(state, run, signal);
    if (drawn.error) throw drawn.error;
    return { ...request, target: drawn.outputs[0].text };
  }
  if (state.beam !== undefined) request.beam = state.beam;
  if (state.max_tokens !== undefined) request.max_tokens = Math.min(state.max_tokens, most);
  return request;
}

export function explanation(state, run, signal) {
  return remember(
    ["explain", question(state), run.name],
    async () => {
      const answer = await api.explain(await asked(state, run, signal), signal);
      return answer.explanations[0];
    },
    signal,
  );
}

// The explanation and what the change does to it; null in its place where nothing is changed for this run. A promise says when to
// ask again.
export function changed(state, run, signal) {
  const plain = explanation(state, run, signal);
  if (plain instanceof Promise || plain.error) return plain;
  const change = changeFor(state, run.name, plain.attention);
  if (!change) return { plain, whatIf: null };
  return remember(
    ["change", question(state), run.name, change],
    async () => {
      // Where words come from is not asked again.
      const request = { ...(await asked(state, run, signal)), methods: ["attention"], change };
      return { plain, whatIf: (await api.explain(request, signal)).explanations[0].what_if };
    },
    signal,
  );
}
