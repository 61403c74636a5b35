"""Tests of connections: time limits, size limits of heads, pipelining, disconnects."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from typing import Any, cast

import httpx
import pytest

from enn_service.server.pipelining import MAX_PIPELINED_REQUESTS
from enn_service.server.protocol import MAX_FRAMING_BYTES
from support.connections import HEAD, ROW, connect, in_flight, predicts
from support.serving import SHIPPED, serving

IDLE_SECONDS = 1
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
HEALTH = b"GET /v2/health/ready HTTP/1.1\r\nhost: x\r\n\r\n"
UPGRADE = HEALTH.replace(b"host", b"connection: upgrade\r\nupgrade: h2c\r\nhost")
PREDICT_BODY = json.dumps(ROW).encode()
PREDICT_HEAD = HEAD + b"content-length: %d\r\n\r\n" % len(PREDICT_BODY)
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(PREDICT_BODY), PREDICT_BODY)
ENDLESS = b"x" * 2**16
IDLE = 300
NO_HTTP = {
    "words": b"moon\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2 without an upgrade": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two lengths": HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "length and chunks": HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a negative length": HEAD + b"content-length: -1\r\n\r\n",
    "a chunk of no length": HEAD + b"transfer-encoding: chunked\r\n\r\nmoon\r\n",
    "a header without a colon": HEAD + b"moon\r\n\r\n",
    "a space in a header's name": HEAD + b"content length: 2\r\n\r\n{}",
    "a path that is no text": b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    "no host": b"GET /v2/health/live HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n",
    "two hosts of an older request": b"GET /v2/health/live HTTP/1.0\r\nhost: x\r\nHost: y\r\n\r\n",
    "two hosts before a body": HEAD + b"host: y\r\ncontent-length: 2\r\n\r\n{}",
    "a method of its own": b"MOON / HTTP/1.1\r\nhost: x\r\n\r\n",
}
Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="module")
def strict() -> Iterator[httpx.Client]:
    """A client of a service that waits a second for everything."""
    with serving(SHIPPED, idle_seconds=IDLE_SECONDS, head_seconds=1, deadline_seconds=1) as client:
        yield client


class Answers:
    """Adapter of a connection for HTTPResponse: it reads several responses from one buffer and closes none."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb")

    def makefile(self, _mode: str) -> "Answers":
        return self

    def close(self) -> None:
        """Keep the buffer for the next response."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def answer(connection: socket.socket | Answers) -> tuple[int, dict]:
    response = HTTPResponse(cast("socket.socket", connection))
    response.begin()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    return response.status, json.loads(response.read())


def send_pieces(connection: socket.socket, data: bytes, size: int) -> None:
    for start in range(0, len(data), size):
        connection.sendall(data[start : start + size])


def ended(connection: socket.socket) -> bool:
    """Return whether the other side has closed the connection; there is nothing more to read from it."""
    try:
        return connection.recv(2**16) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP.keys())
def test_non_http_bytes_get_error_object_and_close(strict: httpx.Client, sent: bytes) -> None:
    with connect(strict, sent) as connection:
        status, body = answer(connection)
        assert (status, list(body)) == (400, ["error"])
        assert ended(connection)
    assert predicts(strict)


def test_http_1_0_request_needs_no_host(strict: httpx.Client) -> None:
    with connect(strict, b"GET /v2/health/live HTTP/1.0\r\n\r\n") as connection:
        assert answer(connection)[0] == 200


def test_late_head_gets_408_and_idle_connection_closes(strict: httpx.Client) -> None:
    with connect(strict, HEAD) as slow, connect(strict) as silent, connect(strict, HEALTH) as kept:
        assert answer(kept)[0] == 200
        status, body = answer(slow)
        assert (status, list(body)) == (408, ["error"])
        assert all(ended(connection) for connection in (slow, silent, kept))


@pytest.mark.parametrize("before", [b"", HEALTH], ids=["first", "next"])
def test_head_has_another_time_limit_than_idle_connection(before: bytes) -> None:
    """As a proxy keeps a connection for its next request, and as a slow client sends a head."""
    with serving(SHIPPED, idle_seconds=600, head_seconds=1) as client, connect(client, before) as kept:
        answers = Answers(kept)
        assert not before or answer(answers)[0] == 200
        with connect(client, before) as slow:
            others = Answers(slow)
            assert not before or answer(others)[0] == 200
            slow.sendall(HEAD)
            assert answer(others)[0] == 408
            assert ended(slow)
        kept.sendall(HEALTH)  # idle for longer than that
        assert answer(answers)[0] == 200


def test_next_head_in_part_does_not_end_response_in_progress(strict: httpx.Client) -> None:
    with connect(strict, PREDICT_HEAD) as connection:
        connection.sendall(PREDICT_BODY[:5])
        connection.sendall(PREDICT_BODY[5:] + HEAD)
        answers = Answers(connection)
        assert answer(answers)[0] == 200
        assert answer(answers)[0] == 408


@pytest.mark.parametrize(
    ("begin", "drip"),
    [
        (b"", b"\r\n"),
        (HEAD, b"x: 1\r\n"),
        (HEAD + b"content-length: 1000000\r\n\r\n", b"{"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
    ],
    ids=["empty lines", "headers", "body", "chunks"],
)
def test_slow_body_gets_408(strict: httpx.Client, eventually: Eventually, begin: bytes, drip: bytes) -> None:
    with connect(strict, begin) as connection:

        def gone() -> bool:
            try:
                connection.sendall(drip)
            except (BrokenPipeError, ConnectionResetError):
                return True
            return False

        eventually(gone)


@pytest.mark.parametrize(
    ("begin", "endless"),
    [
        (b"GET /", ENDLESS),
        (HEAD + b"x: ", ENDLESS),
        (CHUNKED + b"1;", ENDLESS),
        (CHUNKED + b"1\r\n{\r\n0\r\nx: ", ENDLESS),
        (CHUNKED, b"1\r\n \r\n" * 10_000),
    ],
    ids=["path", "header", "extension of a chunk", "trailer", "many tiny chunks"],
)
def test_endless_head_or_chunk_framing_gets_431(strict: httpx.Client, begin: bytes, endless: bytes) -> None:
    with connect(strict, begin) as connection:
        sent = 0
        try:
            while sent < 1000 * MAX_FRAMING_BYTES:
                connection.sendall(endless)
                sent += len(endless)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 1000 * MAX_FRAMING_BYTES
    assert predicts(strict)


def test_half_closed_connection_gets_response(strict: httpx.Client) -> None:
    body = json.dumps(ROW).encode()
    with connect(strict, HEAD + b"content-length: %d\r\n\r\n" % len(body) + body) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert answer(connection)[0] == 200
        assert ended(connection)


def test_half_closed_connection_gets_response_of_asgi(strict: httpx.Client) -> None:
    with connect(strict, b"GET /v2/health/ready HTTP/1.1\r\nhost: x\r\n\r\n") as connection:
        connection.shutdown(socket.SHUT_WR)
        assert answer(connection)[0] == 200
        assert ended(connection)


@pytest.mark.parametrize("other", ["h2c", "websocket"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("pieces", [1, 40])
def test_upgrade_request_is_answered_with_http_1_1(strict: httpx.Client, other: str, framing: str, pieces: int) -> None:
    """As curl --http2 offers it with the first request of a connection."""
    body = json.dumps(ROW).encode()
    offer = f"connection: Upgrade, HTTP2-Settings\r\nUpgrade: {other}\r\nhttp2-settings: AAEAAEAAAAIAAAAB\r\n".encode()
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if framing == "chunks" else body
    length = b"transfer-encoding: chunked" if framing == "chunks" else b"content-length: %d" % len(body)
    sent = (HEAD + offer + length + b"\r\n\r\n" + framed) * 2 + HEALTH
    size = -(-len(sent) // pieces)
    with connect(strict) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(sent), size):
            connection.sendall(sent[start : start + size])
        answers = Answers(connection)
        for _ in range(2):
            assert answer(answers)[1]["predictions"][0]["label"] == -1
        assert answer(answers) == (200, {"live": True, "ready": True})


def test_connection_closed_during_body_frees_request(strict: httpx.Client) -> None:
    with connect(strict, HEAD + b"content-length: 100\r\n\r\n{") as connection:
        connection.shutdown(socket.SHUT_WR)
        assert ended(connection)


def test_pipelined_requests_are_ordered_and_bounded(strict: httpx.Client) -> None:
    paths = [b"/v2/models/ring", b"/v2/models/face", b"/v2/models/moon", b"/v2/models/product"]
    with connect(strict, *[b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n" % path for path in paths]) as connection:
        answers = Answers(connection)
        found = [answer(answers) for _ in paths]
    assert [body.get("name") for _, body in found] == ["ring", "face", None, "product"]
    assert predicts(strict)


@pytest.mark.parametrize("request_bytes", [HEALTH, UPGRADE, PREDICT_HEAD + PREDICT_BODY, CHUNKED + CHUNKS])
def test_any_number_of_pipelined_requests_is_answered(strict: httpx.Client, request_bytes: bytes) -> None:
    """In one read, in pieces that cut heads and bodies, and more than the connection's buffers hold."""
    count = 3 * MAX_PIPELINED_REQUESTS + 1
    sent = request_bytes * count
    for size in (len(sent), 1000):
        with connect(strict) as connection:
            sender = threading.Thread(target=send_pieces, args=(connection, sent, size))
            sender.start()
            answers = Answers(connection)
            assert [answer(answers)[0] for _ in range(count)] == [200] * count
            sender.join()
            connection.sendall(HEALTH)
            assert answer(answers)[0] == 200


@pytest.mark.parametrize("begin", [b"GET /v2/health/live?", HEALTH[:-2] + b"x: "], ids=["path", "header"])
@pytest.mark.parametrize("before", [b"", HEALTH], ids=["first", "next"])
def test_long_head_in_one_read_gets_431(strict: httpx.Client, begin: bytes, before: bytes) -> None:
    end = b" HTTP/1.1\r\nhost: x\r\n\r\n" if b"HTTP" not in begin else b"\r\n\r\n"
    fits, too_long = (begin + b"x" * (size - len(begin)) + end for size in (MAX_FRAMING_BYTES - 100, 70_000))
    with connect(strict, before + fits) as connection:
        answers = Answers(connection)
        assert [answer(answers)[0] for _ in range(2 if before else 1)][-1] == 200
        connection.sendall(too_long)
        assert answer(answers)[0] == 431
        assert ended(connection)


@pytest.mark.parametrize(
    "encoding", [b"gzip, chunked", b"gzip", b"identity, chunked", b"gzip\r\ntransfer-encoding: chunked"]
)
def test_transfer_coding_besides_chunked_gets_501(strict: httpx.Client, encoding: bytes) -> None:
    with connect(strict, HEAD + b"transfer-encoding: " + encoding + b"\r\n\r\n" + CHUNKS) as connection:
        status, body = answer(connection)
        assert status == 501
        assert "transfer-encoding" in body["error"]
        assert ended(connection)


def test_unread_response_is_dropped_after_timeout(strict: httpx.Client, eventually: Eventually) -> None:
    body = json.dumps({"instances": [[0.1, 0.2]] * 2000}).encode()
    ask = b"POST /v1/models/ring:explain HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    with ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((strict.base_url.host, strict.base_url.port or 80))
            connection.sendall(ask * 8)
        eventually(lambda: in_flight(strict) > 0)
        assert predicts(strict)
        eventually(lambda: in_flight(strict) == 0)
    assert predicts(strict)


def test_idle_connections_do_not_block_others(strict: httpx.Client) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(strict)) for _ in range(IDLE)]
        assert all(predicts(strict) for _ in range(10))
        assert all(ended(connection) for connection in connections)
