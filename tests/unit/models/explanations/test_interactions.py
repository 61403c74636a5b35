"""Tests of Shapley interaction values: they equal enumeration and shap's own, and divide the Shapley values."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from enn_models.explanations.attributions import NotClosedFormError, complete, shapley
from enn_models.explanations.interactions import shapley_interactions
from enn_models.network import Network
from support.examples import network

EXACT = 1e-12  # float64 rounding of sums of some hundred terms
PLAYERS = [np.array([0]), np.array([1, 2]), np.array([3]), np.array([4])]  # the second is a category of two columns


def rows(count: int, columns: int = 5, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, columns))


def each_column(features: int) -> list[np.ndarray]:
    return [np.array([column]) for column in range(features)]


def enumerated(net: Network, row: np.ndarray, background: np.ndarray, players: list) -> np.ndarray:
    """Return interaction values [units, features, features] by their definition: every subset of the features."""
    count = len(players)
    games = {}
    for size in range(count + 1):
        for present in combinations(range(count), size):
            mixed = background.copy()
            for player in present:
                mixed[:, players[player]] = row[players[player]]
            games[frozenset(present)] = net.respond(mixed).pre_activation.mean(axis=0)
    values = np.zeros((net.units, count, count))
    for one, two in combinations(range(count), 2):
        others = [each for each in range(count) if each not in (one, two)]
        for size in range(count - 1):
            weight = factorial(size) * factorial(count - size - 2) / (2 * factorial(count - 1))
            for present in map(frozenset, combinations(others, size)):
                change = games[present | {one, two}] - games[present | {one}] - games[present | {two}] + games[present]
                values[:, one, two] += weight * change
        values[:, two, one] = values[:, one, two]
    for player in range(count):
        whole = np.zeros(net.units)
        others = [each for each in range(count) if each != player]
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for present in map(frozenset, combinations(others, size)):
                whole += weight * (games[present | {player}] - games[present])
        values[:, player, player] = whole - values[:, player].sum(axis=1)
    return values


@pytest.mark.parametrize(("sizes", "players"), [((5, 7, 3), PLAYERS), ((9, 4, 1), each_column(9))])
def test_interactions_equal_the_enumeration_of_all_subsets(sizes, players):
    net, background = network(sizes), rows(9, sizes[0], seed=2)
    for row in rows(2, sizes[0]):
        found = complete(shapley_interactions(net, row, background, players, range(net.units)))
        np.testing.assert_allclose(found, enumerated(net, row, background, players), atol=EXACT)


@pytest.mark.parametrize("features", [1, 2, 3, 30, 65])
def test_interactions_divide_the_shapley_values_of_any_size(features):
    net, background = network((features, 4, 2), spread=0.5), rows(400 if features == 3 else 20, features, seed=2)
    (row,), players = rows(1, features), each_column(features)
    (found,) = complete(shapley_interactions(net, row, background, players, [1]))
    wanted = complete(shapley(net, row[None], background, players)).values[0, 1]
    np.testing.assert_allclose(found.sum(axis=1), wanted, atol=1e-11)
    np.testing.assert_array_equal(found, found.T)


def test_features_without_common_neuron_do_not_interact():
    net = network((4, 2, 1))
    net.layers[0].weight[0, 2:] = net.layers[0].weight[1, :2] = 0.0
    (found,) = complete(shapley_interactions(net, rows(1, 4)[0], rows(6, 4, seed=2), each_column(4), [0]))
    np.testing.assert_allclose(found[:2, 2:], 0.0, atol=EXACT)
    assert np.abs(found[0, 1]) > 1e-3


@pytest.mark.slow
def test_two_features_interact_as_in_the_exact_explainer_of_shap():
    shap = pytest.importorskip("shap")  # for more features it computes the Shapley-Taylor index, another division
    net, some, background = network((2, 5, 1)), rows(1, 2), rows(4, 2, seed=2)
    explainer = shap.explainers.Exact(
        lambda x: net.respond(x).pre_activation[:, 0], shap.maskers.Independent(background, max_samples=4)
    )
    wanted = explainer(some, interactions=2).values[0]
    (found,) = complete(shapley_interactions(net, some[0], background, each_column(2), [0]))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_exact_interactions_of_deeper_networks_are_refused():
    with pytest.raises(NotClosedFormError, match="2 hidden layers"):
        complete(shapley_interactions(network((5, 4, 3, 1)), rows(1)[0], rows(2), PLAYERS, [0]))
