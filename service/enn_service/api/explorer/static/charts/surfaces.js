// Charts of the surfaces: every bump over the plane of two features, their sum and the response.

import { cell, raster } from "../vendor/plot.js";
import { figure, onPlotClick, placeMarker, renderPlot } from "./figure.js";
import { plain, shorten } from "./number_format.js";
import { colours } from "./theme.js";

const MAX_BUMPS = 12;
const FEW_BUMPS = 6; // larger pictures
const TICK_LETTERS = 14;

// Draws a response of the surface endpoint. `labels` name {sum, response}; `centre` is the response at the boundary
// between two classes, null for a regression; `picked(x, y)` is called with the values at a click.
// Returns show(rows), which moves the markers.
export function drawSurfaces({ sums, bumps, ramp }, answer, { labels, centre, picked }) {
  const svgs = [];
  const largest = Math.max(...answer.bumps.flatMap(({ values }) => values.flat().map(Math.abs)), 1e-9);
  const add = (container, caption, rows, scale) => {
    const node = figure(caption);
    container.append(node);
    const svg = plotSurface(answer, rows, scale, { width: node.clientWidth, caption, axes: container === sums });
    node.append(svg);
    onPlotClick(svg, picked);
    svgs.push(svg);
  };
  sums.replaceChildren();
  bumps.replaceChildren();
  add(sums, `${labels.sum} (bias + all bumps)`, answer.pre_activation, scaleOf(answer.pre_activation, centre && 0));
  add(sums, labels.response, answer.response, scaleOf(answer.response, centre));
  const kept = selectBumps(answer.bumps);
  bumps.dataset.many = kept.length > FEW_BUMPS;
  for (const { neuron, values } of kept) add(bumps, `bump ${neuron}`, values, { centre: 0, half: largest });
  ramp(`${plain(-largest)}`, `${plain(largest)}`);
  return (rows) => {
    for (const svg of svgs) {
      for (const [index, name] of ["a", "b"].entries()) {
        placeMarker(svg, name, rows[index] && [rows[index][answer.x.feature], rows[index][answer.y.feature]]);
      }
    }
  };
}

// Returns the bumps to draw, in their order: all, or those that vary most.
function selectBumps(bumps) {
  if (bumps.length <= MAX_BUMPS) return bumps;
  const spread = ({ values }) => Math.max(...values.flat()) - Math.min(...values.flat());
  const kept = new Set([...bumps].sort((one, other) => spread(other) - spread(one)).slice(0, MAX_BUMPS));
  return bumps.filter((bump) => kept.has(bump));
}

// Returns the scale of the colours: around the boundary between the classes, or around the middle of the values.
function scaleOf(rows, boundary) {
  const values = rows.flat();
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const centre = boundary ?? (low < 0 && high > 0 ? 0 : (low + high) / 2);
  return { centre, half: Math.max(high - centre, centre - low) || 1 };
}

const isNumeric = ({ values }) => values.every(Number.isFinite);

function plotSurface({ x, y }, rows, { centre, half }, { width, caption, axes }) {
  const { positive, negative, middle } = colours();
  const values = rows.flat();
  const range = `${plain(Math.min(...values))} to ${plain(Math.max(...values))}`;
  const continuous = isNumeric(x) && isNumeric(y);
  const margins = axes ? { marginTop: 20, marginRight: 6, marginBottom: 34, marginLeft: marginFor(y) } : { margin: 1 };
  const size = width - (axes ? margins.marginLeft + margins.marginRight : 2);
  const ticks = Math.max(2, Math.round(size / 70));
  const scale = (axis) => (axes ? scaleFor(axis, continuous, ticks) : { ...scaleFor(axis, continuous, ticks), axis: null });
  return renderPlot(
    {
      width,
      height: size + (axes ? margins.marginTop + margins.marginBottom : 2),
      ...margins,
      x: scale(x),
      y: scale({ ...y, vertical: true }),
      color: {
        type: "diverging",
        domain: [centre - half, centre + half],
        pivot: centre,
        range: [negative, middle, positive],
        interpolate: "rgb",
      },
      marks: [continuous ? picture(x.values, y.values, values) : cells(x.values, y.values, rows)],
    },
    `${caption} over ${x.feature} and ${y.feature}: ${range}`,
  );
}

const tickText = (value) => shorten(typeof value === "number" ? plain(value) : String(value), TICK_LETTERS);

const marginFor = ({ values }) => Math.min(100, 14 + 6 * Math.max(...values.map((value) => tickText(value).length)));

// Returns the scale of an axis. A number beside a category has a band for each grid point: cells need bands on both
// axes; on a continuous scale only the cells at the ends of the domain would be drawn.
function scaleFor(axis, continuous, ticks) {
  const { feature, values } = axis;
  const label = { label: feature, labelAnchor: "center", labelArrow: "none" };
  if (continuous) return { ...label, domain: [values[0], values.at(-1)], ticks, tickSize: 3 };
  const step = isNumeric(axis) ? Math.max(1, Math.ceil(values.length / ticks)) : 1;
  const shown = values.filter((_, index) => index % step === 0);
  const order = isNumeric(axis) && axis.vertical ? [...values].reverse() : values; // small numbers at the bottom
  return { ...label, type: "band", domain: order, ticks: shown, tickSize: 0, padding: 0, tickFormat: tickText };
}

// Each value is drawn around its grid point, so the picture extends half a step beyond the axes.
function picture(xs, ys, values) {
  const half = (axis) => (axis.at(-1) - axis[0]) / (axis.length - 1) / 2;
  return raster(values, {
    width: xs.length,
    height: ys.length,
    x1: xs[0] - half(xs),
    x2: xs.at(-1) + half(xs),
    y1: ys[0] - half(ys),
    y2: ys.at(-1) + half(ys),
    fill: (value) => value,
    clip: true,
  });
}

function cells(xs, ys, rows) {
  const all = ys.flatMap((y, row) => xs.map((x, column) => ({ x, y, value: rows[row][column] })));
  return cell(all, { x: "x", y: "y", fill: "value", inset: 0 });
}
