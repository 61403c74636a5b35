"""Features as players of a game: their columns, their shares of the z of each neuron, and the game's quadrature.

The columns of a feature (such as the one-hot columns of a category) change together, so a feature contributes one sum
to the z of a hidden neuron: its share of z.
"""

from collections.abc import Generator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from enn_models.cosine_series import Floats
from enn_models.network import Network

FeatureColumns = Sequence[NDArray[np.intp]]
"""Indices of the columns of each feature; every column belongs to one feature."""

MAX_VALUES = 2**16
"""Maximum values of a layer in memory at once, rows x neurons x harmonics."""
MAX_ANGLES = 2**15
"""Maximum angles in memory at once, background x neurons x harmonics x features; they fit the cache."""


def feature_columns(network: Network) -> FeatureColumns:
    """Return the indices of the encoded columns of each feature of a network."""
    features = np.arange(network.inputs)
    feature_of_column = features if network.encoding is None else network.encoding.feature
    return [np.flatnonzero(feature_of_column == feature) for feature in features]


def pre_activation_shares(
    network: Network, rows: Floats, players: FeatureColumns, neurons: slice = slice(None)
) -> Floats:
    """Return the share of each feature in each hidden z, without the bias, float64 [rows, neurons, features]."""
    weight = network.layers[0].weight[neurons].astype(np.float64)
    centred = rows - network.input_offset
    return np.stack([centred[:, columns] @ weight[:, columns].T for columns in players], axis=2)


def pre_activation(network: Network, rows: Floats) -> Floats:
    """Return the pre-activation of rows, [rows, units], without their bumps."""
    return network.layers[-1].pre_activation(network.layers[-2].activation(network.hidden_pre_activations(rows)[-1]))


def mean_pre_activation(network: Network, rows: Floats) -> Generator[None, None, Floats]:
    """Return the mean pre-activation of rows, [units]."""
    total, most = np.zeros(network.units), rows_at_once(network)
    for start in range(0, len(rows), most):
        total += pre_activation(network, rows[start : start + most]).sum(axis=0)
        yield
    return total / len(rows)


def rows_at_once(network: Network) -> int:
    """Return the number of rows whose values fit in MAX_VALUES."""
    hidden = [layer.coefficients.size for layer in network.layers if layer.coefficients is not None]
    return max(1, MAX_VALUES // max(network.columns, *hidden))


def odd_powers(unit: NDArray[np.complex128], count: int) -> NDArray[np.complex128]:
    """Return unit ** (1, 3, 5, ...) of three dimensions; the powers are the second last of four."""
    powers = np.repeat((unit * unit)[:, :, None, :], count, axis=2)
    powers[:, :, 0, :] = unit
    return np.multiply.accumulate(powers, axis=2)


@lru_cache
def half_quadrature(features: int) -> tuple[Floats, Floats]:
    """Return positive nodes and doubled weights of the smallest even Gauss-Legendre rule exact for degree d - 1."""
    count = -(-features // 2)
    nodes, weights = np.polynomial.legendre.leggauss(count + count % 2)
    return nodes[nodes > 0], 2 * weights[nodes > 0]
