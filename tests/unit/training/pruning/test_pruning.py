"""Cuts take what is least, what is left of them responds alike, and pruning goes as far as the loss allows."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from enn_training.data.dataset import Dataset, Split
from enn_training.data.problems import problem
from enn_training.errors import DataError
from enn_training.evaluation.metrics import score, skill
from enn_training.learners.adam import Adam
from enn_training.learners.lms import LMS
from enn_training.learners.trainer import train
from enn_training.pruning import cuts
from enn_training.pruning.fine_tuning import fine_tune
from enn_training.pruning.search import prune
from enn_training.pruning.training_data import ScaledData
from support.examples import network

# Sums of a few float64 terms in another order.
EXACT = 1e-12
# Two float32 roundings of every parameter, on its way into scaled units and back.
ROUNDED = 1e-5
ROWS = np.random.default_rng(0).uniform(-1, 1, (200, 3))


def coefficients(net):
    return np.concatenate([layer.coefficients.ravel() for layer in net.layers if layer.coefficients is not None])


@pytest.mark.parametrize("head", ["dct", "linear"])
def test_magnitude_removes_smallest_coefficients_of_all_layers(head):
    whole = network((3, 5, 4, 2), head=head, harmonics=4)
    before, after = coefficients(whole), coefficients(cuts.remove_harmonics(whole, 0.4, "magnitude"))
    assert np.count_nonzero(after == 0) == int(0.4 * len(before))
    assert np.abs(before[after == 0]).max() <= np.abs(before[after != 0]).min()
    np.testing.assert_array_equal(after[after != 0], before[after != 0])


def test_share_criterion_ignores_the_scale_of_a_neuron():
    whole = network((3, 6, 1), harmonics=4)
    larger = copy.deepcopy(whole)
    larger.layers[0].coefficients[2] *= 100  # pyright: ignore[reportOptionalSubscript]
    before, after = (coefficients(cuts.remove_harmonics(net, 0.5, "share")) == 0 for net in (whole, larger))
    np.testing.assert_array_equal(before, after)
    assert (coefficients(cuts.remove_harmonics(larger, 0.5, "magnitude")) == 0).tolist() != after.tolist()


@pytest.mark.parametrize("head", ["dct", "linear"])
@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.99])
def test_compact_network_gives_the_same_response(head, fraction):
    cut = cuts.remove_neurons(network((3, 5, 4, 2), head=head, harmonics=5), 4, ROWS)
    cut = cuts.remove_harmonics(cut, fraction, "magnitude")
    small = cuts.compact(cut)
    assert small.parameters < cut.parameters
    assert all(len(layer.bias) for layer in small.layers)
    found, expected = small.respond(ROWS), cut.respond(ROWS)
    np.testing.assert_allclose(found.output, expected.output, atol=EXACT)
    np.testing.assert_allclose(found.pre_activation, expected.pre_activation, atol=EXACT)


def test_compact_removes_unused_neurons_and_unused_harmonics():
    whole = network((3, 5, 1), head="linear", harmonics=4)
    spectrum = whole.spectrum.copy()
    spectrum[1], spectrum[:, 2:] = 0, 0
    small = cuts.compact(replace(whole, layers=(replace(whole.layers[0], coefficients=spectrum), whole.layers[1])))
    assert small.spectrum.shape == (4, 2)
    assert cuts.count_neurons(small) == 4
    assert cuts.count_harmonics(small) == 8


def test_neurons_with_smallest_bumps_are_replaced_by_their_means():
    whole = network((3, 6, 1), head="linear", task="regression")
    cut = cuts.remove_neurons(whole, 2, ROWS)
    gone = np.flatnonzero(cut.layers[1].weight[0] == 0)
    bumps = whole.respond(ROWS).bumps[:, 0]
    assert set(gone) == set(np.argsort(bumps.std(axis=0))[:2])
    assert cut.respond(ROWS).output.mean() == pytest.approx(whole.respond(ROWS).output.mean(), abs=ROUNDED)


def test_every_layer_keeps_a_neuron():
    assert [len(layer.bias) for layer in cuts.compact(cuts.remove_neurons(network((3, 4, 3, 2)), 99, ROWS)).layers] == [
        1,
        1,
        2,
    ]


@pytest.fixture(scope="module")
def ring():
    """A network of the ring, and its data."""
    data = problem("ring").dataset(1_000, 0, 500)
    return train(data, LMS(passes=40), hidden=(6,), harmonics=6, head="dct", seed=0).network, ScaledData.of(data, "dct")


def loss(net, samples):
    return np.mean((net.respond(samples.x).output - samples.y) ** 2)


def test_fine_tuning_reduces_loss_and_keeps_zeros(ring):
    net, data = ring
    cut = cuts.remove_harmonics(data.to_scaled_units(net), 0.5, "magnitude")
    (tuned,) = fine_tune([cut], data.training, 0)
    np.testing.assert_array_equal(coefficients(tuned) == 0, coefficients(cut) == 0)
    assert loss(tuned, data.training) < 0.7 * loss(cut, data.training)


@pytest.mark.parametrize("name", ["ring", "product"])
@pytest.mark.parametrize("head", ["dct", "linear"])
def test_network_survives_conversion_to_scaled_units_and_back(name, head):
    data = problem(name).dataset(200, 0, 50)
    net = train(data, LMS(passes=2), hidden=(3,), harmonics=2, head=head, seed=0).network
    scaled = ScaledData.of(data, head)
    back = scaled.to_raw_units(scaled.to_scaled_units(net))
    np.testing.assert_allclose(back.respond(data.test.x).output, net.respond(data.test.x).output, atol=ROUNDED)


def test_largest_level_within_the_loss_is_applied(ring):
    net, data = ring
    passes: list[None] = []
    pruned = prune(net, data, loss=0.03, watch=lambda: passes.append(None))
    assert [stage.target for stage in pruned.stages] == ["neurons", "harmonics"]
    for stage in pruned.stages:
        within = [level.fraction for level in stage.levels if level.best.loss_from(pruned.before) <= 0.03]
        assert (stage.chosen.fraction if stage.chosen else 0) == max(within, default=0)
    assert len(passes) == 2 * 20
    assert cuts.count_harmonics(pruned.network) < cuts.count_harmonics(net)
    assert skill(pruned.network, data.scoring_rows) >= skill(net, data.scoring_rows) - 0.03 - ROUNDED
    assert score(pruned.network, data.scoring_rows)["accuracy"] >= pruned.before.scores["accuracy"] - 0.03


def test_network_is_unchanged_if_every_level_exceeds_the_loss(ring):
    net, data = ring
    pruned = prune(net, data, loss=-1.0, targets=("harmonics",), criteria=("share",))
    assert pruned.stages[0].chosen is None
    assert pruned.network is net
    assert {level.criterion for level in pruned.stages[0].levels} == {"share"}


@pytest.fixture(scope="module")
def rare():
    """A network of a rare class, its data, and fresh rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6_000, 3))
    split = Split(x, (x[:, 0] + x[:, 1] ** 2 + 0.3 * rng.normal(size=6_000) > 6).astype(np.int64))
    parts = np.split(np.arange(6_000), [2_500, 3_000, 4_000])
    training, validation, test, fresh = (Split(split.x[rows], split.y[rows]) for rows in parts)
    data = Dataset(("a", "b", "c"), ("no", "yes"), training, validation, test)
    return train(data, Adam(passes=20), hidden=(8,), harmonics=3, head="linear", seed=0).network, data, fresh


def test_rare_class_keeps_its_average_precision(rare):
    net, data, fresh = rare
    assert 0 < fresh.y.mean() < 0.02
    pruned = prune(net, ScaledData.of(data, "linear"), loss=0.02)
    before, after = (
        average_precision_score(fresh.y, each.respond(fresh.x).output[:, 1]) for each in (net, pruned.network)
    )
    assert pruned.network.parameters < net.parameters
    assert before > 0.5
    assert after > before - 0.05


def test_scoring_rows_are_rows_not_learned_from(rare):
    _, data, _ = rare
    few = ScaledData.of(data, "linear").scoring_rows
    assert len(few.x) == len(data.validation.x) + len(data.test.x)
    many = replace(data, validation=Split(data.test.x, np.arange(len(data.test.x)) % 2))
    assert ScaledData.of(many, "linear").scoring_rows is many.validation
    learned = replace(data, validation=Split(data.test.x[:0], data.test.y[:0]))
    with pytest.raises(DataError, match="has learned from all rows of its table; give other rows"):
        ScaledData.of(replace(learned, test=learned.validation), "linear")
    with pytest.raises(DataError, match="all 9 rows to score on have one class"):
        ScaledData.of(data, "linear", Split(data.test.x[:9], np.zeros(9, dtype=np.int64)))
