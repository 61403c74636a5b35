// Numbers as text: three decimals or four digits, with the typographic minus sign.

function digits(value) {
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 5e-4)) return value.toExponential(1);
  return size >= 100 ? value.toFixed(size >= 1000 ? 0 : 1) : value.toFixed(size >= 10 ? 2 : 3);
}

export const plain = (value) => digits(value).replace(/-/g, "\u2212");

export const signed = (value) => (value >= 0 ? "+" : "") + plain(value);

export const percent = (value) => `${(100 * value).toFixed(1)} %`;

// Returns a text of at most `most` characters, with an ellipsis in place of its middle.
export function shorten(text, most) {
  if (text.length <= most) return text;
  const kept = Math.max(most - 1, 2);
  return `${text.slice(0, Math.ceil(kept / 2))}\u2026${text.slice(text.length - Math.floor(kept / 2))}`;
}
