"""Benchmark exact Shapley values against the explainers of shap, and explain requests against predict requests.

`python -m benchmarks.explanation --out docs/benchmarks/explanation.md` prints both tables and writes the page.
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
from enn_models.network import Layer, Network

FEATURES = (4, 8, 10, 12, 30)
HARMONICS, BACKGROUND, ROUNDS = 6, 100, 3
NEURONS = {30: 32}
DEFAULT_NEURONS = 16
MAX_ENUMERATED_FEATURES = 12
"""Maximum number of features for shap Exact; above it the enumeration of all subsets takes minutes."""
METHOD = """One row, Q = {harmonics}, {background} background rows. All explainers explain the output pre-activation of
the same network against the same background rows, each with its default settings. Times are medians of {rounds} runs.
The difference is the largest absolute difference from the closed form, as a share of the largest value."""
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


def explainers(net: Network, background: np.ndarray) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Return functions of rows [rows, features] that return Shapley values [rows, features], by explainer."""
    players = [np.array([column]) for column in range(net.inputs)]

    def value(rows: np.ndarray) -> np.ndarray:
        return net.respond(rows).pre_activation[:, 0]

    masker = maskers.Independent(background, max_samples=len(background))
    explainers_by_name = {
        "closed form (ENN)": lambda rows: complete(shapley(net, rows, background, players)).values[:, 0],
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


def measure(explain: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the median seconds of an explainer, and its values."""
    times, values = [], rows
    for _ in range(ROUNDS):
        before = time.perf_counter()
        values = explain(rows)
        times.append(time.perf_counter() - before)
    return statistics.median(times), np.asarray(values)


def attribution_lines() -> Iterator[str]:
    """Measure every explainer and yield the lines of the table of Shapley values."""
    yield "| features x neurons | explainer | ms | time / closed form | difference |\n|---|---|---|---|---|"
    for features in FEATURES:
        print(f"{features} features ...", file=sys.stderr, flush=True)
        random, net = np.random.default_rng(0), random_network(features)
        row, background = random.normal(size=(1, features)), random.normal(size=(BACKGROUND, features))
        results = {name: measure(explain, row) for name, explain in explainers(net, background).items()}
        ours, exact = results["closed form (ENN)"]
        for name, (seconds, values) in results.items():
            difference = np.abs(values.reshape(exact.shape) - exact).max() / np.abs(exact).max()
            size = f"{features} x {len(net.layers[0].bias)}"
            yield f"| {size} | {name} | {1e3 * seconds:.2f} | {seconds / ours:.1f} | {difference:.1e} |"


def page(command: str, plan: Plan) -> str:
    """Run all measurements and return the page in Markdown."""
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, shap {shap.__version__}"
    )
    method = " ".join(METHOD.format(harmonics=HARMONICS, background=BACKGROUND, rounds=ROUNDS).split("\n"))
    table = "\n".join(attribution_lines())
    with this_service() as url:
        explain_table = f"{HEAD}\n{EXPLAINING.line(url, plan).markdown()}"
    parts = [
        "# Explanations compared",
        f"Measured by `{command}` ({machine}).",
        "## Shapley values",
        method,
        table,
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
