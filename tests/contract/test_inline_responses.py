"""Tests of inline responses: pieces, order and earlier requests of a connection change no response."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any, cast

import httpx
import pytest

from enn_service.server import protocol as served
from enn_service.server.inline import MAX_CACHED_HEAD, MAX_INLINE_BODY

PATH = "/v1/models/ring:predict"
ROWS = [[[0.25, -0.5]], [[0.75, -0.5]], [[0.25, 0.75]]]


def request(rows: object, path: str = PATH, **headers: str) -> bytes:
    body = json.dumps({"instances": rows}).encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body


class Connection:
    """Connection whose server has read each piece before the next one is sent."""

    def __init__(self, client: httpx.Client, own: socket.socket) -> None:
        self._client, self._own, self._file = client, own, own.makefile("rb")

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._own.sendall(piece)
            self._client.get("/v2/health/live").raise_for_status()

    def response(self) -> tuple[int, Any, str]:
        """Return status, body and request ID of the next response."""
        message = HTTPResponse(cast("socket.socket", self))
        message.begin()
        return message.status, json.loads(message.read()), message.headers["x-request-id"]

    def makefile(self, _mode: str) -> "Connection":
        return self

    def close(self) -> None:
        """Keep the file open for the next response."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.fixture
def connection(client: httpx.Client) -> Iterator[Connection]:
    with _connected(client) as connection:
        yield connection


@contextmanager
def _connected(client: httpx.Client) -> Iterator[Connection]:
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=30) as own:
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Connection(client, own)


def expected(client: httpx.Client, rows: object) -> Any:
    return client.post(PATH, json={"instances": rows}).json()


ONE = request(ROWS[0])
CHUNKS = b'transfer-encoding: chunked\r\n\r\n10\r\n{"instances":[[0\r\ne\r\n.25, -0.5]]}  \r\n0\r\n\r\n'
PIECES = {
    "whole": [ONE],
    "head, then body": [ONE[:-20], ONE[-20:]],
    "half a head, then the rest": [ONE[:30], ONE[30:]],
    "byte by byte": [bytes([byte]) for byte in ONE[-40:]],
    "after empty lines": [b"\r\n\r\n" + ONE],
    "with spaces around the body's end": [request(ROWS[0], accept="*/*")],
    "in chunks": [f"POST {PATH} HTTP/1.1\r\nhost: x\r\n".encode() + CHUNKS],
    "with a long head": [request(ROWS[0], x="y" * MAX_CACHED_HEAD)],
    "in capitals": [ONE.replace(b"content-length", b"CONTENT-LENGTH")],
    "with a query": [request(ROWS[0], f"{PATH}?a=b")],
}
PIECES["byte by byte"].insert(0, ONE[:-40])


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES.keys())
def test_response_does_not_depend_on_the_pieces_of_a_request(
    client: httpx.Client, connection: Connection, pieces: Sequence[bytes]
) -> None:
    for _ in range(3):
        connection.send(*pieces)
        assert connection.response()[:2] == (200, expected(client, ROWS[0]))


def test_equal_heads_get_responses_to_their_own_bodies(client: httpx.Client, connection: Connection) -> None:
    request_ids = set()
    for rows in ROWS * 3:
        connection.send(request(rows))
        status, body, request_id = connection.response()
        assert (status, body) == (200, expected(client, rows))
        request_ids.add(request_id)
    assert len(request_ids) == 9
    connection.send(request(ROWS[0], **{"x-request-id": "mine"}))
    assert connection.response()[2] == "mine"


def test_pipelined_requests_are_answered_in_order(client: httpx.Client, connection: Connection) -> None:
    bad, large = request([["x", 1]]), request(ROWS[2] * 5000)
    connection.send(ONE, ONE, request(ROWS[1]) + bad + large + ONE + request(ROWS[2])[:50], request(ROWS[2])[50:])
    found = [connection.response()[:2] for _ in range(7)]
    single = [expected(client, rows) for rows in ROWS]
    assert [status for status, _ in found] == [200, 200, 200, 400, 200, 200, 200]
    assert [body for _, body in found[:3]] == [single[0], single[0], single[1]]
    assert len(found[4][1]["predictions"]) == 5000
    assert [body for _, body in found[5:]] == [single[0], single[2]]


def test_cached_head_inside_another_request_is_not_answered(client: httpx.Client, connection: Connection) -> None:
    connection.send(ONE)
    assert connection.response()[1] == expected(client, ROWS[0])
    connection.send(b"POST /v1/models/moon:predict HTTP/1.1\r\nx: ", ONE)
    assert connection.response()[0] == 404
    connection.send(ONE)
    assert connection.response()[1] == expected(client, ROWS[0])
    body = b'{"instances": "' + ONE.replace(b'"', b"'").replace(b"\r\n", b"  ")
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body) + 2}\r\n\r\n".encode()
    connection.send(head + body, b'"}')
    assert connection.response()[0] == 400


def test_large_or_late_body_is_read_completely(client: httpx.Client, connection: Connection) -> None:
    body = json.dumps({"instances": ROWS[0]}).encode() + b" " * MAX_INLINE_BODY
    large = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    connection.send(large[:200], large[200:-1], large[-1:])
    assert connection.response()[:2] == (200, expected(client, ROWS[0]))


def test_expect_100_continue_gets_interim_response(client: httpx.Client, connection: Connection) -> None:
    whole = request(ROWS[0], expect="100-continue")
    head, body = whole.split(b"\r\n\r\n")
    connection.send(head + b"\r\n\r\n")
    assert connection.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert connection.readline() == b"\r\n"
    connection.send(body)
    assert connection.response()[:2] == (200, expected(client, ROWS[0]))


@pytest.mark.parametrize(("version", "tokens"), [("1.1", "upgrade"), ("1.1", "upgrade, close"), ("1.0", "upgrade")])
def test_upgrade_request_is_answered_with_http_1_1(
    client: httpx.Client, connection: Connection, version: str, tokens: str
) -> None:
    offer = request(ROWS[0], connection=tokens, upgrade="h2c").replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    connection.send(offer[:100], offer[100:])
    assert connection.response()[:2] == (200, expected(client, ROWS[0]))


def test_request_during_shutdown_is_answered_and_closes_the_connection(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[served.HTTPProtocol] = []
    begin = served.HTTPProtocol.connection_made
    monkeypatch.setattr(served, "CLOSE_GRACE_SECONDS", 30)
    monkeypatch.setattr(
        served.HTTPProtocol, "connection_made", lambda self, transport: (made.append(self), begin(self, transport))
    )
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=10) as own:
        own.sendall(ONE)
        assert own.recv(65536).startswith(b"HTTP/1.1 200")
        made[0].loop.call_soon_threadsafe(made[0].shutdown)
        client.get("/v2/health/live").raise_for_status()
        own.sendall(ONE)
        assert b"\r\nconnection: close\r\n" in b"".join(iter(lambda: own.recv(65536), b""))


def test_empty_lines_are_limited_per_request(
    client: httpx.Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 2 * len(ONE)  # more than any one head here
    monkeypatch.setattr(served, "MAX_FRAMING_BYTES", limit)
    for _ in range(limit):
        connection.send(b"\r\n", ONE)
        assert connection.response()[0] == 200
