"use strict";
(() => {
  const model = JSON.parse(document.getElementById("data").textContent);
  const network = readNetwork();
  const row = [];
  let remembered = null;

  function readNetwork() {
    const bytes = Uint8Array.from(atob(model.parameters), (character) => character.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    let at = 0;
    const take = (count) => Float64Array.from({ length: count }, () => view.getFloat32(4 * at++, true));
    const inputOffset = take(model.layers[0]);
    const layers = model.layers.slice(1).map((neurons, index, all) => {
      const linear = model.head === "linear" && index === all.length - 1;
      return {
        weight: take(neurons * model.layers[index]),
        bias: take(neurons),
        coefficients: linear ? null : take(neurons * model.harmonics),
      };
    });
    return { inputOffset, layers, outputOffset: take(model.layers.at(-1)) };
  }

  // Raw values are numbers, indices of categories, 0 or 1, or null; the graph receives them in float32.
  function encode(values) {
    return model.columns.map(([feature, number, code, missing]) => {
      const given = values[feature];
      const value = given === null ? missing : number ? Math.fround(given) : Number(Math.fround(given) === code);
      const knots = number ? model.features[feature].knots : null;
      return knots ? interpolate(value, knots) : value;
    });
  }

  function interpolate(value, knots) {
    const last = knots.length - 1;
    if (value <= knots[0]) return -1;
    if (value >= knots[last]) return 1;
    let place = 0;
    while (knots[place + 1] <= value) place++;
    return (2 * (place + (value - knots[place]) / (knots[place + 1] - knots[place]))) / last - 1;
  }

  function preActivation(layer, signal) {
    return Array.from(layer.bias, (bias, neuron) => {
      let sum = bias;
      for (let input = 0; input < signal.length; input++) sum += layer.weight[neuron * signal.length + input] * signal[input];
      return sum;
    });
  }

  function activation(layer, z) {
    if (!layer.coefficients) return z;
    return z.map((value, neuron) => {
      let sum = 0;
      for (let q = 0; q < model.harmonics; q++) {
        sum += layer.coefficients[neuron * model.harmonics + q] * Math.cos((2 * q + 1) * (Math.PI / 2) * (value + 1));
      }
      return sum;
    });
  }

  function head(z) {
    if (model.link === "sigmoid") return [1 / (1 + Math.exp(z[0])), 1 / (1 + Math.exp(-z[0]))];
    if (model.link === "softmax") {
      const top = z.reduce((most, each) => Math.max(most, each), -Infinity);
      const powers = z.map((each) => Math.exp(each - top));
      const total = powers.reduce((sum, each) => sum + each, 0);
      return powers.map((each) => each / total);
    }
    return activation(network.layers.at(-1), z).map((each, unit) => each + network.outputOffset[unit]);
  }

  function respond(values) {
    const last = network.layers.at(-1);
    let signal = encode(values).map((value, column) => value - network.inputOffset[column]);
    for (const layer of network.layers.slice(0, -1)) signal = activation(layer, preActivation(layer, signal));
    const z = preActivation(last, signal);
    const bumps = z.map((_, unit) => signal.map((value, neuron) => last.weight[unit * signal.length + neuron] * value));
    return { output: head(z), pre_activation: z, bumps };
  }

  function label(output) {
    if (output.length === 1) return model.classes[Number(output[0] > 0)];
    return model.classes[output.indexOf(Math.max(...output))];
  }

  const byId = (id) => document.getElementById(id);
  const text = (value) => String(Number(value.toPrecision(5))).replace("-", "\u2212");
  function make(name, attributes = {}, ...children) {
    const svg = ["svg", "rect", "text", "polyline", "path", "circle"].includes(name);
    const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function outputNames(output) {
    if (!model.classes) return model.units;
    return output.length === model.classes.length ? model.classes : ["score of " + model.units[0]];
  }

  function sentence({ output }) {
    return model.classes ? label(output) : output.map(text).join(", ");
  }

  function bars(title, names, values) {
    const top = Math.max(...values.map(Math.abs), 1e-300);
    const parts = values.flatMap((value, index) => {
      const length = (90 * Math.abs(value)) / top;
      const y = 22 * index + 4;
      const kind = value < 0 ? "bar negative" : "bar";
      return [
        make("text", { x: 150, y: y + 13, "text-anchor": "end" }, names[index].slice(0, 26)),
        make("rect", { class: kind, x: value < 0 ? 250 - length : 250, y, width: length, height: 16 }),
        make("text", { x: 346, y: y + 13 }, text(value)),
      ];
    });
    const height = 22 * values.length + 8;
    return make("svg", { role: "img", "aria-label": title, viewBox: `0 0 420 ${height}`, width: 420, height }, ...parts);
  }

  function showBumps(response) {
    const unit = Number(byId("unit").value);
    const found = response.bumps[unit].map((value, neuron) => ({ name: `neuron ${neuron}`, value }));
    found.sort((one, other) => Math.abs(other.value) - Math.abs(one.value));
    const rest = found.splice(24);
    if (rest.length) found.push({ name: `${rest.length} others`, value: rest.reduce((sum, each) => sum + each.value, 0) });
    const bias = network.layers.at(-1).bias[unit];
    const z = response.pre_activation[unit];
    byId("sum").textContent = `bias ${text(bias)} + bumps ${text(z - bias)} = pre-activation ${text(z)}`;
    const title = `Bumps of ${model.units[unit]}`;
    byId("bumps").replaceChildren(bars(title, found.map((each) => each.name), found.map((each) => each.value)));
  }

  function showProfile() {
    const place = Number(byId("along").value);
    const unit = Number(byId("unit").value);
    const feature = model.features[place];
    const read = (value) => {
      const { output } = respond(row.with(place, value));
      return output[output.length === model.units.length ? unit : 1];
    };
    const quantity = model.link === "identity" ? model.units[unit] : `probability of ${model.units[unit]}`;
    if (feature.kind !== "numeric") {
      const shown = feature.values.slice(0, 40);
      byId("profile").replaceChildren(bars(quantity, shown, shown.map((_, code) => read(code))));
      return;
    }
    const steps = Array.from({ length: 121 }, (_, step) => feature.minimum + ((feature.maximum - feature.minimum) * step) / 120);
    const heights = steps.map(read);
    const now = row[place] === null ? null : read(row[place]);
    const low = Math.min(...heights);
    const high = Math.max(...heights);
    const x = (value) => 58 + (292 * (value - feature.minimum)) / (feature.maximum - feature.minimum || 1);
    const y = (value) => 198 - (170 * (value - low)) / (high - low || 1);
    const parts = [
      make("path", { class: "axis", d: "M58 28V198H350" }),
      make("polyline", { class: "line", points: steps.map((step, index) => `${x(step)},${y(heights[index])}`).join(" ") }),
      make("text", { x: 4, y: 14 }, quantity),
      make("text", { x: 54, y: 198, "text-anchor": "end" }, text(low)),
      make("text", { x: 54, y: 36, "text-anchor": "end" }, text(high)),
      make("text", { x: 58, y: 213 }, text(feature.minimum)),
      make("text", { x: 350, y: 213, "text-anchor": "end" }, text(feature.maximum)),
      make("text", { x: 204, y: 232, "text-anchor": "middle" }, feature.name.slice(0, 48)),
    ];
    if (now !== null && row[place] >= feature.minimum && row[place] <= feature.maximum) {
      parts.push(make("circle", { class: "bar negative", cx: x(row[place]), cy: y(now), r: 5 }));
    }
    const title = `${quantity} along ${feature.name}`;
    byId("profile").replaceChildren(make("svg", { role: "img", "aria-label": title, viewBox: "0 0 360 240", width: 360, height: 240 }, ...parts));
  }

  function show() {
    const response = respond(row);
    byId("prediction").textContent = sentence(response);
    const names = outputNames(response.output);
    const top = response.output.map((value, place) => ({ name: names[place], value }));
    top.sort((one, other) => other.value - one.value);
    const shown = model.classes ? top.slice(0, 12) : top;
    byId("outputs").replaceChildren(bars("Outputs of the model", shown.map((each) => each.name), shown.map((each) => each.value)));
    byId("remembered").textContent = remembered === null ? "" : describeChange(response);
    showBumps(response);
    showProfile();
  }

  function describeChange(response) {
    const names = outputNames(response.output);
    const changes = response.output.map((value, place) => ({ name: names[place], value: value - remembered.output[place] }));
    changes.sort((one, other) => Math.abs(other.value) - Math.abs(one.value));
    const parts = changes.slice(0, 3).map((each) => `${each.name}: ${each.value < 0 ? "" : "+"}${text(each.value)}`);
    return `Remembered: ${sentence(remembered)}. Change since then: ${parts.join("; ")}`;
  }

  function numberField(feature, place) {
    const steps = { min: feature.minimum, max: feature.maximum, step: (feature.maximum - feature.minimum) / 500 || "any" };
    const slider = make("input", { type: "range", "aria-label": `${feature.name}, slider`, ...steps });
    const entry = make("input", { type: "number", step: "any", id: `feature-${place}` });
    const set = (value) => {
      row[place] = value;
      if (value !== null) slider.value = value;
      entry.value = value === null ? "" : Number(value.toPrecision(7));
    };
    slider.addEventListener("input", () => { set(slider.valueAsNumber); show(); });
    entry.addEventListener("input", () => {
      const value = entry.valueAsNumber;
      if (!Number.isFinite(value) && !(feature.missing && entry.value === "")) return;
      row[place] = Number.isFinite(value) ? value : null;
      if (row[place] !== null) slider.value = value;
      show();
    });
    if (feature.missing) entry.placeholder = "missing";
    return { set, parts: [slider, entry] };
  }

  function choiceField(feature, place) {
    const choices = feature.values.map((name, code) => make("option", { value: code }, name));
    if (feature.missing) choices.push(make("option", { value: "" }, "missing"));
    const select = make("select", { id: `feature-${place}` }, ...choices);
    select.addEventListener("input", () => { row[place] = select.value === "" ? null : Number(select.value); show(); });
    return { set: (value) => { row[place] = value; select.value = value === null ? "" : value; }, parts: [select] };
  }

  const fields = model.features.map((feature, place) => {
    const field = feature.kind === "numeric" ? numberField(feature, place) : choiceField(feature, place);
    const title = make("label", { for: `feature-${place}` }, feature.name);
    byId("fields").append(make("div", { class: "field" }, title, ...field.parts));
    return field;
  });
  const reset = () => fields.forEach((field, place) => field.set(model.start[place]));
  reset();
  model.units.forEach((name, unit) => byId("unit").append(make("option", { value: unit }, name)));
  model.features.forEach((feature, place) => byId("along").append(make("option", { value: place }, feature.name)));
  byId("unit").addEventListener("input", show);
  byId("along").addEventListener("input", show);
  byId("reset").addEventListener("click", () => { reset(); show(); });
  byId("keep").addEventListener("click", () => { remembered = respond(row); show(); });
  globalThis.enn = { respond };
  show();
})();
