"""Responses of one event loop iteration are written together, in order, and none is lost or late."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from enn_service.inference.cost import SMALL_BYTES
from enn_service.server import write_coalescing
from enn_service.server.write_coalescing import CoalescingTransport

Body = Callable[[list[CoalescingTransport], list[socket.socket]], Awaitable[None]]


def run_with_connections(count: int, body: Body) -> None:
    """Run a test with connections and the sockets at their other ends."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pairs = [socket.socketpair() for _ in range(count)]
        made = [await loop.create_connection(asyncio.Protocol, sock=own) for own, _ in pairs]
        for _, other in pairs:
            other.settimeout(0)
        await body([CoalescingTransport(transport, loop) for transport, _ in made], [other for _, other in pairs])
        for transport, _ in made:
            transport.abort()
        for _, other in pairs:
            other.close()

    asyncio.run(main())


def received(sockets: list[socket.socket]) -> list[bytes | None]:
    """Return the bytes that have arrived at each socket; None if there are none."""
    return [_read(sock) for sock in sockets]


def _read(sock: socket.socket) -> bytes | None:
    try:
        return sock.recv(4 * SMALL_BYTES)
    except BlockingIOError:
        return None


async def finish_iteration() -> None:
    """Run two event loop iterations: one for the scheduled flush, one for the writes that it starts."""
    for _ in range(2):
        await asyncio.sleep(0)


def test_first_response_of_quiet_iterations_is_written_at_once() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        for _ in range(20):
            for connection in connections:
                connection.write_response(b"1")
            assert received(ends) == [b"1", None]
            await finish_iteration()
            assert received(ends) == [None, b"1"]

    run_with_connections(write_coalescing.IMMEDIATE_BELOW, body)


def test_busy_iterations_write_all_responses_at_their_end() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        found: list[list[bytes | None]] = []
        for count in [8] * 9 + [1] * 9:
            for connection in connections[:count]:
                connection.write_response(b"1")
            found.append(received(ends[:count]))
            await finish_iteration()
            assert [at_once or later for at_once, later in zip(found[-1], received(ends[:count]), strict=True)] == [
                b"1"
            ] * count
        assert found[0] == [b"1", *[None] * 7]
        assert found[8] == [None] * 8
        assert found[-1] == [b"1"]

    run_with_connections(8, body)


def test_head_and_body_are_written_together() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        connections[0].write(b"head ")
        connections[1].write_response(b"whole")
        connections[0].write(b"body")
        assert received(ends) == [None, None]
        await finish_iteration()
        assert received(ends) == [b"head body", b"whole"]

    run_with_connections(2, body)


def test_responses_on_one_connection_keep_their_order() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        connections[0].write_response(b"1")
        connections[0].write(b"2")
        connections[0].write_response(b"3")
        await finish_iteration()
        assert received(ends) == [b"123"]

    run_with_connections(1, body)


@pytest.mark.parametrize("large", [False, True])
def test_large_or_late_part_flushes_all_connections(monkeypatch: pytest.MonkeyPatch, *, large: bool) -> None:
    part = b"x" * (SMALL_BYTES + 1 if large else 1)
    if not large:
        monkeypatch.setattr(write_coalescing, "MAX_DELAY_SECONDS", 0)

    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        connections[0].write_response(b"1")
        connections[1].write(part)
        assert received(ends) == [b"1", part]

    run_with_connections(2, body)


def test_lost_connection_does_not_affect_other_responses() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        for connection in connections:
            connection.write_response(b"1")
        connections[1].abort()
        await finish_iteration()
        assert received(ends) == [b"1", b"", b"1"]

    run_with_connections(3, body)


def test_close_writes_buffered_responses_first() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        for connection in connections:
            connection.write_response(b"1")
            connection.close()
        await finish_iteration()
        assert [_read(end) for end in ends] == [b"1", b"1"]
        assert received(ends) == [b"", b""]

    run_with_connections(2, body)
