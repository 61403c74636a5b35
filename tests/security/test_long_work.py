"""Tests of long work: it ends when nobody waits for it any more, and small work passes it."""

import signal
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path

import httpx
import orjson
import pytest

from enn_models.explanations.methods import MAX_PERMUTATIONS
from support.connections import connect, in_flight
from support.serving import SHIPPED, address_of, command, serving

pytestmark = pytest.mark.slow

EXPLAIN, PREDICT = "/v1/models/ring:explain", "/v1/models/ring:predict"
HEAD = f"POST {EXPLAIN} HTTP/1.1\r\nhost: x\r\n".encode()
SMALLER = {"instances": [[0.1, 0.2]] * 6000}
MANY = 30
"""Number of requests that together take longer than `eventually` waits."""
Eventually = Callable[[Callable[[], bool]], None]


def longest(client: httpx.Client) -> bytes:
    """Return about the longest request that the service accepts: sampled Shapley values of one background row."""
    parameters = {"attributions": "sampled_shapley", "permutations": MAX_PERMUTATIONS, "background": [[0, 0]]}
    body = {"instances": [[0.1, 0.2]] * 5000, "parameters": parameters}
    refused = client.post(EXPLAIN, content=orjson.dumps(body))
    assert refused.status_code == 413
    body["instances"] = [[0.1, 0.2]] * int(refused.headers["enn-max-rows"])
    return orjson.dumps(body)


def is_idle(client: httpx.Client) -> bool:
    """Return True if large work is answered and nothing else is in flight."""
    return client.post(PREDICT, json=SMALLER).status_code == 200 and in_flight(client) == 0


@pytest.mark.parametrize("reset", [True, False])
def test_long_work_ends_when_its_client_disconnects(eventually: Eventually, *, reset: bool) -> None:
    with serving(SHIPPED, deadline_seconds=300) as client:
        body = longest(client)
        head = HEAD + b"content-length: %d\r\n\r\n" % len(body)
        connections = [connect(client, head, body) for _ in range(MANY)]
        eventually(lambda: in_flight(client) == MANY)
        for connection in connections:
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        eventually(lambda: is_idle(client))


def test_client_that_stops_sending_gets_response_to_long_work() -> None:
    body = orjson.dumps({"instances": [[0.1, 0.2]] * 20_000})
    with (
        serving(SHIPPED) as client,
        connect(client, HEAD + b"content-length: %d\r\n\r\n" % len(body), body) as connection,
    ):
        connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection)
        response.begin()
        assert response.status == 200
        assert len(orjson.loads(response.read())["explanations"]) == 20_000
        assert connection.recv(1) == b""


def test_long_work_ends_at_its_deadline(eventually: Eventually) -> None:
    body = {"instances": [[0.1, 0.2]] * 50_000}
    with serving(SHIPPED, deadline_seconds=0.2, max_body_bytes=2**21) as client, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.post, EXPLAIN, json=body) for _ in range(8)]
        assert 504 in {each.result().status_code for each in asked}
        eventually(lambda: is_idle(client))


def test_small_work_passes_long_work(eventually: Eventually) -> None:
    with serving(SHIPPED) as client, ThreadPoolExecutor(8) as pool:
        body = longest(client)
        asked = [pool.submit(httpx.post, f"{client.base_url}{EXPLAIN}", content=body, timeout=60) for _ in range(4)]
        eventually(lambda: in_flight(client) == len(asked))
        assert client.post(PREDICT, json=SMALLER).status_code == 200
        assert not all(each.done() for each in asked)
        assert {each.result().status_code for each in asked} <= {200, 504}


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_ends_long_work(tmp_path: Path, eventually: Eventually, workers: int) -> None:
    log = tmp_path / "log"
    with command(SHIPPED, log, workers=workers, drain_seconds=0.1) as process, ThreadPoolExecutor(8) as pool:
        address = address_of(process, log, workers, eventually)
        with httpx.Client(base_url=address) as client:
            body = longest(client)
        asked = [pool.submit(httpx.post, f"{address}{EXPLAIN}", content=body, timeout=60) for _ in range(8)]
        with httpx.Client(base_url=address) as client:
            eventually(lambda: in_flight(client) == len(asked))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
        found = {each.result().status_code for each in asked}
    assert 503 in found
    assert found <= {200, 503}
    assert "Traceback" not in log.read_text()
