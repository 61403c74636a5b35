"""Horner: sigma is cos(theta) times a polynomial in cos(2 theta), by Horner's rule; two operators a harmonic.

The monomials of cos(2 theta) lose a bit of precision with every harmonic. `doublings` keeps it: with d of them Horner's
rule runs in cos(2^(d+1) theta) over groups of 2^d harmonics, each a product of cosines of the lower doublings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from enn_models.series import Floats
from enn_training.export.affine import Affine
from enn_training.export.graph import Graph


@dataclass(frozen=True)
class Horner:
    """sigma = cos(theta) P, P per neuron.

    The variables are y_1 = cos(2 theta)/2 and y_(k+1) = y_k^2 - (scale of y_(k+1)): cosines of doubled angles up to
    powers of two, which go into the coefficients without rounding.

    Attributes:
        doublings: d, the cosines above cos(2 theta) that are computed.
        tile: The neurons of one chain of operators; smaller chains stay in the cache. None: all.
    """

    doublings: int = 0
    tile: int | None = None
    columns: bool = True

    @property
    def name(self) -> str:
        """horner, horner-d with d doublings, and the tile."""
        tile = f"-tile{self.tile}" if self.tile else ""
        return f"horner{f'-{self.doublings}' if self.doublings else ''}{tile}"

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:  # noqa: ARG002
        """Return theta of each neuron."""
        return affine.phases()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> str:
        """Append Cos, the doubled cosines and Horner's rule."""
        cosine = graph.node("Cos", [arguments], f"{scope}/cosine")
        weights = products(coefficients, self.doublings)
        if weights.shape[1] == 1:
            return graph.binary("Mul", cosine, weights, f"{scope}/activation")
        variables, power = [cosine], cosine
        for k in range(1, min(self.doublings + 1, (weights.shape[1] - 1).bit_length()) + 1):
            square = graph.node("Mul", [power, power], f"{scope}/square{k}")
            power = graph.binary("Add", square, np.full((1, 1), -scale(k)), f"{scope}/y{k}")
            variables.append(power)
        total = _Polynomial(graph, variables[1:], weights, scope).sum(0, weights.shape[1], len(variables) - 1)
        return graph.node("Mul", [total, cosine], f"{scope}/activation")

    def readout(self, coefficients: Floats) -> None:  # noqa: ARG002
        """Return None: the features are the activations."""
        return


@dataclass(frozen=True, eq=False)
class _Polynomial:
    """Appends sums of products of the variables y_1, y_2, ...; weights are [neurons, terms]."""

    graph: Graph
    variables: list[str]
    weights: Floats
    scope: str

    def sum(self, start: int, stop: int, level: int) -> str:
        """Append the terms [start, stop) by Horner's rule in y_level over groups of 2^(level-1) terms."""
        graph, scope = self.graph, self.scope
        if level == 0:
            return graph.constant(f"{scope}/weight{start}", self.weights[:, start:stop])
        size = 2 ** (level - 1)
        total: str | None = None
        for first in reversed(range(start, stop, size)):
            group = self.sum(first, min(first + size, stop), level - 1)
            if total is not None:
                product = graph.node("Mul", [total, self.variables[level - 1]], f"{scope}/product{first}_{level}")
                group = graph.node("Add", [product, group], f"{scope}/sum{first}_{level}")
            total = group
        assert total is not None
        return total


def scale(k: int) -> float:
    """Return what the variable y_k is in units of cos(2^k theta): 1/2, 1/8, 1/128, ..."""
    return 2.0 ** (1 - 2**k)


def products(coefficients: Floats, doublings: int) -> Floats:
    """Return P, float64 [neurons, terms], with sigma = cos(theta) sum_n P_n product_n; zero harmonics on top are left out.

    product_n is the product of y_(k+1) over the bits k < doublings of n, times y_(doublings+1)^(n >> doublings).

    Source: cos((2q+1) theta)/cos(theta) = 2 T_q - 2 T_(q-1) + ... in Chebyshev polynomials T of cos(2 theta).
    """
    used = np.flatnonzero(coefficients.any(axis=0))
    size = int(used[-1]) + 1 if len(used) else 1
    order = np.arange(size)
    third = np.where(order <= order[:, None], 2.0 * (-1.0) ** (order[:, None] - order), 0.0)
    third[:, 0] /= 2.0
    rows = np.zeros((size, size))
    for n in range(size):
        row = np.ones(1)
        for k in range(doublings + 1):
            times = n >> k if k == doublings else (n >> k) & 1
            for _ in range(times):
                row = chebyshev.chebmul(row, scale(k + 1) * np.eye(2**k + 1)[-1])
        rows[n, : len(row)] = row
    return np.linalg.solve(rows.T, (coefficients[:, :size] @ third).T).T
