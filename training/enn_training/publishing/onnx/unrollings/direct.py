"""Direct: the sum as the paper writes it, one Sin a harmonic; the plainest, and the yardstick of the others."""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value


@dataclass(frozen=True)
class Direct:
    """sum_q F_q sin(+-(2q-1) phi), harmonics that no neuron uses left out."""

    name: str = "direct"
    columns: bool = True

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return phi of each neuron."""
        return affine.angles()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append Mul, Sin, Mul for every harmonic, and their Sum."""
        used = np.flatnonzero(coefficients.any(axis=0)) if coefficients.any() else np.array([0])
        terms = [self._harmonic(graph, arguments, coefficients[:, q : q + 1], 2 * int(q) + 1, scope) for q in used]
        return Value(graph.node("Sum", terms, f"{scope}/activation"), len(coefficients), columns=True)

    def _harmonic(self, graph: Graph, theta: str, coefficients: Floats, odd: int, scope: str) -> str:
        phase = graph.binary("Mul", theta, np.full((1, 1), float(odd if odd % 4 == 1 else -odd)), f"{scope}/phase{odd}")
        sine = graph.node("Sin", [phase], f"{scope}/sine{odd}")
        return graph.binary("Mul", sine, coefficients, f"{scope}/harmonic{odd}")

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""
