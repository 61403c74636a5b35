"""Spectral: every harmonic is a neuron of its own: Gemm -> Sin -> Gemm, the fewest nodes and the most sines."""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value


@dataclass(frozen=True)
class Spectral:
    """sin(+-(2q-1) phi) for every coefficient that is not zero; F is folded into what follows."""

    name: str = "spectral"
    columns: bool = False

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return +-(2q-1) phi of each kept (neuron, harmonic)."""
        neurons, harmonics = kept(coefficients)
        odd = (2 * harmonics + 1.0) * (-1.0) ** harmonics
        angles = affine.angles()
        bias = np.remainder(odd * angles.bias[neurons] + np.pi, 2 * np.pi) - np.pi
        return Affine(odd[:, None] * angles.weight[neurons], bias)

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append one Sin."""
        return Value(graph.node("Sin", [arguments], f"{scope}/harmonics"), len(kept(coefficients)[0]), columns=False)

    def readout(self, coefficients: Floats) -> Affine:
        """Return the matrix that adds the harmonics of each neuron, F times each."""
        neurons, harmonics = kept(coefficients)
        weight = np.zeros((len(coefficients), len(neurons)))
        weight[neurons, np.arange(len(neurons))] = coefficients[neurons, harmonics]
        return Affine(weight, np.zeros(len(coefficients)))


def kept(coefficients: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Return neuron and harmonic index of every coefficient that is not zero; the very first if all of them are."""
    neurons, harmonics = np.nonzero(coefficients)
    return (neurons, harmonics) if len(neurons) else (np.array([0]), np.array([0]))
