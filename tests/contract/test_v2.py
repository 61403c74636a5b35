"""Tests of the Open Inference Protocol V2: health, metadata, infer and index."""

import httpx
import numpy as np
import pytest

from enn_service.api.schemas import inference as schemas

TENSOR = {"name": "input", "shape": [2, 2], "datatype": "FP32", "data": [0.1, 0.2, 0.5, -0.1]}


def infer(client: httpx.Client, body: dict, path: str = "/v2/models/ring/infer") -> dict:
    reply = client.post(path, json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_health_bodies_fit_every_client(client: httpx.Client) -> None:
    for path in ("/v2/health/live", "/v2/health/ready"):
        assert client.get(path).json() == {"live": True, "ready": True}
    assert client.get("/v2/models/ring/ready").json() == {"name": "ring", "ready": True}
    assert client.get("/v2/models/ring/versions/1/ready").status_code == 200
    assert client.get("/v2").json()["name"] == client.get("/v2/").json()["name"] == "enn"


def test_metadata_lists_input_and_output_tensors(client: httpx.Client) -> None:
    metadata = client.get("/v2/models/ring").json()
    assert metadata["platform"] == "onnx_onnxv1"
    assert metadata["versions"] == ["1"]
    assert metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 2]}]
    assert metadata["outputs"] == [{"name": "output", "datatype": "FP32", "shape": [-1, 1]}]
    assert metadata == client.get("/v2/models/ring/versions/1").json()


def test_infer_returns_output_only_and_echoes_id(client: httpx.Client) -> None:
    answer = infer(client, {"id": "a-7", "model_name": "ring", "inputs": [TENSOR]})
    assert schemas.InferResponse.model_validate(answer, strict=True)
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("ring", "1", "a-7")
    assert [(output["name"], output["shape"]) for output in answer["outputs"]] == [("output", [2, 1])]


def test_infer_accepts_nested_data_and_numeric_datatypes(client: httpx.Client) -> None:
    flat = infer(client, {"inputs": [TENSOR]})
    nested = TENSOR | {"data": [[0.1, 0.2], [0.5, -0.1]], "datatype": "FP64"}
    assert infer(client, {"inputs": [nested]}) == flat
    integers = TENSOR | {"data": [0, 1, 1, 0], "datatype": "INT8"}
    assert infer(client, {"inputs": [integers]}, "/v2/models/ring/versions/1/infer")["outputs"][0]["shape"] == [2, 1]


def test_bumps_output_sums_to_pre_activation(client: httpx.Client) -> None:
    names = ["pre_activation", "bumps", "output"]
    answer = infer(client, {"inputs": [TENSOR], "outputs": [{"name": name} for name in names]})
    assert [output["name"] for output in answer["outputs"]] == names
    arrays = {output["name"]: np.reshape(output["data"], output["shape"]) for output in answer["outputs"]}
    explanation = client.post("/v1/models/ring:explain", json={"instances": [[0.1, 0.2], [0.5, -0.1]]}).json()
    bias = explanation["explanations"][0]["bias"]
    assert arrays["bumps"].sum(axis=2) + bias == pytest.approx(arrays["pre_activation"], abs=1e-5)


def test_rows_outside_training_range_are_counted(client: httpx.Client) -> None:
    answer = infer(client, {"inputs": [TENSOR | {"data": [0.1, 0.2, 9.0, 0.0]}]})
    assert answer["parameters"] == {"rows_out_of_range": 1}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": "x"}, "inputs[0].name: 'x'"),
        ({"shape": [2, 3]}, "inputs[0].shape: [2, 3]; expected [rows, 2]"),
        ({"shape": [3, 2]}, "4 values; the shape says 3 x 2"),
        ({"shape": [True, 2]}, "inputs[0].shape"),
        ({"datatype": "FP16"}, "inputs[0].datatype: 'FP16'"),
        ({"datatype": ["FP32"]}, "inputs[0].datatype"),
        ({"datatype": "INT8"}, "inputs[0].data[0][0]: 0.1 is not INT8"),
        ({"data": [0.1, None, 0.5, 0.1]}, "inputs[0].data[0][1]: null for feature 'x1'"),
        ({"data": [[0.1, 0.2], [0.5]]}, "inputs[0].data[1]: 1 values"),
        ({"data": [0.1, 0.2, 1e39, 0.1]}, "inputs[0].data[1][0]: 1e+39"),
    ],
)
def test_invalid_tensor_gets_400_with_place(client: httpx.Client, change: dict, text: str) -> None:
    reply = client.post("/v2/models/ring/infer", json={"inputs": [TENSOR | change]})
    assert reply.status_code == 400
    assert text in reply.json()["error"]


@pytest.mark.parametrize(
    "outputs", [[{"name": "moon"}], [], "output", [{"name": ["output"]}], [{"name": "output"}] * 2]
)
def test_invalid_output_gets_400(client: httpx.Client, outputs: object) -> None:
    reply = client.post("/v2/models/ring/infer", json={"inputs": [TENSOR], "outputs": outputs})
    assert reply.status_code == 400
    assert reply.json()["error"].startswith("outputs")


def test_index_lists_every_version_with_and_without_body(client: httpx.Client) -> None:
    index = client.post("/v2/repository/index").json()
    assert {"name": "ring", "version": "1", "state": "READY", "reason": ""} in index
    assert client.post("/v2/repository/index", json={"ready": True}).json() == index
    assert client.post("/v2/repository/index", json={"ready": None}).json() == index
    assert client.post("/v2/repository/index", content=b"{").status_code == 400
    assert "ready: 1;" in client.post("/v2/repository/index", json={"ready": 1}).json()["error"]
