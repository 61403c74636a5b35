"""The first answer of a turn leaves at once, the others together when it ends; none is lost, late or out of order."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from enn_service.http.responses import MAX_BUFFERED_RESPONSE
from enn_service.server import write_coalescing as outbox
from enn_service.server.write_coalescing import CoalescingTransport

Body = Callable[[list[CoalescingTransport], list[socket.socket]], Awaitable[None]]


def over(count: int, body: Body) -> None:
    """Run something with so many connections, given with what reads their other ends."""

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


def arrived(sockets: list[socket.socket]) -> list[bytes | None]:
    """Return what has come; None where nothing has."""
    return [_read(sock) for sock in sockets]


def _read(sock: socket.socket) -> bytes | None:
    try:
        return sock.recv(4 * MAX_BUFFERED_RESPONSE)
    except BlockingIOError:
        return None


async def come_round() -> None:
    """Let the loop come round: once for what the turn has scheduled, and once for what that sends."""
    for _ in range(2):
        await asyncio.sleep(0)


def test_where_a_turn_has_few_answers_the_first_leaves_at_once_and_the_other_when_it_ends() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        for _ in range(20):
            for connection in connections:
                connection.send(b"1")
            assert arrived(ends) == [b"1", None]
            await come_round()
            assert arrived(ends) == [None, b"1"]

    over(outbox.IMMEDIATE_BELOW, body)


def test_where_turns_have_many_all_leave_at_the_end_until_they_have_few_again() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        found: list[list[bytes | None]] = []
        for count in [8] * 9 + [1] * 9:
            for connection in connections[:count]:
                connection.send(b"1")
            found.append(arrived(ends[:count]))
            await come_round()
            assert [at_once or later for at_once, later in zip(found[-1], arrived(ends[:count]), strict=True)] == [
                b"1"
            ] * count
        assert found[0] == [b"1", *[None] * 7]
        assert found[8] == [None] * 8
        assert found[-1] == [b"1"]

    over(8, body)


def test_a_head_waits_for_its_body_even_if_it_is_the_first() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        connections[0].write(b"head ")
        connections[1].send(b"whole")
        connections[0].write(b"body")
        assert arrived(ends) == [None, None]
        await come_round()
        assert arrived(ends) == [b"head body", b"whole"]

    over(2, body)


def test_answers_on_one_connection_leave_in_their_order() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        connections[0].send(b"1")
        connections[0].write(b"2")
        connections[0].send(b"3")
        await come_round()
        assert arrived(ends) == [b"123"]

    over(1, body)


@pytest.mark.parametrize("large", [False, True])
def test_what_is_large_or_has_waited_its_time_takes_everything_with_it(
    monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    part = b"x" * (MAX_BUFFERED_RESPONSE + 1 if large else 1)
    if not large:
        monkeypatch.setattr(outbox, "MAX_DELAY_SECONDS", 0)

    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        connections[0].send(b"1")
        connections[1].write(part)
        assert arrived(ends) == [b"1", part]

    over(2, body)


def test_a_connection_that_is_lost_takes_no_other_answer_with_it() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        for connection in connections:
            connection.send(b"1")
        connections[1].abort()
        await come_round()
        assert arrived(ends) == [b"1", b"", b"1"]

    over(3, body)


def test_a_connection_that_is_closed_has_sent_what_it_held() -> None:
    async def body(connections: list[CoalescingTransport], ends: list[socket.socket]) -> None:
        for connection in connections:
            connection.send(b"1")
            connection.close()
        await come_round()
        assert [_read(end) for end in ends] == [b"1", b"1"]
        assert arrived(ends) == [b"", b""]

    over(2, body)
