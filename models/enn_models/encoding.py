"""Encoding of raw rows as columns: a number as itself or by a monotone map, a category as indicator columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
        knots: Knots of each column with a monotone map, by the index of the column; the map is applied last.
    """

    feature: NDArray[np.int64]
    number: NDArray[np.bool_]
    code: NDArray[np.float32]
    missing: NDArray[np.float32]
    knots: Mapping[int, NDArray[np.float64]] = field(default_factory=dict[int, NDArray[np.float64]])

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
        columns = np.where(np.isnan(values), self.missing, present)
        for column, knots in self.knots.items():
            columns[:, column] = map_to_knots(columns[:, column], knots)
        return columns


def map_to_knots(values: NDArray[np.floating], knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the monotone map of values: the knots become equidistant numbers from -1 to 1.

    Values between two knots are interpolated, values beyond the first and the last become -1 and 1.

    Args:
        values: Values of any shape.
        knots: Strictly increasing numbers, at least two.
    """
    return np.interp(values, knots, np.linspace(-1.0, 1.0, len(knots)))
