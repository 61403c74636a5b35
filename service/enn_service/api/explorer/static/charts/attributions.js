// Chart of the attributions: the contribution of each feature to the pre-activation, beside its value.

import { barsHeight, drawBars } from "./bars.js";
import { plain } from "./number_format.js";

const MAX_ROWS = 12;

// Returns the height of the chart of so many features.
export const attributionsHeight = (features) => barsHeight(Math.min(features, MAX_ROWS));

// Draws the attributions of one row, or of two rows on the same scale. `label` names the axis; `valueText(index, name)`
// returns the value of a feature in a row.
export function drawAttributions(container, attributions, label, valueText) {
  const names = Object.keys(attributions[0].values);
  const size = (name) => Math.max(...attributions.map(({ values }) => Math.abs(values[name])));
  const order = names.sort((one, other) => size(other) - size(one));
  const kept = order.length > MAX_ROWS ? order.slice(0, MAX_ROWS - 1) : order;
  const others = order.slice(kept.length);
  const charts = attributions.map(({ values }, index) => {
    const rows = kept.map((name) => ({ name, detail: valueText(index, name), value: values[name] }));
    if (!others.length) return rows;
    return [...rows, { name: `${others.length} others`, value: others.reduce((sum, name) => sum + values[name], 0) }];
  });
  const captions = attributions.length > 1 ? ["A", "B"] : [];
  drawBars(container, charts, { captions, label, summary: `Contributions to the ${label}` });
}

export const baseNote = ([{ base_value }], label) =>
  `Base value ${plain(base_value)} + contributions of the features = ${label}.`;
