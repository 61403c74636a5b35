"""Feature attributions of the pre-activation: integrated gradients, and exact or sampled Shapley values.

The columns of a feature (such as the one-hot columns of a category) change together, so a feature contributes one sum
to the z of a hidden neuron: its share of z. The closed forms for one hidden layer are in terms of these shares.

Each method is a generator that stops after each part of some milliseconds, so that a server can do other work in
between, or give up; `complete` runs it to its end. Memory does not grow with the background.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.cosine_series import Floats
from enn_models.explanations.feature_shares import (
    MAX_ANGLES,
    MAX_VALUES,
    FeatureColumns,
    half_quadrature,
    mean_pre_activation,
    odd_powers,
    pre_activation,
    pre_activation_shares,
    rows_at_once,
)
from enn_models.network import Layer, Network

MAX_NODES = 512
"""Maximum quadrature nodes on the path of a deeper network."""
PATH_TOLERANCE = 1e-9
"""Accepted completeness error, relative to the change of the pre-activation along the path."""


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


Result = TypeVar("Result")
Steps = Generator[None, None, Attributions]
"""Computation that stops between its parts; its value is the result."""


class NotClosedFormError(ValueError):
    """The network has several hidden layers, and exact Shapley values would take every subset of its features."""


def integrated_gradients(network: Network, rows: Floats, baseline: Floats, players: FeatureColumns) -> Steps:
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
    base_value = pre_activation(network, baseline[None])[0]
    if len(network.layers) == 2:
        shares, start = (pre_activation_shares(network, each, players) for each in (rows, baseline[None]))
        bias = network.layers[0].bias.astype(np.float64)
        slopes = _difference_quotient(network, bias + start.sum(axis=2), bias + shares.sum(axis=2))
        values = _to_units(network, slopes[:, :, None] * (shares - start))
        return _with_error(network, rows, values, base_value)
    nodes, scale = 16, np.abs(pre_activation(network, rows) - base_value).max(initial=0.0)
    while True:
        gradient = yield from _mean_gradient(network, rows, baseline, nodes)
        columns = (rows - baseline)[:, None, :] * gradient
        values = np.stack([columns[..., own].sum(axis=-1) for own in players], axis=-1)
        result = _with_error(network, rows, values, base_value)
        if result.error <= PATH_TOLERANCE * scale or nodes >= MAX_NODES:
            return result
        nodes *= 2


def shapley(network: Network, rows: Floats, background: Floats, players: FeatureColumns) -> Steps:
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
    own = pre_activation_shares(network, rows, players)
    totals, harmonics = np.zeros_like(own), network.spectrum.shape[1]
    neurons, angles = own.shape[1], own.shape[2] * harmonics
    size, width = max(1, MAX_ANGLES // (neurons * angles)), max(1, MAX_ANGLES // angles)
    for start in range(0, len(background), size):
        absent = pre_activation_shares(network, background[start : start + size], players)
        for total, share in zip(totals, own, strict=True):
            for first in range(0, neurons, width):
                some = slice(first, first + width)
                total[some] += yield from _neuron_shapley_values(network.layers[0], some, share[some], absent[:, some])
    base_value = yield from mean_pre_activation(network, background)
    return _with_error(network, rows, _to_units(network, totals / len(background)), base_value)


def sampled_shapley(
    network: Network, rows: Floats, background: Floats, players: FeatureColumns, *, permutations: int, seed: int = 0
) -> Steps:
    """Estimate Shapley values from random orders of the features, each used forwards and backwards.

    The values sum to the pre-activation for every order, so `error` is rounding only; the values are estimates.

    Args:
        network: Network of any depth.
        rows: Encoded rows, float64 [rows, columns].
        background: Encoded rows that replace absent features, float64 [background, columns].
        players: Columns of each feature.
        permutations: Number of random orders, >= 1; each row takes 2 x permutations x (features - 1) x background
            evaluations of the network.
        seed: Seed of the random orders.

    Source: Castro, Gomez, Tejada, "Polynomial calculation of the Shapley value based on sampling", 2009; antithetic
        orders as in Mitchell, Cooper, Frank, Holmes, "Sampling Permutations for Shapley Value Estimation", 2022.
    """
    rng, features = np.random.default_rng(seed), len(players)
    forwards = [rng.permutation(features) for _ in range(permutations)]
    orders = np.array([order for forward in forwards for order in (forward, forward[::-1])])
    feature_of_column = np.empty(network.columns, np.intp)
    for player, columns in enumerate(players):
        feature_of_column[columns] = player
    base_value = yield from mean_pre_activation(network, background)
    values, at_once = np.zeros((len(rows), features, network.units)), max(1, MAX_VALUES // (features * network.columns))
    for row, sums in zip(rows, values, strict=True):
        full = pre_activation(network, row[None])
        for start in range(0, len(orders), at_once):
            some = orders[start : start + at_once]
            games = np.empty((len(some), features + 1, network.units))
            games[:, 0], games[:, -1] = base_value, full
            # Feature f is present after the first t features of an order if its place there is less than t.
            present = np.argsort(some, axis=1)[:, None, :] < np.arange(1, features)[:, None]
            mask = present.reshape(-1, features)[:, feature_of_column]
            means = yield from _coalition_means(network, row, background, mask)
            games[:, 1:-1] = means.reshape(len(some), features - 1, -1)
            np.add.at(sums, some, np.diff(games, axis=1))
    return _with_error(network, rows, values.transpose(0, 2, 1) / len(orders), base_value)


def complete(steps: Generator[None, None, Result]) -> Result:
    """Run a computation in steps to its end, and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def _coalition_means(
    network: Network, row: Floats, background: Floats, present: NDArray[np.bool_]
) -> Generator[None, None, Floats]:
    """Return the mean pre-activation over the background of each coalition, [coalitions, units].

    Args:
        network: Network of any depth.
        row: Encoded row with the values of present features, [columns].
        background: Encoded rows with the values of absent features, [background, columns].
        present: Columns of the present features, [coalitions, columns].
    """
    sums, most = np.zeros((len(present), network.units)), rows_at_once(network)
    size = max(1, most // len(background))
    for start in range(0, len(present), size):
        some = present[start : start + size, None, :]
        for first in range(0, len(background), most):
            mixed = np.where(some, row, background[first : first + most])
            found = pre_activation(network, mixed.reshape(-1, len(row)))
            sums[start : start + size] += found.reshape(len(some), -1, network.units).sum(axis=1)
            yield
    return sums / len(background)


def _neuron_shapley_values(layer: Layer, neurons: slice, own: Floats, absent: Floats) -> Generator[None, None, Floats]:
    """Return the sums over the background of Shapley values [neurons, features] of some sigma_m for one row.

    Args:
        layer: Hidden layer.
        neurons: Neurons of the layer.
        own: Shares of z of the row, [neurons, features].
        absent: Shares of z of the background, [background, neurons, features].
    """
    assert layer.coefficients is not None  # noqa: S101 - Network checks that hidden layers have coefficients
    omega = cosine_series.frequencies(layer.coefficients.shape[1])[:, None]
    coefficients, bias = layer.coefficients[neurons].T.astype(np.float64), layer.bias[neurons].astype(np.float64)
    mean, half = (own + absent) / 2, (own - absent) / 2
    phase = omega * (bias + 1.0 + mean.sum(axis=2))[:, None, :]
    turned = odd_powers(np.exp(1j * omega[0] * np.moveaxis(half, 2, 0)), len(omega))
    cosine, sine = turned.real.copy(), turned.imag.copy()
    integral, squared = np.zeros_like(cosine), cosine**2
    for node, weight in zip(*half_quadrature(own.shape[1]), strict=True):
        tilted = node * sine
        turned.imag = tilted
        product = weight * turned.prod(axis=0)
        integral += (product.real * cosine + product.imag * tilted) / (squared + tilted**2)
        yield
    return -np.einsum("bqm,dbqm->md", coefficients * np.sin(phase), sine * integral)


def _difference_quotient(network: Network, start: Floats, end: Floats) -> Floats:
    """Return (sigma(end) - sigma(start)) / (end - start), or the derivative if both are equal, [rows, neurons]."""
    coefficients = network.layers[0].coefficients
    assert coefficients is not None  # noqa: S101 - Network checks that hidden layers have coefficients
    omega = cosine_series.frequencies(coefficients.shape[1])
    mean, half = ((start + end) / 2)[..., None], ((end - start) / 2)[..., None]
    return -(coefficients * omega * np.sin(omega * (mean + 1.0)) * np.sinc(omega * half / np.pi)).sum(axis=-1)


def _mean_gradient(network: Network, rows: Floats, baseline: Floats, count: int) -> Generator[None, None, Floats]:
    """Return the mean of d pre-activation / d column along the path, [rows, units, columns], with `count` nodes."""
    total = np.zeros((len(rows), network.units, network.inputs))
    for node, weight in zip(*np.polynomial.legendre.leggauss(count), strict=True):
        total += weight / 2 * network.gradient(baseline + (node + 1) / 2 * (rows - baseline))
        yield
    return total


def _to_units(network: Network, neurons: Floats) -> Floats:
    """Turn attributions of neurons, [rows, neurons, features], into attributions of units, [rows, units, features]."""
    return network.layers[-1].weight.astype(np.float64) @ neurons


def _with_error(network: Network, rows: Floats, values: Floats, base_value: Floats) -> Attributions:
    difference = pre_activation(network, rows) - base_value - values.sum(axis=-1)
    return Attributions(values, base_value, float(np.abs(difference).max(initial=0.0)))
