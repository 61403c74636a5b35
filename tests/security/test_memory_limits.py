"""Tests of memory limits: bodies and responses held, responses not read, names of models that do not exist."""

import json
import select
import socket
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPResponse

import httpx

from enn_service.http import routing
from support.connections import HEAD, ROW, connect, in_flight, predicts
from support.serving import SHIPPED, serving

LARGE = 2**20
MANY = 400_000
"""Number of rows whose bumps, six each, exceed the socket buffers between service and client."""
Eventually = Callable[[Callable[[], bool]], None]


def test_large_unread_response_counts_as_in_flight(eventually: Eventually) -> None:
    tensor = {"name": "input", "shape": [MANY, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8 * MANY}}
    request = {"inputs": [tensor], "outputs": [{"name": "bumps", "parameters": {"binary_data": True}}]}
    text = json.dumps(request).encode()
    fields = b"inference-header-content-length: %d\r\ncontent-length: %d\r\n" % (len(text), len(text) + 8 * MANY)
    with serving(SHIPPED, max_body_bytes=8 * MANY + LARGE) as client, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        connection.connect((client.base_url.host, client.base_url.port or 80))
        connection.sendall(b"POST /v2/models/ring/infer HTTP/1.1\r\nhost: x\r\n" + fields + b"\r\n" + text)
        connection.sendall(bytes(8 * MANY))
        assert connection.recv(1, socket.MSG_PEEK)
        assert in_flight(client) == 1
        response = HTTPResponse(connection)
        response.begin()
        assert len(response.read()) > 24 * MANY
        eventually(lambda: in_flight(client) == 0)


def test_unfinished_bodies_stay_within_memory_budget(eventually: Eventually) -> None:
    head = HEAD + b"content-length: %d\r\n\r\n" % LARGE

    def ask() -> httpx.Response:
        return client.post("/v1/models/ring:predict", content=b" " * LARGE)

    with serving(SHIPPED, max_held_bytes=2 * LARGE) as client:
        with ExitStack() as stack:
            held: list[socket.socket] = []

            def full() -> bool:
                """Return True if two unfinished bodies are held; send a refused one again."""
                answered = select.select(held, [], [], 0)[0]
                if not answered and len(held) == 2:
                    return ask().status_code == 503
                held[:] = [connection for connection in held if connection not in answered]
                held.append(stack.enter_context(connect(client, head, b" " * (LARGE - 1))))
                return False

            eventually(full)
            reply = ask()
            assert reply.headers["retry-after"] == "1"
            assert "bytes of bodies and answers are held" in reply.json()["error"]
            assert predicts(client)
        eventually(lambda: ask().status_code == 400)


def test_thousand_unknown_model_names_use_no_memory(client: httpx.Client) -> None:
    before = labels(client)
    for number in range(routing.CACHE_SIZE + 10):
        assert client.post(f"/v1/models/moon-{number}:predict", json=ROW).status_code == 404
    long = "x" * routing.MAX_CACHED_PATH
    kept = routing._cached_match.cache_info().currsize
    assert client.post(f"/v1/models/{long}:predict", json=ROW).status_code == 404
    assert routing._cached_match.cache_info().currsize == kept <= routing.CACHE_SIZE
    assert labels(client) <= before | {'{reason="unknown_model"}'}


def labels(client: httpx.Client) -> set[str]:
    lines = client.get("/metrics").text.splitlines()
    return {line[line.index("{") : line.index("}") + 1] for line in lines if "{" in line and not line.startswith("#")}
