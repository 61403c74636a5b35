"""Tests of attributions: closed forms equal enumeration and integration, and are complete."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from enn_models.explanations import attributions
from enn_models.explanations.attributions import Attributions
from enn_models.network import Network
from support.examples import network

EXACT = 1e-12  # float64 rounding of sums of some hundred terms
PLAYERS = [np.array([0]), np.array([1, 2]), np.array([3]), np.array([4])]  # the second is a category of two columns


def shapley(*arguments) -> Attributions:
    return attributions.complete(attributions.shapley(*arguments))


def integrated_gradients(*arguments) -> Attributions:
    return attributions.complete(attributions.integrated_gradients(*arguments))


def sampled_shapley(*arguments, permutations: int) -> Attributions:
    return attributions.complete(attributions.sampled_shapley(*arguments, permutations=permutations))


def rows(count: int, columns: int = 5, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, columns))


def enumerated(net: Network, row: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return Shapley values [units, features] by their definition: every subset of the features."""
    features = len(PLAYERS)

    def game(present: tuple[int, ...]) -> np.ndarray:
        mixed = background.copy()
        for player in present:
            mixed[:, PLAYERS[player]] = row[PLAYERS[player]]
        return net.respond(mixed).pre_activation.mean(axis=0)

    values = np.zeros((net.units, features))
    for player in range(features):
        others = [other for other in range(features) if other != player]
        for size in range(features):
            weight = factorial(size) * factorial(features - size - 1) / factorial(features)
            for present in combinations(others, size):
                values[:, player] += weight * (game((*present, player)) - game(present))
    return values


@pytest.mark.parametrize("sizes", [(5, 4, 1), (5, 7, 3)])
@pytest.mark.parametrize("head", ["dct", "linear"])
def test_shapley_values_equal_the_enumeration_of_all_subsets(sizes, head):
    net, some, background = network(sizes, head=head), rows(3), rows(9, seed=2)
    found = shapley(net, some, background, PLAYERS)
    for row, values in zip(some, found.values, strict=True):
        np.testing.assert_allclose(values, enumerated(net, row, background), atol=EXACT)
    assert found.error < EXACT


@pytest.mark.parametrize("features", [1, 2, 3, 4, 5, 9, 31])
def test_shapley_values_of_any_number_of_features_are_complete(features):
    net, background = network((features, 4, 2)), rows(40, features, seed=2)
    found = shapley(net, rows(2, features), background, [np.array([i]) for i in range(features)])
    total = found.base_value + found.values.sum(axis=2)
    np.testing.assert_allclose(total, net.respond(rows(2, features)).pre_activation, atol=1e-10)


def test_feature_equal_to_background_has_no_attribution():
    background = rows(6, seed=2)
    some = rows(2)
    background[:, 3] = some[:, 3] = 0.5
    for found in (
        shapley(network((5, 4, 1)), some, background, PLAYERS),
        integrated_gradients(network((5, 4, 1)), some, background[0], PLAYERS),
    ):
        np.testing.assert_array_equal(found.values[:, :, 2], 0.0)


def test_integrated_gradients_equal_the_integral_along_the_line():
    net, some, baseline = network((5, 4, 2)), rows(3), rows(1, seed=2)[0]
    steps = np.polynomial.legendre.leggauss(200)
    path = [
        weight / 2 * net.gradient(baseline + (node + 1) / 2 * (some - baseline)) for node, weight in np.transpose(steps)
    ]
    columns = (some - baseline)[:, None, :] * np.sum(path, axis=0)
    wanted = np.stack([columns[..., player].sum(axis=-1) for player in PLAYERS], axis=-1)
    found = integrated_gradients(net, some, baseline, PLAYERS)
    np.testing.assert_allclose(found.values, wanted, atol=1e-9)
    assert found.error < EXACT


def test_at_the_baseline_integrated_gradients_are_zero():
    some = rows(1)
    found = integrated_gradients(network((5, 4, 2)), some, some[0], PLAYERS)
    np.testing.assert_array_equal(found.values, 0.0)


def test_deeper_networks_report_their_integration_error():
    net, some = network((5, 4, 3, 2), harmonics=2), rows(2) * 0.3
    found = integrated_gradients(net, some, np.zeros(5), PLAYERS)
    gap = net.respond(some).pre_activation - found.base_value - found.values.sum(axis=2)
    assert found.error == np.abs(gap).max()
    assert found.error < 1e-6


def test_exact_shapley_values_of_deeper_networks_are_refused():
    with pytest.raises(attributions.NotClosedFormError, match="2 hidden layers"):
        shapley(network((5, 4, 3, 1)), rows(1), rows(2), PLAYERS)


def test_sampled_shapley_values_approximate_exact_ones():
    net, some, background = network((5, 4, 1)), rows(2), rows(5, seed=2)
    exact = shapley(net, some, background, PLAYERS)
    sampled = sampled_shapley(net, some, background, PLAYERS, permutations=200)
    assert np.abs(sampled.values - exact.values).max() < 0.2 * np.abs(exact.values).max()
    assert sampled.error < EXACT


@pytest.mark.parametrize("features", [4, 8, 12])
def test_shapley_values_equal_the_exact_explainer_of_shap(features):
    shap = pytest.importorskip("shap")
    net, some, background = network((features, 5, 1)), rows(1, features), rows(4, features, seed=2)
    explainer = shap.explainers.Exact(
        lambda x: net.respond(x).pre_activation[:, 0], shap.maskers.Independent(background, max_samples=4)
    )
    wanted = explainer(some)
    found = shapley(net, some, background, [np.array([i]) for i in range(features)])
    np.testing.assert_allclose(found.values[:, 0], wanted.values, atol=1e-6)
    assert found.base_value[0] == pytest.approx(wanted.base_values[0], abs=1e-6)
