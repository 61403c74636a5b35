"""Folding a scaling into a network does not change its function."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enn_training.data.scaling import Scaling, fold
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network

# One rounding of float32 in weights and biases, through slopes up to about 2.
ROUNDED = 5e-6


@settings(max_examples=60)
@given(
    center=st.floats(-1e6, 1e6),
    half=st.floats(1e-3, 1e6),
    head=st.sampled_from(["dct", "linear"]),
    scale=st.floats(1e-3, 1e3),
)
def test_folded_network_equals_network_over_scaled_rows(center, half, head, scale):
    network = initial_network(Architecture(2, (6,), head=head, task="regression"))
    inputs = Scaling(np.array([center, 0.25]), np.array([half, 2.0]))
    outputs = Scaling(np.array([scale / 2]), np.array([scale]))
    scaled = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    raw = scaled * inputs.scale + inputs.center
    expected = network.respond(inputs.transform(raw)).output * outputs.scale + outputs.center
    found = fold(network, inputs, outputs).respond(raw).output
    np.testing.assert_allclose(found / scale, expected / scale, atol=ROUNDED)


def test_a_year_keeps_its_offset_and_other_columns_do_not():
    rows = np.array([[2000.0, -1.0], [2020.0, 3.0]])
    folded = fold(initial_network(Architecture(2)), Scaling.min_max(rows))
    np.testing.assert_array_equal(folded.input_offset, [2010, 0])


def test_folding_twenty_years_loses_nothing_that_float32_has():
    network = initial_network(Architecture(1, (6,)))
    years = np.linspace(2000, 2020, 41)[:, None]
    scaling = Scaling.min_max(years)
    expected = network.respond(scaling.transform(years)).output
    np.testing.assert_allclose(fold(network, scaling).respond(years).output, expected, atol=1e-6)


def test_bias_corrects_offset_that_float32_rounds():
    scaling = Scaling(np.array([1e8 + 3.0]), np.array([1e3]))
    network = initial_network(Architecture(1, (6,)))
    raw = scaling.center + scaling.scale * np.linspace(-1, 1, 11)[:, None]
    expected = network.respond(scaling.transform(raw)).output
    np.testing.assert_allclose(fold(network, scaling).respond(raw).output, expected, atol=ROUNDED)


def test_min_max_scales_range_to_minus_one_to_one():
    rows = np.array([[0.0, 5.0], [10.0, 5.0]])
    np.testing.assert_array_equal(Scaling.min_max(rows).transform(rows), [[-1, 0], [1, 0]])


def test_standard_scales_to_mean_zero_and_deviation_one():
    rows = np.random.default_rng(2).normal(7, 3, (100, 2))
    scaled = Scaling.standard(rows).transform(rows)
    assert scaled.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert scaled.std(axis=0) == pytest.approx([1, 1])
