// The downloads of every section that has figures.

import { data } from "../model/page_data.js";
import { offerDownloads } from "./downloads.js";
import { $, describeDownload, fixedFeatures } from "./render.js";

export function connectDownloads() {
  const offer = (id, name, rows, json) =>
    offerDownloads($(id), name, () => describeDownload(id, name, rows(), json()));
  const resultRows = () => data.results;
  offer("waterfall", "Bumps", resultRows, () => data.results);
  offer(
    "attributions",
    "Features",
    () => data.attributions.results,
    () => data.attributions,
  );
  offer(
    "sure",
    "Certainty",
    () => data.sure.results,
    () => data.sure,
  );
  offer(
    "behaviour",
    "Behaviour",
    () => [],
    () => data.behaviour,
  );
  offer("neurons", "Activations", resultRows, () => data.layers);
  offer(
    "surfaces",
    "Surfaces",
    () => fixedFeatures(data.surface),
    () => data.surface,
  );
  offer(
    "profile",
    "Profile",
    () => fixedFeatures(data.profile),
    () => data.profile,
  );
}
