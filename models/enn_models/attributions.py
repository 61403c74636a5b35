"""Feature attributions: the pre-activation shared out among the features, in closed form for one hidden layer.

Features are players. The columns of a feature (the one-hot columns of a category) move together, so a feature reaches a
hidden neuron's z as one sum, its share of z. Everything below is told in these shares.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.cosine_series import Floats
from enn_models.network import Network

FeatureColumns = Sequence[NDArray[np.intp]]
"""The columns of each feature; every column belongs to one."""

MAX_NODES = 512
"""The most points of a path at which a deeper network's gradient is taken."""
PATH_TOLERANCE = 1e-9
"""A path is fine enough when the attributions miss completeness by less than this share of the output's change."""
MAX_ANGLES = 2**15
"""Angles held at once, background x neurons x harmonics x features: what a cache holds."""


@dataclass(frozen=True, eq=False)
class Attributions:
    """What each feature adds to the output pre-activation.

    Attributes:
        values: float64 [rows, units, features]; with base_value they sum to the pre-activation.
        base_value: float64 [units]: the pre-activation at the baseline, or its mean over the background.
        error: The largest gap between base_value + sum of the values and the pre-activation: rounding where the form
            is closed, and the approximation's where it is not.
    """

    values: Floats
    base_value: Floats
    error: float


class NotClosedFormError(ValueError):
    """Exact Shapley values of a deeper network would take every subset of its features."""


def integrated_gradients(network: Network, rows: Floats, baseline: Floats, players: FeatureColumns) -> Attributions:
    """Return the gradient integrated along the line from a baseline to each row.

    One hidden layer has the closed form (x_i - x0_i) sum_m v_m w_mi (sigma_m(z) - sigma_m(z0)) / (z - z0), in which
    the difference quotient of each cosine is -w sin(w (m + 1)) sinc(w d), m the middle of z and z0 and d half their
    distance. Deeper networks take Gauss-Legendre nodes, doubled until the sum is complete to PATH_TOLERANCE or there
    are MAX_NODES.

    Args:
        network: Any depth.
        rows: Encoded rows, float64 [rows, columns].
        baseline: Encoded row, float64 [columns].
        players: The columns of each feature.

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
    """Return the Shapley values of the game in which an absent feature takes its value from a background row.

    Each harmonic of a neuron is a product game. With m_j and d_j the middle of and half the distance between the angles
    that feature j adds in the row and in the background row, its values are

        -F sin(w (b + 1) + sum m_j) sin(d_i) integral over s in [-1, 1] of prod over j != i of (cos d_j + i s sin d_j)

    and the integral is real, so half of an even number of Gauss-Legendre nodes is enough: degree d - 1 in s, exact. The
    node 0 never occurs, no factor is 0 at the others, and the product without one factor is a division.

    Args:
        network: One hidden layer.
        rows: Encoded rows, float64 [rows, columns].
        background: Encoded rows that stand for absence, float64 [background, columns].
        players: The columns of each feature.

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
    """Return Shapley values estimated from random orders of the features, each taken forwards and backwards.

    Complete by construction for every order, so `error` is rounding; the values themselves are estimates.

    Args:
        network: Any depth.
        rows: Encoded rows, float64 [rows, columns].
        background: Encoded rows that stand for absence, float64 [background, columns].
        players: The columns of each feature.
        permutations: Orders drawn, >= 1; the network runs 2 x permutations x (features + 1) x background times a row.
        seed: Of the orders.

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
    """Return the Shapley values [neurons, features] of every sigma_m, of shares [neurons, features] of a row."""
    layer = network.layers[0]
    assert layer.coefficients is not None  # noqa: S101 - Network checks it: hidden layers are activated
    omega = cosine_series.frequencies(layer.coefficients.shape[1])[:, None]
    coefficients, bias = layer.coefficients.T.astype(np.float64), layer.bias.astype(np.float64)
    nodes, weights = _half_quadrature(own.shape[1])
    total = np.zeros_like(own)
    for some in _background_chunks(absent, len(omega)):
        middle, half = (own + some) / 2, (own - some) / 2
        phase = omega * (bias + 1.0 + middle.sum(axis=2))[:, None, :]
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
    """Return unit ** (1, 3, 5, ...) of [features, background, neurons], the powers in the last axis but one."""
    powers = np.repeat((unit * unit)[:, :, None, :], count, axis=2)
    powers[:, :, 0, :] = unit
    return np.multiply.accumulate(powers, axis=2)


def _half_quadrature(features: int) -> tuple[Floats, Floats]:
    """Return the positive nodes and doubled weights of the smallest even Gauss-Legendre rule exact at degree d - 1."""
    count = -(-features // 2)
    nodes, weights = np.polynomial.legendre.leggauss(count + count % 2)
    return nodes[nodes > 0], 2 * weights[nodes > 0]


def _background_chunks(background: Floats, harmonics: int) -> Iterator[Floats]:
    size = max(1, MAX_ANGLES // (background[0].size * harmonics))
    for start in range(0, len(background), size):
        yield background[start : start + size]


def _pre_activation_shares(network: Network, rows: Floats, players: FeatureColumns) -> Floats:
    """Return what each feature adds to each hidden z, float64 [rows, neurons, features]; the bias is in none."""
    weight = network.layers[0].weight.astype(np.float64)
    centred = rows - network.input_offset
    return np.stack([centred[:, columns] @ weight[:, columns].T for columns in players], axis=2)


def _difference_quotient(network: Network, start: Floats, end: Floats) -> Floats:
    """Return (sigma(end) - sigma(start)) / (end - start), the derivative where they meet, float64 [rows, neurons]."""
    coefficients = network.layers[0].coefficients
    assert coefficients is not None  # noqa: S101 - Network checks it: hidden layers are activated
    omega = cosine_series.frequencies(coefficients.shape[1])
    middle, half = ((start + end) / 2)[..., None], ((end - start) / 2)[..., None]
    return -(coefficients * omega * np.sin(omega * (middle + 1.0)) * np.sinc(omega * half / np.pi)).sum(axis=-1)


def _mean_gradient(network: Network, rows: Floats, baseline: Floats, count: int) -> Floats:
    """Return the mean of d pre-activation / d column over the line from the baseline, [rows, units, columns]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return sum(
        (
            weight / 2 * network.gradient(baseline + (node + 1) / 2 * (rows - baseline))
            for node, weight in zip(nodes, weights, strict=True)
        ),
        start=np.zeros((len(rows), network.units, network.inputs)),
    )


def _to_units(network: Network, neurons: Floats) -> Floats:
    """Return the attributions [rows, units, features] of the output from those [rows, neurons, features] of neurons."""
    return network.layers[-1].weight.astype(np.float64) @ neurons


def _sum_by_feature(columns: Floats, players: FeatureColumns) -> Floats:
    return np.stack([columns[..., own].sum(axis=-1) for own in players], axis=-1)


def _pre_activation(network: Network, rows: Floats) -> Floats:
    return network.respond(rows).pre_activation


def _with_error(network: Network, rows: Floats, values: Floats, base_value: Floats) -> Attributions:
    gap = _pre_activation(network, rows) - base_value - values.sum(axis=-1)
    return Attributions(values, base_value, float(np.abs(gap).max(initial=0.0)))
