// Names of the quantities on the page: the class, the unit, the model and the row that a figure is about.

import { plain } from "../charts/number_format.js";
import { properties } from "./page_data.js";
import { state } from "./url_state.js";

const FEATURES_IN_LINE = 4;

// Returns the name of the sum of bias and bumps, such as "log-odds of malignant".
export function sumName(output) {
  const { task, head, outputs } = properties();
  if (task === "regression") return head === "linear" ? String(output) : `pre-activation of ${output}`;
  if (head === "linear") return `${outputs.length > 1 ? "logit" : "log-odds"} of ${output}`;
  return `pre-activation of class ${output}`;
}

// Returns the name of the response, which the head computes from the sum.
export function responseName(output) {
  const { task, head } = properties();
  if (task === "regression") return String(output);
  return `${head === "linear" ? "probability" : "score"} of ${output}`;
}

export const valueText = (value) => (typeof value === "number" ? plain(value) : value === null ? "missing" : String(value));

// Returns the values of a row in one line; beyond `most` features, the number of the others.
export function rowText(row, most = Infinity) {
  const names = Object.keys(row);
  const listed = names.slice(0, most).map((name) => `${name} ${valueText(row[name])}`);
  return names.length > most ? `${listed.join(", ")} and ${names.length - most} more` : listed.join(", ");
}

// Returns the source of a figure: model, version and the rows, each {name, row}, that the service answered for.
export function sourceText(rows, most = FEATURES_IN_LINE) {
  const several = rows.length > 1;
  const texts = rows.map(({ name, row }) => `${several ? `${name.toUpperCase()}: ` : ""}${rowText(row, most)}`);
  return [`${state.model}, version ${state.version}`, ...texts.filter(Boolean)].join(" \u00b7 ");
}
