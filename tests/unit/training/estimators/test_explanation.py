"""Fitted estimators explain their rows as the published model does, and rank their features."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError

from enn_training import ENNClassifier, ENNRegressor, export, load
from enn_training.errors import OptionError, UnknownValueWarning
from enn_training.learners.adam import Adam
from enn_training.learners.levenberg_marquardt.learner import LevenbergMarquardt

ROUNDING = 1e-12
"""Relative error of sums in another order."""


def table(rows: int = 60) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"size": random.normal(size=rows), "colour": random.choice(["red", "green"], rows)})
    return frame, np.where(frame["colour"] == "red", "a", np.where(frame["size"] > 0, "b", "c"))


def test_estimator_explains_as_the_published_model(tmp_path: Path) -> None:
    frame, labels = table()
    estimator = ENNClassifier(hidden=4, harmonics=3, learner=Adam(passes=3)).fit(frame, labels)
    export(estimator.model_, tmp_path, "colours")
    model = load(tmp_path, "colours")
    for options in ({}, {"output": "b", "top": 2, "attributions": "shapley", "background": frame.iloc[:5]}):
        found, expected = estimator.explain(frame, **options), model.explain(frame, **options)
        assert found.predictions == expected.predictions == model.predict(frame)
        assert [each["label"] for each in found.predictions] == estimator.predict(frame).tolist()
        pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())
    assert estimator.explain(pl.from_pandas(frame)).predictions == model.predict(pl.from_pandas(frame))
    every = estimator.explain_outputs(frame, ["a", "c"], attributions="integrated_gradients", baseline=frame.iloc[0])
    assert list(every) == ["a", "c"]
    for found in every.values():
        assert found.attributions is not None
        assert_allclose(found.attributions.base_value + found.attributions.values.sum(axis=1), found.pre_activation)


def test_unknown_values_are_explained_as_predicted() -> None:
    frame, labels = table()
    estimator = ENNClassifier(hidden=4, harmonics=3, learner=Adam(passes=3)).fit(frame, labels)
    unknown = pd.DataFrame({"size": [np.nan, 0.5], "colour": ["pink", "red"]})
    with pytest.warns(UnknownValueWarning):
        found = estimator.explain(unknown)
    with pytest.warns(UnknownValueWarning):
        assert_allclose(found.pre_activation, estimator.decision_function(unknown).max(axis=1), rtol=ROUNDING)


@pytest.mark.parametrize("hidden", [4, (4, 3)])
def test_importances_rank_features_and_sum_to_one(hidden: int | tuple[int, ...]) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, size=(120, 3))
    estimator = ENNRegressor(hidden=hidden, harmonics=3, learner=LevenbergMarquardt(starts=2))
    with pytest.raises(NotFittedError):
        _ = estimator.feature_importances_
    importances = estimator.fit(x, 2 * x[:, 2] + 0.5 * x[:, 0]).feature_importances_
    assert_allclose(importances.sum(), 1)
    assert importances.argsort().tolist() == [1, 0, 2]
    assert importances[2] > 3 * importances[0]


def test_attributions_of_deep_networks_name_the_remedy() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, size=(40, 2))
    estimator = ENNRegressor(hidden=(3, 3), harmonics=2, learner=Adam(passes=1)).fit(x, x[:, 0])
    with pytest.raises(OptionError, match="the model has 2; ask for 'sampled_shapley'"):
        estimator.explain(x, attributions="shapley")


def test_verbose_tells_task_and_classes(capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, size=(40, 2))
    ratings = np.arange(40) % 5 + 1
    options = {"hidden": 2, "harmonics": 2, "learner": Adam(passes=1), "verbose": True}
    ENNClassifier(**options).fit(x, ratings)
    assert "target: 5 classes (1, 2, 3, 4, 5); ENNRegressor learns numbers\n" in capsys.readouterr().err
    ENNRegressor(**options).fit(x, ratings)
    assert "target: numbers (regression)\n" in capsys.readouterr().err
