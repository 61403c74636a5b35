"""Tests of counterfactuals: they have the outcome, and no row on a fine grid is nearer than what is proved."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from enn_models.card.features import Boolean, Categorical, Feature, Numeric, column_encoding
from enn_models.explanations.feature_shares import feature_columns
from enn_models.explanations.guarantees.bounds import Bounds
from enn_models.explanations.guarantees.branch_and_bound import complete
from enn_models.explanations.guarantees.counterfactuals import (
    Counterfactual,
    Question,
    counterfactual_steps,
    largest_columns,
    question,
)
from enn_models.explanations.guarantees.margins import class_margin, value_margin
from enn_models.network import Network
from support.examples import network

FEATURES: list[Feature] = [
    Numeric(name="age", minimum=-1, maximum=2, mean=0),
    Categorical(name="colour", categories=("red", "green", "blue"), missing=True),
    Numeric(name="mass", minimum=-1, maximum=1, mean=0, missing=True),
    Boolean(name="wild"),
]
POINTS = 61
BOXES = 3000
SLACK = 1.02
"""Distance of the found row in units of the smallest distance on the grid."""


def mixed(seed: int, *, task: str = "classification") -> Network:
    """Return a network of four features with six numbers and categories as columns."""
    net = network((7, 5, 1), head="linear", task=task, harmonics=2, seed=seed, spread=0.5)  # type: ignore[arg-type]
    return replace(net, input_offset=np.zeros(7, np.float32), encoding=column_encoding(FEATURES))


def grid(changes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return raw rows of every category and of equidistant numbers, and their distances from ORIGIN."""
    numbers = [np.linspace(feature.minimum, feature.maximum, POINTS) for feature in (FEATURES[0], FEATURES[2])]
    rows = np.array(list(product(numbers[0], range(3), numbers[1], range(2))))
    moved = np.abs(rows - ORIGIN) / np.array([3.0, 1.0, 2.0, 1.0])
    moved[:, 1] = rows[:, 1] != ORIGIN[1]
    near = (rows != ORIGIN).sum(axis=1) <= changes
    return rows[near], moved.sum(axis=1)[near]


ORIGIN = np.array([0.5, 1.0, 0.0, 0.0])


def asked(net: Network, row: np.ndarray, changes: int = 4, **options: object) -> Question:
    """Return the question for a raw row."""
    fixed = np.isnan(row) | np.array(options.get("fixed", [False] * 4))
    within = options.get("within", {})
    columns = feature_columns(net)
    return question(FEATURES, columns, net.encode(row[None])[0], fixed=fixed, within=within, changes=changes)  # type: ignore[arg-type]


def answer(net: Network, given: Question, label: int) -> Counterfactual:
    """Return the counterfactual with a label."""
    plain = replace(net, encoding=None)
    margin = class_margin(plain, Bounds(plain, largest_columns(given)), label)
    return complete(counterfactual_steps(given, margin, lambda row: margin.values(row[None])[0] > 0, BOXES))  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [1, 4])
def test_no_row_on_a_grid_is_nearer_than_proved(changes: int) -> None:
    rows, distances = grid(changes)
    found_some = 0
    for seed in range(8):
        net = mixed(seed)
        label = int(net.respond(ORIGIN[None]).pre_activation[0, 0] <= 0)
        sign = 1 if label else -1
        solved = sign * net.respond(rows).pre_activation[:, 0] > 0
        found = answer(net, asked(net, ORIGIN, changes), label)
        if found.row is None:
            assert not solved.any()
            continue
        found_some += 1
        assert sign * replace(net, encoding=None).respond(found.row[None]).pre_activation[0, 0] > 0
        assert found.no_closer_than <= found.distance
        assert found.distance <= SLACK * distances[solved].min(initial=np.inf) + 1e-6
        assert found.no_closer_than <= distances[solved].min(initial=np.inf)
        if changes == len(FEATURES):
            assert found.no_closer_than >= 0.8 * found.distance
    assert found_some >= 3


def test_fixed_missing_and_limited_features_are_respected() -> None:
    row = np.array([0.5, np.nan, np.nan, 1.0])
    for seed in range(6):
        net = mixed(seed)
        own = net.encode(row[None])[0]
        label = int(net.respond(row[None]).pre_activation[0, 0] <= 0)
        found = answer(net, asked(net, row, fixed=[False, False, False, True], within={0: [0.75, 1.0]}), label)
        if found.row is not None:
            assert 0.75 <= found.row[0] <= 1.0
            assert np.array_equal(found.row[1:], own[1:])
    (columns,) = [columns for index, columns in enumerate(feature_columns(mixed(0))) if index == 1]
    given = asked(mixed(0), ORIGIN, within={1: [0, 2]})
    assert given.region.high[0, columns].tolist() == [1, 0, 1]


def test_unreachable_value_is_proved_impossible() -> None:
    net = mixed(1, task="regression")
    plain, given = replace(net, encoding=None), asked(net, ORIGIN)
    bounds = Bounds(plain, largest_columns(given))
    rows, _ = grid(4)
    most = float(net.respond(rows).output.max())
    for limit, impossible in ((1.05 * most + 0.1, True), (most - 0.05, False)):
        margin = value_margin(plain, bounds, 0, limit, 1.0)
        found = complete(counterfactual_steps(given, margin, lambda row, m=margin: m.values(row[None])[0] >= 0, BOXES))  # type: ignore[arg-type]
        assert found.is_impossible == impossible
        assert (found.row is None) == impossible


def test_row_with_the_outcome_is_its_own_answer() -> None:
    net = mixed(2)
    label = int(net.respond(ORIGIN[None]).pre_activation[0, 0] > 0)
    found = answer(net, asked(net, ORIGIN), label)
    assert found.row is not None
    assert (found.distance, found.no_closer_than) == (0.0, 0.0)
