"""Exact Shapley interaction values: the Shapley value of each feature, divided among its pairs and itself."""

from collections.abc import Generator, Sequence

import numpy as np

from enn_models import cosine_series
from enn_models.cosine_series import Floats
from enn_models.explanations.attributions import NotClosedFormError
from enn_models.explanations.feature_shares import (
    MAX_ANGLES,
    MAX_VALUES,
    FeatureColumns,
    half_quadrature,
    odd_powers,
    pre_activation_shares,
)
from enn_models.network import Layer, Network

Pair = tuple[Floats, Floats]


def shapley_interactions(
    network: Network, row: Floats, background: Floats, players: FeatureColumns, units: Sequence[int]
) -> Generator[None, None, Floats]:
    """Compute exact Shapley interaction values of a row; the game is that of `attributions.shapley`.

    Each harmonic of a neuron is a product game. With the notation of `attributions.shapley`, a pair i, j has

        -F cos(w (b + 1) + sum m_j) sin(d_i) sin(d_j) integral over s in [-1, 1] of prod over k != i, j of
        (cos d_k + i s sin d_k)

    which is half of its Shapley interaction index, so that the two features share the effect, as in shap's explainer of
    trees (shap Exact divides the Shapley values otherwise, by the Shapley-Taylor index). At a node of the
    quadrature all pairs are the real part of one outer product of the vectors sin d_k / (cos d_k + i s sin d_k), so the
    time grows with the square of the number of features, times the nodes, of which there are a quarter as many.

    Args:
        network: Network with one hidden layer.
        row: Encoded row, float64 [columns].
        background: Encoded rows that replace absent features, float64 [background, columns].
        players: Columns of each feature.
        units: Indices of the output units to explain.

    Returns:
        Symmetric matrices, float64 [units, features, features]. Each line sums to the Shapley value of its feature; the
        diagonal has the rest of that sum, the main effect.

    Raises:
        NotClosedFormError: The network has several hidden layers.

    Source: Lundberg, Erion, Lee, "Consistent Individualized Feature Attribution for Tree Ensembles", 2018, equations 3
        to 6; the index is that of Fujimoto, Kojadinovic, Marichal, 2006.
    """
    if len(network.layers) != 2:
        raise NotClosedFormError(f"{len(network.layers) - 1} hidden layers: the closed form needs one")
    features, angles = len(players), len(players) * network.spectrum.shape[1]
    size = max(1, min(len(background), MAX_ANGLES // angles))
    width = max(1, min(MAX_ANGLES // (size * angles), MAX_VALUES // features**2))
    weight = network.layers[-1].weight[list(units)].astype(np.float64)
    pairs, values = np.zeros((len(units), features, features)), np.zeros((len(units), features))
    for first in range(0, weight.shape[1], width):
        some = slice(first, first + width)
        own = pre_activation_shares(network, row[None], players, some)[0]
        for start in range(0, len(background), size):
            absent = pre_activation_shares(network, background[start : start + size], players, some)
            of_pairs, of_features = yield from _neuron_interactions(network.layers[0], some, own, absent)
            pairs += np.tensordot(weight[:, some], of_pairs, axes=1)
            values += weight[:, some] @ of_features
    diagonal = np.arange(features)
    pairs[:, diagonal, diagonal] = 0.0
    pairs[:, diagonal, diagonal] = values - pairs.sum(axis=2)
    return pairs / len(background)


def _neuron_interactions(layer: Layer, neurons: slice, own: Floats, absent: Floats) -> Generator[None, None, Pair]:
    """Return the sums over the background of what a row's pairs and features have in some sigma_m.

    Args:
        layer: Hidden layer.
        neurons: Neurons of the layer.
        own: Shares of z of the row, [neurons, features].
        absent: Shares of z of the background, [background, neurons, features].

    Returns:
        Matrices [neurons, features, features] without meaning on the diagonal, and Shapley values [neurons, features].
    """
    assert layer.coefficients is not None  # noqa: S101 - Network checks that hidden layers have coefficients
    omega = cosine_series.frequencies(layer.coefficients.shape[1])[:, None]
    heights, bias = (part[neurons].astype(np.float64) for part in (layer.coefficients, layer.bias))
    others, present = np.moveaxis(absent, 0, 2), own[:, :, None]
    mean = (present + others).sum(axis=1, keepdims=True) / 2
    phase = omega * (bias[:, None, None] + 1.0 + mean)
    alone, both = ((-heights[:, :, None] * wave(phase)).reshape(len(own), -1) for wave in (np.sin, np.cos))
    turned = odd_powers(np.exp(1j * omega[0] * (present - others) / 2), len(omega)).reshape(*own.shape, -1)
    sine, squared = turned.imag.copy(), turned.real**2
    pairs, values = np.zeros((*own.shape, own.shape[1])), np.zeros(own.shape)
    for node, weight in zip(*half_quadrature(own.shape[1]), strict=True):
        tilted = node * sine
        turned.imag = tilted
        product = weight * turned.prod(axis=1)
        ratio = turned.conj()  # sin d / (cos d + i s sin d) once it is divided
        ratio *= sine / (squared + tilted**2)
        values += (ratio @ (product * alone)[:, :, None]).real[:, :, 0]
        ratio *= np.sqrt(product * both)[:, None]
        for part, sign in ((ratio.real.copy(), 1), (ratio.imag.copy(), -1)):
            pairs += sign * (part @ part.swapaxes(1, 2))
        yield
    return pairs, values
