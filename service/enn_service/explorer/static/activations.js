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

// Draws neurons, each with its curve and its spectrum. `off` holds "neuron.harmonic"; `toggled` hears a checkbox, and
// is null where harmonics cannot be switched. Returns show(explanations), which moves the markers.
export function drawActivations(container, neurons, off, toggled) {
  const charts = neurons.map((neuron) => chart(neuron, off, toggled));
  container.replaceChildren(...charts.map(({ node }) => node));
  for (const each of charts) each.redraw();
  return (explanations) => {
    for (const each of charts) each.show(explanations);
  };
}

function chart(neuron, off, toggled) {
  const value = element("span", { className: "value" });
  const plot = element("div");
  const spectrum = element("div");
  const boxes = toggled ? switches(neuron, off, (key, on) => (toggled(key, on), redraw())) : "";
  const node = figure([`neuron ${neuron.neuron} `, value], plot, spectrum, boxes);
  let svg, spread, shown;

  function redraw() {
    spread = reach(neuron, shown);
    svg = plotCurve(neuron, off, spread, node.clientWidth);
    plot.replaceChildren(svg);
    spectrum.replaceChildren(plotSpectrum(neuron, off, node.clientWidth));
    if (shown) mark();
  }

  function mark() {
    const kept = left(neuron, off);
    for (const [index, name] of ["a", "b"].entries()) {
      const z = shown[index]?.bumps[neuron.neuron]?.z;
      place(svg, name, z === undefined ? null : [z, activation(z, kept)]);
    }
  }

  function show(explanations) {
    shown = explanations;
    value.textContent = explanations.map(({ bumps }) => signed(bumps[neuron.neuron].value)).join("  ");
    if (String(reach(neuron, shown)) !== String(spread)) redraw();
    else mark();
  }

  return { node, redraw, show };
}

// What of z is drawn: the range of the training data, and whole steps beyond it where an input stands there.
function reach({ neuron, range: [low, high] }, explanations = []) {
  const step = (high - low) / 4 || 1;
  const all = explanations.map(({ bumps }) => bumps[neuron].z).filter(Number.isFinite);
  const below = Math.max(0, Math.ceil((low - Math.min(low, ...all)) / step));
  const above = Math.max(0, Math.ceil((Math.max(high, ...all) - high) / step));
  return [low - below * step, high + above * step];
}

const left = ({ neuron, coefficients }, off) =>
  coefficients.map((coefficient, index) => (off.has(`${neuron}.${index}`) ? 0 : coefficient));

function plotCurve(neuron, off, spread, width) {
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
      x: { domain: spread, label: null, ticks: 4, tickSize: 3 },
      y: { domain: [-top, top], label: null, ticks: 3, tickSize: 0 },
      marks: [
        ...(neuron.density ? [rectY(columns(neuron.density, top), { x1: "x1", x2: "x2", y1: -top, y2: "y", fill: neutral })] : []),
        ruleY([0], { stroke: line }),
        ...(changed ? [lineY(whole, { x: "z", y: "value", stroke: quiet, strokeDasharray: "3 3" })] : []),
        lineY(now, { x: "z", y: "value", stroke: ink, strokeWidth: 2 }),
      ],
    },
    `Activation of neuron ${neuron.neuron} for z from ${plain(spread[0])} to ${plain(spread[1])}` +
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

function plotSpectrum({ neuron, coefficients }, off, width) {
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
    `Spectrum of neuron ${neuron}: ${coefficients.map(plain).join(", ")}`,
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
