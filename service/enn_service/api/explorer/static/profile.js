// The profile: the bumps along one feature, the others as they are, and the pre-activation that they add up to.

import { dot, lineY, ruleX, ruleY, text } from "./vendor/plot.js";
import { draw, element } from "./figures.js";
import { plain } from "./numbers.js";
import { colours } from "./theme.js";

// Draws an answer of the service; `values` are where the inputs stand on the feature.
export function drawProfile(container, answer, values) {
  const { ink, quiet, line } = colours();
  const numeric = answer.values.every(Number.isFinite);
  const width = container.clientWidth;
  const points = (list) => list.map((y, index) => ({ x: answer.values[index], y }));
  const sum = points(answer.pre_activation);
  const svg = draw(
    {
      width,
      height: 260,
      marginLeft: 44,
      marginRight: 34,
      marginTop: 10,
      marginBottom: 26,
      x: numeric ? { label: null, tickSize: 3 } : { type: "point", domain: answer.values, label: null, tickSize: 3 },
      y: { label: null, ticks: 5, tickSize: 0 },
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
    `Pre-activation along ${answer.feature}: from ${plain(Math.min(...answer.pre_activation))} to ` +
      plain(Math.max(...answer.pre_activation)),
  );
  container.replaceChildren(element("figure", {}, svg));
}
