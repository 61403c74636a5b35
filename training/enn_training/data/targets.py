"""Targets: from class indices or values to what the output units learn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from enn_models.network import Head
from enn_training.data.preprocessing import Scaling

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Targets:
    """How targets are put to a head.

    Attributes:
        units: Output units: one for two classes or a value, one a class for more.
        head: "dct" learns -1/+1 and "linear" 0/1 for a class.
        classes: Number of classes, or None for values.
        scaling: Of the values of a regression; None for classes.
    """

    units: int
    head: Head
    classes: int | None
    scaling: Scaling | None

    @classmethod
    def of(cls, y: ArrayLike, head: Head, classes: int | None) -> "Targets":
        """Return the targets for a head, scaled by training values y where there are no classes.

        A linear head learns values of mean 0 and deviation 1; a dct head values in [-1, 1], where it starts as a line.
        """
        if classes is not None:
            return cls(1 if classes == 2 else classes, head, classes, None)
        rows = _columns(y)
        scaling = Scaling.of_spread(rows) if head == "linear" else Scaling.of_range(rows)
        return cls(rows.shape[1], head, None, scaling)

    def encode(self, y: ArrayLike) -> Floats:
        """Return what the units learn, [rows, units], of class indices [rows] or values [rows] or [rows, units]."""
        if self.scaling is not None:
            return self.scaling.apply(_columns(y))
        index = np.asarray(y)
        truth = (index == 1)[:, None] if self.units == 1 else index[:, None] == np.arange(self.units)
        return truth.astype(np.float64) if self.head == "linear" else np.where(truth, 1.0, -1.0)


def _columns(y: ArrayLike) -> Floats:
    values = np.asarray(y, dtype=np.float64)
    return values[:, None] if values.ndim == 1 else values
