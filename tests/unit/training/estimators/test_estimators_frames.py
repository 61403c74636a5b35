"""Frames of other libraries, and options of the learner as parameters of the estimator."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from enn_training import ENNClassifier, ENNRegressor
from enn_training.learners.adam import Adam
from enn_training.learners.levenberg_marquardt.learner import LevenbergMarquardt
from enn_training.learners.lms import LMS

X = np.random.default_rng(0).uniform(-1, 1, (60, 2))


@pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "pyarrow"])
def test_frames_of_polars_and_pyarrow_equal_those_of_pandas(library):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": random.normal(size=90), "b": random.choice(["x", "y"], 90), "c": random.random(90) > 0.5}
    )
    frame.loc[::9, "a"] = np.nan
    frame.loc[::7, "b"] = None
    labels, weight = np.where(frame["b"] == "x", "yes", "no"), pd.Series(random.integers(0, 3, 90))
    expected = ENNClassifier(3, learner=LMS(passes=3)).fit(frame, labels, weight)
    other = library(pd.DataFrame({"y": labels, "w": weight}))
    model = ENNClassifier(3, learner=LMS(passes=3)).fit(library(frame), other["y"], other["w"])
    assert model.columns_ == expected.columns_
    np.testing.assert_array_equal(model.predict_proba(library(frame)), expected.predict_proba(frame))
    assert [feature.name for feature in model.model_.features] == ["a", "b", "c"]
    numbers = ENNRegressor(3, learner=LMS(passes=2)).fit(library(frame[["a"]].fillna(0)), np.arange(90))
    assert numbers.predict(library(frame[["a"]].fillna(0))).shape == (90,)


def test_learner_options_are_nested_parameters():
    model = ENNRegressor(learner=Adam(passes=7))
    assert (model.get_params()["learner__passes"], model.get_params()["learner__decay"]) == (7, 0.1)
    assert "learner__passes" not in model.get_params(deep=False)
    model.set_params(learner__decay=0.5, hidden=3)
    assert model.learner == Adam(passes=7, decay=0.5)
    assert model.hidden == 3
    copy = clone(model)
    assert isinstance(copy, ENNRegressor)
    assert copy.learner == Adam(passes=7, decay=0.5)
    model.set_params(learner=LMS(), learner__passes=2)
    assert model.learner == LMS(passes=2)
    named = ENNRegressor(learner="lm")
    named.set_params(learner__starts=2)
    assert isinstance(named.learner, LevenbergMarquardt)
    assert named.learner.starts == 2
    for name, words in (("learner__speed", "learner__speed: expected one of passes, "), ("speed", "Invalid parameter")):
        with pytest.raises(ValueError, match=words):
            model.set_params(**{name: 1})
    with pytest.raises(ValueError, match="passes 0"):
        model.set_params(learner__passes=0)


def test_grid_search_chooses_options_of_the_learner():
    search = GridSearchCV(ENNRegressor(3, learner=LMS()), {"learner__passes": [1, 30]}, cv=2).fit(X, X[:, 0])
    assert search.best_params_ == {"learner__passes": 30}
