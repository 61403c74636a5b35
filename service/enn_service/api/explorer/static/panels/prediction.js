// The prediction as text: a label with its probability or score, or a number, and the features out of range.

import { element } from "../charts/figure.js";
import { percent, plain } from "../charts/number_format.js";

const OTHER_CLASSES = 2;

// Returns [predicted value, probability or score, other classes].
function describe(prediction) {
  if (typeof prediction === "number") return [plain(prediction), "", ""];
  if (Array.isArray(prediction)) return [prediction.map(plain).join(", "), "", ""];
  const { label, score, probabilities } = prediction;
  const name = String(label).replace(/^-/, "\u2212");
  if (!probabilities) return [name, `score ${plain(score)}`, ""];
  const others = Object.entries(probabilities)
    .filter(([name]) => name !== String(label))
    .sort(([, one], [, other]) => other - one)
    .slice(0, OTHER_CLASSES)
    .map(([name, probability]) => `${name} ${percent(probability)}`);
  return [name, percent(probabilities[label]), others.join(", ")];
}

// Draws results, each {name, prediction, explanation}; `rangeText(feature)` returns its training range as text.
export function drawPrediction(container, results, rangeText) {
  container.replaceChildren(
    ...results.map(({ name, prediction, explanation }) => {
      const [value, certainty, others] = describe(prediction);
      const outside = explanation.out_of_range.map((feature) => `${feature} (${rangeText(feature)})`);
      return element(
        "div",
        { className: "answer" },
        ...(results.length > 1 ? [element("span", { className: "tag" }, name.toUpperCase())] : []),
        element("strong", {}, value),
        element("span", {}, certainty),
        element("small", {}, others),
        ...(outside.length
          ? [element("p", { className: "outside" }, `Beyond the training range: ${outside.join(", ")}`)]
          : []),
      );
    }),
  );
}

// Returns the results as one sentence for screen readers.
export function predictionSentence(results) {
  const texts = results.map(({ name, prediction, explanation }) => {
    const [value, certainty] = describe(prediction);
    const outside = explanation.out_of_range.length ? ", beyond the training range" : "";
    return `${results.length > 1 ? `Input ${name.toUpperCase()}: ` : ""}${value} ${certainty}${outside}`.trim();
  });
  return `Prediction: ${texts.join("; ")}.`;
}
