"""Tests of explanations of every kind of model: sums, outputs, parameters."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
import numpy as np
import pytest

from enn_models.network import Head, Network, Task
from enn_models.repository import publish_version
from enn_service.api.schemas import inference as schemas
from support.examples import network
from support.serving import serving
from support.tiny import package

ROWS = [[0.25, -0.5], [-1.5, 0.75], [1.9, -1.0], [0.5, 3.0]]
OF_SCALE = 1e-5
FLOAT32 = 1e-6
"""Of a probability or score: the graph computes in float32."""
SUM = 1e-12
HEADS: tuple[Head, ...] = ("dct", "linear")
TASKS: tuple[Task, ...] = ("classification", "regression")
NETWORKS: dict[str, Network] = {
    f"{head}-{task}-{'-'.join(map(str, sizes))}": network(sizes, head=head, task=task, spread=0.5)
    for head, task, sizes in product(HEADS, TASKS, [(2, 4, 1), (2, 5, 3), (2, 4, 3, 1), (2, 3, 4, 3, 2)])
}


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server with models of every task, head, depth and number of outputs."""
    root = tmp_path_factory.mktemp("every")
    for name, net in NETWORKS.items():
        publish_version(root, name, package(net))
    with serving(root) as client:
        yield client


def explained(client: httpx.Client, name: str, rows: list, **parameters: object) -> dict[str, Any]:
    reply = client.post(f"/v1/models/{name}:explain", json={"instances": rows, "parameters": parameters})
    assert reply.status_code == 200, reply.text
    schemas.ExplainResponse.model_validate_json(reply.content, strict=True)
    return reply.json()


def numbers(explanation: object) -> list[float]:
    """Return every number in an explanation, in order."""
    if isinstance(explanation, dict):
        explanation = list(explanation.values())
    if isinstance(explanation, list):
        return [number for value in explanation for number in numbers(value)]
    return [explanation] if isinstance(explanation, (int, float)) else []


def values(bumps: list[dict], field: str = "value") -> np.ndarray:
    return np.array([bump[field] for bump in bumps])


@pytest.mark.parametrize("name", NETWORKS)
def test_bias_and_bumps_of_every_output_sum_to_pre_activation(every: httpx.Client, name: str) -> None:
    response = NETWORKS[name].respond(np.array(ROWS))
    answer = explained(every, name, ROWS, outputs="all", harmonics=True)
    for row, explanation in enumerate(answer["explanations"]):
        assert len(explanation["outputs"]) == NETWORKS[name].units
        for unit, output in enumerate(explanation["outputs"]):
            bumps = values(output["bumps"])
            scale = max(1.0, np.abs(bumps).max())
            assert output["pre_activation"] == pytest.approx(output["bias"] + bumps.sum(), abs=SUM * scale)
            assert output["pre_activation"] == pytest.approx(response.pre_activation[row, unit], abs=OF_SCALE * scale)
            np.testing.assert_allclose(bumps, response.bumps[row, unit], atol=OF_SCALE * scale)
            terms = np.array([bump["harmonics"] for bump in output["bumps"]])
            np.testing.assert_allclose(terms.sum(axis=1), bumps, atol=OF_SCALE * np.abs(terms).max())


@pytest.mark.parametrize("name", NETWORKS)
def test_single_row_explanation_equals_batch_explanation(every: httpx.Client, name: str) -> None:
    for row, among in zip(ROWS, explained(every, name, ROWS)["explanations"], strict=True):
        (alone,) = explained(every, name, [row])["explanations"]
        assert numbers(alone) == pytest.approx(numbers(among), rel=OF_SCALE, abs=OF_SCALE)


@pytest.mark.parametrize("name", NETWORKS)
def test_response_equals_prediction(every: httpx.Client, name: str) -> None:
    net = NETWORKS[name]
    answer = explained(every, name, ROWS, outputs="all")
    wanted = net.respond(np.array(ROWS)).output[:, -net.units :]
    for row, explanation in enumerate(answer["explanations"]):
        found = [output["response"] for output in explanation["outputs"]]
        np.testing.assert_allclose(found, wanted[row], atol=OF_SCALE * max(1.0, np.abs(wanted).max()) * 10)
        for output in explanation["outputs"]:
            assert ("output_activation" in output) == (net.head == "dct")
            likely = net.link != "identity"
            assert ("base_probability" in output) == likely
            if likely:
                changes = values(output["bumps"], "probability_change")
                assert output["base_probability"] + changes.sum() == pytest.approx(output["response"], abs=SUM)
            elif net.head == "dct" and net.task == "classification":
                assert output["output_activation"]["value"] == output["response"]


def test_response_of_predicted_class_equals_its_probability(every: httpx.Client) -> None:
    answer = explained(every, "linear-classification-2-5-3", ROWS)
    for prediction, explanation in zip(answer["predictions"], answer["explanations"], strict=True):
        assert explanation["output"] == prediction["label"]
        assert explanation["response"] == pytest.approx(prediction["probabilities"][prediction["label"]], abs=FLOAT32)


@pytest.mark.parametrize("name", ["linear-classification-2-5-3", "dct-classification-2-5-3"])
@pytest.mark.parametrize("more", [{}, {"harmonics": True}], ids=str)
def test_top_returns_largest_bumps_and_sum_of_rest(every: httpx.Client, name: str, more: dict) -> None:
    top, whole = (explained(every, name, ROWS, **more, **few)["explanations"] for few in ({"top": 2}, {}))
    for explanation, full in zip(top, whole, strict=True):
        largest = sorted(full["bumps"], key=lambda bump: -abs(bump["value"]))
        assert explanation["bumps"] == largest[:2]
        assert explanation["rest"]["neurons"] == 3
        assert explanation["rest"]["value"] == pytest.approx(values(largest[2:]).sum(), abs=SUM)
        if "base_probability" in full:
            change = values(largest[2:], "probability_change").sum()
            assert explanation["rest"]["probability_change"] == pytest.approx(change, abs=SUM)
        assert {**explanation, "bumps": 0, "rest": 0} == {**full, "bumps": 0, "rest": 0}


def test_top_above_neuron_count_returns_all_bumps(every: httpx.Client) -> None:
    (found,) = explained(every, "dct-regression-2-4-1", ROWS[:1], top=99)["explanations"]
    assert len(found["bumps"]) == 4
    assert found["rest"] == {"neurons": 0, "value": 0.0}


def test_outputs_are_explained_in_requested_order_as_each_alone(every: httpx.Client) -> None:
    name = "linear-classification-2-5-3"
    wanted = ["class 2", "class 0"]
    several = explained(every, name, ROWS, outputs=wanted, attributions="integrated_gradients")["explanations"]
    alone = [
        explained(every, name, ROWS, output=output, attributions="integrated_gradients")["explanations"]
        for output in wanted
    ]
    for row, explanation in enumerate(several):
        flags = {key: value for key, value in explanation.items() if key != "outputs"}
        assert [output | flags for output in explanation["outputs"]] == [each[row] for each in alone]


def test_row_outside_training_range_is_flagged_with_its_range(every: httpx.Client) -> None:
    for parameters in ({}, {"outputs": "all"}):
        *inside, outside = explained(every, "dct-regression-2-4-1", ROWS, **parameters)["explanations"]
        assert [row["out_of_range"] for row in inside] == [[]] * 3
        assert not any("ranges" in row for row in inside)
        assert (outside["out_of_range"], outside["ranges"]) == (["x1"], {"x1": [-2.0, 2.0]})


def test_v2_explanations_equal_v1_explanations(every: httpx.Client) -> None:
    name, parameters = "linear-classification-2-5-3", {"outputs": "all", "top": 2}
    tensor = {"name": "input", "shape": [4, 2], "datatype": "FP32", "data": ROWS}
    reply = every.post(f"/v2/models/{name}/explain", json={"inputs": [tensor], "parameters": parameters})
    schemas.ExplainTensorsResponse.model_validate_json(reply.content, strict=True)
    assert reply.json()["explanations"] == explained(every, name, ROWS, **parameters)["explanations"]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"top": 0}, "parameters.top: 0; expected"),
        ({"top": True}, "parameters.top: true"),
        ({"outputs": "class 0"}, "parameters.outputs: 'class 0'; expected \"all\" or a list"),
        ({"outputs": []}, "parameters.outputs: []"),
        ({"outputs": ["class 0", "moon"]}, "parameters.outputs[1]: 'moon'; the model explains class 0, class 1"),
        ({"outputs": ["class 0", "class 0"]}, "parameters.outputs: an output is given twice"),
        ({"outputs": "all", "output": "class 0"}, "output and outputs are given"),
        ({"attributions": "shapley"}, "the model carries no background rows"),
    ],
)
def test_invalid_explain_parameter_gets_400_with_reason(every: httpx.Client, parameters: dict, text: str) -> None:
    body = {"instances": ROWS, "parameters": parameters}
    reply = every.post("/v1/models/linear-classification-2-5-3:explain", json=body)
    assert reply.status_code == 400
    assert text in reply.json()["error"]
