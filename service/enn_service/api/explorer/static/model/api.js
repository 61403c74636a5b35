// HTTP client of the service; an error response becomes an ApiError with the text of the service.

const KEY = "enn-key";

export class ApiError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

// Keeps the API key in this tab; every later request sends it.
export const useKey = (key) => sessionStorage.setItem(KEY, key);

export const storedKey = () => sessionStorage.getItem(KEY);

async function request(path, { body, signal } = {}) {
  const key = storedKey();
  const response = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: { ...(body && { "content-type": "application/json" }), ...(key && { "x-api-key": key }) },
    body: body && JSON.stringify(body),
    signal,
  });
  const answer = await response.json();
  if (!response.ok) throw new ApiError(response.status, answer.error);
  return answer;
}

const modelPath = (protocol, { model, version }) =>
  `${protocol}/models/${encodeURIComponent(model)}` + (version ? `/versions/${encodeURIComponent(version)}` : "");

export const openapi = () => request("openapi.json");

export const models = async () => (await request("v1/models")).models;

export const card = (target, signal) => request(modelPath("v2", target), { signal });

export const activations = (target, signal) => request(`${modelPath("v1", target)}/activations`, { signal });

export const predict = (target, instances, signal) =>
  request(`${modelPath("v1", target)}:predict`, { body: { instances }, signal });

// Returns the prediction and the explanation of one row.
export async function explain(target, row, parameters, signal) {
  const body = { instances: [row], parameters };
  const answer = await request(`${modelPath("v1", target)}:explain`, { body, signal });
  return { prediction: answer.predictions[0], explanation: answer.explanations[0] };
}

// Returns the importance of features and pairs, and average effects, over the background rows of the model.
export const importance = (target, options, signal) =>
  request(`${modelPath("v1", target)}/importance?${new URLSearchParams(options)}`, { signal });

// Returns the responses over a grid. `axes` maps query parameters to features; the other features are those of `row`.
async function responseGrid(kind, target, axes, row, rest, signal) {
  const at = { ...row };
  for (const name of Object.values(axes)) delete at[name];
  const query = new URLSearchParams({ ...axes, ...rest, bumps: true, at: JSON.stringify(at) });
  return request(`${modelPath("v1", target)}/${kind}?${query}`, { signal });
}

export const surface = (target, axes, row, rest, signal) => responseGrid("surface", target, axes, row, rest, signal);

export const profile = (target, feature, row, rest, signal) =>
  responseGrid("profile", target, { feature }, row, rest, signal);

// Returns run(task), which aborts the task that it ran before.
export function latestOnly() {
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
