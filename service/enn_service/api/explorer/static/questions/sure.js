// How sure? The set or interval of a coverage, and bounds over all rows within a tolerance.

import { drawRanges } from "../charts/effects.js";
import { plain } from "../charts/number_format.js";
import { data, properties } from "../model/page_data.js";
import { sumName } from "../model/units.js";
import { state } from "../model/url_state.js";
import { $, describe, figures, setNote, setSentence } from "../panels/render.js";
import { coverageSentence, prefixed, stabilitySentence } from "./sentences.js";

// A calibrated model lists the tensors of a coverage.
export const isCalibrated = () =>
  properties().optional_outputs.some(({ name }) => name === "set" || name === "lower");

// Fetches the answers for all inputs; `explainInputs(parameters, signal)` explains them.
export async function updateSure(explainInputs, signal) {
  const { tolerance } = state;
  const coverage = isCalibrated() ? state.coverage : null;
  const parameters = { stability: { tolerance }, ...(coverage !== null && { coverage }) };
  const results = await explainInputs(parameters, signal);
  signal.throwIfAborted();
  data.sure = { coverage, tolerance, results };
  renderSure();
}

export function renderSure() {
  const { coverage, tolerance, results } = data.sure;
  const label = sumName(results[0].explanation.output);
  describe("sure", label, results);
  const texts = results.map(({ row, prediction, explanation }) => {
    const stable = stabilitySentence(explanation.stability, row, tolerance, label);
    return coverage === null ? stable : `${coverageSentence(prediction, coverage)} ${stable}`;
  });
  setSentence("sure", prefixed(texts));
  drawRanges(figures("sure")[0], results.flatMap(rangesOf), label);
  const bounds = results.map(({ explanation: { stability } }) => `${plain(stability.lower)} to ${plain(stability.upper)}`);
  setNote(
    "sure",
    `The bounds hold for every row within the tolerance: ${prefixed(bounds)}.` +
      (coverage === null ? " The model has no calibration, so it has no coverage." : ""),
  );
}

function rangesOf({ name, prediction, explanation }) {
  const { pre_activation: at, stability } = explanation;
  const before = data.sure.results.length > 1 ? `${name.toUpperCase()} ` : "";
  const ranges = [{ name: `${before}tolerance`, low: stability.lower, high: stability.upper, at }];
  // The interval has the unit of the pre-activation only where a regression has a linear head and one output.
  if (typeof prediction.lower === "number" && properties().head === "linear") {
    ranges.push({ name: `${before}coverage`, low: prediction.lower, high: prediction.upper, at });
  }
  return ranges;
}

export function connectSure(changed) {
  for (const id of ["coverage", "tolerance"]) {
    $(id).onchange = () => {
      state[id] = Number($(id).value);
      changed();
    };
  }
}

// Shows the settings of the open model.
export function fillSure() {
  $("coverage-choice").hidden = !isCalibrated();
  for (const id of ["coverage", "tolerance"]) $(id).value = state[id];
}
