// Draw the sections of the page from the data of the model and its responses.

import { drawActivations, neuronChart, outputChart, selectNeurons } from "../charts/activations.js";
import { attributionsHeight, baseNote, drawAttributions } from "../charts/attributions.js";
import { plain } from "../charts/number_format.js";
import { drawProfile } from "../charts/profile.js";
import { drawSurfaces } from "../charts/surfaces.js";
import { drawWaterfall, writeTable } from "../charts/waterfall.js";
import { responseAt, toProbability } from "../model/harmonics.js";
import {
  NO_ANSWERS,
  data,
  explanations,
  feature,
  inputs,
  lastHiddenLayer,
  outputActivation,
  properties,
} from "../model/page_data.js";
import { responseName, rowText, sourceText, sumName, valueText } from "../model/units.js";
import { state } from "../model/url_state.js";
import { prefixed, whySentence } from "../questions/sentences.js";
import { drawPrediction } from "./prediction.js";

export const $ = (id) => document.getElementById(id);
export const figures = (id) => [...$(id).querySelectorAll("[data-figures]")];
export const setSentence = (id, text) => ($(id).querySelector("[data-sentence]").textContent = text);
export const setNote = (id, text) => ($(id).querySelector("[data-note]").textContent = text);

const SLOW_SECTIONS = ["attributions", "sure", "behaviour", "profile", "pairs", "surfaces"];

const handlers = { toggled: () => {}, picked: () => {} };
let moveActivationMarkers = () => {};
let moveSurfaceMarkers = () => {};
let drawnOutput;

// Sets the handlers: toggled(key, on) for the switch of a harmonic, picked(values) for a click on a surface.
export const setHandlers = (given) => Object.assign(handlers, given);

const explainedOutput = () => data.results[0].explanation.output;

// Writes which quantity, model and rows a section shows; returns them for its downloads.
export function describe(id, subject, rows) {
  const section = $(id);
  section.querySelector("[data-subject]").textContent = subject;
  section.querySelector("[data-source]").textContent = sourceText(rows);
  section.removeAttribute("data-outdated");
}

// Returns the subject and the source of a section, as they stand in its downloads.
export function describeDownload(id, name, rows, json) {
  const subject = $(id).querySelector("[data-subject]").textContent;
  const { model, version } = state;
  const named = Object.fromEntries(rows.map(({ name, row }) => [name, row]));
  return {
    title: `${name}: ${subject}`,
    source: sourceText(rows, Infinity),
    json: { section: name, quantity: subject, model, version, rows: named, data: json },
  };
}

export function renderResults() {
  const current = explanations();
  const rangeText = (name) => `${plain(feature(name).minimum)} to ${plain(feature(name).maximum)}`;
  $("result").hidden = false;
  $("result").classList.toggle("two", current.length > 1);
  drawPrediction($("prediction"), data.results, rangeText);
  $("prediction-source").textContent = sourceText(data.results);
  announceRows();
  renderWaterfall(current);
  if (current[0].output !== drawnOutput) renderActivations();
  else moveActivationMarkers(current);
  describe("neurons", `neurons of ${explainedOutput()}`, data.results);
  moveSurfaceMarkers(inputs().map(([, row]) => row));
  describeHarmonicsOff(current);
}

// Names the rows of sections that still are empty, so that the arrival of their figures moves nothing.
function announceRows() {
  for (const id of ["attributions", "sure"]) {
    const source = $(id).querySelector("[data-source]");
    if (!source.textContent) source.textContent = sourceText(data.results);
  }
}

// Draws the bumps on the chosen scale. The changes of the probability hold for all harmonics only.
export function renderWaterfall(current) {
  const hasProbability = current[0].base_probability !== undefined && !state.off.size;
  $("scale-choice").hidden = !hasProbability;
  const probability = hasProbability && state.scale === "probability";
  const shown = probability ? current.map(toProbability) : current;
  const total = probability ? "probability" : "pre-activation";
  const label = (probability ? responseName : sumName)(explainedOutput());
  $("total").textContent = label;
  describe("waterfall", label, data.results);
  drawWaterfall(figures("waterfall")[0], shown, label);
  writeTable($("waterfall-table"), shown, total, label);
}

function describeHarmonicsOff(current) {
  $("without").hidden = $("all-on").hidden = !state.off.size;
  const texts = data.results.map(({ explanation }, index) => {
    const sum = current[index].pre_activation;
    const response = responseAt(sum, explanation, outputActivation(explanation.output));
    const changes = [
      [sumName(explanation.output), explanation.pre_activation, sum],
      [responseName(explanation.output), explanation.response, response],
    ];
    const text = changes.map(([name, from, to]) => `${name} ${plain(from)} \u2192 ${plain(to)}`).join(", ");
    return current.length > 1 ? `${"AB"[index]} ${text}` : text;
  });
  $("without").textContent = `Harmonics off: ${state.off.size}. ${texts.join("; ")}`;
}

// Draws the chosen layer. The charts of another model must be dropped with resetMarkers() before.
export function renderActivations() {
  const { neurons } = data.layers.find(({ layer }) => layer === state.layer);
  const kept = selectNeurons(neurons, $("all-neurons").dataset.all === "yes");
  $("all-neurons").hidden = kept.length === neurons.length;
  $("all-neurons").textContent = `Show all ${neurons.length} neurons`;
  const own = state.layer === lastHiddenLayer().layer ? [state.off, handlers.toggled] : [];
  drawnOutput = explainedOutput();
  const output = outputActivation(drawnOutput);
  const charts = [...kept.map((neuron) => neuronChart(neuron, ...own)), ...(output ? [outputChart(output)] : [])];
  moveActivationMarkers = drawActivations(figures("neurons")[0], charts);
  moveActivationMarkers(explanations());
}

export function resetMarkers() {
  drawnOutput = undefined;
  moveActivationMarkers = moveSurfaceMarkers = () => {};
}

export function renderAttributions() {
  const { results, notice } = data.attributions;
  const label = sumName(results[0].output);
  describe("attributions", label, results);
  const attributions = results.map(({ attributions }) => attributions);
  setSentence("attributions", prefixed(results.map(({ attributions, row }) => whySentence(attributions, row, label))));
  drawAttributions(figures("attributions")[0], attributions, label, (index, name) => valueText(results[index].row[name]));
  setNote("attributions", [notice, baseNote(attributions, label)].filter(Boolean).join(" "));
}

export function renderSurfaces() {
  const [sums, bumps] = figures("surfaces");
  const { surface } = data;
  const ramp = (low, high) => (($("ramp-low").textContent = low), ($("ramp-high").textContent = high));
  const { task, head } = properties();
  const centre = task === "regression" ? null : head === "linear" ? 0.5 : 0;
  const labels = { sum: sumName(surface.output), response: responseName(surface.output) };
  const picked = (x, y) => handlers.picked({ [surface.x.feature]: x, [surface.y.feature]: y });
  describe("surfaces", labels.sum, fixedFeatures(surface));
  moveSurfaceMarkers = drawSurfaces({ sums, bumps, ramp }, surface, { labels, centre, picked });
  moveSurfaceMarkers(inputs().map(([, row]) => row));
  setNote("surfaces", fixedNote(surface));
}

// Returns the row of a grid without the features along its axes.
export function fixedFeatures({ name, row, axes }) {
  return [{ name, row: Object.fromEntries(Object.entries(row).filter(([feature]) => !axes.includes(feature))) }];
}

// Returns which features a grid holds fixed.
function fixedNote(grid) {
  const [{ name, row }] = fixedFeatures(grid);
  if (!Object.keys(row).length) return "";
  return `The other features are those of input ${name.toUpperCase()}: ${rowText(row, 8)}.`;
}

export function renderProfile() {
  const label = sumName(data.profile.output);
  describe("profile", label, fixedFeatures(data.profile));
  const values = inputs().map(([, row]) => row[data.profile.feature]);
  drawProfile(figures("profile")[0], data.profile, values, label);
  setNote("profile", fixedNote(data.profile));
}

// Removes every result from the page: none of them answers the current input.
export function clearResults() {
  Object.assign(data, NO_ANSWERS);
  resetMarkers();
  for (const id of SLOW_SECTIONS) clearSection(id);
  $("result").hidden = true;
  $("live").textContent = "No prediction.";
}

// Empties a section; `text` says why.
export function clearSection(id, text = "") {
  for (const each of figures(id)) each.replaceChildren();
  $(id).querySelector("[data-source]").textContent = "";
  $(id).removeAttribute("data-outdated");
  if ($(id).querySelector("[data-sentence]")) setSentence(id, "");
  setNote(id, text);
}

// Marks the sections whose figures still answer the input before the last change.
export function markOutdated() {
  for (const id of SLOW_SECTIONS) if (id !== "behaviour") $(id).dataset.outdated = "yes";
}

// Reserves the height of the attributions, so that their arrival moves nothing.
export const reserveAttributions = () =>
  (figures("attributions")[0].style.minHeight = `${attributionsHeight(properties().features.length)}px`);

// Draws the neurons again, after a change of the colours or of the width.
export function renderNeurons() {
  drawnOutput = undefined;
  renderResults();
}
