"""Importance of features and of their pairs: mean absolute Shapley values over background rows."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from enn_models.cosine_series import Floats
from enn_models.explanations.attributions import NotClosedFormError, sampled_shapley, shapley
from enn_models.explanations.feature_shares import feature_columns
from enn_models.explanations.interactions import shapley_interactions
from enn_models.network import Network

DEFAULT_PERMUTATIONS = 5
"""Random orders of the features per row for networks with several hidden layers; the mean over rows averages more."""


@dataclass(frozen=True, eq=False)
class Importance:
    """Importance of features for the pre-activation of some output units.

    Attributes:
        method: Method of the Shapley values: exact for one hidden layer, estimated from random orders for several.
        rows: Number of background rows over which the absolute values are averaged.
        features: Mean absolute Shapley values, float64 [units, features].
        interactions: Mean absolute Shapley interaction values, float64 [units, features, features], main effects on the
            diagonal; None if they were not asked for.
    """

    method: Literal["shapley", "sampled_shapley"]
    rows: int
    features: Floats
    interactions: Floats | None


def importance(
    network: Network,
    background: ArrayLike,
    *,
    rows: int | None = None,
    interactions: bool = True,
    units: Sequence[int] | None = None,
    permutations: int = DEFAULT_PERMUTATIONS,
) -> Generator[None, None, Importance]:
    """Compute how much each feature, and each pair, changes the pre-activation; `attributions.complete` runs it.

    Args:
        network: Network of any depth.
        background: Raw rows that are explained, and that the explained rows are compared with, [background, inputs].
        rows: Number of rows to explain, spread over the background; None for all.
        interactions: True for the interactions too, which take one hidden layer.
        units: Indices of the output units; None for all.
        permutations: Number of random orders per row for networks with several hidden layers.

    Raises:
        NotClosedFormError: Interactions of a network with several hidden layers.
    """
    exact, chosen = len(network.layers) == 2, range(network.units) if units is None else units
    if interactions and not exact:
        raise NotClosedFormError(f"{len(network.layers) - 1} hidden layers: exact interactions need one")
    players, reference = feature_columns(network), network.encode(background)
    network = replace(network, encoding=None)  # the rows are encoded
    explained = reference[_spread(len(reference), rows)]
    features = np.zeros((len(chosen), len(players)))
    pairs = np.zeros((*features.shape, len(players))) if interactions else None
    for row in explained:
        if pairs is not None:
            found = yield from shapley_interactions(network, row, reference, players, chosen)
            pairs += np.abs(found)
            features += np.abs(found.sum(axis=2))
            continue
        steps = (
            shapley(network, row[None], reference, players)
            if exact
            else sampled_shapley(network, row[None], reference, players, permutations=permutations)
        )
        features += np.abs((yield from steps).values[0, list(chosen)])
    count = len(explained)
    means = None if pairs is None else pairs / count
    return Importance("shapley" if exact else "sampled_shapley", count, features / count, means)


def _spread(count: int, wanted: int | None) -> np.ndarray:
    """Return the indices of rows that are spread evenly over `count` rows."""
    return np.arange(count) if wanted is None else np.unique(np.linspace(0, count - 1, wanted).round().astype(np.intp))
