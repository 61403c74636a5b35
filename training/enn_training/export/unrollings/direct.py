"""Direct: the sum as the paper writes it, one Cos a harmonic; the plainest, and the yardstick of the others."""

from dataclasses import dataclass

import numpy as np

from enn_models.series import Floats
from enn_training.export.affine import Affine
from enn_training.export.graph import Graph


@dataclass(frozen=True)
class Direct:
    """sum_q F_q cos((2q-1) theta), harmonics that no neuron uses left out."""

    name: str = "direct"
    columns: bool = True
    tile: int | None = None

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:  # noqa: ARG002
        """Return theta of each neuron."""
        return affine.phases()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> str:
        """Append Mul, Cos, Mul for every harmonic, and their Sum."""
        used = np.flatnonzero(coefficients.any(axis=0)) if coefficients.any() else np.array([0])
        terms = [self._harmonic(graph, arguments, coefficients[:, q : q + 1], 2 * int(q) + 1, scope) for q in used]
        return graph.node("Sum", terms, f"{scope}/activation")

    def _harmonic(self, graph: Graph, theta: str, coefficients: Floats, odd: int, scope: str) -> str:
        phase = graph.binary("Mul", theta, np.full((1, 1), float(odd)), f"{scope}/phase{odd}")
        cosine = graph.node("Cos", [phase], f"{scope}/cosine{odd}")
        return graph.binary("Mul", cosine, coefficients, f"{scope}/harmonic{odd}")

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""
