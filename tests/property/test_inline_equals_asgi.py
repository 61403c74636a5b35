"""Tests of inline responses: for any split of the requests, they equal those of the ASGI application byte for byte."""

import json
import random
import re
import socket
from collections.abc import Iterator, Sequence

import httpx
import pytest

from support.serving import SHIPPED, serving

SEEDS = 24
LIMIT = 1024
TENSOR = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.5, 0.25]}
V1 = [[[0.25, -0.5]], [[9.0, 0.1], [0, 1]], [["x", 1]], [], [[1e9, 0]]]
V2 = [{"inputs": [TENSOR]}, {"id": "own", "inputs": [TENSOR]}, {"inputs": [TENSOR | {"shape": [2, 2]}]}, {}]
MESSAGES = [
    *(("/v1/models/ring:predict", {"instances": rows}) for rows in V1),
    *(("/v2/models/ring/infer", body) for body in V2),
    ("/v1/models/ring:explain", {"inputs": V1[1]}),
    ("/v1/models/ring%3Apredict?a=b", {"inputs": V1[0]}),
    ("/v1/models/moon:predict", {"inputs": V1[0]}),
    ("http://x/v2/models/ring/versions/1/explain", V2[0]),
    ("/v1/models/ring:predict", {"inputs": V1[0] * LIMIT}),
    ("/v2/models/ring/infer", {"inputs": [TENSOR], "parameters": {"binary_data_output": True}}),
    ("/v2/repository/index", {}),
]
FIELDS = ["accept: */*", "x-request-id: own", "connection: keep-alive", "content-encoding: gzip", "x: " + "y" * 1024]
FIELDS += ["connection: upgrade\r\nupgrade: h2c", "inference-header-content-length: 9", "expect: 100-continue"]
OTHERS = [f"{verb} /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n".encode() for verb in ("GET", "HEAD", "PUT")]
TRAILER = b"0\r\nx-request-id: trailer\r\ncontent-encoding: gzip\r\nexpect: 100-continue\r\n\r\n"
LAST = ["HTTP/1.0", "HTTP/1.0\r\nconnection: keep-alive", "HTTP/1.1\r\nconnection: close"]
VARYING = re.compile(rb"date: [^\r]*|[0-9a-f]{16}-[0-9]+")
COUNTED = re.compile(
    r"(?m)^(?!.*(?:seconds_sum|seconds_bucket|stage_seconds|_ns|duration|bytes|loads|start|process|created|#)).*$"
)


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """The service with its inline stage, and without."""
    with serving(SHIPPED, max_body_bytes=LIMIT) as inline, serving(SHIPPED, max_body_bytes=LIMIT, inline=False) as asgi:
        yield inline, asgi


def request(chance: random.Random, version: str = "HTTP/1.1") -> bytes:
    """Return a random request, mostly one of a few, so that heads repeat."""
    if chance.random() < 0.1 and version == "HTTP/1.1":
        return chance.choice(OTHERS)
    path, message = MESSAGES[0] if version != "HTTP/1.1" or chance.random() < 0.4 else chance.choice(MESSAGES)
    body = json.dumps(message).encode()
    field = f"{chance.choice(FIELDS)}\r\n" if chance.random() < 0.3 and version == "HTTP/1.1" else ""
    head = f"POST {path} {version}\r\nhost: x\r\n{field}".encode()
    if chance.random() < 0.1 and version != LAST[0]:
        return head + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n%b" % (len(body), body, TRAILER)
    return head + b"content-length: %d\r\n\r\n%b" % (len(body), body)


def pieces(chance: random.Random) -> Iterator[bytes]:
    """Yield requests, the last of which ends the connection: whole, together, or cut where it may be."""
    waiting = b""
    for index in range(12):
        waiting += chance.choice([b"", b"", b"\r\n"]) + request(
            chance, LAST[chance.randrange(3)] if index == 11 else "HTTP/1.1"
        )
        way = chance.random()
        if way < 0.4:
            yield waiting
            waiting = b""
        elif way < 0.7:
            cut = chance.randrange(1, len(waiting))
            yield waiting[:cut]
            waiting = waiting[cut:]
    yield waiting


def answers(client: httpx.Client, sent: Sequence[bytes]) -> bytes:
    """Return all bytes received on one connection; the server reads each piece before the next one is sent."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=30) as own:
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in sent:
            own.sendall(piece)
            client.get("/v2/health/live").raise_for_status()
        return VARYING.sub(b"", b"".join(iter(lambda: own.recv(65536), b"")))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_inline_responses_equal_those_through_asgi(services: tuple[httpx.Client, httpx.Client], seed: int) -> None:
    sent = [piece for piece in pieces(random.Random(seed)) if piece]
    inline, asgi = (answers(client, sent) for client in services)
    assert inline == asgi
    assert inline.count(b"HTTP/1.1 ") >= 12


def test_inline_responses_are_counted_like_those_through_asgi(
    services: tuple[httpx.Client, httpx.Client],
) -> None:
    sent = [piece for piece in pieces(random.Random(SEEDS)) if piece]
    counts = []
    for client in services:
        before = COUNTED.findall(client.get("/metrics").text)
        answers(client, sent)
        counts.append((before, COUNTED.findall(client.get("/metrics").text)))
    assert counts[0] == counts[1]
    assert counts[0][0] != counts[0][1]


@pytest.mark.parametrize(
    "framing",
    [
        b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n",
        b"content-length: " + b"0" * 5000 + b"%d\r\n\r\n%b",
        b"content-length: %d\r\n\r\n%b",
    ],
    ids=["in chunks", "with many zeros", "as usual"],
)
@pytest.mark.parametrize(("rows", "status"), [(1, b"200"), (LIMIT, b"413")])
def test_body_limit_holds_for_every_framing(
    services: tuple[httpx.Client, httpx.Client], framing: bytes, rows: int, status: bytes
) -> None:
    body = json.dumps({"instances": [[0.25, -0.5]] * rows}).encode()
    sent = b"POST /v1/models/ring:predict HTTP/1.1\r\nhost: x\r\n" + framing % (len(body), body)
    last = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    for client in services:
        assert answers(client, [sent, last]).startswith(b"HTTP/1.1 " + status)
