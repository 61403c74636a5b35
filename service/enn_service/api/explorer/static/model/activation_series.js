// The activation sigma(z) = sum over q of F_q cos((2q-1) (pi/2) (z+1)), for the curves drawn on the page.

export function activation(z, coefficients) {
  const angle = (Math.PI / 2) * (z + 1);
  return coefficients.reduce((sum, coefficient, index) => sum + coefficient * Math.cos((2 * index + 1) * angle), 0);
}

const MIN_POINTS = 160;
const MAX_POINTS = 4000;
const POINTS_PER_PERIOD = 16; // of the highest harmonic: fewer points would draw another curve

// Returns points {z, value} of the curve over [low, high].
export function curve(coefficients, [low, high]) {
  const periods = ((high - low) * (2 * coefficients.length - 1)) / 4;
  const points = Math.min(MAX_POINTS, Math.max(MIN_POINTS, Math.ceil(POINTS_PER_PERIOD * periods))) + 1;
  return Array.from({ length: points }, (_, index) => {
    const z = low + ((high - low) * index) / (points - 1);
    return { z, value: activation(z, coefficients) };
  });
}
