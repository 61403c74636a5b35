// What the page shows, and its address: everything chosen stands in the fragment, which no server sees.

export const state = {
  model: null,
  version: null,
  output: null, // null: the predicted class
  rows: { a: {}, b: null }, // feature -> value
  editing: "a",
  x: null,
  y: null,
  along: null,
  method: "shapley",
  scale: "sum", // or "probability"
  layer: null,
  off: new Set(), // "neuron.harmonic" of the last hidden layer, from 0
};

const TEXTS = ["model", "version", "output", "x", "y", "along", "method", "scale"];

export function toAddress() {
  const address = new URLSearchParams();
  for (const name of TEXTS) if (state[name] !== null) address.set(name, state[name]);
  for (const [name, row] of Object.entries(state.rows)) if (row) address.set(name, JSON.stringify(row));
  if (state.off.size) address.set("off", [...state.off].join(" "));
  return `#${address}`;
}

// What an address says, as far as it can be read.
export function fromAddress(fragment) {
  const address = new URLSearchParams(fragment.slice(1));
  const found = Object.fromEntries(TEXTS.filter((name) => address.has(name)).map((name) => [name, address.get(name)]));
  for (const name of ["a", "b"]) {
    try {
      const row = JSON.parse(address.get(name));
      if (row && typeof row === "object") found[name] = row;
    } catch {
      // A row that was cut off on its way is left out.
    }
  }
  found.off = (address.get("off") ?? "").split(" ").filter((part) => /^\d+\.\d+$/.test(part));
  return found;
}
