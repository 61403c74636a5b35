"""Feature attributions of the pre-activation: integrated gradients, and exact or sampled Shapley values.

The columns of a feature (such as the one-hot columns of a category) change together, so a feature contributes one sum
to the z of a hidden neuron: its share of z. The closed forms for one hidden layer are in terms of these shares.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.cosine_series import Floats
from enn_models.network import Network

FeatureColumns = Sequence[NDArray[np.intp]]
"""Indices of the columns of each feature; every column belongs to one feature."""

MAX_NODES = 512
"""Maximum quadrature nodes on the path of a deeper network."""
PATH_TOLERANCE = 1e-9
"""Accepted completeness error, relative to the change of the pre-activation along the path."""
MAX_ANGLES = 2**15
"""Maximum angles in memory at once, background x neurons x harmonics x features; they fit the cache."""


@dataclass(frozen=True, eq=False)
class Attributions:
    """Contribution of each feature to the output pre-activation.

    Attributes:
        values: Contributions, float64 [rows, units, features]; base_value + their sum is the pre-activation.
        base_value: Pre-activation at the baseline, or its mean over the background, float64 [units].
        error: Largest difference between base_value + sum of values and the pre-activation: rounding for closed forms,
            else the error of the approximation.
    """

    values: Floats
    base_value: Floats
    error: float


class NotClosedFormError(ValueError):
    """The network has several hidden layers, and exact Shapley values would take every subset of its features."""


def integrated_gradients(network: Network, rows: Floats, baseline: Floats, players: FeatureColumns) -> Attributions:
    """Integrate the gradient along the line from a baseline to each row.

    One hidden layer has the closed form (x_i - x0_i) sum_m v_m w_mi (sigma_m(z) - sigma_m(z0)) / (z - z0), in which
    the difference quotient of each cosine is -w sin(w (m + 1)) sinc(w d), m the mean of z and z0 and d half their
    difference. Deeper networks use Gauss-Legendre quadrature; the number of nodes doubles until the sum is complete to
    PATH_TOLERANCE or there are MAX_NODES.

    Args:
        network: Network of any depth.
        rows: Encoded rows, float64 [rows, columns].
        baseline: Encoded row, float64 [columns].
        players: Columns of each feature.

    Source: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, equation 1.
    """
    base_value = _pre_activation(network, baseline[None])[0]
    if len(network.layers) == 2:
        shares, start = (
            _pre_activation_shares(network, rows, players),
            _pre_activation_shares(network, baseline[None], players),
        )
        bias = network.layers[0].bias.astype(np.float64)
        slopes = _difference_quotient(network, bias + start.sum(axis=2), bias + shares.sum(axis=2))
        values = _to_units(network, slopes[:, :, None] * (shares - start))
        return _with_error(network, rows, values, base_value)
    nodes = 16
    while True:
        columns = (rows - baseline)[:, None, :] * _mean_gradient(network, rows, baseline, nodes)
        result = _with_error(network, rows, _sum_by_feature(columns, players), base_value)
        scale = np.abs(_pre_activation(network, rows) - base_value).max(initial=0.0)
        if result.error <= PATH_TOLERANCE * scale or nodes >= MAX_NODES:
            return result
        nodes *= 2


def shapley(network: Network, rows: Floats, background: Floats, players: FeatureColumns) -> Attributions:
    """Compute exact Shapley values of the game in which an absent feature has the value of a background row.

    Each harmonic of a neuron is a product game. Let m_j and d_j be the mean and half the difference of the angles that
    feature j adds in the row and in the background row. Then the Shapley values are

        -F sin(w (b + 1) + sum m_j) sin(d_i) integral over s in [-1, 1] of prod over j != i of (cos d_j + i s sin d_j)

    The integral is real and the integrand has degree d - 1 in s, so the positive half of an even Gauss-Legendre rule is
    exact. An even rule has no node 0, and no factor is 0 at another node, so a division removes one factor from the
    product.

    Args:
        network: Network with one hidden layer.
        rows: Encoded rows, float64 [rows, columns].
        background: Encoded rows that replace absent features, float64 [background, columns].
        players: Columns of each feature.

    Raises:
        NotClosedFormError: The network has several hidden layers.

    Source: Lundberg, Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017; the
        interventional game.
    """
    if len(network.layers) != 2:
        raise NotClosedFormError(f"{len(network.layers) - 1} hidden layers: the closed form needs one")
    own, absent = _pre_activation_shares(network, rows, players), _pre_activation_shares(network, background, players)
    neurons = np.stack([_neuron_shapley_values(network, share, absent) for share in own]) if len(own) else own
    base_value = _pre_activation(network, background).mean(axis=0)
    return _with_error(network, rows, _to_units(network, neurons), base_value)


def sampled_shapley(
    network: Network, rows: Floats, background: Floats, players: FeatureColumns, *, permutations: int, seed: int = 0
) -> Attributions:
    """Estimate Shapley values from random orders of the features, each used forwards and backwards.

    The values sum to the pre-activation for every order, so `error` is rounding only; the values are estimates.

    Args:
        network: Network of any depth.
        rows: Encoded rows, float64 [rows, columns].
        background: Encoded rows that replace absent features, float64 [background, columns].
        players: Columns of each feature.
        permutations: Number of random orders, >= 1; each row takes 2 x permutations x (features + 1) x background
            evaluations of the network.
        seed: Seed of the random orders.

    Source: Castro, Gomez, Tejada, "Polynomial calculation of the Shapley value based on sampling", 2009; antithetic
        orders as in Mitchell, Cooper, Frank, Holmes, "Sampling Permutations for Shapley Value Estimation", 2022.
    """
    rng = np.random.default_rng(seed)
    forwards = [rng.permutation(len(players)) for _ in range(permutations)]
    orders = [order for forward in forwards for order in (forward, forward[::-1])]
    values = np.zeros((len(rows), network.units, len(players)))
    for number, row in enumerate(rows):
        for order in orders:
            mixed = background.copy()
            before = _pre_activation(network, mixed).mean(axis=0)
            for player in order:
                mixed[:, players[player]] = row[players[player]]
                after = _pre_activation(network, mixed).mean(axis=0)
                values[number, :, player] += after - before
                before = after
    return _with_error(network, rows, values / len(orders), _pre_activation(network, background).mean(axis=0))


def _neuron_shapley_values(network: Network, own: Floats, absent: Floats) -> Floats:
    """Return Shapley values [neurons, features] of every sigma_m for one row.

    Args:
        network: Network with one hidden layer.
        own: Shares of z of the row, [neurons, features].
        absent: Shares of z of the background, [background, neurons, features].
    """
    layer = network.layers[0]
    assert layer.coefficients is not None  # noqa: S101 - Network checks that hidden layers have coefficients
    omega = cosine_series.frequencies(layer.coefficients.shape[1])[:, None]
    coefficients, bias = layer.coefficients.T.astype(np.float64), layer.bias.astype(np.float64)
    nodes, weights = _half_quadrature(own.shape[1])
    total = np.zeros_like(own)
    for chunk in _background_chunks(absent, len(omega)):
        mean, half = (own + chunk) / 2, (own - chunk) / 2
        phase = omega * (bias + 1.0 + mean.sum(axis=2))[:, None, :]
        turned = _odd_powers(np.exp(1j * omega[0] * np.moveaxis(half, 2, 0)), len(omega))
        cosine, sine = turned.real.copy(), turned.imag.copy()
        integral, squared = np.zeros_like(cosine), cosine**2
        for node, weight in zip(nodes, weights, strict=True):
            tilted = node * sine
            turned.imag = tilted
            product = weight * turned.prod(axis=0)
            integral += (product.real * cosine + product.imag * tilted) / (squared + tilted**2)
        total -= np.einsum("bqm,dbqm->md", coefficients * np.sin(phase), sine * integral)
    return total / len(absent)


def _odd_powers(unit: NDArray[np.complex128], count: int) -> NDArray[np.complex128]:
    """Return unit ** (1, 3, 5, ...) of [features, background, neurons]; powers are the second last axis."""
    powers = np.repeat((unit * unit)[:, :, None, :], count, axis=2)
    powers[:, :, 0, :] = unit
    return np.multiply.accumulate(powers, axis=2)


def _half_quadrature(features: int) -> tuple[Floats, Floats]:
    """Return positive nodes and doubled weights of the smallest even Gauss-Legendre rule exact for degree d - 1."""
    count = -(-features // 2)
    nodes, weights = np.polynomial.legendre.leggauss(count + count % 2)
    return nodes[nodes > 0], 2 * weights[nodes > 0]


def _background_chunks(background: Floats, harmonics: int) -> Iterator[Floats]:
    size = max(1, MAX_ANGLES // (background[0].size * harmonics))
    for start in range(0, len(background), size):
        yield background[start : start + size]


def _pre_activation_shares(network: Network, rows: Floats, players: FeatureColumns) -> Floats:
    """Return the share of each feature in each hidden z, without the bias, float64 [rows, neurons, features]."""
    weight = network.layers[0].weight.astype(np.float64)
    centred = rows - network.input_offset
    return np.stack([centred[:, columns] @ weight[:, columns].T for columns in players], axis=2)


def _difference_quotient(network: Network, start: Floats, end: Floats) -> Floats:
    """Return (sigma(end) - sigma(start)) / (end - start), or the derivative if both are equal, [rows, neurons]."""
    coefficients = network.layers[0].coefficients
    assert coefficients is not None  # noqa: S101 - Network checks that hidden layers have coefficients
    omega = cosine_series.frequencies(coefficients.shape[1])
    mean, half = ((start + end) / 2)[..., None], ((end - start) / 2)[..., None]
    return -(coefficients * omega * np.sin(omega * (mean + 1.0)) * np.sinc(omega * half / np.pi)).sum(axis=-1)


def _mean_gradient(network: Network, rows: Floats, baseline: Floats, count: int) -> Floats:
    """Return the mean of d pre-activation / d column along the path, [rows, units, columns], with `count` nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return sum(
        (
            weight / 2 * network.gradient(baseline + (node + 1) / 2 * (rows - baseline))
            for node, weight in zip(nodes, weights, strict=True)
        ),
        start=np.zeros((len(rows), network.units, network.inputs)),
    )


def _to_units(network: Network, neurons: Floats) -> Floats:
    """Turn attributions of neurons, [rows, neurons, features], into attributions of units, [rows, units, features]."""
    return network.layers[-1].weight.astype(np.float64) @ neurons


def _sum_by_feature(columns: Floats, players: FeatureColumns) -> Floats:
    return np.stack([columns[..., own].sum(axis=-1) for own in players], axis=-1)


def _pre_activation(network: Network, rows: Floats) -> Floats:
    return network.respond(rows).pre_activation


def _with_error(network: Network, rows: Floats, values: Floats, base_value: Floats) -> Attributions:
    difference = _pre_activation(network, rows) - base_value - values.sum(axis=-1)
    return Attributions(values, base_value, float(np.abs(difference).max(initial=0.0)))
