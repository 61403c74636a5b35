// Following the inputs: every change is asked about, one question at a time, and the newest one last.

import * as api from "./api.js";
import { sentence } from "./prediction.js";
import { lastHidden, rows, shown } from "./shown.js";
import { state, toAddress } from "./state.js";
import { $, figures, note, showAnswers, showAttributions, showProfile, showSurfaces } from "./views.js";

const REST_MS = 120; // without a change: what takes longer follows then
const NUMBERS = 30_000; // of a surface with its bumps, which is as fine as they allow
const POINTS = [11, 81]; // along an axis, at least and at most
const POINTS_OF_PROFILE = 401;

const settling = api.newest();
let [dirty, asking, changes, timer] = [false, false, 0, 0];
let failed = () => {};

// Says who hears of an error, or of null when all is well.
export const onProblem = (heard) => (failed = heard);

// Something was changed. What changes while a question is under way makes one more, so an answer is never waited for
// in vain, however fast a slider moves.
export function changed() {
  clearTimeout(timer);
  delete document.body.dataset.settled;
  dirty = true;
  changes += 1;
  if (!asking) requestAnimationFrame(follow);
}

async function follow() {
  if (asking || !dirty) return;
  [asking, dirty] = [true, false];
  const first = !shown.answers.length;
  try {
    const { card } = shown;
    const answers = await explain();
    if (card === shown.card) {
      shown.answers = answers;
      showAnswers();
    }
    failed(null);
  } catch (error) {
    failed(error);
  }
  asking = false;
  if (dirty) requestAnimationFrame(follow);
  else timer = setTimeout(settle, first ? 0 : REST_MS);
}

// The second input is explained for the output of the first, so that their bumps compare.
async function explain(more, signal) {
  const answers = [];
  for (const [name, row] of rows()) {
    const output = state.output ?? answers[0]?.explanation.output ?? null;
    answers.push({ name, ...(await api.explain(state, row, { output, harmonics: true, ...more }, signal)) });
  }
  return answers;
}

// The inputs rest: fetch what takes longer, and stop what was fetched for the rest before.
async function settle() {
  history.replaceState(null, "", toAddress());
  if (!shown.answers.length) return;
  $("live").textContent = sentence(shown.answers);
  const before = changes;
  await settling(async (signal) => {
    const { output } = shown.answers[0].explanation;
    const row = state.rows[state.editing];
    await Promise.all([
      part("attributions", signal, () => attribute(signal)),
      part("surfaces", signal, () => fetchSurface(output, row, signal)),
      part("profile", signal, () => fetchProfile(output, row, signal)),
    ]);
    if (before === changes && !signal.aborted) document.body.dataset.settled = "yes";
  });
}

// A part that cannot be had says why in its place.
async function part(id, signal, work) {
  try {
    await work();
  } catch (error) {
    if (signal.aborted) return;
    shown[id] = null;
    for (const each of figures(id)) each.replaceChildren();
    note(id, error.message);
  }
}

async function attribute(signal) {
  const answers = await explain({ attributions: state.method }, signal);
  shown.attributions = answers.map(({ explanation }) => explanation.attributions);
  showAttributions();
}

// Whether a grid that is shown is the one that would be asked for: the features along its axes do not matter.
function isShown(grid, output, row, axes) {
  if (!grid || String(grid.output) !== String(output) || grid.axes.join() !== axes.join()) return false;
  return Object.entries(row).every(([name, value]) => axes.includes(name) || grid.row[name] === value);
}

async function fetchSurface(output, row, signal) {
  const axes = [state.x, state.y];
  if (state.y === null || isShown(shown.surfaces, output, row, axes)) return;
  if (state.x === state.y) throw new Error("Choose two different features.");
  const [least, most] = POINTS;
  const fine = Math.floor(Math.sqrt(NUMBERS / (lastHidden().neurons.length + 2)));
  const points = Math.max(least, Math.min(most, fine));
  const surface = await api.surface(state, { x: state.x, y: state.y }, row, { output, points }, signal);
  shown.surfaces = { ...surface, axes, row: { ...row } };
  showSurfaces();
}

async function fetchProfile(output, row, signal) {
  if (!isShown(shown.profile, output, row, [state.along])) {
    const points = POINTS_OF_PROFILE;
    const profile = await api.profile(state, state.along, row, { output, points }, signal);
    shown.profile = { ...profile, axes: [state.along], row: { ...row } };
  }
  showProfile();
}
