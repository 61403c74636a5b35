"""Folded: Horner with a cosine of its own, of a dozen cheap operators: ONNX Runtime's Sin takes longer than they do.

The angle in turns, less the nearest whole number, is r in [-1/2, 1/2]; t = unit (1/4 - |r|) folds it once more. Then

    cos(2 pi r) = sin(2 pi t / unit) = t (m + shifts[1]) (m + tilt v + shifts[2]),  m = v (v + shifts[0]),  v = t^2

where few products make degree 9. The unit is what leaves no other factor. The result vanishes where t does, so that
it keeps its digits there.
"""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.unrollings.horner import times_polynomial


@dataclass(frozen=True)
class Sine:
    """The constants of the formula above, of least relative error; a test holds them to the cosine."""

    unit: float
    shifts: tuple[float, float, float]
    tilt: float = 0.0


SINGLE = Sine(1.5295434765533216, (-1.9769016785445264, 5.027041361998565, 0.8171575790803433))
"""Off by 1e-7: as much as float32 is, without the operators of a tilt."""
DOUBLE = Sine(1.5054164547801832, (-2.318813974638335, 4.955227217095673, 0.8422861003445854), 0.2675382623661596)
"""Off by 5e-9, which steep activations enlarge; float64's own rounding would be in vain."""


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

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return theta of each neuron in turns, (z + 1)/4, its bias brought to [-1/2, 1/2]."""
        bias = (affine.bias + 1.0) / 4.0
        return Affine(affine.weight / 4.0, bias - np.round(bias))

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append the cosine and the polynomial."""
        turns = graph.with_channels(arguments, f"{scope}/turns")
        cosine = cosine_of_turns(graph, turns, len(coefficients), scope)
        found = times_polynomial(graph, cosine, coefficients, self.doublings, scope)
        return graph.without_channels(found, len(coefficients), f"{scope}/activation")

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""


def cosine_of_turns(graph: Graph, turns: str, neurons: int, scope: str) -> str:
    """Append cos(2 pi turns) of values [1, neurons, batch]."""
    sine, ones = DOUBLE if graph.double else SINGLE, np.ones(neurons)

    def shifted(value: str, number: int) -> str:
        return graph.shifted(value, sine.shifts[number], neurons, f"{scope}/shifted{number}")

    whole = graph.node("Round", [turns], f"{scope}/whole")
    rest = graph.node("Sub", [turns, whole], f"{scope}/rest")
    distance = graph.node("Abs", [rest], f"{scope}/distance")
    t = graph.per_neuron(distance, -sine.unit * ones, sine.unit / 4 * ones, f"{scope}/t")
    v = graph.node("Mul", [t, t], f"{scope}/v")
    m = graph.node("Mul", [v, shifted(v, 0)], f"{scope}/m")
    if graph.convolved:  # the two factors multiplied out: a sum is done within the convolution before it
        _, first, second = sine.shifts
        linear = graph.per_neuron(m, (first + second) * ones, first * second * ones, f"{scope}/linear")
        square = graph.node("Mul", [m, m], f"{scope}/m_squared")
        return graph.node("Mul", [t, graph.node("Add", [linear, square], f"{scope}/factors")], f"{scope}/cosine")
    left = graph.node("Mul", [t, shifted(m, 1)], f"{scope}/left")
    if sine.tilt:
        tilted = graph.per_neuron(v, sine.tilt * ones, sine.shifts[2] * ones, f"{scope}/tilted")
        right = graph.node("Add", [tilted, m], f"{scope}/right")
    else:
        right = shifted(m, 2)
    return graph.node("Mul", [left, right], f"{scope}/cosine")
