"""Clenshaw unrolling: b_q = F_q + t b_{q+1} - b_{q+2} with t = 2 cos(2 theta); stable for any Q."""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value


@dataclass(frozen=True)
class Clenshaw:
    """sigma = sin(phi) (b_1 - b_2), with three operators per harmonic, starting at the highest one in use."""

    name: str = "clenshaw"
    neurons_first: bool = True

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return phi of each neuron."""
        return affine.to_angles()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append one Sin and the recurrence."""
        sine = graph.add_node("Sin", [arguments], f"{scope}/sine")
        used = np.flatnonzero(coefficients.any(axis=0))
        last = int(used[-1]) if len(used) else 0
        if last == 0:
            name = graph.add_binary("Mul", sine, coefficients[:, :1], f"{scope}/activation")
            return Value(name, len(coefficients), neurons_first=True)
        square = graph.add_binary("Mul", sine, sine, f"{scope}/square")
        square4 = graph.add_binary("Mul", square, np.full((1, 1), 4.0), f"{scope}/square4")
        t = graph.add_binary("Sub", square4, np.full((1, 1), 2.0), f"{scope}/t")
        above = graph.add_constant(f"{scope}/b{last}", coefficients[:, last : last + 1])
        product = graph.add_node("Mul", [t, above], f"{scope}/product{last - 1}")
        b = graph.add_binary("Add", product, coefficients[:, last - 1 : last], f"{scope}/b{last - 1}")
        for q in range(last - 2, -1, -1):
            term = graph.add_node("Mul", [t, b], f"{scope}/product{q}")
            if coefficients[:, q].any():
                term = graph.add_binary("Add", term, coefficients[:, q : q + 1], f"{scope}/sum{q}")
            above, b = b, graph.add_node("Sub", [term, above], f"{scope}/b{q}")
        difference = graph.add_node("Sub", [b, above], f"{scope}/difference")
        return Value(
            graph.add_node("Mul", [difference, sine], f"{scope}/activation"), len(coefficients), neurons_first=True
        )

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""
