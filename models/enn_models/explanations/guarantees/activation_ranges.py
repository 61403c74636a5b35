"""Ranges of activations and of their curvatures over intervals, from tables of one period.

The period of an activation is cut into cells. A cosine series between two points a cell h apart leaves the range of its
values at the points by at most h^2/8 times its largest second derivative, so the range of a cell is known without a
search for extrema. A sparse table (the maximum over 1, 2, 4, ... cells from each cell on) answers any interval in two
look-ups.

Source: Bender, Farach-Colton, "The LCA Problem Revisited", LATIN 2000, section 3: the sparse table.
"""

import numpy as np
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.cosine_series import Floats
from enn_models.network import Parameters

PERIOD = 4.0
MAX_ENTRIES = 2**20
"""Maximum entries of a sparse table: 4 MiB for each of the four functions."""
MAX_PHASE_OF_CELL = 0.05
"""Phase that the highest harmonic turns in a cell, in radians, if memory allows."""
MIN_CELLS = 16
MAX_COSINES = 2**21
"""Maximum cosines at the ends of the cells: 16 MiB."""


class ActivationRanges:
    """Ranges of the activations of one layer and of their second derivatives.

    Args:
        coefficients: DCT coefficients F, [neurons, Q].

    Attributes:
        slope: Upper bound of |sigma'| of each neuron, [neurons].
        jerk: Upper bound of |sigma'''| of each neuron, [neurons].
        amplitude: Upper bound of |sigma| of each neuron, [neurons].
    """

    def __init__(self, coefficients: Parameters) -> None:
        self._coefficients = coefficients.astype(np.float64)
        neurons, harmonics = coefficients.shape
        self._omega = cosine_series.frequencies(harmonics)
        size = np.abs(self._coefficients)
        self.amplitude, self.slope = size.sum(axis=1), size @ self._omega
        self.jerk, self._snap = size @ self._omega**3, size @ self._omega**4
        self._cells = _cell_count(neurons, harmonics)
        self._width = PERIOD / self._cells
        self._neurons = np.arange(neurons)
        values, curvatures = self._nodes()
        allowance = self._width**2 / 8
        # The second derivative of the curvature is the fourth one of the series.
        bend = _cell_maxima(np.abs(curvatures)) + allowance * self._snap[:, None]
        highest = [_cell_maxima(sign * values) + allowance * bend for sign in (1, -1)]
        highest += [_cell_maxima(sign * curvatures) + allowance * self._snap[:, None] for sign in (1, -1)]
        self._table = _sparse_table(np.stack(highest))

    def at(self, z: Floats) -> tuple[Floats, Floats, Floats]:
        """Return value, slope and curvature of the activations at z [batch, neurons]."""
        angle = self._omega * (z[..., None] + 1.0)
        cosines = np.cos(angle) * self._coefficients
        slopes = -(np.sin(angle) * (self._coefficients * self._omega)).sum(axis=-1)
        return cosines.sum(axis=-1), slopes, -(cosines @ self._omega**2)

    def over(self, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return bounds over intervals of z.

        Args:
            low: Lower ends, [batch, neurons].
            high: Upper ends, [batch, neurons].

        Returns:
            Lower and upper bound of the activation, then of its curvature, each [batch, neurons].
        """
        first, last = np.floor(low / self._width), np.floor(high / self._width)
        count = np.minimum(last - first + 1, self._cells).astype(np.int64)
        level = np.frexp(count)[1] - 1
        starts = first.astype(np.int64) % self._cells
        ends = (starts + count - (1 << level)) % self._cells
        found = np.maximum(
            self._table[:, level, self._neurons, starts], self._table[:, level, self._neurons, ends]
        ).astype(np.float64)
        return -found[1], found[0], -found[3], found[2]

    def values(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Return bounds of the activation over intervals, which are tight for intervals shorter than a cell too.

        The bounds of the table reach to the ends of cells. Those of the tangent at the middle of an interval do not.

        Args:
            low: Lower ends, [batch, neurons].
            high: Upper ends, [batch, neurons].
        """
        least, most, flattest, steepest = self.over(low, high)
        half = (high - low) / 2
        value, slope, _ = self.at((low + high) / 2)
        reach, square = np.abs(slope) * half, half**2 / 2
        below = value - reach + np.minimum(flattest, 0.0) * square
        return np.maximum(least, below), np.minimum(most, value + reach + np.maximum(steepest, 0.0) * square)

    def _nodes(self) -> tuple[Floats, Floats]:
        """Return values and curvatures at the ends of the cells, [neurons, cells + 1]."""
        z = np.arange(self._cells + 1) * self._width
        basis = np.cos(self._omega[:, None] * (z + 1.0))
        return self._coefficients @ basis, -(self._coefficients * self._omega**2) @ basis


def _cell_count(neurons: int, harmonics: int) -> int:
    """Return the number of cells of a period, a power of two."""
    wanted = PERIOD * float(cosine_series.frequencies(harmonics)[-1]) / MAX_PHASE_OF_CELL
    cells = MIN_CELLS
    while (
        cells < wanted
        and 2 * cells * harmonics <= MAX_COSINES
        and 2 * cells * neurons * (cells.bit_length() + 1) <= MAX_ENTRIES
    ):
        cells *= 2
    return cells


def _cell_maxima(nodes: Floats) -> Floats:
    return np.maximum(nodes[..., :-1], nodes[..., 1:])


def _sparse_table(cells: Floats) -> NDArray[np.float32]:
    """Return the maxima over 2^level cells from each cell on, float32 [functions, levels, neurons, cells]."""
    rounded = np.nextafter(cells.astype(np.float32), np.float32(np.inf))
    levels, window = [rounded], 1
    while window < cells.shape[-1]:
        levels.append(np.maximum(levels[-1], np.roll(levels[-1], -window, axis=-1)))
        window *= 2
    return np.stack(levels, axis=1)
