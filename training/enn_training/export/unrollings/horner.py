"""Horner: cos((2q-1) theta) / cos(theta) is a polynomial in y = cos(theta)^2 - 1/2; two operators a harmonic."""

from dataclasses import dataclass

import numpy as np

from enn_models.series import Floats
from enn_training.export.affine import Affine
from enn_training.export.graph import Graph


@dataclass(frozen=True)
class Horner:
    """sigma = cos(theta) P(y), with P per neuron by Horner's rule.

    y is half of cos(2 theta): centred, because monomials of cos(theta)^2 itself lose all precision, and not doubled,
    because the powers of two go into the coefficients without rounding.
    """

    name: str = "horner"
    columns: bool = True

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:  # noqa: ARG002
        """Return theta of each neuron."""
        return affine.phases()

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> str:
        """Append Cos, the square and Horner's rule."""
        cosine = graph.node("Cos", [arguments], f"{scope}/cosine")
        powers = monomials(coefficients)
        degree = powers.shape[1] - 1
        if degree == 0:
            return graph.binary("Mul", cosine, powers, f"{scope}/activation")
        square = graph.binary("Mul", cosine, cosine, f"{scope}/square")
        y = graph.binary("Add", square, np.full((1, 1), -0.5), f"{scope}/y")
        sum_ = graph.binary("Mul", y, powers[:, degree:], f"{scope}/term{degree}")
        for power in range(degree - 1, -1, -1):
            sum_ = graph.binary("Add", sum_, powers[:, power : power + 1], f"{scope}/sum{power}")
            factor = y if power else cosine
            sum_ = graph.binary("Mul", sum_, factor, f"{scope}/term{power}" if power else f"{scope}/activation")
        return sum_

    def readout(self, coefficients: Floats) -> None:  # noqa: ARG002
        """Return None: the features are the activations."""
        return


def monomials(coefficients: Floats) -> Floats:
    """Return P, float64 [neurons, degree + 1], with sigma = cos(theta) sum_k P_k y^k; zero harmonics on top are left out.

    Source: V_q(s) = cos((2q+1) theta)/cos(theta) with s = cos(2 theta) = 2 y obeys V_0 = 1, V_1 = 2 s - 1,
    V_{q+1} = 2 s V_q - V_{q-1} (Chebyshev polynomials of the third kind).
    """
    used = np.flatnonzero(np.abs(coefficients).any(axis=0))
    size = int(used[-1]) + 1 if len(used) else 1
    third = np.zeros((size, size))
    third[0, 0] = 1.0
    if size > 1:
        third[1, :2] = (-1.0, 4.0)
    for q in range(2, size):
        third[q, 1:] = 4.0 * third[q - 1, :-1]
        third[q] -= third[q - 2]
    return coefficients[:, :size] @ third
