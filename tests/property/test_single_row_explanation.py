"""Tests of the encoder of one row: it writes the text that the encoder of arrays writes."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from enn_models.network import Head, Network, Task
from enn_service.runtime.explanation_encoder import IN_RANGE_TAIL, PYTHON_BUMPS_BELOW, ExplanationEncoder
from enn_service.runtime.prediction_encoder import PredictionEncoder
from support.examples import network
from support.tiny import card

NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:e-?\d+)?")
ROUNDING = 1e-7
"""Tolerance of float32 sums of a few bumps that are added in another order."""
HEADS: tuple[Head, ...] = ("dct", "linear")
TASKS: tuple[Task, ...] = ("classification", "regression")
SIZES = [(2, 1, 1), (2, 6, 1), (2, 5, 3), (2, PYTHON_BUMPS_BELOW, 2)]
NETWORKS = [network(sizes, head=head, task=task) for head, task, sizes in product(HEADS, TASKS, SIZES)]
OFFSET = 0.75
"""Output offset of a regression."""


def encoders(net: Network) -> tuple[ExplanationEncoder, PredictionEncoder]:
    if net.task == "regression":
        net = replace(net, output_offset=np.full(net.units, OFFSET, np.float32))
    described = card(net)
    predictions = PredictionEncoder(described)
    return ExplanationEncoder(described, net, predictions), predictions


ENCODERS = [(net, *encoders(net)) for net in NETWORKS if net.link != "softmax"]


def numbers(limit: float) -> st.SearchStrategy[float]:
    return st.floats(-limit, limit, width=32)


@given(chosen=st.sampled_from(ENCODERS), data=st.data())
def test_row_encoder_chooses_the_unit_of_the_prediction(chosen: tuple, data: st.DataObject) -> None:
    net, encoder, predictions = chosen
    output = data.draw(arrays(np.float32, (1, net.outputs), elements=numbers(2.0**127)))
    bumps = data.draw(arrays(np.float32, (1, net.units, net.layers[-2].bias.size), elements=numbers(2.0**127)))
    rows, units = np.zeros((1, net.inputs), np.float32), predictions.explained_outputs(output, None)
    assert encoder.has_row_path
    assert [encoder.encode_row(output[0].tolist(), bumps[0].tolist())] == encoder.encode(
        rows, units, bumps, [IN_RANGE_TAIL]
    )


@given(chosen=st.sampled_from(ENCODERS), data=st.data())
def test_row_encoder_equals_array_encoder(chosen: tuple, data: st.DataObject) -> None:
    net, encoder, predictions = chosen
    output = data.draw(arrays(np.float32, (1, net.outputs), elements=numbers(3.0)))
    bumps = data.draw(arrays(np.float32, (1, net.units, net.layers[-2].bias.size), elements=numbers(3.0)))
    pair = np.repeat(bumps, 2, axis=0)
    units = predictions.explained_outputs(np.repeat(output, 2, axis=0), None)
    batch = encoder.encode(np.zeros((2, net.inputs), np.float32), units, pair, [IN_RANGE_TAIL, IN_RANGE_TAIL])[1]
    single = encoder.encode_row(output[0].tolist(), bumps[0].tolist())
    assert NUMBER.sub(b"0", single) == NUMBER.sub(b"0", batch)
    single_numbers, batch_numbers = (list(map(float, NUMBER.findall(text))) for text in (single, batch))
    assert single_numbers == pytest.approx(batch_numbers, rel=ROUNDING, abs=ROUNDING)


@pytest.mark.parametrize("sizes", [(2, 5, 3), (2, PYTHON_BUMPS_BELOW + 1, 1)])
def test_several_outputs_or_many_bumps_have_no_row_encoder(sizes: tuple[int, ...]) -> None:
    assert not encoders(network(sizes, head="linear"))[0].has_row_path


def test_neuron_with_zero_weight_has_no_row_encoder() -> None:
    net = network()
    net.layers[-1].weight[0, 0] = 0
    assert not encoders(net)[0].has_row_path
