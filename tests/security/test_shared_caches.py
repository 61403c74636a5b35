"""Tests of responses in shared caches: their headers, and a Varnish with its default configuration."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from support.serving import SHIPPED, command, free_port, serving

KEY = {"x-api-key": "spring"}
DIGEST = hashlib.sha256(b"spring").hexdigest()
KEYED = (
    "/v1/models",
    "/v2/models/ring",
    "/v1/models/ring/activations",
    "/metrics",
    "/v2/models/stats",
    "/openapi.json",
)
HEALTH = ("/v2/health/live", "/v2/health/ready", "/")
UNCACHED = ("no-store", "private, no-cache")


@pytest.fixture(scope="module")
def guarded() -> Iterator[httpx.Client]:
    """A client, without a key, of a service that requires one."""
    with serving(SHIPPED, api_keys=(DIGEST,)) as client:
        yield client


def varied(reply: httpx.Response) -> set[str]:
    return {name.strip() for name in reply.headers.get("vary", "").lower().split(",")}


@pytest.mark.parametrize("path", [*KEYED, "/v2/models/moon", "/v1/models/ring:predict"])
def test_no_shared_cache_may_store_response_to_key(guarded: httpx.Client, path: str) -> None:
    for reply in (guarded.get(path, headers=KEY), guarded.get(path), guarded.head(path, headers=KEY)):
        assert reply.headers["cache-control"] in UNCACHED
        assert {"x-api-key", "authorization"} <= varied(reply)


def test_unchanged_response_keeps_its_cache_headers(guarded: httpx.Client) -> None:
    path = "/v1/models/ring/activations"
    etag = guarded.get(path, headers=KEY).headers["etag"]
    reply = guarded.get(path, headers=KEY | {"if-none-match": etag})
    assert (reply.status_code, reply.headers["cache-control"]) == (304, "private, no-cache")
    assert "x-api-key" in varied(reply)


@pytest.mark.parametrize("path", HEALTH)
def test_health_is_stored_by_no_cache(guarded: httpx.Client, path: str) -> None:
    assert guarded.get(path).headers["cache-control"] == "no-store"


@pytest.mark.skipif(shutil.which("varnishd") is None, reason="Varnish is not installed: install the package varnish")
def test_default_varnish_leaks_nothing_and_caches_no_readiness(
    tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    port, front = free_port(), free_port()
    start = ["varnishd", "-F", "-n", str(tmp_path / "varnish"), "-a", f"127.0.0.1:{front}", "-b", f"127.0.0.1:{port}"]
    with (tmp_path / "varnish.log").open("wb") as output:
        varnish = subprocess.Popen([*start, "-s", "malloc,16m"], stdout=output, stderr=output)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{front}", timeout=30) as cached:
            with command(SHIPPED, tmp_path / "log", workers=1, port=port, api_keys=DIGEST):
                eventually(lambda: _is_ready(cached))
                for path in KEYED:
                    assert cached.get(path, headers=KEY).status_code == 200
                    assert cached.get(path).status_code == 401
                assert "varnish" in cached.get("/v2/health/ready").headers["via"]
            eventually(lambda: not _is_ready(cached))
    finally:
        varnish.terminate()
        varnish.wait(30)


def _is_ready(cached: httpx.Client) -> bool:
    """Return True if readiness through the cache is 200 in two successive looks."""
    try:
        return all(cached.get("/v2/health/ready").status_code == 200 for _ in range(2))
    except httpx.TransportError:
        return False
