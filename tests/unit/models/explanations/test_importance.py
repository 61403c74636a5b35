"""Tests of importance and average effects: they equal the means over rows that define them."""

from dataclasses import replace

import numpy as np
import pytest

from enn_models.card.features import Boolean, Categorical, Numeric, column_encoding
from enn_models.explanations.attributions import NotClosedFormError, complete, shapley
from enn_models.explanations.average_effects import average_effect
from enn_models.explanations.feature_shares import feature_columns
from enn_models.explanations.importance import importance
from enn_models.explanations.interactions import shapley_interactions
from enn_models.network import Network
from support.examples import network

EXACT = 1e-12
FEATURES = (
    Numeric(name="size", minimum=-2, maximum=2, mean=0.5, missing=True),
    Categorical(name="kind", categories=("a", "b", "c")),
    Boolean(name="wild", missing=True),
)
ROWS = np.array([[0.5, 0, 1], [np.nan, 2, 0], [-1.25, 1, np.nan], [1.5, 2, 1], [0.25, 1, 0]])


def table(*hidden: int) -> Network:
    """Return a network whose rows have numbers, categories and missing values."""
    return replace(network((7, *hidden, 2), spread=0.6), encoding=column_encoding(FEATURES))


def test_importance_is_mean_of_absolute_shapley_values():
    net = table(6)
    found = complete(importance(net, ROWS, units=[1]))
    encoded, players, plain = net.encode(ROWS), feature_columns(net), replace(net, encoding=None)
    values = complete(shapley(plain, encoded, encoded, players)).values[:, 1]
    pairs = [complete(shapley_interactions(plain, row, encoded, players, [1]))[0] for row in encoded]
    assert (found.method, found.rows) == ("shapley", 5)
    np.testing.assert_allclose(found.features[0], np.abs(values).mean(axis=0), atol=EXACT)
    assert found.interactions is not None
    np.testing.assert_allclose(found.interactions[0], np.abs(pairs).mean(axis=0), atol=EXACT)
    alone = complete(importance(net, ROWS, interactions=False))
    np.testing.assert_allclose(alone.features[1], found.features[0], atol=EXACT)
    assert alone.interactions is None


def test_fewer_rows_are_spread_over_the_background():
    net = table(6)
    found = complete(importance(net, ROWS, rows=3, interactions=False))
    encoded, plain = net.encode(ROWS), replace(net, encoding=None)
    values = complete(shapley(plain, encoded[::2], encoded, feature_columns(net))).values
    assert found.rows == 3
    np.testing.assert_allclose(found.features, np.abs(values).mean(axis=0), atol=EXACT)


def test_importance_of_deeper_networks_is_estimated_without_interactions():
    found = complete(importance(table(4, 3), ROWS, interactions=False, permutations=40))
    assert found.method == "sampled_shapley"
    assert (found.features > 0).all()
    with pytest.raises(NotClosedFormError, match="2 hidden layers"):
        complete(importance(table(4, 3), ROWS))


@pytest.mark.parametrize("hidden", [(6,), (4, 3)])
@pytest.mark.parametrize(("feature", "values"), [(0, [-2.0, 0.1, 2.0, np.nan]), (1, [0, 1, 2]), (2, [0, 1])])
def test_average_effect_is_mean_over_background(hidden, feature, values):
    net = table(*hidden)
    found = complete(average_effect(net, ROWS, feature, values))
    for value, means in zip(values, found, strict=True):
        rows = ROWS.copy()
        rows[:, feature] = value
        np.testing.assert_allclose(means, net.respond(rows).pre_activation.mean(axis=0), atol=EXACT)
