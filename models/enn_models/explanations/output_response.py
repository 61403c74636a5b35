"""Response of the head to the pre-activation of an output, and the part of each bump in a probability.

A dct head applies a learned activation to the pre-activation z; its value and slope at z are returned. A linear head
for classes turns logits into probabilities. The change from the probability at the bias alone to the probability at
bias + bumps is attributed to the bumps by integrated gradients of the link, along the straight path between them: the
order of the bumps does not matter, and the parts sum to the change. One logit (sigmoid) has the closed form

    change_m = bump_m (p - p0) / sum of the bumps,

and several (softmax) have, for unit u, with p(t) the probabilities at bias + t x bumps, t from 0 to 1,

    change_m = bump_um integral of p_u - sum over v of bump_vm integral of p_u p_v,

computed by Gauss-Legendre quadrature; the largest difference between two logits decides the number of nodes.

Source: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, equation 1, with the bumps as
inputs and no bumps as the baseline.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import cos, tanh
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.cosine_series import Floats
from enn_models.network import Network, Parameters

MIN_BUMP_SUM = 1e-6
"""Minimum sum of bumps for the difference quotient; the derivative is exact to the last digit below it."""
MAX_QUADRATURE_ERROR = 1e-11
"""Tolerance of the quadrature, absolute error of a probability change."""
MIN_NODES, MAX_NODES = 16, 1024
MAX_PROBABILITIES = 2**20
"""Maximum probabilities in memory at once, rows x nodes x units."""


class UnitResponse(NamedTuple):
    """Response of one output for each row.

    Attributes:
        values: Response (regression value, score or probability), float64 [rows, 1]; a dct head adds value and slope
            of the output activation at the pre-activation, float64 [rows, 3].
        probability_changes: Part of each bump in response - base, float64 [rows, neurons]; None for other responses
            than probabilities.
    """

    values: Floats
    probability_changes: Floats | None


class _OutputCurve(NamedTuple):
    """Response, value and slope of one output activation in Python floats, for single rows.

    Attributes:
        offset: Difference between response and value.
        terms: Frequency, phase, phase plus pi/2, factor of the value and factor of the slope for each cosine.
    """

    offset: float
    terms: list[list[float]]

    def at(self, z: float) -> list[float]:
        """Return response, value and slope at z."""
        value = slope = 0.0
        for frequency, phase, ahead, height, steepness in self.terms:
            angle = frequency * z
            value += height * cos(angle + phase)
            slope += steepness * cos(angle + ahead)
        return [value + self.offset, value, slope]


class _OutputCosines(NamedTuple):
    """Response, value and slope of all output activations as sums of cosines cos(frequency z + phase).

    Attributes:
        frequencies: Angular frequencies in radians per unit of z, [cosines].
        phases: Phases in radians, [cosines].
        factors: Factors of each cosine in response, value and slope, [units, cosines, 3].
    """

    frequencies: Floats
    phases: Floats
    factors: Floats

    def at(self, z: Floats, units: int | NDArray[np.intp]) -> Floats:
        """Return response, value and slope at z [rows] as [rows, 3]; `units` is one unit, or one per row."""
        cosines = np.cos(z[:, None] * self.frequencies + self.phases)
        factors = self.factors[units]
        return cosines.dot(factors) if factors.ndim == 2 else (cosines[:, None] @ factors)[:, 0]

    def curves(self) -> list[_OutputCurve]:
        """Return the curve of each unit."""
        count = len(self.frequencies) // 2
        angles = [self.frequencies[:count], self.phases[:count], self.phases[count:-1]]
        return [
            _OutputCurve(float(own[-1, 0]), np.column_stack([*angles, own[:count, 1], own[count:-1, 2]]).tolist())
            for own in self.factors
        ]


class OutputResponse:
    """Head of a network: response of each output, and the part of each bump in a probability.

    Args:
        network: Network of any depth.

    Attributes:
        base_probabilities: Probability of each unit at the bias alone; None if the head has no probabilities.
        supports_single_rows: True if `of_row` supports this head: every head except softmax.
    """

    def __init__(self, network: Network) -> None:
        last = network.layers[-1]
        self._link, self._bias = network.link, last.bias.astype(np.float64)
        self._logit = float(self._bias[0])
        self._cosines = None if last.coefficients is None else _output_cosines(last.coefficients, network.output_offset)
        self._curves = [] if self._cosines is None else self._cosines.curves()
        self.supports_single_rows = self._link != "softmax"
        self.base_probabilities: list[float] | None = None
        if self._link != "identity":
            base = network.apply_head(self._bias[None])[0]
            self.base_probabilities = base[len(base) - network.units :].tolist()

    @property
    def values_per_row(self) -> int:
        """Number of values per row: 1, or 3 for a dct head."""
        return 1 if self._cosines is None else 3

    def of_batch(
        self, bumps: NDArray[np.floating], units: int | NDArray[np.intp], pre_activation: Floats
    ) -> UnitResponse:
        """Compute the response of one unit for each row.

        Args:
            bumps: Bumps of all units, [rows, units, neurons].
            units: Index of the unit for all rows, or one index per row.
            pre_activation: Pre-activation of the chosen unit, float64 [rows].
        """
        if self._cosines is not None:
            return UnitResponse(self._cosines.at(pre_activation, units), None)
        if self._link == "identity":
            return UnitResponse(pre_activation[:, None], None)
        if self._link == "sigmoid":
            return self._sigmoid(bumps[:, 0], pre_activation)
        return self._softmax(bumps, np.broadcast_to(units, len(bumps)))

    def of_row(self, bumps: Sequence[float], unit: int, z: float) -> tuple[list[float], list[float] | None]:
        """Return the response for one row of Python floats; for few neurons this is faster than arrays.

        Args:
            bumps: Bumps of the unit, one per neuron.
            unit: Index of the unit.
            z: Pre-activation of the unit.

        Returns:
            Values and probability changes, as in `UnitResponse`.
        """
        if self._curves:
            return self._curves[unit].at(z), None
        if self.base_probabilities is None:
            return [z], None
        probability, distance = 0.5 + 0.5 * tanh(0.5 * z), z - self._logit
        slope = probability * (1.0 - probability)
        if abs(distance) > MIN_BUMP_SUM:
            slope = (probability - self.base_probabilities[0]) / distance
        return [probability], [slope * bump for bump in bumps]

    def _sigmoid(self, bumps: NDArray[np.floating], z: Floats) -> UnitResponse:
        assert self.base_probabilities is not None  # noqa: S101  (every link but the identity has base probabilities)
        probability, distance = 0.5 + 0.5 * np.tanh(0.5 * z), z - self._bias
        slope = probability * (1.0 - probability)
        np.divide(probability - self.base_probabilities[0], distance, out=slope, where=np.abs(distance) > MIN_BUMP_SUM)
        return UnitResponse(probability[:, None], slope[:, None] * bumps)

    def _softmax(self, bumps: NDArray[np.floating], units: NDArray[np.intp]) -> UnitResponse:
        rows, classes, _ = bumps.shape
        response = UnitResponse(np.empty((rows, 1)), np.empty((rows, bumps.shape[2])))
        assert response.probability_changes is not None  # noqa: S101  (just made)
        logit_change = bumps.sum(axis=2, dtype=np.float64)
        nodes, weights = _quadrature(float(np.ptp(logit_change, axis=1).max(initial=0.0)))
        size = max(1, MAX_PROBABILITIES // (len(nodes) * classes))
        for start in range(0, rows, size):
            part = slice(start, start + size)
            own = units[part, None]
            path = _softmax(self._bias + np.append(nodes, 1.0)[:, None] * logit_change[part, None, :])
            of_unit = np.take_along_axis(path, own[..., None], axis=2)[..., 0]
            response.values[part, 0] = of_unit[:, -1]
            own_term = of_unit[:, :-1] @ weights
            cross_terms = np.einsum("n,rn,rnv->rv", weights, of_unit[:, :-1], path[:, :-1])
            bump = np.take_along_axis(bumps[part], own[..., None], axis=1)[:, 0]
            response.probability_changes[part] = own_term[:, None] * bump - np.einsum(
                "rv,rvm->rm", cross_terms, bumps[part]
            )
        return response


def _output_cosines(coefficients: Parameters, offset: Parameters) -> _OutputCosines:
    """Return cosines for the series, for its derivative (phase plus pi/2), and for the offset (frequency 0)."""
    omega, units = cosine_series.frequencies(coefficients.shape[1]), len(coefficients)
    factors = np.zeros((units, 2 * len(omega) + 1, 3))
    factors[:, : len(omega), 0] = factors[:, : len(omega), 1] = coefficients
    factors[:, len(omega) : -1, 2] = coefficients * omega
    factors[:, -1, 0] = offset
    zero = np.zeros(1)
    return _OutputCosines(
        np.concatenate([omega, omega, zero]), np.concatenate([omega, omega + np.pi / 2, zero]), factors
    )


def _softmax(logits: Floats) -> Floats:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _quadrature(step: float) -> tuple[Floats, Floats]:
    """Return quadrature nodes and weights on [0, 1] for a difference `step` between two logits.

    The nearest poles of the probabilities are pi / step away from the path, and the error of n nodes falls as
    rho^(-2n); rho is the sum of the half axes of the ellipse through the poles with the ends of the path as foci.
    """
    pole = 2 * np.pi / max(step, 1e-9)
    needed = -np.log(MAX_QUADRATURE_ERROR) / (2 * np.log(pole + np.hypot(pole, 1.0)))
    count = MIN_NODES
    while count < min(needed, MAX_NODES):
        count *= 2
    return _gauss_legendre(count)


@lru_cache
def _gauss_legendre(count: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2
