"""Encoding of raw rows as columns: a number as itself, a category as indicator columns, a missing value as defined."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Encoding:
    """Rules for the columns of a network, one entry per column.

    The columns of a feature are adjacent, and every feature has at least one.

    Attributes:
        feature: Index of the raw value that the column reads, int64 [columns].
        number: True for a column that is the value itself, False for a 0/1 indicator, bool [columns].
        code: Value at which an indicator is 1, float32 [columns]; NaN if no value sets it.
        missing: Entry of the column for a missing value, float32 [columns]; NaN if the value must be present.
    """

    feature: NDArray[np.int64]
    number: NDArray[np.bool_]
    code: NDArray[np.float32]
    missing: NDArray[np.float32]

    @property
    def inputs(self) -> int:
        """Number of raw values in a row."""
        return int(self.feature[-1]) + 1

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.feature)

    def apply(self, rows: ArrayLike) -> NDArray[np.float64]:
        """Return the columns, float64 [batch, columns], of raw rows [batch, inputs]."""
        values = np.asarray(rows, dtype=np.float64)[:, self.feature]
        present = np.where(self.number, values, values == self.code)
        return np.where(np.isnan(values), self.missing, present)
