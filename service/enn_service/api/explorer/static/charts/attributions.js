// Chart of the attributions: the contribution of each feature to the pre-activation.

import { barX, ruleX, text } from "../vendor/plot.js";
import { element, figure, renderPlot } from "./figure.js";
import { plain, shorten, signed } from "./number_format.js";
import { colours } from "./theme.js";

const MAX_ROWS = 12;
const ROW_HEIGHT = 23;
const NARROW = 560; // pixels: two charts stand below each other
const VALUE_WIDTH = 52; // pixels beside a bar
const LETTER_WIDTH = 6.2; // pixels

// Draws the attributions of one row, or of two rows on the same scale. `label` names the axis.
export function drawAttributions(container, attributions, label) {
  const names = Object.keys(attributions[0].values);
  const size = (name) => Math.max(...attributions.map(({ values }) => Math.abs(values[name])));
  const order = names.sort((one, other) => size(other) - size(one));
  const kept = order.length > MAX_ROWS ? order.slice(0, MAX_ROWS - 1) : order;
  const all = attributions.map(({ values }) => barsOf(values, kept, order.slice(kept.length)));
  const beside = attributions.length > 1 && container.clientWidth > NARROW;
  const width = beside ? (container.clientWidth - 24) / 2 : container.clientWidth;
  const ends = [0, ...all.flat().map(({ value }) => value)];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const left = Math.min(14 + LETTER_WIDTH * Math.max(...all[0].map(({ name }) => name.length)), width * 0.42);
  const sides = (low < 0 ? 1 : 0) + (high > 0 ? 1 : 0) || 1;
  const pad = ((high - low || 1) * VALUE_WIDTH) / Math.max(width - left - sides * VALUE_WIDTH, 60);
  const domain = [low < 0 ? low - pad : 0, high > 0 ? high + pad : 0];
  container.replaceChildren(
    ...all.map((rows, index) => {
      const svg = plotBars(rows, { width, left, domain, label });
      return attributions.length > 1 ? figure("AB"[index], svg) : element("figure", {}, svg);
    }),
  );
}

function barsOf(values, kept, others) {
  const rows = kept.map((name) => ({ name, value: values[name] }));
  if (!others.length) return rows;
  return [...rows, { name: `${others.length} others`, value: others.reduce((sum, name) => sum + values[name], 0) }];
}

function plotBars(rows, { width, left, domain, label }) {
  const { positive, negative, ink, line } = colours();
  const letters = Math.max(4, Math.round((left - 14) / LETTER_WIDTH));
  return renderPlot(
    {
      width,
      height: rows.length * ROW_HEIGHT + 40,
      marginLeft: left,
      marginRight: 4,
      marginTop: 2,
      marginBottom: 38,
      x: { domain, label, labelAnchor: "center", labelArrow: "none", ticks: Math.max(3, Math.round(width / 120)), tickSize: 0 },
      y: {
        domain: rows.map(({ name }) => name),
        label: null,
        tickSize: 0,
        padding: 0.3,
        tickFormat: (name) => shorten(name, letters),
      },
      marks: [
        barX(rows, { y: "name", x: "value", rx: 2, title: "name", fill: ({ value }) => (value >= 0 ? positive : negative) }),
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
    `Contributions to the ${label}: ${rows.map(({ name, value }) => `${name} ${signed(value)}`).join(", ")}`,
  );
}

export const baseNote = ([{ base_value }], label) =>
  `Base value ${plain(base_value)} + contributions of the features = ${label}.`;
