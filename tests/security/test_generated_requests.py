"""Tests with generated requests: documented paths, binary framing and malformed HTTP.

No request gets a 5xx or hangs, every refusal is {"error": text}, and no response shows internals.
"""

import gzip
import io
import json
import os
import re
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from support.serving import SHIPPED, TOKEN, address_of, command

EXAMPLES = int(os.environ.get("ENN_FUZZ_EXAMPLES", "5"))
"""Requests for each documented path, right and wrong ones apart; of the two other kinds ten times as many."""
GROWTH_BYTES = 20 * 2**20
TIMEOUT_SECONDS = 20
"""Nothing is to be waited for: what takes so long hangs."""
MODELS = ("ring", "breast-cancer", "product", "moon")
INSIDE = ("Traceback", 'File "', "site-packages", "enn_service", str(SHIPPED), TOKEN)
Eventually = Callable[[Callable[[], bool]], None]

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
few = settings(max_examples=EXAMPLES, database=None, suppress_health_check=SLOW)
many = settings(few, max_examples=10 * EXAMPLES)


@dataclass(frozen=True)
class Service:
    """A service in a process of its own."""

    address: str
    process: int

    @property
    def memory(self) -> int:
        """Bytes of the process that are in memory."""
        status = Path(f"/proc/{self.process}/status").read_text()
        return 1024 * int(cast("re.Match[str]", re.search(r"VmRSS:\s+(\d+)", status))[1])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, eventually: Eventually) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("service") / "log"
    with command(SHIPPED, log, workers=1, token=None, deadline_seconds=TIMEOUT_SECONDS / 2) as process:
        result = Service(address_of(process, log, 1, eventually), process.pid)
        with httpx.Client(base_url=result.address) as client:
            for path in ("/docs", "/openapi.json", "/metrics", "/v2/models/ring"):
                assert client.get(path).status_code == 200
            before = result.memory
            yield result
            assert client.post("/v1/models/ring:predict", json={"instances": [[0.1, 0.2]]}).status_code == 200
            assert result.memory - before < GROWTH_BYTES
    assert "Traceback" not in log.read_text()


def check(status: int, content_type: str | None, body: bytes) -> None:
    """Check what every reply is."""
    # 501 is the status for an unknown transfer coding (RFC 9112, section 6.1).
    assert status < 500 or status == 501, body
    assert not any(word in body.decode("utf-8", "replace") for word in INSIDE), body
    if status >= 400:
        assert content_type == "application/json"
        error = json.loads(body)
        assert list(error) == ["error"]
        assert isinstance(error["error"], str)


def test_generated_requests_to_documented_paths_never_get_5xx(service: Service) -> None:
    document = schemathesis.openapi.from_url(f"{service.address}/openapi.json")
    sent = 0
    found: Any
    for found in document.get_all_operations():
        operation = found.ok()
        modes = list(GenerationMode) if operation.body else [GenerationMode.POSITIVE]
        for mode in modes:

            @few
            @given(operation.as_strategy(generation_mode=mode), st.sampled_from((None, *MODELS)))
            def ask(case: Any, model: str | None) -> None:
                nonlocal sent
                sent += 1
                if model and "model" in case.path_parameters:
                    case.path_parameters["model"] = model
                reply = case.call(base_url=service.address, timeout=TIMEOUT_SECONDS)
                check(reply.status_code, reply.headers["content-type"][0], reply.content)

            ask()
    assert sent > EXAMPLES * 20


SIZES = st.sampled_from([16, 15, 17, 0, -1, 2**31, 2**64, 16.0, "16", None, True, []])
SHAPES = st.sampled_from(
    [[2, 2], [1, 2], [4], [0, 2], [2, 2, 1], [-1, 2], [2**31, 2**33], ["2", 2], [2.0, 2], [True, 2], [], None, {}]
)
TYPES = st.sampled_from(["FP32", "FP64", "FP16", "INT8", "UINT64", "BOOL", "BYTES", "FP8", "", None, 7])
CHOICES = st.sampled_from([True, False, None, 1, "yes", {}])
NUMBERS = (0.25, -0.5, 0.0, 1.0, -0.0, 1e-45, 3e38, float("nan"), float("inf"))
TAILS = (
    st.lists(st.sampled_from(NUMBERS), max_size=8).map(lambda values: struct.pack(f"<{len(values)}f", *values))
    | st.lists(st.binary(max_size=4), max_size=5).map(
        lambda texts: b"".join(struct.pack("<I", len(t)) + t for t in texts)
    )
    | st.binary(max_size=40)
)
TENSORS = st.fixed_dictionaries(
    {"name": st.sampled_from(["input", "output", "", None]), "shape": SHAPES, "datatype": TYPES},
    optional={
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": SIZES}) | st.none(),
        "data": st.sampled_from([[1, 2, 3, 4], [[1, 2], [3, 4]], [], None, "AAAA", [None] * 4]),
    },
)
GOOD = st.just(
    {"name": "input", "shape": [2, 2], "datatype": "FP32", "parameters": {"binary_data_size": 16}},
)
OUTPUTS = st.fixed_dictionaries(
    {"name": st.sampled_from(["output", "bumps", "pre_activation", "harmonics", "moon", None])},
    optional={
        "parameters": st.fixed_dictionaries(
            {}, optional={"binary_data": CHOICES, "classification": st.sampled_from([1, 2, 0, -1, 2**70, "1", None])}
        )
    },
)
HEADS = st.fixed_dictionaries(
    {"inputs": st.lists(GOOD | TENSORS, max_size=2)},
    optional={
        "id": st.text(max_size=8) | st.integers(),
        "outputs": st.lists(OUTPUTS, max_size=3),
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_output": CHOICES}),
    },
).map(lambda body: json.dumps(body).encode())
LENGTHS = st.sampled_from(
    ["right", "right", "right", "0", "1", "-1", "+1", "less", "more", "9" * 30, "moon", "1e3", ""]
)
ENCODINGS = {
    "": lambda body: body,
    "identity": lambda body: body,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "x-gzip": lambda body: body,
    "br": lambda body: body,
}


@pytest.mark.parametrize("verb", ["infer", "explain"])
def test_generated_binary_framing_never_gets_5xx(service: Service, verb: str) -> None:
    with httpx.Client(base_url=service.address, timeout=TIMEOUT_SECONDS) as client:

        @many
        @given(HEADS, TAILS, LENGTHS, st.sampled_from(list(ENCODINGS)), st.sampled_from(MODELS))
        def ask(head: bytes, tail: bytes, length: str, encoding: str, model: str) -> None:
            declared = {"right": str(len(head)), "less": str(len(head) - 1), "more": str(len(head) + 1)}.get(
                length, length
            )
            headers = {"inference-header-content-length": declared}
            if encoding:
                headers["content-encoding"] = encoding
            body = ENCODINGS[encoding](head + tail)
            reply = client.post(f"/v2/models/{model}/{verb}", content=body, headers=headers)
            check(reply.status_code, reply.headers.get("content-type"), reply.content)

        ask()


WHOLE = (
    b'POST /v1/models/ring:predict HTTP/1.1\r\nhost: x\r\ncontent-length: 25\r\n\r\n{"instances":[[0.1,0.2]]}',
    b"POST /v2/models/ring/infer HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"GET /v2/models/ring HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\n\r\n",
    b"POST /v2/repository/index HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
    b"GET /docs HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n",
)
PIECES = st.sampled_from(
    [b"\r\n", b"\n", b"\0", b":", b" ", b"\xff", b"%", b"%00", b"/", b"..", b"HTTP/2", b"999999999999"]
)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """Return a request, or two, with something put in, cut out or changed."""
    sent = b"".join(draw(st.lists(st.sampled_from(WHOLE), min_size=1, max_size=2)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(sent)))
        cut = draw(st.sampled_from([0, 0, 1, 2, 20, len(sent)]))
        sent = sent[:start] + draw(PIECES | st.binary(max_size=3)) + sent[start + cut :]
    return sent


class Received(io.BytesIO):
    """What came on a connection, where a reply that is read to its end leaves what follows."""

    def makefile(self, *_: object) -> "Received":
        return self

    def close(self) -> None:
        pass


def replies(received: bytes) -> Iterator[tuple[int, str | None, bytes]]:
    """Yield the replies in what came on a connection."""
    stream = Received(received)
    while stream.tell() < len(received):
        response = HTTPResponse(cast("socket.socket", stream))
        response.begin()
        yield response.status, response.headers["content-type"], response.read()


def test_generated_bytes_never_break_the_service(service: Service) -> None:
    url = httpx.URL(service.address)

    @many
    @given(spoiled())
    def ask(sent: bytes) -> None:
        received = b""
        with socket.create_connection((url.host, url.port or 80), timeout=TIMEOUT_SECONDS) as connection:
            try:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                while data := connection.recv(2**16):
                    received += data
            except (BrokenPipeError, ConnectionResetError):
                pass  # ended before all of it was sent or read
            except TimeoutError:
                pytest.fail(f"{sent!r} is waited for")
        try:
            for reply in replies(received):
                check(*reply)
        except HTTPException as error:
            raise AssertionError(f"{sent!r} got {received!r}") from error

    ask()
