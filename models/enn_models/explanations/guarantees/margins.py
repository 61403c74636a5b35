"""Margins: functions of a row that are positive where an outcome holds, with values, gradients and sound bounds.

An outcome is a class label, a regression value on one side of a limit, or the pre-activation itself. A margin is the
smallest or the largest of several differences A y + t of the outputs y.
"""

from dataclasses import dataclass, replace

import numpy as np

from enn_models import cosine_series
from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.bounds import Bounds
from enn_models.explanations.guarantees.regions import Regions
from enn_models.network import Network

LINK_ERROR = 64 * 2.0**-24
"""Difference of two logits from which their probabilities in float32 differ in the same direction."""


@dataclass(frozen=True, eq=False)
class Margin:
    """Smallest or largest difference of outputs.

    Attributes:
        network: Network of encoded rows; its encoding is None.
        bounds: Bounds of the network.
        weights: Weights A of the outputs, float64 [differences, units].
        constants: Constants t, float64 [differences].
        smallest: True for the smallest difference, False for the largest.
        after_head: True if y are the outputs of the head before its link, False for the pre-activations.
        error: Part of a difference that the link may lose in float32.
    """

    network: Network
    bounds: Bounds
    weights: Floats
    constants: Floats
    smallest: bool = True
    after_head: bool = True
    error: float = 0.0

    def negated(self) -> "Margin":
        """Return the margin of the opposite outcome."""
        return replace(self, weights=-self.weights, constants=-self.constants, smallest=not self.smallest)

    def values(self, rows: Floats) -> Floats:
        """Return the exact margins of encoded rows, [rows]."""
        return self._chosen(self._outputs(self._pre_activations(rows)) @ self.weights.T + self.constants)

    def gradients(self, rows: Floats) -> Floats:
        """Return the derivatives of the margin by each column, [rows, columns]."""
        z = self._pre_activations(rows)
        differences = self._outputs(z) @ self.weights.T + self.constants
        weights = self.weights[differences.argmin(axis=1) if self.smallest else differences.argmax(axis=1)]
        coefficients = self.network.layers[-1].coefficients
        if self.after_head and coefficients is not None:
            weights = weights * cosine_series.derivative(z, coefficients)
        return np.einsum("ru,ruc->rc", weights, self.network.gradient(rows))

    def lower(self, regions: Regions) -> Floats:
        """Return lower bounds of the margin of the graph in float32 over regions, [regions]."""
        head = self.bounds.head
        if not self.after_head or head is None:
            return self._chosen(self.bounds.lower(regions, self.weights) + self.constants - self.error)
        units = np.eye(self.network.units)
        low, high = self.bounds.lower(regions, units), -self.bounds.lower(regions, -units)
        low, high = head.values(low, high)
        offset, error = self.network.output_offset.astype(np.float64), self.bounds.error.responses
        low, high = low + offset - error, high + offset + error
        rising, falling = np.maximum(self.weights, 0.0).T, np.minimum(self.weights, 0.0).T
        return self._chosen(low @ rising + high @ falling + self.constants - self.error)

    def _pre_activations(self, rows: Floats) -> Floats:
        signal = rows - self.network.input_offset
        for layer in self.network.layers[:-1]:
            assert layer.coefficients is not None  # noqa: S101 - Network checks that hidden layers have coefficients
            signal = _clenshaw(layer.pre_activation(signal), layer.coefficients.astype(np.float64))
        return self.network.layers[-1].pre_activation(signal)

    def _outputs(self, z: Floats) -> Floats:
        last = self.network.layers[-1]
        if not self.after_head or last.coefficients is None:
            return z
        return last.activation(z) + self.network.output_offset

    def _chosen(self, differences: Floats) -> Floats:
        return differences.min(axis=1) if self.smallest else differences.max(axis=1)


def _clenshaw(z: Floats, coefficients: Floats) -> Floats:
    """Return the activations of z, [rows, neurons]: one cosine for each, where the oracle computes one per harmonic.

    Source: Clenshaw, "A note on the summation of Chebyshev series", 1955.
    """
    cosine = np.cos((np.pi / 2) * (z + 1.0))
    twice, after, sums = 4.0 * cosine**2 - 2.0, np.zeros_like(z), np.zeros_like(z)
    for column in coefficients.T[::-1]:
        after, sums = sums, column + twice * sums - after
    return cosine * (sums - after)


def pre_activation_margin(network: Network, bounds: Bounds, unit: int, sign: float) -> Margin:
    """Return sign x the pre-activation of a unit."""
    weights = np.zeros((1, network.units))
    weights[0, unit] = sign
    return Margin(network, bounds, weights, np.zeros(1), after_head=False)


def class_margin(network: Network, bounds: Bounds, label: int) -> Margin:
    """Return the margin of a class: its smallest lead over another one.

    Args:
        network: Classifier.
        bounds: Bounds of the network.
        label: Index of the class.
    """
    error = 0.0 if network.head == "dct" else LINK_ERROR
    if network.units == 1:
        return Margin(network, bounds, np.array([[1.0 if label else -1.0]]), np.zeros(1), error=error)
    others = np.delete(np.eye(network.units), label, axis=0)
    return Margin(network, bounds, np.eye(network.units)[label] - others, np.zeros(len(others)), error=error)


def value_margin(network: Network, bounds: Bounds, unit: int, limit: float, sign: float) -> Margin:
    """Return sign x (value - limit) of a regression."""
    weights = np.zeros((1, network.units))
    weights[0, unit] = sign
    return Margin(network, bounds, weights, np.array([-sign * limit]))
