"""Encoding of class indices or values as targets of the output units."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from enn_models.network import Head
from enn_training.data.scaling import Scaling

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Targets:
    """Encode targets for an output layer.

    Attributes:
        units: Number of output units: 1 for two classes, else one for each class or value.
        head: Output layer: "dct" is trained on -1/+1 for a class, "linear" on 0/1.
        classes: Number of classes; None for a regression.
        scaling: Scaling of the values of a regression; None for classes.
    """

    units: int
    head: Head
    classes: int | None
    scaling: Scaling | None

    @classmethod
    def fit(cls, y: ArrayLike, head: Head, classes: int | None, weight: Floats | None = None) -> "Targets":
        """Return the encoding for a head, with the values of a regression scaled by training values y.

        A linear head is trained on values of mean 0 and deviation 1, a dct head on values in [-1, 1], the range over
        which its initial activation approximates a line.
        """
        if classes is not None:
            return cls(1 if classes == 2 else classes, head, classes, None)
        rows = _to_columns(y)
        scaling = Scaling.standard(rows, weight) if head == "linear" else Scaling.min_max(rows)
        return cls(rows.shape[1], head, None, scaling)

    def encode(self, y: ArrayLike) -> Floats:
        """Return the targets [rows, units] of class indices [rows] or values [rows] or [rows, units]."""
        if self.scaling is not None:
            return self.scaling.transform(_to_columns(y))
        index = np.asarray(y)
        is_class = (index == 1)[:, None] if self.units == 1 else index[:, None] == np.arange(self.units)
        return is_class.astype(np.float64) if self.head == "linear" else np.where(is_class, 1.0, -1.0)


def _to_columns(y: ArrayLike) -> Floats:
    values = np.asarray(y, dtype=np.float64)
    return values[:, None] if values.ndim == 1 else values
