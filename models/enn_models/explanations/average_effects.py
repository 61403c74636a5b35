"""Average effect of a feature: the mean pre-activation over background rows in which it has a given value."""

from collections.abc import Generator
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from enn_models import cosine_series
from enn_models.cosine_series import Floats
from enn_models.explanations.feature_shares import MAX_VALUES, feature_columns, pre_activation, rows_at_once
from enn_models.network import Network


def average_effect(
    network: Network, background: ArrayLike, feature: int, values: ArrayLike
) -> Generator[None, None, Floats]:
    """Compute the exact partial dependence of the pre-activation on a feature.

    With one hidden layer, the mean of a harmonic over the background is a cosine of the feature's share of z: the rows
    change its height and phase alone. Deeper networks run every background row with every value.

    Args:
        network: Network of any depth.
        background: Raw rows, [background, inputs].
        feature: Index of the feature.
        values: Raw values of the feature, [points].

    Returns:
        Mean pre-activations, float64 [points, units].

    Source: Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", 2001, section 8.2.
    """
    points = np.asarray(values, dtype=np.float64)
    rows = np.tile(np.asarray(background, dtype=np.float64)[0], (len(points), 1))
    rows[:, feature] = points
    columns, encoded = feature_columns(network)[feature], network.encode(background)
    own = network.encode(rows)[:, columns]
    if len(network.layers) != 2:
        return (yield from _evaluated(replace(network, encoding=None), encoded, columns, own))
    layer, output = network.layers[0], network.layers[-1]
    assert layer.coefficients is not None  # noqa: S101 - Network checks that hidden layers have coefficients
    weight, offset = layer.weight[:, columns].astype(np.float64), network.input_offset[columns]
    encoded[:, columns] = offset
    rest = layer.pre_activation(encoded - network.input_offset)
    share = (own - offset) @ weight.T
    omega, heights = cosine_series.frequencies(layer.coefficients.shape[1]), layer.coefficients.astype(np.float64)
    size = max(1, MAX_VALUES // heights.size)
    total, means = np.zeros(heights.shape, np.complex128), np.empty((len(points), len(heights)))
    for start in range(0, len(rest), size):
        total += np.exp(1j * omega * (rest[start : start + size, :, None] + 1.0)).sum(axis=0)
        yield
    total *= heights / len(rest)
    for start in range(0, len(points), size):
        turned = np.exp(1j * omega * share[start : start + size, :, None])
        means[start : start + size] = (total * turned).real.sum(axis=2)
        yield
    return output.pre_activation(means)


def _evaluated(
    network: Network, background: Floats, columns: np.ndarray, values: Floats
) -> Generator[None, None, Floats]:
    """Return the mean pre-activations, [points, units], by evaluation.

    Args:
        network: Network without an encoding.
        background: Encoded rows, [background, columns].
        columns: Columns of the feature.
        values: Encoded values of the feature, [points, its columns].
    """
    sums, size = np.zeros((len(values), network.units)), rows_at_once(network)
    for point, value in enumerate(values):
        for start in range(0, len(background), size):
            rows = background[start : start + size].copy()
            rows[:, columns] = value
            sums[point] += pre_activation(network, rows).sum(axis=0)
            yield
    return sums / len(background)
