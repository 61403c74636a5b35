"""Quantiles are learned by Adam and Levenberg-Marquardt; the absolute error is robust."""

from typing import Any

import numpy as np
import pytest

from enn_training import ENNClassifier, ENNRegressor
from enn_training.data.preprocessing import Samples
from enn_training.errors import OptionError
from enn_training.kernels import losses
from enn_training.learners.adam import Adam
from enn_training.learners.auto_adam import AutoAdam
from enn_training.learners.levenberg_marquardt.learner import LevenbergMarquardt
from enn_training.learners.levenberg_marquardt.objective import Objective
from enn_training.learners.levenberg_marquardt.parameters import Parameters
from enn_training.learners.lms import LMS
from enn_training.nn.architecture import Architecture

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (600, 1))
# The noise is skewed: its quantiles are not those of a normal distribution around the mean.
NOISE = rng.exponential(size=(600, 1))
STEP = 1e-6


@pytest.mark.parametrize("level", [0.1, 0.9])
@pytest.mark.parametrize(
    "learner",
    [Adam(passes=40, decay=0.01), AutoAdam(hidden=(3,), passes=15), LevenbergMarquardt(starts=2)],
    ids=lambda learner: type(learner).__name__,
)
def test_share_of_rows_below_learned_quantile_is_its_level(learner, level):
    rows = Samples(X, X + NOISE)
    found = learner.learn(Architecture(1, (3,), 1, 3, "linear", "regression", level), rows, rows, 0)
    predicted, line = found.network.respond(X).output, -np.log(1.0 - level)
    assert (rows.y < predicted).mean() == pytest.approx(level, abs=0.04)
    loss, best = (np.maximum(level * error, (level - 1) * error).mean() for error in (rows.y - predicted, NOISE - line))
    assert loss < 1.03 * best
    if isinstance(learner, LevenbergMarquardt):
        assert found.loss == pytest.approx(loss, abs=losses.SMOOTHNESS)


def test_derivatives_of_quantile_loss_are_those_of_its_values():
    architecture = Architecture(1, (3,), 1, 3, "linear", "regression", 0.7)
    parameters = Parameters.of_architecture(architecture)
    theta, weight = rng.normal(size=parameters.size), rng.uniform(0.5, 2, 600)
    y = np.ascontiguousarray((X + NOISE).T)
    objective = Objective(
        parameters.layout, parameters.size, np.ascontiguousarray(X.T), y, losses.QUANTILE, weight, 0.7
    )
    _, derivatives = objective.evaluate(theta)
    matrix, gradient = objective.normal_equations(theta, derivatives)
    steps = STEP * np.eye(parameters.size)
    expected = [(objective.evaluate(theta + s)[0] - objective.evaluate(theta - s)[0]) / (2 * STEP) for s in steps]
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)
    assert (np.diag(matrix) >= 0).all()


def test_absolute_error_is_robust_and_scored():
    values = X[:, 0] + np.where(np.arange(600) % 10 == 0, 20.0, 0.0)
    mean, median = (
        ENNRegressor(3, learner=LevenbergMarquardt(starts=2), loss=loss).fit(X, values)
        for loss in ("squared", "absolute")
    )
    assert np.abs(median.predict(X) - X[:, 0]).mean() < 0.1
    assert np.abs(mean.predict(X) - X[:, 0]).mean() > 1
    assert (median.model_.training["loss"], median.model_.training["quantile"]) == ("quantile", 0.5)
    assert "mean_pinball_loss" in median.model_.scores
    assert "mean_pinball_loss" not in mean.model_.scores


def test_losses_that_cannot_be_learned_are_refused():
    refused: list[tuple[dict[str, Any], str]] = [
        ({"loss": "huber"}, "loss 'huber': expected one of squared, absolute, quantile"),
        ({"loss": "quantile", "quantile": 1.5}, "quantile 1.5: expected a number between 0 and 1"),
        ({"loss": "absolute", "learner": LMS(passes=1)}, "LMS learns the mean alone"),
    ]
    for options, words in refused:
        with pytest.raises(OptionError, match=words):
            ENNRegressor(**options).fit(X, X[:, 0])
    with pytest.raises(OptionError, match="loss 'absolute': partial_fit learns the mean"):
        ENNRegressor(loss="absolute").partial_fit(X, X[:, 0])
    assert "loss" not in ENNClassifier().get_params()
