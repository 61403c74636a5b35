"""Exact Shapley values beside the explainers of shap, on one model: `python benchmarks/explanation.py`.

All explain the output pre-activation of the same network for the same rows against the same background. Times are
medians; the difference is the largest from the closed form, as a share of the largest value.
"""

import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import shap
from shap import maskers

from enn_models import attributions
from enn_models.network import Layer, Network

FEATURES = (4, 8, 10, 12, 30)
NEURONS, HARMONICS, BACKGROUND, ROUNDS = 16, 6, 100, 3
ENUMERABLE = 10
"""Beyond so many features the enumeration of all subsets takes minutes."""


def network(features: int) -> Network:
    """Return a network with random parameters."""
    random = np.random.default_rng(features)
    layers = []
    for index, (inputs, neurons) in enumerate(pairwise((features, NEURONS, 1))):
        weight = random.normal(size=(neurons, inputs)) / np.sqrt(inputs)
        series = None if index else random.normal(size=(neurons, HARMONICS)).astype(np.float32)
        layers.append(Layer(weight.astype(np.float32), np.zeros(neurons, np.float32), series))
    return Network("regression", "linear", tuple(layers), np.zeros(features, np.float32), np.zeros(1, np.float32))


def explainers(net: Network, background: np.ndarray) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Return the ways to explain, each from rows [rows, features] to values [rows, features]."""
    players = [np.array([column]) for column in range(net.inputs)]

    def value(rows: np.ndarray) -> np.ndarray:
        return net.respond(rows).pre_activation[:, 0]

    masker = maskers.Independent(background, max_samples=len(background))
    ways = {
        "closed form (ENN)": lambda rows: attributions.shapley(net, rows, background, players).values[:, 0],
        "shap Exact": lambda rows: _values(shap.explainers.Exact(value, masker)(rows)),
        "shap Permutation": lambda rows: _values(shap.explainers.Permutation(value, masker, seed=0)(rows)),
        "shap Kernel": lambda rows: shap.KernelExplainer(value, background).shap_values(rows, silent=True),
        "shap Sampling": lambda rows: shap.SamplingExplainer(value, background).shap_values(rows, silent=True),
    }
    if net.inputs > ENUMERABLE:
        del ways["shap Exact"]
    return ways


def _values(explanation: Any) -> np.ndarray:  # noqa: ANN401 - shap's calls are annotated as what they are not
    return explanation.values


def measured(way: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the median seconds of a way to explain, and its values."""
    times, values = [], rows
    for _ in range(ROUNDS):
        before = time.perf_counter()
        values = way(rows)
        times.append(time.perf_counter() - before)
    return statistics.median(times), np.asarray(values)


def main() -> None:
    """Print one table."""
    print(f"one row, {NEURONS} neurons, Q = {HARMONICS}, {BACKGROUND} background rows; shap {shap.__version__}")
    print(f"{'features':>8}  {'explainer':<18}{'ms':>10}{'times ours':>12}{'difference':>12}")
    for features in FEATURES:
        random, net = np.random.default_rng(0), network(features)
        row, background = random.normal(size=(1, features)), random.normal(size=(BACKGROUND, features))
        ways = explainers(net, background)
        results = {name: measured(way, row) for name, way in ways.items()}
        ours, exact = results["closed form (ENN)"]
        for name, (seconds, values) in results.items():
            difference = np.abs(values.reshape(exact.shape) - exact).max() / np.abs(exact).max()
            print(f"{features:>8}  {name:<18}{1e3 * seconds:>10.2f}{seconds / ours:>12.1f}{difference:>12.1e}")


if __name__ == "__main__":
    main()
