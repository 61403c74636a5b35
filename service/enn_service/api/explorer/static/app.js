// The page: its controls, and what each of them changes.

import * as api from "./api.js";
import { offerDownloads } from "./downloads.js";
import { element } from "./figures.js";
import { changed, onProblem } from "./following.js";
import { buildForm } from "./form.js";
import { plain } from "./numbers.js";
import { open, sampleRow, typicalRow } from "./opening.js";
import { hiddenLayers, properties, shown } from "./shown.js";
import { fromAddress, state, toAddress } from "./state.js";
import { startTheme } from "./theme.js";
import { $, forget, listen, showActivations, showAll, showAnswers } from "./views.js";

const COPIED_MS = 2000;
const opening = api.newest();
let showForm = () => {};

async function choose(model, version, wanted = {}) {
  await opening(async (signal) => {
    await open(model, version, wanted, signal);
    signal.throwIfAborted();
    forget();
    fill();
    changed();
  });
}

function fill() {
  const { features, outputs, scores, task, parameters } = properties();
  options($("version"), shown.card.versions, state.version);
  options($("output"), ["predicted", ...outputs.map(String)], state.output ?? "predicted");
  $("output-choice").hidden = outputs.length < 2;
  const names = features.map(({ name }) => name);
  for (const id of ["x", "y", "along"]) options($(id), names, state[id]);
  $("method").value = state.method;
  $("scale").value = state.scale;
  $("method").options[0].disabled = hiddenLayers().length > 1; // exact Shapley values need one hidden layer
  const score = Object.entries(scores).map(([name, value]) => `${name} ${plain(value)}`);
  $("facts").textContent = [task, `${parameters} parameters`, ...score].join(" \u00b7 ");
  options(
    $("layer"),
    hiddenLayers().map(({ layer }) => layer),
    state.layer,
  );
  $("layer-choice").hidden = hiddenLayers().length < 2;
  delete $("all-neurons").dataset.all;
  $("surfaces").hidden = names.length < 2;
  $("page").hidden = false;
  showForm = buildForm($("form"), $("filter"), features, (name, value) => {
    state.rows[state.editing][name] = value;
    changed();
  });
  showRows();
}

function options(select, values, value) {
  select.replaceChildren(...values.map((each) => element("option", { value: each }, String(each))));
  select.value = value;
}

function showRows() {
  const two = state.rows.b !== null;
  $("which").hidden = !two;
  $("compare").setAttribute("aria-pressed", two);
  document.querySelector(`[name=which][value=${state.editing}]`).checked = true;
  showForm(state.rows[state.editing]);
}

function set(values) {
  Object.assign(state.rows[state.editing], values);
  showForm(state.rows[state.editing]);
  changed();
}

function compare() {
  const two = state.rows.b === null;
  state.rows.b = two ? { ...state.rows.a } : null;
  state.editing = two ? "b" : "a";
  showRows();
  changed();
}

function toggle(key, on) {
  state.off[on ? "delete" : "add"](key);
  showAnswers();
  changed();
}

async function share() {
  history.replaceState(null, "", toAddress());
  await navigator.clipboard?.writeText(location.href);
  $("share").textContent = navigator.clipboard ? "Copied" : "See the address"; // browsers copy on safe origins alone
  setTimeout(() => ($("share").textContent = "Copy link"), COPIED_MS);
}

async function restore(wanted) {
  const names = await api.models();
  const model = names.includes(wanted.model) ? wanted.model : names[0];
  if (!model) throw new Error("No model is being served.");
  options($("model"), names, model);
  await choose(model, wanted.model === model ? wanted.version : undefined, wanted);
}

function problem(error) {
  $("problem").hidden = !error;
  $("problem").textContent = error?.message ?? "";
  $("key").hidden = error?.status !== 401;
}

// Work whose errors are told on the page.
const guarded = (work) => async (event) => {
  try {
    await work(event);
    problem(null);
  } catch (error) {
    problem(error);
  }
};

const start = guarded(() => restore(fromAddress(location.hash)));

function control() {
  $("model").onchange = guarded(() => choose($("model").value));
  $("version").onchange = guarded(() => choose(state.model, $("version").value, fromAddress(toAddress())));
  $("output").onchange = () => {
    state.output = $("output").selectedIndex ? $("output").value : null;
    changed();
  };
  for (const id of ["x", "y", "along", "method", "scale"]) {
    $(id).onchange = () => {
      state[id] = $(id).value;
      changed();
    };
  }
  $("layer").onchange = () => {
    state.layer = Number($("layer").value);
    showActivations();
  };
  $("all-neurons").onclick = () => {
    $("all-neurons").dataset.all = "yes";
    showActivations();
  };
  $("all-on").onclick = () => {
    state.off.clear();
    showAll();
    changed();
  };
  $("which").onchange = (event) => {
    state.editing = event.target.value;
    showRows();
    changed();
  };
  $("compare").onclick = compare;
  $("sample").onclick = () => set(sampleRow());
  $("typical").onclick = () => set(typicalRow());
  $("share").onclick = guarded(share);
  $("key").onsubmit = (event) => {
    event.preventDefault();
    api.useKey($("key-value").value);
    start();
  };
}

onProblem(problem);
listen({ toggled: toggle, picked: set });
startTheme($("theme"), showAll);
control();
offerDownloads($("waterfall"), () => shown.answers);
offerDownloads($("attributions"), () => shown.attributions);
offerDownloads($("neurons"), () => shown.layers);
offerDownloads($("surfaces"), () => shown.surfaces);
offerDownloads($("profile"), () => shown.profile);

let width = innerWidth;
onresize = () => {
  if (innerWidth !== width) requestAnimationFrame(showAll);
  width = innerWidth;
};
onhashchange = start;
start();
