"""Tests of the trainer: it learns a model over raw rows from a data set, with scores of that model."""

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from enn_models.card.activation_statistics import measure_activations
from enn_models.package import open_package
from enn_training.data.dataset import Dataset, Split
from enn_training.data.float32_range import to_float32
from enn_training.data.problems import problem
from enn_training.data.targets import Targets
from enn_training.evaluation.baselines import baselines
from enn_training.evaluation.metrics import predict_classes, score
from enn_training.learners.adam import Adam
from enn_training.learners.lms import LMS
from enn_training.learners.trainer import train
from enn_training.publishing.export import build_package


def years(rows=400, seed=0):
    """Return prices that follow years and sizes, in their own units."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.uniform(2000, 2020, rows), rng.uniform(20, 200, rows)])
    y = 1e5 + 3e3 * (x[:, 0] - 2000) + 500 * x[:, 1]
    parts = [Split(x[rows], y[rows]) for rows in np.split(np.arange(rows), [rows // 2, rows * 3 // 4])]
    return Dataset(("year", "size"), None, *parts)


def run(data, learner, **options):
    return train(data, learner, **{"hidden": (6,), "harmonics": 6, "head": "linear", "seed": 0} | options)


@pytest.mark.parametrize("head", ["linear", "dct"])
def test_regression_with_large_offsets_is_learned_in_its_unit(head):
    model = run(years(), Adam(passes=40, spread=0.25), head=head)
    assert model.scores["r2"] > 0.98
    assert model.network.input_offset[0] == pytest.approx(2010, abs=1)
    assert model.features[0].minimum >= 2000
    assert model.scores["root_mean_squared_error"] == pytest.approx(model.scores["mean_squared_error"] ** 0.5)


@pytest.mark.parametrize("head", ["linear", "dct"])
def test_three_classes_are_learned_by_both_heads(head):
    data = years()
    low, high = np.quantile(data.training.y, [0.33, 0.66])
    parts = [Split(part.x, np.digitize(part.y, [low, high])) for part in (data.training, data.validation, data.test)]
    model = run(Dataset(data.features, ("low", "mid", "high"), *parts), LMS(passes=60, spread=0.25, pace=4), head=head)
    assert model.network.outputs == 3
    assert model.scores["accuracy"] > 0.85
    assert ("log_loss" in model.scores) == (head == "linear")


def test_scores_are_of_float32_network_on_test_part():
    data = problem("line-1").dataset(400, 0, 300)
    model = run(data, LMS(passes=5), head="dct")
    assert model.scores == score(model.network, data.test)
    assert model.scores["accuracy"] == np.mean(predict_classes(model.network, data.test.x) == data.test.y)


def test_equal_seeds_make_equal_records():
    data = problem("sine").dataset(200, 0, 50)
    first, second = (run(data, LMS(passes=2), head="dct") for _ in range(2))
    assert first.training == second.training
    assert first.scores == second.scores
    assert first.fingerprint == second.fingerprint


def test_the_fingerprint_changes_with_one_value():
    data = problem("sine").dataset(200, 0, 50)
    before = run(data, LMS(passes=1)).fingerprint
    data.training.x[0, 0] += 1e-9
    assert run(data, LMS(passes=1)).fingerprint != before


def test_two_classes_have_one_unit_and_more_have_one_each():
    np.testing.assert_array_equal(Targets.fit([0, 1], "dct", 2).encode([0, 1]), [[-1], [1]])
    np.testing.assert_array_equal(Targets.fit([0, 1], "linear", 2).encode([0, 1]), [[0], [1]])
    np.testing.assert_array_equal(Targets.fit([0, 2], "linear", 3).encode([2, 0]), [[0, 0, 1], [1, 0, 0]])


def test_baselines_are_the_majority_class_and_the_straight_line():
    majority, line = baselines(problem("line-1").dataset(2_000, 0, 2_000))
    assert (majority.name, line.name) == ("majority class", "straight line")
    assert majority.score == pytest.approx(0.65, abs=0.03)
    assert line.score > 0.98
    assert baselines(years())[0].score == pytest.approx(1.0)


def test_package_has_activation_statistics_unless_background_is_withheld():
    data = years()
    model = run(data, Adam(passes=1), background=3)
    assert model.usage == measure_activations(model.network, to_float32(data.training.x))
    assert open_package(build_package(model)).card.usage == model.usage
    kept = run(data, Adam(passes=1), background=0)
    assert kept.usage is None
    assert open_package(build_package(kept)).card.usage is None


def test_equal_seeds_make_equal_packages_on_one_and_two_threads():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1_100, 1_000))
    parts = [Split(x[rows], x[rows, 0]) for rows in (slice(0, 100), slice(100, 200), slice(200, None))]
    data = Dataset(tuple(f"x{column}" for column in range(1_000)), None, *parts)
    packages = []
    for threads in (1, 2):
        before = torch.get_num_threads()
        with threadpool_limits(threads):
            torch.set_num_threads(threads)
            packages.append(build_package(run(data, Adam(passes=1), hidden=(48,))))
            torch.set_num_threads(before)
    assert packages[0] == packages[1]
