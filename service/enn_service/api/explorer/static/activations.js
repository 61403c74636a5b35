// Activations: each neuron's curve over the density of the training data, where the input stands, and its harmonics.

import { barY, lineY, rectY, ruleY } from "./vendor/plot.js";
import { draw, element, figure, place } from "./figures.js";
import { plain, signed } from "./numbers.js";
import { activation, curve } from "./series.js";
import { colours } from "./theme.js";

const SHOWN = 12;
const DENSITY = 0.3; // of the height

// The neurons of a layer that are shown, in their order: all, or the most important.
export function chosen(neurons, all) {
  if (all || neurons.length <= SHOWN) return neurons;
  const weight = ({ importance, coefficients }) => importance ?? Math.hypot(...coefficients);
  const kept = new Set([...neurons].sort((one, other) => weight(other) - weight(one)).slice(0, SHOWN));
  return neurons.filter((neuron) => kept.has(neuron));
}

// The chart of a hidden neuron. `off` holds "neuron.harmonic" of those switched off, `toggled` hears a switch; without
// them the layer is not the last hidden one, and no input is marked on it.
export function neuronChart(neuron, off, toggled) {
  const bump = ({ bumps }) => bumps[neuron.neuron];
  return chart(neuron, {
    title: `neuron ${neuron.neuron}`,
    off: off ?? new Set(),
    toggled,
    where: (explanation) => (off ? bump(explanation).pre_activation : undefined),
    value: (explanation) => (off ? signed(bump(explanation).value) : ""),
  });
}

// The chart of an output's own activation, which turns the sum of the bumps into the response.
export function outputChart(neuron) {
  return chart(neuron, {
    title: `output ${neuron.output}`,
    off: new Set(),
    where: ({ pre_activation }) => pre_activation,
    value: (_, index) => (index ? "" : "sum \u2192 response"),
  });
}

// Draws charts; returns show(explanations), which moves their markers.
export function drawActivations(container, charts) {
  container.replaceChildren(...charts.map(({ node }) => node));
  return (explanations) => {
    for (const each of charts) each.show(explanations);
  };
}

function chart(neuron, { title, off, toggled, where, value }) {
  const says = element("span", { className: "value" });
  const plot = element("div");
  const spectrum = element("div");
  const boxes = toggled ? switches(neuron, off, (key, on) => (toggled(key, on), redraw())) : "";
  const node = figure([title, says], plot, spectrum, boxes);
  let svg, spread, shown;

  function redraw() {
    spread = reach(neuron.range, shown.map(where));
    svg = plotCurve(neuron, off, { spread, width: node.clientWidth, title });
    plot.replaceChildren(svg);
    spectrum.replaceChildren(plotSpectrum(neuron, off, { width: node.clientWidth, title }));
    mark();
  }

  function mark() {
    const kept = left(neuron, off);
    for (const [index, name] of ["a", "b"].entries()) {
      const z = shown[index] && where(shown[index]);
      place(svg, name, z === undefined ? null : [z, activation(z, kept)]);
    }
  }

  function show(explanations) {
    shown = explanations;
    says.textContent = explanations.map(value).join("  ");
    if (String(reach(neuron.range, shown.map(where))) === String(spread)) mark();
    else redraw();
  }

  return { node, show };
}

// What of z is drawn: the range of the training data, and whole steps beyond it where an input stands there.
function reach([low, high], places) {
  const step = (high - low) / 4 || 1;
  const all = places.filter(Number.isFinite);
  const below = Math.ceil((low - Math.min(low, ...all)) / step);
  const above = Math.ceil((Math.max(high, ...all) - high) / step);
  return high > low ? [low - below * step, high + above * step] : [low - below - 0.5, high + above + 0.5];
}

const left = ({ neuron, coefficients }, off) =>
  coefficients.map((coefficient, index) => (off.has(`${neuron}.${index}`) ? 0 : coefficient));

function plotCurve(neuron, off, { spread, width, title }) {
  const { ink, quiet, line, neutral } = colours();
  const kept = left(neuron, off);
  const changed = kept.some((coefficient, index) => coefficient !== neuron.coefficients[index]);
  const whole = curve(neuron.coefficients, spread);
  const now = changed ? curve(kept, spread) : whole;
  const values = [...whole, ...now].map(({ value }) => value);
  const top = Math.max(...values.map(Math.abs)) * 1.08 || 1;
  return draw(
    {
      width,
      height: 132,
      margin: 6,
      marginBottom: 20,
      marginLeft: 30,
      x: { domain: spread, label: null, ticks: width < 190 ? 3 : 4, tickSize: 3 },
      y: { domain: [-top, top], label: null, ticks: 3, tickSize: 0 },
      marks: [
        ...(neuron.density
          ? [rectY(columns(neuron.density, top), { x1: "x1", x2: "x2", y1: -top, y2: "y", fill: neutral })]
          : []),
        ruleY([0], { stroke: line }),
        ...(changed ? [lineY(whole, { x: "z", y: "value", stroke: quiet, strokeDasharray: "3 3" })] : []),
        lineY(now, { x: "z", y: "value", stroke: ink, strokeWidth: 2 }),
      ],
    },
    `Activation of ${title} for z from ${plain(spread[0])} to ${plain(spread[1])}` +
      (changed ? ", without the harmonics that are switched off" : ""),
  );
}

function columns({ edges, density }, top) {
  const most = Math.max(...density) || 1;
  return density.map((value, index) => ({
    x1: edges[index],
    x2: edges[index + 1],
    y: -top + (2 * top * DENSITY * value) / most,
  }));
}

function plotSpectrum({ neuron, coefficients }, off, { width, title }) {
  const { positive, negative, line, neutral } = colours();
  const bars = coefficients.map((value, index) => ({ value, q: index + 1, off: off.has(`${neuron}.${index}`) }));
  return draw(
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

function switches({ neuron, coefficients }, off, toggled) {
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
