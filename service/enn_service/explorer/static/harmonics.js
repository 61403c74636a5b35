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

// Returns the response of the explained output before and after its pre-activation became `sum`. `own` is the output's
// own activation; without one the response is a probability, whose log-odds change as the sum does, or the sum itself.
export function responseWithout(prediction, { output, pre_activation }, sum, own) {
  const change = sum - pre_activation;
  if (own) {
    const moved = activation(sum, own.coefficients) - activation(pre_activation, own.coefficients);
    const before = prediction.score ?? prediction;
    return [before, before + moved];
  }
  if (!prediction.probabilities) return [pre_activation, sum];
  const before = prediction.probabilities[output];
  const odds = before * Math.exp(change);
  return [before, odds / (1 - before + odds)];
}
