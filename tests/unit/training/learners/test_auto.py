"""Auto compares penalties by cross-validation, joins the networks of the folds, and leaves large networks to AdamW."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from enn_models.network import Network
from enn_training import ENNRegressor
from enn_training.data.preprocessing import Samples
from enn_training.data.sampling.splits import cross_validation
from enn_training.errors import DivergenceError, OptionError
from enn_training.learners.auto import MOST_ROWS, WORTH, Auto
from enn_training.learners.levenberg_marquardt.parameters import Parameters
from enn_training.learners.levenberg_marquardt.penalties import STEEPNESS, penalty_matrix
from enn_training.nn.architecture import Architecture

if TYPE_CHECKING:
    from enn_training.learners.base import PassResult

REGRESSION = Architecture(2, head="linear", task="regression")
NONE = Samples(np.zeros((0, 2)), np.zeros((0, 1)))
QUICK = Auto(sizes=(4,), weights=(3.0,))
ROUNDING = 1e-6
"""Float32 sums of a few numbers near 1."""


def rows(count: int, noise: float = 0.0) -> Samples:
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (count, 2))
    return Samples(x, np.sin(3 * x[:, :1]) * x[:, 1:] + noise * random.normal(size=(count, 1)))


def error(network: Network, samples: Samples) -> float:
    return float(np.mean((network.respond(samples.x).output - samples.y) ** 2))


def parts(network: Network) -> list[bytes]:
    arrays = [part for each in network.layers for part in (each.weight, each.bias, each.coefficients)]
    return [array.tobytes() for array in arrays if array is not None]


def test_the_result_is_the_mean_of_the_folds() -> None:
    samples = rows(300, 0.1)
    learned = QUICK.learn(REGRESSION, samples, NONE, 0)
    assert [len(layer.bias) for layer in learned.network.layers] == [20, 1]
    outputs = [network.respond(samples.x).output for network, _ in learned.folds]
    assert np.abs(learned.network.respond(samples.x).output - np.mean(outputs, axis=0)).max() < ROUNDING
    judged = np.concatenate([validation for _, validation in learned.folds])
    assert sorted(judged.tolist()) == list(range(300))
    losses = [error(network, Samples(samples.x[own], samples.y[own])) for network, own in learned.folds]
    assert learned.loss == pytest.approx(np.mean(losses), rel=1e-3)
    assert error(learned.network, rows(300)) < 0.004  # the noise has 0.01


@pytest.mark.parametrize("units", [1, 3])
def test_classes_are_learned_with_their_probabilities(units: int) -> None:
    x = rows(300).x
    index = (x[:, 0] * x[:, 1] > 0).astype(int) + (x[:, 0] > 0.6 if units == 3 else 0)
    y = np.eye(3)[index] if units == 3 else index[:, None].astype(float)
    architecture = Architecture(2, units=units, head="linear")
    network = QUICK.learn(architecture, Samples(x, y), Samples(x[:0], y[:0]), 0).network
    output = network.respond(x).output
    assert output.sum(axis=1) == pytest.approx(1.0)
    accuracy = (output.argmax(axis=1) == index).mean()
    assert accuracy > 0.9  # .5 and .4 without learning


def test_equal_seeds_give_equal_networks() -> None:
    first, again, other = (QUICK.learn(REGRESSION, rows(60, 0.1), NONE, seed).network for seed in (0, 0, 1))
    assert parts(first) == parts(again)
    assert parts(first) != parts(other)


def test_a_fixed_size_learns_from_all_rows() -> None:
    learned = Auto(hidden=(5,), weights=(3.0,)).learn(REGRESSION, rows(200), NONE, 0)
    assert [len(layer.bias) for layer in learned.network.layers] == [5, 1]
    assert error(learned.network, rows(200)) < 1e-3


def test_many_rows_are_all_learned_from() -> None:
    count = 3 * MOST_ROWS // 2 + 300
    learned = Auto(sizes=(2,), weights=(3.0,)).learn(REGRESSION, rows(count), NONE, 0)
    assert len(learned.folds) == 3
    assert error(learned.network, rows(500)) < 0.05


def test_a_larger_network_has_to_be_worth_it() -> None:
    line = Samples(rows(100).x, rows(100).x[:, :1])
    learned = Auto(sizes=(1, 2), weights=(3.0,)).learn(REGRESSION, line, NONE, 0)
    least = min(result.loss for result in learned.history)
    assert learned.settings["hidden"] == 1 or learned.loss < least / (1 - WORTH)


@pytest.mark.parametrize(
    ("architecture", "hidden"),
    [
        (replace(REGRESSION, head="dct"), (2,)),
        (REGRESSION, (2, 2)),
        (Architecture(2, units=2, head="linear"), (5_000,)),
    ],
)
def test_other_networks_are_left_to_adam(architecture: Architecture, hidden: tuple[int, ...]) -> None:
    assert not Auto(hidden=hidden).has_second_order(architecture, 10_000)
    assert Auto().has_second_order(REGRESSION, 10_000_000)


def test_a_callback_stops_the_choice() -> None:
    seen: list[PassResult] = []
    learned = QUICK.learn(REGRESSION, rows(60), NONE, 0, lambda result: bool(seen.append(result)) or len(seen) == 2)
    assert (len(seen), learned.stopped) == (2, True)
    assert seen[0].total == 8


def test_targets_without_a_finite_loss_are_refused() -> None:
    with pytest.raises(DivergenceError, match="finite loss"):
        QUICK.learn(REGRESSION, Samples(rows(60).x, np.full((60, 1), np.nan)), NONE, 0)
    with pytest.raises(OptionError, match="max_time"):
        Auto(max_time=0)


def test_maps_are_chosen_by_cross_validation() -> None:
    random = np.random.default_rng(0)
    normal = random.normal(size=(300, 1))
    curved = ENNRegressor().fit(np.exp(normal), np.tanh(2 * normal[:, 0]) + 0.1 * random.normal(size=300))
    (feature,) = curved.model_.features
    assert feature.kind == "numeric"
    assert feature.knots is not None
    assert curved.model_.training["scored_on"] == "5 folds"


def test_every_row_is_validated_on_once() -> None:
    y = np.repeat([0.0, 1.0], [90, 10])[:, None]
    folds = cross_validation(y, 0, 5)
    assert [y[validation].sum() for _, validation in folds] == [2] * 5
    assert [len(train) for train, _ in folds] == [80] * 5
    (small,) = cross_validation(y[:9], 0, 5)
    assert small[0].tolist() == small[1].tolist() == list(range(9))


def test_the_penalty_is_least_over_the_slopes() -> None:
    parameters = Parameters.of_architecture(Architecture(2, (3,), 1, 4, "linear", "regression"))
    theta = np.random.default_rng(0).normal(size=parameters.size)
    found = theta @ penalty_matrix(parameters, 0.5, 0.2) @ theta
    line = -8 / np.pi**2 / (2 * np.arange(4) + 1.0) ** 2
    slopes = np.linspace(-20, 20, 400_001)[:, None]
    wanted = 0.5 * np.square(parameters.weight(theta, 0)).sum()
    for coefficients in parameters.coefficients(theta, 0):
        bending = np.square(coefficients - slopes * line) @ (2 * np.arange(4) + 1.0) ** STEEPNESS
        wanted += (0.5 * slopes[:, 0] ** 2 + 0.2 * bending).min()
    assert found == pytest.approx(wanted, rel=1e-2)  # the biases have a thousandth
