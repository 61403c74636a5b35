"""Bound sockets: all addresses of a host, one port, and errors that name the cause."""

import socket

import pytest

from enn_service.server.listeners import bind, url_of


def addresses(bound: list[socket.socket]) -> set[str]:
    found = {each.getsockname()[0] for each in bound}
    assert len({each.getsockname()[1] for each in bound}) == 1
    for each in bound:
        each.close()
    return found


def test_host_name_is_bound_on_each_of_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)), (socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert addresses(bind("localhost", 0)) == {"::1", "127.0.0.1"}


def test_address_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", taken.getsockname()[1])


def test_ipv4_is_used_where_there_is_no_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    (bound,) = bind("", 0)
    with bound:
        assert url_of(bound) == f"http://0.0.0.0:{bound.getsockname()[1]}"
