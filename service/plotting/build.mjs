// Bundles the plotting library and the licences of all that went in.
import { build } from "esbuild";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const vendor = "../enn_service/api/explorer/static/vendor";
const { metafile } = await build({
  entryPoints: ["plot.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  outfile: `${vendor}/plot.js`,
  metafile: true,
});
const used = Object.entries(Object.values(metafile.outputs)[0].inputs).filter(([, { bytesInOutput }]) => bytesInOutput);
const folders = used.map(([path]) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]).filter(Boolean);
const licences = [...new Set(folders)].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(`${folder}/${file}`, "utf8").trim() : ""}\n`;
});
writeFileSync(`${vendor}/LICENSES.txt`, licences.join(`\n${"-".repeat(80)}\n\n`));
