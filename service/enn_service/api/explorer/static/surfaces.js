// Surfaces: every bump over the plane of two features, and the whole that they add up to, as in the paper.

import { cell, raster } from "./vendor/plot.js";
import { draw, figure, onPick, place } from "./figures.js";
import { plain } from "./numbers.js";
import { colours } from "./theme.js";

const SHOWN = 12;
const FEW = 6;

// Draws the surfaces of an answer of the service. `centre` is the response between two classes, null for a regression;
// `picked(x, y)` hears where the reader points.
// Returns show(rows), which moves the markers.
export function drawSurfaces({ sums, bumps, ramp }, answer, { centre, picked }) {
  const svgs = [];
  const most = Math.max(...answer.bumps.flatMap(({ values }) => values.flat().map(Math.abs)), 1e-9);
  const add = (container, caption, rows, scale) => {
    const node = figure(caption);
    container.append(node);
    const svg = plotSurface(answer, rows, scale, { width: node.clientWidth, caption, axes: container === sums });
    node.append(svg);
    onPick(svg, picked);
    svgs.push(svg);
  };
  sums.replaceChildren();
  bumps.replaceChildren();
  add(sums, "sum: bias + all bumps", answer.pre_activation, scaleOf(answer.pre_activation, centre && 0));
  add(sums, "response", answer.response, scaleOf(answer.response, centre));
  const kept = shown(answer.bumps);
  bumps.dataset.many = kept.length > FEW;
  for (const { neuron, values } of kept) add(bumps, `bump ${neuron}`, values, { centre: 0, half: most });
  ramp(`${plain(-most)}`, `${plain(most)}`);
  return (rows) => {
    for (const svg of svgs) {
      for (const [index, name] of ["a", "b"].entries()) {
        place(svg, name, rows[index] && [rows[index][answer.x.feature], rows[index][answer.y.feature]]);
      }
    }
  };
}

function shown(bumps) {
  if (bumps.length <= SHOWN) return bumps;
  const spread = ({ values }) => Math.max(...values.flat()) - Math.min(...values.flat());
  const kept = new Set([...bumps].sort((one, other) => spread(other) - spread(one)).slice(0, SHOWN));
  return bumps.filter((bump) => kept.has(bump));
}

// Colours around the value that decides between classes, or, where there is none (null), around the middle.
function scaleOf(rows, decides) {
  const values = rows.flat();
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const centre = decides ?? (low < 0 && high > 0 ? 0 : (low + high) / 2);
  return { centre, half: Math.max(high - centre, centre - low) || 1 };
}

function plotSurface({ x, y }, rows, { centre, half }, { width, caption, axes }) {
  const { positive, negative, middle } = colours();
  const values = rows.flat();
  const said = `${plain(Math.min(...values))} to ${plain(Math.max(...values))}`;
  const numeric = [x, y].every(({ values }) => values.every(Number.isFinite));
  const margins = axes ? { marginTop: 4, marginRight: 6, marginBottom: 20, marginLeft: marginOf(y) } : { margin: 1 };
  const across = width - (axes ? margins.marginLeft + margins.marginRight : 2);
  const looks = (each) =>
    axes ? { ...axis(each), ticks: Math.max(2, Math.round(across / 70)) } : { ...axis(each), axis: null };
  return draw(
    {
      width,
      height: across + (axes ? margins.marginTop + margins.marginBottom : 2),
      ...margins,
      x: looks(x),
      y: looks(y),
      color: {
        type: "diverging",
        domain: [centre - half, centre + half],
        pivot: centre,
        range: [negative, middle, positive],
        interpolate: "rgb",
      },
      marks: [numeric ? picture(x.values, y.values, values) : cells(x.values, y.values, rows)],
    },
    `${caption} over ${x.feature} and ${y.feature}: ${said}`,
  );
}

const tick = (value) => (typeof value === "number" ? plain(value) : String(value));

const marginOf = ({ values }) => Math.min(90, 14 + 6 * Math.max(...values.map((value) => tick(value).length)));

function axis({ values }) {
  const numbers = values.every(Number.isFinite);
  return numbers
    ? { domain: [values[0], values.at(-1)], label: null, tickSize: 3 }
    : { type: "band", domain: values, label: null, tickSize: 0, padding: 0, tickFormat: String };
}

// Values stand for the middle of their pixels, so the outermost reach half a step beyond the axes.
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
  return cell(all, { x: "x", y: "y", fill: "value", inset: 0.5 });
}
