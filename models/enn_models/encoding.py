"""The encoding: how raw rows, with categories as their codes and NaN where a value is missing, become columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Encoding:
    """One entry a column; the columns of a feature follow each other, and every feature has at least one.

    Attributes:
        feature: Index of the raw value that the column reads, int64 [columns].
        number: Whether the column is that value itself, bool [columns]; else it is 1 or 0.
        code: The value at which such a column is 1, float32 [columns]; NaN where no value is.
        missing: What the column is where the value is missing, float32 [columns]; NaN where none may be.
    """

    feature: NDArray[np.int64]
    number: NDArray[np.bool_]
    code: NDArray[np.float32]
    missing: NDArray[np.float32]

    @property
    def inputs(self) -> int:
        """The number of raw values of a row."""
        return int(self.feature[-1]) + 1

    @property
    def columns(self) -> int:
        """The number of columns."""
        return len(self.feature)

    def apply(self, rows: ArrayLike) -> NDArray[np.float64]:
        """Return the columns, float64 [batch, columns], of raw rows [batch, inputs]."""
        values = np.asarray(rows, dtype=np.float64)[:, self.feature]
        present = np.where(self.number, values, values == self.code)
        return np.where(np.isnan(values), self.missing, present)
