"""Horner: s = sin(phi) = cos(theta) times a polynomial, by Horner's rule over pairs of terms.

A pair a + b y is an affine map of y with constants per neuron: one BatchNormalization instead of Mul and Add.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.unrollings.polynomial import doubled, levels, products


@dataclass(frozen=True)
class Horner:
    """sigma = s P, P per neuron.

    Attributes:
        doublings: As in `polynomial`; with none the pairs are summed in powers of y_1^2.
    """

    doublings: int = 0
    columns: bool = True

    @property
    def name(self) -> str:
        """Return horner, then the doublings if there are any."""
        return f"horner-{self.doublings}" if self.doublings else "horner"

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return phi of each neuron."""
        return affine.angles()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append Sin and the polynomial."""
        angles = graph.with_channels(arguments, f"{scope}/angles")
        sine = graph.node("Sin", [angles], f"{scope}/sine")
        found = times_polynomial(graph, sine, coefficients, self.doublings, scope)
        return graph.without_channels(found, len(coefficients), f"{scope}/activation")

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""


def times_polynomial(graph: Graph, cosine: str, coefficients: Floats, doublings: int, scope: str) -> str:
    """Append P of cos(theta), and their product; every value lies [1, neurons, batch], or as convolutions ask."""
    columns = list(products(coefficients, doublings).T)
    if len(columns) == 1:
        return graph.per_neuron(cosine, columns[0], np.zeros(len(coefficients)), f"{scope}/product")
    variables = doubled(graph, cosine, levels(len(columns), doublings), len(coefficients), scope)
    if doublings == 0 and len(columns) > 2:
        variables.append(graph.node("Mul", [variables[0], variables[0]], f"{scope}/power"))
    total = _sum(graph, variables, columns, f"{scope}/sum")
    return graph.node("Mul", [total, cosine], f"{scope}/product")


def _sum(graph: Graph, variables: Sequence[str], columns: Sequence[Floats], name: str) -> str:
    """Append sum_n columns_n product_n, n from 0 to at least 1, by Horner's rule in the last variable over groups."""
    if len(columns) == 2:
        return graph.per_neuron(variables[0], columns[1], columns[0], name)
    *lower, variable = variables
    size = 2 ** len(lower)
    *groups, top = (columns[start : start + size] for start in range(0, len(columns), size))
    total = None if len(top) == 1 else _sum(graph, lower, top, f"{name}_{len(groups)}")
    for number in reversed(range(len(groups))):
        product = f"{name}/product{number}"
        if total is None:
            graph.per_neuron(variable, top[0], np.zeros(len(top[0])), product)
        else:
            graph.node("Mul", [total, variable], product)
        group = _sum(graph, lower, groups[number], f"{name}_{number}")
        total = graph.node("Add", [product, group], name if number == 0 else f"{name}/sum{number}")
    return cast("str", total)
