// The state of the page <-> the URL's hash, so that a link shows the same state to another person. It never contains API keys.

const NUMBERS = ["nbest", "beam", "temperature", "top_p", "seed", "max_tokens"];
export const VIEW_NAMES = ["outputs", "steps", "picture", "heads", "beam", "whatif", "surprise"];
const LOOKS = ["attention", "occlusion", "gradient"];

// The defaults of fields that the URL does not contain.
export const DEFAULTS = {
  view: "outputs",
  step: 0,
  look: "attention",
  head: null,
  path: null,
  words: {},
  silence: [],
  begin: "",
  force: null,
};

export function toHash(state) {
  const query = new URLSearchParams();
  query.set("text", state.text);
  for (const run of state.runs) query.append("run", run);
  query.set("method", state.method);
  for (const name of NUMBERS) if (state[name] !== undefined) query.set(name, state[name]);
  if (state.view !== DEFAULTS.view) query.set("view", state.view);
  if (state.step) query.set("step", state.step + 1);
  if (state.look !== DEFAULTS.look) query.set("look", state.look);
  if (state.head) query.set("head", state.head);
  if (state.path) query.set("path", `${state.path.run}~${state.path.node}`);
  for (const [index, word] of Object.entries(state.words)) query.append("word", `${index}:${word}`);
  for (const head of state.silence) query.append("silence", head);
  if (state.begin) query.set("begin", state.begin);
  if (state.force) query.set("force", `${state.force.run}~${state.force.ids.join(".")}`);
  return `#${query}`;
}

// Returns null if the hash contains no state.
export function fromHash(hash) {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  if (!query.has("text")) return null;
  const state = {
    ...DEFAULTS,
    text: query.get("text"),
    runs: query.getAll("run"),
    method: query.get("method") === "sample" ? "sample" : "beam",
  };
  for (const name of NUMBERS) {
    const value = Number(query.get(name));
    if (query.get(name) && Number.isFinite(value)) state[name] = value;
  }
  if (VIEW_NAMES.includes(query.get("view"))) state.view = query.get("view");
  if (LOOKS.includes(query.get("look"))) state.look = query.get("look");
  state.step = Math.max(0, (Number.parseInt(query.get("step"), 10) || 1) - 1);
  state.head = query.get("head");
  const path = ofRun(query.get("path"));
  if (path && /^\d+$/.test(path.rest)) state.path = { run: path.run, node: Number(path.rest) };
  state.words = Object.fromEntries(
    query
      .getAll("word")
      .map((item) => item.match(/^([1-9]\d{0,3}):(.*)$/s)?.slice(1))
      .filter(Boolean),
  );
  state.silence = query.getAll("silence");
  state.begin = query.get("begin") ?? "";
  const force = ofRun(query.get("force"));
  if (force && /^\d+(\.\d+)*$/.test(force.rest))
    state.force = { run: force.run, ids: force.rest.split(".").map(Number) };
  return state;
}

function ofRun(text) {
  const at = text?.lastIndexOf("~") ?? -1;
  return at < 0 ? null : { run: text.slice(0, at), rest: text.slice(at + 1) };
}

// The values that an answer depends on, besides the run and the change.
export function question(state) {
  return [state.text, state.method, ...NUMBERS.map((name) => state[name] ?? null)];
}

// The request for a run: only the settings of its method, since the server rejects others.
export function toRequest(state, { name, beam }) {
  const own = state.method === "sample" ? ["temperature", "top_p", "seed"] : ["beam"];
  const request = { run: name, texts: [state.text], method: state.method };
  for (const name of [...own, "nbest", "max_tokens"]) if (state[name] !== undefined) request[name] = state[name];
  if (request.top_p === 1) delete request.top_p;
  // A beam search returns at most as many outputs as the beam size.
  if (state.method === "beam" && request.nbest) request.nbest = Math.min(request.nbest, state.beam ?? beam);
  return request;
}

// The words of a text; in scripts that put no spaces between words, characters with their marks, as in seqloom.segments.
const UNSPACED = "\\u3040-\\u30ff\\u31f0-\\u31ff\\uff66-\\uff9f\\u{1b000}-\\u{1b16f}\\u2e80-\\u2fdf\\u3005-\\u3007\\u3021-\\u3029\\u3400-\\u4dbf"
  + "\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}\\u0e00-\\u0eff\\u1000-\\u109f\\ua9e0-\\ua9ff\\uaa60-\\uaa7f\\u1780-\\u17ff"
  + "\\u19e0-\\u19ff\\u1950-\\u19df\\u1a20-\\u1aaf\\uaa80-\\uaadf\\u3100-\\u312f\\u31a0-\\u31bf\\ua000-\\ua4cf\\u0f00-\\u0fff";
const OWN = `${UNSPACED}\\u3001-\\u3004\\u3008-\\u3020\\u302a-\\u303f\\uff00-\\uff65\\uffa0-\\uffef`;
const MARK = "[\\p{M}\\u0e33\\u0eb3\\u200c\\u200d\\ufe00-\\ufe0f]";
const SYLLABLE = "[\\u0f00\\u0f18\\u0f19\\u0f20-\\u0f39\\u0f3e-\\u0fbc]+[\\u0f0b\\u0f0c]?";
const SEGMENT = new RegExp(`${SYLLABLE}|[${OWN}](?:[\\u17d2\\u1039][${UNSPACED}]|${MARK})*|[^${OWN}]+`, "gu");
const ANY_UNSPACED = new RegExp(`[${UNSPACED}]`, "u");
export const wordsOf = (text) => {
  const words = text.trim().split(/\s+/).filter(Boolean);
  return ANY_UNSPACED.test(text) ? words.flatMap((word) => word.match(SEGMENT) ?? []) : words;
};

export function hasHead(attention, name) {
  return attention.some((item) => item.name === name || item.heads.some((_, head) => `${item.name}.${head}` === name));
}

// The part of the change that applies to a run: heads that it has, and tokens that were chosen in it; null if no part applies.
export function changeFor(state, run, attention) {
  const change = {};
  const words = Object.entries(state.words).filter(([index]) => Number(index) <= wordsOf(state.text).length);
  if (words.length) change.words = Object.fromEntries(words);
  const silence = state.silence.filter((name) => hasHead(attention, name));
  if (silence.length) change.silence = silence;
  if (state.force?.run === run) change.prefix_ids = state.force.ids;
  else if (state.begin) change.prefix = state.begin;
  return Object.keys(change).length ? change : null;
}
