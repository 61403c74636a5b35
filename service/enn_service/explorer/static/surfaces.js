// Surfaces: every bump over the plane of two features, and the whole that they add up to, as in the paper.

import { cell, raster } from "./vendor/plot.js";
import { draw, figure, onPick, place } from "./figures.js";
import { plain } from "./numbers.js";
import { colours } from "./theme.js";

const SHOWN = 12;

// Draws the surfaces of an answer of the service. `picked(x, y)` hears where the reader points.
// Returns show(rows), which moves the markers.
export function drawSurfaces({ sums, bumps, ramp }, answer, { centre, picked }) {
  const svgs = [];
  const most = Math.max(...answer.bumps.flatMap(({ values }) => values.flat().map(Math.abs)), 1e-9);
  const add = (container, caption, rows, scale) => {
    const node = figure(caption);
    container.append(node);
    svgs.push(plotSurface(answer, rows, scale, node.clientWidth, caption));
    node.append(svgs.at(-1));
    onPick(svgs.at(-1), picked);
  };
  sums.replaceChildren();
  bumps.replaceChildren();
  add(sums, "sum: bias + all bumps", answer.pre_activation, scaleOf(answer.pre_activation, 0));
  add(sums, "response", answer.response, scaleOf(answer.response, centre));
  for (const { neuron, values } of shown(answer.bumps)) add(bumps, `bump ${neuron}`, values, { centre: 0, half: most });
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

function scaleOf(rows, centre) {
  const values = rows.flat();
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const middle = low <= centre && centre <= high ? centre : (low + high) / 2;
  return { centre: middle, half: Math.max(high - middle, middle - low) || 1 };
}

function plotSurface({ x, y }, rows, { centre, half }, width, caption) {
  const { positive, negative, middle } = colours();
  const values = rows.flat();
  const said = `${plain(Math.min(...values))} to ${plain(Math.max(...values))}`;
  const left = Math.min(90, 14 + 6 * Math.max(...y.values.map((value) => tick(value).length)));
  const numeric = [x, y].every((axis) => axis.values.every(Number.isFinite));
  return draw(
    {
      width,
      height: Math.round((width - left - 6) + 24),
      marginTop: 4,
      marginRight: 6,
      marginBottom: 20,
      marginLeft: left,
      x: { ...axis(x), ticks: numeric ? Math.max(2, Math.round(width / 80)) : undefined },
      y: { ...axis(y), ticks: numeric ? Math.max(2, Math.round(width / 80)) : undefined },
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

function axis({ values }) {
  const numbers = values.every(Number.isFinite);
  return numbers
    ? { domain: [values[0], values.at(-1)], label: null, tickSize: 3 }
    : { type: "band", domain: values, label: null, tickSize: 0, padding: 0 };
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
