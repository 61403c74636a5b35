"""Tests of calibration: coverage on new rows, widths that follow the noise, and models without folds."""

from pathlib import Path

import numpy as np
import pytest

from enn_models import conformal
from enn_training import ENNClassifier, ENNRegressor, export, load
from enn_training.data.dataset import Split
from enn_training.evaluation.calibration import calibrate
from enn_training.learners.adam import Adam
from enn_training.learners.auto_adam import AutoAdam
from support import learned

FAST = AutoAdam(hidden=(6,), passes=10)
SAMPLING_ERROR = 0.06
"""Three standard errors of a coverage of 0.9 over 300 calibration rows, and of their threshold."""
COVERAGE = 0.9


def amounts(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and two amounts: the noise of the first grows with x0."""
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, (rows, 2))
    noise = np.c_[np.exp(1.5 * x[:, 0]), np.ones(rows)] * random.normal(scale=0.2, size=(rows, 2))
    return x, np.c_[x[:, 0] - x[:, 1], x[:, 1]] + noise


def test_intervals_cover_and_follow_the_noise(tmp_path: Path) -> None:
    model = ENNRegressor(learner=FAST).fit(*amounts(300, 0)).model_
    export(model, tmp_path, "amounts")
    calibration = load(tmp_path, "amounts").calibration
    assert calibration is not None
    assert (calibration, calibration.rows) == (model.calibration, 300)
    x, y = amounts(2000, 1)
    response = model.network.respond(x)
    widths = conformal.half_widths(calibration, response.bumps, COVERAGE)
    assert (np.abs(y - response.output) <= widths).mean(axis=0) == pytest.approx(COVERAGE, abs=SAMPLING_ERROR)
    # Where the noise is largest, a width that is the same for all rows covers much less.
    noisy, quiet = x[:, 0] > 0.8, x[:, 0] < -0.8
    errors = np.abs(y - response.output)[:, 0]
    assert widths[noisy, 0].mean() > 3 * widths[quiet, 0].mean()
    assert (errors <= widths[:, 0])[noisy].mean() > (errors <= np.quantile(errors, COVERAGE))[noisy].mean() + 0.1
    assert model.with_network(model.network, {}).calibration is None


def test_label_sets_cover_and_do_not_change_between_runs() -> None:
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (2600, 2))
    labels = (x[:, 0] + random.logistic(scale=0.2, size=len(x)) > 0).astype(int) + (x[:, 1] > 0.5)
    first, second = (ENNClassifier(learner=FAST).fit(x[:600], labels[:600]).model_ for _ in range(2))
    assert first.calibration is not None
    assert first.calibration == second.calibration
    probabilities = first.network.respond(x[600:]).output
    sets = conformal.label_sets(first.calibration, x[600:], probabilities, COVERAGE)
    assert sets[np.arange(len(sets)), labels[600:]].mean() == pytest.approx(COVERAGE, abs=SAMPLING_ERROR)


def test_models_without_folds_have_no_calibration() -> None:
    x, y = amounts(15, 0)
    assert ENNRegressor(learner=FAST).fit(x, y[:, 0]).model_.calibration is None
    assert ENNRegressor(learner=Adam(passes=2)).fit(x, y[:, 0]).model_.calibration is None


def test_exact_predictions_have_intervals_without_width() -> None:
    network = learned.network((2, 4, 1), 3)
    x = np.random.default_rng(0).uniform(-1, 1, (40, 2)).astype(np.float32).astype(np.float64)
    y = network.respond(x).output.astype(np.float32).astype(np.float64)
    calibration = calibrate(network, Split(x, y[:, 0]), [(network, np.arange(20))])
    assert calibration is not None
    assert conformal.half_widths(calibration, network.respond(x).bumps, COVERAGE).max() == 0.0
