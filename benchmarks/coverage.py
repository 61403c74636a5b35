"""Measure coverage and width beside MAPIE with the same networks: `python -m benchmarks.coverage --out PAGE`.

Needs the extra "benchmark". MAPIE gets the networks that the cross-validation of `auto` trained, so that both judge the
same predictions. Results of finished splits are kept in `build/benchmarks/coverage`, and a later run adds the others.
"""

import argparse
import json
import os
import platform
import shlex
import sys
import time
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from mapie.classification import CrossConformalClassifier  # pyright: ignore[reportMissingImports] - of the extra "benchmark"
from mapie.conformity_scores import APSConformityScore  # pyright: ignore[reportMissingImports] - of the extra "benchmark"
from mapie.regression import CrossConformalRegressor  # pyright: ignore[reportMissingImports] - of the extra "benchmark"
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import PredefinedSplit

from enn_models import conformal
from enn_models.network import Network
from enn_training.data import dataframes as frames
from enn_training.data.columns import Column
from enn_training.data.dataset import Split, to_label
from enn_training.data.float32_range import to_float32
from enn_training.data.preprocessing import Preprocessor
from enn_training.data.sampling.hold_out import hold_out_rows
from enn_training.evaluation.calibration import calibrate
from enn_training.experiments.tables.tables import Table, parse_tables
from enn_training.learned_model import Label
from enn_training.learners.auto_adam import AutoAdam
from enn_training.nn.architecture import Architecture
from enn_training.nn.threads import one_thread

TABLES = "diabetes,carseats,concrete,wage,earnings,penguins,titanic,fishing,credit,breast-cancer"
COVERAGES = (0.8, 0.9, 0.95)
MAX_TRAINING_ROWS, MAX_TEST_ROWS = 800, 3000
GROUPS = 5
LEARNER = AutoAdam(hidden=(16,), passes=20)
FOLDER = Path("build/benchmarks/coverage")
METHOD = f"""Each split trains on two thirds of the rows of a table, at most {MAX_TRAINING_ROWS}, with the learner
`auto`, 16 hidden neurons and at most {LEARNER.passes} passes, so that the benchmark takes minutes. At most
{MAX_TEST_ROWS} other rows are for the test. MAPIE gets the same networks of the same folds: CV+ with absolute residuals
for regressions, randomised adaptive sets (APS) for several classes, and LAC, the only score that it has for two.

Coverage is the share of test rows in percent whose value is in its interval, or whose label is in its set. Width is the
mean width of the intervals, or the mean number of labels, divided by that of MAPIE. The worst fifth is the smallest
coverage of five groups of test rows, by the predicted value, or by the probability of the predicted label. Every number
is a mean over the splits."""

Floats = NDArray[np.float64]
Result = dict[str, list[Any]]


class _Networks(BaseEstimator):
    """Estimator that gives MAPIE the networks of the folds; its rows are numbers of rows of a table.

    Args:
        x: Raw rows of the table, [rows, features].
        folds: Networks, each with the rows that it was not trained on.
        network: Network that was trained on all rows.
    """

    def __init__(
        self,
        x: Floats,
        folds: Sequence[tuple[Network, NDArray[np.int64]]],
        network: Network,
    ) -> None:
        self.x, self.folds, self.network = x, folds, network

    def __sklearn_clone__(self) -> "_Networks":
        return type(self)(self.x, self.folds, self.network)

    def fit(self, X: Floats, y: NDArray[Any]) -> "_Networks":
        """Choose the network that was not trained on the other rows."""
        fitting = (network for network, held_out in self.folds if not np.isin(held_out, X[:, 0]).any())
        self.network_ = next(fitting, self.network)
        self.classes_ = np.unique(y)
        self.fitted_ = True
        return self

    def outputs(self, X: Floats) -> Floats:
        """Return the outputs of the network."""
        return self.network_.respond(self.x[X[:, 0].astype(np.int64)]).output


class _Regressor(RegressorMixin, _Networks):
    def predict(self, X: Floats) -> Floats:
        return self.outputs(X)[:, 0]


class _Classifier(ClassifierMixin, _Networks):
    def predict(self, X: Floats) -> NDArray[Any]:
        return self.classes_[self.outputs(X).argmax(axis=1)]

    def predict_proba(self, X: Floats) -> Floats:
        return self.outputs(X)


@one_thread()
def measure(table: Table, seed: int) -> Result:
    """Return the measures of one split: coverage, width and coverage of the groups for each coverage and method."""
    columns, classes, every = _load(table)
    order = np.random.default_rng(seed).permutation(len(every.x))
    count = min(MAX_TRAINING_ROWS, 2 * len(order) // 3)
    rows, test = (every.take(part) for part in np.split(order[: count + MAX_TEST_ROWS], [count]))
    dataset = hold_out_rows(columns, classes, rows, seed).merge_validation()
    preprocessor = Preprocessor.fit(
        dataset.summaries, dataset.training, "linear", dataset.class_count, ignore_constant=True
    )
    architecture = Architecture(preprocessor.columns, (16,), preprocessor.targets.units, 6, "linear", dataset.task)
    training, validation = (preprocessor.transform(part) for part in (dataset.training, dataset.validation))
    result = LEARNER.learn(architecture, training, validation, seed)
    network = preprocessor.fold(result.network)
    folds = [(preprocessor.fold(each), rows) for each, rows in result.folds]
    methods = {"enn": _enn_regions, "mapie": _mapie_regions}
    return {
        name: _scores(regions(network, dataset.training, folds, test), network, test)
        for name, regions in methods.items()
    }


def _load(table: Table) -> tuple[tuple[Column, ...], tuple[Label, ...] | None, Split]:
    """Return columns, classes and rows of a table."""
    frame, target = table.load()
    named = frames.has_non_numeric_columns(frame)
    names = [str(name) for name in frame.columns]
    columns = frames.infer_columns(frame) if named else frames.numeric_columns(names, frame.to_numpy())
    x = np.asarray(frames.encode_frame(columns, frame) if named else frame.to_numpy(), dtype=np.float64)
    if table.task == "regression":
        return columns, None, Split(x, target.to_numpy(dtype=np.float64))
    labels, index = np.unique([str(to_label(label)) for label in target], return_inverse=True)
    return columns, tuple(labels.tolist()), Split(x, index.astype(np.int64))


def _enn_regions(
    network: Network, data: Split, folds: Sequence[tuple[Network, NDArray[np.int64]]], test: Split
) -> list[Any]:
    """Return bounds [rows, 2], or sets [rows, classes], for each coverage."""
    calibration = calibrate(network, data, folds)
    assert calibration is not None
    rows = to_float32(test.x)
    response = network.respond(rows)
    if network.task == "classification":
        return [conformal.label_sets(calibration, rows, response.output, coverage) for coverage in COVERAGES]
    widths = [conformal.half_widths(calibration, response.bumps, coverage) for coverage in COVERAGES]
    return [np.hstack([response.output - width, response.output + width]) for width in widths]


def _mapie_regions(
    network: Network, data: Split, folds: Sequence[tuple[Network, NDArray[np.int64]]], test: Split
) -> list[Any]:
    """Return the regions of MAPIE as `_enn_regions` does."""
    held_out = np.concatenate([rows for _, rows in folds])
    fold_of_row = np.concatenate([np.full(len(rows), number) for number, (_, rows) in enumerate(folds)])
    every = to_float32(np.concatenate([data.x, test.x]))
    rows, new = held_out[:, None].astype(np.float64), np.arange(len(data.x), len(every))[:, None].astype(np.float64)
    options: dict[str, Any] = {"confidence_level": list(COVERAGES), "cv": PredefinedSplit(fold_of_row)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if network.task == "regression":
            model = CrossConformalRegressor(_Regressor(every, folds, network), method="plus", **options)
            model.fit_conformalize(rows, data.y[held_out])
            intervals = model.predict_interval(new)[1]
            return [intervals[:, :, number] for number in range(len(COVERAGES))]
        # MAPIE has no adaptive sets for two classes.
        several = network.outputs > 2
        model = CrossConformalClassifier(
            _Classifier(every, folds, network),
            conformity_score=APSConformityScore() if several else "lac",
            random_state=0,
            **options,
        )
        model.fit_conformalize(rows, data.y[held_out])
        chosen: dict[str, Any] = {"conformity_score_params": {"include_last_label": "randomized"}} if several else {}
        sets = model.predict_set(new, **chosen)[1]
        return [sets[:, :, number] for number in range(len(COVERAGES))]


def _scores(regions: list[Any], network: Network, test: Split) -> list[Any]:
    """Return [coverage, width, coverages of the groups] for each coverage."""
    output = network.respond(to_float32(test.x)).output
    place = output[:, 0] if network.task == "regression" else output.max(axis=1)
    groups = np.argsort(np.argsort(place, kind="stable")) * GROUPS // len(place)
    scores = []
    for region in regions:
        if network.task == "regression":
            hits, width = (
                (region[:, 0] <= test.y) & (test.y <= region[:, 1]),
                float((region[:, 1] - region[:, 0]).mean()),
            )
        else:
            hits, width = region[np.arange(len(region)), test.y], float(region.sum(axis=1).mean())
        scores.append([float(hits.mean()), width, [float(hits[groups == group].mean()) for group in range(GROUPS)]])
    return scores


def collect(tables: Sequence[Table], splits: int, minutes: float) -> dict[str, list[Result]]:
    """Return the measures of each table, split by split; splits that are not measured in time are left out."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    until, found = time.monotonic() + 60 * minutes, {table.name: list[Result]() for table in tables}
    for seed in range(splits):
        for table in tables:
            path = FOLDER / f"{table.name}-{seed}.json"
            if not path.exists():
                if time.monotonic() > until:
                    continue
                path.write_text(json.dumps(measure(table, seed)))
                print(f"{table.name}: split {seed + 1} of {splits}", flush=True)
            found[table.name].append(json.loads(path.read_text()))
    return found


def _lines(name: str, results: list[Result]) -> list[str]:
    """Return the lines of a table, one for each coverage."""
    lines = []
    for number, coverage in enumerate(COVERAGES):
        means = {}
        for method in ("enn", "mapie"):
            parts = [result[method][number] for result in results]
            worst = min(fmean(part[2][group] for part in parts) for group in range(GROUPS))
            means[method] = (fmean(part[0] for part in parts), fmean(part[1] for part in parts), worst)
        enn, mapie = means["enn"], means["mapie"]
        cells = [f"{100 * value:.1f}" for value in (enn[0], mapie[0])]
        cells += [f"{enn[1] / mapie[1]:.3f}", f"{100 * enn[2]:.1f}", f"{100 * mapie[2]:.1f}"]
        lines.append(f"| {name} | {len(results)} | {100 * coverage:g} | {' | '.join(cells)} |")
    return lines


def _means(found: dict[str, list[Result]]) -> list[str]:
    """Return a line for each coverage with the means over the tables."""
    lines = []
    for number, coverage in enumerate(COVERAGES):
        means = [fmean(result["enn"][number][0] for result in results) for results in found.values() if results]
        largest = max(abs(mean - coverage) for mean in means)
        lines.append(f"| {100 * coverage:g} | {100 * fmean(means):.1f} | {100 * largest:.1f} |")
    return lines


def page(found: dict[str, list[Result]], splits: int) -> str:
    """Return the page of the documents."""
    command = shlex.join(["python", "-m", "benchmarks.coverage", *sys.argv[1:]])
    versions = ", ".join(f"{name} {version(name)}" for name in ("enn", "mapie", "scikit-learn", "torch"))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    finished = sum(map(len, found.values()))
    measured = (
        f"Measured by `{command}` on {machine}: {versions}. Of {splits} splits of {len(found)} tables, {finished} of"
    )
    measured += f" {splits * len(found)} are measured; the column `splits` has their numbers."
    start = "Use this page to see the coverage and the width of intervals and label sets, for each requested coverage."
    head = [
        "| table | splits | coverage | ENN | MAPIE | width / MAPIE | worst fifth, ENN | worst fifth, MAPIE |",
        "|---" * 8 + "|",
    ]
    lines = [line for name, results in found.items() if results for line in _lines(name, results)]
    summary = ["| coverage | mean of all tables | largest difference of a table |", "|---|---|---|", *_means(found)]
    return "\n\n".join(["# Coverage", start, measured, METHOD, "\n".join(summary), "\n".join([*head, *lines])]) + "\n"


def main() -> None:
    """Measure the splits that are missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--tables", default=TABLES)
    parser.add_argument("--minutes", type=float, default=120.0, help="begin no split after this time")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    text = page(collect(parse_tables(options.tables), options.splits, options.minutes), options.splits)
    print(text)
    if options.out:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
