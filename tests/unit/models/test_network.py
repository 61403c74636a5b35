"""Tests of the reference network: bias and bumps sum to the pre-activation, and heads apply their link."""

import math
from dataclasses import replace

import numpy as np
import pytest

from enn_models import cosine_series
from enn_models.network import Head, Layer, Network
from support.examples import network

ROUNDING = 1e-12

ROWS = np.random.default_rng(1).uniform(-1, 1, (7, 2))


@pytest.mark.parametrize("head", ["dct", "linear"])
@pytest.mark.parametrize("sizes", [(2, 4, 1), (2, 5, 3), (2, 3, 4, 2)])
def test_bias_and_bumps_sum_to_the_pre_activation(head: Head, sizes: tuple[int, ...]) -> None:
    net = network(sizes, head=head)
    response = net.respond(ROWS)
    assert response.bumps.shape == (7, sizes[-1], sizes[-2])
    total = response.bumps.sum(axis=2) + net.layers[-1].bias
    assert total == pytest.approx(response.pre_activation, abs=ROUNDING)


@pytest.mark.parametrize("head", ["dct", "linear"])
@pytest.mark.parametrize("sizes", [(2, 4, 1), (2, 3, 4, 2)])
def test_pre_activation_equals_its_definition(head: Head, sizes: tuple[int, ...]) -> None:
    net = network(sizes, head=head)
    for row, found in zip(ROWS, net.respond(ROWS).pre_activation, strict=True):
        s: list[float] = (row - net.input_offset).tolist()
        z = s
        for layer in net.layers:
            sums = zip(layer.weight, layer.bias, strict=True)
            z = [sum(float(w) * x for w, x in zip(ws, s, strict=True)) + float(b) for ws, b in sums]
            if layer.coefficients is not None:
                s = [
                    sum(float(f) * math.cos((2 * q - 1) * math.pi / 2 * (value + 1)) for q, f in enumerate(fs, start=1))
                    for value, fs in zip(z, layer.coefficients, strict=True)
                ]
        assert found == pytest.approx(z, abs=ROUNDING)


def test_output_offset_is_added_to_dct_regression() -> None:
    net = network(task="regression")
    moved = replace(net, output_offset=np.full(1, 2.5, np.float32))
    assert moved.respond(ROWS).output == pytest.approx(net.respond(ROWS).output + 2.5)


def test_a_dct_head_applies_the_output_activation() -> None:
    net = network(head="dct")
    response = net.respond(ROWS)
    coefficients = net.layers[-1].coefficients
    assert coefficients is not None
    assert response.output == pytest.approx(
        cosine_series.activation(response.pre_activation, coefficients), abs=ROUNDING
    )


def test_two_classes_of_a_linear_head_have_sigmoid_probabilities() -> None:
    response = network(head="linear").respond(ROWS)
    odds = np.log(response.output[:, 1] / response.output[:, 0])
    assert odds == pytest.approx(response.pre_activation[:, 0], abs=1e-9)


def test_more_classes_have_softmax_probabilities() -> None:
    response = network((2, 4, 3), head="linear").respond(ROWS)
    assert response.output.sum(axis=1) == pytest.approx(1)
    powers = np.exp(response.pre_activation)
    assert response.output == pytest.approx(powers / powers.sum(axis=1, keepdims=True))


def test_extreme_logits_give_zero_and_one_without_warnings() -> None:
    net = network(head="linear")
    assert net.apply_head(np.array([[-5000.0], [5000.0]])).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_linear_regression_output_is_the_pre_activation() -> None:
    response = network(head="linear", task="regression").respond(ROWS)
    assert response.output == pytest.approx(response.pre_activation)


def test_the_ring_of_the_paper_has_67_parameters() -> None:
    assert network((2, 6, 1), harmonics=6).parameters == 67


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 2, 2)])
def test_rows_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \[batch, 2\]"):
        network().respond(np.zeros(shape))


def broken(net: Network) -> list[tuple[dict, str]]:
    first, last = net.layers
    return [
        ({"layers": (last,)}, "expected at least one hidden layer"),
        ({"layers": (first, first)}, "layer 1 has 2 inputs: expected 4"),
        ({"head": "linear"}, "may not have coefficients"),
        ({"output_offset": np.zeros(3, np.float32)}, "output_offset"),
    ]


def test_layers_that_do_not_fit_are_refused() -> None:
    net = network()
    for change, text in broken(net):
        with pytest.raises(ValueError, match=text):
            replace(net, **change)
    with pytest.raises(ValueError, match="weight"):
        Layer(np.zeros((2, 2), np.float32), np.zeros(3, np.float32), None)
    with pytest.raises(ValueError, match="coefficients"):
        Layer(np.zeros((2, 2), np.float32), np.zeros(2, np.float32), np.zeros((3, 6), np.float32))
