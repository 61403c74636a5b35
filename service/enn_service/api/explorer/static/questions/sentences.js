// Answers to the five questions as sentences.

import { percent, plain, signed } from "../charts/number_format.js";
import { valueText } from "../model/units.js";

const list = (texts, word = "and") =>
  texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} ${word} ${texts.at(-1)}`;

const NAMED = 2; // features in a sentence

export const prefixed = (texts) =>
  texts.length > 1 ? texts.map((text, index) => `${"AB"[index]}: ${text}`).join(" ") : texts[0];

// Returns which features raise and lower a quantity most.
export function whySentence({ values }, row, label) {
  const order = Object.entries(values).sort(([, one], [, other]) => Math.abs(other) - Math.abs(one));
  const named = (sign) =>
    order
      .filter(([, value]) => sign * value > 0)
      .slice(0, NAMED)
      .map(([name, value]) => `${name} ${valueText(row[name])} (${signed(value)})`);
  const [up, down] = [named(1), named(-1)];
  const verb = (names, word) => `${list(names)} ${names.length > 1 ? word : `${word}s`}`;
  const parts = [
    ...(up.length ? [`${verb(up, "raise")} the ${label} most`] : []),
    ...(down.length ? [`${verb(down, "lower")} ${up.length ? "it" : `the ${label}`} most`] : []),
  ];
  return parts.length ? `${parts.join("; ")}.` : `No feature changes the ${label}.`;
}

// Returns the values that a prediction with a coverage allows.
export function coverageSentence(prediction, coverage) {
  const share = percent(coverage).replace(".0", "");
  if (prediction.set) {
    if (!prediction.set.length) return `No class is usual enough for ${share} coverage.`;
    return `With ${share} coverage the class is ${list(prediction.set.map(String), "or")}.`;
  }
  const bounds = [prediction.lower].flat().map((low, index) => `${plain(low)} to ${plain([prediction.upper].flat()[index])}`);
  return `With ${share} coverage the value is from ${list(bounds)}.`;
}

// Returns whether the prediction holds for all rows within a tolerance.
export function stabilitySentence({ lower, upper, label_holds, counterexample }, row, tolerance, label) {
  const within = `within ${plain(100 * tolerance).replace(/\.?0+$/, "")} % of the training ranges`;
  if (label_holds === true) return `Every row ${within} has the same class: this is proved.`;
  if (label_holds === false) {
    const name = Object.keys(row).find((each) => counterexample[each] !== row[each]);
    return `A row ${within} has another class${name ? `, for instance with ${name} ${valueText(counterexample[name])}` : ""}.`;
  }
  return `For every row ${within} the ${label} is from ${plain(lower)} to ${plain(upper)}: this is proved.`;
}

// Returns what has to change for an outcome.
export function changeSentence({ instance, changes, distance, no_closer_than, prediction, reason }, answer, outcome) {
  if (!instance) return `No row was found with ${outcome}: ${reason}.`;
  const texts = Object.entries(changes).map(([name, { from, to }]) => `${name} were ${valueText(to)} instead of ${valueText(from)}`);
  if (!texts.length) return `The prediction already is ${outcome}.`;
  const proof = `No row nearer than ${percent(no_closer_than / distance)} of this distance has it.`;
  return `If ${list(texts)}, the prediction would be ${answer(prediction)}. ${proof}`;
}

// Returns which features matter most over the training data.
export function behaviourSentence({ features, rows }, label) {
  const order = [...features].sort((one, other) => other.importance - one.importance).slice(0, NAMED + 1);
  const names = order.map(({ name, importance }) => `${name} (${plain(importance)})`);
  return `Over ${rows} rows of the training data, ${list(names)} change the ${label} most on average.`;
}

// Returns which pairs interact most, in the rows and over the training data; each pair is [features, value].
export function pairsSentence(inRows, overall, label) {
  const text = ([[one, other], value], number) => `${one} and ${other} (${number(value)})`;
  const here = inRows.filter(([first]) => first).map(([first]) => `${text(first, signed)} interact most in this row`);
  const general = overall.length ? [`over the training data, ${text(overall[0], plain)} do`] : [];
  return here.length ? `In the ${label}, ${[prefixed(here), ...general].join("; ")}.` : "";
}
