"""Monotone maps for numeric columns with outliers or long tails, which a linear scaling would squeeze into a point."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from enn_models.card.features import Feature
from enn_training.data.float32_range import to_float32

Floats = NDArray[np.float64]

LONG_RANGE = 5.5
"""Ratio of the range of a column to that of its middle 90 % above which it has a map: 3.0 for a million normal numbers,
4.6 for a million exponential ones, 44 for 500 lognormal ones with sigma 3. It lies between the columns of two tables:
5.7 on hpc_data, where a map helps, and 5.4 on a fold of breast-cancer (log-loss .098 with a map, .094 without).
"""
SEGMENTS = 16
"""Most segments of a map (measured on hpc_data: log-loss .466; .507 with 8; .509 with equally filled segments)."""
DEVIATIONS = 2.5
"""Normal score of the extreme knots but for their level: knots are quantiles at equidistant normal scores."""


def with_maps(features: Sequence[Feature], x: Floats, *, every: bool = False) -> tuple[Feature, ...]:
    """Return features of which the numeric ones with a long range have a monotone map.

    Args:
        features: Kind and training range of each raw column.
        x: Raw training rows, [rows, features].
        every: Map every numeric column of more than two values, and not only those with a long range.
    """
    return tuple(
        feature.model_copy(update={"knots": find_knots(values, every=every)}) if feature.kind == "numeric" else feature
        for feature, values in zip(features, x.T, strict=True)
    )


def find_knots(values: Floats, *, every: bool = False) -> tuple[float, ...] | None:
    """Return the knots of the map of a column, or None if it needs no map.

    Args:
        values: Values of the column; NaN for a missing value.
        every: Map a column whose range is not long too.
    """
    known = to_float32(values[~np.isnan(values)])
    if not len(known) or not (every or _has_long_range(known)):
        return None
    normal = NormalDist()
    levels = [normal.cdf(score) for score in np.linspace(-DEVIATIONS, DEVIATIONS, SEGMENTS + 1).tolist()]
    knots = np.unique(to_float32(np.quantile(known, [0.0, *levels[1:-1], 1.0])))
    return tuple(knots.tolist()) if len(knots) > 2 else None


def _has_long_range(known: Floats) -> bool:
    """Return True if a few values are far from the others."""
    low, high = np.quantile(known, (0.05, 0.95))
    if low == high:  # nearly all values are the same: compare the others with each other
        low, high = np.quantile(np.unique(known), (0.05, 0.95))
    return bool(np.ptp(known) > LONG_RANGE * (high - low))
