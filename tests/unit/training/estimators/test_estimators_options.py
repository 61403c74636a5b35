"""Options of the estimators are whole numbers of Python or NumPy, and the defaults of PyTorch change nothing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning

from enn_models.package import open_package
from enn_training import ENNRegressor
from enn_training.cli.console import report_lines
from enn_training.errors import OptionError
from enn_training.learners.adam import Adam
from enn_training.learners.auto_adam import AutoAdam
from enn_training.learners.lms import LMS
from enn_training.publishing.export import build_package

X = np.random.default_rng(0).uniform(-1, 1, (50, 2))
TWO: Any = np.int64(2)
HALF: Any = np.float32(0.5)
MINUTE: Any = np.float32(60)


def package(**options: Any) -> bytes:
    return build_package(ENNRegressor(**options).fit(X, X[:, 0]).model_)


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({"harmonics": TWO, "hidden": np.array([2, 3])}, {"harmonics": 2, "hidden": (2, 3)}),
        ({"hidden": TWO, "random_state": TWO}, {"hidden": 2, "random_state": 2}),
        ({"learner": LMS(passes=TWO, spread=HALF)}, {"learner": LMS(passes=2, spread=0.5)}),
        (
            {"learner": Adam(passes=TWO, spread=HALF, batch=TWO, decay=HALF)},
            {"learner": Adam(passes=2, spread=0.5, batch=2, decay=0.5)},
        ),
        (
            {"learner": AutoAdam(passes=TWO, hidden=(TWO,), max_time=MINUTE)},
            {"learner": AutoAdam(passes=2, hidden=(2,))},
        ),
    ],
)
def test_numpy_options_make_the_package_of_python_options(options, same):
    assert package(**{"learner": Adam(passes=2)} | options) == package(**{"learner": Adam(passes=2)} | same)


@pytest.mark.parametrize(
    "options",
    [
        {"harmonics": 2.5},
        {"harmonics": True},
        {"hidden": 8.7},
        {"hidden": (8, 4.5)},
        {"learner": "auto", "hidden": 2.5},
    ],
)
def test_fractions_are_refused_by_name(options):
    with pytest.raises(OptionError, match=r"(harmonics|hidden) (2.5|True|8.7|4.5): expected a whole number"):
        ENNRegressor(**{"learner": Adam(passes=2)} | options).fit(X, X[:, 0])


@pytest.mark.parametrize("learner", [Adam, LMS, AutoAdam])
def test_fractions_of_passes_are_refused_by_each_learner(learner):
    with pytest.raises(OptionError, match=r"passes 2.5: expected a whole number"):
        learner(passes=2.5)


@pytest.fixture(params=[torch.float64, torch.float16, "meta"])
def torch_default(request: pytest.FixtureRequest) -> Iterator[None]:
    kind: Any = request.param
    if kind == "meta":
        torch.set_default_device(kind)
    else:
        torch.set_default_dtype(kind)
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)


@pytest.fixture(scope="module")
def expected() -> bytes:
    return package(learner=Adam(passes=2, starts=2))


@pytest.mark.usefixtures("expected", "torch_default")
def test_defaults_of_torch_change_no_package(expected):
    assert package(learner=Adam(passes=2, starts=2)) == expected


@pytest.mark.parametrize("learner", ["auto-adam", "adam", "lms"])
def test_learning_that_time_cuts_short_warns_and_is_recorded(learner):
    model = ENNRegressor(hidden=3, learner=learner, max_time=1e-6)
    with pytest.warns(ConvergenceWarning, match=r"cut learning short after \d passes; pass a larger max_time"):
        model.fit(X, X[:, 0])
    assert model.converged_ is False
    card = open_package(build_package(model.model_)).card
    assert card.training["cut_short"] is True
    assert "cut short by the time limit" in next(report_lines(model.model_, ()))


def test_learning_without_a_limit_has_converged():
    model = ENNRegressor(hidden=3, learner=Adam(passes=2)).fit(X, X[:, 0])
    assert model.converged_
    assert "cut_short" not in model.model_.training
