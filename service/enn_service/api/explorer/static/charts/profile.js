// Chart of the profile: bumps and pre-activation along one feature, with the other features fixed.

import { dot, lineY, ruleX, ruleY, text } from "../vendor/plot.js";
import { element, renderPlot } from "./figure.js";
import { plain } from "./number_format.js";
import { colours } from "./theme.js";

// Draws a response of the profile endpoint. `values` are the values of the inputs on the feature, each marked by a line;
// `label` names the vertical axis.
export function drawProfile(container, answer, values, label) {
  const { ink, quiet, line } = colours();
  const numeric = answer.values.every(Number.isFinite);
  const width = container.clientWidth;
  const points = (list) => list.map((y, index) => ({ x: answer.values[index], y }));
  const sum = points(answer.pre_activation);
  const svg = renderPlot(
    {
      width,
      height: 286,
      marginLeft: 44,
      marginRight: 34,
      marginTop: 24,
      marginBottom: 38,
      x: {
        ...(numeric ? {} : { type: "point", domain: answer.values }),
        label: answer.feature,
        labelAnchor: "center",
        labelArrow: "none",
        tickSize: 3,
      },
      y: { label, labelArrow: "none", ticks: 5, tickSize: 0 },
      marks: [
        ruleY([0], { stroke: line }),
        ...answer.bumps.map(({ neuron, values }) =>
          lineY(points(values), { x: "x", y: "y", stroke: quiet, strokeWidth: 1, title: () => `bump ${neuron}` }),
        ),
        lineY(sum, { x: "x", y: "y", stroke: ink, strokeWidth: 2.5 }),
        ...(numeric ? [] : [dot(sum, { x: "x", y: "y", fill: ink })]),
        text(sum.slice(-1), { x: "x", y: "y", text: () => "sum", textAnchor: "start", dx: 6, fill: ink }),
        ruleX(
          values.filter((value) => value !== null && value !== undefined),
          { stroke: ink, strokeDasharray: "2 3" },
        ),
      ],
    },
    `${label} along ${answer.feature}: from ${plain(Math.min(...answer.pre_activation))} to ` +
      plain(Math.max(...answer.pre_activation)),
  );
  container.replaceChildren(element("figure", {}, svg));
}
