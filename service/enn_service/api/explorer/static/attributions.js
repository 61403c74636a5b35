// Attributions: what each feature adds to the pre-activation, from the base value on.

import { barX, ruleX, text } from "./vendor/plot.js";
import { draw, element, figure } from "./figures.js";
import { plain, signed } from "./numbers.js";
import { colours } from "./theme.js";

const SHOWN = 12;
const ROW = 23;
const NARROW = 560;
const LABEL = 52; // beside a bar, for its number

// Draws the attributions of one row, or of two side by side on the same scale.
export function drawAttributions(container, attributions) {
  const names = Object.keys(attributions[0].values);
  const size = (name) => Math.max(...attributions.map(({ values }) => Math.abs(values[name])));
  const order = names.sort((one, other) => size(other) - size(one));
  const kept = order.length > SHOWN ? order.slice(0, SHOWN - 1) : order;
  const all = attributions.map(({ values }) => rowsOf(values, kept, order.slice(kept.length)));
  const beside = attributions.length > 1 && container.clientWidth > NARROW;
  const width = beside ? (container.clientWidth - 24) / 2 : container.clientWidth;
  const ends = [0, ...all.flat().map(({ value }) => value)];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const left = Math.min(14 + 6.2 * Math.max(...all[0].map(({ name }) => name.length)), width * 0.42);
  const sides = (low < 0 ? 1 : 0) + (high > 0 ? 1 : 0) || 1;
  const pad = ((high - low || 1) * LABEL) / Math.max(width - left - sides * LABEL, 60);
  const domain = [low < 0 ? low - pad : 0, high > 0 ? high + pad : 0];
  container.replaceChildren(
    ...all.map((rows, index) => {
      const svg = plotRows(rows, { width, left, domain });
      return attributions.length > 1 ? figure("AB"[index], svg) : element("figure", {}, svg);
    }),
  );
}

function rowsOf(values, kept, others) {
  const rows = kept.map((name) => ({ name, value: values[name] }));
  if (!others.length) return rows;
  return [...rows, { name: `${others.length} others`, value: others.reduce((sum, name) => sum + values[name], 0) }];
}

function plotRows(rows, { width, left, domain }) {
  const { positive, negative, ink, line } = colours();
  return draw(
    {
      width,
      height: rows.length * ROW + 26,
      marginLeft: left,
      marginRight: 4,
      marginTop: 2,
      marginBottom: 24,
      x: { domain, label: null, ticks: Math.max(3, Math.round(width / 120)), tickSize: 0 },
      y: { domain: rows.map(({ name }) => name), label: null, tickSize: 0, padding: 0.3 },
      marks: [
        barX(rows, { y: "name", x: "value", rx: 2, fill: ({ value }) => (value >= 0 ? positive : negative) }),
        ruleX([0], { stroke: line }),
        ...["start", "end"].map((textAnchor) =>
          text(
            rows.filter(({ value }) => value >= 0 === (textAnchor === "start")),
            {
              y: "name",
              x: "value",
              text: ({ value }) => signed(value),
              textAnchor,
              dx: textAnchor === "start" ? 6 : -6,
              fill: ink,
            },
          ),
        ),
      ],
    },
    `Attributions: ${rows.map(({ name, value }) => `${name} ${signed(value)}`).join(", ")}`,
  );
}

export const baseNote = ([{ base_value }]) =>
  `From the base value ${plain(base_value)} on, the features add up to the pre-activation.`;
