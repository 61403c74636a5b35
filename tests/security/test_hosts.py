"""Tests of the accepted host names, against DNS rebinding."""

import json
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest

from enn_service.http.hosts import AllowedHosts, allowed_hosts
from enn_service.settings import Settings
from support.connections import ROW, connect
from support.serving import SHIPPED, address_of, command, serving

REBOUND = "rebound.example.com"
BODY = json.dumps(ROW).encode()


@pytest.fixture(scope="module")
def named() -> Iterator[httpx.Client]:
    """A client of a service that accepts two names."""
    with serving(SHIPPED, allowed_hosts="enn.example.org, *.models.example.org") as client:
        yield client


def status(connection: socket.socket, method: str, path: str, host: str) -> int:
    """Return the status of the response to a request over a connection that stays open."""
    body = BODY if method == "POST" else b""
    head = f"{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    response = HTTPResponse(connection)
    response.begin()
    text = response.read()
    assert response.status == 200 or "ENN_ALLOWED_HOSTS" in json.loads(text)["error"]
    return response.status


@pytest.mark.parametrize(
    ("names", "accepted", "refused"),
    [
        (("*",), ("enn.example.org", REBOUND), ()),
        (("local",), ("enn", "x:8080", "app.localhost", "ENN."), (REBOUND, "localhost.example.com", "1.2.3.4.example")),
        (
            ("Enn.example.org",),
            ("enn.EXAMPLE.org:80", "enn.example.org."),
            ("enn", "a.enn.example.org", "enn.example.or"),
        ),
        (
            ("*.example.org",),
            ("a.example.org", "a.b.example.org:1"),
            ("example.org", "aexample.org", "a.example.org.b.c"),
        ),
    ],
)
def test_names_are_accepted_as_declared(
    names: tuple[str, ...], accepted: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    hosts = AllowedHosts(names)
    always = ("localhost", "localhost:8080", "127.0.0.1", "10.0.0.7:80", "[::1]", "[fe80::1]:8080")
    assert [host for host in (*accepted, *always) if not hosts.allow({b"host": host.encode()})] == []
    assert [host for host in refused if hosts.allow({b"host": host.encode()})] == []
    assert hosts.allow({}) is hosts.allow({b"host": b""}) is True  # no browser leaves the host out


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/models/ring:predict"), ("POST", "/v2/repository/index"), ("GET", "/v2/health/ready")],
)
def test_request_with_another_host_gets_421(named: httpx.Client, method: str, path: str) -> None:
    """Before ASGI and in it, also after a request with an accepted host on the same connection."""
    with connect(named) as connection:
        for host in ("enn.example.org", "a.models.example.org:443", "127.0.0.1"):
            assert [status(connection, method, path, name) for name in (host, host, REBOUND, host)] == [
                200,
                200,
                421,
                200,
            ]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ("local",)),
        ({"host": "localhost"}, ("local",)),
        ({"host": "::1"}, ("local",)),
        ({"host": "0.0.0.0"}, ("*",)),
        ({"api_keys": ["0" * 64]}, ("*",)),
        ({"allowed_hosts": ["enn.example.org"]}, ("enn.example.org",)),
    ],
)
def test_default_depends_on_address_and_keys(settings: dict, names: tuple[str, ...]) -> None:
    assert allowed_hosts(Settings(**settings)) == names


@pytest.mark.parametrize("name", ["", "http://enn.example.org", "enn.example.org:80", "*.", "a*b", "[::1]"])
def test_setting_refuses_what_is_no_host_name(name: str) -> None:
    with pytest.raises(ValueError, match="allowed_hosts"):
        Settings.model_validate({"allowed_hosts": name})


def test_command_on_loopback_refuses_rebound_name(
    tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    with command(SHIPPED, tmp_path / "log", workers=1) as process:
        address = address_of(process, tmp_path / "log", 1, eventually)
        with httpx.Client(base_url=address) as client, connect(client) as connection:
            found = [status(connection, "GET", "/v1/models", host) for host in ("localhost", "enn", REBOUND)]
    assert found == [200, 200, 421]
