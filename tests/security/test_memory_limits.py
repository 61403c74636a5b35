"""Tests of memory limits: bodies and responses held, responses not read, names of models that do not exist."""

import gzip
import json
import re
import select
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest

from enn_service.http import routing
from support.connections import HEAD, ROW, connect, in_flight, predicts
from support.serving import SHIPPED, address_of, command, serving

pytestmark = pytest.mark.slow

LARGE = 2**20
MAX_BODY = 16 * 2**20
MAX_RESIDENT = 384 * 2**20
"""Memory of a process with the default settings, of which a container has 512 MiB."""
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


def test_largest_requests_of_every_kind_stay_within_memory(tmp_path: Path, eventually: Eventually) -> None:
    log, statuses = tmp_path / "log", Counter[int]()
    with command(SHIPPED, log, workers=1) as process, ThreadPoolExecutor(2) as pool:
        address = address_of(process, log, 1, eventually)
        for path, packed, more in largest_requests():
            headers = {"content-encoding": "gzip", **more}
            asked = [pool.submit(ask, f"{address}{path}", packed, headers) for _ in range(2)]
            statuses.update(each.result() for each in asked)
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert set(statuses) == {200, 400, 413} or set(statuses) == {200, 400, 413, 503}
    assert 1024 * int(peak) < MAX_RESIDENT


def ask(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Send a request, read the answer without keeping it, and return its status."""
    with httpx.stream("POST", url, content=body, headers=headers, timeout=120) as reply:
        for _ in reply.iter_raw():
            pass
    return reply.status_code


def largest_requests() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Yield path, compressed body and further headers of the largest request of each kind."""
    for verb, row in (
        ("predict", b"[0,1]"),
        ("predict", b"[0.1,0.2]"),
        ("predict", b'{"x0":0,"x1":1}'),
        ("predict", b"[]"),
        ("explain", b"[0,1]"),
    ):
        rows = b",".join([row] * ((MAX_BODY - 100) // (len(row) + 1)))
        yield f"/v1/models/ring:{verb}", gzip.compress(b'{"instances":[%b]}' % rows, 1), {}
    count = MAX_BODY // 8 - 100
    tensor = {"name": "input", "shape": [count, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8 * count}}
    text = json.dumps({"inputs": [tensor], "outputs": [{"name": "bumps"}]}).encode()
    length = {"inference-header-content-length": str(len(text))}
    yield "/v2/models/ring/infer", gzip.compress(text + bytes(8 * count), 1), length


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
            assert "are held by requests in progress" in reply.json()["error"]
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
