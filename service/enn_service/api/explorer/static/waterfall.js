// The waterfall: from the bias over the bumps to the pre-activation, as a figure and as a table.

import { barX, link, ruleX, text } from "./vendor/plot.js";
import { draw, element, figure } from "./figures.js";
import { plain, signed } from "./numbers.js";
import { colours } from "./theme.js";

const SHOWN = 16;
const ROW = 25;
const NARROW = 560;
const LEFT = 74; // of the bars, for their names
const LABEL = 52; // behind a bar, for its number

// Draws one explanation, or two side by side on the same scale.
export function drawWaterfall(container, explanations) {
  const kept = largest(explanations);
  const all = explanations.map((explanation) => steps(explanation, kept));
  const ends = all.flat().flatMap(({ start, end }) => [start, end]);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const beside = explanations.length > 1 && container.clientWidth > NARROW;
  const width = beside ? (container.clientWidth - 24) / 2 : container.clientWidth;
  const domain = [low, high + ((high - low || 1) * LABEL) / Math.max(width - LEFT - LABEL, 60)];
  container.replaceChildren(
    ...all.map((rows, index) => {
      const svg = plotSteps(rows, width, domain);
      return explanations.length > 1 ? figure("AB"[index], svg) : element("figure", {}, svg);
    }),
  );
}

// The neurons that get a bar of their own, in their order; a wide network's small bumps are told together.
function largest(explanations) {
  const sizes = explanations[0].bumps.map((_, index) =>
    Math.max(...explanations.map(({ bumps }) => Math.abs(bumps[index].value))),
  );
  const order = [...sizes.keys()].sort((one, other) => sizes[other] - sizes[one]);
  return new Set(order.length > SHOWN ? order.slice(0, SHOWN - 1) : order);
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

function plotSteps(rows, width, domain) {
  const { positive, negative, ink, quiet, line } = colours();
  const change = ({ start, end }) => end - start;
  const said = rows.map((row) => `${row.name} ${signed(change(row))}`).join(", ");
  return draw(
    {
      width,
      height: rows.length * ROW + 26,
      marginLeft: LEFT,
      marginRight: 4,
      marginTop: 2,
      marginBottom: 24,
      x: { domain, grid: false, label: null, ticks: Math.max(3, Math.round(width / 110)), tickSize: 0 },
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
    `Waterfall: ${said}`,
  );
}

// Writes the same numbers as a table: all neurons, with what each bump is made of, and the name of what they add up to.
export function writeTable(container, explanations, total) {
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
      element("caption", {}, `bias + bumps = ${total}`),
      element("thead", {}, head),
      element("tbody", {}, sums("bias", "bias"), ...rows, sums(total, "pre_activation")),
    ),
  );
}
