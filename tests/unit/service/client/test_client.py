"""The client against a scripted server: binary tensors, retries, unexpected responses."""

import asyncio
import threading
from typing import Any

import numpy as np
import orjson
import pytest

from enn_service.client import (
    AccessError,
    AsyncClient,
    Client,
    InvalidRowsError,
    RequestRefusedError,
    ServerError,
    StatusError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from support.scripted import Reply, answering

ROWS = [[0.1, 0.2], [0.5, -0.1]]
GOOD = (200, {}, orjson.dumps({"predictions": [1.0, 2.0]}))
LENGTH = "inference-header-content-length"
CODES = {"FP32": "<f4", "FP64": "<f8", "INT64": "<i8", "UINT8": "u1"}


def doubled(headers: dict[str, str], body: bytes) -> Reply:
    """Answer a binary infer request with its tensor times two in binary and the row numbers in JSON."""
    length = int(headers[LENGTH])
    request, tail = orjson.loads(body[:length]), body[length:]
    (tensor,) = request["inputs"]
    assert tensor["parameters"]["binary_data_size"] == len(tail)
    assert all(output["parameters"]["binary_data"] for output in request["outputs"])
    array = np.frombuffer(tail, CODES[tensor["datatype"]]).reshape(tensor["shape"])
    first, last = (2 * array).astype("<f4").tobytes(), array.astype("<f8").tobytes()
    outputs: list[dict[str, Any]] = [
        {
            "name": "double",
            "datatype": "FP32",
            "shape": tensor["shape"],
            "parameters": {"binary_data_size": len(first)},
        },
        {"name": "row", "datatype": "INT64", "shape": [len(array)], "data": list(range(len(array)))},
        {"name": "same", "datatype": "FP64", "shape": tensor["shape"], "parameters": {"binary_data_size": len(last)}},
    ]
    head = orjson.dumps({"model_name": "ring", "outputs": outputs})
    return 200, {"Inference-Header-Content-Length": str(len(head))}, head + first + last


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", "<i8", "u1"])
def test_binary_tensors_are_sent_and_read_by_the_protocol(kind: str) -> None:
    rows = np.asfortranarray(np.arange(6).reshape(3, 2).astype(kind))
    names: list[Any] = ["double", "row", "same"]  # tensors of the scripted server, which no model has
    with answering(doubled) as script, Client(script.url) as client:
        found = client.infer("ring", rows, outputs=names, binary=True)
    assert {name: str(array.dtype) for name, array in found.items()} == {
        "double": "float32",
        "row": "int64",
        "same": "float64",
    }
    np.testing.assert_array_equal(found["double"], 2 * rows)
    np.testing.assert_array_equal(found["same"], rows)
    assert found["row"].tolist() == [0, 1, 2]


def test_large_array_is_sent_as_bytes_small_one_as_json() -> None:
    small = {"outputs": [{"name": "output", "datatype": "FP32", "shape": [2, 1], "data": [1.0, 2.0]}]}
    with answering((200, {}, orjson.dumps(small)), doubled) as script, Client(script.url) as client:
        assert client.infer("ring", ROWS)["output"].shape == (2, 1)
        assert client.infer("ring", np.zeros((2048, 2), np.float32))["double"].shape == (2048, 2)
    (_, first, body), (_, second, _) = script.requests
    assert LENGTH not in first
    assert orjson.loads(body)["inputs"][0]["data"] == [0.1, 0.2, 0.5, -0.1]
    assert LENGTH in second


def test_binary_response_of_wrong_length_is_refused() -> None:
    def cut(headers: dict[str, str], body: bytes) -> Reply:
        status, more, content = doubled(headers, body)
        return status, more, content[:-4]

    def longer(headers: dict[str, str], body: bytes) -> Reply:
        status, more, content = doubled(headers, body)
        return status, more, content + b"0"

    for reply in (cut, longer):
        with answering(reply) as script, Client(script.url) as client, pytest.raises(UnexpectedAnswerError):
            client.infer("ring", np.zeros((3, 2), np.float32), binary=True)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["1", "2"]], "<U1"),
        ([[True, False]], "bool"),
        ([[1.0, None]], "object"),
        ([[1.0], [1.0, 2.0]], "unequal length"),
        ([1.0, 2.0], "1 dimensions"),
        (np.array([[1.0, -np.inf]]), r"rows\[0\]\[1\]: -inf"),
        (np.array([[1j, 0]]), "complex"),
    ],
)
def test_infer_refuses_rows_other_than_finite_numbers(rows: Any, said: str) -> None:
    with answering(GOOD) as script, Client(script.url) as client:
        with pytest.raises(InvalidRowsError, match=said):
            client.infer("ring", rows)
        assert script.requests == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_busy_status_is_retried(status: int) -> None:
    busy = (status, {"Retry-After": "0"}, b'{"error": "busy"}')
    with answering(busy, busy, GOOD) as script, Client(script.url) as client:
        assert client.predict("ring", ROWS) == [1.0, 2.0]
    assert len(script.requests) == 3
    assert len({body for _, _, body in script.requests}) == 1


def test_lost_connection_is_retried() -> None:
    with answering(None, GOOD) as script, Client(script.url) as client:
        assert client.predict("ring", ROWS) == [1.0, 2.0]


def test_async_client_retries_too() -> None:
    async def ask(url: str) -> list[Any]:
        async with AsyncClient(url) as client:
            return await client.predict("ring", ROWS)

    with answering((503, {}, b""), None, GOOD) as script:
        assert asyncio.run(ask(script.url)) == [1.0, 2.0]


def test_error_after_all_retries_carries_text_of_service() -> None:
    with (
        answering((503, {"x-request-id": "r7"}, b'{"error": "draining"}')) as script,
        Client(script.url, retries=1) as client,
    ):
        with pytest.raises(UnavailableError) as caught:
            client.predict("ring", ROWS)
        assert (caught.value.status, caught.value.text, caught.value.request_id) == (503, "draining", "r7")
        assert len(script.requests) == 2


def test_health_calls_are_not_retried() -> None:
    with answering((503, {}, b'{"error": "draining"}')) as script, Client(script.url) as client:
        assert not client.ready()
        assert len(script.requests) == 1


def test_timeout_is_not_retried() -> None:
    late = threading.Event()

    def never(headers: dict[str, str], body: bytes) -> Reply:
        late.wait(30)
        return GOOD

    with answering(never) as script, Client(script.url, timeout=0.05) as client:
        with pytest.raises(UnreachableError, match="timed out"):
            client.predict("ring", ROWS)
        late.set()
        assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRefusedError),
        (401, AccessError),
        (403, AccessError),
        (413, RequestRefusedError),
        (500, ServerError),
    ],
)
def test_each_status_has_its_exception_with_text_and_id(status: int, kind: type[StatusError]) -> None:
    with answering((status, {}, b'{"error": "no"}')) as script, Client(script.url) as client:
        with pytest.raises(kind, match=f"^no \\(status {status}, request id ") as caught:
            client.predict("ring", ROWS)
        assert type(caught.value) is kind
        assert caught.value.request_id == script.requests[0][1]["x-request-id"]


def test_error_of_a_proxy_is_shown_unchanged() -> None:
    with (
        answering((500, {}, b"<h1>proxy</h1>")) as script,
        Client(script.url) as client,
        pytest.raises(ServerError, match="<h1>proxy</h1>"),
    ):
        client.predict("ring", ROWS)


@pytest.mark.parametrize("body", [b"<h1>login</h1>", b"[]", b"{}", b""])
def test_successful_response_in_another_format_is_refused(body: bytes) -> None:
    with answering((200, {}, body)) as script, Client(script.url) as client:
        for call in (client.predict, client.explain, client.infer):
            with pytest.raises(UnexpectedAnswerError):
                call("ring", ROWS)


def test_token_and_headers_are_sent_with_every_request() -> None:
    with (
        answering(GOOD) as script,
        Client(f"{script.url}/behind/a/gateway", token="secret", headers={"x-team": "a"}) as client,
    ):
        client.predict("ring", ROWS)
        client.live()
    assert [path for path, _, _ in script.requests] == [
        "/behind/a/gateway/v1/models/ring:predict",
        "/behind/a/gateway/v2/health/live",
    ]
    for _, headers, _ in script.requests:
        assert (headers["authorization"], headers["x-team"]) == ("Bearer secret", "a")
