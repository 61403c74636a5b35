"""Scores are those that the service reaches: rows, targets and predictions have the precision of float32."""

import numpy as np
import pytest

from enn_models.package import open_package
from enn_training import ENNRegressor
from enn_training.errors import DataError, PrecisionWarning
from enn_training.evaluation.metrics import r2
from enn_training.learners.adam import Adam
from enn_training.publishing.export import build_package
from enn_training.publishing.onnx.runtime import RuntimeSession

RNG = np.random.default_rng(0)
SECONDS = 1.6e9 + RNG.uniform(0, 3600, (1_000, 1))
PLANE = RNG.uniform(-1, 1, (1_000, 2))
SAME = 1e-3
"""Float32 and float64 sums differ by a step of float32 in few rows."""


def served_r2(model: ENNRegressor, x, y):
    package = open_package(build_package(model.model_))
    output = RuntimeSession(package.model, ["output"]).run(x.astype(np.float32))[0]
    return r2(y, output.astype(np.float64))


@pytest.mark.parametrize("head", ["linear", "dct"])
@pytest.mark.parametrize(
    ("x", "y", "named"),
    [
        (SECONDS, np.sin((SECONDS[:, 0] - 1.6e9) / 600), r"column 'x0': float32.* tells 2\d of its 875 different"),
        (PLANE, 1e6 + PLANE[:, 0], r"target: float32.* tells 3\d of its 875 .*; subtract 999999 from all"),
        (PLANE, 1e7 + PLANE[:, 0], r"target: float32.* tells 3 of its 875 different values apart"),
    ],
)
def test_score_is_served_and_lost_precision_is_named(x, y, named, head):
    model = ENNRegressor(hidden=4, head=head, learner=Adam(passes=20, spread=0.25))
    with pytest.warns(PrecisionWarning, match=named):
        model.fit(x, y)
    assert model.score(x, y) == pytest.approx(served_r2(model, x, y), abs=SAME)
    assert model.model_.scores["r2"] == pytest.approx(model.score(x, y), abs=0.15)  # on other rows


def test_network_does_not_use_digits_that_float32_drops():
    # The parity of the seconds is in digits below the step of float32, 128.
    x = 1.6e9 + np.arange(1_000.0)[:, None]
    y = x[:, 0] % 2
    with pytest.warns(PrecisionWarning):
        model = ENNRegressor(hidden=4, learner=Adam(passes=5)).fit(x, y)
    assert model.model_.scores["r2"] < 0.1
    np.testing.assert_array_equal(model.predict(x), model.predict(x.astype(np.float32)))


def test_rows_beyond_float32_have_no_prediction():
    model = ENNRegressor(hidden=2, learner=Adam(passes=1)).fit(PLANE, PLANE[:, 0])
    with pytest.raises(DataError, match=r"column 'x1', row 1: 1e\+300 is beyond float32"):
        model.predict([[0.0, 0.0], [0.0, 1e300]])
