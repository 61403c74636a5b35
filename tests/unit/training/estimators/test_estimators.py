"""The estimators behave as scikit-learn's."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from enn_training import ENNClassifier, ENNRegressor, export
from enn_training.errors import UnknownValueWarning
from enn_training.learners.adam import Adam
from enn_training.learners.auto_adam import AutoAdam
from enn_training.learners.lms import LMS
from support.serving import serving


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("estimator", [ENNClassifier, ENNRegressor])
def test_scikit_learns_own_checks_pass(estimator):
    # The default learner, smaller: the checks fit dozens of tiny tables.
    quick = estimator(learner=AutoAdam(hidden=(4,), passes=12))
    results = check_estimator(quick, on_fail=None, on_skip=None)
    assert [result for result in results if result["status"] not in ("passed", "skipped")] == []


def test_default_classifier_scores_over_93_percent_on_breast_cancer():
    x, y = load_breast_cancer(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=0, stratify=y)
    model = ENNClassifier(random_state=0).fit(train_x, train_y)
    assert model.score(test_x, test_y) > 0.93
    np.testing.assert_allclose(model.predict_proba(test_x).sum(axis=1), 1)


@pytest.mark.slow
def test_default_regressor_scores_over_0_3_on_diabetes():
    train_x, test_x, train_y, test_y = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
    assert ENNRegressor(random_state=0).fit(train_x, train_y).score(test_x, test_y) > 0.3


def test_the_dct_head_has_scores_and_no_probabilities():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 2))
    model = ENNClassifier(6, head="dct", learner=LMS(passes=30)).fit(x, np.where(x[:, 0] > 0, "right", "left"))
    assert model.score(x, np.where(x[:, 0] > 0, "right", "left")) > 0.95
    assert model.decision_function(x).shape == (300,)
    assert not hasattr(model, "predict_proba")


def test_learned_model_has_class_labels():
    model = ENNClassifier(4, learner=LMS(passes=1)).fit(np.eye(20), np.arange(20) % 2 == 0)
    assert model.model_.classes == (False, True)


def animals(rows=300):
    """Return a frame of numbers, texts, categoricals and booleans with missing values, and labels."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "bill": random.normal(44, 4, rows),
            "island": random.choice(["Biscoe", "Dream"], rows),
            "grade": pd.Categorical(random.choice([1, 2], rows), [1, 2, 3]),
            "wild": random.random(rows) < 0.5,
            "mass": random.normal(4000, 500, rows),
        }
    )
    frame.loc[random.random(rows) < 0.2, "mass"] = np.nan
    frame.loc[random.random(rows) < 0.1, "island"] = None
    chosen = (frame["island"] == "Dream") ^ frame["wild"] ^ frame["mass"].isna()
    return frame, np.where(chosen, "yes", "no")


def test_frame_with_categories_and_missing_values_serves_like_estimator(tmp_path):
    frame, labels = animals()
    model = ENNClassifier(learner=Adam(passes=100)).fit(frame, labels)
    assert model.score(frame, labels) > 0.95
    assert [column.kind for column in model.columns_ or ()] == [
        "numeric",
        "categorical",
        "categorical",
        "boolean",
        "numeric",
    ]
    export(model.model_, tmp_path, "animals")
    rows = frame.astype({"grade": str}).astype(object).where(frame.notna(), None).to_dict("records")
    with serving(tmp_path) as client:
        reply = client.post("/v1/models/animals:predict", json={"instances": rows})
    found = [list(prediction["probabilities"].values()) for prediction in reply.json()["predictions"]]
    np.testing.assert_allclose(found, model.predict_proba(frame), atol=1e-5)


def test_a_frame_goes_through_pickle_clone_and_cross_validation():
    frame, labels = animals(150)
    model = ENNClassifier(4, learner=LMS(passes=2)).fit(frame, labels)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))
    assert np.isfinite(cross_val_score(clone(model), frame, labels, cv=3)).all()


def test_arrays_train_with_missing_values():
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (300, 2))
    x[random.random(300) < 0.3, 0] = np.nan
    model = ENNRegressor(learner=Adam(passes=60)).fit(x, np.where(np.isnan(x[:, 0]), 3, x[:, 0]))
    assert model.predict([[np.nan, 0], [0.5, 0]]) == pytest.approx([3, 0.5], abs=0.2)
    with pytest.raises(ValueError, match="column 'x1': no row has a value"):
        model.fit(x * [1, np.nan], x[:, 1])


def test_unknown_values_count_as_missing_or_as_training_mean():
    frame, labels = animals(60)
    model = ENNClassifier(4, learner=LMS(passes=5)).fit(frame, labels)
    assert [feature.missing for feature in model.model_.features] == [False, True, False, False, True]
    unknown = frame.astype({"wild": object, "island": object}).assign(grade=9)
    unknown["island"], unknown["wild"], unknown["bill"] = "Moon", None, np.nan
    with pytest.warns(UnknownValueWarning) as caught:
        found = model.decision_function(unknown.iloc[:3])
    assert [str(warning.message).split(";")[0] for warning in caught] == [
        "column 'bill': 3 row(s) have no value, unlike all training rows, the first of them row 0",
        "column 'island': 3 row(s) have a category that no training row had, the first of them row 0",
        "column 'grade': 3 row(s) have a category that no training row had, the first of them row 0",
        "column 'wild': 3 row(s) have no value, unlike all training rows, the first of them row 0",
    ]
    grades = [(frame["grade"] == grade).mean() for grade in (1, 2, 3)]
    network = replace(model.model_.network, encoding=None)
    mass, mean = frame["mass"].iloc[:3], frame["mass"].mean()
    columns = [
        [frame["bill"].mean(), 0, 0, *grades, frame["wild"].mean(), mean if missing else value, missing]
        for value, missing in zip(mass, mass.isna(), strict=True)
    ]
    np.testing.assert_allclose(found, network.respond(columns).pre_activation[:, 0], rtol=1e-5)


@pytest.mark.filterwarnings("ignore::enn_training.errors.UnknownValueWarning")
def test_folds_with_values_that_others_lack_have_scores():
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"age": random.normal(40, 10, 150), "city": random.choice(["a", "b"], 150)})
    labels = frame["age"] > 40
    frame.loc[5, "age"], frame.loc[9, "city"] = np.nan, "rare"
    scores = cross_val_score(ENNClassifier(4, learner=LMS(passes=20)), frame, labels, cv=3)
    assert scores.min() > 0.8
    assert np.isfinite(cross_val_score(ENNRegressor(4, learner=LMS(passes=2)), frame[["age"]], labels * 1.0)).all()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("wild", "Moon", "column 'wild', row 3: 'Moon' is not known; expected one of 'False', 'True'"),
        ("bill", "long", "column 'bill', row 3: 'long' is not a number"),
    ],
)
def test_value_of_another_kind_is_refused_with_column_and_row(column, value, words):
    frame, labels = animals(60)
    model = ENNClassifier(4, learner=LMS(passes=1)).fit(frame, labels)
    frame = frame.astype({column: object})
    frame.loc[3, column] = value
    with pytest.raises(ValueError, match=words):
        model.predict(frame)


def test_a_frame_with_its_columns_in_another_order_is_refused():
    frame, labels = animals(60)
    model = ENNClassifier(4, learner=LMS(passes=1)).fit(frame, labels)
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pd.date_range("2024-01-31", periods=60), "is a date or time; replace it by numbers"),
        ([f"name {row}" for row in range(60)], "60 different texts in 60 rows; categories recur"),
        ([1, "1"] * 30, "two categories are written '1'; make them one"),
        ([None] * 60, "no row has a value: leave the column out"),
        (["1", "2", "x"] * 20, "row 2: 'x' is not a number; expected numbers"),
    ],
)
def test_unusable_column_is_refused_with_remedy(values, words):
    frame, labels = animals(60)
    with pytest.raises(ValueError, match=f"column 'c'.*{words}"):
        ENNClassifier().fit(frame.assign(c=values), labels)


@pytest.mark.parametrize(
    ("x_factor", "y_factor", "words"),
    [
        (1e300, 1, "column 'x0', row 0: .*e.299 is beyond float32; replace it by a finite number"),
        (1e-40, 1, "column 'x0': all values lie within .*e-40 of each other; float32 needs a range of at least 1e-35"),
        (1, 1e300, "y, row 0: .* is beyond float32"),
        (1, 1e-40, "target: all values lie within .*e-40 of each other"),
    ],
)
def test_numbers_outside_float32_are_refused_by_name(x_factor, y_factor, words):
    x = np.random.default_rng(0).normal(size=(60, 2))
    for fit in (ENNRegressor(4, learner=LMS(passes=1)).fit, ENNRegressor(4).partial_fit):
        with pytest.raises(ValueError, match=words):
            fit(x * [x_factor, 1], x[:, 0] * y_factor)


def test_declared_category_without_rows_has_no_effect():
    frame, labels = animals(60)
    model = ENNClassifier(4, learner=LMS(passes=2)).fit(frame, labels)
    assert not model.model_.network.layers[0].weight[:, 5].any()
    frame["grade"] = frame["grade"].cat.set_categories([1, 2, 3]).where(frame.index > 0, 3)
    assert np.isfinite(model.predict_proba(frame)).all()


def test_partial_fit_trains_by_batches_and_continues_after_fit():
    frame, labels = animals(300)
    model = ENNClassifier(8, learner=LMS(passes=2))
    for _ in range(3):
        for part in np.array_split(np.arange(300), 3):
            model.partial_fit(frame.iloc[part], labels[part], classes=["no", "yes"])
    assert model.model_.training["rows"]["training"] == 900
    assert np.isfinite(model.predict_proba(frame)).all()
    fitted = ENNClassifier(8, learner=LMS(passes=2)).fit(frame, labels)
    before = fitted.model_.training["rows"]["training"]
    assert fitted.partial_fit(frame, labels).model_.training["rows"]["training"] == before + 300


def test_partial_fit_refuses_labels_and_outputs_that_change():
    x = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        ENNClassifier().partial_fit(x, x[:, 0] > 0)
    model = ENNClassifier().partial_fit(x, x[:, 0] > 0, classes=[False, True])
    with pytest.raises(ValueError, match=r"classes \[0 1 2\]: expected those of the first call"):
        model.partial_fit(x, x[:, 0] > 0, classes=[0, 1, 2])
    regressor = ENNRegressor().partial_fit(x, x[:, 0])
    with pytest.raises(ValueError, match=r"y has 2 column\(s\); expected 1 as before"):
        regressor.partial_fit(x, x)


def test_pipeline_search_and_calibration_accept_estimators_with_feature_names():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.uniform(-1, 1, (120, 2)), columns=["a", "b"])
    labels = np.where(frame["a"] > frame["b"], "more", "less")
    pipeline = make_pipeline(StandardScaler(), ENNClassifier(learner=LMS(passes=2))).set_output(transform="pandas")
    search = GridSearchCV(pipeline, {"ennclassifier__hidden": [2, 4]}, cv=2).fit(frame, labels)
    found = search.best_estimator_[-1]
    assert found.get_params()["hidden"] == search.best_params_["ennclassifier__hidden"]
    assert (found.feature_names_in_.tolist(), found.n_features_in_) == (["a", "b"], 2)
    assert found.classes_.tolist() == ["less", "more"]
    calibrated = CalibratedClassifierCV(search.best_estimator_, cv=2).fit(frame, labels)
    assert calibrated.score(frame, labels) > 0.9


def test_pickled_estimator_continues_partial_fit_identically():
    x = np.random.default_rng(0).uniform(-1, 1, (90, 2))
    model = ENNRegressor(4).partial_fit(x, x[:, 0])
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.partial_fit(x, x[:, 0]).predict(x), model.partial_fit(x, x[:, 0]).predict(x))


def test_two_outputs_are_learned_with_no_column_mixed_up():
    x = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    model = ENNRegressor(8, learner=Adam(passes=30)).fit(x, np.column_stack([x[:, 0], -3 * x[:, 1]]))
    assert model.predict([[0.5, -0.25]])[0] == pytest.approx([0.5, 0.75], abs=0.1)
