// The prediction in words: label with probability or score, or a number, and what is out of the training range.

import { element } from "./figures.js";
import { percent, plain } from "./numbers.js";

// Returns [what is predicted, how sure or how large, what else there is to say].
function told(prediction) {
  if (typeof prediction === "number") return [plain(prediction), "", ""];
  if (Array.isArray(prediction)) return [prediction.map(plain).join(", "), "", ""];
  const { label, score, probabilities } = prediction;
  const name = String(label).replace(/^-/, "\u2212");
  if (!probabilities) return [name, `score ${plain(score)}`, ""];
  const others = Object.entries(probabilities)
    .filter(([name]) => name !== String(label))
    .sort(([, one], [, other]) => other - one)
    .slice(0, 2)
    .map(([name, probability]) => `${name} ${percent(probability)}`);
  return [name, percent(probabilities[label]), others.join(", ")];
}

// Draws the answers, each {name, prediction, explanation}.
export function drawPrediction(container, answers, ranges) {
  container.replaceChildren(
    ...answers.map(({ name, prediction, explanation }) => {
      const [what, sure, others] = told(prediction);
      const outside = explanation.out_of_range.map((feature) => `${feature} (${ranges(feature)})`);
      return element(
        "div",
        { className: "answer" },
        ...(answers.length > 1 ? [element("span", { className: "tag" }, name.toUpperCase())] : []),
        element("strong", {}, what),
        element("span", {}, sure),
        element("small", {}, others),
        ...(outside.length
          ? [element("p", { className: "outside" }, `Beyond the training range: ${outside.join(", ")}`)]
          : []),
      );
    }),
  );
}

// Returns one sentence for who listens.
export function sentence(answers) {
  const said = answers.map(({ name, prediction, explanation }) => {
    const [what, sure] = told(prediction);
    const outside = explanation.out_of_range.length ? `, beyond the training range` : "";
    return `${answers.length > 1 ? `Input ${name.toUpperCase()}: ` : ""}${what} ${sure}${outside}`.trim();
  });
  return `Prediction: ${said.join("; ")}.`;
}
