"""Tests of invalid requests: each gets a 4xx with value and place."""

import json
import socket

import httpx
import pytest

from enn_service.inference.cost import SMALL_BYTES
from enn_service.inference.explain_options import PARAMETERS
from support.serving import MAX_BODY_BYTES

BODIES = {
    b'{"instances": [[0.1]]}': "instances[0]: 1 values; the model takes 2 features",
    b'{"instances": [[0.1, 0.2], [1, 2, 3]]}': "instances[1]: 3 values",
    b'{"instances": [[0.1, 0.2, 0.3], [1]]}': "instances[0]: 3 values",
    b'{"instances": [{"x0": 1, "moon": 2}]}': "feature 'x1' is missing",
    b'{"instances": [{"x0": 1}]}': "feature 'x1' is missing; expected x0, x1",
    b'{"instances": [{"x0": 1, "x1": 2, "moon": 3}]}': "feature 'moon' is not known",
    b'{"instances": [{"x0": 1, "x1": 2}, [1]]}': "instances[1]: 1 values",
    b'{"instances": [[1, 2], {"x0": 1}]}': "instances[1]: feature 'x1' is missing",
    b'{"instances": [{"x0": 1, "x1": 2}, "moon"]}': "instances[1]: 'moon'; expected a list of 2 numbers",
    b'{"instances": [["1.5", 0.2]]}': "instances[0][0]: '1.5' for feature 'x0'; expected a number",
    b'{"instances": [["NaN", 0.2]]}': "instances[0][0]: 'NaN'",
    b'{"instances": [[0.1, null]]}': "instances[0][1]: null for feature 'x1'",
    b'{"instances": [[true, 0.2]]}': "instances[0][0]: true",
    b'{"instances": [{"x0": [1], "x1": 2}]}': "instances[0][0]: [1] for feature 'x0'",
    b'{"instances": [[1e300, 0.2]]}': "instances[0][0]: 1e+300",
    b'{"instances": [[0.1, 0.2], [0.1, -1e12]]}': "instances[1][1]: -1e+12 for feature 'x1' is more than 1000 ranges",
    b'{"instances": [[NaN, 0.2]]}': "not valid JSON",
    b'{"instances": [[Infinity, 0.2]]}': "not valid JSON",
    b'{"instances": [[1e999, 0.2]]}': "not valid JSON",
    b'{"instances": []}': "instances: []; expected a list of at least one row",
    b'{"instances": [[]]}': "instances[0]: 0 values",
    b'{"instances": 7}': "instances: 7",
    b'{"instances": [7, 8]}': "instances[0]: 7",
    b'{"instances": [[0.1, 0.2]], "inputs": []}': "expected one of",
    b"{}": "expected one of",
    b"[[0.1, 0.2]]": "the body is a JSON list; expected an object",
    b"": "not valid JSON",
    b"\xff\xfe": "not valid JSON",
    b"moon": "not valid JSON",
    b"[" * 100_000: "not valid JSON",
}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:40].decode("latin-1"))
@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_invalid_body_gets_400_with_value_and_place(client: httpx.Client, verb: str, body: bytes) -> None:
    reply = client.post(f"/v1/models/ring:{verb}", content=body)
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/json"
    assert BODIES[body] in reply.json()["error"]
    assert client.get("/v2/health/ready").status_code == 200


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ("moon", "parameters: 'moon'"),
        ([], "parameters: []"),
        ({"moon": 1}, "parameters.moon: not known"),
        ({"harmonics": 1}, "harmonics: 1"),
    ],
)
def test_invalid_parameter_gets_400(client: httpx.Client, parameters: object, text: str) -> None:
    reply = client.post("/v1/models/ring:explain", json={"instances": [[0, 0]], "parameters": parameters})
    assert reply.status_code == 400
    assert text in reply.json()["error"]


DEEP = "[" * 900 + "]" * 900
TENSOR = '{"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0, 0]}'
PLACES = {
    "/v1/models/ring:predict": ['{"instances": DEEP}', '{"instances": [[DEEP, 1]]}', '{"instances": [{"x0": DEEP}]}'],
    "/v1/models/ring:explain": [
        '{"instances": [[0, 0]], "parameters": DEEP}',
        *(
            f'{{"instances": [[0, 0]], "parameters": {{"attributions": "shapley", "{name}": DEEP}}}}'
            for name in sorted(PARAMETERS)
        ),
        '{"instances": [[0, 0]], "parameters": {"outputs": [DEEP]}}',
        '{"instances": [[0, 0]], "parameters": {"attributions": "shapley", "background": [DEEP]}}',
    ],
    "/v2/models/ring/infer": [
        '{"inputs": DEEP}',
        f'{{"inputs": [{TENSOR}], "id": DEEP}}',
        f'{{"inputs": [{TENSOR}], "outputs": [{{"name": DEEP}}]}}',
        f'{{"inputs": [{TENSOR}], "outputs": [{{"name": "output", "parameters": {{"classification": DEEP}}}}]}}',
        *(f'{{"inputs": [{TENSOR.replace(part, "DEEP")}]}}' for part in ('"input"', "[1, 2]", '"FP32"', "[0, 0]")),
    ],
    "/v2/repository/index": ['{"ready": DEEP}'],
}


@pytest.mark.parametrize(("path", "body"), [(path, body) for path, bodies in PLACES.items() for body in bodies])
def test_misplaced_nested_values_get_400_and_short_text(client: httpx.Client, path: str, body: str) -> None:
    for value in (DEEP, "[[]]", '{"a": {}}', "[" + "7, " * 10_000 + "7]"):
        reply = client.post(path, content=body.replace("DEEP", value))
        assert reply.status_code == 400
        assert len(reply.json()["error"]) < 300


def test_oversized_explanation_is_refused_before_computation(client: httpx.Client) -> None:
    body = {"instances": [[0, 0]] * 20_000, "parameters": {"harmonics": True}}
    reply = client.post("/v1/models/ring:explain", json=body)
    assert reply.status_code == 400
    assert "20000 rows have 1200000 numbers to explain" in reply.json()["error"]
    body["instances"] = body["instances"][: int(reply.headers["enn-max-rows"])]
    assert client.post("/v1/models/ring:explain", json=body).status_code == 200
    body["instances"] *= 2
    assert client.post("/v1/models/ring:explain", json=body).headers["enn-max-rows"] == reply.headers["enn-max-rows"]


def test_path_with_extra_slash_is_not_redirected(client: httpx.Client) -> None:
    for path in ("/v1/models/", "/v2/models/ring/"):
        reply = client.get(path)
        assert reply.status_code == 404
        assert list(reply.json()) == ["error"]


@pytest.mark.parametrize(
    ("path", "limit"), [("/v1/models/ring:predict", MAX_BODY_BYTES), ("/v2/repository/index", SMALL_BYTES)]
)
@pytest.mark.parametrize("head", ["content-length: 104857600", "transfer-encoding: chunked"])
def test_body_of_100_mb_is_refused_during_upload(client: httpx.Client, path: str, limit: int, head: str) -> None:
    chunk = b"10000\r\n" + b" " * 2**16 + b"\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n".encode())
        for _ in range(limit // 2**16 + 1 if "chunked" in head else 0):
            connection.sendall(chunk)
        answer = connection.recv(2**16).decode()
    assert answer.startswith("HTTP/1.1 413")
    assert f"enn-max-bytes: {limit}" in answer
    assert client.get("/v2/health/ready").status_code == 200


@pytest.mark.parametrize("name", ["moon", "%2e%2e", "..%2f..%2fetc", "a%00b", "a:b", "ring%20", "x" * 5000])
def test_unknown_model_gets_404_and_is_never_a_path(client: httpx.Client, name: str) -> None:
    for reply in (
        client.post(f"/v1/models/{name}:predict", json={"instances": [[0, 0]]}),
        client.post(f"/v2/models/{name}/infer", json={}),
        client.get(f"/v2/models/{name}"),
    ):
        assert reply.status_code == 404
        assert set(reply.json()) == {"error"}
        assert len(reply.json()["error"]) < 500


def test_every_error_has_json_error_object(client: httpx.Client) -> None:
    replies = {
        client.get("/moon"): 404,
        client.get("/v2/models/ring/infer"): 405,
        client.delete("/v1/models/ring"): 405,
        client.post("/v2/models/ring/versions/9/infer", json={}): 404,
        client.post("/v1/models/ring:predict", content=b"x", headers={"content-encoding": "br"}): 415,
    }
    for reply, status in replies.items():
        assert reply.status_code == status
        assert reply.headers["content-type"] == "application/json"
        assert list(reply.json()) == ["error"]


def test_internal_error_is_json_without_details(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("/secret/path")

    for run in ("run", "run_row"):
        monkeypatch.setattr(f"enn_service.runtime.session.Session.{run}", fail)
    monkeypatch.setattr("enn_service.api.models.metadata", fail)
    tensor = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0, 0]}
    for reply in (
        client.post("/v1/models/ring:predict", json={"instances": [[0, 0]]}),
        client.post("/v1/models/ring:explain", json={"instances": GOOD}),
        client.post("/v2/models/ring/infer", json={"inputs": [tensor]}),
        client.get("/v2/models/ring"),
    ):
        assert reply.status_code == 500
        assert reply.headers["content-type"] == "application/json"
        assert list(reply.json()) == ["error"]
        assert "secret" not in reply.text
    assert client.get("/v2/health/ready").status_code == 200


def test_client_disconnect_during_body_leaves_service_working(client: httpx.Client) -> None:
    address = (client.base_url.host, client.base_url.port or 80)
    with socket.create_connection(address) as connection:
        connection.sendall(b"POST /v1/models/ring:predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    assert client.post("/v1/models/ring:predict", json={"instances": [[0, 0]]}).status_code == 200


GOOD = [[0.25, -0.5]] * 1000
HIDDEN = {
    "[0.25]": "instances[1000]: 1 values; the model takes 2 features",
    "[0.25, true]": "instances[1000][1]: true for feature 'x1'; expected a number",
    '["0.25", 1]': "instances[1000][0]: '0.25' for feature 'x0'; expected a number",
    "[null, 1]": "instances[1000][0]: null for feature 'x0'; expected a number",
    "[[0.25], 1]": "instances[1000][0]: [0.25] for feature 'x0'; expected a number",
    "[1e39, 1]": "instances[1000][0]: 1e+39 is not a finite float32",
    "[1e12, 1]": "instances[1000][0]: 1e+12 for feature 'x0' is more than 1000 ranges away",
    '{"x0": 1}': "instances[1000]: feature 'x1' is missing",
    "0.25": "instances[1000]: 0.25; expected a list of 2 numbers",
    "[1e999, 1]": "not valid JSON",
    "[01, 1]": "not valid JSON",
    "[1 2, 1]": "not valid JSON",
    "[1, 2],": "not valid JSON",
    "[Infinity, 1]": "not valid JSON",
}


@pytest.mark.parametrize("row", HIDDEN)
def test_invalid_last_row_of_large_body_is_named(client: httpx.Client, row: str) -> None:
    rows = json.dumps(GOOD)[:-1] + f", {row}]"
    for verb in ("predict", "explain"):
        reply = client.post(f"/v1/models/ring:{verb}", content=f'{{"instances": {rows}}}')
        assert reply.status_code == 400
        assert HIDDEN[row] in reply.json()["error"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"note": {"instances": ROWS}}', "expected one of"),
        ('{"note": {"instances": ROWS}, "instances": [[1]]}', "instances[0]: 1 values"),
        ('{"instances": ROWS, "instances": [[1]]}', "instances[0]: 1 values"),
        ('{"instances": ROWS, "inputs": ROWS}', "expected one of"),
        ('{"instances": [ROWS]}', "instances[0]: 1000 values"),
        ('{"instances": ROWS', "not valid JSON"),
        ('{"instances": ROWS}}', "not valid JSON"),
    ],
)
def test_numbers_elsewhere_in_large_body_are_not_rows(client: httpx.Client, body: str, text: str) -> None:
    reply = client.post("/v1/models/ring:predict", content=body.replace("ROWS", json.dumps(GOOD)))
    assert reply.status_code == 400
    assert text in reply.json()["error"]


@pytest.mark.parametrize(
    "path", ["/v1/models/ring:predict%0A", "/v1/models/ring:explain%0A", "/v2/models/ring/infer%0A"]
)
def test_path_with_line_feed_gets_404(client: httpx.Client, path: str) -> None:
    body = {"instances": [[0.1, 0.2]]}
    if path.startswith("/v2"):
        body = {"inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.1, 0.2]}]}
    reply = client.post(path, json=body)
    assert (reply.status_code, list(reply.json())) == (404, ["error"])
