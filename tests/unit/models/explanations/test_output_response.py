"""Tests of the head: responses equal the network, and probability changes are integrated gradients."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from enn_models import cosine_series
from enn_models.explanations.output_response import OutputResponse
from enn_models.network import Network
from support.examples import network

ROWS = np.random.default_rng(4).normal(size=(40, 3))
EXACT = 1e-12
"""Float64 rounding error plus quadrature error."""
STEPS = 4001
BY_SIMPSON = 1e-9


def scaled(units: int, factor: float) -> Network:
    """Return a network of classes with logits as far apart as asked."""
    net = network((3, 7, units), head="linear", seed=units)
    hidden, last = net.layers
    return replace(net, layers=(hidden, replace(last, weight=np.float32(factor) * last.weight)))


def link(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities of each unit, of logits [..., units]."""
    if logits.shape[-1] == 1:
        return 1 / (1 + np.exp(-logits))
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def by_definition(bias: np.ndarray, bumps: np.ndarray, unit: int) -> np.ndarray:
    """Return integrated gradients [neurons] of one row's probability by Simpson's rule over the straight path."""
    t = np.linspace(0, 1, STEPS)
    weights = np.where(np.arange(STEPS) % 2, 4.0, 2.0)
    weights[[0, -1]] = 1.0
    p = link(bias + t[:, None] * bumps.sum(axis=1))
    slope = p[:, [unit]] * ((np.arange(len(bias)) == unit) - p)  # d p_unit / d logit_v, [steps, units]
    return (weights / (3 * (STEPS - 1))) @ slope @ bumps


@pytest.mark.parametrize("units", [1, 2, 5])
def test_probability_changes_are_integrated_gradients_of_the_link(units: int) -> None:
    net = scaled(units, 2.0)
    response, head, bias = net.respond(ROWS), OutputResponse(net), net.layers[-1].bias.astype(np.float64)
    for unit in range(units):
        found = head.of_batch(response.bumps, unit, response.pre_activation[:, unit]).probability_changes
        assert found is not None
        wanted = [by_definition(bias, bumps, unit) for bumps in response.bumps]
        np.testing.assert_allclose(found, wanted, atol=BY_SIMPSON)


@pytest.mark.parametrize(("units", "factor"), list(product([1, 2, 5], [0.0, 1e-7, 1.0, 10.0, 60.0])))
def test_base_and_changes_sum_to_the_probability(units: int, factor: float) -> None:
    net = scaled(units, factor)
    response, head = net.respond(ROWS), OutputResponse(net)
    assert head.base_probabilities is not None
    for unit in range(units):
        found = head.of_batch(response.bumps, unit, response.pre_activation[:, unit])
        assert found.probability_changes is not None
        np.testing.assert_allclose(found.values[:, 0], response.output[:, unit - units], atol=EXACT)
        np.testing.assert_allclose(
            head.base_probabilities[unit] + found.probability_changes.sum(axis=1), found.values[:, 0], atol=EXACT
        )


def test_chunk_size_does_not_change_softmax_results(monkeypatch: pytest.MonkeyPatch) -> None:
    net = scaled(3, 2.0)
    bumps, head, units = net.respond(ROWS).bumps, OutputResponse(net), np.arange(len(ROWS)) % 3
    z = net.respond(ROWS).pre_activation[np.arange(len(ROWS)), units]
    whole = head.of_batch(bumps, units, z)
    monkeypatch.setattr("enn_models.explanations.output_response.MAX_PROBABILITIES", 200)
    found = head.of_batch(bumps, units, z)
    assert found.probability_changes is not None
    assert whole.probability_changes is not None
    np.testing.assert_allclose(found.values, whole.values, atol=EXACT)
    np.testing.assert_allclose(found.probability_changes, whole.probability_changes, atol=EXACT)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_dct_head_returns_value_and_slope(task) -> None:
    net = replace(network((3, 7, 2), task=task), output_offset=np.array([3.0, -5.0], np.float32))
    response, units = net.respond(ROWS), np.arange(len(ROWS)) % 2
    rows, coefficients = np.arange(len(ROWS)), net.layers[-1].coefficients
    assert coefficients is not None
    found = OutputResponse(net).of_batch(response.bumps, units, response.pre_activation[rows, units])
    np.testing.assert_allclose(found.values[:, 0], response.output[rows, units], atol=EXACT)
    wanted = cosine_series.derivative(response.pre_activation, coefficients)[rows, units]
    np.testing.assert_allclose(found.values[:, 2], wanted, atol=1e2 * EXACT)
    np.testing.assert_allclose(found.values[:, 1] + net.output_offset[units], found.values[:, 0], atol=EXACT)
    assert found.probability_changes is None


def test_linear_regression_responds_with_the_pre_activation() -> None:
    net = network((3, 7, 2), head="linear", task="regression")
    response = net.respond(ROWS)
    found = OutputResponse(net).of_batch(response.bumps, 1, response.pre_activation[:, 1])
    np.testing.assert_array_equal(found.values[:, 0], response.output[:, 1])
    assert OutputResponse(net).base_probabilities is None
