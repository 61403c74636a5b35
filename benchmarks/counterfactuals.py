"""Benchmark counterfactuals of the tumour model against those of DiCE, with the same model in ONNX Runtime.

`python -m benchmarks.counterfactuals --out docs/benchmarks/counterfactuals.md` prints the table and writes the page. It
needs `pip install dice-ml`, which no extra of this project includes.
"""

import argparse
import os
import platform
import shlex
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from tqdm import tqdm

from benchmarks.serving.servers import MODELS
from enn_models.cosine_series import Floats
from enn_models.explanations.feature_shares import feature_columns
from enn_models.explanations.guarantees.bounds import Bounds
from enn_models.explanations.guarantees.branch_and_bound import complete
from enn_models.explanations.guarantees.counterfactuals import counterfactual_steps, largest_columns, question
from enn_models.explanations.guarantees.margins import class_margin
from enn_service.inference.guarantees.cost import BALL_FACTOR, default_boxes
from enn_service.runtime.model import ServedModel, load_model
from enn_service.runtime.session import PREDICT_OUTPUTS

MODEL = "breast-cancer"
DICE_METHODS = ("random", "genetic", "kdtree")
METHOD = """Each method searches for one row with the other label for {rows} rows of the table. All ask the same file in
ONNX Runtime, on one thread, and may use the training range of every feature. `valid` is the share of the rows for which
a row was found to which the model gives that label. The distance is the sum of the changes in units of the training
ranges; `nearer` is the share of rows for which this project's row is nearer. The proved distance, within which no row
has the other label, is given in units of the distance found. Times are processor times of the whole answer; `time`
is the median of the ratios within a row."""
NOTE = """DiCE has its default settings, with the whole table as its data. It optimizes proximity together with
sparsity and diversity, so its distance is not what it minimizes alone. alibi is not in the table: its newest package,
0.9.6, needs NumPy 1, and TensorFlow for its counterfactuals."""


@dataclass
class Found:
    """Results of a method, one entry for each row.

    Attributes:
        distances: Distance of the row found; infinite if it is not valid or none was found.
        seconds: Time.
        proved: Proved distance in units of the found one; empty for a method without a proof.
    """

    distances: list[float] = field(default_factory=list[float])
    seconds: list[float] = field(default_factory=list[float])
    proved: list[float] = field(default_factory=list[float])


class DiceModel:
    """Model with the interface of scikit-learn, as DiCE calls it.

    Args:
        model: Model in ONNX Runtime.
    """

    def __init__(self, model: ServedModel) -> None:
        self._model = model

    def predict_proba(self, frame: pd.DataFrame) -> Floats:
        """Return probabilities, [rows, classes]."""
        rows = np.asarray(frame[self._model.card.feature_names], dtype=np.float32)
        return self._model.session.run(rows, PREDICT_OUTPUTS)[0].astype(np.float64)

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the index of the class of each row."""
        return self.predict_proba(frame).argmax(axis=1)


def closed_form(model: ServedModel, *, boxes: int) -> Callable[[pd.DataFrame, Found], Floats | None]:
    """Return the search of this project, with a proof of this number of boxes."""
    card, network = model.card, replace(model.network, encoding=None)

    def search(frame: pd.DataFrame, found: Found) -> Floats | None:
        row = frame.to_numpy(np.float32)[0].astype(np.float64)
        label = int(model.session.run(row.astype(np.float32)[None], PREDICT_OUTPUTS)[0].argmax())

        def accepts(candidate: Floats) -> bool:
            return model.session.run(candidate.astype(np.float32)[None], PREDICT_OUTPUTS)[0].argmax() != label

        fixed = np.zeros(len(row), np.bool_)
        asked = question(
            card.features, feature_columns(model.network), row, fixed=fixed, within={}, changes=len(card.features)
        )
        margin = class_margin(network, Bounds(network, largest_columns(asked)), 1 - label)
        answer = complete(counterfactual_steps(asked, margin, accepts, boxes))
        if boxes and answer.row is not None:
            found.proved.append(answer.no_closer_than / answer.distance)
        return answer.row

    return search


def dice(model: ServedModel, table: pd.DataFrame, method: str) -> Callable[[pd.DataFrame, Found], Floats | None]:
    """Return the search of DiCE by one of its methods."""
    dice_ml: Any = import_module("dice_ml")  # no dependency of this project
    wrapped = DiceModel(model)
    data = dice_ml.Data(
        dataframe=table.assign(label=wrapped.predict(table)), continuous_features=list(table), outcome_name="label"
    )
    explainer = dice_ml.Dice(data, dice_ml.Model(model=wrapped, backend="sklearn"), method=method)

    def search(frame: pd.DataFrame, _: Found) -> Floats | None:
        try:
            answer: Any = explainer.generate_counterfactuals(frame, total_CFs=1, desired_class="opposite")
        except Exception as error:  # noqa: BLE001  (DiCE raises its own class where it finds nothing)
            print(f"DiCE {method}: {error}", file=sys.stderr)
            return None
        rows = answer.cf_examples_list[0].final_cfs_df
        return None if rows is None or not len(rows) else rows[list(table)].to_numpy(np.float64)[0]

    return search


def measure(model: ServedModel, rows: int) -> dict[str, Found]:
    """Return the results of every method, by name."""
    table = pd.DataFrame(np.asarray(load_breast_cancer(return_X_y=True)[0]), columns=model.card.feature_names)
    scales = np.array([feature.maximum - feature.minimum for feature in model.card.features])
    low, high = (np.array([getattr(f, end) for f in model.card.features]) for end in ("minimum", "maximum"))
    inside = table[((table >= low) & (table <= high)).all(axis=1)]
    methods = {
        "this project, with the proof": closed_form(model, boxes=default_boxes(model) // BALL_FACTOR),
        "this project, without it": closed_form(model, boxes=0),
        **{f"DiCE {method}": dice(model, inside, method) for method in DICE_METHODS},
    }
    wrapped, results = DiceModel(model), {name: Found() for name in methods}
    for place in tqdm(np.random.default_rng(0).choice(len(inside), rows, replace=False), disable=None):
        frame = inside.iloc[[int(place)]]
        label = wrapped.predict(frame)[0]
        for name, search in methods.items():
            before = time.process_time()
            row = search(frame, results[name])
            results[name].seconds.append(time.process_time() - before)
            valid = row is not None and wrapped.predict(pd.DataFrame([row], columns=list(frame)))[0] != label
            distance = np.abs(row - frame.to_numpy()[0]) @ (1 / scales) if row is not None and valid else np.inf
            results[name].distances.append(float(distance))
    return results


def table_lines(results: dict[str, Found]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| method | valid | distance, median | nearer | proved / found, median | ms | time |"
    yield "|---|---|---|---|---|---|---|"
    own = next(iter(results.values()))
    for name, found in results.items():
        valid = np.isfinite(found.distances)
        nearer = "" if found is own else f"{np.mean(np.array(own.distances) <= np.array(found.distances)):.0%}"
        proved = f"{statistics.median(found.proved):.3f}" if found.proved else ""
        ratio = statistics.median(other / mine for other, mine in zip(found.seconds, own.seconds, strict=True))
        distance = np.median(np.array(found.distances)[valid]) if valid.any() else np.nan
        milliseconds = 1e3 * statistics.median(found.seconds)
        quality = f"{valid.mean():.0%} | {distance:.3f} | {nearer} | {proved}"
        yield f"| {name} | {quality} | {milliseconds:.0f} | {ratio:.2g} |"


def page(command: str, rows: int) -> str:
    """Run all measurements and return the page in Markdown."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    model = load_model(MODELS, MODEL, "1")
    parts = [
        "# Counterfactuals compared",
        f"Measured by `{command}` ({machine}, dice-ml {version('dice-ml')}).",
        " ".join(METHOD.format(rows=rows).split("\n")),
        "\n".join(table_lines(measure(model, rows))),
        NOTE,
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counterfactuals", description=__doc__)
    parser.add_argument("--rows", type=int, default=30, help="number of rows")
    parser.add_argument("--out", type=Path, help="file to write the page to; default: only print it")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # of DiCE, about pandas
    text = page(shlex.join(["python", "-m", "benchmarks.counterfactuals", *sys.argv[1:]]), options.rows)
    print(text)
    if options.out:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
