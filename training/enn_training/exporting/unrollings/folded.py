"""Folded: Horner with a cosine of its own, of a dozen cheap operators: ONNX Runtime's Sin takes longer than they do.

The angle in turns, less the nearest whole number, is r in [-1/2, 1/2]; v = r^2 already has the cosine's symmetry. Then

    cos(2 pi r) = u (SCALE u + SCALE SHIFTS[2]) + SLOPE v + 1,  u = v (v + SHIFTS[0]), u = u (u + SHIFTS[1])

to 6e-8: three products make degree 8. They vanish where v does, so that small angles keep their digits.
"""

from dataclasses import dataclass

import numpy as np

from enn_models.series import Floats
from enn_training.exporting.affine import Affine
from enn_training.exporting.graph import Graph
from enn_training.exporting.unrollings.horner import times_polynomial

SHIFTS = (-3.398720191183714, 7.559988067952477, 6.182986231997305)
SCALE = 0.08342996047077543
SLOPE = -6.484891830340519
"""Found by iteratively reweighted least squares over v in [0, 1/4]; a test holds them to the cosine."""


@dataclass(frozen=True)
class Folded:
    """sigma = s P as in Horner, s by a polynomial.

    Attributes:
        doublings: As in Horner.
    """

    doublings: int = 0
    columns: bool = True

    @property
    def name(self) -> str:
        """Return folded, then the doublings if there are any."""
        return f"folded-{self.doublings}" if self.doublings else "folded"

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:  # noqa: ARG002
        """Return theta of each neuron in turns, (z + 1)/4, its bias brought to [-1/2, 1/2]."""
        bias = (affine.bias + 1.0) / 4.0
        return Affine(affine.weight / 4.0, bias - np.round(bias))

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> str:
        """Append the cosine and the polynomial."""
        turns = graph.with_channels(arguments, f"{scope}/turns")
        cosine = cosine_of_turns(graph, turns, len(coefficients), scope)
        return graph.without_channels(times_polynomial(graph, cosine, coefficients, self.doublings, scope), scope)

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""


def cosine_of_turns(graph: Graph, turns: str, neurons: int, scope: str) -> str:
    """Append cos(2 pi turns) of values [1, neurons, batch]."""
    whole = graph.node("Round", [turns], f"{scope}/whole")
    rest = graph.node("Sub", [turns, whole], f"{scope}/rest")
    u = v = graph.node("Mul", [rest, rest], f"{scope}/v")
    for number, shift in enumerate(SHIFTS[:2], start=1):
        shifted = graph.binary("Add", u, np.full((1, 1), shift), f"{scope}/shifted{number}")
        u = graph.node("Mul", [u, shifted], f"{scope}/u{number}")
    ones = np.ones(neurons)
    scaled = graph.per_neuron(u, SCALE * ones, SCALE * SHIFTS[2] * ones, f"{scope}/shifted3")
    curve = graph.node("Mul", [u, scaled], f"{scope}/u3")
    line = graph.per_neuron(v, SLOPE * ones, ones, f"{scope}/line")
    return graph.node("Add", [curve, line], f"{scope}/cosine")
