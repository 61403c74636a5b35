// Explanations with some harmonics switched off: each bump is the sum of the harmonics that are left.

import { activation } from "./series.js";

// Returns the explanation's bumps and pre-activation as they are without `off`, a set of "neuron.harmonic".
export function without(explanation, off) {
  if (!off.size) return explanation;
  const bumps = explanation.bumps.map((bump) => {
    const left = bump.harmonics.filter((_, index) => !off.has(`${bump.neuron}.${index}`));
    return { ...bump, value: left.reduce((sum, term) => sum + term, 0) };
  });
  const pre_activation = bumps.reduce((sum, bump) => sum + bump.value, explanation.bias);
  return { ...explanation, bumps, pre_activation };
}

// Returns the response when the explanation's pre-activation becomes `sum`. `own` is the output's own activation;
// without one the response is a probability, whose log-odds change as the sum does, or the sum itself.
export function responseAt(sum, { pre_activation, response, base_probability }, own) {
  if (own) return response + activation(sum, own.coefficients) - activation(pre_activation, own.coefficients);
  if (base_probability === undefined) return response + sum - pre_activation;
  const odds = response * Math.exp(sum - pre_activation);
  return odds / (1 - response + odds);
}

// Returns an explanation of the probability: its bumps are what they change it by, from that of the bias alone.
export const ofProbability = (explanation) => ({
  ...explanation,
  bias: explanation.base_probability,
  bumps: explanation.bumps.map((bump) => ({ ...bump, value: bump.probability_change })),
  pre_activation: explanation.response,
});
