"""Callbacks see every iteration of every learner, and stop it; a bar shows them."""

import numpy as np
import pytest

from enn_training import ENNClassifier, ENNRegressor
from enn_training.data.preprocessing import Samples
from enn_training.learners.adam import Adam
from enn_training.learners.auto_adam import AutoAdam
from enn_training.learners.levenberg_marquardt.learner import LevenbergMarquardt
from enn_training.learners.lms import LMS
from enn_training.nn.architecture import Architecture

X = np.random.default_rng(0).uniform(-1, 1, (60, 2))
LEARNERS = [Adam(passes=9), LMS(passes=9), LevenbergMarquardt(starts=9), AutoAdam(hidden=(3,), passes=9)]


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: type(learner).__name__)
def test_callback_stops_a_learner_which_returns_best_network(learner):
    rows = Samples(X, X[:, :1])
    seen = []

    def watch(result):
        seen.append(result)
        return len(seen) >= 3

    found = learner.learn(Architecture(2, (3,), 1, 3, "linear", "regression"), rows, rows, 0, watch)
    # AutoAdam ends its choice at the first request and its training at the second.
    assert len(seen) == (4 if isinstance(learner, AutoAdam) else 3)
    assert (found.stopped, found.history) == (True, tuple(seen))
    assert np.isfinite(found.network.respond(X).output).all()
    if not isinstance(learner, AutoAdam):
        assert found.loss == pytest.approx(min(result.loss for result in seen), rel=1e-5)


def test_estimator_calls_callbacks_with_iteration_and_loss():
    seen = []
    model = ENNRegressor(3, learner=LMS(passes=4), callbacks=[lambda *pair: seen.append(pair)]).fit(X, X[:, 0])
    assert [number for number, _ in seen] == [1, 2, 3, 4]
    assert all(isinstance(loss, float) for _, loss in seen)
    assert (model.n_iter_, model.converged_) == (4, True)
    counted = []
    callbacks = [lambda number, _: counted.append(number), lambda number, _: number == 2]
    model = ENNClassifier(3, learner=LMS(passes=4), callbacks=callbacks).fit(X, X[:, 0] > 0)
    assert (counted, model.n_iter_, model.converged_) == ([1, 2], 2, False)
    assert model.model_.training["stopped"] is True


def test_verbose_estimator_shows_a_bar_and_others_nothing(capsys):
    ENNRegressor(3, learner=LMS(passes=4), verbose=True).fit(X, X[:, 0])
    out, err = capsys.readouterr()
    assert out == ""
    assert "learning ENNRegressor: 100%" in err
    assert "held-out loss" in err
    ENNRegressor(3, learner=LMS(passes=4)).fit(X, X[:, 0])
    assert capsys.readouterr() == ("", "")
