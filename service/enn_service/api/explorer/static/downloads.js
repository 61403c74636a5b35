// Downloads: what a section shows, as SVG, PNG and JSON.

import { element } from "./figures.js";
import { state } from "./state.js";
import { colours } from "./theme.js";

const SVG = "http://www.w3.org/2000/svg";
const SCALE = 2; // pixels of a PNG per pixel of the page
const MARGIN = 16;

// Adds the three buttons to the head of a section; `data()` is what its JSON holds.
export function offerDownloads(section, data) {
  const kinds = {
    PNG: async () => save(await png(picture(section)), name("png")),
    SVG: () => save(new Blob([text(picture(section))], { type: "image/svg+xml" }), name("svg")),
    JSON: () => save(new Blob([JSON.stringify(data(), null, 2)], { type: "application/json" }), name("json")),
  };
  const name = (ending) => `${state.model}-${section.id}.${ending}`;
  const title = section.querySelector("h2").textContent;
  const buttons = Object.entries(kinds).map(([kind, onclick]) =>
    element("button", { type: "button", onclick, ariaLabel: `Download ${title} as ${kind}` }, kind),
  );
  section.querySelector(".head").append(element("div", { className: "downloads" }, ...buttons));
}

// One SVG with every figure of a section where it stands, captions as text.
function picture(section) {
  const { paper, ink, quiet } = colours();
  const parts = [...section.querySelectorAll("[data-figures] svg, [data-figures] figcaption")];
  const boxes = parts.map((part) => part.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left)) - MARGIN;
  const top = Math.min(...boxes.map((box) => box.top)) - MARGIN;
  const width = Math.max(...boxes.map((box) => box.right)) - left + MARGIN;
  const height = Math.max(...boxes.map((box) => box.bottom)) - top + MARGIN;
  const whole = made("svg", {
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    "font-family": "system-ui, sans-serif",
  });
  whole.append(made("rect", { width, height, fill: paper }));
  for (const [index, part] of parts.entries()) {
    const place = { x: boxes[index].left - left, y: boxes[index].top - top };
    if (part instanceof SVGElement) {
      const copy = part.cloneNode(true);
      for (const [key, value] of Object.entries({ ...place, color: quiet })) copy.setAttribute(key, value);
      whole.append(copy);
    } else {
      const caption = made("text", { x: place.x, y: place.y + 13, "font-size": 12, fill: ink });
      caption.textContent = part.textContent;
      whole.append(caption);
    }
  }
  return whole;
}

function made(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

const text = (svg) => new XMLSerializer().serializeToString(svg);

async function png(svg) {
  const address = URL.createObjectURL(new Blob([text(svg)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = element("canvas", { width: image.width * SCALE, height: image.height * SCALE });
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
