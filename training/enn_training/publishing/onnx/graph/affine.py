"""An affine map in float64, so that whatever two maps in a row mean is folded before it is rounded to float32 once."""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_models.network import Layer


@dataclass(frozen=True, eq=False)
class Affine:
    """The map x -> weight x + bias.

    Attributes:
        weight: float64 [outputs, inputs].
        bias: float64 [outputs].
    """

    weight: Floats
    bias: Floats

    @classmethod
    def of(cls, layer: Layer) -> "Affine":
        """Return the map from a layer's inputs to its pre-activations."""
        return cls(layer.weight.astype(np.float64), layer.bias.astype(np.float64))

    def after(self, first: "Affine | None") -> "Affine":
        """Return the map that does `first`, then this one; None stands for the identity."""
        if first is None:
            return self
        return Affine(self.weight @ first.weight, self.weight @ first.bias + self.bias)

    def angles(self) -> "Affine":
        """Return the map to phi = -(pi/2) z, its bias brought to [-pi, pi].

        sin(phi) = cos(theta) with theta = (pi/2)(z + 1) is the first harmonic, -sin(3 phi) the second, sin(5 phi) the
        third, and so on. Without the paper's +1 the angles of small z are small, and
        so are their roundings, which steep activations enlarge.
        """
        bias = self.bias * (-np.pi / 2)
        return Affine(self.weight * (-np.pi / 2), np.remainder(bias + np.pi, 2 * np.pi) - np.pi)
