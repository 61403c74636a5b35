// Many rows: a pasted table or a CSV file, and its answers in a table that sorts and downloads.

import { element } from "../charts/figure.js";
import * as api from "../model/api.js";
import { properties } from "../model/page_data.js";
import { state } from "../model/url_state.js";
import { $ } from "../panels/render.js";

const MAX_ROWS = 1000;
const WORDS = { true: true, false: false };
const predictLatest = api.latestOnly();

// Returns the cells of a text with commas, semicolons or tabs; cells in quotes may hold them.
export function parseTable(text) {
  const head = text.slice(0, text.search(/\r?\n|$/));
  const delimiter = ["\t", ";", ","].find((each) => head.includes(each)) ?? ",";
  const rows = [[""]];
  for (let index = 0, quoted = false; index < text.length; index++) {
    const letter = text[index];
    if (letter === '"' && quoted && text[index + 1] === '"') rows.at(-1)[rows.at(-1).length - 1] += text[++index];
    else if (letter === '"') quoted = !quoted;
    else if (quoted || ![delimiter, "\n", "\r"].includes(letter)) rows.at(-1)[rows.at(-1).length - 1] += letter;
    else if (letter === delimiter) rows.at(-1).push("");
    else if (letter === "\n") rows.push([""]);
  }
  return rows.filter((cells) => cells.some((cell) => cell.trim()));
}

function toInstances([head, ...rows]) {
  const { features } = properties();
  const places = features.map(({ name }) => head.findIndex((each) => each.trim() === name));
  const lost = features.filter((_, index) => places[index] < 0).map(({ name }) => name);
  if (lost.length) throw new Error(`The first line has no column ${lost.slice(0, 3).join(", ")}; expected the names of all features.`);
  if (!rows.length || rows.length > MAX_ROWS) throw new Error(`The table has ${rows.length} rows; expected 1 to ${MAX_ROWS}.`);
  return rows.map((cells, line) =>
    Object.fromEntries(features.map(({ name, kind }, index) => [name, toValue((cells[places[index]] ?? "").trim(), kind, `row ${line + 1}, ${name}`)])),
  );
}

function toValue(text, kind, place) {
  if (text === "") return null;
  if (kind === "categorical") return text;
  const value = WORDS[text.toLowerCase()] ?? Number(text);
  if (Number.isNaN(value)) throw new Error(`${place}: ${text.slice(0, 40)}; expected a number.`);
  return kind === "boolean" ? Boolean(value) : value;
}

// Returns the columns of an answer by their names.
function columnsOf(prediction) {
  if (typeof prediction === "number") return { prediction };
  if (Array.isArray(prediction)) return Object.fromEntries(prediction.map((value, index) => [`prediction ${index}`, value]));
  const { label, score, probabilities } = prediction;
  return { prediction: label, ...(probabilities ? { probability: probabilities[label] } : { score }) };
}

// Removes the table: it is about another model or text.
export function resetRows() {
  predictLatest(async () => {});
  $("rows-table").replaceChildren();
  $("rows-note").textContent = "";
  $("rows-download").hidden = true;
}

async function predictRows() {
  resetRows();
  const target = { model: state.model, version: state.version };
  await predictLatest(async (signal) => {
    try {
      const instances = toInstances(parseTable($("rows-text").value));
      const { predictions } = await api.predict(target, instances, signal);
      signal.throwIfAborted();
      const rows = instances.map((instance, index) => ({ row: index + 1, ...columnsOf(predictions[index]), ...instance }));
      drawRows(rows, `${target.model}, version ${target.version}: ${rows.length} rows`);
    } catch (error) {
      if (signal.aborted) throw error;
      $("rows-note").textContent = error.message;
    }
  });
}

function drawRows(rows, caption) {
  const names = Object.keys(rows[0]);
  const body = element("tbody");
  const fill = () => body.replaceChildren(...rows.map((row) => element("tr", {}, ...names.map((name) => element("td", {}, String(row[name] ?? ""))))));
  const heads = names.map((name) => {
    const head = element("th", { scope: "col" });
    const sort = () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      rows.sort(({ [name]: one }, { [name]: other }) => sign * (one > other ? 1 : one < other ? -1 : 0));
      fill();
    };
    head.append(element("button", { type: "button", onclick: sort }, name));
    return head;
  });
  fill();
  const table = element("table", {}, element("caption", {}, caption), element("thead", {}, element("tr", {}, ...heads)), body);
  $("rows-table").replaceChildren(table);
  $("rows-download").hidden = false;
  $("rows-download").onclick = () => saveRows(names, rows);
}

function saveRows(names, rows) {
  const cell = (value) => (/[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ""));
  const lines = [names, ...rows.map((row) => names.map((name) => row[name]))].map((cells) => cells.map(cell).join(","));
  const blob = new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" });
  const link = element("a", { href: URL.createObjectURL(blob), download: `${state.model}-${state.version}-answers.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function connectRows() {
  $("rows").onsubmit = (event) => {
    event.preventDefault();
    predictRows();
  };
  $("rows-text").oninput = resetRows;
  $("rows-file").onchange = async () => {
    const [file] = $("rows-file").files;
    if (!file) return;
    $("rows-text").value = await file.text();
    predictRows();
  };
}
