// Explanations with some harmonics switched off: each bump is the sum of the harmonics that are left.

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
