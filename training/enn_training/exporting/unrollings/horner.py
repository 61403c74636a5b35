"""Horner: s = sin(phi) = cos(theta) times a polynomial, by Horner's rule over pairs of terms.

A pair a + b y is an affine map of y with constants per neuron: one BatchNormalization instead of Mul and Add.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from enn_models.series import Floats
from enn_training.exporting.affine import Affine
from enn_training.exporting.graph import Graph
from enn_training.exporting.polynomial import doubled, levels, products


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

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:  # noqa: ARG002
        """Return phi of each neuron."""
        return affine.angles()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> str:
        """Append Sin and the polynomial."""
        angles = graph.with_channels(arguments, f"{scope}/angles")
        sine = graph.node("Sin", [angles], f"{scope}/sine")
        return graph.without_channels(times_polynomial(graph, sine, coefficients, self.doublings, scope), scope)

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""


def times_polynomial(graph: Graph, cosine: str, coefficients: Floats, doublings: int, scope: str) -> str:
    """Append P of cos(theta), and their product; every value lies [1, neurons, batch]."""
    columns = list(products(coefficients, doublings).T)
    if len(columns) == 1:
        return graph.binary("Mul", cosine, columns[0][:, None], f"{scope}/product")
    variables = doubled(graph, cosine, levels(len(columns), doublings), scope)
    if doublings == 0 and len(columns) > 2:
        variables.append(graph.node("Mul", [variables[0], variables[0]], f"{scope}/power"))
    total = _sum(graph, variables, columns, f"{scope}/sum")
    return graph.node("Mul", [total, cosine], f"{scope}/product")


def _sum(graph: Graph, variables: Sequence[str], columns: Sequence[Floats], name: str) -> str:
    """Append sum_n columns_n product_n, by Horner's rule in the last variable over groups in the others."""
    if len(columns) == 1:
        return graph.constant(name, columns[0][:, None])
    if len(columns) == 2:
        return graph.per_neuron(variables[0], columns[1], columns[0], name)
    *lower, variable = variables
    size = 2 ** len(lower)
    starts = range(0, len(columns), size)
    groups = [_sum(graph, lower, columns[start : start + size], f"{name}_{start // size}") for start in starts]
    total = groups.pop()
    for number in reversed(range(len(groups))):
        product = graph.node("Mul", [total, variable], f"{name}/product{number}")
        total = graph.node("Add", [product, groups[number]], name if number == 0 else f"{name}/sum{number}")
    return total
