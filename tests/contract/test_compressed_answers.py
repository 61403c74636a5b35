"""Tests of compressed answers: who gets them, and which."""

import gzip
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
import zstandard

from support.serving import SHIPPED, serving

EXPLAIN = "/v1/models/ring:explain"
ROWS = {"instances": np.random.default_rng(0).uniform(-1, 1, (300, 2)).tolist()}
INFER = "/v2/models/ring/infer"


@pytest.fixture
def raw(client: httpx.Client) -> Iterator[httpx.Client]:
    """A client that accepts no compression by itself."""
    with httpx.Client(base_url=client.base_url, headers={"accept-encoding": ""}) as result:
        yield result


def read(
    client: httpx.Client, accepted: str, method: str = "POST", path: str = EXPLAIN, json: object = None
) -> tuple[httpx.Headers, bytes]:
    """Return the headers and the bytes of an answer as they came."""
    with client.stream(method, path, headers={"accept-encoding": accepted}, json=json) as reply:
        assert reply.status_code == 200
        return reply.headers, b"".join(reply.iter_raw())


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, GZIP", "gzip"),
        ("zstd;q=0, *;q=0.1", "gzip"),
        ("br", None),
        ("gzip;q=0", None),
        ("gzip;q=x", None),
        ("identity, gzip;q=0.5", None),
        ("", None),
    ],
)
def test_large_answer_has_the_coding_that_is_accepted(raw: httpx.Client, accepted: str, coding: str | None) -> None:
    plain, wanted = read(raw, "identity", json=ROWS)
    headers, body = read(raw, accepted, json=ROWS)
    assert headers.get("content-encoding") == coding
    assert plain["vary"] == headers["vary"] == "accept-encoding"
    assert ("content-length" in headers) == (coding is None)
    assert len(wanted) > 2**16
    assert coding is None or len(body) < len(wanted) / 2
    unpack = {
        "gzip": gzip.decompress,
        "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    }
    assert unpack.get(coding or "", bytes)(body) == wanted


def test_answer_of_many_blocks_is_complete(raw: httpx.Client) -> None:
    rows = {"instances": np.random.default_rng(1).uniform(-1, 1, (6000, 2)).tolist()}
    _, wanted = read(raw, "identity", json=rows)
    _, body = read(raw, "gzip", json=rows)
    assert len(wanted) > 2**21
    assert gzip.decompress(body) == wanted


def test_small_answers_and_tensors_as_bytes_are_not_compressed(raw: httpx.Client) -> None:
    headers, _ = read(raw, "gzip", json={"instances": ROWS["instances"][:1]})
    assert "content-encoding" not in headers
    assert "vary" not in headers
    data = np.zeros((20_000, 2), np.float32).tobytes()
    reply = raw.post(INFER, content=data, headers={"inference-header-content-length": "0", "accept-encoding": "gzip"})
    assert len(reply.content) > 2**16
    headers = reply.headers
    assert "content-encoding" not in headers


def test_pages_are_compressed_and_revalidated(raw: httpx.Client) -> None:
    path = "/v1/models/ring/surface?x=x0&y=x1&points=101&bumps=true"
    plain, wanted = read(raw, "identity", "GET", path)
    headers, body = read(raw, "gzip", "GET", path)
    assert gzip.decompress(body) == wanted
    assert headers["etag"] == f"W/{plain['etag']}"
    assert "accept-encoding" in headers.get_list("vary")
    head = raw.head(path, headers={"accept-encoding": "gzip"})
    assert head.headers["content-length"] == str(len(wanted))
    assert "accept-encoding" in head.headers.get_list("vary")
    for tag in (headers["etag"], plain["etag"]):
        assert raw.get(path, headers={"accept-encoding": "gzip", "if-none-match": tag}).status_code == 304


def test_compression_can_be_turned_off() -> None:
    with serving(SHIPPED, compression=False) as client:
        headers, _ = read(client, "gzip", json=ROWS)
    assert "content-encoding" not in headers
    assert "vary" not in headers
