// What would change it? The nearest row with another outcome, while locked features stay as they are.

import { element } from "../charts/figure.js";
import { percent, plain } from "../charts/number_format.js";
import * as api from "../model/api.js";
import { data, properties } from "../model/page_data.js";
import { sumName, valueText } from "../model/units.js";
import { state } from "../model/url_state.js";
import { $, clearSection, describe, figures, setNote, setSentence } from "../panels/render.js";
import { changeSentence } from "./sentences.js";

const BOUNDS = { at_least: "at least", at_most: "at most" };
const INVITATION = "Choose an outcome and find the nearest row that has it; lock features that must stay.";
const findLatest = api.latestOnly();

const isRegression = () => properties().task === "regression";

// Removes an answer: it is about an earlier input, outcome or lock.
export function resetChange() {
  findLatest(async () => {});
  data.change = null;
  clearSection("change");
  setSentence("change", INVITATION);
  $("find").disabled = false;
  $("use-change").hidden = true;
}

// Fills the choice of the outcome: the classes, or the directions of a value.
export function fillChange() {
  const regression = isRegression();
  const choices = regression ? Object.entries(BOUNDS) : properties().classes.map((name) => [JSON.stringify(name), String(name)]);
  $("outcome").replaceChildren(...choices.map(([value, text]) => element("option", { value }, text)));
  $("bound").hidden = !regression;
  $("bound").required = regression;
  $("bound").value = "";
  resetChange();
}

// Suggests another class than the predicted one, or a higher value, until the reader chooses.
export function suggestOutcome() {
  const { prediction } = data.results.find(({ name }) => name === state.editing) ?? data.results[0];
  if (isRegression()) {
    const value = Array.isArray(prediction) ? prediction[0] : prediction;
    if ($("bound").value === "") $("bound").value = Number((value + 0.1 * Math.max(Math.abs(value), 0.1)).toPrecision(3));
  } else if (JSON.parse($("outcome").value) === prediction.label) {
    const order = Object.entries(prediction.probabilities ?? {}).sort(([, one], [, other]) => other - one);
    const other = order.map(([label]) => label).find((label) => label !== String(prediction.label));
    const names = properties().classes.filter((name) => name !== prediction.label);
    $("outcome").value = JSON.stringify(names.find((name) => String(name) === other) ?? names[0]);
  }
}

// Finds the nearest row for the edited input; a change of the input aborts it.
async function find() {
  const name = state.editing;
  const row = { ...state.rows[name] };
  const wish = isRegression() ? { [$("outcome").value]: $("bound").valueAsNumber } : { label: JSON.parse($("outcome").value) };
  const outcome = isRegression() ? `a value of ${BOUNDS[$("outcome").value]} ${plain($("bound").valueAsNumber)}` : String(wish.label);
  $("find").disabled = true;
  await findLatest(async (signal) => {
    try {
      const parameters = { counterfactual: { ...wish, fixed: [...state.locked] } };
      const { explanation } = await api.explain(state, row, parameters, signal);
      signal.throwIfAborted();
      data.change = { name, row, outcome, output: explanation.output, ...explanation.counterfactual };
      renderChange();
    } catch (error) {
      if (signal.aborted) throw error;
      setSentence("change", "");
      setNote("change", error.message);
    }
    $("find").disabled = false;
  });
}

export function renderChange() {
  const { name, row, outcome, output, instance, changes, distance, no_closer_than } = data.change;
  describe("change", outcome, [{ name, row }]);
  setSentence("change", changeSentence(data.change, predictionText, outcome));
  const found = instance && Object.keys(changes).length;
  figures("change")[0].replaceChildren(...(found ? [changesTable(changes, `Changes for ${outcome}, ${sumName(output)}`)] : []));
  const locks = state.locked.size ? ` Locked: ${[...state.locked].join(", ")}.` : "";
  setNote("change", instance ? `Distance ${plain(distance)} training ranges; proved: none within ${plain(no_closer_than)}.${locks}` : locks);
  $("use-change").hidden = !found;
}

function predictionText(prediction) {
  if (typeof prediction === "number") return plain(prediction);
  if (Array.isArray(prediction)) return prediction.map(plain).join(", ");
  const { label, score, probabilities } = prediction;
  return probabilities ? `${label} (${percent(probabilities[label])})` : `${label} (score ${plain(score)})`;
}

function changesTable(changes, caption) {
  const cells = (tag, ...texts) => element("tr", {}, ...texts.map((text) => element(tag, tag === "th" ? { scope: "col" } : {}, text)));
  const rows = Object.entries(changes).map(([name, { from, to }]) => cells("td", name, valueText(from), valueText(to)));
  return element(
    "table",
    {},
    element("caption", {}, caption),
    element("thead", {}, cells("th", "feature", "from", "to")),
    element("tbody", {}, ...rows),
  );
}

// Connects the controls; `compare(row)` shows a row as input B.
export function connectChange(compare) {
  $("wish").onsubmit = (event) => {
    event.preventDefault();
    find();
  };
  $("outcome").onchange = $("bound").oninput = resetChange;
  $("use-change").onclick = () => compare(data.change.instance);
}
