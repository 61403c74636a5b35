// Form of an input: a field for every feature of the card, with a slider over its training range.

import { element } from "../charts/figure.js";
import { plain } from "../charts/number_format.js";

const FILTER_ABOVE = 12; // features
const MAX_STEPS = 1500; // of a slider over integers

// Builds the fields. `changed(feature, value)` is called for each change; the value is undefined while a number field
// holds no number; `locks` is the set of locked features, and `relocked()` is called after a change of it. Returns
// show(row), which fills the fields.
export function buildForm(form, filter, features, { changed, locks, relocked }) {
  const fields = features.map((feature, index) => {
    const { node, ...rest } = field(feature, `f${index}`, (value) => changed(feature.name, value));
    node.children[0].after(lock(feature.name, locks, relocked));
    return { node, ...rest };
  });
  form.replaceChildren(...fields.map(({ node }) => node));
  form.onsubmit = (event) => event.preventDefault();
  filter.hidden = features.length <= FILTER_ABOVE;
  filter.value = "";
  filter.oninput = () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const { node, name } of fields) node.hidden = !name.toLowerCase().includes(wanted);
  };
  return (row) => {
    for (const { name, show } of fields) show(row[name] ?? null);
  };
}

function lock(name, locks, relocked) {
  const box = element("input", { type: "checkbox", checked: locks.has(name), ariaLabel: `Lock ${name}` });
  box.onchange = () => {
    locks[box.checked ? "add" : "delete"](name);
    relocked();
  };
  return element("label", { className: "lock" }, box, "lock");
}

function field(feature, id, changed) {
  const control = { numeric, categorical, boolean }[feature.kind](feature, id, changed);
  const label = element("label", { htmlFor: id }, feature.name);
  const node = element("div", { className: `field ${feature.kind}` }, label, ...control.nodes);
  if (!feature.missing) return { node, name: feature.name, show: control.show };
  const missing = element("input", { type: "checkbox", ariaLabel: `${feature.name} is missing` });
  missing.onchange = () => {
    control.enable(!missing.checked);
    changed(missing.checked ? null : control.value());
  };
  node.append(element("label", { className: "missing" }, missing, "missing"));
  const show = (value) => {
    missing.checked = value === null;
    control.enable(value !== null);
    if (value !== null) control.show(value);
  };
  return { node, name: feature.name, show };
}

function numeric({ name, minimum, maximum, typical }, id, changed) {
  const integers = [minimum, maximum, typical].every(Number.isInteger) && maximum - minimum > 1;
  const step = integers ? Math.ceil((maximum - minimum) / MAX_STEPS) : maximum > minimum ? 10 ** Math.floor(Math.log10((maximum - minimum) / 150)) : 1;
  const places = Math.max(0, -Math.round(Math.log10(step)));
  const slider = element("input", {
    type: "range",
    min: integers ? minimum : (Math.floor(minimum / step) * step).toFixed(places),
    max: integers ? maximum : (Math.ceil(maximum / step) * step).toFixed(places),
    step: step.toFixed(places),
    ariaLabel: `${name}, slider`,
  });
  const number = element("input", { type: "number", id, step: "any", required: true });
  number.title = `training range ${plain(minimum)} to ${plain(maximum)}`;
  const markRange = () =>
    number.classList.toggle("far", number.valueAsNumber < minimum || number.valueAsNumber > maximum);
  slider.oninput = () => {
    number.value = slider.value;
    markRange();
    changed(slider.valueAsNumber);
  };
  number.oninput = () => {
    if (!Number.isFinite(number.valueAsNumber)) return changed(undefined);
    slider.value = number.value;
    markRange();
    changed(number.valueAsNumber);
  };
  const show = (value) => {
    slider.value = value;
    number.value = Number(Number(value).toPrecision(5));
    markRange();
  };
  const enable = (on) => (slider.disabled = number.disabled = !on);
  return { nodes: [slider, number], show, enable, value: () => slider.valueAsNumber };
}

function categorical({ categories }, id, changed) {
  const select = element("select", { id }, ...categories.map((name) => element("option", { value: name }, name)));
  select.onchange = () => changed(select.value);
  const show = (value) => (select.value = typeof value === "number" ? categories[value] : value);
  return { nodes: [select], show, enable: (on) => (select.disabled = !on), value: () => select.value };
}

function boolean(_, id, changed) {
  const box = element("input", { type: "checkbox", id });
  box.onchange = () => changed(box.checked);
  const show = (value) => (box.checked = Boolean(value));
  return { nodes: [box], show, enable: (on) => (box.disabled = !on), value: () => box.checked };
}
