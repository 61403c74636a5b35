"""Ladder: the products of Horner's polynomial are features, one operator a harmonic; their weights are folded away."""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.unrollings.polynomial import doubled, last_factor, levels, products, term_count


@dataclass(frozen=True)
class Ladder:
    """sin(phi) product_n for every n; the polynomial is summed by the Gemm that follows.

    Attributes:
        doublings: As in `polynomial`.
    """

    doublings: int = 0
    columns: bool = True

    @property
    def name(self) -> str:
        """Return ladder, then the doublings if there are any."""
        return f"ladder-{self.doublings}" if self.doublings else "ladder"

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return phi of each neuron."""
        return affine.angles()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append Sin, the doubled cosines, one Mul a product and the Concat of them all."""
        terms = term_count(coefficients)
        rungs = [graph.node("Sin", [arguments], f"{scope}/sine")]
        variables = doubled(graph, rungs[0], levels(terms, self.doublings), len(coefficients), scope)
        for term in range(1, terms):
            k = last_factor(term, self.doublings)
            rungs.append(graph.node("Mul", [rungs[term - 2**k], variables[k]], f"{scope}/product{term}"))
        name = graph.node("Concat", rungs, f"{scope}/ladder", axis=0) if terms > 1 else rungs[0]
        return Value(name, terms * len(coefficients), columns=True)

    def readout(self, coefficients: Floats) -> Affine:
        """Return the polynomial of each neuron, [neurons, terms x neurons]."""
        weights = products(coefficients, self.doublings)
        neurons = len(weights)
        return Affine(np.concatenate([np.diag(column) for column in weights.T], axis=1), np.zeros(neurons))
