"""The steps of a call: the timeout of the whole call, pauses, and pieces."""

import asyncio

import httpx
import orjson
import pytest

from enn_service.client import AsyncClient, Client, UnavailableError, UnreachableError
from support.scripted import Reply, answering, dripping

ROWS = [[0.1, 0.2], [0.5, -0.1]]


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nx-pad:", b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"])
def test_timeout_ends_a_response_that_comes_bytewise(start: bytes) -> None:
    async def ask(url: str) -> None:
        async with AsyncClient(url, timeout=0.2) as client:
            await client.predict("ring", ROWS)

    with dripping(start) as url, Client(url, timeout=0.2) as client:
        with pytest.raises(UnreachableError, match=f"{url}.*timed out"):
            client.predict("ring", ROWS)
        with pytest.raises(UnreachableError, match=f"{url}.*timed out"):
            asyncio.run(ask(url))


def test_timeout_bounds_a_transport_of_the_caller_too() -> None:
    start = b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"
    with (
        dripping(start) as url,
        Client(url, timeout=0.2, transport=httpx.HTTPTransport()) as client,
        pytest.raises(UnreachableError, match="timed out"),
    ):
        client.predict("ring", ROWS)


@pytest.mark.parametrize("pause", ["30", "Tue, 01 Dec 2099 00:00:00 GMT"])
def test_pause_beyond_the_timeout_ends_the_call_with_the_refusal(pause: str) -> None:
    async def ask(url: str) -> None:
        async with AsyncClient(url, timeout=5) as client:
            await client.predict("ring", ROWS)

    busy = (503, {"Retry-After": pause}, b'{"error": "busy"}')
    with answering(busy) as script, Client(script.url, timeout=5) as client:
        with pytest.raises(UnavailableError, match="busy"):
            client.predict("ring", ROWS)
        with pytest.raises(UnavailableError, match="busy"):
            asyncio.run(ask(script.url))
        assert len(script.requests) == 2


def test_proxy_without_a_named_limit_gets_halves_of_one_version() -> None:
    def reply(headers: dict[str, str], body: bytes) -> Reply:
        if not body:
            return 200, {}, b'{"versions": ["1", "2"]}'
        rows = orjson.loads(body)["instances"]
        if len(rows) > 3:
            return 413, {}, b"<h1>413 Request Entity Too Large</h1>"
        return 200, {}, orjson.dumps({"predictions": [row[0] for row in rows]})

    with answering(reply) as script, Client(script.url) as client:
        assert client.predict("ring", [[number, 0] for number in range(10)]) == list(range(10))
    asked = [path for path, _, body in script.requests if body]
    assert asked == ["/v1/models/ring:predict"] + 6 * ["/v1/models/ring/versions/2:predict"]
