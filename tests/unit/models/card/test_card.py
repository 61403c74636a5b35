"""Tests of the card: parameters keep every bit, and contradictions are refused."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from enn_models.card import Card, network_fields
from enn_models.network import Head, Network
from support.examples import network


def fields(net: Network) -> dict:
    rows = np.random.default_rng(2).uniform(-1, 1, (3, net.inputs)).astype(np.float32)
    response = net.respond(rows)
    return network_fields(net) | {
        "features": [{"name": f"x{i}", "minimum": -1, "maximum": 1, "mean": 0} for i in range(net.inputs)],
        "classes": list(range(max(2, net.units))) if net.task == "classification" else None,
        "unrolling": {"output": "direct"},
        "training": {},
        "scores": {"accuracy": 1.0},
        "fingerprint": "0" * 64,
        "golden": {"inputs": rows.tolist(), "outputs": response.output.tolist(), "bumps": response.bumps.tolist()},
    }


@pytest.mark.parametrize("head", ["dct", "linear"])
@pytest.mark.parametrize("sizes", [(2, 4, 1), (3, 5, 4, 2)])
def test_the_parameters_come_back_bit_for_bit(head: Head, sizes: tuple[int, ...]) -> None:
    net = network(sizes, head=head)
    text = Card.model_validate(fields(net)).model_dump_json()
    again = Card.model_validate_json(text).network()
    assert network_fields(again) == network_fields(net)
    for found, expected in zip(again.layers, net.layers, strict=True):
        assert found.weight.tobytes() == expected.weight.tobytes()
        assert (found.coefficients is None) == (expected.coefficients is None)


CHANGES = [
    ({"classes": None}, "classes"),
    ({"classes": [0, 1, 2]}, "classes"),
    ({"classes": [1, "1"]}, "same text"),
    ({"classes": [0, 2**64]}, "classes"),
    ({"task": "regression"}, "classes"),
    ({"features": [{"name": "x0", "minimum": -1, "maximum": 1, "mean": 0}]}, "1 columns; the first of layers is 2"),
    ({"features": [{"name": "x0", "minimum": -1, "maximum": 1, "mean": 0}] * 2}, "same name"),
    ({"features": [{"name": "x0", "minimum": 1, "maximum": -1, "mean": 0}] * 2}, "above maximum"),
    ({"parameters": "!"}, "parameters"),
    ({"parameters": base64.b64encode(b"1234").decode()}, "parameters: 1 float32 values"),
    ({"bias": [9.0]}, "bias"),
    ({"harmonics": 4}, "parameters"),
    ({"format": 3}, "format"),
    ({"calibration": {"rows": 2, "scores": [[0.1, 0.2]]}, "format": 1}, "calibration: not in format 1"),
    ({"calibration": {"rows": 2, "scores": [[0.2, 0.1]]}}, "not ascending"),
    ({"calibration": {"rows": 1, "scores": [[0.1, 0.2]]}}, "2 scores of 1 rows"),
    ({"calibration": {"rows": 2, "scores": [[0.1], [0.2]]}}, "scores and scales; expected"),
    ({"calibration": {"rows": 2000, "scores": [[0.1] * 1001]}}, "scores"),
    ({"calibration": {"rows": 2, "scores": [[-0.1]]}}, "scores"),
    ({"moon": 1}, "moon"),
    ({"golden": {"inputs": [[0, 0]], "outputs": [[0, 0]], "bumps": [[[0, 0, 0, 0]]]}}, "golden.outputs"),
    ({"golden": {"inputs": [[0, 0], [0]], "outputs": [], "bumps": []}}, "golden.inputs: shape ragged"),
    ({"golden": {"inputs": [[0.1, 0]], "outputs": [[0]], "bumps": [[[0, 0, 0, 0]]]}}, "golden.inputs: not all"),
    ({"golden": {"inputs": [[1e300, 0]], "outputs": [[0]], "bumps": [[[0, 0, 0, 0]]]}}, "golden.inputs: not all"),
    ({"layers": [2, 65_536, 65_536, 1]}, "layers and harmonics need"),
    ({"layers": [2, 0, 1]}, "layers"),
    ({"parameters": base64.b64encode(np.full(35, np.nan, "<f4").tobytes()).decode()}, "not all finite"),
    ({"parameters": base64.b64encode(b"12345").decode()}, "parameters"),
    ({"fingerprint": "x"}, "fingerprint"),
]


@pytest.mark.parametrize(("change", "text"), CHANGES, ids=[text for _, text in CHANGES])
def test_contradicting_card_is_refused(change: dict, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        Card.model_validate_json(json.dumps(fields(network()) | change))


def test_numbers_that_are_not_finite_are_refused() -> None:
    text = json.dumps(fields(network()) | {"scores": {"accuracy": float("nan")}})
    with pytest.raises(ValidationError, match="scores"):
        Card.model_validate_json(text)


def test_different_numbers_of_harmonics_are_refused_with_a_remedy() -> None:
    net = network(harmonics=3)
    longer = replace(net.layers[0], coefficients=np.zeros((4, 5), np.float32))
    with pytest.raises(ValueError, match="pad the shorter"):
        network_fields(replace(net, layers=(longer, net.layers[1])))
