"""A row of weight w counts as w equal rows in every learner, loss, scaling and score."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from enn_training.data.dataset import Dataset, Split, summarize_columns
from enn_training.data.preprocessing import Preprocessor, Samples
from enn_training.data.sampling.splits import sample_rows
from enn_training.errors import OptionError
from enn_training.evaluation.baselines import baselines
from enn_training.evaluation.metrics import score_with_skill
from enn_training.kernels import lms as lms_kernel
from enn_training.kernels import losses
from enn_training.learners.adam import Adam
from enn_training.learners.auto_adam import AutoAdam
from enn_training.learners.levenberg_marquardt.learner import LevenbergMarquardt
from enn_training.learners.levenberg_marquardt.objective import Objective
from enn_training.learners.levenberg_marquardt.parameters import Parameters
from enn_training.learners.lms import LMS, begin
from enn_training.learners.trainer import train
from enn_training.nn.architecture import Architecture
from enn_training.nn.batched import BatchedNetworks
from enn_training.nn.initialization import initial_network

# Sums of float64, added in another order; float32 for torch.
ROUNDING, ROUNDING_32 = 1e-10, 1e-5
rng = np.random.default_rng(0)
ROWS = 40
WEIGHT = rng.integers(1, 6, ROWS).astype(np.float64)
REPEATED = np.repeat(np.arange(ROWS), WEIGHT.astype(int))
X = rng.uniform(-1, 1, (ROWS, 2))


def indicators(units: int) -> NDArray[np.float64]:
    """Return 0 or 1 of one unit, or an indicator of a random class of several, [rows, units]."""
    classes = rng.integers(max(2, units), size=ROWS)
    return (classes[:, None] == (np.arange(units) if units > 1 else 1)).astype(np.float64)


@pytest.mark.parametrize("loss", [losses.SQUARED, losses.LOGISTIC, losses.SOFTMAX])
def test_weighted_normal_equations_are_those_of_repeated_rows(loss):
    units = 1 if loss == losses.LOGISTIC else 3
    architecture = Architecture(2, (4,), units, 3, "linear", "regression")
    parameters = Parameters.of_architecture(architecture)
    theta = rng.normal(size=parameters.size)
    y = indicators(units).T.copy()
    weighted = Objective(parameters.layout, parameters.size, np.ascontiguousarray(X.T), y, loss, WEIGHT)
    repeated = Objective(parameters.layout, parameters.size, weighted.x[:, REPEATED], y[:, REPEATED], loss)
    values = [objective.evaluate(theta) for objective in (weighted, repeated)]
    assert values[0][0] == pytest.approx(values[1][0], rel=ROUNDING)
    found, expected = (
        objective.normal_equations(theta, derivatives)
        for objective, (_, derivatives) in zip((weighted, repeated), values, strict=True)
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.tril(one), np.tril(other), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize(("task", "units"), [("regression", 2), ("classification", 1), ("classification", 3)])
def test_losses_of_adam_and_lms_count_weights_as_rows(task, units):
    architecture = Architecture(2, (4,), units, 3, "linear", task)
    y = indicators(units)
    networks = [initial_network(architecture, spread) for spread in np.linspace(0.3, 2, 8)]
    state = begin(architecture, networks)
    found = lms_kernel.losses(state, X, y, WEIGHT)
    ones = np.ones(len(REPEATED))
    np.testing.assert_allclose(found, lms_kernel.losses(state, X[REPEATED], y[REPEATED], ones), rtol=ROUNDING)
    stack = BatchedNetworks(architecture, networks[:1])
    x, y, weight = (torch.from_numpy(each)[None].float() for each in (X, y, WEIGHT / WEIGHT.mean()))
    repeated = stack.losses(x[:, REPEATED], y[:, REPEATED])
    torch.testing.assert_close(stack.losses(x, y, weight), repeated, rtol=ROUNDING_32, atol=ROUNDING_32)
    assert found[0] == pytest.approx(repeated[0].item(), rel=ROUNDING_32)


@pytest.mark.parametrize(
    "learner",
    [Adam(passes=40, decay=0.01), AutoAdam(hidden=(4,), passes=15), LMS(passes=60), LevenbergMarquardt(starts=2)],
    ids=lambda learner: type(learner).__name__,
)
def test_every_learner_fits_weighted_mean_of_contradictory_rows(learner):
    x = np.random.default_rng(1).uniform(-1, 1, (400, 1))
    sign, weight = np.where(np.arange(400) % 2, -1.0, 1.0), np.where(np.arange(400) % 2, 1.0, 3.0)
    rows = Samples(x, sign[:, None] * x, weight)
    network = learner.learn(Architecture(1, (4,), 1, 3, "linear", "regression"), rows, rows, 0).network
    at = np.array([[-0.5], [0.5]])
    np.testing.assert_allclose(network.respond(at).output, 0.5 * at, atol=0.1)


def test_scaling_scores_and_baselines_count_weights_as_rows():
    features = summarize_columns(("a", "b"), X, WEIGHT)
    assert [each.mean for each in features if each.kind == "numeric"] == pytest.approx(X[REPEATED].mean(axis=0))
    for classes, y in ((None, X[:, 0] + rng.normal(size=ROWS)), (("no", "yes"), (X[:, 0] > 0).astype(np.int64))):
        weighted, repeated = Split(X, y, WEIGHT), Split(X[REPEATED], y[REPEATED])
        data = [Dataset(("a", "b"), classes, rows, rows, rows) for rows in (weighted, repeated)]
        first, second = (
            Preprocessor.fit(each.summaries, each.training, "linear", each.class_count).targets.scaling for each in data
        )
        if first is not None and second is not None:
            np.testing.assert_allclose([first.center, first.scale], [second.center, second.scale], rtol=ROUNDING)
        task = "classification" if classes else "regression"
        network = initial_network(Architecture(2, (3,), 1, 3, "linear", task), 1.0)
        found, expected = (score_with_skill(network, rows) for rows in (weighted, repeated))
        assert found[0] == pytest.approx(expected[0], rel=ROUNDING_32)
        assert found[1] == pytest.approx(expected[1], rel=ROUNDING_32)
        for one, other in zip(*map(baselines, data), strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-3)


def test_heavy_rows_are_more_often_in_the_background():
    rows = np.arange(1000.0)[:, None]
    drawn = sample_rows(rows, 100, 1, np.where(rows[:, 0] < 500, 9.0, 1.0))
    assert (drawn[:, 0] < 500).sum() == pytest.approx(90, abs=8)
    assert (np.diff(drawn[:, 0]) > 0).all()


def test_the_fingerprint_changes_with_one_weight():
    rows = Split(X, X[:, 0], WEIGHT)
    other = Split(X, X[:, 0], np.where(np.arange(ROWS) == 3, 0.5, WEIGHT))
    prints = {Dataset(("a", "b"), None, each, each, each).fingerprint for each in (rows, other, Split(X, X[:, 0]))}
    assert len(prints) == 3


@pytest.mark.parametrize(
    ("class_weight", "classes", "words"),
    [
        ("even", ("no", "yes"), "'even': expected 'balanced' or a factor for each label"),
        ({"maybe": 2}, ("no", "yes"), "'maybe' is no class; expected one of 'no', 'yes'"),
        ({"yes": 0}, ("no", "yes"), "class_weight of 'yes': 0; expected a number above 0"),
        ({"yes": 2}, None, "the target is a value, not a class"),
    ],
)
def test_class_weights_that_fit_no_class_are_refused(class_weight, classes, words):
    rows = Split(X, (X[:, 0] > 0).astype(np.int64))
    data = Dataset(("a", "b"), classes, rows, rows, rows)
    with pytest.raises(OptionError, match=words):
        train(
            data,
            LMS(passes=1),
            hidden=(2,),
            harmonics=2,
            head="linear",
            seed=0,
            class_weight=class_weight,
        )
