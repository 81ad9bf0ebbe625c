// The state of the page <-> the URL's hash, so that a link shows the same to somebody else. Keys never stand in it.

const NUMBERS = ["nbest", "beam", "temperature", "top_p", "seed", "max_tokens"];

export function toHash(state) {
  const query = new URLSearchParams();
  query.set("text", state.text);
  for (const run of state.runs) query.append("run", run);
  query.set("method", state.method);
  for (const name of NUMBERS) if (state[name] !== undefined) query.set(name, state[name]);
  return `#${query}`;
}

// null where the hash holds no state.
export function fromHash(hash) {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  if (!query.has("text")) return null;
  const state = { text: query.get("text"), runs: query.getAll("run"), method: query.get("method") === "sample" ? "sample" : "beam" };
  for (const name of NUMBERS) {
    const value = Number(query.get(name));
    if (query.get(name) && Number.isFinite(value)) state[name] = value;
  }
  return state;
}

// What is asked of one run: only settings that its method reads, since others would be refused.
export function toRequest(state, run) {
  const own = state.method === "sample" ? ["temperature", "top_p", "seed"] : ["beam"];
  const request = { run, texts: [state.text], method: state.method };
  for (const name of [...own, "nbest", "max_tokens"]) if (state[name] !== undefined) request[name] = state[name];
  if (request.top_p === 1) delete request.top_p;
  return request;
}
