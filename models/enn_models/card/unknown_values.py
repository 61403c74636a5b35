"""Unknown values: categories that no training row had, and missing values where training rows had none."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from enn_models.card.features import Feature
from enn_models.network import Network

Floats = NDArray[np.float64]
UNSEEN = -1.0
"""Code of a category that no training row had."""
ROWS_AT_ONCE = 4096
"""Number of rows encoded at once, so that the columns of many categories fit in memory."""


def column_means(network: Network, rows: Floats, weight: Floats | None = None) -> Floats:
    """Return the mean of each input column of a network over raw rows [rows, features], float64 [columns].

    Args:
        network: Network over raw rows.
        rows: Raw rows, at least one.
        weight: Weight of each row; None for equal weights.
    """
    weights = np.ones(len(rows)) if weight is None else weight
    total = np.zeros(network.columns)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        total += weights[part] @ network.encode(rows[part])
    return total / weights.sum()


def find_unknown(feature: Feature, values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return a mask of the unknown values of a feature among its raw values, [rows]."""
    return is_unseen(feature, values) | (np.isnan(values) & (not feature.missing))


def is_unseen(feature: Feature, values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return a mask of the categories that no training row had among the raw values of a feature, [rows]."""
    return (values == UNSEEN) & (feature.kind == "categorical")


def encode_unknown(
    network: Network,
    features: Sequence[Feature],
    rows: NDArray[np.floating],
    unknown: NDArray[np.bool_],
    means: Floats,
) -> Floats:
    """Return the input columns of rows with unknown values, float64 [rows, columns].

    An unknown value counts as a missing one if training rows lacked values of the feature. Otherwise its input columns
    are their means over the training rows: its feature contributes its mean to every pre-activation of the first layer.

    Args:
        network: Network over raw rows.
        features: Features of the network.
        rows: Raw rows, [rows, features].
        unknown: Mask of the unknown values, [rows, features].
        means: Mean of each input column of the network over the training rows, [columns].
    """
    learned = np.array([feature.missing for feature in features])
    columns = slice(None) if network.encoding is None else network.encoding.feature
    return np.where((unknown & ~learned)[:, columns], means, network.encode(np.where(unknown, np.nan, rows)))
