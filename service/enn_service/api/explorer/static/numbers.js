// Numbers as people read them: three decimals or four digits, a real minus sign.

function digits(value) {
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 5e-4)) return value.toExponential(1);
  return size >= 100 ? value.toFixed(size >= 1000 ? 0 : 1) : value.toFixed(size >= 10 ? 2 : 3);
}

export const plain = (value) => digits(value).replace(/-/g, "\u2212");

export const signed = (value) => (value >= 0 ? "+" : "") + plain(value);

export const percent = (value) => `${(100 * value).toFixed(1)} %`;
