"""Tests of V2 extensions over HTTP: binary tensors, classification, explanations, compression."""

import gzip
import json
import zlib

import httpx
import numpy as np
import pytest

from enn_service.api.schemas import inference as schemas
from support.serving import MAX_BODY_BYTES

ROWS = np.array([[0.1, 0.2], [0.5, -0.1], [-0.3, 0.7]], dtype=np.float32)
LENGTH = "Inference-Header-Content-Length"
INFER = "/v2/models/ring/infer"


def body(tensor: dict, **more: object) -> bytes:
    return json.dumps({"inputs": [{"name": "input", "shape": [3, 2], "datatype": "FP32", **tensor}], **more}).encode()


def send(client: httpx.Client, head: bytes, tail: bytes = b"", path: str = INFER) -> httpx.Response:
    return client.post(path, content=head + tail, headers={LENGTH: str(len(head))})


def binary(array: np.ndarray, **more: object) -> tuple[bytes, bytes]:
    names = {"f2": "FP16", "f4": "FP32", "f8": "FP64", "i1": "INT8", "u1": "UINT8", "i8": "INT64"}
    tensor = {"datatype": names[array.dtype.str[1:]], "parameters": {"binary_data_size": array.nbytes}}
    return body(tensor, **more), array.tobytes()


def parts(reply: httpx.Response) -> tuple[dict, bytes]:
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/octet-stream"
    length = int(reply.headers[LENGTH])
    return json.loads(reply.content[:length]), reply.content[length:]


def plain(client: httpx.Client, rows: np.ndarray = ROWS, **more: object) -> dict:
    reply = client.post(INFER, content=body({"data": rows.ravel().tolist()}, **more))
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", "i1", "u1", "<i8"])
def test_binary_tensor_gets_same_response_as_json(client: httpx.Client, dtype: str) -> None:
    rows = np.abs(ROWS).round() if dtype in ("i1", "u1", "<i8") else ROWS
    rows = rows.astype(dtype)
    reply = send(client, *binary(rows))
    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == plain(client, rows.astype(np.float64))


def test_binary_input_is_found_at_any_offset(client: httpx.Client) -> None:
    wanted = plain(client)["outputs"]
    for note in ("", "x", "xx", "xxx"):
        assert send(client, *binary(ROWS, note=note)).json()["outputs"] == wanted


def test_outputs_are_binary_when_requested(client: httpx.Client) -> None:
    names = ["output", "bumps"]
    wanted = plain(client, outputs=[{"name": name} for name in names])["outputs"]
    all_bytes = {"parameters": {"binary_data_output": True}, "outputs": [{"name": name} for name in names]}
    answer, tail = parts(client.post(INFER, content=body({"data": ROWS.tolist()}, **all_bytes)))
    arrays = np.frombuffer(tail, "<f4")
    assert [output["parameters"]["binary_data_size"] for output in answer["outputs"]] == [12, 72]
    assert arrays == pytest.approx([value for output in wanted for value in output["data"]], abs=1e-6)
    mixed = [{"name": "bumps", "parameters": {"binary_data": True}}, {"name": "output"}]
    answer, tail = parts(send(client, *binary(ROWS, outputs=mixed)))
    assert "data" not in answer["outputs"][0]
    assert answer["outputs"][1]["data"] == wanted[0]["data"]
    assert len(tail) == 72
    assert schemas.InferResponse.model_validate(answer, strict=True)


def test_raw_body_is_one_tensor_and_gets_binary_output(client: httpx.Client) -> None:
    answer, tail = parts(client.post(INFER, content=ROWS.tobytes(), headers={LENGTH: "0"}))
    assert answer["outputs"][0]["shape"] == [3, 1]
    assert np.frombuffer(tail, "<f4") == pytest.approx(plain(client)["outputs"][0]["data"])


def test_large_batch_equals_small_batches(client: httpx.Client) -> None:
    rows = np.tile(ROWS, (10_000, 1))
    _, tail = parts(client.post(INFER, content=rows.tobytes(), headers={LENGTH: "0"}))
    np.testing.assert_allclose(
        np.frombuffer(tail, "<f4").reshape(10_000, 3), [plain(client)["outputs"][0]["data"]] * 10_000, atol=1e-5
    )


def test_classification_strings_are_value_index_label(client: httpx.Client) -> None:
    scores = plain(client)["outputs"][0]["data"]
    wanted = [{"name": "output", "parameters": {"classification": 2}}]
    (output,) = plain(client, outputs=wanted)["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [3, 1])
    for text, score in zip(output["data"], scores, strict=True):
        value, index, label = text.split(":")
        assert float(value) == pytest.approx(score, abs=1e-6)
        assert (int(index), label) == ((1, "1") if score > 0 else (0, "-1"))
    wanted[0]["parameters"] = {"classification": 1, "binary_data": True}
    _, tail = parts(client.post(INFER, content=body({"data": ROWS.tolist()}, outputs=wanted)))
    assert tail == b"".join(len(text).to_bytes(4, "little") + text.encode() for text in output["data"])


def test_most_probable_class_comes_first(client: httpx.Client) -> None:
    means = [feature["mean"] for feature in client.get("/v2/models/breast-cancer").json()["properties"]["features"]]
    tensor = {"name": "input", "shape": [1, 30], "datatype": "FP32", "data": means}
    request = {"inputs": [tensor], "outputs": [{"name": "output", "parameters": {"classification": 5}}]}
    (output,) = client.post("/v2/models/breast-cancer/infer", json=request).json()["outputs"]
    assert output["shape"] == [1, 2]
    values = [float(text.split(":")[0]) for text in output["data"]]
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1, abs=1e-5)


def test_v2_explain_equals_v1_explain(client: httpx.Client) -> None:
    parameters = {"harmonics": True, "output": 1}
    v1 = client.post(
        "/v1/models/ring:explain", json={"instances": ROWS.astype(float).tolist(), "parameters": parameters}
    ).json()
    head, tail = binary(ROWS, parameters=parameters, id="a")
    for path in ("/v2/models/ring/explain", "/v2/models/ring/versions/1/explain"):
        answer = send(client, head, tail, path).json()
        assert schemas.ExplainTensorsResponse.model_validate(answer, strict=True)
        assert answer["explanations"] == v1["explanations"]
        assert answer["outputs"][0]["data"] == pytest.approx(plain(client)["outputs"][0]["data"], abs=1e-6)
    assert "explain" in client.get("/v2").json()["extensions"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_json_length_header_counts_decompressed_bytes(client: httpx.Client, encoding: str) -> None:
    head, tail = binary(ROWS)
    packed = gzip.compress(head + tail) if encoding == "gzip" else zlib.compress(head + tail)
    headers = {LENGTH: str(len(head)), "content-encoding": encoding}
    assert client.post(INFER, content=packed, headers=headers).json() == plain(client)


def test_large_compressed_body_is_read_completely(client: httpx.Client) -> None:
    rows = np.tile(ROWS, (9_000, 1)).tolist()
    packed = gzip.compress(json.dumps({"instances": rows}).encode())
    headers = {"content-encoding": "gzip"}
    reply = client.post("/v1/models/ring:predict", content=packed, headers=headers)
    assert len(reply.json()["predictions"]) == 27_000


@pytest.mark.parametrize(
    ("packed", "status", "text"),
    [
        (gzip.compress(b" " * 50 * MAX_BODY_BYTES, mtime=0), 413, "once decompressed"),
        (gzip.compress(b"{}", mtime=0)[:-1], 400, "not one complete gzip stream"),
        (gzip.compress(b"{}", mtime=0) + b"x", 400, "not one complete gzip stream"),
        (b"{}", 400, "the body is no gzip"),
        (b"", 400, "not one complete gzip stream"),
    ],
    ids=["bomb", "truncated", "trailing", "plain", "empty"],
)
def test_corrupt_compressed_body_gets_400(client: httpx.Client, packed: bytes, status: int, text: str) -> None:
    reply = client.post("/v1/models/ring:predict", content=packed, headers={"content-encoding": "gzip"})
    assert reply.status_code == status
    assert text in reply.json()["error"]


SIZED = {"parameters": {"binary_data_size": 24}}
WRONG = [
    (body({"parameters": {"binary_data_size": 20}}), ROWS.tobytes(), "datatype and shape have 24 bytes"),
    (body(SIZED), ROWS.tobytes()[:-1], "23 bytes follow the JSON part"),
    (body(SIZED), ROWS.tobytes() + b"x", "25 bytes follow the JSON part"),
    (body(SIZED), b"", "0 bytes follow the JSON part"),
    (body(SIZED | {"data": [1]}), ROWS.tobytes(), "expected one of them"),
    (body({"data": ROWS.tolist()}), b"x", "1 bytes follow the JSON part; expected none"),
    (body({"parameters": {"binary_data_size": True}}), b"x", "binary_data_size: true; expected a number of bytes"),
    (body({"parameters": 7}), b"", "inputs[0].parameters: 7; expected an object"),
    (body(SIZED | {"datatype": "BYTES"}), ROWS.tobytes(), "inputs[0].datatype: 'BYTES'"),
    (body(SIZED), np.full((3, 2), np.nan, "<f4").tobytes(), "inputs[0].data[0][0]: nan for feature 'x0'"),
    (body(SIZED), np.full((3, 2), np.inf, "<f4").tobytes(), "inputs[0].data[0][0]: inf is not a finite float32"),
    (body({"data": ROWS.tolist()}, parameters={"binary_data_output": 1}), b"", "binary_data_output: 1"),
    (body({"data": ROWS.tolist()}, outputs=[{"name": "output", "parameters": {"binary_data": "yes"}}]), b"", "'yes'"),
    (
        body({"data": ROWS.tolist()}, outputs=[{"name": "output", "parameters": {"classification": 0}}]),
        b"",
        "outputs[0].parameters.classification: 0",
    ),
    (
        body({"data": ROWS.tolist()}, outputs=[{"name": "bumps", "parameters": {"classification": 1}}]),
        b"",
        "'bumps' of this model has no classes",
    ),
]


@pytest.mark.parametrize(("head", "tail", "text"), WRONG, ids=[text for *_, text in WRONG])
def test_invalid_tensor_gets_400_with_value_and_place(
    client: httpx.Client, head: bytes, tail: bytes, text: str
) -> None:
    reply = send(client, head, tail)
    assert reply.status_code == 400
    assert text in reply.json()["error"]


@pytest.mark.parametrize("length", ["1000000", "-1", "moon", "9" * 30])
def test_wrong_json_part_length_gets_400(client: httpx.Client, length: str) -> None:
    reply = client.post(INFER, content=body({"data": ROWS.tolist()}), headers={LENGTH: length})
    assert reply.status_code == 400
    assert LENGTH in reply.json()["error"]


@pytest.mark.parametrize("size", [0, 7, 12])
def test_raw_body_with_partial_row_gets_400(client: httpx.Client, size: int) -> None:
    reply = client.post(INFER, content=bytes(size), headers={LENGTH: "0"})
    assert reply.status_code == 400
    assert f"{size} raw bytes" in reply.json()["error"]


def test_large_json_tensor_is_read_flat_or_nested(client: httpx.Client) -> None:
    rows = np.tile(ROWS, (200, 1)).astype(float).round(3)
    tensor = {"name": "input", "shape": [600, 2], "datatype": "FP32"}
    flat, nested, integers = (
        client.post(INFER, json={"inputs": [tensor | change]}).json()
        for change in (
            {"data": rows.ravel().tolist()},
            {"data": rows.tolist(), "datatype": "FP64"},
            {"data": [0] * 1200, "datatype": "INT8"},
        )
    )
    assert flat == nested
    assert flat["outputs"][0]["shape"] == integers["outputs"][0]["shape"] == [600, 1]
    for data, text in (
        ([*rows.ravel().tolist()[:-1], None], "inputs[0].data[599][1]: null"),
        (rows.tolist()[:-1], "599 rows; the shape says 600"),
        (rows.ravel().tolist()[:-1], "1199 values; the shape says 600 x 2"),
        ([*rows.tolist()[:-1], [1]], "inputs[0].data[599]: 1 values"),
        ([*rows.tolist()[:-1], [1, 1e39]], "inputs[0].data[599][1]: 1e+39"),
        ([*rows.tolist()[:-1], [1, True]], "inputs[0].data[599][1]: true"),
        ([*rows.tolist()[:-1], ["NaN", 1]], "inputs[0].data[599][0]: 'NaN'"),
    ):
        reply = client.post(INFER, json={"inputs": [tensor | {"data": data}]})
        assert reply.status_code == 400
        assert text in reply.json()["error"]
    reply = client.post(INFER, json={"inputs": [tensor | {"data": [0.5] * 1200, "datatype": "INT8"}]})
    assert "inputs[0].data[0][0]: 0.5 is not INT8" in reply.json()["error"]
