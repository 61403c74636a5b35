"""Ladder unrolling: the products of Horner's polynomial are features, with one operator per harmonic."""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.unrollings.polynomial import (
    add_doubled_cosines,
    last_variable,
    polynomial_weights,
    term_count,
    variable_count,
)


@dataclass(frozen=True)
class Ladder:
    """sin(phi) product_n for every n; the Gemm that follows sums the polynomial.

    Attributes:
        doublings: Number of doublings, as in `polynomial`.
    """

    doublings: int = 0
    neurons_first: bool = True

    @property
    def name(self) -> str:
        """Return "ladder", with the number of doublings if there are any."""
        return f"ladder-{self.doublings}" if self.doublings else "ladder"

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return phi of each neuron."""
        return affine.to_angles()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append Sin, the doubled cosines, one Mul per product and a Concat of all products."""
        terms = term_count(coefficients)
        rungs = [graph.add_node("Sin", [arguments], f"{scope}/sine")]
        variables = add_doubled_cosines(
            graph, rungs[0], variable_count(terms, self.doublings), len(coefficients), scope
        )
        for term in range(1, terms):
            k = last_variable(term, self.doublings)
            rungs.append(graph.add_node("Mul", [rungs[term - 2**k], variables[k]], f"{scope}/product{term}"))
        name = graph.add_node("Concat", rungs, f"{scope}/ladder", axis=0) if terms > 1 else rungs[0]
        return Value(name, terms * len(coefficients), neurons_first=True)

    def readout(self, coefficients: Floats) -> Affine:
        """Return the polynomial of each neuron, [neurons, terms x neurons]."""
        weights = polynomial_weights(coefficients, self.doublings)
        neurons = len(weights)
        return Affine(np.concatenate([np.diag(column) for column in weights.T], axis=1), np.zeros(neurons))
