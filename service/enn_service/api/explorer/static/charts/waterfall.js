// Waterfall of an explanation: from the bias over the bumps to the pre-activation, as a chart and as a table.

import { barX, link, ruleX, text } from "../vendor/plot.js";
import { element, figure, renderPlot } from "./figure.js";
import { plain, signed } from "./number_format.js";
import { colours } from "./theme.js";

const MAX_BUMPS = 16;
const ROW_HEIGHT = 25;
const NARROW = 560; // pixels: two charts stand below each other
const NAME_WIDTH = 74; // pixels before the bars
const VALUE_WIDTH = 52; // pixels behind a bar

// Draws one explanation, or two on the same scale. `label` names the axis.
export function drawWaterfall(container, explanations, label) {
  const kept = largestBumps(explanations);
  const all = explanations.map((explanation) => steps(explanation, kept));
  const ends = all.flat().flatMap(({ start, end }) => [start, end]);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const beside = explanations.length > 1 && container.clientWidth > NARROW;
  const width = beside ? (container.clientWidth - 24) / 2 : container.clientWidth;
  const domain = [low, high + ((high - low || 1) * VALUE_WIDTH) / Math.max(width - NAME_WIDTH - VALUE_WIDTH, 60)];
  container.replaceChildren(
    ...all.map((rows, index) => {
      const svg = plotSteps(rows, { width, domain, label });
      return explanations.length > 1 ? figure("AB"[index], svg) : element("figure", {}, svg);
    }),
  );
}

// Returns the indices of the bumps that get a bar of their own; the small bumps of a wide network share one.
function largestBumps(explanations) {
  const sizes = explanations[0].bumps.map((_, index) =>
    Math.max(...explanations.map(({ bumps }) => Math.abs(bumps[index].value))),
  );
  const order = [...sizes.keys()].sort((one, other) => sizes[other] - sizes[one]);
  return new Set(order.length > MAX_BUMPS ? order.slice(0, MAX_BUMPS - 1) : order);
}

function steps({ bias, bumps, pre_activation }, kept) {
  const rows = [{ name: "bias", start: 0, end: bias }];
  const add = (name, value) => {
    const start = rows.at(-1).end;
    rows.push({ name, start, end: start + value });
  };
  for (const [index, { neuron, value }] of bumps.entries()) if (kept.has(index)) add(`neuron ${neuron}`, value);
  const others = bumps.filter((_, index) => !kept.has(index));
  if (others.length)
    add(
      `${others.length} others`,
      others.reduce((sum, { value }) => sum + value, 0),
    );
  return [...rows, { name: "sum", start: 0, end: pre_activation, total: true }];
}

function plotSteps(rows, { width, domain, label }) {
  const { positive, negative, ink, quiet, line } = colours();
  const change = ({ start, end }) => end - start;
  const summary = rows.map((row) => `${row.name} ${signed(change(row))}`).join(", ");
  return renderPlot(
    {
      width,
      height: rows.length * ROW_HEIGHT + 40,
      marginLeft: NAME_WIDTH,
      marginRight: 4,
      marginTop: 2,
      marginBottom: 38,
      x: { domain, grid: false, label, labelAnchor: "center", labelArrow: "none", ticks: Math.max(3, Math.round(width / 110)), tickSize: 0 },
      y: { domain: rows.map(({ name }) => name), label: null, tickSize: 0, padding: 0.28 },
      marks: [
        ruleX([0], { stroke: line }),
        link(rows.slice(0, -1), {
          x1: "end",
          x2: "end",
          y1: "name",
          y2: (_, index) => rows[index + 1].name,
          stroke: quiet,
          strokeWidth: 1,
        }),
        barX(rows, {
          y: "name",
          x1: "start",
          x2: "end",
          rx: 2,
          fill: (row) => (row.total ? ink : change(row) >= 0 ? positive : negative),
        }),
        text(rows, {
          y: "name",
          x: ({ start, end }) => Math.max(start, end),
          text: (row) => (row.total ? plain(row.end) : signed(change(row))),
          textAnchor: "start",
          dx: 6,
          fill: ink,
          fontWeight: (row) => (row.total ? "bold" : "normal"),
        }),
      ],
    },
    `Waterfall of the ${label}: ${summary}`,
  );
}

// Writes the table: a line for every neuron with the factors of its bump. `total` names the sum, `label` its quantity.
export function writeTable(container, explanations, total, label) {
  const two = explanations.length > 1;
  const [first, second] = explanations;
  const cells = two ? ["A", "B", "B \u2212 A"] : ["activation", "weight", "bump"];
  const line = (name, values) =>
    element("tr", {}, element("th", { scope: "row" }, name), ...values.map((value) => element("td", {}, value)));
  const sums = (name, field) => {
    const values = explanations.map((explanation) => explanation[field]);
    return line(name, two ? [...values.map(plain), signed(values[1] - values[0])] : ["", "", plain(values[0])]);
  };
  const rows = first.bumps.map(({ neuron, activation, weight, value }, index) => {
    const other = second?.bumps[index].value;
    const numbers = two ? [signed(value), signed(other), signed(other - value)] : null;
    return line(`neuron ${neuron}`, numbers ?? [plain(activation), plain(weight), signed(value)]);
  });
  const head = element("tr", {}, ...["", ...cells].map((name) => element("th", { scope: "col" }, name || "part")));
  container.replaceChildren(
    element(
      "table",
      {},
      element("caption", {}, `bias + bumps = ${label}`),
      element("thead", {}, head),
      element("tbody", {}, sums("bias", "bias"), ...rows, sums(total, "pre_activation")),
    ),
  );
}
