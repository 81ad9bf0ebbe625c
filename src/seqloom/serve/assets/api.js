// The requests of the page. They go only to the server that the page was loaded from.

let key = "";

export function useKey(value) {
  key = value;
}

export class RequestError extends Error {}

async function ask(path, body, signal) {
  const headers = {
    ...(key && { authorization: `Bearer ${key}` }),
    ...(body && { "content-type": "application/json" }),
  };
  let reply;
  try {
    reply = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError("The server cannot be reached.");
  }
  const answer = await reply.json().catch(() => null);
  if (!reply.ok) {
    const why = answer?.error?.message ?? answer?.error ?? `status ${reply.status}`;
    const wait = reply.headers.get("retry-after");
    throw new RequestError(wait ? `${why} (after ${wait} s)` : why);
  }
  return answer;
}

export const settings = () => ask("frontend/settings");
export const runs = () => ask("runs");
export const generate = (request, signal) => ask("generate", request, signal);
export const surprise = (request, signal) => ask("surprise", request, signal);
export const explain = (request, signal) => ask("explain", request, signal);
