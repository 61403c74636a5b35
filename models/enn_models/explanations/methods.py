"""Methods of attribution for raw features: their reference rows, and their computation for many rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from enn_models.card.features import Feature
from enn_models.card.parts import RawRows
from enn_models.cosine_series import Floats
from enn_models.explanations import attributions
from enn_models.explanations.feature_shares import feature_columns
from enn_models.network import Network

Method = Literal["shapley", "integrated_gradients", "sampled_shapley"]
MAX_SHARES = 2**17
"""Maximum values of the features in the neurons, or of a gradient, at once: rows x neurons x features."""
MAX_PERMUTATIONS = 1000
DEFAULT_PERMUTATIONS = 50


def default_reference(
    network: Network, features: Sequence[Feature], background: RawRows | Floats | None, method: Method
) -> Floats | None:
    """Return the encoded rows to compare with if the caller gives none, float64 [rows, columns]; None without any.

    Args:
        network: Network over raw rows.
        features: Features of the network.
        background: Raw training rows, [rows, features]; None if the model carries none.
        method: Method of attribution. Integrated gradients have one row: the mean of the training rows.
    """
    single = method == "integrated_gradients"
    if single and all(feature.kind == "numeric" for feature in features):
        return network.encode([[feature.mean for feature in features if feature.kind == "numeric"]])
    if background is None:
        return None
    rows = network.encode(np.array(background, dtype=np.float64))
    return rows.mean(axis=0, keepdims=True) if single else rows


def is_estimate(network: Network, method: Method) -> bool:
    """Return True if the sum of the attributions is an approximation too, whose error belongs to the answer."""
    return method == "integrated_gradients" and len(network.layers) > 2


def attribute(
    network: Network, columns: Floats, method: Method, reference: Floats, permutations: int
) -> attributions.Steps:
    """Compute the attributions of every row and unit, some rows at a time.

    Args:
        network: Network over raw rows.
        columns: Encoded rows, float64 [rows, columns].
        method: Method of attribution.
        reference: Encoded rows to compare with, float64 [rows, columns].
        permutations: Number of random orders of sampled Shapley values.
    """
    players, encoded = feature_columns(network), replace(network, encoding=None)
    size = max(1, MAX_SHARES // (network.columns * max(len(layer.bias) for layer in network.layers)))
    parts: list[attributions.Attributions] = []
    for start in range(0, len(columns), size):
        some = columns[start : start + size]
        if method == "integrated_gradients":
            steps = attributions.integrated_gradients(encoded, some, reference[0], players)
        elif method == "shapley":
            steps = attributions.shapley(encoded, some, reference, players)
        else:
            steps = attributions.sampled_shapley(encoded, some, reference, players, permutations=permutations)
        parts.append((yield from steps))
        yield
    values, error = np.concatenate([part.values for part in parts]), max(part.error for part in parts)
    return attributions.Attributions(values, parts[0].base_value, error)
