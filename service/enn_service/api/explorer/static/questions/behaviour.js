// How does it behave? Importance of the features over the training data, and their average effects.

import { barsHeight, drawBars } from "../charts/bars.js";
import { drawEffects } from "../charts/effects.js";
import * as api from "../model/api.js";
import { data, inputs, properties } from "../model/page_data.js";
import { sumName } from "../model/units.js";
import { state } from "../model/url_state.js";
import { describe, figures, setNote, setSentence } from "../panels/render.js";
import { behaviourSentence } from "./sentences.js";

const CURVE_POINTS = 41;
const MAX_BARS = 12;
const MAX_CURVES = 6;
const WORK = 600; // features times rows that take about a second
const fetchLatest = api.latestOnly();
let pending = { key: null, answer: null };

// Fetches the answer about the model, once for each output: it does not depend on the inputs.
export async function updateBehaviour(output, signal) {
  const key = JSON.stringify([state.model, state.version, output]);
  if (pending.key !== key) pending = { key, answer: fetchLatest((own) => fetchImportance(output, {}, own)) };
  const own = pending;
  try {
    const found = await own.answer;
    if (!found || signal.aborted) return;
    data.behaviour = found;
    renderBehaviour();
  } catch (error) {
    if (pending === own) pending = { key: null, answer: null }; // a later update tries again
    throw error;
  }
}

// Returns the importance over fewer background rows where a model has many features.
export async function fetchImportance(output, options, signal) {
  const rows = Math.max(5, Math.floor(WORK / properties().features.length));
  const query = { output, points: CURVE_POINTS, interactions: false, ...options };
  const target = { model: state.model, version: state.version };
  if (rows >= 100) return api.importance(target, query, signal);
  try {
    return await api.importance(target, { rows, ...query }, signal);
  } catch (error) {
    if (error.status !== 400) throw error;
    return api.importance(target, query, signal); // it has fewer background rows, or affords fewer
  }
}

export function renderBehaviour() {
  const { features, output, method } = data.behaviour;
  const label = sumName(output);
  describe("behaviour", label, []);
  setSentence("behaviour", behaviourSentence(data.behaviour, label));
  const order = [...features].sort((one, other) => other.importance - one.importance);
  const [bars, curves] = figures("behaviour");
  const rows = order.slice(0, MAX_BARS).map(({ name, importance }) => ({ name, value: importance }));
  drawBars(bars, [rows], { captions: [], label: `mean change of the ${label}`, summary: `Importance for the ${label}`, unsigned: true });
  const values = (name) => inputs().map(([, row]) => row[name]);
  drawEffects(curves, order.slice(0, MAX_CURVES), values, label);
  const estimate = method === "shapley" ? "" : " The importance is an estimate, because the model has several hidden layers.";
  setNote("behaviour", `Curves: the average ${label} of the training data along one feature; dashed lines are the inputs.${estimate}`);
}

// Reserves the height of the bars, so that their arrival moves nothing.
export function reserveBehaviour() {
  const { length } = properties().features;
  figures("behaviour")[0].style.minHeight = `${barsHeight(Math.min(length, MAX_BARS))}px`;
}
