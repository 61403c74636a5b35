"""Metrics are those of scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from enn_training.data.dataset import Split
from enn_training.evaluation.metrics import predict_classes, r2, score, skill
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network

X = np.random.default_rng(0).uniform(-1, 1, (50, 2))


@pytest.mark.parametrize("units", [1, 3])
def test_classification_scores_are_accuracy_and_log_loss(units):
    network = initial_network(Architecture(2, (6,), units, head="linear"))
    y = np.arange(50) % max(2, units)
    probabilities = network.respond(X).output
    expected = {
        "accuracy": metrics.accuracy_score(y, predict_classes(network, X)),
        "log_loss": metrics.log_loss(y, probabilities),
    }
    assert score(network, Split(X, y)) == pytest.approx(expected)


def test_regression_scores_have_the_unit_of_the_target():
    network = initial_network(Architecture(2, (6,), 1, task="regression"))
    y = network.respond(X).output[:, 0] + 2.0
    found = score(network, Split(X, y))
    assert found["mean_squared_error"] == pytest.approx(4.0)
    assert found["root_mean_squared_error"] == pytest.approx(2.0)
    assert found["r2"] == pytest.approx(metrics.r2_score(y, y - 2.0))


@pytest.mark.parametrize(("error", "expected"), [(0.0, 1.0), (0.5, 0.0)])
def test_r2_of_constant_target_is_that_of_scikit_learn(error, expected):
    assert r2(np.full(4, 3.0), np.full((4, 1), 3.0 + error)) == expected


def test_r2_of_a_single_row_is_zero():
    assert r2(np.array([3.0]), np.array([[2.0]])) == 0.0


@pytest.mark.parametrize(
    ("head", "task", "y"),
    [("linear", "regression", None), ("linear", "classification", 3), ("dct", "classification", 2)],
)
def test_skill_is_a_proper_score_relative_to_the_mean(head, task, y):
    network = initial_network(Architecture(2, (6,), 1 if y in (None, 2) else y, head=head, task=task))
    output = network.respond(X[:40]).output
    truth = np.arange(40) % y if y else np.arange(40.0)
    found = skill(network, Split(X[:40], truth))
    if task == "regression":
        assert found == pytest.approx(metrics.r2_score(truth, output[:, 0]))
    elif head == "dct":
        assert found == pytest.approx(metrics.r2_score(2 * truth - 1, output[:, 0]))
    else:
        shares = np.bincount(truth) / 40
        entropy = -(shares * np.log(shares)).sum()
        assert found == pytest.approx(1 - metrics.log_loss(truth, output) / entropy)
