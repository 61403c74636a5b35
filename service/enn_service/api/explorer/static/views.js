// The parts of the page that show answers, each drawn from what is known.

import { chosen, drawActivations, neuronChart, outputChart } from "./activations.js";
import { baseNote, drawAttributions } from "./attributions.js";
import { ofProbability, responseAt } from "./harmonics.js";
import { plain } from "./numbers.js";
import { drawPrediction } from "./prediction.js";
import { drawProfile } from "./profile.js";
import { explanations, feature, lastHidden, outputActivation, properties, rows, shown } from "./shown.js";
import { state } from "./state.js";
import { drawSurfaces } from "./surfaces.js";
import { drawWaterfall, writeTable } from "./waterfall.js";

export const $ = (id) => document.getElementById(id);
export const figures = (id) => [...$(id).querySelectorAll("[data-figures]")];
export const note = (id, text) => ($(id).querySelector("[data-note]").textContent = text);

const handlers = { toggled: () => {}, picked: () => {} };
let moveOnActivations = () => {};
let moveOnSurfaces = () => {};
let drawnOutput;

// Says who hears of a switched harmonic, toggled(key, on), and of a place pointed at, picked(values of features).
export const listen = (given) => Object.assign(handlers, given);

export function showAnswers() {
  const now = explanations();
  const range = (name) => `${plain(feature(name).minimum)} to ${plain(feature(name).maximum)}`;
  $("result").classList.toggle("two", now.length > 1);
  drawPrediction($("prediction"), shown.answers, range);
  showWaterfall(now);
  if (now[0].output !== drawnOutput) showActivations();
  else moveOnActivations(now);
  moveOnSurfaces(rows().map(([, row]) => row));
  sayWithout(now);
}

// Draws the bumps on the scale chosen; what is left without some harmonics is told of the pre-activation alone.
export function showWaterfall(now) {
  const likely = now[0].base_probability !== undefined && !state.off.size;
  $("scale-choice").hidden = !likely;
  const probability = likely && state.scale === "probability";
  const told = probability ? now.map(ofProbability) : now;
  const total = probability ? "probability" : "pre-activation";
  $("total").textContent = probability ? "the probability, whatever their order" : "their sum, the pre-activation";
  drawWaterfall(figures("waterfall")[0], told);
  writeTable($("waterfall-table"), told, total);
}

function sayWithout(now) {
  $("without").hidden = $("all-on").hidden = !state.off.size;
  const said = shown.answers.map(({ explanation }, index) => {
    const sum = now[index].pre_activation;
    const response = responseAt(sum, explanation, outputActivation(explanation.output));
    const changes = [
      ["pre-activation", explanation.pre_activation, sum],
      ["response", explanation.response, response],
    ];
    const text = changes.map(([name, from, to]) => `${name} ${plain(from)} \u2192 ${plain(to)}`).join(", ");
    return now.length > 1 ? `${"AB"[index]} ${text}` : text;
  });
  $("without").textContent = `Harmonics off: ${state.off.size}. ${said.join("; ")}`;
}

// Draws the chosen layer anew; forget the one before where another model was opened.
export function showActivations() {
  const { neurons } = shown.layers.find(({ layer }) => layer === state.layer);
  const kept = chosen(neurons, $("all-neurons").dataset.all === "yes");
  $("all-neurons").hidden = kept.length === neurons.length;
  $("all-neurons").textContent = `Show all ${neurons.length} neurons`;
  const own = state.layer === lastHidden().layer ? [state.off, handlers.toggled] : [];
  drawnOutput = shown.answers[0].explanation.output;
  const output = outputActivation(drawnOutput);
  const charts = [...kept.map((neuron) => neuronChart(neuron, ...own)), ...(output ? [outputChart(output)] : [])];
  moveOnActivations = drawActivations(figures("neurons")[0], charts);
  moveOnActivations(explanations());
}

export function forget() {
  drawnOutput = undefined;
  moveOnActivations = moveOnSurfaces = () => {};
}

export function showAttributions() {
  drawAttributions(figures("attributions")[0], shown.attributions);
  note("attributions", baseNote(shown.attributions));
}

export function showSurfaces() {
  const [sums, bumps] = figures("surfaces");
  const ramp = (low, high) => (($("ramp-low").textContent = low), ($("ramp-high").textContent = high));
  const { task, head } = properties();
  const centre = task === "regression" ? null : head === "linear" ? 0.5 : 0;
  const picked = (x, y) => handlers.picked({ [shown.surfaces.x.feature]: x, [shown.surfaces.y.feature]: y });
  moveOnSurfaces = drawSurfaces({ sums, bumps, ramp }, shown.surfaces, { centre, picked });
  moveOnSurfaces(rows().map(([, row]) => row));
  note("surfaces", others());
}

// Says where the features that do not vary stand, if that could be doubted.
const others = () =>
  rows().length > 1 && properties().features.length > 1
    ? `The other features are those of input ${state.editing.toUpperCase()}.`
    : "";

export function showProfile() {
  drawProfile(
    figures("profile")[0],
    shown.profile,
    rows().map(([, row]) => row[shown.profile.feature]),
  );
  note("profile", others());
}

// Draws everything anew, in other colours or at another width.
export function showAll() {
  if (!shown.answers.length) return;
  drawnOutput = undefined;
  showAnswers();
  if (shown.attributions) showAttributions();
  if (shown.surfaces) showSurfaces();
  if (shown.profile) showProfile();
}
