// Figures: plots with the colours of the page, text alternatives, and markers that move without a new drawing.

import { plot } from "../vendor/plot.js";
import { colours } from "./theme.js";

const MIN_WIDTH = 120; // pixels, also in a window that is closed to nothing
const SVG = "http://www.w3.org/2000/svg";

// Creates an HTML element.
export function element(tag, properties = {}, ...children) {
  const { dataset, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  Object.assign(node.dataset, dataset);
  node.append(...children);
  return node;
}

// Returns the SVG of a plot; `label` is its text alternative.
export function renderPlot(options, label) {
  const svg = plot({ ...options, width: Math.max(options.width, MIN_WIDTH) });
  for (const mark of svg.querySelectorAll("[aria-label]")) {
    mark.dataset.mark = mark.getAttribute("aria-label"); // role="img" allows a label on the whole picture only
    mark.removeAttribute("aria-label");
  }
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("color", colours().quiet);
  svg.setAttribute("font-size", "11");
  return svg;
}

// Returns a figure with a caption; downloads include the caption.
export function figure(caption, ...children) {
  return element("figure", {}, element("figcaption", {}, ...[caption].flat()), ...children);
}

// Moves the marker of an input in a plot to the values of its axes; null removes the marker.
export function placeMarker(svg, name, values) {
  let marker = svg.querySelector(`[data-marker=${name}]`);
  const [x, y] = values ? ["x", "y"].map((axis, index) => position(svg.scale(axis), values[index])) : [NaN, NaN];
  if (!Number.isFinite(x) || !Number.isFinite(y)) {
    marker?.remove();
    return;
  }
  marker ??= svg.appendChild(newMarker(name));
  marker.setAttribute("transform", `translate(${x.toFixed(2)},${y.toFixed(2)})`);
}

// Returns the pixel of a value, or NaN outside the axis.
function position(scale, value) {
  if (value === null || value === undefined) return NaN;
  const isBand = scale.bandwidth !== undefined;
  if (typeof value === "number" && scale.domain.every(Number.isFinite)) {
    const [low, high] = [Math.min(...scale.domain), Math.max(...scale.domain)];
    if (value < low || value > high) return NaN;
    if (isBand) value = nearest(scale.domain, (each) => Math.abs(each - value)); // a number on a band of grid points
  }
  return scale.apply(value) + (scale.bandwidth ?? 0) / 2;
}

const nearest = (domain, distance) =>
  domain.reduce((best, value) => (distance(value) < distance(best) ? value : best));

function newMarker(name) {
  const { ink, paper } = colours();
  const marker = document.createElementNS(SVG, "circle");
  const style = name === "a" ? { fill: ink, stroke: paper } : { fill: paper, stroke: ink };
  for (const [key, value] of Object.entries({ r: 5, "stroke-width": 2, ...style })) marker.setAttribute(key, value);
  marker.dataset.marker = name;
  return marker;
}

// Calls `picked` with the values of the two axes at a click.
export function onPlotClick(svg, picked) {
  const [x, y] = [svg.scale("x"), svg.scale("y")];
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    const factor = svg.viewBox.baseVal.width / box.width;
    picked(invert(x, (event.clientX - box.left) * factor), invert(y, (event.clientY - box.top) * factor));
  });
}

function invert(scale, pixel) {
  if (scale.invert) return Math.min(Math.max(scale.invert(pixel), scale.domain[0]), scale.domain.at(-1));
  return nearest(scale.domain, (value) => Math.abs(scale.apply(value) + (scale.bandwidth ?? 0) / 2 - pixel));
}
