"""The usage of activations is that of every row, and a card takes no other than its own network's."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from enn_models import activation_statistics
from enn_models.activation_statistics import NeuronStatistics, measure_activations
from enn_models.card import Card
from enn_models.network import Head
from support.examples import network
from support.tiny import card, fields

ROWS = np.random.default_rng(3).normal(size=(500, 2))
SHORT = 1e-5
"""Of a number with six digits."""
GOOD = {"low": -1.0, "high": 1.0, "counts": [1, 2], "deviation": 0.5}


@pytest.mark.parametrize("head", ["dct", "linear"])
def test_a_histogram_is_that_of_numpy_over_every_layer_with_learned_activations(head: Head) -> None:
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


def test_rows_are_looked_at_in_pieces_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network((2, 4, 2))
    whole = measure_activations(net, ROWS)
    monkeypatch.setattr(activation_statistics, "ROWS_PER_BATCH", 7)
    assert [[neuron.counts for neuron in layer] for layer in measure_activations(net, ROWS)] == [
        [neuron.counts for neuron in layer] for layer in whole
    ]


def test_equal_rows_make_a_histogram_of_one_place() -> None:
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
def test_what_is_no_histogram_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NeuronStatistics.model_validate(GOOD | change)


def test_a_card_takes_the_usage_of_its_own_neurons_alone() -> None:
    net = network((2, 4, 1))
    assert card(net, usage=measure_activations(net, ROWS)).usage == measure_activations(net, ROWS)
    assert "usage" not in fields(net)
    assert card(net).usage is None
    for wrong in ([], [[GOOD] * 4], [[GOOD] * 3, [GOOD]], [[GOOD] * 4, [GOOD], [GOOD]]):
        with pytest.raises(ValidationError, match=r"usage: of \[.*\] neurons; expected \[4, 1\]"):
            Card.model_validate(fields(net) | {"usage": wrong})


def test_typical_values_are_those_of_the_background_or_else_of_the_card() -> None:
    net = network((2, 4, 1))
    assert card(net).typical_row == (0.0, 0.0)
    assert card(net, background=[[0.5, 0.25], [0.25, 1.0], [-1.0, 1.5]]).typical_row == (0.25, 1.0)
