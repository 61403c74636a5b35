// Downloads of a section as PNG, SVG and JSON. Each file names the model, the version, the quantity and the rows.

import { element } from "../charts/figure.js";
import { colours } from "../charts/theme.js";
import { state } from "../model/url_state.js";

const SVG = "http://www.w3.org/2000/svg";
const PIXEL_RATIO = 2; // of a PNG
const MARGIN = 16;
const LINE_HEIGHT = 18;
const LETTER_WIDTH = 6.5; // pixels

// Adds three buttons to the head of a section. `content()` returns {title, source, json}: the heading of the pictures,
// the model and the rows behind them, and the content of the JSON file.
export function offerDownloads(section, name, content) {
  const fileName = (ending) => `${state.model}-${state.version}-${section.id}.${ending}`;
  const svg = () => new Blob([serialize(picture(section, content()))], { type: "image/svg+xml" });
  const kinds = {
    PNG: async () => save(await rasterize(picture(section, content())), fileName("png")),
    SVG: () => save(svg(), fileName("svg")),
    JSON: () => save(json(content()), fileName("json")),
  };
  const buttons = Object.entries(kinds).map(([kind, onclick]) =>
    element("button", { type: "button", onclick, ariaLabel: `Download ${name} as ${kind}` }, kind),
  );
  section.querySelector(".head").append(element("div", { className: "downloads" }, ...buttons));
}

const json = (content) => new Blob([JSON.stringify(content.json, null, 2)], { type: "application/json" });

// Returns one SVG with a heading and every figure of a section in its place, captions as text.
function picture(section, { title, source }) {
  const { paper, ink, quiet } = colours();
  const parts = [...section.querySelectorAll("[data-figures] svg, [data-figures] figcaption")];
  const boxes = parts.map((part) => part.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left)) - MARGIN;
  const width = Math.max(...boxes.map((box) => box.right)) - left + MARGIN;
  const lines = wrap(source, Math.floor((width - 2 * MARGIN) / LETTER_WIDTH));
  const heading = MARGIN + (lines.length + 1) * LINE_HEIGHT;
  const top = Math.min(...boxes.map((box) => box.top)) - heading;
  const height = Math.max(...boxes.map((box) => box.bottom)) - top + MARGIN;
  const whole = svgElement("svg", {
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    "font-family": "system-ui, sans-serif",
  });
  whole.append(svgElement("title", {}, title), svgElement("desc", {}, source));
  whole.append(svgElement("rect", { width, height, fill: paper }));
  const text = (line, y, style) => whole.append(svgElement("text", { x: MARGIN, y, ...style }, line));
  text(title, MARGIN + 6, { "font-size": 14, "font-weight": 600, fill: ink });
  for (const [index, line] of lines.entries()) {
    text(line, MARGIN + 6 + (index + 1) * LINE_HEIGHT, { "font-size": 12, fill: quiet });
  }
  for (const [index, part] of parts.entries()) {
    const place = { x: boxes[index].left - left, y: boxes[index].top - top };
    if (part instanceof SVGElement) {
      const copy = part.cloneNode(true);
      for (const [key, value] of Object.entries({ ...place, color: quiet })) copy.setAttribute(key, value);
      whole.append(copy);
    } else {
      whole.append(svgElement("text", { x: place.x, y: place.y + 13, "font-size": 12, fill: ink }, part.textContent));
    }
  }
  return whole;
}

// Returns the words of a text in lines of at most `letters` characters, as long as single words allow.
function wrap(text, letters) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line && line.length + 1 + word.length > letters) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines;
}

function svgElement(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text) node.textContent = text;
  return node;
}

const serialize = (svg) => new XMLSerializer().serializeToString(svg);

async function rasterize(svg) {
  const address = URL.createObjectURL(new Blob([serialize(svg)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = element("canvas", { width: image.width * PIXEL_RATIO, height: image.height * PIXEL_RATIO });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve));
  } finally {
    URL.revokeObjectURL(address);
  }
}

function save(blob, download) {
  const link = element("a", { href: URL.createObjectURL(blob), download });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
