// The service, asked over HTTP: what is wrong comes as an Error with the service's own words.

const KEY = "enn-key";

export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

export const useKey = (key) => sessionStorage.setItem(KEY, key);

async function ask(path, { body, signal } = {}) {
  const key = sessionStorage.getItem(KEY);
  const response = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: { ...(body && { "content-type": "application/json" }), ...(key && { "x-api-key": key }) },
    body: body && JSON.stringify(body),
    signal,
  });
  const answer = await response.json();
  if (!response.ok) throw new Refusal(response.status, answer.error);
  return answer;
}

const named = (protocol, { model, version }) =>
  `${protocol}/models/${encodeURIComponent(model)}` + (version ? `/versions/${encodeURIComponent(version)}` : "");

export const models = async () => (await ask("v1/models")).models;

export const card = (which) => ask(named("v2", which));

export const activations = (which, signal) => ask(`${named("v1", which)}/activations`, { signal });

// The prediction and the explanation of one row.
export async function explain(which, row, parameters, signal) {
  const body = { instances: [row], parameters };
  const answer = await ask(`${named("v1", which)}:explain`, { body, signal });
  return { prediction: answer.predictions[0], explanation: answer.explanations[0] };
}

// What the model answers over a grid of `axes`, features by the name of their parameter, the others as in `row`.
async function landscape(kind, which, axes, row, rest, signal) {
  const at = { ...row };
  for (const name of Object.values(axes)) delete at[name];
  const query = new URLSearchParams({ ...axes, ...rest, bumps: true, at: JSON.stringify(at) });
  return ask(`${named("v1", which)}/${kind}?${query}`, { signal });
}

export const surface = (which, axes, row, rest, signal) => landscape("surface", which, axes, row, rest, signal);

export const profile = (which, feature, row, rest, signal) =>
  landscape("profile", which, { feature }, row, rest, signal);

// Runs only the newest of its tasks: a newer one aborts the one before.
export function newest() {
  let current = new AbortController();
  return async (task) => {
    current.abort();
    const own = (current = new AbortController());
    try {
      return await task(own.signal);
    } catch (error) {
      if (!own.signal.aborted) throw error;
    }
  };
}
