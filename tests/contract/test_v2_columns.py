"""Tests of V2 requests with one tensor for each feature: names, datatypes, missing values, bytes, and refusals."""

import json
import struct
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton

ROWS = [[44.5, "Dream", True, "2", None], [40.0, None, False, "10", 4000.0], [47.5, "Biscoe", True, "1", 3500.0]]
NAMES = ["bill", "island", "wild", "grade", "mass"]
DATATYPES = ["FP32", "BYTES", "BOOL", "BYTES", "FP64"]
INFER = "/v2/models/animals/infer"


def columns(rows: list = ROWS, **changes: Any) -> list[dict[str, Any]]:
    """Return the tensors of rows, with some of their fields replaced."""
    tensors = []
    for name, datatype, values in zip(NAMES, DATATYPES, zip(*rows, strict=True), strict=True):
        tensor = {"name": name, "shape": [len(rows), 1], "datatype": datatype, "data": list(values)}
        tensors.append(tensor | changes.get(name, {}))
    return tensors


def infer(client: httpx.Client, tensors: list, **more: object) -> httpx.Response:
    return client.post(INFER, json={"inputs": tensors, **more})


def outputs(reply: httpx.Response) -> list:
    assert reply.status_code == 200, reply.text
    return reply.json()["outputs"]


@pytest.fixture(scope="module")
def expected(animals: httpx.Client) -> list:
    """Outputs of the single tensor, in which categories are indices."""
    islands, grades = ["Biscoe", "Dream", "Torgersen"], ["1", "2", "10"]
    data = [
        [bill, None if island is None else islands.index(island), int(wild), grades.index(grade), mass]
        for bill, island, wild, grade, mass in ROWS
    ]
    tensor = {"name": "input", "shape": [3, 5], "datatype": "FP32", "data": data}
    return outputs(infer(animals, [tensor]))


def packed(texts: list[str]) -> bytes:
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


def with_bytes(name: str, datatype: str, data: bytes, **tensor: Any) -> tuple[bytes, bytes]:
    """Return the JSON part, and the bytes of a feature's tensor that follow it."""
    sized = {"datatype": datatype, "parameters": {"binary_data_size": len(data)}, **tensor}
    tensors = columns(ROWS, **{name: sized})
    del tensors[NAMES.index(name)]["data"]
    return json.dumps({"inputs": tensors}).encode(), data


def send(client: httpx.Client, head: bytes, tail: bytes) -> httpx.Response:
    return client.post(INFER, content=head + tail, headers={"Inference-Header-Content-Length": str(len(head))})


@pytest.mark.parametrize(
    "tensors",
    [
        columns(),
        columns()[::-1],
        columns(wild={"datatype": "INT8", "data": [1, 0, 1]}, bill={"shape": [3]}, mass={"datatype": "FP32"}),
        columns(island={"datatype": "INT64", "data": [1, None, 0]}, mass={"data": [[None], [4000], [3500]]}),
        columns(
            island={"datatype": "FP64", "data": [1, None, 0]}, mass={"datatype": "UINT16", "data": [None, 4000, 3500]}
        ),
        columns(
            island={"parameters": {"content_type": "pd_json"}, "data": ['"Dream"', "null", '"Biscoe"']},
            bill={"datatype": "BYTES", "parameters": {"content_type": "pd_json"}, "data": ["44.5", "4e1", "47.5"]},
            grade={"parameters": {"content_type": "str"}},
        ),
    ],
)
def test_tensors_of_features_give_answers_of_single_tensor(
    animals: httpx.Client, expected: list, tensors: list[dict[str, Any]]
) -> None:
    assert outputs(infer(animals, tensors, parameters={"content_type": "pd"})) == expected


def test_explain_and_one_row_take_tensors_of_features(animals: httpx.Client) -> None:
    row = dict(zip(NAMES, ROWS[0], strict=True))
    v1 = animals.post("/v1/models/animals:explain", json={"instances": [row]}).json()
    body = {"inputs": columns(ROWS[:1]), "parameters": {"content_type": "pd"}}
    assert animals.post("/v2/models/animals/explain", json=body).json()["explanations"] == v1["explanations"]


def test_binary_tensors_of_features_mix_with_json(animals: httpx.Client, expected: list) -> None:
    nan = np.array([np.nan, 4000, 3500], "<f4").tobytes()
    assert outputs(send(animals, *with_bytes("mass", "FP32", nan))) == expected
    assert outputs(send(animals, *with_bytes("bill", "FP16", np.array([44.5, 40, 47.5], "<f2").tobytes()))) == expected
    assert outputs(send(animals, *with_bytes("wild", "BOOL", b"\1\0\1", shape=[3]))) == expected
    assert outputs(send(animals, *with_bytes("grade", "BYTES", packed(["2", "10", "1"])))) == expected


def test_triton_client_sends_tensors_of_features(animals: httpx.Client) -> None:
    rows = [[*row[:1], row[1] or "Dream", *row[2:4], 3000.0] for row in ROWS]
    types = {"FP32": np.float32, "FP64": np.float64, "BOOL": np.bool_, "BYTES": np.object_}
    wanted = outputs(infer(animals, columns(rows)))[0]["data"]
    for binary in (True, False):
        tensors = []
        for tensor in columns(rows):
            tensors.append(triton.InferInput(tensor["name"], tensor["shape"], tensor["datatype"]))
            tensors[-1].set_data_from_numpy(
                np.array(tensor["data"], types[tensor["datatype"]]).reshape(-1, 1), binary_data=binary
            )
        with triton.InferenceServerClient(f"127.0.0.1:{animals.base_url.port}") as client:
            found = client.infer("animals", tensors).as_numpy("output")
        assert found is not None
        assert found.ravel() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("count", [600, 10_000])
def test_many_rows_give_the_answers_of_few(animals: httpx.Client, expected: list, count: int) -> None:
    single = np.reshape(expected[0]["data"], expected[0]["shape"])
    (answer,) = outputs(infer(animals, columns(ROWS * count)))
    np.testing.assert_allclose(np.reshape(answer["data"], answer["shape"]), np.tile(single, (count, 1)), atol=1e-6)


@pytest.mark.parametrize("name", ["input-0", "input-1"])
def test_counted_name_is_accepted_for_single_tensor(client: httpx.Client, name: str) -> None:
    tensor = {"name": "input", "shape": [2, 2], "datatype": "FP32", "data": [0.1, 0.2, 0.5, -0.1]}
    path = "/v2/models/ring/infer"
    wanted = client.post(path, json={"inputs": [tensor]}).json()
    for _ in range(3):  # later requests find the text of the first ones
        assert client.post(path, json={"inputs": [tensor | {"name": name}]}).json() == wanted


def test_metadata_lists_tensors_of_features(animals: httpx.Client) -> None:
    metadata = animals.get("/v2/models/animals").json()
    assert [tensor["name"] for tensor in metadata["inputs"]] == ["input"]
    listed = metadata["properties"]["feature_inputs"]
    assert [tensor["name"] for tensor in listed] == NAMES
    assert [tensor["datatype"] for tensor in listed] == ["FP32", "BYTES", "BOOL", "BYTES", "FP32"]
    assert [tensor["shape"] for tensor in listed] == [[-1, 1]] * 5
    assert animals.get("/v2/models").json() == animals.get("/v1/models").json() == {"models": ["animals"]}


WRONG: list[tuple[list[dict[str, Any]], str]] = [
    (columns()[:4], "inputs: feature 'mass' has no tensor; expected one of each of bill, island, wild"),
    (columns(mass={"name": "moon"}), "inputs[4].name: 'moon' is not the name of a feature; expected one tensor"),
    (columns(mass={"name": "bill"}), "inputs[4].name: 'bill' is that of inputs[0] too"),
    (columns(mass={"name": "input"}), "inputs[4].name: 'input' is not the name of a feature"),
    (columns()[:1], "inputs: feature 'island' has no tensor"),
    (columns(mass={"name": "input"})[4:], "inputs[0].shape: [3, 1]; expected [rows, 5]"),
    (columns(island={"name": "input"})[1:2], "inputs[0].datatype: 'BYTES'; expected one of FP32"),
    (columns(wild={"shape": [2, 1]}), "inputs[2].shape: 2 rows; inputs[0] has 3"),
    (columns(wild={"shape": [3, 2]}), "inputs[2].shape: [3, 2]; expected [rows, 1] or [rows]"),
    (columns(wild={"shape": []}), "inputs[2].shape: []"),
    (columns(bill={"shape": [-3]}), "inputs[0].shape: [-3]"),
    (columns(wild={"data": [True]}), "inputs[2].data: 1 values; the shape says 3"),
    (columns(wild={"data": None}), "inputs[2].data: is missing; expected a list of 3 values"),
    (columns(wild={"data": "yes"}), "inputs[2].data: 'yes'; expected a list"),
    (columns(bill={"datatype": "BOOL"}), "inputs[0].datatype: 'BOOL' for feature 'bill'; expected one of FP32"),
    (columns(bill={"datatype": "FP16"}), "inputs[0].datatype: 'FP16' for feature 'bill'; expected one of FP32"),
    (columns(grade={"datatype": "INT64"}), "inputs[3].datatype: 'INT64' for feature 'grade'; expected BYTES"),
    (columns(bill={"datatype": "TEXT"}), "inputs[0].datatype: 'TEXT'; expected one of FP32"),
    (columns(bill={"data": [1, 2, None]}), "inputs[0].data[2]: null for feature 'bill'; expected a number"),
    (columns(bill={"data": [1, 1e39, 2]}), "inputs[0].data[1]: 1e+39 is not a finite float32"),
    (columns(bill={"data": [1, 10**400, 2]}), "the body is not valid JSON"),
    (columns(mass={"data": [1, 2, 1e12]}), "inputs[4].data[2]: 1e+12 for feature 'mass' is more than 1000 ranges"),
    (columns(bill={"data": [1, "2", 2]}), "inputs[0].data[1]: '2' for feature 'bill'; expected FP32"),
    (columns(bill={"data": [[1], [2, 3], [2]]}), "inputs[0].data[1]: [2, 3] for feature 'bill'; expected FP32"),
    (columns(bill={"datatype": "INT8", "data": [1, 2, 200]}), "inputs[0].data[2]: 200 for feature 'bill'"),
    (columns(bill={"datatype": "INT8", "data": [1, 2.5, 2]}), "inputs[0].data[1]: 2.5 for feature 'bill'"),
    (columns(wild={"data": [True, 1, False]}), "inputs[2].data[1]: 1 for feature 'wild'; expected BOOL"),
    (columns(wild={"datatype": "INT8", "data": [0, 1, 2]}), "inputs[2].data[2]: 2 for feature 'wild': expected false"),
    (columns(island={"data": ["Dream", "Moon", None]}), "inputs[1].data[1]: 'Moon' for feature 'island'; expected"),
    (
        columns(island={"datatype": "INT8", "data": [0, 3, 0]}),
        "inputs[1].data[1]: 3 for feature 'island': expected the",
    ),
    (columns(grade={"data": ["1", None, "2"]}), "inputs[3].data[1]: null for feature 'grade'; expected a string, one"),
    (columns(island={"parameters": {"content_type": "pd_json"}}), "inputs[1].data[0]: 'Dream' for feature 'island'"),
    (columns(island={"parameters": {"content_type": 1}}), "inputs[1].parameters.content_type: 1; expected a string"),
]


@pytest.mark.parametrize(("tensors", "words"), WRONG, ids=[words for _, words in WRONG])
def test_wrong_tensor_of_feature_is_refused_with_place(animals: httpx.Client, tensors: list, words: str) -> None:
    reply = infer(animals, tensors)
    assert reply.status_code == 400
    assert words in reply.json()["error"]
    assert len(reply.json()["error"]) < 300


SIZE = "inputs[3].parameters.binary_data_size: "


@pytest.mark.parametrize(
    ("name", "datatype", "data", "words"),
    [
        ("grade", "BYTES", b"\1\0\0\0", SIZE + "4; 3 texts have at least 12 bytes"),
        ("grade", "BYTES", packed(["1", "2"]) + b"\2\0\0\0", "inputs[3].data[2]: a text of 2 bytes; 0 bytes"),
        (
            "grade",
            "BYTES",
            packed(["1", "2222"]),
            "inputs[3].data[2]: a text of 0 bytes; 0 bytes of the tensor are left",
        ),
        ("grade", "BYTES", packed(["1", "2", "1"]) + b"x", "inputs[3]: 1 bytes follow its 3 texts"),
        ("grade", "BYTES", packed(["1", "", "x"]), "inputs[3].data[1]: '' for feature 'grade'; expected a string"),
        ("grade", "BYTES", packed(["1", "2"]) + b"\1\0\0\0\xff", "inputs[3].data[2]: b'\\xff' for feature 'grade'"),
        ("grade", "INT8", b"\0\0\0", "inputs[3].datatype: 'INT8'"),
        ("wild", "BOOL", b"\0\1\2", "inputs[2].data[2]: 2 for feature 'wild'; expected a byte 0 or 1"),
        ("wild", "INT16", b"\0\0\1", "binary_data_size: 3; datatype and shape have 6 bytes"),
        (
            "bill",
            "FP32",
            np.array([1, np.nan, 2], "<f4").tobytes(),
            "inputs[0].data[1]: nan for feature 'bill': a missing",
        ),
        ("bill", "FP32", np.array([1, np.inf, 2], "<f4").tobytes(), "inputs[0].data[1]: inf is not a finite float32"),
    ],
)
def test_wrong_bytes_of_feature_are_refused_with_place(
    animals: httpx.Client, name: str, datatype: str, data: bytes, words: str
) -> None:
    reply = send(animals, *with_bytes(name, datatype, data))
    assert reply.status_code == 400
    assert words in reply.json()["error"]


def test_bytes_of_other_length_than_announced_are_refused(animals: httpx.Client) -> None:
    head, tail = with_bytes("wild", "BOOL", b"\1\0\1")
    assert "3; 2 bytes are left" in send(animals, head, tail[:2]).json()["error"]
    assert "4 bytes follow the JSON part; the tensors in it have 3" in send(animals, head, tail + b"x").json()["error"]
    both = json.dumps({"inputs": columns(wild={"parameters": {"binary_data_size": 3}})}).encode()
    assert "inputs[2].data: is given beside" in send(animals, both, tail).json()["error"]
