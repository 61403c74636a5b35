// Chart of bars: one number for each name, to the left and to the right of zero.

import { barX, ruleX, text } from "../vendor/plot.js";
import { element, figure, renderPlot } from "./figure.js";
import { plain, shorten, signed } from "./number_format.js";
import { colours } from "./theme.js";

const ROW_HEIGHT = 23;
const AXIS_HEIGHT = 40;
const NARROW = 560; // pixels: two charts stand below each other
const VALUE_WIDTH = 52; // pixels beside a bar
const LETTER_WIDTH = 6.2; // pixels

export const barsHeight = (rows) => rows * ROW_HEIGHT + AXIS_HEIGHT;

// Draws charts of {name, detail, value} on one scale. `captions` names each; `label` names the axis.
export function drawBars(container, charts, { captions, label, summary, unsigned = false }) {
  const beside = charts.length > 1 && container.clientWidth > NARROW;
  const width = beside ? (container.clientWidth - 24) / 2 : container.clientWidth;
  const ends = [0, ...charts.flat().map(({ value }) => value)];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const letters = Math.max(...charts.flat().map((row) => tick(row, Infinity).length));
  const left = Math.min(14 + LETTER_WIDTH * letters, width * 0.46);
  const sides = (low < 0 ? 1 : 0) + (high > 0 ? 1 : 0) || 1;
  const pad = ((high - low || 1) * VALUE_WIDTH) / Math.max(width - left - sides * VALUE_WIDTH, 60);
  const domain = [low < 0 ? low - pad : 0, high > 0 ? high + pad : low < 0 ? 0 : pad];
  const number = unsigned ? plain : signed;
  container.replaceChildren(
    ...charts.map((rows, index) => {
      const svg = plotBars(rows, { width, left, domain, label, summary, number });
      return captions[index] ? figure(captions[index], svg) : element("figure", {}, svg);
    }),
  );
}

// Returns the text beside a bar: the name, shortened where it is too long, and its detail.
function tick({ name, detail }, letters) {
  const end = detail ? ` = ${detail}` : "";
  return shorten(name, Math.max(4, letters - end.length)) + end;
}

function plotBars(rows, { width, left, domain, label, summary, number }) {
  const { positive, negative, ink, line } = colours();
  const letters = Math.max(8, Math.round((left - 14) / LETTER_WIDTH));
  const byName = new Map(rows.map((row) => [row.name, row]));
  return renderPlot(
    {
      width,
      height: barsHeight(rows.length),
      marginLeft: left,
      marginRight: 4,
      marginTop: 2,
      marginBottom: 38,
      x: { domain, label, labelAnchor: "center", labelArrow: "none", ticks: Math.max(3, Math.round(width / 120)), tickSize: 0 },
      y: {
        domain: [...byName.keys()],
        label: null,
        tickSize: 0,
        padding: 0.3,
        tickFormat: (name) => tick(byName.get(name), letters),
      },
      marks: [
        barX(rows, {
          y: "name",
          x: "value",
          rx: 2,
          title: (row) => `${tick(row, Infinity)}: ${number(row.value)}`,
          fill: ({ value }) => (value >= 0 ? positive : negative),
        }),
        ruleX([0], { stroke: line }),
        ...["start", "end"].map((textAnchor) =>
          text(
            rows.filter(({ value }) => value >= 0 === (textAnchor === "start")),
            {
              y: "name",
              x: "value",
              text: ({ value }) => number(value),
              textAnchor,
              dx: textAnchor === "start" ? 6 : -6,
              fill: ink,
            },
          ),
        ),
      ],
    },
    `${summary}: ${rows.map((row) => `${tick(row, Infinity)} ${number(row.value)}`).join(", ")}`,
  );
}
