// Open a model: fetch its card and activations, then replace the state of the page in one step.

import * as api from "./api.js";
import { NO_ANSWERS, data } from "./page_data.js";
import { state } from "./url_state.js";

// Opens a version of a model, or its newest. `wanted` holds the choices of a link. The page keeps the model that it
// shows until every request has succeeded.
export async function openModel(model, version, wanted, signal) {
  const card = await api.card({ model, version }, signal);
  const target = { model, version: version ?? card.versions.at(-1) };
  const { layers } = await api.activations(target, signal);
  const choices = chooseFor(card.properties, layers, wanted);
  const [first, second] = await rankFeatures(target, card.properties, choices.rows.a, signal);
  signal.throwIfAborted();
  choices.x ??= first;
  choices.y ??= choices.x === second ? first : (second ?? null);
  choices.along ??= first;
  Object.assign(data, { card, layers, ...NO_ANSWERS });
  Object.assign(state, target, choices);
}

// Returns the choices of a link that fit the model, and the defaults of the card for the rest.
function chooseFor({ features, sample, outputs }, layers, wanted) {
  const hidden = layers.filter(({ neurons }) => neurons[0].output == null);
  const rowFrom = (given) =>
    Object.fromEntries(features.map(({ name, typical }) => [name, name in given ? given[name] : typical]));
  const known = (name) => (features.some((feature) => feature.name === name) ? name : null);
  return {
    output: outputs.map(String).includes(wanted.output) ? wanted.output : null,
    rows: { a: wanted.a ? rowFrom(wanted.a) : sampleRow({ features, sample }), b: wanted.b ? rowFrom(wanted.b) : null },
    editing: "a",
    x: known(wanted.x),
    y: known(wanted.y),
    along: known(wanted.along),
    // Exact Shapley values need a network with one hidden layer.
    method: hidden.length > 1 ? "integrated_gradients" : oneOf(wanted.method, METHODS, state.method),
    scale: oneOf(wanted.scale, SCALES, state.scale),
    layer: hidden.at(-1).layer,
    off: new Set(wanted.off),
    coverage: share(wanted.coverage, COVERAGES, state.coverage),
    tolerance: share(wanted.tolerance, TOLERANCES, state.tolerance),
    locked: new Set((wanted.locked ?? []).filter(known)),
  };
}

const METHODS = ["shapley", "integrated_gradients"];
const SCALES = ["sum", "probability"];
const COVERAGES = [0.8, 0.9, 0.95, 0.99];
const TOLERANCES = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1];
const share = (text, known, otherwise) => oneOf(Number(text), known, otherwise);
const oneOf = (value, known, otherwise) => (known.includes(value) ? value : otherwise);

export const sampleRow = ({ features, sample }) =>
  Object.fromEntries(features.map(({ name }, index) => [name, sample[index]]));

export const typicalRow = ({ features }) => Object.fromEntries(features.map(({ name, typical }) => [name, typical]));

// Returns the features in the order of their contribution to the pre-activation of a row, or in the order of the card
// where the model has two features or fewer, or the service refuses the attributions.
async function rankFeatures(target, { features }, row, signal) {
  const names = features.map(({ name }) => name);
  if (names.length < 3) return names;
  try {
    const { explanation } = await api.explain(target, row, { attributions: "integrated_gradients" }, signal);
    const size = (name) => Math.abs(explanation.attributions.values[name]);
    return names.sort((one, other) => size(other) - size(one));
  } catch (error) {
    if (error instanceof api.ApiError && error.status === 400) return names;
    throw error;
  }
}
