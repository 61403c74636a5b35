// What interacts? The pairs of features that change a prediction together.

import { barsHeight, drawBars } from "../charts/bars.js";
import { data, hiddenLayers, properties } from "../model/page_data.js";
import { sumName } from "../model/units.js";
import { state } from "../model/url_state.js";
import { $, clearSection, describe, figures, setNote, setSentence } from "../panels/render.js";
import { fetchImportance } from "./behaviour.js";
import { pairsSentence } from "./sentences.js";

const MAX_BARS = 8;
const FEW_FEATURES = 12; // the time grows with the third power of their number
const NOTE = "Half of what both features change together, so that it is in the value of each.";
let wanted = false;
let overall = { key: null, pairs: [] };

// Prepares the section for the open model: pairs of many features are computed on request.
export function preparePairs() {
  const { length } = properties().features;
  wanted = length <= FEW_FEATURES;
  overall = { key: null, pairs: [] };
  $("pairs").hidden = length < 2;
  const possible = hiddenLayers().length < 2;
  $("show-pairs").hidden = wanted || !possible;
  clearSection("pairs");
  const bars = barsHeight(Math.min(MAX_BARS, (length * (length - 1)) / 2));
  figures("pairs")[0].style.minHeight = wanted && possible ? `${bars}px` : "";
  if (!possible) setSentence("pairs", "Pairs are exact for one hidden layer; this model has several. Its surfaces show two features.");
  else if (!wanted) setSentence("pairs", `Pairs of ${length} features take some seconds.`);
}

// Fetches the pairs in each input and over the training data.
export async function updatePairs(explainInputs, output, signal) {
  if (!wanted || hiddenLayers().length > 1 || properties().features.length < 2) return;
  const results = await explainInputs({ attributions: "shapley", interactions: true }, signal);
  const key = JSON.stringify([state.model, state.version, output]);
  if (overall.key !== key) {
    const many = properties().features.length > FEW_FEATURES;
    const options = { interactions: true, points: 2, top: MAX_BARS, ...(many && { rows: 5 }) };
    const { interactions } = await fetchImportance(output, options, signal);
    overall = { key, pairs: interactions.map(({ features, importance }) => [features, importance]) };
  }
  signal.throwIfAborted();
  data.pairs = { results, overall: overall.pairs };
  renderPairs();
}

function pairsOf({ attributions }) {
  const pairs = Object.entries(attributions.interactions).flatMap(([one, row], index) =>
    Object.entries(row)
      .slice(index + 1)
      .map(([other, value]) => [[one, other], value]),
  );
  return pairs.sort(([, one], [, other]) => Math.abs(other) - Math.abs(one)).slice(0, MAX_BARS);
}

export function renderPairs() {
  const { results, overall: general } = data.pairs;
  const label = sumName(results[0].explanation.output);
  describe("pairs", label, results);
  const inRows = results.map(({ explanation }) => pairsOf(explanation));
  setSentence("pairs", pairsSentence(inRows, general, label));
  const bars = (pairs) => pairs.map(([features, value]) => ({ name: features.join(" \u00d7 "), value }));
  const names = results.length > 1 ? ["A", "B"] : ["this row"];
  const captions = [...names, "mean size over the training data"];
  drawBars(figures("pairs")[0], [...inRows, general].map(bars), { captions, label: `interaction in the ${label}`, summary: `Pairs, ${label}` });
  setNote("pairs", NOTE);
}

// Connects the button that computes the pairs of many features.
export function connectPairs(changed) {
  $("show-pairs").onclick = () => {
    wanted = true;
    $("show-pairs").hidden = true;
    setSentence("pairs", "Computing the pairs.");
    changed();
  };
}
