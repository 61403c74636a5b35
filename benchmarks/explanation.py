"""Benchmark exact Shapley and interaction values against shap, and explain requests against predict requests.

`python -m benchmarks.explanation --out docs/benchmarks/explanation.md` prints the tables and writes the page.
"""

import argparse
import os
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import factorial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import shap
from shap import maskers

from benchmarks.serving.itself import EXPLAINING
from benchmarks.serving.load import check_installed
from benchmarks.serving.report import HEAD
from benchmarks.serving.rounds import Plan
from benchmarks.serving.servers import this_service
from enn_models.explanations.attributions import complete, shapley
from enn_models.explanations.interactions import shapley_interactions
from enn_models.network import Layer, Network

FEATURES = (4, 8, 10, 12, 30)
HARMONICS, BACKGROUND, ROUNDS = 6, 100, 3
NEURONS = {30: 32}
DEFAULT_NEURONS = 16
MAX_ENUMERATED_FEATURES = 12
"""Maximum number of features for shap Exact; above it the enumeration of all subsets takes minutes."""
OURS, TAYLOR = "closed form (ENN)", "shap Exact, pairs"
Explain = Callable[[np.ndarray], np.ndarray]
METHOD = """One row, Q = {harmonics}, {background} background rows. All explainers explain the output pre-activation of
the same network against the same background rows, each with its default settings. Times are medians of {rounds} runs.
The difference is the largest absolute difference from the closed form, as a share of the largest value."""
INTERACTION_METHOD = """The same rows and networks; each result is a matrix of all pairs of features. The enumeration
evaluates all subsets of the features and sums their differences as the definition does. shap Exact enumerates too for
`interactions=2`, but computes the Shapley-Taylor index, which divides the same Shapley values otherwise: for it the
difference is that of the lines' sums."""
EXPLAIN_METHOD = """One row of `ring` over HTTP: an explain request with its bumps, compared with a predict request.
Figures are medians of {rounds} rounds of {seconds} s, measured alternately; ratios are taken within a round."""


def random_network(features: int) -> Network:
    """Return a network with random parameters."""
    random = np.random.default_rng(features)
    layers = []
    for index, (inputs, neurons) in enumerate(pairwise((features, NEURONS.get(features, DEFAULT_NEURONS), 1))):
        weight = random.normal(size=(neurons, inputs)) / np.sqrt(inputs)
        series = None if index else random.normal(size=(neurons, HARMONICS)).astype(np.float32)
        layers.append(Layer(weight.astype(np.float32), np.zeros(neurons, np.float32), series))
    return Network("regression", "linear", tuple(layers), np.zeros(features, np.float32), np.zeros(1, np.float32))


def explainers(net: Network, background: np.ndarray) -> dict[str, Explain]:
    """Return functions of rows [rows, features] that return Shapley values [rows, features], by explainer."""
    players = [np.array([column]) for column in range(net.inputs)]

    def value(rows: np.ndarray) -> np.ndarray:
        return net.respond(rows).pre_activation[:, 0]

    masker = maskers.Independent(background, max_samples=len(background))
    explainers_by_name = {
        OURS: lambda rows: complete(shapley(net, rows, background, players)).values[:, 0],
        "shap Exact": lambda rows: _values(shap.explainers.Exact(value, masker)(rows)),
        "shap Permutation": lambda rows: _values(shap.explainers.Permutation(value, masker, seed=0)(rows)),
        "shap Kernel": lambda rows: shap.KernelExplainer(value, background).shap_values(rows, silent=True),
        "shap Sampling": lambda rows: shap.SamplingExplainer(value, background).shap_values(rows, silent=True),
    }
    if net.inputs > MAX_ENUMERATED_FEATURES:
        del explainers_by_name["shap Exact"]
    return explainers_by_name


def _values(explanation: Any) -> np.ndarray:  # noqa: ANN401 - the annotations of shap do not match its return values
    """Return the values of an explanation of shap."""
    return explanation.values


def measure(explain: Explain, rows: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the median seconds of an explainer, and its values."""
    times, values = [], rows
    for _ in range(ROUNDS):
        before = time.perf_counter()
        values = explain(rows)
        times.append(time.perf_counter() - before)
    return statistics.median(times), np.asarray(values)


def comparison_lines(methods: Callable[[Network, np.ndarray], dict[str, Explain]]) -> Iterator[str]:
    """Measure methods and yield the lines of their table.

    Args:
        methods: Function of a network and background rows that returns the methods by name, with OURS among them.
    """
    yield "| features x neurons | method | ms | time / closed form | difference |\n|---|---|---|---|---|"
    for features in FEATURES:
        print(f"{features} features ...", file=sys.stderr, flush=True)
        random, net = np.random.default_rng(0), random_network(features)
        row, background = random.normal(size=(1, features)), random.normal(size=(BACKGROUND, features))
        results = {name: measure(explain, row) for name, explain in methods(net, background).items()}
        ours, exact = results[OURS]
        for name, (seconds, values) in results.items():
            size, difference = f"{features} x {len(net.layers[0].bias)}", _difference(name, values, exact)
            yield f"| {size} | {name} | {1e3 * seconds:.2f} | {seconds / ours:.1f} | {difference:.1e} |"


def enumerated_interactions(net: Network, row: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return interaction values [features, features] of a row by their definition: every subset of the features."""
    count = net.inputs
    present = np.arange(2**count)[:, None] >> np.arange(count) & 1 == 1
    game = np.array([net.respond(np.where(mask, row, background)).pre_activation.mean() for mask in present])
    sizes, subsets = present.sum(axis=1), np.arange(2**count)
    one = [factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)]
    two = [factorial(size) * factorial(count - size - 2) / (2 * factorial(count - 1)) for size in range(count - 1)]
    pairs, values = np.zeros((count, count)), np.zeros(count)
    for i in range(count):
        without = subsets[~present[:, i]]
        values[i] = np.take(one, sizes[without]) @ (game[without | 1 << i] - game[without])
        for j in range(i):
            both = without[~present[without, j]]
            change = game[both | 1 << i | 1 << j] - game[both | 1 << i] - game[both | 1 << j] + game[both]
            pairs[i, j] = pairs[j, i] = np.take(two, sizes[both]) @ change
    return pairs + np.diag(values - pairs.sum(axis=1))


def interaction_methods(net: Network, background: np.ndarray) -> dict[str, Explain]:
    """Return functions of rows [1, features] that return interaction values [features, features], by method."""
    players = [np.array([column]) for column in range(net.inputs)]
    methods = {OURS: lambda rows: complete(shapley_interactions(net, rows[0], background, players, [0]))[0]}
    if net.inputs <= MAX_ENUMERATED_FEATURES:
        masker = maskers.Independent(background, max_samples=len(background))
        explainer = shap.explainers.Exact(lambda rows: net.respond(rows).pre_activation[:, 0], masker)
        methods["enumeration"] = lambda rows: enumerated_interactions(net, rows[0], background)
        methods[TAYLOR] = lambda rows: _values(explainer(rows, interactions=2))[0]
    return methods


def _difference(name: str, values: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest difference of values from exact ones as a share of the largest; of sums for shap's pairs."""
    found, wanted = (values.sum(axis=1), exact.sum(axis=1)) if name == TAYLOR else (values.reshape(exact.shape), exact)
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def page(command: str, plan: Plan) -> str:
    """Run all measurements and return the page in Markdown."""
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, shap {shap.__version__}"
    )
    method = " ".join(METHOD.format(harmonics=HARMONICS, background=BACKGROUND, rounds=ROUNDS).split("\n"))
    table = "\n".join(comparison_lines(explainers))
    pairs = "\n".join(comparison_lines(interaction_methods))
    with this_service() as url:
        explain_table = f"{HEAD}\n{EXPLAINING.line(url, plan).markdown()}"
    parts = [
        "# Explanations compared",
        f"Measured by `{command}` ({machine}).",
        "## Shapley values",
        method,
        table,
        "## Interaction values",
        " ".join(INTERACTION_METHOD.split("\n")),
        pairs,
        "## Explain compared with predict",
        EXPLAIN_METHOD.format(rounds=plan.rounds, seconds=plan.seconds),
        explain_table,
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explanation", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="duration of each run of the load generator, in seconds")
    parser.add_argument("--rounds", type=int, default=5, help="number of measurements of explain and predict")
    parser.add_argument("--out", type=Path, help="file to write the page to; default: only print it")
    options = parser.parse_args()
    check_installed()
    with TemporaryDirectory() as folder:
        command = shlex.join(["python", "-m", "benchmarks.explanation", *sys.argv[1:]])
        text = page(command, Plan(options.seconds, options.rounds, Path(folder)))
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text)


if __name__ == "__main__":
    main()
