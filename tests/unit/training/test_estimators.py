"""The estimators behave as scikit-learn's."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import check_estimator

from enn_training import ENNClassifier, ENNRegressor
from enn_training.learners.lms import LMS


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("estimator", [ENNClassifier, ENNRegressor])
def test_scikit_learns_own_checks_pass(estimator):
    results = check_estimator(estimator(), on_fail=None, on_skip=None)
    assert [result for result in results if result["status"] not in ("passed", "skipped")] == []


def test_breast_cancer_is_told_as_well_as_by_other_models():
    x, y = load_breast_cancer(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=0, stratify=y)
    model = ENNClassifier(random_state=0).fit(train_x, train_y)
    assert model.score(test_x, test_y) > 0.95
    np.testing.assert_allclose(model.predict_proba(test_x).sum(axis=1), 1)


def test_diabetes_is_explained_as_well_as_by_a_line():
    train_x, test_x, train_y, test_y = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
    assert ENNRegressor(random_state=0).fit(train_x, train_y).score(test_x, test_y) > 0.3


def test_the_dct_head_has_scores_and_no_probabilities():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 2))
    model = ENNClassifier(6, head="dct", learner=LMS(passes=30)).fit(x, np.where(x[:, 0] > 0, "right", "left"))
    assert model.score(x, np.where(x[:, 0] > 0, "right", "left")) > 0.95
    assert model.decision_function(x).shape == (300,)
    assert not hasattr(model, "predict_proba")


def test_what_was_learned_names_its_classes():
    model = ENNClassifier(4, learner=LMS(passes=1)).fit(np.eye(20), np.arange(20) % 2 == 0)
    assert model.model_.classes == (False, True)
