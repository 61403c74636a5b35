"""Compose affine maps in float64, so that a product of maps is rounded to float32 only once."""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_models.network import Layer


@dataclass(frozen=True, eq=False)
class Affine:
    """Affine map x -> weight x + bias.

    Attributes:
        weight: float64 [outputs, inputs].
        bias: float64 [outputs].
    """

    weight: Floats
    bias: Floats

    @classmethod
    def from_layer(cls, layer: Layer) -> "Affine":
        """Return the map from the inputs of a layer to its pre-activations."""
        return cls(layer.weight.astype(np.float64), layer.bias.astype(np.float64))

    def compose(self, first: "Affine | None") -> "Affine":
        """Return the map that applies `first` and then this map; None is the identity."""
        if first is None:
            return self
        return Affine(self.weight @ first.weight, self.weight @ first.bias + self.bias)

    def to_angles(self) -> "Affine":
        """Return the map to phi = -(pi/2) z, with its bias reduced to [-pi, pi].

        With theta = (pi/2)(z + 1) of the paper, sin(phi) = cos(theta) is the first harmonic, -sin(3 phi) the second,
        sin(5 phi) the third, and so on. Without the +1 of the paper, angles of small z are small, and so are their
        rounding errors, which steep activations amplify.
        """
        bias = self.bias * (-np.pi / 2)
        return Affine(self.weight * (-np.pi / 2), np.remainder(bias + np.pi, 2 * np.pi) - np.pi)
