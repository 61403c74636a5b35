"""Tests of regions: maxima of linear functions equal those of a linear program, and cuts lose no row."""

import numpy as np
import pytest
from scipy.optimize import linprog

from enn_models.explanations.guarantees.regions import Regions, Space, round_into

EXACT = 1e-9
"""Tolerance of float64 sums of size 10."""
COLUMNS = 7
GROUP = np.array([4, 5, 6])
NUMBERS = 4


def region(seed: int, budget: float | None) -> Regions:
    """Return a region of four numbers and three categories, the last one of which is not allowed."""
    random = np.random.default_rng(seed)
    origin = np.concatenate([random.normal(size=NUMBERS), [0.0, 1.0, 0.0]])
    low, high = origin - random.uniform(-0.2, 1, COLUMNS), origin + random.uniform(0.3, 1, COLUMNS)
    low[GROUP], high[GROUP] = 0.0, [1.0, 1.0, 0.0]
    space = Space(origin, np.concatenate([random.uniform(0.5, 2, NUMBERS), np.ones(3)]), [GROUP])
    return Regions(space, low[None], high[None], None if budget is None else np.array([budget]))


def maximum(found: Regions, gradient: np.ndarray) -> float:
    """Return the maximum of g (x - p) by a linear program over changes up and down and shares of categories."""
    space, low, high = found.space, found.low[0], found.high[0]
    bounds: list[tuple[float, float]] = []
    fixed = 0.0
    for column in range(NUMBERS):
        start = space.origin[column]
        bounds += [(max(0.0, low[column] - start), max(0.0, high[column] - start))]
        bounds += [(max(0.0, start - high[column]), max(0.0, start - low[column]))]
    bounds += [(0.0, high[column]) for column in GROUP]
    cost = np.concatenate([np.repeat(1 / space.scales[:NUMBERS], 2), 1.0 - space.origin[GROUP]])
    gain = np.concatenate([np.kron(gradient[:NUMBERS], [1.0, -1.0]), gradient[GROUP]])
    budget = np.array([np.sum(cost * 100.0)]) if found.budget is None else found.budget
    one = np.concatenate([np.zeros(2 * NUMBERS), np.ones(3)])[None]
    solved = linprog(-gain, bounds=bounds, A_eq=one, b_eq=[1.0], A_ub=cost[None], b_ub=budget)
    fixed = float(gradient[:NUMBERS] @ space.origin[:NUMBERS] - gradient @ found.points()[0])
    return fixed - solved.fun


@pytest.mark.parametrize("budget", [None, 0.4, 1.5, 3.0])
def test_support_equals_linear_program(budget: float | None) -> None:
    for seed in range(8):
        found = region(seed, budget)
        if found.empty()[0]:
            continue
        gradients = np.random.default_rng(seed).normal(size=(5, COLUMNS))
        expected = [maximum(found, gradient) for gradient in gradients]
        assert found.support(gradients)[0] == pytest.approx(expected, abs=EXACT)
        assert found.support(gradients[None])[0] == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize("budget", [None, 1.5])
def test_halves_contain_every_row_of_a_region(budget: float | None) -> None:
    found, random = region(1, budget), np.random.default_rng(1)
    rows = found.corners(random.normal(size=(200, COLUMNS)))
    rows += random.uniform(size=(200, 1)) * (found.points() - rows)
    assert budget is None or (found.distances(rows) <= budget + EXACT).all()
    boxes = found
    for _ in range(5):
        boxes = boxes.split(np.ones(COLUMNS))
        boxes = Regions(boxes.space, boxes.low, boxes.high, None if budget is None else np.full(len(boxes), budget))
    outside = np.maximum(boxes.low - rows[:, None], rows[:, None] - boxes.high).max(axis=2)
    assert outside.min(axis=1).max() <= EXACT
    categories = {tuple(high[GROUP]) for high in boxes.high}
    assert categories == {(0.0, 1.0, 0.0), (1.0, 0.0, 0.0)}


def test_rounded_row_stays_in_its_region() -> None:
    space = Space(np.array([0.1, 5.0]), np.ones(2))
    found = Regions(space, np.array([[0.1, 4.0]]), np.array([[0.3, 5.0]]))
    rounded = round_into(np.array([0.3, 5.0]), found)
    assert rounded[0] <= 0.3
    assert rounded[0] == np.float32(rounded[0])
    assert rounded[1] == 5.0
