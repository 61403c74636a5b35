"""Direct unrolling: the sum of cosines as in the paper, with one Sin per harmonic."""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value


@dataclass(frozen=True)
class Direct:
    """sigma = sum_q F_q sin(+-(2q-1) phi), without the harmonics that no neuron uses."""

    name: str = "direct"
    neurons_first: bool = True

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return phi of each neuron."""
        return affine.to_angles()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append Mul, Sin and Mul for every harmonic, and their Sum."""
        used = np.flatnonzero(coefficients.any(axis=0)) if coefficients.any() else np.array([0])
        terms = [self._harmonic(graph, arguments, coefficients[:, q : q + 1], 2 * int(q) + 1, scope) for q in used]
        return Value(graph.add_node("Sum", terms, f"{scope}/activation"), len(coefficients), neurons_first=True)

    def _harmonic(self, graph: Graph, theta: str, coefficients: Floats, odd: int, scope: str) -> str:
        """Append one harmonic of all neurons, with angular frequency `odd`."""
        phase = graph.add_binary(
            "Mul", theta, np.full((1, 1), float(odd if odd % 4 == 1 else -odd)), f"{scope}/phase{odd}"
        )
        sine = graph.add_node("Sin", [phase], f"{scope}/sine{odd}")
        return graph.add_binary("Mul", sine, coefficients, f"{scope}/harmonic{odd}")

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""
