"""Horner unrolling: s = sin(phi) = cos(theta) times a polynomial, evaluated by Horner's rule over pairs of terms.

A pair a + b y is an affine map of y with constants per neuron: one BatchNormalization instead of Mul and Add.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.unrollings.polynomial import add_doubled_cosines, polynomial_weights, variable_count


@dataclass(frozen=True)
class Horner:
    """sigma = s P, with a polynomial P per neuron.

    Attributes:
        doublings: Number of doublings, as in `polynomial`; without any, the pairs are summed in powers of y_1^2.
    """

    doublings: int = 0
    neurons_first: bool = True

    @property
    def name(self) -> str:
        """Return "horner", with the number of doublings if there are any."""
        return f"horner-{self.doublings}" if self.doublings else "horner"

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return phi of each neuron."""
        return affine.to_angles()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append Sin and the polynomial."""
        angles = graph.add_channel_axes(arguments, f"{scope}/angles")
        sine = graph.add_node("Sin", [angles], f"{scope}/sine")
        found = add_polynomial_product(graph, sine, coefficients, self.doublings, scope)
        return graph.remove_channel_axes(found, len(coefficients), f"{scope}/activation")

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""


def add_polynomial_product(graph: Graph, cosine: str, coefficients: Floats, doublings: int, scope: str) -> str:
    """Append P of cos(theta) times cos(theta).

    Args:
        graph: Graph to append to.
        cosine: Name of cos(theta), [1, neurons, batch] or NCHW for convolutions, as the result.
        coefficients: DCT coefficients F, float64 [neurons, Q].
        doublings: Number of doublings.
        scope: Prefix of the new names.
    """
    columns = list(polynomial_weights(coefficients, doublings).T)
    if len(columns) == 1:
        return graph.add_per_neuron_affine(cosine, columns[0], np.zeros(len(coefficients)), f"{scope}/product")
    variables = add_doubled_cosines(graph, cosine, variable_count(len(columns), doublings), len(coefficients), scope)
    if doublings == 0 and len(columns) > 2:
        variables.append(graph.add_node("Mul", [variables[0], variables[0]], f"{scope}/power"))
    total = _add_sum(graph, variables, columns, f"{scope}/sum")
    return graph.add_node("Mul", [total, cosine], f"{scope}/product")


def _add_sum(graph: Graph, variables: Sequence[str], columns: Sequence[Floats], name: str) -> str:
    """Append sum_n columns_n product_n by Horner's rule in the last variable over groups of terms; n starts at 0."""
    if len(columns) == 2:
        return graph.add_per_neuron_affine(variables[0], columns[1], columns[0], name)
    *lower, variable = variables
    size = 2 ** len(lower)
    *groups, top = (columns[start : start + size] for start in range(0, len(columns), size))
    total = None if len(top) == 1 else _add_sum(graph, lower, top, f"{name}_{len(groups)}")
    for number in reversed(range(len(groups))):
        product = f"{name}/product{number}"
        if total is None:
            graph.add_per_neuron_affine(variable, top[0], np.zeros(len(top[0])), product)
        else:
            graph.add_node("Mul", [total, variable], product)
        group = _add_sum(graph, lower, groups[number], f"{name}_{number}")
        total = graph.add_node("Add", [product, group], name if number == 0 else f"{name}/sum{number}")
    return cast("str", total)
