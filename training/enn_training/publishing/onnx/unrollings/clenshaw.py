"""Clenshaw: b_q = F_q + t b_{q+1} - b_{q+2} with t = 2 cos(2 theta); three operators a harmonic, stable for any Q."""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value


@dataclass(frozen=True)
class Clenshaw:
    """sigma = sin(phi) (b_1 - b_2), the recurrence run downwards from the last harmonic in use."""

    name: str = "clenshaw"
    columns: bool = True

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return phi of each neuron."""
        return affine.angles()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append one Sin and the recurrence."""
        sine = graph.node("Sin", [arguments], f"{scope}/sine")
        used = np.flatnonzero(coefficients.any(axis=0))
        last = int(used[-1]) if len(used) else 0
        if last == 0:
            name = graph.binary("Mul", sine, coefficients[:, :1], f"{scope}/activation")
            return Value(name, len(coefficients), columns=True)
        square = graph.binary("Mul", sine, sine, f"{scope}/square")
        double = graph.binary("Mul", square, np.full((1, 1), 4.0), f"{scope}/square4")
        t = graph.binary("Sub", double, np.full((1, 1), 2.0), f"{scope}/t")
        above = graph.constant(f"{scope}/b{last}", coefficients[:, last : last + 1])
        product = graph.node("Mul", [t, above], f"{scope}/product{last - 1}")
        b = graph.binary("Add", product, coefficients[:, last - 1 : last], f"{scope}/b{last - 1}")
        for q in range(last - 2, -1, -1):
            term = graph.node("Mul", [t, b], f"{scope}/product{q}")
            if coefficients[:, q].any():
                term = graph.binary("Add", term, coefficients[:, q : q + 1], f"{scope}/sum{q}")
            above, b = b, graph.node("Sub", [term, above], f"{scope}/b{q}")
        difference = graph.node("Sub", [b, above], f"{scope}/difference")
        return Value(graph.node("Mul", [difference, sine], f"{scope}/activation"), len(coefficients), columns=True)

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""
