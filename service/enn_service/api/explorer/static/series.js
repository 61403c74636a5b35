// The activation, sigma(z) = sum over q of F_q cos((2q-1) (pi/2) (z+1)): the service's formula, for what is drawn here.

export function activation(z, coefficients) {
  const angle = (Math.PI / 2) * (z + 1);
  return coefficients.reduce((sum, coefficient, index) => sum + coefficient * Math.cos((2 * index + 1) * angle), 0);
}

const POINTS = 160;
const POINTS_A_PERIOD = 16; // of the highest harmonic: fewer would draw another curve

// Points of the curve over [low, high].
export function curve(coefficients, [low, high]) {
  const periods = ((high - low) * (2 * coefficients.length - 1)) / 4;
  const points = Math.min(4000, Math.max(POINTS, Math.ceil(POINTS_A_PERIOD * periods))) + 1;
  return Array.from({ length: points }, (_, index) => {
    const z = low + ((high - low) * index) / (points - 1);
    return { z, value: activation(z, coefficients) };
  });
}
