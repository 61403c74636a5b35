"""Which unrollings suit a network: by a rule from its sizes, the same on every machine, or by the clock of this one."""

import time
from collections.abc import Iterable, Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from enn_models.network import Network
from enn_training.exporting.affine import Affine
from enn_training.exporting.assembly import Layout, assemble
from enn_training.exporting.cost import estimate
from enn_training.exporting.runtime import Runtime, part
from enn_training.exporting.unrollings import Horner, Ladder, Spectral, Unrolling
from enn_training.exporting.unrollings.horner import amplification

MANY_ROWS = 1024
FEW_ROWS = 128
"""The most rows that are ever called few."""
AMPLIFICATION = 16.0
"""The most by which a polynomial may enlarge the rounding of float32, 6e-8: errors stay near 1e-6."""
FOLDED_WEIGHTS = 2**18
"""The most weights of an affine map with a read-out folded in; reading more is slower than any other unrolling."""
TILES = (None, 128, 64)
REPEATS = 7
SPAN = 0.02
"""Seconds of one measurement."""


def by_rule(network: Network, unrollings: Iterable[Unrolling]) -> Layout:
    """Return the layout with the least estimated cost for one row and for MANY_ROWS, the same on every machine."""
    models = {unrolling: prediction(network, unrolling) for unrolling in unrollings}
    few = min(models, key=lambda unrolling: estimate(models[unrolling], 1))
    many = min(models, key=lambda unrolling: estimate(models[unrolling], MANY_ROWS))
    if few == many:
        return Layout(many, explanation(network))
    rows = 1
    while rows < FEW_ROWS and estimate(models[few], rows + 1) < estimate(models[many], rows + 1):
        rows += 1
    return Layout(many, explanation(network), few, rows)


def by_time(network: Network, rows: NDArray[np.float32], unrollings: Iterable[Unrolling]) -> dict[str, float]:
    """Return the median microseconds of the prediction by each unrolling's name, measured on one thread.

    Args:
        network: The network.
        rows: The batch to time, float32 [batch, features].
        unrollings: The candidates.
    """
    runtimes = {unrolling.name: Runtime(prediction(network, unrolling), ["output"]) for unrolling in unrollings}
    return measure(runtimes, rows)


def measure(runtimes: Mapping[str, Runtime], rows: NDArray[np.float32]) -> dict[str, float]:
    """Return the median microseconds of each runtime on float32 rows [batch, features], measured in turns."""
    calls = {name: max(1, int(SPAN / _seconds(runtime, rows, 3))) for name, runtime in runtimes.items()}
    times: dict[str, list[float]] = {name: [] for name in runtimes}
    for _ in range(REPEATS):
        for name, runtime in runtimes.items():
            times[name].append(_seconds(runtime, rows, calls[name]) * 1e6)
    return {name: float(np.median(values)) for name, values in times.items()}


def candidates(network: Network) -> list[Unrolling]:
    """Return the unrollings that may win: precise enough for the coefficients, and not absurdly large when folded."""
    doublings = _doublings(network)
    folding = [unrolling for unrolling in (Spectral(), Ladder(doublings)) if _folds(network, unrolling)]
    return [*folding, *(Horner(doublings, tile) for tile in TILES)]


def explanation(network: Network) -> Unrolling:
    """Return the unrolling on the way to the bumps."""
    return Horner(_doublings(network))


def prediction(network: Network, unrolling: Unrolling) -> onnx.ModelProto:
    """Return the graph from `input` to `output` alone."""
    return part(assemble(network, Layout(unrolling, explanation(network))), ["output"])


def _doublings(network: Network) -> int:
    """Return the fewest doublings with which no polynomial enlarges rounding by more than AMPLIFICATION."""
    parts = [layer.coefficients.astype(np.float64) for layer in network.layers if layer.coefficients is not None]
    doublings = 0
    while max(amplification(part, doublings) for part in parts) > AMPLIFICATION:
        doublings += 1
    return doublings


def _folds(network: Network, unrolling: Unrolling) -> bool:
    """Whether no layer gets more than FOLDED_WEIGHTS with the read-outs before it folded in."""
    readout: Affine | None = None
    for layer in network.layers:
        affine = Affine.of(layer).after(readout)
        if layer.coefficients is not None:
            coefficients = layer.coefficients.astype(np.float64)
            affine, readout = unrolling.arguments(affine, coefficients), unrolling.readout(coefficients)
        if affine.weight.size > FOLDED_WEIGHTS:
            return False
    return True


def _seconds(runtime: Runtime, rows: NDArray[np.float32], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        runtime.run(rows)
    return (time.perf_counter() - start) / calls
