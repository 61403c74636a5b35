"""Folded unrolling: the Horner unrolling with a polynomial for the cosine, faster than the Sin of ONNX Runtime.

The angle in turns, minus the nearest integer, is r in [-1/2, 1/2]; t = unit (1/4 - |r|) folds it once more. Then

    cos(2 pi r) = sin(2 pi t / unit) = t (m + shifts[1]) (m + tilt v + shifts[2]),  m = v (v + shifts[0]),  v = t^2

is a polynomial of degree 9 with few products. The unit is chosen so that no other factor is needed. The result is
exactly 0 where t is 0, so that small values keep their relative precision.
"""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.unrollings.horner import add_polynomial_product


@dataclass(frozen=True)
class SineApproximation:
    """Constants of the formula above with the least relative error; a test compares them with the cosine."""

    unit: float
    shifts: tuple[float, float, float]
    tilt: float = 0.0


FLOAT32_SINE = SineApproximation(1.5295434765533216, (-1.9769016785445264, 5.027041361998565, 0.8171575790803433))
"""Error 1e-7, the rounding of float32, without the operators for a tilt."""
FLOAT64_SINE = SineApproximation(
    1.5054164547801832, (-2.318813974638335, 4.955227217095673, 0.8422861003445854), 0.2675382623661596
)
"""Error 5e-9, which steep activations amplify; the full precision of float64 is not needed."""


@dataclass(frozen=True)
class Folded:
    """sigma = s P as in Horner, with s computed by a polynomial.

    Attributes:
        doublings: Number of doublings, as in `polynomial`.
    """

    doublings: int = 0
    neurons_first: bool = True

    @property
    def name(self) -> str:
        """Return "folded", with the number of doublings if there are any."""
        return f"folded-{self.doublings}" if self.doublings else "folded"

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return theta of each neuron in turns, (z + 1)/4, with its bias reduced to [-1/2, 1/2]."""
        bias = (affine.bias + 1.0) / 4.0
        return Affine(affine.weight / 4.0, bias - np.round(bias))

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append the cosine and the polynomial."""
        turns = graph.add_channel_axes(arguments, f"{scope}/turns")
        cosine = add_cosine_of_turns(graph, turns, len(coefficients), scope)
        found = add_polynomial_product(graph, cosine, coefficients, self.doublings, scope)
        return graph.remove_channel_axes(found, len(coefficients), f"{scope}/activation")

    def readout(self, coefficients: Floats) -> None:
        """Return None: the features are the activations."""


def add_cosine_of_turns(graph: Graph, turns: str, neurons: int, scope: str) -> str:
    """Append cos(2 pi turns) of values [1, neurons, batch]."""
    sine, ones = FLOAT64_SINE if graph.float64 else FLOAT32_SINE, np.ones(neurons)

    def shifted(value: str, number: int) -> str:
        return graph.add_offset(value, sine.shifts[number], neurons, f"{scope}/shifted{number}")

    whole = graph.add_node("Round", [turns], f"{scope}/whole")
    rest = graph.add_node("Sub", [turns, whole], f"{scope}/rest")
    distance = graph.add_node("Abs", [rest], f"{scope}/distance")
    t = graph.add_per_neuron_affine(distance, -sine.unit * ones, sine.unit / 4 * ones, f"{scope}/t")
    v = graph.add_node("Mul", [t, t], f"{scope}/v")
    m = graph.add_node("Mul", [v, shifted(v, 0)], f"{scope}/m")
    if graph.use_convolutions:  # the two factors multiplied out: a sum is done within the convolution before it
        _, first, second = sine.shifts
        linear = graph.add_per_neuron_affine(m, (first + second) * ones, first * second * ones, f"{scope}/linear")
        square = graph.add_node("Mul", [m, m], f"{scope}/m_squared")
        return graph.add_node(
            "Mul", [t, graph.add_node("Add", [linear, square], f"{scope}/factors")], f"{scope}/cosine"
        )
    left = graph.add_node("Mul", [t, shifted(m, 1)], f"{scope}/left")
    if sine.tilt:
        tilted = graph.add_per_neuron_affine(v, sine.tilt * ones, sine.shifts[2] * ones, f"{scope}/tilted")
        right = graph.add_node("Add", [tilted, m], f"{scope}/right")
    else:
        right = shifted(m, 2)
    return graph.add_node("Mul", [left, right], f"{scope}/cosine")
