"""Tests of the torch module: it computes what the network of arrays computes, and converts from and to it."""

import tracemalloc

import numpy as np
import pytest
import torch

from enn_training.errors import OptionError
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network
from enn_training.nn.module import ENN

DOUBLE = 1e-12
"""Float64 sums of a few dozen terms of size 1, through three activations that enlarge roundings."""


@pytest.mark.parametrize("head", ["dct", "linear"])
@pytest.mark.parametrize(("hidden", "outputs"), [((6,), 1), ((5, 4), 3)])
def test_module_and_network_answer_alike(head, hidden, outputs):
    module = ENN(3, hidden, outputs, head=head, task="regression")
    generator = torch.Generator().manual_seed(3)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
    x = torch.rand(50, 3, generator=generator) * 2 - 1
    expected = module.to_network().respond(x.numpy()).output
    np.testing.assert_allclose(module.double()(x.double()).detach().numpy(), expected, atol=DOUBLE)


def test_network_survives_conversion_to_torch_and_back():
    network = initial_network(Architecture(4, (7, 3), 2, 5, "linear"))
    back = ENN.from_network(network).to_network()
    for before, after in zip(network.layers, back.layers, strict=True):
        np.testing.assert_array_equal(before.weight, after.weight)
        np.testing.assert_array_equal(before.bias, after.bias)
        np.testing.assert_array_equal(before.coefficients, after.coefficients)


def test_the_papers_network_has_67_parameters():
    assert ENN(2).to_network().parameters == 67
    assert sum(parameter.numel() for parameter in ENN(2).parameters()) == 67


def test_start_for_two_inputs_equals_that_of_the_paper():
    first, last = initial_network(Architecture(2, (6,)), spread=0.5).layers
    angle = np.arange(6) * np.pi / 6
    np.testing.assert_allclose(first.weight, 0.5 * np.stack([np.cos(angle), np.sin(angle)], 1), atol=1e-7)
    np.testing.assert_array_equal(last.weight, [[0.5, -0.5, 0.5, -0.5, 0.5, -0.5]])
    assert not first.bias.any()
    assert not last.bias.any()


def test_odd_layer_starts_with_last_two_output_weights_halved():
    last = initial_network(Architecture(2, (5,)), spread=0.5).layers[-1]
    np.testing.assert_array_equal(last.weight, [[0.5, -0.5, 0.5, -0.25, -0.25]])


@pytest.mark.parametrize("inputs", [1, 2, 3, 10])
def test_no_two_neurons_start_alike(inputs):
    first = initial_network(Architecture(inputs, (12,))).layers[0]
    rows = np.column_stack([first.weight, first.bias])
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = np.abs(rows @ rows.T) - np.eye(12)
    assert cosines.max() < 0.999


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden": ()}, r"hidden \(\)"),
        ({"hidden": (0,)}, r"hidden \(0,\)"),
        ({"outputs": 0}, "units 0"),
        ({"harmonics": 0}, "harmonics 0"),
        ({"head": "cosine"}, "head 'cosine'"),
    ],
)
def test_sizes_out_of_range_are_refused_with_their_values(options, words):
    with pytest.raises(OptionError, match=words):
        ENN(2, **options)


def test_first_directions_of_a_wide_table_need_no_square_matrix():
    tracemalloc.start()
    weight = initial_network(Architecture(2_000, (16,)), spread=1.0).layers[0].weight.astype(np.float64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(weight @ weight.T, np.eye(16), atol=1e-6)
    assert peak < 2**23  # a square matrix takes 2**25 bytes
