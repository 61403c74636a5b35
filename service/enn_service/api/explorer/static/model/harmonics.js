// Explanations with some harmonics switched off: each bump becomes the sum of its other harmonics.

import { activation } from "./activation_series.js";

// Returns the explanation with the bumps and the pre-activation that remain without `off`, a set of "neuron.harmonic".
export function withoutHarmonics(explanation, off) {
  if (!off.size) return explanation;
  const bumps = explanation.bumps.map((bump) => {
    const kept = bump.harmonics.filter((_, index) => !off.has(`${bump.neuron}.${index}`));
    return { ...bump, value: kept.reduce((sum, term) => sum + term, 0) };
  });
  const pre_activation = bumps.reduce((sum, bump) => sum + bump.value, explanation.bias);
  return { ...explanation, bumps, pre_activation };
}

// Returns the response for another pre-activation, `sum`. `neuron` is the output neuron of a dct head. Without one the
// response is a probability, whose log-odds change by as much as the sum, or the sum itself.
export function responseAt(sum, { pre_activation, response, base_probability }, neuron) {
  if (neuron) return response + activation(sum, neuron.coefficients) - activation(pre_activation, neuron.coefficients);
  if (base_probability === undefined) return response + sum - pre_activation;
  const odds = response * Math.exp(sum - pre_activation);
  return odds / (1 - response + odds);
}

// Returns the explanation on the scale of the probability: each bump is the change of the probability that it causes,
// starting from the probability of the bias alone.
export const toProbability = (explanation) => ({
  ...explanation,
  bias: explanation.base_probability,
  bumps: explanation.bumps.map((bump) => ({ ...bump, value: bump.probability_change })),
  pre_activation: explanation.response,
});
