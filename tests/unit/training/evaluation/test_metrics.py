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
def test_classification_scores_are_those_of_scikit_learn(units):
    network = initial_network(Architecture(2, (6,), units, head="linear"))
    y, weight = np.arange(50) % max(2, units), np.linspace(0.5, 2, 50)
    probabilities, chosen = network.respond(X).output, predict_classes(network, X)
    ranked = probabilities[:, 1] if units == 1 else probabilities
    expected = {
        "accuracy": metrics.accuracy_score(y, chosen, sample_weight=weight),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, chosen, sample_weight=weight),
        "log_loss": metrics.log_loss(y, probabilities, sample_weight=weight),
        "roc_auc": metrics.roc_auc_score(y, ranked, multi_class="ovr", sample_weight=weight),
        "average_precision": metrics.average_precision_score(y, ranked, sample_weight=weight),
    }
    assert score(network, Split(X, y, weight)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("units", [1, 3])
def test_dct_scores_rank_rows_if_each_class_occurs(units):
    network = initial_network(Architecture(2, (6,), units, head="dct"))
    y, output = np.arange(50) % max(2, units), network.respond(X).output
    labels = [1] if units == 1 else [0, 1, 2]
    pairs = zip(labels, output.T, strict=True)
    expected = np.mean([metrics.roc_auc_score(y == label, values) for label, values in pairs])
    assert score(network, Split(X, y))["roc_auc"] == pytest.approx(expected, rel=1e-5)
    assert list(score(network, Split(X, np.zeros(50, np.int64)))) == ["accuracy", "balanced_accuracy"]


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
