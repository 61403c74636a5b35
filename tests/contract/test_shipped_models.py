"""Tests of the shipped models: ONNX Runtime, torch and the float64 oracle agree."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from enn_models import repository
from enn_service.runtime.model import ServedModel, load_model
from enn_training import ENN
from support.serving import SHIPPED

TOLERANCE = 1e-5
"""Of the value's scale: what float32 arithmetic leaves of exact formulas."""

NAMES = ["breast-cancer", "face", "product", "ring", "stripes"]


@pytest.fixture(params=NAMES, scope="module")
def model(request: pytest.FixtureRequest) -> ServedModel:
    versions = [entry.version for entry in repository.list_versions(SHIPPED) if entry.name == request.param]
    return load_model(SHIPPED, request.param, max(versions, key=repository.version_key))


@pytest.fixture(scope="module")
def rows(model: ServedModel) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.uniform(model.range_check.minimum, model.range_check.maximum, (1000, model.network.inputs)).astype(
        np.float32
    )


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


def test_bias_and_bumps_add_up_to_the_pre_activation(model: ServedModel, rows: np.ndarray) -> None:
    bumps, pre_activation = model.session.run(rows, ("bumps", "pre_activation"))
    total = bumps.astype(np.float64).sum(axis=2) + np.array(model.card.bias)
    assert relative(total, pre_activation) <= TOLERANCE


def test_runtime_equals_oracle(model: ServedModel, rows: np.ndarray) -> None:
    response = model.network.respond(rows)
    output, bumps, pre_activation = model.session.run(rows, ("output", "bumps", "pre_activation"))
    assert relative(output, response.output) <= TOLERANCE
    assert relative(bumps, response.bumps) <= TOLERANCE
    assert relative(pre_activation, response.pre_activation) <= TOLERANCE


def test_torch_equals_oracle(model: ServedModel, rows: np.ndarray) -> None:
    """In double precision: what the formula says, without what float32 makes of a steep output activation."""
    network = replace(model.network, output_offset=np.zeros_like(model.network.output_offset))
    with torch.no_grad():
        found = ENN.from_network(network).double()(torch.from_numpy(rows.astype(np.float64)))
    response = network.respond(rows)
    expected = response.pre_activation if network.head == "linear" else response.output
    assert relative(found.numpy(), expected) <= TOLERANCE


def test_repository_has_all_shipped_models() -> None:
    assert sorted({entry.name for entry in repository.list_versions(SHIPPED)}) == NAMES
