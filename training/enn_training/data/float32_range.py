"""Range of float32: values that a request cannot carry, and columns that float32 weights cannot scale, are refused."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from enn_training.errors import DataError

LARGEST = float(np.finfo(np.float32).max)
SMALLEST_RANGE = 1e-35
"""Smallest range of a column that varies: the weights of a narrower one, about 1,000 / range, exceed float32."""


def refuse_beyond_float32(subject: str, values: NDArray[np.float64], row: Callable[[NDArray[np.bool_]], str]) -> None:
    """Refuse a column with a value that float32 cannot hold; NaN is a missing value.

    Args:
        subject: Noun for the values in the error, as "column 'a'".
        values: Values, [rows].
        row: Function that names the first row of a mask.

    Raises:
        DataError: A value is infinite or above the largest float32.
    """
    beyond = ~np.isnan(values) & ~(np.abs(values) <= LARGEST)
    if beyond.any():
        raise DataError(
            f"{subject}, {row(beyond)}: {values[beyond][0]} is beyond float32;"
            " replace it by a finite number, or leave the row out"
        )


def refuse_narrow_range(subject: str, low: float, high: float) -> None:
    """Refuse values that vary, but by less than float32 weights can distinguish.

    Args:
        subject: Noun for the values in the error, as "column 'a'".
        low: Lowest value.
        high: Highest value.

    Raises:
        DataError: The range is too narrow.
    """
    if 0 < high - low < SMALLEST_RANGE:
        raise DataError(
            f"{subject}: all values lie within {high - low:.3g} of each other; float32 needs a range of at least"
            f" {SMALLEST_RANGE:g}: multiply them by a constant, or leave the column out"
        )
