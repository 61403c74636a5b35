"""Penalties of a network for tables: on its weights, and on the bending of its activations away from lines."""

import numpy as np
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_training.learners.levenberg_marquardt.parameters import Parameters

Floats = NDArray[np.float64]

BIAS_SHARE = 1e-3
"""Penalty of a hidden bias as a share of that of a weight, which keeps the equations definite."""
STEEPNESS = 4.0
"""Power of the frequency 2q - 1 in the penalty of bending: that of the integral of the squared second derivative."""


def penalty_matrix(parameters: Parameters, weights: float, bending: float) -> Floats:
    """Return the symmetric matrix A of the penalty theta' A theta / 2, [size, size].

    An activation is a line plus a rest, F = a LINE + E. The penalty of a neuron is `weights` times the square of its
    weights and of a, plus `bending` times the sum of (2q - 1)^4 E_q^2, at the slope a that makes it least.

    Args:
        parameters: Places of the parameters.
        weights: Factor for weights and slopes.
        bending: Factor for bending.
    """
    layout, matrix = parameters.layout, np.zeros((parameters.size, parameters.size))
    diagonal = np.full(parameters.size, 1e-8)
    for layer in range(len(layout.kinds)):
        inputs, neurons, harmonics = (
            int(each) for each in (*layout.widths[layer : layer + 2], layout.harmonics[layer])
        )
        if layout.weight[layer] >= 0:
            diagonal[layout.weight[layer] :][: inputs * neurons] = weights
        if layer < len(layout.kinds) - 1 and layout.bias[layer] >= 0:
            diagonal[layout.bias[layer] :][:neurons] = BIAS_SHARE * weights
        block = _bending_block(harmonics, weights, bending)
        for start in range(neurons if harmonics else 0):
            place = slice(
                layout.coefficients[layer] + start * harmonics, layout.coefficients[layer] + (start + 1) * harmonics
            )
            matrix[place, place] = block
    matrix[np.diag_indices_from(matrix)] += diagonal
    return matrix


def _bending_block(harmonics: int, weights: float, bending: float) -> Floats:
    """Return the matrix of the penalty of one activation, [Q, Q]."""
    if not harmonics:
        return np.zeros((0, 0))
    factors = bending * (2.0 * np.arange(harmonics) + 1.0) ** STEEPNESS
    line = cosine_series.line(harmonics)
    across = factors * line
    return np.diag(factors) - np.outer(across, across) / (weights + across @ line)
