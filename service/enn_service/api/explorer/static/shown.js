// What is known of the model that is open and of its answers to the inputs.

import { without } from "./harmonics.js";
import { state } from "./state.js";

export const shown = {
  card: null,
  layers: [], // of activations
  answers: [], // {name, prediction, explanation} of each input
  attributions: null, // of each input
  surfaces: null, // the service's answer, with the axes and the row that were asked about
  profile: null, // likewise
};

export const properties = () => shown.card.properties;
export const feature = (name) => properties().features.find((each) => each.name === name);
export const hiddenLayers = () => shown.layers.filter(({ neurons }) => neurons[0].output == null);
export const lastHidden = () => hiddenLayers().at(-1);

// The inputs, [name, row] each.
export const rows = () => ["a", "b"].filter((name) => state.rows[name]).map((name) => [name, state.rows[name]]);

// The output's own activation, which the dct head has.
export const outputActivation = (output) =>
  shown.layers.flatMap(({ neurons }) => neurons).find((neuron) => neuron.output != null && neuron.output === output);

// The explanations without the harmonics that are switched off.
export const explanations = () => shown.answers.map(({ explanation }) => without(explanation, state.off));
