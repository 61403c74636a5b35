// Opening a model: its card and its activations are fetched, and the state is made to fit them.

import * as api from "./api.js";
import { hiddenLayers, lastHidden, properties, shown } from "./shown.js";
import { state } from "./state.js";

// Opens a version of a model, or its newest; `wanted` is what an address asks for.
export async function open(model, version, wanted, signal) {
  const card = await api.card({ model, version });
  const which = { model, version: version ?? card.versions.at(-1) };
  const { layers } = await api.activations(which, signal);
  signal.throwIfAborted();
  Object.assign(shown, { card, layers, answers: [], attributions: null, surfaces: null, profile: null });
  adopt(which, wanted);
  const [first, second] = await weightiest(signal);
  state.x ??= first;
  state.y ??= state.x === second ? first : (second ?? null);
  state.along ??= first;
}

// Takes from an address what fits the model; the rest is as the card suggests.
function adopt(which, wanted) {
  const { features, sample, outputs } = properties();
  const row = (given) => Object.fromEntries(features.map(({ name, typical }) => [name, name in given ? given[name] : typical]));
  const known = (name) => (features.some((feature) => feature.name === name) ? name : null);
  Object.assign(state, which, {
    output: outputs.map(String).includes(wanted.output) ? wanted.output : null,
    rows: { a: wanted.a ? row(wanted.a) : sampleRow(), b: wanted.b ? row(wanted.b) : null },
    editing: "a",
    x: known(wanted.x),
    y: known(wanted.y),
    along: known(wanted.along),
    method: hiddenLayers().length > 1 ? "integrated_gradients" : (wanted.method ?? state.method),
    scale: wanted.scale ?? state.scale,
    layer: lastHidden().layer,
    off: new Set(wanted.off),
  });
}

export const sampleRow = () =>
  Object.fromEntries(properties().features.map(({ name }, index) => [name, properties().sample[index]]));

export const typicalRow = () => Object.fromEntries(properties().features.map(({ name, typical }) => [name, typical]));

// The features by what they add to the first input's pre-activation; where they are few or it is not told, as they are.
async function weightiest(signal) {
  const names = properties().features.map(({ name }) => name);
  if (names.length < 3) return names;
  try {
    const { explanation } = await api.explain(state, state.rows.a, { attributions: "integrated_gradients" }, signal);
    const size = (name) => Math.abs(explanation.attributions.values[name]);
    return names.sort((one, other) => size(other) - size(one));
  } catch (error) {
    if (error instanceof api.Refusal) return names;
    throw error;
  }
}
