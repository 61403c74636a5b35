"""The response_of_output: what the head makes of an output's pre-activation, and what each bump has in that.

A dct head reads the pre-activation z off its learned activation, so where z stands on it is told: value and slope. A
linear head of classes reads probabilities off the logits, and the change from the probability at the bias alone to that
at bias + bumps is shared out among the bumps by integrated gradients of the link along the straight path between them:
no order of the bumps is preferred, and the shares sum to the change. One logit (sigmoid) has the closed form

    change_m = bump_m (p - p0) / sum of the bumps,

and several (softmax) have, for unit u, with p(t) the probabilities at bias + t x bumps, t from 0 to 1,

    change_m = bump_um integral of p_u - sum over v of bump_vm integral of p_u p_v,

by Gauss-Legendre with as many nodes as the sharpest step between two logits needs.

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
"""Bumps that sum to less change the probability by its derivative times them, to the last digit."""
MAX_QUADRATURE_ERROR = 1e-11
"""What Gauss-Legendre may leave of a change."""
MIN_NODES, MAX_NODES = 16, 1024
MAX_PROBABILITIES = 2**20
"""Probabilities held at once, rows x nodes x units."""


class UnitResponse(NamedTuple):
    """What the head makes of one output, in rows.

    Attributes:
        values: float64 [rows, 1 or 3]: the response (regression value, score or probability); of a dct head also the
            value and the slope of the output activation where the pre-activation stands.
        probability_changes: Part of each bump in response - base, float64 [rows, neurons]; None for other responses
            than probabilities.
    """

    values: Floats
    probability_changes: Floats | None


class _OutputCurve(NamedTuple):
    """Response, value and slope of one output activation, in Python's own numbers.

    Attributes:
        offset: What the response is besides the value.
        terms: Of each cosine frequency, phase, the phase a quarter turn ahead, and the factors in value and slope.
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
    """Those of all output activations, cos(frequency z + phase) being the cosines.

    Attributes:
        frequencies: [cosines], in radians per unit of z.
        phases: [cosines].
        factors: Of each cosine in response, value and slope, [units, cosines, 3].
    """

    frequencies: Floats
    phases: Floats
    factors: Floats

    def at(self, z: Floats, units: int | NDArray[np.intp]) -> Floats:
        """Return response, value and slope, [rows, 3], of a unit at z [rows], of all rows or one a row."""
        cosines = np.cos(z[:, None] * self.frequencies + self.phases)
        factors = self.factors[units]
        return cosines.dot(factors) if factors.ndim == 2 else (cosines[:, None] @ factors)[:, 0]

    def curves(self) -> list[_OutputCurve]:
        """Return each unit's."""
        count = len(self.frequencies) // 2
        angles = [self.frequencies[:count], self.phases[:count], self.phases[count:-1]]
        return [
            _OutputCurve(float(own[-1, 0]), np.column_stack([*angles, own[:count, 1], own[count:-1, 2]]).tolist())
            for own in self.factors
        ]


class OutputResponse:
    """The head of a network.

    Args:
        network: Any depth.

    Attributes:
        base_probabilities: The probability of each unit at the bias alone; None where the head gives no probabilities.
        supports_single_rows: Whether `of_row` reads this head: all but a softmax.
    """

    def __init__(self, network: Network) -> None:
        last = network.layers[-1]
        self._link, self._bias = network.link, last.bias.astype(np.float64)
        self._logit = float(self._bias[0])
        self._waves = None if last.coefficients is None else _output_cosines(last.coefficients, network.output_offset)
        self._curves = [] if self._waves is None else self._waves.curves()
        self.supports_single_rows = self._link != "softmax"
        self.base_probabilities: list[float] | None = None
        if self._link != "identity":
            base = network.apply_head(self._bias[None])[0]
            self.base_probabilities = base[len(base) - network.units :].tolist()

    @property
    def values_per_row(self) -> int:
        """How many numbers a row has in a reading."""
        return 1 if self._waves is None else 3

    def of_batch(
        self, bumps: NDArray[np.floating], units: int | NDArray[np.intp], pre_activation: Floats
    ) -> UnitResponse:
        """Return what the head makes of a unit in each row.

        Args:
            bumps: [rows, units, neurons].
            units: The unit, of all rows or one a row.
            pre_activation: The unit's, float64 [rows].
        """
        if self._waves is not None:
            return UnitResponse(self._waves.at(pre_activation, units), None)
        if self._link == "identity":
            return UnitResponse(pre_activation[:, None], None)
        if self._link == "sigmoid":
            return self._sigmoid(bumps[:, 0], pre_activation)
        return self._softmax(bumps, np.broadcast_to(units, len(bumps)))

    def of_row(self, bumps: Sequence[float], unit: int, z: float) -> tuple[list[float], list[float] | None]:
        """Return the response for one row of Python floats; for few neurons this is faster than arrays.

        Args:
            bumps: The unit's, one a neuron.
            unit: The unit.
            z: Its pre-activation.

        Returns:
            Numbers and changes.
        """
        if self._curves:
            return self._curves[unit].at(z), None
        if self.base_probabilities is None:
            return [z], None
        probability, moved = 0.5 + 0.5 * tanh(0.5 * z), z - self._logit
        slope = probability * (1.0 - probability)
        if abs(moved) > MIN_BUMP_SUM:
            slope = (probability - self.base_probabilities[0]) / moved
        return [probability], [slope * bump for bump in bumps]

    def _sigmoid(self, bumps: NDArray[np.floating], z: Floats) -> UnitResponse:
        assert self.base_probabilities is not None  # noqa: S101  (a link other than the identity gives probabilities)
        probability, moved = 0.5 + 0.5 * np.tanh(0.5 * z), z - self._bias
        slope = probability * (1.0 - probability)
        np.divide(probability - self.base_probabilities[0], moved, out=slope, where=np.abs(moved) > MIN_BUMP_SUM)
        return UnitResponse(probability[:, None], slope[:, None] * bumps)

    def _softmax(self, bumps: NDArray[np.floating], units: NDArray[np.intp]) -> UnitResponse:
        rows, classes, _ = bumps.shape
        reading = UnitResponse(np.empty((rows, 1)), np.empty((rows, bumps.shape[2])))
        assert reading.probability_changes is not None  # noqa: S101  (just made)
        moved = bumps.sum(axis=2, dtype=np.float64)
        nodes, weights = _quadrature(float(np.ptp(moved, axis=1).max(initial=0.0)))
        size = max(1, MAX_PROBABILITIES // (len(nodes) * classes))
        for start in range(0, rows, size):
            part = slice(start, start + size)
            own = units[part, None]
            path = _softmax(self._bias + np.append(nodes, 1.0)[:, None] * moved[part, None, :])
            of_unit = np.take_along_axis(path, own[..., None], axis=2)[..., 0]
            reading.values[part, 0] = of_unit[:, -1]
            single = of_unit[:, :-1] @ weights
            pairs = np.einsum("n,rn,rnv->rv", weights, of_unit[:, :-1], path[:, :-1])
            bump = np.take_along_axis(bumps[part], own[..., None], axis=1)[:, 0]
            reading.probability_changes[part] = single[:, None] * bump - np.einsum("rv,rvm->rm", pairs, bumps[part])
        return reading


def _output_cosines(coefficients: Parameters, offset: Parameters) -> _OutputCosines:
    """Return the cosines of the series, those a quarter turn ahead for its derivative, and one that is always 1."""
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
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _quadrature(step: float) -> tuple[Floats, Floats]:
    """Return nodes and weights on [0, 1] for logits of which two come apart by a step.

    The probabilities have their nearest poles pi / step beside the path, and the error of n nodes falls as rho^(-2n),
    rho the sum of the half axes of the ellipse through them with the ends of the path as its foci.
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
