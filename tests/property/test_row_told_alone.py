"""One row told in Python's own numbers is the explanation that arrays give, whatever its bumps."""

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
"""Of some bumps added in another order, and of what is read off where they lead."""
HEADS: tuple[Head, ...] = ("dct", "linear")
TASKS: tuple[Task, ...] = ("classification", "regression")
SIZES = [(2, 1, 1), (2, 6, 1), (2, 5, 3), (2, PYTHON_BUMPS_BELOW, 2)]
NETWORKS = [network(sizes, head=head, task=task) for head, task, sizes in product(HEADS, TASKS, SIZES)]
OFFSET = 0.75
"""Of the outputs where they are values."""


def explanations(net: Network) -> tuple[ExplanationEncoder, PredictionEncoder]:
    if net.task == "regression":
        net = replace(net, output_offset=np.full(net.units, OFFSET, np.float32))
    described = card(net)
    results = PredictionEncoder(described)
    return ExplanationEncoder(described, net, results), results


TOLD = [(net, *explanations(net)) for net in NETWORKS if net.link != "softmax"]


def numbers(limit: float) -> st.SearchStrategy[float]:
    return st.floats(-limit, limit, width=32)


@given(which=st.sampled_from(TOLD), data=st.data())
def test_a_row_told_by_its_prediction_is_the_row_told_by_its_unit(which: tuple, data: st.DataObject) -> None:
    net, told, results = which
    output = data.draw(arrays(np.float32, (1, net.outputs), elements=numbers(2.0**127)))
    bumps = data.draw(arrays(np.float32, (1, net.units, net.layers[-2].bias.size), elements=numbers(2.0**127)))
    rows, units = np.zeros((1, net.inputs), np.float32), results.explained_outputs(output, None)
    assert told.has_row_path
    assert [told.encode_row(output[0].tolist(), bumps[0].tolist())] == told.encode(rows, units, bumps, [IN_RANGE_TAIL])


@given(which=st.sampled_from(TOLD), data=st.data())
def test_a_row_told_alone_is_the_row_told_by_arrays(which: tuple, data: st.DataObject) -> None:
    net, told, results = which
    output = data.draw(arrays(np.float32, (1, net.outputs), elements=numbers(3.0)))
    bumps = data.draw(arrays(np.float32, (1, net.units, net.layers[-2].bias.size), elements=numbers(3.0)))
    pair = np.repeat(bumps, 2, axis=0)
    units = results.explained_outputs(np.repeat(output, 2, axis=0), None)
    among = told.encode(np.zeros((2, net.inputs), np.float32), units, pair, [IN_RANGE_TAIL, IN_RANGE_TAIL])[1]
    alone = told.encode_row(output[0].tolist(), bumps[0].tolist())
    assert NUMBER.sub(b"0", alone) == NUMBER.sub(b"0", among)
    found, wanted = (list(map(float, NUMBER.findall(text))) for text in (alone, among))
    assert found == pytest.approx(wanted, rel=ROUNDING, abs=ROUNDING)


@pytest.mark.parametrize("sizes", [(2, 5, 3), (2, PYTHON_BUMPS_BELOW + 1, 1)])
def test_what_takes_arrays_is_not_told_by_row(sizes: tuple[int, ...]) -> None:
    assert not explanations(network(sizes, head="linear"))[0].has_row_path


def test_a_neuron_without_a_weight_is_not_told_by_row() -> None:
    net = network()
    net.layers[-1].weight[0, 0] = 0
    assert not explanations(net)[0].has_row_path
