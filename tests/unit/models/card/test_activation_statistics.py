"""Tests of activation statistics: histograms equal those of NumPy, and a card refuses those of other networks."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from enn_models.card import Card, activation_statistics
from enn_models.card.activation_statistics import NeuronStatistics, measure_activations
from enn_models.network import Head
from support.examples import network
from support.tiny import card, fields

ROWS = np.random.default_rng(3).normal(size=(500, 2))
SHORT = 1e-5
"""Relative rounding error of six digits."""
GOOD = {"low": -1.0, "high": 1.0, "counts": [1, 2], "deviation": 0.5}


@pytest.mark.parametrize("head", ["dct", "linear"])
def test_histograms_equal_numpy_for_learned_activations(head: Head) -> None:
    net = network((2, 4, 3, 2), head=head)
    found, wanted = measure_activations(net, ROWS), net.activation_inputs(ROWS)
    assert [len(layer) for layer in found] == ([4, 3, 2] if head == "dct" else [4, 3])
    for layer, neurons, z in zip(net.layers, found, wanted, strict=False):
        for index, neuron in enumerate(neurons):
            counts, _ = np.histogram(z[:, index], bins=activation_statistics.HISTOGRAM_BINS)
            assert list(neuron.counts) == counts.tolist()
            assert neuron.low == pytest.approx(z[:, index].min(), rel=SHORT)
            assert neuron.high == pytest.approx(z[:, index].max(), rel=SHORT)
            assert neuron.deviation == pytest.approx(layer.activation(z)[:, index].std(), rel=SHORT)


def test_batch_size_does_not_change_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network((2, 4, 2))
    whole = measure_activations(net, ROWS)
    monkeypatch.setattr(activation_statistics, "ROWS_PER_BATCH", 7)
    assert [[neuron.counts for neuron in layer] for layer in measure_activations(net, ROWS)] == [
        [neuron.counts for neuron in layer] for layer in whole
    ]


def test_equal_rows_fill_a_single_bin() -> None:
    ((neuron, *_), _) = measure_activations(network((2, 4, 2)), np.ones((3, 2)))
    assert neuron.low == neuron.high
    assert sum(neuron.counts) == neuron.counts[0] == 3


@pytest.mark.parametrize(
    "change",
    [
        {"low": 2.0},
        {"low": float("nan")},
        {"high": float("inf")},
        {"counts": []},
        {"counts": [0, 0]},
        {"counts": [-1, 2]},
        {"counts": [2**60]},
        {"counts": [1] * 257},
        {"deviation": -0.1},
        {"more": 1},
    ],
)
def test_invalid_histogram_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NeuronStatistics.model_validate(GOOD | change)


def test_card_refuses_statistics_of_other_neurons() -> None:
    net = network((2, 4, 1))
    assert card(net, usage=measure_activations(net, ROWS)).usage == measure_activations(net, ROWS)
    assert "usage" not in fields(net)
    assert card(net).usage is None
    for wrong in ([], [[GOOD] * 4], [[GOOD] * 3, [GOOD]], [[GOOD] * 4, [GOOD], [GOOD]]):
        with pytest.raises(ValidationError, match=r"usage: of \[.*\] neurons; expected \[4, 1\]"):
            Card.model_validate(fields(net) | {"usage": wrong})


def test_typical_row_comes_from_background_or_card() -> None:
    net = network((2, 4, 1))
    assert card(net).typical_row == (0.0, 0.0)
    assert card(net, background=[[0.5, 0.25], [0.25, 1.0], [-1.0, 1.5]]).typical_row == (0.25, 1.0)
