// State of the page, and its form in the fragment of the address, which browsers do not send to servers.

export const state = {
  model: null,
  version: null,
  output: null, // null: the predicted class
  rows: { a: {}, b: null }, // feature -> value; undefined while a field holds no number
  editing: "a",
  x: null,
  y: null,
  along: null,
  method: "shapley",
  scale: "sum", // or "probability"
  coverage: 0.9,
  tolerance: 0.01, // share of each training range
  locked: new Set(), // features that stay as they are in a counterfactual
  layer: null,
  off: new Set(), // "neuron.harmonic" of the last hidden layer, counted from 0
};

const TEXTS = ["model", "version", "output", "x", "y", "along", "method", "scale", "coverage", "tolerance"];

export function toFragment() {
  const parameters = new URLSearchParams();
  for (const name of TEXTS) if (state[name] !== null) parameters.set(name, state[name]);
  for (const [name, row] of Object.entries(state.rows)) if (row) parameters.set(name, JSON.stringify(row));
  if (state.locked.size) parameters.set("locked", JSON.stringify([...state.locked]));
  if (state.off.size) parameters.set("off", [...state.off].join(" "));
  return `#${parameters}`;
}

// Returns the parts of a fragment that can be parsed.
export function fromFragment(fragment) {
  const parameters = new URLSearchParams(fragment.slice(1));
  const found = Object.fromEntries(
    TEXTS.filter((name) => parameters.has(name)).map((name) => [name, parameters.get(name)]),
  );
  for (const name of ["a", "b", "locked"]) {
    try {
      const value = JSON.parse(parameters.get(name));
      if (value && Array.isArray(value) === (name === "locked") && typeof value === "object") found[name] = value;
    } catch {
      // A truncated address holds half a row; the page then starts with the sample row.
    }
  }
  found.off = (parameters.get("off") ?? "").split(" ").filter((part) => /^\d+\.\d+$/.test(part));
  return found;
}
