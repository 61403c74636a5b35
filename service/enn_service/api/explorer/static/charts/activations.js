// Charts of the activations: the curve of each neuron over the density of the training data, and its harmonics.

import { barY, lineY, rectY, ruleY } from "../vendor/plot.js";
import { element, figure, placeMarker, renderPlot } from "./figure.js";
import { plain, signed } from "./number_format.js";
import { activation, curve } from "../model/activation_series.js";
import { colours } from "./theme.js";

const MAX_NEURONS = 12;
const DENSITY_HEIGHT = 0.3; // share of the height of the plot

// Returns the neurons to draw, in their order: all, or the most important ones.
export function selectNeurons(neurons, all) {
  if (all || neurons.length <= MAX_NEURONS) return neurons;
  const weight = ({ importance, coefficients }) => importance ?? Math.hypot(...coefficients);
  const kept = new Set([...neurons].sort((one, other) => weight(other) - weight(one)).slice(0, MAX_NEURONS));
  return neurons.filter((neuron) => kept.has(neuron));
}

// Returns the chart of a hidden neuron. `off` is the set of harmonics ("neuron.harmonic") that are switched off;
// `toggled(key, on)` is called when a switch changes. Layers before the last hidden one have neither, and no markers:
// explanations hold the pre-activations of the last hidden layer only.
export function neuronChart(neuron, off, toggled) {
  const bump = ({ bumps }) => bumps[neuron.neuron];
  return chart(neuron, {
    title: `neuron ${neuron.neuron}`,
    off: off ?? new Set(),
    toggled,
    position: (explanation) => (off ? bump(explanation).pre_activation : undefined),
    value: (explanation) => (off ? signed(bump(explanation).value) : ""),
  });
}

// Returns the chart of the activation of an output neuron, which turns the sum of the bumps into the response.
export function outputChart(neuron) {
  return chart(neuron, {
    title: `output ${neuron.output}`,
    off: new Set(),
    position: ({ pre_activation }) => pre_activation,
    value: (_, index) => (index ? "" : "sum \u2192 response"),
  });
}

// Draws charts; returns show(explanations), which moves the markers.
export function drawActivations(container, charts) {
  container.replaceChildren(...charts.map(({ node }) => node));
  return (explanations) => {
    for (const each of charts) each.show(explanations);
  };
}

function chart(neuron, { title, off, toggled, position, value }) {
  const valueLabel = element("span", { className: "value" });
  const plot = element("div");
  const spectrum = element("div");
  const boxes = toggled ? harmonicSwitches(neuron, off, (key, on) => (toggled(key, on), redraw())) : "";
  const node = figure([title, valueLabel], plot, spectrum, boxes);
  let svg, domain, current;

  function redraw() {
    domain = domainFor(neuron.range, current.map(position));
    svg = plotCurve(neuron, off, { domain, width: node.clientWidth, title });
    plot.replaceChildren(svg);
    spectrum.replaceChildren(plotSpectrum(neuron, off, { width: node.clientWidth, title }));
    moveMarkers();
  }

  function moveMarkers() {
    const kept = activeCoefficients(neuron, off);
    for (const [index, name] of ["a", "b"].entries()) {
      const z = current[index] && position(current[index]);
      placeMarker(svg, name, z === undefined ? null : [z, activation(z, kept)]);
    }
  }

  function show(explanations) {
    current = explanations;
    valueLabel.textContent = explanations.map(value).join("  ");
    if (String(domainFor(neuron.range, current.map(position))) === String(domain)) moveMarkers();
    else redraw();
  }

  return { node, show };
}

// Returns the interval of z to draw: the range of the training data, extended in steps of a quarter to hold the inputs.
function domainFor([low, high], positions) {
  const step = (high - low) / 4 || 1;
  const all = positions.filter(Number.isFinite);
  const below = Math.ceil((low - Math.min(low, ...all)) / step);
  const above = Math.ceil((Math.max(high, ...all) - high) / step);
  return high > low ? [low - below * step, high + above * step] : [low - below - 0.5, high + above + 0.5];
}

const activeCoefficients = ({ neuron, coefficients }, off) =>
  coefficients.map((coefficient, index) => (off.has(`${neuron}.${index}`) ? 0 : coefficient));

function plotCurve(neuron, off, { domain, width, title }) {
  const { ink, quiet, line, neutral } = colours();
  const kept = activeCoefficients(neuron, off);
  const changed = kept.some((coefficient, index) => coefficient !== neuron.coefficients[index]);
  const original = curve(neuron.coefficients, domain);
  const current = changed ? curve(kept, domain) : original;
  const values = [...original, ...current].map(({ value }) => value);
  const top = Math.max(...values.map(Math.abs)) * 1.08 || 1;
  return renderPlot(
    {
      width,
      height: 132,
      margin: 6,
      marginBottom: 20,
      marginLeft: 30,
      x: { domain, label: null, ticks: width < 190 ? 3 : 4, tickSize: 3 },
      y: { domain: [-top, top], label: null, ticks: 3, tickSize: 0 },
      marks: [
        ...(neuron.density
          ? [rectY(densityBars(neuron.density, top), { x1: "x1", x2: "x2", y1: -top, y2: "y", fill: neutral })]
          : []),
        ruleY([0], { stroke: line }),
        ...(changed ? [lineY(original, { x: "z", y: "value", stroke: quiet, strokeDasharray: "3 3" })] : []),
        lineY(current, { x: "z", y: "value", stroke: ink, strokeWidth: 2 }),
      ],
    },
    `Activation of ${title} for z from ${plain(domain[0])} to ${plain(domain[1])}` +
      (changed ? ", without the harmonics that are switched off" : ""),
  );
}

function densityBars({ edges, density }, top) {
  const most = Math.max(...density) || 1;
  return density.map((value, index) => ({
    x1: edges[index],
    x2: edges[index + 1],
    y: -top + (2 * top * DENSITY_HEIGHT * value) / most,
  }));
}

function plotSpectrum({ neuron, coefficients }, off, { width, title }) {
  const { positive, negative, line, neutral } = colours();
  const bars = coefficients.map((value, index) => ({ value, q: index + 1, off: off.has(`${neuron}.${index}`) }));
  return renderPlot(
    {
      width,
      height: 44,
      margin: 2,
      marginLeft: 30,
      marginRight: 6,
      x: { axis: null, padding: 0.5, type: "band" },
      y: { axis: null },
      marks: [
        barY(bars, {
          x: "q",
          y: "value",
          rx: 1,
          fill: (bar) => (bar.off ? neutral : bar.value >= 0 ? positive : negative),
        }),
        ruleY([0], { stroke: line }),
      ],
    },
    `Spectrum of ${title}: ${coefficients.map(plain).join(", ")}`,
  );
}

function harmonicSwitches({ neuron, coefficients }, off, toggled) {
  const boxes = coefficients.map((_, index) => {
    const key = `${neuron}.${index}`;
    const box = element("input", {
      type: "checkbox",
      checked: !off.has(key),
      ariaLabel: `harmonic ${index + 1}`,
      title: `harmonic ${index + 1}: cos(${2 * index + 1} \u03c0/2 (z + 1))`,
    });
    box.onchange = () => toggled(key, box.checked);
    return box;
  });
  const legend = element("legend", { className: "unseen" }, `Harmonics of neuron ${neuron}`);
  return element("fieldset", { className: "harmonics" }, legend, ...boxes);
}
