"""Tests of access control: API keys, requests in flight, slow bodies."""

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPResponse

import httpx
import pytest
from pydantic import ValidationError

from enn_service.settings import Settings
from support.serving import SHIPPED, serving

ROW = {"instances": [[0.1, 0.2]]}
KEYS = ("spring", "autumn")
FEW = 3
Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="module")
def guarded() -> Iterator[httpx.Client]:
    """A client, without a key, of a service that takes two keys."""
    with serving(SHIPPED, api_keys=tuple(hashlib.sha256(key.encode()).hexdigest() for key in KEYS)) as client:
        yield client


@pytest.fixture
def narrow() -> Iterator[httpx.Client]:
    """A client of a service that answers FEW requests at once and waits half a second for a body."""
    with serving(SHIPPED, max_in_flight=FEW, deadline_seconds=0.5) as client:
        yield client


def header(key: str) -> list[dict[str, str]]:
    return [{"x-api-key": key}, {"authorization": f"Bearer {key}"}, {"authorization": f"bearer {key}"}]


@pytest.mark.parametrize("key", KEYS)
def test_every_api_key_authorizes_every_endpoint(guarded: httpx.Client, key: str) -> None:
    for headers in header(key):
        assert guarded.post("/v1/models/ring:predict", json=ROW, headers=headers).status_code == 200
        assert guarded.get("/v2/models/ring", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", [{}, *header("moon"), {"x-api-key": ""}, {"authorization": "Basic spring"}])
def test_without_key_only_health_and_explorer_files_answer(guarded: httpx.Client, headers: dict[str, str]) -> None:
    for reply in (
        guarded.post("/v1/models/ring:predict", json=ROW, headers=headers),
        guarded.post("/v2/repository/index", headers=headers),
        *(
            guarded.get(path, headers=headers)
            for path in ("/v2/models/ring", "/openapi.json", "/metrics", "/moon", "/v1/models/ring/activations")
        ),
    ):
        assert reply.status_code == 401
        assert list(reply.json()) == ["error"]
        assert reply.headers["www-authenticate"] == "Bearer"
    pages = ("/explorer", "/explorer/app.js", "/docs", "/static-offline-docs/swagger-ui.css")
    for path in ("/", "/v2/health/live", "/v2/health/ready", *pages):
        assert guarded.get(path, headers=headers).status_code == 200


def test_settings_refuse_plain_text_key_without_repeating_it() -> None:
    with pytest.raises(ValidationError, match="keys") as error:
        Settings(api_keys=("spring",))
    assert "spring" not in str(error.value)


def slow(client: httpx.Client) -> socket.socket:
    """Return a connection that has announced a body and does not send it."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port or 80))
    connection.sendall(b"POST /v1/models/ring:predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
    return connection


def answer(connection: socket.socket) -> tuple[int, bytes]:
    response = HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


def test_excess_requests_get_503_while_health_answers(narrow: httpx.Client, eventually: Eventually) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(slow(narrow)) for _ in range(FEW)]
        eventually(lambda: narrow.post("/v1/models/ring:predict", json=ROW).status_code == 503)
        reply = narrow.post("/v1/models/ring:predict", json=ROW)
        health, other = narrow.get("/v2/health/ready"), narrow.get("/v2/models/ring")
        late = [answer(connection) for connection in connections]
    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) > 0
    assert f"{FEW} requests are being answered" in reply.json()["error"]
    assert (health.status_code, other.status_code) == (200, 503)
    assert late == [(408, b'{"error":"the body did not come within 0.5 s"}')] * FEW
    eventually(lambda: narrow.post("/v1/models/ring:predict", json=ROW).status_code == 200)


def test_every_response_has_nosniff_header(client: httpx.Client) -> None:
    for reply in (client.get("/"), client.get("/moon"), client.post("/v1/models/ring:predict", json=ROW)):
        assert reply.headers["x-content-type-options"] == "nosniff"
