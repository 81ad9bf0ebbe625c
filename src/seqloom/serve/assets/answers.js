// A cache of the server's answers: generations, explanations, and the effects of changes.
// Each function returns a cached answer, or else a promise of it. An error is an answer, too.

import * as api from "./api.js";
import { changeFor, question, toRequest } from "./state.js";

const MOST = 60;
const known = new Map();
// The abort signal of each promise; a promise that was aborted is not used again.
const signals = new WeakMap();
let limits = {};

export function useLimits(value) {
  limits = value;
}

// Removes errors from the cache, so that these requests are sent again.
export function removeErrors() {
  for (const [key, answer] of known) if (answer.error) known.delete(key);
}

function remember(key, ask, signal) {
  const text = JSON.stringify(key);
  const cached = known.get(text);
  if (cached && !signals.get(cached)?.aborted) return cached;
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

async function explainRequest(state, run, signal) {
  if (!run.explained)
    throw new api.RequestError(
      run.surprised
        ? "This run counts: it has no attention, states or gradients to explain. Its surprise at the text can be shown."
        : `This run is decoded by ${run.engine}, which cannot be explained.`,
    );
  const most = limits.explained_tokens;
  const request = { text: state.text, runs: [run.name], top: 8 };
  if (state.method === "sample") {
    // Explains the sampled output, not the output of a search.
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
      const answer = await api.explain(await explainRequest(state, run, signal), signal);
      return answer.explanations[0];
    },
    signal,
  );
}

// The surprise of a run, with the answer for all language models among `runs`, which are asked together to be compared.
export function surprise(state, run, signal, runs) {
  if (!run.surprised)
    return {
      error: new api.RequestError(
        run.kind === "text"
          ? `This run is decoded by ${run.engine}, which does not tell the probabilities of a text.`
          : "This run reads a source; only language models are surprised by a text.",
      ),
    };
  const names = runs.filter((item) => item.surprised).map(({ name }) => name);
  const all = remember(
    ["surprise", state.text, names],
    () => api.surprise({ text: state.text, runs: names }, signal),
    signal,
  );
  if (all instanceof Promise || all.error) return all;
  return { surprise: all.surprises[names.indexOf(run.name)], names, comparison: all.comparison };
}

// The explanation, and the effect of the change as `whatIf`, which is null if nothing is changed for this run. Returns a promise if
// the answer is not in the cache.
export function changed(state, run, signal) {
  const plain = explanation(state, run, signal);
  if (plain instanceof Promise || plain.error) return plain;
  const change = changeFor(state, run.name, plain.attention);
  if (!change) return { plain, whatIf: null };
  return remember(
    ["change", question(state), run.name, change],
    async () => {
      // Other methods of attribution are not requested again.
      const request = { ...(await explainRequest(state, run, signal)), methods: ["attention"], change };
      return { plain, whatIf: (await api.explain(request, signal)).explanations[0].what_if };
    },
    signal,
  );
}
