// Update the page after changes of the inputs: one request at a time, and the latest input last.

import * as api from "../model/api.js";
import { data, inputs, lastHiddenLayer } from "../model/page_data.js";
import { state, toFragment } from "../model/url_state.js";
import { updateBehaviour } from "../questions/behaviour.js";
import { resetChange, suggestOutcome } from "../questions/change.js";
import { updatePairs } from "../questions/pairs.js";
import { updateSure } from "../questions/sure.js";
import { predictionSentence } from "./prediction.js";
import {
  $,
  clearResults,
  clearSection,
  markOutdated,
  renderAttributions,
  renderProfile,
  renderResults,
  renderSurfaces,
} from "./render.js";

const SETTLE_MS = 120; // without a change before the slow sections are fetched
const MAX_NUMBERS = 30_000; // of a surface with its bumps; sets the resolution
const SURFACE_POINTS = [11, 81]; // along an axis, lowest and highest
const PROFILE_POINTS = 401;

const fetchLatest = api.latestOnly();
let [dirty, running, changes, timer] = [false, false, 0, 0];
let reportProblem = () => {};

// Sets the handler of errors; it is called with null after a success.
export const onProblem = (handler) => (reportProblem = handler);

// Aborts the requests of the slow sections; called before another model opens.
export const cancelUpdates = () => fetchLatest(async () => {});

// Schedules an update. A change during a request causes one more request afterwards, so the page follows a moving
// slider without a queue of requests.
export function scheduleUpdate() {
  clearTimeout(timer);
  delete document.body.dataset.settled;
  markOutdated();
  resetChange();
  dirty = true;
  changes += 1;
  if (!running) requestAnimationFrame(update);
}

async function update() {
  if (running || !dirty) return;
  [running, dirty] = [true, false];
  const first = !data.results.length;
  const { card } = data;
  try {
    const results = await explainInputs();
    if (card === data.card) {
      data.results = results;
      renderResults();
      suggestOutcome();
      reportProblem(null);
    }
  } catch (error) {
    if (card === data.card) {
      clearResults();
      reportProblem(error);
    }
  }
  running = false;
  if (dirty) requestAnimationFrame(update);
  else timer = setTimeout(updateSlowSections, first ? 0 : SETTLE_MS);
}

// Explains every input. Input B is explained for the output of input A, so that their bumps can be compared.
async function explainInputs(more, signal) {
  const results = [];
  for (const [name, current] of inputs()) {
    const row = { ...current };
    const empty = Object.keys(row).find((feature) => row[feature] === undefined);
    if (empty !== undefined) throw new Error(`${empty}: the field is empty; enter a number.`);
    const output = state.output ?? results[0]?.explanation.output ?? null;
    results.push({ name, row, ...(await api.explain(state, row, { output, harmonics: true, ...more }, signal)) });
  }
  return results;
}

// Fetches the sections that take longer, once the inputs have settled; aborts the requests for an earlier input.
async function updateSlowSections() {
  history.replaceState(null, "", toFragment());
  if (!data.results.length) return;
  $("live").textContent = predictionSentence(data.results);
  const before = changes;
  await fetchLatest(async (signal) => {
    const { output } = data.results[0].explanation;
    const grid = { name: state.editing, row: { ...state.rows[state.editing] }, output };
    await Promise.all([
      updateSection("attributions", signal, () => fetchAttributions(signal)),
      updateSection("sure", signal, () => updateSure(explainInputs, signal)),
      updateSection("surfaces", signal, () => fetchSurface(grid, signal)),
      updateSection("profile", signal, () => fetchProfile(grid, signal)),
      updateSection("behaviour", signal, () => updateBehaviour(output, signal)),
      updateSection("pairs", signal, () => updatePairs(explainInputs, output, signal)),
    ]);
    if (before === changes && !signal.aborted) document.body.dataset.settled = "yes";
  });
}

const FIELDS = { surfaces: "surface" };

// Runs the update of a section; an error empties the section and stands in its place.
async function updateSection(id, signal, work) {
  try {
    await work();
  } catch (error) {
    if (signal.aborted) return;
    data[FIELDS[id] ?? id] = null;
    clearSection(id, error.message);
  }
}

async function fetchAttributions(signal) {
  let notice = "";
  let results;
  try {
    results = await explainInputs({ attributions: state.method }, signal);
  } catch (error) {
    // Exact Shapley values of many features take too long for one request; integrated gradients do not.
    if (state.method !== "shapley" || error.status !== 400) throw error;
    results = await explainInputs({ attributions: "integrated_gradients" }, signal);
    state.method = $("method").value = "integrated_gradients";
    notice = `Integrated gradients, because the service refused Shapley values: ${error.message}.`;
  }
  signal.throwIfAborted();
  data.attributions = {
    method: state.method,
    notice,
    results: results.map(({ name, row, explanation }) => ({
      name,
      row,
      output: explanation.output,
      attributions: explanation.attributions,
    })),
  };
  renderAttributions();
}

// Returns whether a drawn grid answers the request; the values of the features along its axes do not matter.
function isCurrent(drawn, { name, row, output }, axes) {
  if (!drawn || drawn.name !== name || String(drawn.output) !== String(output)) return false;
  if (drawn.axes.join() !== axes.join()) return false;
  return Object.entries(row).every(([feature, value]) => axes.includes(feature) || drawn.row[feature] === value);
}

async function fetchSurface(grid, signal) {
  const axes = [state.x, state.y];
  if (state.y === null) return;
  if (state.x === state.y) throw new Error("Choose two different features.");
  if (!isCurrent(data.surface, grid, axes)) {
    const [lowest, highest] = SURFACE_POINTS;
    const fitting = Math.floor(Math.sqrt(MAX_NUMBERS / (lastHiddenLayer().neurons.length + 2)));
    const options = { output: grid.output, points: Math.max(lowest, Math.min(highest, fitting)) };
    const surface = await api.surface(state, { x: state.x, y: state.y }, grid.row, options, signal);
    signal.throwIfAborted();
    data.surface = { ...surface, ...grid, axes };
  }
  renderSurfaces();
}

async function fetchProfile(grid, signal) {
  const axes = [state.along];
  if (!isCurrent(data.profile, grid, axes)) {
    const options = { output: grid.output, points: PROFILE_POINTS };
    const profile = await api.profile(state, state.along, grid.row, options, signal);
    signal.throwIfAborted();
    data.profile = { ...profile, ...grid, axes };
  }
  renderProfile();
}
