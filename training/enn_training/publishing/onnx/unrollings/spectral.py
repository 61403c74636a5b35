"""Spectral unrolling: every harmonic is a neuron, Gemm -> Sin -> Gemm; the fewest nodes and the most sines."""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value


@dataclass(frozen=True)
class Spectral:
    """sin(+-(2q-1) phi) for every coefficient that is not zero; F is folded into the affine map that follows."""

    name: str = "spectral"
    neurons_first: bool = False

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return +-(2q-1) phi of each nonzero (neuron, harmonic)."""
        neurons, harmonics = nonzero_coefficients(coefficients)
        odd = (2 * harmonics + 1.0) * (-1.0) ** harmonics
        angles = affine.to_angles()
        bias = np.remainder(odd * angles.bias[neurons] + np.pi, 2 * np.pi) - np.pi
        return Affine(odd[:, None] * angles.weight[neurons], bias)

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append one Sin."""
        sines = graph.add_node("Sin", [arguments], f"{scope}/harmonics")
        return Value(sines, len(nonzero_coefficients(coefficients)[0]), neurons_first=False)

    def readout(self, coefficients: Floats) -> Affine:
        """Return the matrix of the coefficients F, [neurons, features]."""
        neurons, harmonics = nonzero_coefficients(coefficients)
        weight = np.zeros((len(coefficients), len(neurons)))
        weight[neurons, np.arange(len(neurons))] = coefficients[neurons, harmonics]
        return Affine(weight, np.zeros(len(coefficients)))


def nonzero_coefficients(coefficients: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Return the neuron and harmonic indices of every nonzero coefficient; the first coefficient if all are zero."""
    neurons, harmonics = np.nonzero(coefficients)
    return (neurons, harmonics) if len(neurons) else (np.array([0]), np.array([0]))
