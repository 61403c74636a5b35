"""Horner: sigma is sin(phi) times a polynomial in cos(2 theta), by Horner's rule; two operators a harmonic.

Here theta = (pi/2)(z + 1) and sin(phi) = cos(theta). The monomials of cos(2 theta) lose a bit of precision with every
harmonic. `doublings` keeps it: with d of them Horner's rule runs in cos(2^(d+1) theta) over groups of 2^d harmonics,
each a product of cosines of the lower doublings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from enn_models.series import Floats
from enn_training.exporting.affine import Affine
from enn_training.exporting.graph import Graph


@dataclass(frozen=True)
class Horner:
    """sigma = sin(phi) P, P per neuron.

    Attributes:
        doublings: d, the cosines above cos(2 theta) that are computed.
        tile: The neurons of one chain of operators; short chains stay in the cache. None: all.
        columns: Whether the values lie [neurons, batch].
    """

    doublings: int = 0
    tile: int | None = None
    columns: bool = True

    @property
    def name(self) -> str:
        """Return horner, then the doublings, the tile and `rows` where they are not the usual ones."""
        parts = ["horner"]
        parts += [str(self.doublings)] if self.doublings else []
        parts += [f"tile{self.tile}"] if self.tile else []
        parts += [] if self.columns else ["rows"]
        return "-".join(parts)

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:  # noqa: ARG002
        """Return phi of each neuron."""
        return affine.angles()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> str:
        """Append Sin, the doubled cosines and Horner's rule."""
        weights = products(coefficients, self.doublings)
        columns = [column[:, None] if self.columns else column for column in weights.T]
        sine = graph.node("Sin", [arguments], f"{scope}/sine")
        if len(columns) == 1:
            return graph.binary("Mul", sine, columns[0], f"{scope}/activation")
        variables = doubled(graph, sine, levels(len(columns), self.doublings), scope)
        total = _sum(graph, variables, columns, f"{scope}/weight")
        return graph.node("Mul", [total, sine], f"{scope}/activation")

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""


def _sum(graph: Graph, variables: Sequence[str], columns: Sequence[Floats], name: str) -> str:
    """Append sum_n columns_n product_n, by Horner's rule in the last variable over groups in the others."""
    if not variables:
        return graph.constant(name, columns[0])
    *lower, variable = variables
    size = 2 ** len(lower)
    groups = [
        _sum(graph, lower, columns[start : start + size], f"{name}_{start // size}")
        for start in reversed(range(0, len(columns), size))
    ]
    total = groups[0]
    for number, group in zip(reversed(range(len(groups) - 1)), groups[1:], strict=True):
        product = graph.node("Mul", [total, variable], f"{name}_{number}/product")
        total = graph.node("Add", [product, group], f"{name}_{number}/sum")
    return total


def doubled(graph: Graph, sine: str, count: int, scope: str) -> list[str]:
    """Append y_1 .. y_count, cosines of 2 theta, 4 theta, ... times `scale`: y_(k+1) = y_k^2 - scale(k+1)."""
    variables = [sine]
    for k in range(1, count + 1):
        square = graph.node("Mul", [variables[-1], variables[-1]], f"{scope}/square{k}")
        variables.append(graph.binary("Add", square, np.full((1, 1), -scale(k)), f"{scope}/y{k}"))
    return variables[1:]


def levels(terms: int, doublings: int) -> int:
    """Return how many of the variables y_1 .. y_(doublings+1) a polynomial of so many terms needs."""
    return min(doublings + 1, (terms - 1).bit_length())


def scale(k: int) -> float:
    """Return what the variable y_k is in units of cos(2^k theta): 1/2, 1/8, 1/128, ..."""
    return 2.0 ** (1 - 2**k)


def products(coefficients: Floats, doublings: int) -> Floats:
    """Return P, float64 [neurons, terms], with sigma = sin(phi) sum_n P_n product_n; without zero harmonics on top.

    product_n is the product of y_(k+1) over the bits k < doublings of n, times y_(doublings+1)^(n >> doublings).

    Source: cos((2q+1) theta)/cos(theta) = 2 T_q - 2 T_(q-1) + ... in Chebyshev polynomials T of cos(2 theta).
    """
    used = np.flatnonzero(coefficients.any(axis=0))
    size = int(used[-1]) + 1 if len(used) else 1
    q, n = np.arange(size)[:, None], np.arange(size)
    ratios = np.where(n <= q, 2.0 * (-1.0) ** (q - n), 0.0)
    ratios[:, 0] /= 2.0
    rows = np.zeros((size, size))
    rows[0, 0] = 1.0
    for term in range(1, size):
        k = last_factor(term, doublings)
        rows[term, : term + 1] = chebyshev.chebmul(
            rows[term - 2**k, : term - 2**k + 1], scale(k + 1) * np.eye(2**k + 1)[-1]
        )
    return np.linalg.solve(rows.T, (coefficients[:, :size] @ ratios).T).T.astype(np.float64)


def last_factor(term: int, doublings: int) -> int:
    """Return the k with product_term = product_(term - 2^k) y_(k+1), for a term from 1."""
    return min(term.bit_length() - 1, doublings)


def amplification(coefficients: Floats, doublings: int) -> float:
    """Return by how much the polynomial's terms exceed the activation's own coefficients, over all neurons.

    Rounding errors grow by it: 82 in the worst case for Q = 6 without doublings, less for coefficients that decay.
    """
    weights = products(coefficients, doublings)
    largest = np.ones(weights.shape[1])
    for term in range(1, len(largest)):
        k = last_factor(term, doublings)
        largest[term] = largest[term - 2**k] * scale(k + 1)
    own = np.abs(coefficients).sum(axis=1).max()
    return float((np.abs(weights) * largest).sum(axis=1).max() / own) if own else 0.0
