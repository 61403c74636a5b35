"""Angles modulo a full turn, exact to float32 however many turns they make: for weights too large for a plain Gemm.

In w x both factors are split into a coarse part on a grid and the fine rest. The coarse product is exact in float32, so
whole turns can be taken off it without error; the fine ones are small, and so are their roundings.
"""

import numpy as np

from enn_models.series import Floats
from enn_training.exporting.affine import Affine
from enn_training.exporting.graph import Graph, Value

FULL_TURN = 2 * np.pi
BITS = 23
"""One less than the digits of a float32, for the carry of a sum."""


def wrapped(graph: Graph, source: Value, affine: Affine, reach: Floats, name: str, *, columns: bool) -> Value:
    """Append an affine map to angles in radians, each brought near [-pi, pi].

    Args:
        graph: The graph to append to.
        source: The inputs, [batch, inputs].
        affine: The map to the angles.
        reach: The largest magnitude of each input, float64 [inputs]; beyond it precision is lost, not periodicity.
        name: The result's name.
        columns: Whether the result lies [angles, batch].
    """
    turns = affine.weight / FULL_TURN
    input_grid, weight_grid = _grids(np.abs(turns), reach)
    coarse_weight = np.round(turns / weight_grid) * weight_grid
    steps = graph.binary("Mul", source.name, 1.0 / input_grid, f"{name}/steps")
    coarse = graph.binary("Mul", graph.node("Round", [steps], f"{name}/rounded"), input_grid, f"{name}/coarse")
    fine = Value(graph.node("Sub", [source.name, coarse], f"{name}/fine"), source.neurons, columns=False)
    whole = Affine(coarse_weight, np.zeros(len(turns)))
    exact = graph.affine([Value(coarse, source.neurons, columns=False)], whole, f"{name}/exact", columns=columns).name
    fraction = graph.node("Sub", [exact, graph.node("Round", [exact], f"{name}/turns")], f"{name}/fraction")
    bias = np.remainder(affine.bias / FULL_TURN + 0.5, 1.0) - 0.5
    rest = Affine(np.concatenate([coarse_weight, turns - coarse_weight], axis=1), bias)
    small = graph.affine([fine, source], rest, f"{name}/rest", columns=columns).name
    total = graph.node("Add", [fraction, small], f"{name}/total")
    return Value(graph.binary("Mul", total, np.full((1, 1), FULL_TURN), name), len(turns), columns)


def _grids(turns: Floats, reach: Floats) -> tuple[Floats, Floats]:
    """Return the grids of inputs and weights: powers of two whose product keeps every sum below 2^BITS steps."""
    bits = BITS - np.ceil(np.log2(max((turns @ reach).max(), 1.0)))
    largest = np.maximum(turns.max(axis=0), 1e-30)
    input_bits = np.round((bits + np.log2(largest) - np.log2(np.maximum(reach, 1e-30))) / 2)
    return 2.0**-input_bits, 2.0 ** (input_bits - bits)
