"""Which unrollings suit a network: by a rule, the same wherever the same are exact, or by the clock of this machine."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
import onnx
from numpy.typing import NDArray

from enn_models.batching import max_batch_rows
from enn_models.cosine_series import Floats
from enn_models.network import Network
from enn_models.package import max_operations
from enn_training.publishing.onnx.cost_model import estimate
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.route import coefficients
from enn_training.publishing.onnx.layout import Layout, assemble
from enn_training.publishing.onnx.runtime import Runtime, part
from enn_training.publishing.onnx.unrollings import Blocked, Clenshaw, Folded, Horner, Ladder, Spectral, Unrolling
from enn_training.publishing.onnx.unrollings.blocked import fills
from enn_training.publishing.onnx.unrollings.polynomial import MAX_TERMS, TRIED, fewest_doublings, term_count

MANY_ROWS = 1024
SOME_ROWS = 128
CLOSE = 1 / 20
"""Of the least for MANY_ROWS: what fewer operators for a dct head may take more, where they win for SOME_ROWS."""
FEW_ROWS = 128
"""The most rows that are ever called few."""
FOLDED_WEIGHTS = 2**18
"""The most weights of an affine map with a read-out folded in; reading more is slower than any other unrolling."""
MOST = 1 / 2
"""Of the operations that a package may take: the weights of all maps on one of its routes, nearly all that it does."""
READOUT_WEIGHTS = 2**15
"""The most weights of a read-out that explains: reading more takes longer than to unroll once more without one."""
LADDER_UNITS = 3
"""The most units of a head that is a ladder of its own: what its read-out reads grows with their square."""
REPEATS = 21
SPAN = 0.005
"""Seconds of one measurement."""


def by_rule(network: Network, layouts: Iterable[Layout]) -> Layout:
    """Return the layout with the least estimated cost for one row and for many, whatever the machine.

    For many it is the least for MANY_ROWS or, among those CLOSE to it that differ in the head alone, the least for
    SOME_ROWS. The hidden layers stay as they are because explanations share them.
    """
    models = {layout: prediction(network, layout) for layout in layouts}
    few = min(models, key=lambda layout: estimate(models[layout], 1))
    costs = {layout: estimate(model, MANY_ROWS) for layout, model in models.items()}
    least = min(costs, key=lambda layout: costs[layout])
    alike = [layout for layout in models if replace(layout, head=least.head) == least]
    close = [layout for layout in alike if costs[layout] <= (1 + CLOSE) * costs[least]]
    many = min(close, key=lambda layout: estimate(models[layout], SOME_ROWS))
    if few == many:
        return many
    rows = 1
    while rows < FEW_ROWS and estimate(models[few], rows + 1) < estimate(models[many], rows + 1):
        rows += 1
    return replace(many, few=few, rows=rows)


def by_time(network: Network, rows: NDArray[np.float32], layouts: Iterable[Layout]) -> dict[str, float]:
    """Return the microseconds of the prediction by each layout, as `measure` has them.

    Args:
        network: The network.
        rows: The batch to time, float32 [batch, features].
        layouts: The candidates.
    """
    at_once = max_batch_rows(network)
    runtimes = {layout.name: Runtime(prediction(network, layout), ["output"], rows=at_once) for layout in layouts}
    return measure(runtimes, rows)


def measure(runtimes: Mapping[str, Runtime], rows: NDArray[np.float32], repeats: int = REPEATS) -> dict[str, float]:
    """Return the microseconds of each runtime on float32 rows [batch, features]: the least of several, in turns.

    They are this thread's own, which is all that a runtime uses: what else the machine does counts little.
    """
    clock = time.perf_counter
    calls = {name: max(1, int(SPAN / _seconds(runtime, rows, 3, clock))) for name, runtime in runtimes.items()}
    turns = [
        {name: _seconds(runtime, rows, calls[name], time.thread_time) * 1e6 for name, runtime in runtimes.items()}
        for _ in range(repeats)
    ]
    return {name: min(turn[name] for turn in turns) for name in runtimes}


def candidates(network: Network, *, double: bool = False) -> list[Layout]:
    """Return the layouts that may win: perhaps precise enough for the coefficients, not absurdly large when folded.

    Args:
        network: The network.
        double: Whether they compute in float64; there products as features win for no hidden layer.
    """
    spectra = _spectra(network)
    members = [Spectral(), *(_polynomials(spectra, double=double) if _short(spectra) else [Clenshaw()])]
    layouts = [layout_of(network, each, double=double) for each in members]
    if network.head == "dct":
        heads = [_head(layout.many, network.units) for layout in layouts]
        layouts += [replace(layout, head=head) for layout, head in zip(layouts, heads, strict=True) if head is not None]
    return [layout for layout in layouts if _folds(network, layout)]


def layout_of(network: Network, unrolling: Unrolling, *, double: bool = False) -> Layout:
    """Return the layout with an unrolling on the way to `output`, and to the bumps unless its read-out is large."""
    spectra = _spectra(network)
    readout = unrolling.readout(network.spectrum.astype(np.float64))
    if readout is None or readout.weight.size <= READOUT_WEIGHTS:
        return Layout(unrolling, double=double)
    explanation = Horner(fewest_doublings(spectra)) if _short(spectra) else Clenshaw()
    return Layout(unrolling, explanation, double=double)


def prediction(network: Network, layout: Layout) -> onnx.ModelProto:
    """Return the graph from `input` to `output` alone."""
    return part(assemble(network, layout), ["output"])


def _spectra(network: Network) -> list[Floats]:
    """Return the DCT coefficients of every layer that has them, float64 [neurons, Q]."""
    return [layer.coefficients.astype(np.float64) for layer in network.layers if layer.coefficients is not None]


def _short(spectra: list[Floats]) -> bool:
    """Whether every activation can be a polynomial."""
    return all(term_count(spectrum) <= MAX_TERMS for spectrum in spectra)


def _polynomials(spectra: list[Floats], *, double: bool) -> list[Unrolling]:
    """Return the unrollings by polynomials that are perhaps precise enough."""
    members = list[Unrolling]()
    for doublings in sorted({fewest_doublings(spectra, TRIED), fewest_doublings(spectra)}):
        members += [Horner(doublings), Folded(doublings)] + ([] if double else [Ladder(doublings)])
        if not double and any(fills(spectrum) for spectrum in spectra):
            members.append(Blocked(doublings))
    return members


def _head(unrolling: Unrolling, units: int) -> Unrolling | None:
    """Return an unrolling of fewer operators, which may suit the units of a dct head where that one suits a layer."""
    if isinstance(unrolling, Folded | Horner) and units <= LADDER_UNITS:
        return Ladder(unrolling.doublings)
    return Horner(unrolling.doublings) if isinstance(unrolling, Folded) else None


def _folds(network: Network, layout: Layout) -> bool:
    """Whether no map gets more than FOLDED_WEIGHTS with the read-outs before it folded in, nor all more than MOST."""
    readout: Affine | None = None
    sizes = list[int]()
    for number, layer in enumerate(network.layers, start=1):
        rows, columns = layer.weight.shape if readout is None else (len(layer.weight), readout.weight.shape[1])
        if layer.coefficients is not None:
            unrolling = (layout.head or layout.many) if number == len(network.layers) else layout.many
            spectrum, narrow = coefficients(layer), Affine(np.zeros((rows, 1)), np.zeros(rows))  # the whole may be huge
            rows, readout = len(unrolling.arguments(narrow, spectrum).bias), unrolling.readout(spectrum)
        sizes.append(rows * columns)
    if network.head == "dct" and readout is not None:
        sizes.append(readout.weight.size)
    return max(sizes) <= FOLDED_WEIGHTS and sum(sizes) <= MOST * max_operations(network)


def _seconds(runtime: Runtime, rows: NDArray[np.float32], calls: int, clock: Callable[[], float]) -> float:
    runtime.run(rows)  # brings its values back into the cache, which another session had
    start = clock()
    for _ in range(calls):
        runtime.run(rows)
    return (clock() - start) / calls
