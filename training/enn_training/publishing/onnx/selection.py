"""Select the unrollings of a network's graph by a cost estimate or by timing on this machine."""

import math
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
from enn_training.publishing.onnx.cost_model import estimate_microseconds
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.route import layer_coefficients
from enn_training.publishing.onnx.layout import Layout, build_graph
from enn_training.publishing.onnx.runtime import RuntimeSession, extract_part
from enn_training.publishing.onnx.unrollings import Blocked, Clenshaw, Folded, Horner, Ladder, Spectral, Unrolling
from enn_training.publishing.onnx.unrollings.blocked import fills_blocks
from enn_training.publishing.onnx.unrollings.polynomial import (
    MAX_TERMS,
    MAX_TRIED_AMPLIFICATION,
    fewest_doublings,
    term_count,
)

LARGE_BATCH = 1024
"""Batch size for which the cost of a layout is minimized."""
MEDIUM_BATCH = 128
"""Batch size that decides between layouts of nearly equal cost."""
HEAD_COST_MARGIN = 1 / 20
"""Maximum relative extra cost at LARGE_BATCH of a dct head with fewer operators that is cheaper at MEDIUM_BATCH."""
MAX_FEW_ROWS = 128
"""Maximum number of rows answered by the path for few rows."""
MAX_FOLDED_WEIGHTS = 2**18
"""Maximum number of weights of an affine map that an unrolling makes larger than the layer; a larger one is slower
than any other unrolling.
"""
MAX_OPERATIONS_SHARE = 1 / 2
"""Maximum share of the operations allowed in a package that the weights on one path may use; nearly all its
operations.
"""
MAX_READOUT_WEIGHTS = 2**15
"""Maximum number of weights of a read-out on the path to the bumps; unrolling twice is faster than a larger one."""
MAX_LADDER_UNITS = 3
"""Maximum number of units of a head with its own ladder: the size of its read-out grows with their square."""
REPEATS = 21
"""Number of measurements of each layout, of which the shortest counts."""
MEASUREMENT_SECONDS = 0.005
"""Duration of one measurement in seconds."""


def select_by_rule(network: Network, layouts: Iterable[Layout]) -> Layout:
    """Return the layout with the lowest estimated cost for single rows and for batches; it is equal on every machine.

    For batches this is the cheapest layout at LARGE_BATCH. Among the layouts that differ from it only in the head and
    cost at most HEAD_COST_MARGIN more, the cheapest at MEDIUM_BATCH is taken. The unrolling of the hidden layers is not
    changed there, because explanations share it.

    Args:
        network: Network to export.
        layouts: Candidates, all exact.
    """
    models = {layout: prediction_graph(network, layout) for layout in layouts}

    def cost(layout: Layout, rows: int) -> float:
        return estimate_microseconds(models[layout], rows)

    few = min(models, key=lambda layout: cost(layout, 1))
    costs = {layout: cost(layout, LARGE_BATCH) for layout in models}
    cheapest = min(costs, key=lambda layout: costs[layout])
    same_hidden = [layout for layout in models if replace(layout, head=cheapest.head) == cheapest]
    close = [layout for layout in same_hidden if costs[layout] <= (1 + HEAD_COST_MARGIN) * costs[cheapest]]
    many = min(close, key=lambda layout: cost(layout, MEDIUM_BATCH))
    if few == many:
        return many
    rows = 1
    while rows < MAX_FEW_ROWS and cost(few, rows + 1) < cost(many, rows + 1):
        rows += 1
    return replace(many, few=few, few_rows=rows)


def time_layouts(network: Network, rows: NDArray[np.float32], layouts: Iterable[Layout]) -> dict[str, float]:
    """Return the measured microseconds of a prediction by layout name.

    Args:
        network: Network to export.
        rows: Batch to time, float32 [batch, features].
        layouts: Candidates.
    """
    at_once = max_batch_rows(network)
    graphs = {layout.name: prediction_graph(network, layout) for layout in layouts}
    return measure_microseconds(
        {name: RuntimeSession(graph, ["output"], rows=at_once) for name, graph in graphs.items()}, rows
    )


def measure_microseconds(
    sessions: Mapping[str, RuntimeSession], rows: NDArray[np.float32], repeats: int = REPEATS
) -> dict[str, float]:
    """Return the microseconds of one run by session name: the shortest of several measurements taken in turns.

    Times are CPU times of this thread, so that other load on the machine has little influence.

    Args:
        sessions: Sessions by name.
        rows: Batch to run, float32 [batch, features].
        repeats: Number of measurements of each session.
    """
    runs = {
        name: max(1, int(MEASUREMENT_SECONDS / _seconds_per_run(session, rows, 3, time.perf_counter)))
        for name, session in sessions.items()
    }
    shortest = dict.fromkeys(sessions, math.inf)
    for _ in range(repeats):
        for name, session in sessions.items():
            seconds = _seconds_per_run(session, rows, runs[name], time.thread_time)
            shortest[name] = min(shortest[name], 1e6 * seconds)
    return shortest


def candidate_layouts(network: Network, *, float64: bool = False) -> list[Layout]:
    """Return the layouts worth trying: possibly exact for these coefficients and not too large once folded.

    Args:
        network: Network to export.
        float64: Compute in float64, where no ladder is worth trying for hidden layers.
    """
    spectra = _coefficients_of_layers(network)
    further = _polynomial_unrollings(spectra, float64=float64) if _suits_polynomials(spectra) else [Clenshaw()]
    layouts = [layout_for(network, unrolling, float64=float64) for unrolling in (Spectral(), *further)]
    if network.head == "dct":
        heads = [_head_unrolling(layout.unrolling, network.units) for layout in layouts]
        layouts += [replace(layout, head=head) for layout, head in zip(layouts, heads, strict=True) if head is not None]
    return [layout for layout in layouts if _fits_size_limits(network, layout)]


def layout_for(network: Network, unrolling: Unrolling, *, float64: bool = False) -> Layout:
    """Return a layout of one unrolling, with a separate path to the bumps if the read-out of the unrolling is large."""
    spectra = _coefficients_of_layers(network)
    readout = unrolling.readout(network.spectrum.astype(np.float64))
    if readout is None or readout.weight.size <= MAX_READOUT_WEIGHTS:
        return Layout(unrolling, float64=float64)
    explanation = Horner(fewest_doublings(spectra)) if _suits_polynomials(spectra) else Clenshaw()
    return Layout(unrolling, explanation, float64=float64)


def prediction_graph(network: Network, layout: Layout) -> onnx.ModelProto:
    """Return the part of the graph from `input` to `output`."""
    return extract_part(build_graph(network, layout), ["output"])


def _coefficients_of_layers(network: Network) -> list[Floats]:
    """Return the DCT coefficients of every activated layer, float64 [neurons, Q]."""
    return [layer.coefficients.astype(np.float64) for layer in network.layers if layer.coefficients is not None]


def _suits_polynomials(spectra: list[Floats]) -> bool:
    """Return True if every activation can be written as a polynomial."""
    return all(term_count(spectrum) <= MAX_TERMS for spectrum in spectra)


def _polynomial_unrollings(spectra: list[Floats], *, float64: bool) -> list[Unrolling]:
    """Return the unrollings by polynomials that are possibly precise enough."""
    members = list[Unrolling]()
    for doublings in sorted({fewest_doublings(spectra, MAX_TRIED_AMPLIFICATION), fewest_doublings(spectra)}):
        members += [Horner(doublings), Folded(doublings)] + ([] if float64 else [Ladder(doublings)])
        if not float64 and any(fills_blocks(spectrum) for spectrum in spectra):
            members.append(Blocked(doublings))
    return members


def _head_unrolling(unrolling: Unrolling, units: int) -> Unrolling | None:
    """Return an unrolling with fewer operators for the few units of a dct head; None if there is none."""
    if isinstance(unrolling, Folded | Horner) and units <= MAX_LADDER_UNITS:
        return Ladder(unrolling.doublings)
    return Horner(unrolling.doublings) if isinstance(unrolling, Folded) else None


def _fits_size_limits(network: Network, layout: Layout) -> bool:
    """Return True if no map has more than MAX_FOLDED_WEIGHTS weights, unless it is as small as the layer itself.

    A map is larger than its layer if the unrolling has several arguments for a neuron, or folds in a read-out.

    The weights of all maps together must not exceed MAX_OPERATIONS_SHARE of the operations allowed in a package.
    """
    readout: Affine | None = None
    sizes = list[int]()
    for number, layer in enumerate(network.layers, start=1):
        rows, columns = layer.weight.shape if readout is None else (len(layer.weight), readout.weight.shape[1])
        if layer.coefficients is not None:
            unrolling = (layout.head or layout.unrolling) if number == len(network.layers) else layout.unrolling
            spectrum = layer_coefficients(layer)
            narrow = Affine(np.zeros((rows, 1)), np.zeros(rows))  # one input: the complete map may be very large
            rows, readout = len(unrolling.arguments(narrow, spectrum).bias), unrolling.readout(spectrum)
        size = rows * columns
        if size > max(MAX_FOLDED_WEIGHTS, layer.weight.size):
            return False
        sizes.append(size)
    if network.head == "dct" and readout is not None:
        if readout.weight.size > MAX_FOLDED_WEIGHTS:
            return False
        sizes.append(readout.weight.size)
    return sum(sizes) <= MAX_OPERATIONS_SHARE * max_operations(network)


def _seconds_per_run(
    session: RuntimeSession, rows: NDArray[np.float32], runs: int, clock: Callable[[], float]
) -> float:
    """Return the mean seconds of one run over several runs."""
    session.run(rows)  # refill the CPU cache, which the previous session used
    start = clock()
    for _ in range(runs):
        session.run(rows)
    return (clock() - start) / runs
