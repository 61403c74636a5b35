"""Range and precision of float32, in which requests and graphs carry values: what does not fit is refused or named."""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from enn_training.errors import DataError, PrecisionWarning

LARGEST = float(np.finfo(np.float32).max)
SMALLEST_RANGE = 1e-35
"""Smallest range of a column that varies: the weights of a narrower one, about 1,000 / range, exceed float32."""

SEPARATED = 0.95
"""Least share of the different values of a column that float32 tells apart without a warning."""
RESOLUTION = 1e-5
"""Largest step of float32, in standard deviations of a column, without a warning: rounding is far below any noise."""


def to_float32(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values as a graph holds them: rounded to float32, in float64."""
    return values.astype(np.float32).astype(np.float64)


def warn_of_rounding(subject: str, values: NDArray[np.float64]) -> None:
    """Warn of a column whose different values float32 cannot tell apart; NaN is a missing value.

    Args:
        subject: Noun for the values in the warning, as "column 'a'".
        values: Values within the range of float32, [rows].
    """
    known = values[~np.isnan(values)]
    if not len(known) or float(np.spacing(np.float32(np.abs(known).max()))) <= RESOLUTION * known.std():
        return
    before, after = len(np.unique(known)), len(np.unique(known.astype(np.float32)))
    if after < SEPARATED * before:
        warnings.warn(
            f"{subject}: float32, in which the network is served, tells {after} of its {before} different values apart;"
            f" subtract {known.min():.6g} from all values, before learning and in every request",
            PrecisionWarning,
            stacklevel=3,
        )


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
