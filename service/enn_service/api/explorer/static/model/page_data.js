// Data of the open model and of its latest responses, shared by all parts of the page.

import { withoutHarmonics } from "./harmonics.js";
import { state } from "./url_state.js";

export const NO_ANSWERS = {
  results: [], // {name, row, prediction, explanation} for each input
  attributions: null, // {method, results: [{name, row, attributions}]}
  sure: null, // {coverage, tolerance, results}
  change: null, // counterfactual of the service, with the row and the outcome of the request
  behaviour: null, // importance, as the service answers
  pairs: null, // {results, overall}
  surface: null, // response of the service, with the axes and the row of the request
  profile: null, // likewise
};

export const data = {
  card: null, // V2 metadata of the model
  layers: [], // learned activations, one entry per layer
  ...NO_ANSWERS,
};

export const properties = () => data.card.properties;
export const feature = (name) => properties().features.find((each) => each.name === name);
export const hiddenLayers = () => data.layers.filter(({ neurons }) => neurons[0].output == null);
export const lastHiddenLayer = () => hiddenLayers().at(-1);

// The inputs to explain, as [name, row] pairs: A, and B while two inputs are compared.
export const inputs = () => ["a", "b"].filter((name) => state.rows[name]).map((name) => [name, state.rows[name]]);

// The activation of an output neuron; undefined for a linear head, which has none.
export const outputActivation = (output) =>
  data.layers.flatMap(({ neurons }) => neurons).find((neuron) => neuron.output != null && neuron.output === output);

// The explanations, without the harmonics that are switched off.
export const explanations = () => data.results.map(({ explanation }) => withoutHarmonics(explanation, state.off));
