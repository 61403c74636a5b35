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
        """Append Mul, Cos, Mul, Add for every harmonic."""
        total = None
        for q in np.flatnonzero(coefficients.any(axis=0)) if coefficients.any() else [0]:
            odd = 2 * int(q) + 1
            phase = graph.binary("Mul", arguments, np.full((1, 1), float(odd)), f"{scope}/phase{odd}")
            cosine = graph.node("Cos", [phase], f"{scope}/cosine{odd}")
            term = graph.binary("Mul", cosine, coefficients[:, q : q + 1], f"{scope}/harmonic{odd}")
            total = term if total is None else graph.binary("Add", total, term, f"{scope}/sum{odd}")
        assert total is not None
        return total

    def readout(self, coefficients: Floats) -> None:  # noqa: ARG002
        """Return None: the features are the activations."""
        return
