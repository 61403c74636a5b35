// Charts of the average effects, and of the range of a quantity.

import { barX, dot, lineY, ruleX, ruleY } from "../vendor/plot.js";
import { element, figure, renderPlot } from "./figure.js";
import { plain } from "./number_format.js";
import { colours } from "./theme.js";

const HEIGHT = 120;

// Draws the curve of each feature, {name, average_effect}, on one scale; `values(name)` are the values of the inputs.
export function drawEffects(container, features, values, label) {
  const all = features.flatMap(({ average_effect }) => average_effect.pre_activation);
  const domain = [Math.min(...all), Math.max(...all)];
  const nodes = features.map(({ name }) => figure(name));
  container.replaceChildren(...nodes);
  for (const [index, { name, average_effect }] of features.entries()) {
    nodes[index].append(plotEffect(name, average_effect, { domain, label, marks: values(name), width: nodes[index].clientWidth }));
  }
}

function plotEffect(name, { values, pre_activation }, { domain, label, marks, width }) {
  const { ink, negative, line } = colours();
  const points = pre_activation.map((y, index) => ({ x: values[index], y }));
  const numeric = values.every(Number.isFinite);
  const texts = values.map(String);
  const at = numeric ? "x" : ({ x }) => String(x);
  const inside = (value) => value !== null && value !== undefined && (!numeric || (value >= values[0] && value <= values.at(-1)));
  return renderPlot(
    {
      width,
      height: HEIGHT,
      marginLeft: 38,
      marginRight: 8,
      marginTop: 6,
      marginBottom: 20,
      x: { ...(numeric ? {} : { type: "point", domain: texts }), label: null, ticks: 3, tickSize: 3 },
      y: { domain, label: null, ticks: 3, tickSize: 0 },
      marks: [
        ruleY([0].filter((zero) => zero >= domain[0] && zero <= domain[1]), { stroke: line }),
        ruleX(marks.filter(inside).map((value) => (numeric ? value : String(value))), { stroke: ink, strokeDasharray: "2 3" }),
        lineY(points, { x: at, y: "y", stroke: negative, strokeWidth: 2 }),
        dot(points, {
          x: at,
          y: "y",
          r: numeric ? 5 : 3,
          fill: negative,
          fillOpacity: numeric ? 0 : 1, // invisible, for the read-out
          title: ({ x, y }) => `${name} ${typeof x === "number" ? plain(x) : x}: ${plain(y)}`,
        }),
      ],
    },
    `Average ${label} along ${name}: from ${plain(Math.min(...pre_activation))} to ${plain(Math.max(...pre_activation))}`,
  );
}

// Draws ranges {name, low, high, at} of one quantity, with a point at its value.
export function drawRanges(container, ranges, label) {
  const { ink, neutral, paper } = colours();
  const title = ({ name, low, high, at }) => `${name}: ${plain(low)} to ${plain(high)}, here ${plain(at)}`;
  const svg = renderPlot(
    {
      width: container.clientWidth,
      height: ranges.length * 28 + 44,
      marginLeft: 14 + 6.4 * Math.max(...ranges.map(({ name }) => name.length)),
      marginRight: 12,
      marginTop: 4,
      marginBottom: 38,
      x: { label, labelAnchor: "center", labelArrow: "none", ticks: 5, tickSize: 3 },
      y: { domain: ranges.map(({ name }) => name), label: null, tickSize: 0, padding: 0.4 },
      marks: [
        barX(ranges, { y: "name", x1: "low", x2: "high", fill: neutral, rx: 2, title }),
        dot(ranges, { y: "name", x: "at", r: 4, fill: ink, stroke: paper, title }),
      ],
    },
    `Ranges of the ${label}. ${ranges.map(title).join("; ")}`,
  );
  container.replaceChildren(element("figure", {}, svg));
}
