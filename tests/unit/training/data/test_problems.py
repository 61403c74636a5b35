"""The fifteen problems are those of the paper, sampled by seed."""

import numpy as np
import pytest

from enn_training.data.problems import problem, problem_names, problems
from enn_training.errors import OptionError

POINTS = {
    "line-1": ((-1, 0), (0, 0)),
    "line-2": ((0, 0), (1, 0)),
    "line-3": ((0, 0.5), (0.5, 0)),
    "line-4": ((-0.1, 0), (0.1, 0)),
    "ring": ((0.5, 0), (0, 0)),
    "quadratic": ((0, 0), (0.2, 0)),
    "cubic": ((0, 0), (0.2, 0)),
    "stripes": ((0.9, 0), (-0.9, 0.3)),
    "sine": ((0.5, 0), (0.9, 0)),
    "circle-ellipse": ((0.3, 0.45), (0.9, -0.9)),
    "face": ((-0.35, 0.7), (0, -0.2)),
    "high-frequency-sine": ((-0.5, 0), (0.5, 0)),
}
VALUES = {"sum": 0.1, "norm": 0.17, "product": -0.15}


@pytest.mark.parametrize("name", POINTS)
def test_points_inside_are_plus_one_and_outside_minus_one(name):
    inside, outside = (np.array([point], float) for point in POINTS[name])
    rule = problem(name).rule
    assert bool(rule(inside[:, 0], inside[:, 1])[0])
    assert not bool(rule(outside[:, 0], outside[:, 1])[0])


@pytest.mark.parametrize("name", VALUES)
def test_problem_functions_have_known_values(name):
    assert problem(name).rule(np.array([0.5]), np.array([-0.3]))[0] == pytest.approx(VALUES[name])


def test_there_are_fifteen_with_labels_of_whole_numbers():
    assert len(problem_names()) == 15
    assert {item.dataset(16, 0, 4).classes for item in problems()} == {(-1, 1), None}


def test_straight_line_scores_97_75_percent_on_high_frequency_sine():
    part = problem("high-frequency-sine").sample(100_000, np.random.default_rng(0))
    assert np.mean((part.x[:, 0] < 0) == part.y) == pytest.approx(0.9775, abs=0.002)


def test_samples_follow_the_seed_and_parts_are_fresh():
    first, second = problem("ring").dataset(80, 3, 50), problem("ring").dataset(80, 3, 50)
    np.testing.assert_array_equal(first.training.x, second.training.x)
    assert [len(part.x) for part in (first.training, first.validation, first.test)] == [70, 10, 50]
    rows = np.concatenate([first.training.x, first.validation.x, first.test.x])
    assert len(np.unique(rows, axis=0)) == 130
    assert np.abs(rows).max() <= 1


def test_an_unknown_problem_is_refused_with_the_known_ones():
    with pytest.raises(OptionError, match=r"problem 'square': expected one of line-1, .*, product"):
        problem("square")


def test_too_few_samples_are_refused():
    with pytest.raises(OptionError, match="samples 15: expected at least 16"):
        problem("ring").dataset(15, 0)
