// Figures: the plotting library with this page's colours, a text for who does not see them, and markers that move.

import { plot } from "./vendor/plot.js";
import { colours } from "./theme.js";

const LEAST = 120; // pixels across, also where there is no room: a window may be closed to nothing
const SVG = "http://www.w3.org/2000/svg";

export function element(tag, properties = {}, ...children) {
  const { dataset, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, dataset);
  made.append(...children);
  return made;
}

// Returns the SVG of a plot; `label` says in words what it shows.
export function draw(options, label) {
  const svg = plot({ ...options, width: Math.max(options.width, LEAST) });
  for (const mark of svg.querySelectorAll("[aria-label]")) {
    mark.dataset.mark = mark.getAttribute("aria-label"); // a part of a picture has no name of its own
    mark.removeAttribute("aria-label");
  }
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("color", colours().quiet);
  svg.setAttribute("font-size", "11");
  return svg;
}

// Returns a captioned figure; the caption is part of what is downloaded.
export function figure(caption, ...children) {
  return element("figure", {}, element("figcaption", {}, ...[caption].flat()), ...children);
}

// Moves the marker of a row in a drawn plot to these values of its axes; null takes it away.
export function place(svg, name, values) {
  let marker = svg.querySelector(`[data-marker=${name}]`);
  const [x, y] = values ? ["x", "y"].map((axis, index) => position(svg.scale(axis), values[index])) : [NaN, NaN];
  if (!Number.isFinite(x) || !Number.isFinite(y)) {
    marker?.remove();
    return;
  }
  marker ??= svg.appendChild(newMarker(name));
  marker.setAttribute("transform", `translate(${x.toFixed(2)},${y.toFixed(2)})`);
}

function position(scale, value) {
  if (value === null || value === undefined) return NaN;
  if (scale.bandwidth === undefined && scale.domain && typeof value === "number") {
    const [low, high] = [Math.min(...scale.domain), Math.max(...scale.domain)];
    if (value < low || value > high) return NaN;
  }
  return scale.apply(value) + (scale.bandwidth ?? 0) / 2;
}

function newMarker(name) {
  const { ink, paper } = colours();
  const marker = document.createElementNS(SVG, "circle");
  const looks = name === "a" ? { fill: ink, stroke: paper } : { fill: paper, stroke: ink };
  for (const [key, value] of Object.entries({ r: 5, "stroke-width": 2, ...looks })) marker.setAttribute(key, value);
  marker.dataset.marker = name;
  return marker;
}

// Calls back with the values of the axes under a click.
export function onPick(svg, picked) {
  const [x, y] = [svg.scale("x"), svg.scale("y")];
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    const factor = svg.viewBox.baseVal.width / box.width;
    picked(inverse(x, (event.clientX - box.left) * factor), inverse(y, (event.clientY - box.top) * factor));
  });
}

function inverse(scale, pixel) {
  if (scale.invert) return Math.min(Math.max(scale.invert(pixel), scale.domain[0]), scale.domain.at(-1));
  const distance = (value) => Math.abs(scale.apply(value) + (scale.bandwidth ?? 0) / 2 - pixel);
  return scale.domain.reduce((best, value) => (distance(value) < distance(best) ? value : best));
}
