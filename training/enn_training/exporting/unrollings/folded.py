"""Folded: Horner with a cosine of its own, of a dozen cheap operators: ONNX Runtime's Sin takes longer than they do.

The angle in turns, less the nearest whole number, is r in [-1/2, 1/2]; t = UNIT (1/4 - |r|) folds it once more. Then

    cos(2 pi r) = sin(2 pi t / UNIT) = t (m + SHIFTS[1]) (m + SHIFTS[2]),  m = v (v + SHIFTS[0]),  v = t^2

to 1e-7: four products make degree 9. UNIT is what leaves no other factor. The result vanishes where t does, so that
it keeps its digits there.
"""

from dataclasses import dataclass

import numpy as np

from enn_models.series import Floats
from enn_training.exporting.affine import Affine
from enn_training.exporting.graph import Graph
from enn_training.exporting.unrollings.horner import times_polynomial

UNIT = 1.5295434765533216
SHIFTS = (-1.9769016785445264, 5.027041361998565, 0.8171575790803433)
"""Found by iteratively reweighted least squares over 1/4 - |r| in [0, 1/4]; a test holds them to the cosine."""


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
    distance = graph.node("Abs", [rest], f"{scope}/distance")
    ones = np.ones(neurons)
    t = graph.per_neuron(distance, -UNIT * ones, UNIT / 4 * ones, f"{scope}/t")
    v = graph.node("Mul", [t, t], f"{scope}/v")
    m = graph.node("Mul", [v, _shifted(graph, v, 0, scope)], f"{scope}/m")
    left = graph.node("Mul", [t, _shifted(graph, m, 1, scope)], f"{scope}/left")
    return graph.node("Mul", [left, _shifted(graph, m, 2, scope)], f"{scope}/cosine")


def _shifted(graph: Graph, value: str, number: int, scope: str) -> str:
    return graph.binary("Add", value, np.full((1, 1), SHIFTS[number]), f"{scope}/shifted{number}")
