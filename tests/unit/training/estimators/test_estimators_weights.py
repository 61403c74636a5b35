"""Weights of rows and classes in the estimators."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.metrics import recall_score
from sklearn.model_selection import cross_validate

from enn_training import ENNClassifier, ENNRegressor
from enn_training.learners.adam import Adam
from enn_training.learners.auto_adam import AutoAdam
from enn_training.learners.lms import LMS

rng = np.random.default_rng(0)
FRAME = pd.DataFrame({"a": rng.normal(size=120), "b": rng.choice(["x", "y"], 120), "c": rng.normal(size=120)})
FRAME.loc[::7, "c"] = np.nan
LABELS = np.where(FRAME["a"] + rng.normal(0, 1, 120) > 1, "rare", "often")
COUNTS = rng.integers(0, 4, 120)


def test_whole_weights_equal_repeated_rows_in_any_order():
    repeated, order = np.repeat(np.arange(120), COUNTS), rng.permutation(120)
    learner = AutoAdam(hidden=(3,), passes=3)
    counted = ENNClassifier(learner=learner).fit(FRAME.iloc[order], LABELS[order], sample_weight=COUNTS[order])
    expected = ENNClassifier(learner=learner).fit(FRAME.iloc[repeated], LABELS[repeated])
    np.testing.assert_array_equal(counted.predict_proba(FRAME), expected.predict_proba(FRAME))
    assert counted.model_.fingerprint == expected.model_.fingerprint
    weighted = counted.score(FRAME, LABELS, sample_weight=COUNTS)
    assert weighted == pytest.approx(expected.score(FRAME.iloc[repeated], LABELS[repeated]))


def test_rows_without_weight_leave_no_trace():
    frame, weight = FRAME.assign(b=np.where(COUNTS == 0, "unused", FRAME["b"])), COUNTS * 0.5
    model = ENNRegressor(3, learner=LMS(passes=2)).fit(frame, np.where(COUNTS == 0, 1e30, FRAME["a"]), weight)
    assert [feature.maximum for feature in model.model_.features if feature.kind == "categorical"] == [1.0]
    assert model.model_.training["rows"]["training"] + model.model_.training["rows"]["held_out"] == (COUNTS > 0).sum()
    assert model.model_.training["weighted"] is True


def test_fractional_weights_move_predictions_to_heavy_rows():
    x = np.tile(np.linspace(-1, 1, 100), 2)[:, None]
    y = np.repeat([0.0, 1.0], 100)
    model = ENNRegressor(3, learner=Adam(passes=40)).fit(x, y, sample_weight=np.repeat([0.3, 0.9], 100))
    assert model.predict(x).mean() == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("class_weight", ["balanced", {"rare": 6}])
def test_class_weights_find_more_rows_of_a_rare_class(class_weight):
    plain, weighted = (
        ENNClassifier(4, learner=Adam(passes=40), class_weight=each).fit(FRAME[["a"]], LABELS)
        for each in (None, class_weight)
    )
    found, expected = (
        recall_score(LABELS == "rare", model.predict(FRAME[["a"]]) == "rare") for model in (weighted, plain)
    )
    assert found > expected + 0.1
    often, rare = weighted.model_.training["class_weight"]
    assert rare > often


def test_weights_that_are_no_weights_are_refused():
    model = ENNRegressor(2, learner=LMS(passes=1))
    for weight, words in (
        (np.zeros(120), "zero"),
        (-np.ones(120), "[Nn]egative"),
        (np.ones(3), "sample_weight"),
        (np.full(120, np.nan), "NaN"),
    ):
        with pytest.raises(ValueError, match=words):
            model.fit(FRAME[["a"]], FRAME["a"], sample_weight=weight)
    with pytest.raises(ValueError, match="class_weight 'balanced': partial_fit takes none"):
        ENNClassifier(class_weight="balanced").partial_fit(FRAME[["a"]], LABELS, classes=["often", "rare"])


def test_scikit_learn_passes_weights_through_cross_validation():
    with sklearn.config_context(enable_metadata_routing=True):
        model = ENNRegressor(2, learner=LMS(passes=2))
        model.set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        found = cross_validate(model, FRAME[["a"]], FRAME["a"], cv=2, params={"sample_weight": COUNTS + 0.5})
    assert np.isfinite(found["test_score"]).all()
