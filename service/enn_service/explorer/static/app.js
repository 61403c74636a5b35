// The page: one model, one or two inputs, and the parts that show them.

import * as api from "./api.js";
import { drawActivations, chosen } from "./activations.js";
import { baseNote, drawAttributions } from "./attributions.js";
import { offerDownloads } from "./downloads.js";
import { element } from "./figures.js";
import { buildForm } from "./form.js";
import { without } from "./harmonics.js";
import { plain } from "./numbers.js";
import { drawPrediction, sentence } from "./prediction.js";
import { drawProfile } from "./profile.js";
import { fromAddress, state, toAddress } from "./state.js";
import { drawSurfaces } from "./surfaces.js";
import { startTheme } from "./theme.js";
import { drawWaterfall, writeTable } from "./waterfall.js";

const SETTLED_MS = 120; // without a change: what is slower to compute follows then
const POINTS = 41;

const $ = (id) => document.getElementById(id);
const figures = (id) => [...$(id).querySelectorAll("[data-figures]")];
const note = (id, text) => ($(id).querySelector("[data-note]").textContent = text);
const shown = { card: null, layers: [], answers: [], surface: null, profile: null, attributions: [] };
const markers = { activations: () => {}, surfaces: () => {} };
const opening = api.newest();
const settling = api.newest();
let showForm = () => {};

const properties = () => shown.card.properties;
const rows = () => ["a", "b"].filter((name) => state.rows[name]).map((name) => [name, state.rows[name]]);
const explanations = () => shown.answers.map(({ explanation }) => without(explanation, state.off));
const feature = (name) => properties().features.find((each) => each.name === name);

// --- Opening a model ---------------------------------------------------------------------------------------------

async function open(model, version, wanted = {}) {
  await opening(async (signal) => {
    const card = await api.card({ model, version });
    const which = { model, version: version ?? card.versions.at(-1) };
    const { layers } = await api.activations(which, signal);
    signal.throwIfAborted();
    Object.assign(shown, { card, layers, answers: [], surface: null, profile: null, attributions: [] });
    adopt(which, wanted);
    fill();
    changed();
  });
}

// Takes from an address what fits the model; the rest is as the card suggests.
function adopt(which, wanted) {
  const { features, sample, outputs } = properties();
  const names = features.map(({ name }) => name);
  const row = (given) => Object.fromEntries(features.map((each) => [each.name, given[each.name] ?? each.typical]));
  const start = Object.fromEntries(names.map((name, index) => [name, sample[index]]));
  const known = (name, other) => (names.includes(name) ? name : (other ?? null));
  Object.assign(state, which, {
    output: outputs.map(String).includes(wanted.output) ? wanted.output : null,
    rows: { a: wanted.a ? row(wanted.a) : start, b: wanted.b ? row(wanted.b) : null },
    editing: "a",
    x: known(wanted.x, names[0]),
    y: known(wanted.y, names[1]),
    along: known(wanted.along, names[0]),
    method: wanted.method ?? state.method,
    layer: lastHidden().layer,
    off: new Set(wanted.off),
  });
}

// The layer that makes the bumps: the last one, before the output's own activations where the head has some.
function lastHidden() {
  return shown.layers.filter(({ neurons }) => neurons[0].output === undefined || neurons[0].output === null).at(-1);
}

function fill() {
  const { features, outputs, scores, task, parameters } = properties();
  options($("version"), shown.card.versions, state.version);
  options($("output"), ["predicted", ...outputs.map(String)], state.output ?? "predicted");
  $("output-choice").hidden = outputs.length < 2;
  const names = features.map(({ name }) => name);
  for (const id of ["x", "y", "along"]) options($(id), names, state[id]);
  $("method").value = state.method;
  const score = Object.entries(scores).map(([name, value]) => `${name} ${plain(value)}`);
  $("facts").textContent = [task, `${parameters} parameters`, ...score].join(" \u00b7 ");
  options($("layer"), shown.layers.map(({ layer }) => layer), state.layer);
  $("layer-choice").hidden = shown.layers.length < 2;
  $("surfaces").hidden = names.length < 2;
  $("page").hidden = false;
  showForm = buildForm($("form"), $("filter"), features, (name, value) => {
    state.rows[state.editing][name] = value;
    changed();
  });
  showRows();
  drawNeurons();
}

function options(select, values, value) {
  select.replaceChildren(...values.map((each) => element("option", { value: each }, String(each))));
  select.value = value;
}

function showRows() {
  const two = state.rows.b !== null;
  $("which-b").hidden = $("which").hidden = !two;
  $("compare").setAttribute("aria-pressed", two);
  document.querySelector(`[name=which][value=${state.editing}]`).checked = true;
  showForm(state.rows[state.editing]);
}

// --- Following the inputs ----------------------------------------------------------------------------------------

let dirty = false;
let asking = false;
let timer;

// Something was changed: ask anew. One question at a time; changes meanwhile make one more, the newest.
function changed() {
  clearTimeout(timer);
  timer = setTimeout(settle, SETTLED_MS);
  dirty = true;
  if (!asking) requestAnimationFrame(follow);
}

async function follow() {
  if (asking || !dirty) return;
  [asking, dirty] = [true, false];
  try {
    const model = shown.card;
    const answers = await explain();
    if (model === shown.card) {
      shown.answers = answers;
      drawAnswers();
    }
    problem(null);
  } catch (error) {
    problem(error);
  }
  asking = false;
  if (dirty) requestAnimationFrame(follow);
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

function drawAnswers() {
  const range = (name) => `${plain(feature(name).minimum)} to ${plain(feature(name).maximum)}`;
  drawPrediction($("prediction"), shown.answers, range);
  const now = explanations();
  drawWaterfall(figures("waterfall")[0], now);
  writeTable($("waterfall-table"), now);
  if (state.layer === lastHidden().layer) markers.activations(now);
  markers.surfaces(rows().map(([, row]) => row));
  sayWithout(now);
}

function sayWithout(now) {
  $("without").hidden = $("all-on").hidden = !state.off.size;
  const sums = now.map(({ pre_activation }, index) => {
    const whole = shown.answers[index].explanation.pre_activation;
    return `pre-activation ${plain(whole)} \u2192 ${plain(pre_activation)}`;
  });
  $("without").textContent = `${state.off.size} harmonics off: ${sums.join("; ")}`;
}

// What takes longer follows when the inputs rest; a newer rest stops what is under way.
async function settle() {
  if (asking || dirty) {
    timer = setTimeout(settle, SETTLED_MS);
    return;
  }
  history.replaceState(null, "", toAddress());
  if (!shown.answers.length) return;
  $("live").textContent = sentence(shown.answers);
  await settling(async (signal) => {
    const { output } = shown.answers[0].explanation;
    const at = state.rows[state.editing];
    await Promise.all([
      part("attributions", signal, drawFeatures),
      part("surfaces", signal, () => drawPlane(output, at, signal)),
      part("profile", signal, () => drawLine(output, at, signal)),
    ]);
    document.body.dataset.settled = toAddress();
  });
}

async function part(id, signal, work) {
  try {
    await work(signal);
  } catch (error) {
    if (signal.aborted) return;
    for (const each of figures(id)) each.replaceChildren();
    note(id, error.message);
  }
}

async function drawFeatures(signal) {
  const answers = await explain({ attributions: state.method }, signal);
  shown.attributions = answers.map(({ explanation }) => explanation.attributions);
  drawAttributions(figures("attributions")[0], shown.attributions);
  note("attributions", baseNote(shown.attributions));
}

async function drawPlane(output, at, signal) {
  if ($("surfaces").hidden) return;
  if (state.x === state.y) throw new Error("Choose two different features.");
  const question = { x: state.x, y: state.y, output, bumps: true, points: POINTS, at };
  shown.surface = await api.surface(state, question, signal);
  showSurface();
}

function showSurface() {
  const [sums, bumps] = figures("surfaces");
  const ramp = (low, high) => (($("ramp-low").textContent = low), ($("ramp-high").textContent = high));
  const { task, head } = properties();
  const centre = task === "classification" && head === "linear" ? 0.5 : 0;
  const picked = (x, y) => set({ [shown.surface.x.feature]: x, [shown.surface.y.feature]: y });
  markers.surfaces = drawSurfaces({ sums, bumps, ramp }, shown.surface, { centre, picked });
  markers.surfaces(rows().map(([, row]) => row));
  note("surfaces", "");
}

async function drawLine(output, at, signal) {
  shown.profile = await api.profile(state, { feature: state.along, output, bumps: true, points: 101, at }, signal);
  showProfile();
}

function showProfile() {
  drawProfile(figures("profile")[0], shown.profile, rows().map(([, row]) => row[shown.profile.feature]));
  note("profile", "");
}

function drawNeurons() {
  const { neurons } = shown.layers.find(({ layer }) => layer === state.layer);
  const kept = chosen(neurons, $("all-neurons").dataset.all === "yes");
  $("all-neurons").hidden = kept.length === neurons.length;
  $("all-neurons").textContent = `Show all ${neurons.length} neurons`;
  const own = state.layer === lastHidden().layer;
  const toggled = (key, on) => {
    state.off[on ? "delete" : "add"](key);
    drawAnswers();
    changed();
  };
  markers.activations = drawActivations(figures("neurons")[0], kept, own ? state.off : new Set(), own ? toggled : null);
  if (own && shown.answers.length) markers.activations(explanations());
}

function set(values) {
  Object.assign(state.rows[state.editing], values);
  showForm(state.rows[state.editing]);
  changed();
}

function problem(error) {
  $("problem").hidden = !error;
  $("problem").textContent = error?.message ?? "";
  if (error?.status === 401) $("key").hidden = false;
}

// --- Controls ----------------------------------------------------------------------------------------------------

function listen() {
  const guarded = (work) => async () => {
    try {
      await work();
    } catch (error) {
      problem(error);
    }
  };
  $("model").onchange = guarded(() => open($("model").value));
  $("version").onchange = guarded(() => open(state.model, $("version").value, fromAddress(toAddress())));
  $("output").onchange = () => {
    state.output = $("output").value === "predicted" && $("output").selectedIndex === 0 ? null : $("output").value;
    changed();
  };
  for (const id of ["x", "y", "along", "method"]) {
    $(id).onchange = () => {
      state[id] = $(id).value;
      changed();
    };
  }
  $("layer").onchange = () => {
    state.layer = Number($("layer").value);
    drawNeurons();
  };
  $("all-neurons").onclick = () => {
    $("all-neurons").dataset.all = "yes";
    drawNeurons();
  };
  $("all-on").onclick = () => {
    state.off.clear();
    drawNeurons();
    drawAnswers();
    changed();
  };
  $("which").onchange = (event) => {
    state.editing = event.target.value;
    showRows();
    changed();
  };
  $("compare").onclick = () => {
    const two = state.rows.b === null;
    state.rows.b = two ? { ...state.rows.a } : null;
    state.editing = two ? "b" : "a";
    showRows();
    changed();
  };
  const features = () => properties().features;
  $("sample").onclick = () => set(Object.fromEntries(features().map(({ name }, i) => [name, properties().sample[i]])));
  $("typical").onclick = () => set(Object.fromEntries(features().map(({ name, typical }) => [name, typical])));
  $("share").onclick = async () => {
    history.replaceState(null, "", toAddress());
    await navigator.clipboard?.writeText(location.href);
    $("share").textContent = "Copied";
    setTimeout(() => ($("share").textContent = "Copy link"), 2000);
  };
  $("key").onsubmit = (event) => {
    event.preventDefault();
    api.useKey($("key-value").value);
    start();
  };
  window.onhashchange = guarded(() => restore(fromAddress(location.hash)));
}

function redraw() {
  if (!shown.answers.length) return;
  drawNeurons();
  drawAnswers();
  if (shown.attributions.length) drawAttributions(figures("attributions")[0], shown.attributions);
  if (shown.surface) showSurface();
  if (shown.profile) showProfile();
}

async function restore(wanted) {
  const names = await api.models();
  const model = names.includes(wanted.model) ? wanted.model : names[0];
  if (!model) throw new Error("No model is being served.");
  options($("model"), names, model);
  await open(model, wanted.model === model ? wanted.version : undefined, wanted);
}

async function start() {
  try {
    await restore(fromAddress(location.hash));
    $("key").hidden = true;
    problem(null);
  } catch (error) {
    problem(error);
  }
}

startTheme($("theme"), redraw);
listen();
offerDownloads($("waterfall"), () => shown.answers);
offerDownloads($("attributions"), () => shown.attributions);
offerDownloads($("neurons"), () => shown.layers);
offerDownloads($("surfaces"), () => shown.surface);
offerDownloads($("profile"), () => shown.profile);
let width = innerWidth;
window.onresize = () => {
  if (innerWidth !== width) requestAnimationFrame(redraw);
  width = innerWidth;
};
start();
