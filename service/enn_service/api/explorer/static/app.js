// Entry point of the page: connects the controls with the state and the sections.

import { element } from "./charts/figure.js";
import { plain } from "./charts/number_format.js";
import { startTheme } from "./charts/theme.js";
import * as api from "./model/api.js";
import { openModel, sampleRow, typicalRow } from "./model/open_model.js";
import { data, hiddenLayers, properties } from "./model/page_data.js";
import { fromFragment, state, toFragment } from "./model/url_state.js";
import { buildForm } from "./panels/form.js";
import {
  $,
  clearResults,
  clearSection,
  renderActivations,
  renderAttributions,
  renderNeurons,
  renderProfile,
  renderResults,
  renderSurfaces,
  reserveAttributions,
  setHandlers,
} from "./panels/render.js";
import { connectDownloads } from "./panels/section_downloads.js";
import { cancelUpdates, onProblem, scheduleUpdate } from "./panels/updates.js";
import { renderBehaviour, reserveBehaviour } from "./questions/behaviour.js";
import { connectChange, fillChange, renderChange, resetChange } from "./questions/change.js";
import { connectPairs, preparePairs, renderPairs } from "./questions/pairs.js";
import { connectRows, resetRows } from "./questions/rows.js";
import { connectSure, fillSure, renderSure } from "./questions/sure.js";

const COPIED_MS = 2000;
const RETRY_MS = 2000;
let retry = 0;
const openLatest = api.latestOnly();
let fillForm = () => {};

// Opens a model and fills the controls. If a request fails, the page keeps the model that it shows, and the selectors
// name that model again.
async function choose(model, version, wanted = {}) {
  $("page").setAttribute("aria-busy", "true");
  try {
    await openLatest(async (signal) => {
      await openModel(model, version, wanted, signal);
      cancelUpdates();
      clearResults();
      fillControls();
      scheduleUpdate();
    });
  } catch (error) {
    if (state.model !== null) [$("model").value, $("version").value] = [state.model, state.version];
    throw error;
  } finally {
    $("page").removeAttribute("aria-busy");
  }
}

function fillControls() {
  const { features, outputs, scores, task, parameters } = properties();
  $("model").value = state.model;
  fillSelect($("version"), data.card.versions, state.version);
  fillSelect($("output"), ["predicted", ...outputs.map(String)], state.output ?? "predicted");
  $("output-choice").hidden = outputs.length < 2;
  const names = features.map(({ name }) => name);
  for (const id of ["x", "y", "along"]) fillSelect($(id), names, state[id]);
  $("method").value = state.method;
  $("scale").value = state.scale;
  $("method").options[0].disabled = hiddenLayers().length > 1; // exact Shapley values need one hidden layer
  const scoreTexts = Object.entries(scores).map(([name, value]) => `${name} ${plain(value)}`);
  $("facts").textContent = [task, `${parameters} parameters`, ...scoreTexts].join(" \u00b7 ");
  const layers = hiddenLayers().map(({ layer }) => layer);
  fillSelect($("layer"), layers, state.layer);
  $("layer-choice").hidden = layers.length < 2;
  delete $("all-neurons").dataset.all;
  $("surfaces").hidden = names.length < 2;
  $("page").hidden = false;
  document.title = `${state.model} ${state.version} \u00b7 ENN explorer`;
  fillForm = buildForm($("form"), $("filter"), features, {
    changed: (name, value) => {
      state.rows[state.editing][name] = value;
      scheduleUpdate();
    },
    locks: state.locked,
    relocked: () => {
      resetChange();
      scheduleUpdate();
    },
  });
  fillQuestions();
  showInputs();
}

function fillQuestions() {
  reserveAttributions();
  reserveBehaviour();
  fillSure();
  fillChange();
  preparePairs();
  resetRows();
}

// Draws everything again, after a change of the colours or of the width.
function renderAll() {
  if (!data.results.length) return;
  renderNeurons();
  const sections = {
    attributions: renderAttributions,
    sure: renderSure,
    change: renderChange,
    behaviour: renderBehaviour,
    pairs: renderPairs,
    surface: renderSurfaces,
    profile: renderProfile,
  };
  for (const [name, render] of Object.entries(sections)) if (data[name]) render();
}

function fillSelect(select, values, value) {
  select.replaceChildren(...values.map((each) => element("option", { value: each }, String(each))));
  select.value = value;
}

function showInputs() {
  const two = state.rows.b !== null;
  $("which").hidden = !two;
  $("compare").setAttribute("aria-pressed", two);
  document.querySelector(`[name=which][value=${state.editing}]`).checked = true;
  fillForm(state.rows[state.editing]);
}

function setValues(values) {
  Object.assign(state.rows[state.editing], values);
  fillForm(state.rows[state.editing]);
  scheduleUpdate();
}

function toggleComparison() {
  const two = state.rows.b === null;
  state.rows.b = two ? { ...state.rows.a } : null;
  state.editing = two ? "b" : "a";
  showInputs();
  scheduleUpdate();
}

function toggleHarmonic(key, on) {
  state.off[on ? "delete" : "add"](key);
  renderResults();
  scheduleUpdate();
}

async function copyLink() {
  history.replaceState(null, "", toFragment());
  await navigator.clipboard?.writeText(location.href);
  $("share").textContent = navigator.clipboard ? "Copied" : "See the address"; // only secure origins have a clipboard
  setTimeout(() => ($("share").textContent = "Copy link"), COPIED_MS);
}

// Opens the model of a link, or the first one if the link names none. A link to an unknown model opens nothing.
async function openLink(wanted) {
  const names = await api.models();
  if (!names.length) throw new Error("The service has no model that is ready.");
  const model = wanted.model ?? names[0];
  fillSelect($("model"), names, names.includes(model) ? model : "");
  if (!names.includes(model)) {
    throw new Error(`Model ${model}: the service does not have it. It has ${names.join(", ")}.`);
  }
  await choose(model, wanted.version, wanted);
}

function showProblem(error) {
  $("problem").hidden = !error;
  $("problem").textContent = error?.message ?? "";
  $("key").hidden = error?.status !== 401;
  clearTimeout(retry);
  if (isAway(error)) retry = setTimeout(retryLater, RETRY_MS);
}

// Returns whether the service was not reached: no connection, or the answer of a proxy in its place.
const isAway = (error) => error instanceof TypeError || error instanceof SyntaxError || error?.status >= 502;

// Updates the page once the service answers again; until then the page keeps what it shows.
async function retryLater() {
  try {
    await api.models();
  } catch (error) {
    if (isAway(error)) retry = setTimeout(retryLater, RETRY_MS);
    return;
  }
  if (state.model === null) start();
  else scheduleUpdate();
}

// Returns a handler that shows the errors of `work` on the page.
const reporting = (work) => async (event) => {
  try {
    await work(event);
    showProblem(null);
  } catch (error) {
    showProblem(error);
  }
};

const start = reporting(async () => {
  try {
    await openLink(fromFragment(location.hash));
  } catch (error) {
    $("page").hidden = true; // the page would show another model than the link names
    throw error;
  }
});

function connectControls() {
  $("model").onchange = reporting(() => choose($("model").value));
  $("version").onchange = reporting(() => choose(state.model, $("version").value, fromFragment(toFragment())));
  $("output").onchange = () => {
    state.output = $("output").selectedIndex ? $("output").value : null;
    scheduleUpdate();
  };
  const sections = { x: "surfaces", y: "surfaces", along: "profile", method: "attributions" };
  for (const [id, section] of Object.entries(sections)) {
    $(id).onchange = () => {
      state[id] = $(id).value;
      clearSection(section);
      scheduleUpdate();
    };
  }
  $("scale").onchange = () => {
    state.scale = $("scale").value;
    scheduleUpdate();
  };
  $("layer").onchange = () => {
    state.layer = Number($("layer").value);
    renderActivations();
  };
  $("all-neurons").onclick = () => {
    $("all-neurons").dataset.all = "yes";
    renderActivations();
  };
  $("all-on").onclick = () => {
    state.off.clear();
    renderAll();
    scheduleUpdate();
  };
  $("which").onchange = (event) => {
    state.editing = event.target.value;
    showInputs();
    scheduleUpdate();
  };
  $("compare").onclick = toggleComparison;
  $("sample").onclick = () => setValues(sampleRow(properties()));
  $("typical").onclick = () => setValues(typicalRow(properties()));
  connectSure(scheduleUpdate);
  connectPairs(scheduleUpdate);
  connectRows();
  connectChange((row) => {
    state.rows.b = { ...row };
    state.editing = "b";
    showInputs();
    scheduleUpdate();
  });
  $("share").onclick = reporting(copyLink);
  $("key").onsubmit = (event) => {
    event.preventDefault();
    api.useKey($("key-value").value);
    start();
  };
}

onProblem(showProblem);
setHandlers({ toggled: toggleHarmonic, picked: setValues });
startTheme($("theme"), renderAll);
connectControls();
connectDownloads();

let width = innerWidth;
onresize = () => {
  if (innerWidth !== width) requestAnimationFrame(renderAll); // a new height alone changes no figure
  width = innerWidth;
};
onhashchange = start;
start();
